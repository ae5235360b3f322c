"""Findings of one check are shown together: a part that does not fit hides nothing else, and adds no others."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.graph.findings import HEAD, Desk, desk
from tests.tools.test_cli import Shell, shell

__all__ = ["desk", "shell"]

FEED = "  L0: {inputs: {raw: market, now: clock.time}}\n"


def told(desk: Desk, text: str) -> list[tuple[str, str]]:
    return [(f.code, str(f.place)) for f in desk.errors(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("symbols: BTC\n", ["W007 w.yaml:3:10"]),
        ("outputs: some\nnickname: x\n", ["W007 w.yaml:3:10", "W007 w.yaml:4:1"]),
        ("record: [5]\n", ["W007 w.yaml:3:10"]),
    ],
)
def test_wrong_key_and_names_elsewhere(text: str, expected: list[str], desk: Desk) -> None:
    nodes = f"nodes:\n{FEED}  rsi: {{layer: L14, inputs: {{close: L0.clos}}}}\n  b: {{layer: nosuch}}\n"
    at = text.count("\n") + 3
    found = [f"{code} {place}" for code, place in told(desk, HEAD + text + nodes)]
    assert found == [*expected, f"W012 w.yaml:{at + 2}:37", f"W010 w.yaml:{at + 3}:14"]


@pytest.mark.parametrize(
    "node",
    [
        "{layer: L14, inptus: {close: L0.close}}",
        "{layer: 14, inputs: {close: L0.close}}",
        "{layer: L14, clock: 15, inputs: {close: L0.close}}",
        "[L14]",
    ],
)
def test_broken_node_is_reported_once(node: str, desk: Desk) -> None:
    """Neither its own missing parts nor what reads it add to the finding."""
    reader = "  slow: {layer: L14, inputs: {close: L0.close, closed: 1}}\n  c: {layer: sma, inputs: {price: rsi.rsi}}\n"
    found = told(desk, f"{HEAD}nodes:\n{FEED}  rsi: {node}\n{reader}record: [rsi.rsi, c.value]\n")
    codes = [code for code, _ in found]
    assert codes[0] == "W007" and found[0][1].startswith("w.yaml:5:")
    assert codes[1] == "W013" and found[1][1].startswith("w.yaml:6:")
    assert not {"W011", "W012", "W016", "W040"} & {code for code, place in found if ":7:" not in place}
    assert codes.count("W007") == 1


def test_wrong_parameter_leaves_the_node(desk: Desk) -> None:
    node = "  L14: {inputs: {close: L0.clos}, params: {window: long, windw: 3}}\n"
    found = told(desk, f"{HEAD}nodes:\n{FEED}{node}record: [L14.rsi]\n")
    assert [code for code, _ in found] == ["W012", "W007", "W014"]


def test_missing_version_and_a_wrong_name(desk: Desk) -> None:
    found = told(desk, f"clock: 1m\nnodes:\n{FEED}  L14: {{inputs: {{close: L0.clos}}}}\nrecord: [L14.rsi]\n")
    assert [code for code, _ in found] == ["W008", "W012"]


@pytest.mark.parametrize(
    ("included", "code"), [("nodes: [", "W002"), ("stratoquant: 1\nnodes: 5\n", "W007"), (None, "W005")]
)
def test_included_file_that_cannot_be_read(included: str | None, code: str, desk: Desk) -> None:
    """What it may hold is not missed; what is wrong elsewhere is found."""
    if included is not None:
        desk.write({"more.yaml": included})
    node = "  L14: {inputs: {close: price.close}, params: {windw: 3}}\n"
    override = "override: {price: {params: {window: 5}}}\n"
    found = told(desk, f"{HEAD}include: [more.yaml]\nnodes:\n{node}{override}record: [L14.rsi, price.high]\n")
    assert sorted(c for c, _ in found) == sorted([code, "W014"])


def test_wrong_included_file_and_the_including_one(desk: Desk) -> None:
    desk.write({"more.yaml": f"stratoquant: 1\nnods: {{}}\nnodes:\n{FEED}  a: {{layer: nosuch}}\n"})
    found = told(
        desk, f"{HEAD}include: [more.yaml]\nnodes:\n  L14: {{inputs: {{close: L0.clos}}}}\nrecord: [L14.rsi]\n"
    )
    assert [code for code, _ in found] == ["W007", "W010", "W012"]


@pytest.mark.parametrize(
    ("line", "message", "hint"),
    [
        ("symbols: [TRUE]", "`symbols.0` must be text, not `TRUE`", '"TRUE"`: without them YAML reads a truth value'),
        ("symbols: [1e5]", "`symbols.0` must be text, not `1e5`", '"1e5"`: without them YAML reads a number'),
        ("symbols: [BTC, 0x1F]", "`symbols.1` must be text, not `0x1F`", '"0x1F"`: without them YAML reads a number'),
        ("symbols: [null]", "`symbols.0` must be text, not `null`", '"null"`: without them YAML reads an empty value'),
        ("symbols: [~]", "not `~`", '"~"`: without them YAML reads an empty value'),
        ("name: 2024", "`name` must be text, not `2024`", '"2024"`: without them YAML reads a number'),
        ("name: false", "`name` must be text, not `false`", '"false"`: without them YAML reads a truth value'),
        ("include: [1.5]", "`include.0` must be text, not `1.5`", '"1.5"`: without them YAML reads a number'),
        ("layers: [12]", "`layers.0` must be text, not `12`", '"12"`: without them YAML reads a number'),
        ("nodes: {a: {layer: 14}}", "`nodes.a.layer` must be text, not `14`", "`layer: L14`"),
        ("nodes: {a: {layer: TRUE}}", "`nodes.a.layer` must be text, not `TRUE`", '"TRUE"`: without them YAML'),
        ("nodes: {L14: {clock: 15}}", "`nodes.L14.clock` must be text, not `15`", "add the unit: `clock: 15m`"),
    ],
)
def test_word_that_needs_quotes(line: str, message: str, hint: str, desk: Desk) -> None:
    found = next(f for f in desk.errors(f"{HEAD}{line}\n") if f.code == "W007")
    assert message in found.message
    assert hint in found.hint


@pytest.mark.parametrize("symbol", ["TRUE", "1e5", "null", "0x1F", "~", "2024-01-01", "no"])
def test_quoted_symbol(symbol: str, desk: Desk) -> None:
    checked = desk.check(f'{HEAD}symbols: ["{symbol}"]\nnodes:\n{FEED}record: [L0.close]\n')
    assert checked.sound
    assert checked.graph is not None and checked.graph.symbols == (symbol,)


@pytest.mark.parametrize("format_", ["json", "sarif", "github"])
def test_findings_of_kernels_for_programs(format_: str, shell: Shell) -> None:
    Path("own/blocks").mkdir(parents=True)
    Path("own/blocks/mine.py").write_text(
        "from typing import NamedTuple\n\nfrom stratoquant.graph.language import State, layer\n"
        "from stratoquant.graph.types import Price, Side\n\n\n"
        "class Memory(State):\n    side: float = 0.0\n\n\nclass Out(NamedTuple):\n    side: Side\n\n\n"
        '@layer(None, "mine", domain="pattern", source="test")\ndef step(s: Memory, x: Price) -> Out:\n'
        "    return Out(s.sidee)\n"
    )
    text = f"{HEAD}layers: [own]\nnodes:\n{FEED}  mine: {{inputs: {{x: L0.close}}}}\nrecord: [mine.side]\n"
    Path("w.yaml").write_text(text)
    assert shell.run("check", "w.yaml", "--format", format_) == 1
    assert "K010" in shell.out and "sidee" in shell.out and "own/blocks/mine.py" in shell.out
    if format_ != "github":
        json.loads(shell.out)
