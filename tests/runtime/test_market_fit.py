"""Rules and sizes against the market that they meet: automatic steps, and what is found before a run."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stratoquant.config.settings import default_settings, read_settings
from stratoquant.graph.compiler import checked_or_raise
from stratoquant.graph.diagnostics import WiringError
from stratoquant.graph.model import Graph
from stratoquant.layers import catalogue
from stratoquant.runtime.data.codes import CODES
from stratoquant.runtime.data.market import Market, market_from
from stratoquant.runtime.data.synthetic import synthetic_market
from stratoquant.runtime.market_fit import (
    STEP_SHARE,
    Quote,
    check_fit,
    position_size,
    power_of_ten,
    quotes_of,
    rules_in_numbers,
)
from tests.runtime.bars import bars, changed

SPECS = Path(__file__).resolve().parents[2] / "specs"
AUTO: dict[str, float | None] = {"tick": None, "lot": None, "min_notional": 5.0, "max_qty": 0.0}
CASH = 100_000.0


def graph_of(name: str, folder: Path | None = None, more: str = "") -> Graph:
    """A wiring of specs/, or one that includes sma_cross and changes it."""
    path = SPECS / f"{name}.yaml"
    if folder is not None:
        path = folder / "changed.yaml"
        head = f"stratoquant: 1\nname: changed\nclock: 1m\nsymbols: [AAA]\ninclude: [{SPECS / 'minimal_risk.yaml'}]\n"
        nodes = "nodes:\n  L0: {inputs: {raw: market, now: clock.time}}\n  L11: {inputs: {close: L0.close}}\n"
        nodes += "  signal: {layer: agreement, inputs: {slow: L11.stack, fast: L11.stack}}\n"
        path.write_text(head + nodes + more, encoding="utf-8")
    graph = checked_or_raise(path, catalogue()).graph
    assert graph is not None
    return graph


def codes(
    graph: Graph, quote: Quote, rules: Mapping[str, float | None] = AUTO, cash: float = CASH, leverage: float = 5.0
) -> list[tuple[str, str]]:
    numbers = {"AAA": rules_in_numbers(rules, quote, cash)}
    return [(f.code, f.severity) for f in check_fit(graph, {"AAA": quote}, numbers, cash, leverage)]


@settings(max_examples=500, deadline=None)
@given(st.floats(1e-12, 1e9))
def test_automatic_steps_are_powers_of_ten_that_fit(price: float) -> None:
    rules = rules_in_numbers(AUTO, Quote(price, 0.0), CASH)
    for step, least in ((rules["tick"], price), (rules["lot"], CASH / price)):
        assert Decimal(repr(step)).normalize().as_tuple().digits == (1,)
        assert least * STEP_SHARE / 10 * (1 - 1e-12) <= step <= least * STEP_SHARE * (1 + 1e-12)
    assert (rules["min_notional"], rules["max_qty"]) == (5.0, 0.0)


def test_a_power_of_ten_is_the_decimal_itself() -> None:
    assert [power_of_ten(x) for x in (1.0, 9.99, 1e-5, 9.9e-6, 0.7, 1e22)] == [1.0, 1.0, 1e-5, 1e-6, 0.1, 1e22]
    assert power_of_ten(0.0) == power_of_ten(float("inf")) == power_of_ten(float("nan")) == 0.0


def scaled(market: pl.DataFrame, factor: float) -> Market:
    prices = [pl.col(c) * factor for c in ("open", "high", "low", "close")]
    return market_from(market.with_columns(*prices, pl.col("volume") / factor))


@pytest.mark.parametrize("price", [100.0, 0.5, 100 * 2.0**-30, 3e-9])
@pytest.mark.parametrize("name", ["sma_cross", "wiring_master"])
def test_the_shipped_rules_fit_any_price(name: str, price: float) -> None:
    """The same market at any scale of its price: none is refused, and none has a word against it."""
    market = scaled(bars(200).with_columns(volume=1e6), price / 100.0)
    quotes = quotes_of(market)
    shipped = default_settings()
    rules = {s: rules_in_numbers(shipped.rules_of(s), quote, CASH) for s, quote in quotes.items()}
    assert check_fit(graph_of(name), quotes, rules, CASH, shipped.venue.max_leverage) == []
    assert 99_000.0 < quotes["AAA"].price / rules["AAA"]["tick"] < 1e7


def test_a_price_of_few_ticks_is_found_before_the_run() -> None:
    graph = graph_of("sma_cross")
    fixed: dict[str, float | None] = {"tick": 0.0001, "lot": 0.0}
    assert codes(graph, Quote(6.5e-5, 0.0), fixed) == [("D034", "error")]
    assert codes(graph, Quote(0.0099, 0.0), fixed) == [("D034", "warning")]
    assert codes(graph, Quote(0.0101, 0.0), fixed) == []
    assert codes(graph, Quote(6.5e-5, 0.0), {"tick": 0.0}) == []


def test_a_lot_or_a_least_order_above_the_position_is_found_before_the_run() -> None:
    graph = graph_of("sma_cross")  # a tenth of the cash, 10,000
    assert codes(graph, Quote(100.0, 0.0), {"lot": 101.0}) == [("D035", "error")]
    assert codes(graph, Quote(100.0, 0.0), {"lot": 11.0}) == [("D035", "warning")]
    assert codes(graph, Quote(100.0, 0.0), {"lot": 9.0}) == []
    assert codes(graph, Quote(100.0, 0.0), {"min_notional": 5.0}, cash=49.0) == [("D036", "error")]
    assert codes(graph, Quote(100.0, 0.0), {"min_notional": 5.0}, cash=51.0) == []
    master = graph_of("wiring_master")  # layers decide, up to five times the cash
    assert codes(master, Quote(100.0, 0.0), {"lot": 5001.0}) == [("D035", "error")]
    assert codes(master, Quote(100.0, 0.0), {"lot": 4999.0}) == [("D035", "warning")]
    assert codes(master, Quote(100.0, 0.0), {"lot": 5001.0}, leverage=0.0) == [("D035", "warning")]
    assert codes(master, Quote(100.0, 0.0), {"lot": 9.0}) == []


def test_sizes_of_another_currency_are_found_before_the_run(tmp_path: Path) -> None:
    amounts = "override:\n  L4: {inputs: {notional: 10000, allowed: 10000}}\n"
    graph = graph_of("changed", tmp_path, amounts)
    assert position_size(graph, 1.0) == 10_000.0
    assert codes(graph, Quote(0.003, 1e9), cash=1.0) == [("D038", "warning")]
    assert codes(graph, Quote(100.0, 1e9)) == []
    share = graph_of("sma_cross")
    assert position_size(share, 1.0) == 0.1
    assert codes(share, Quote(0.003, 1.5), cash=CASH) == [("D037", "warning")]  # 100,000 bitcoins
    assert codes(share, Quote(0.003, 1.5), {"tick": None, "lot": None}, cash=10.0) == []
    master = graph_of("wiring_master")
    assert position_size(master, CASH) is None
    assert ("D038", "warning") in codes(master, Quote(0.003, 1e9), cash=1.0)  # L76.small_notional: 10 bitcoins


def test_what_sends_no_orders_has_no_sizes() -> None:
    assert codes(graph_of("bars_only"), Quote(6.5e-5, 1e-9), {"tick": 0.0001, "lot": 1e9}) == []


def test_every_finding_has_a_page_and_a_place(tmp_path: Path) -> None:
    graph = graph_of("changed", tmp_path, "override:\n  L4: {inputs: {notional: 10000, allowed: 10000}}\n")
    rules: dict[str, float | None] = {"tick": 1.0, "lot": 1e6, "min_notional": 1e6}
    quotes = {"AAA": Quote(0.5, 1.0)}
    found = check_fit(graph, quotes, {"AAA": rules_in_numbers(rules, quotes["AAA"], 1.0)}, 1.0, 5.0)
    assert [f.code for f in found] == ["D038", "D034", "D035", "D036", "D037"]
    assert all(f.code in CODES and f.message and f.fix for f in found)
    assert found[0].file.startswith(str(tmp_path)) or "minimal_risk.yaml:" in found[0].file
    assert {f.file for f in found[1:]} == {"AAA"}
    assert "rules: {AAA: {tick: ...}}" in found[1].fix


def test_unsound_prices_are_left_to_the_check_of_bars() -> None:
    for value in (float("nan"), 0.0, -1.0):
        quote = quotes_of(market_from(changed(bars(), 0, close=value)))["AAA"]
        assert quote.price == 0.0
        assert rules_in_numbers(AUTO, quote, CASH)["tick"] == 0.0
        assert codes(graph_of("sma_cross"), quote, {"tick": 1.0, "lot": 1e9}) == []


def test_the_built_in_market_has_no_word_against_it() -> None:
    market = synthetic_market(("BTCUSDT", "ETHUSDT", "XRPUSDT"), 5000, 1)
    quotes = quotes_of(market)
    rules = {s: rules_in_numbers(AUTO, quote, CASH) for s, quote in quotes.items()}
    for name in ("sma_cross", "trend_two_clocks", "wiring_master"):
        assert check_fit(graph_of(name), quotes, rules, CASH, 5.0) == []
    assert np.all([quote.turnover > 0.0 for quote in quotes.values()])


def test_steps_in_a_file_are_numbers_or_auto(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("rules:\n  AAA: {tick: auto, lot: 0.5}\n  default: {min_notional: 3}\n", encoding="utf-8")
    chosen = read_settings(path)
    assert chosen.rules_of("AAA") == {"tick": None, "lot": 0.5, "min_notional": 0.0, "max_qty": 0.0}
    assert chosen.rules_of("BBB") == {"tick": 0.0, "lot": 0.0, "min_notional": 3.0, "max_qty": 0.0}
    for bad in ("automatic", "-1", ".inf", "", "null", "[1]"):
        path.write_text(f"rules:\n  AAA: {{tick: {bad}}}\n", encoding="utf-8")
        with pytest.raises(WiringError) as caught:
            read_settings(path)
        (finding,) = caught.value.findings
        assert finding.code == "S002" and "rules.AAA.tick" in finding.message and finding.place.line == 2
