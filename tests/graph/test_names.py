"""Names that become names of files: one rule for wirings and symbols, and findings where a wiring breaks it."""

from __future__ import annotations

from pathlib import Path, PureWindowsPath

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from stratoquant.graph.names import name_problem, symbol_file_name, symbol_problem
from tests.graph.findings import HEAD, Desk, desk

__all__ = ["desk"]

NODES = "nodes: {L14: {inputs: {close: 100}}}\nrecord: [L14.rsi]\n"


@pytest.mark.parametrize("name", ["sma_cross", "2024 trend", "тренд", "趋势", "façade", "BRK.B", "^GSPC", "ES1!"])
def test_names_of_any_script_are_names(name: str) -> None:
    assert name_problem(name) is None
    assert symbol_problem(name) is None


@pytest.mark.parametrize("symbol", ["BTC/USDT", "BTC/USDT:USDT", "BINANCE:BTCUSDT", "EURUSD=X", "BTC-USD"])
def test_a_symbol_may_have_parts(symbol: str) -> None:
    assert symbol_problem(symbol) is None
    assert name_problem(symbol_file_name(symbol)) is None


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("", "empty"),
        ("../x", "contains `/`"),
        ("..", "begins with a dot"),
        (".hidden", "begins with a dot"),
        ("a/b", "contains `/`"),
        ("a\\b", "contains `\\`"),
        ("C:", "contains `:`"),
        ("a?", "contains `?`"),
        ("a\nb", "U+000A"),
        ("a\x00b", "U+0000"),
        ("a\u202eb", "U+202E"),
        ("a\udcffb", "U+DCFF"),
        (" a", "space"),
        ("a.", "ends with a dot"),
        ("CON", "Windows"),
        ("nul.txt", "Windows"),
        ("com1", "Windows"),
        ("x" * 101, "101 bytes"),
        ("ж" * 51, "102 bytes"),
    ],
)
def test_what_cannot_name_a_file_is_no_name(name: str, why: str) -> None:
    assert why in (name_problem(name) or "")


@pytest.mark.parametrize(
    "symbol", ["", "../x", "/etc", "a/", "a//b", "a/../b", "a\\b", "BTC/.", f"{'x' * 60}/{'y' * 60}"]
)
def test_a_part_that_is_no_name_makes_no_symbol(symbol: str) -> None:
    assert symbol_problem(symbol) is not None


@example("CON.a")
@example("COM¹")
@given(st.text(max_size=12))
@settings(deadline=None)
def test_what_is_accepted_is_one_file_on_every_system(name: str) -> None:
    if name_problem(name) is None:
        assert Path("/runs", name).resolve() == Path("/runs") / name
        assert PureWindowsPath(name).parts == (name,)
        assert not PureWindowsPath(name).is_reserved()


@pytest.mark.parametrize(
    ("text", "code", "place", "message"),
    [
        (HEAD + 'name: "../../evil"\n' + NODES, "W060", "3:7", "'../../evil' cannot name a folder: it contains `/`"),
        (HEAD + "symbols: [BTCUSDT, ../x]\n" + NODES, "W060", "3:20", "'../x' cannot be a symbol"),
        (HEAD + "symbols: [A, B, A]\n" + NODES, "W061", "3:17", "already named at"),
    ],
)
def test_a_wiring_with_an_unfit_name_is_unsound(desk: Desk, text: str, code: str, place: str, message: str) -> None:
    found = desk.check(text)
    assert not found.sound
    [finding] = [f for f in found.findings if f.code == code]
    assert str(finding.place).endswith(f":{place}")
    assert message in finding.message and finding.hint


def test_a_file_without_a_name_is_named_by_its_stem(desk: Desk) -> None:
    assert desk.check(HEAD + "symbols: [BTC/USDT]\n" + NODES).sound
