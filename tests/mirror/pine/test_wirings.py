"""Whole wirings in Pine: every translatable layer alone, random chains of them, and bars_only, on recorded bars."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from stratoquant.graph.compiler import Checked, checked_or_raise
from stratoquant.layers import catalogue
from stratoquant.mirror.engines import Engine, installed
from stratoquant.mirror.pine.export import choose, computed_ports, export, probe_text
from stratoquant.mirror.verify import Parity, verify
from stratoquant.runtime.data.market import Market, market_from
from stratoquant.runtime.data.synthetic import synthesise
from tests.layers.real_data import real_market
from tests.mirror.pine.engines import on_each_engine
from tests.mirror.pine.parity_page import PAGE, page_of, ports_on
from tests.mirror.pine.random_wirings import chained_layers, each_layer_alone, translatable

SPECS = Path(__file__).parents[3] / "specs"
BARS_ONLY = SPECS / "bars_only.yaml"
SYMBOLS = ["BTCUSDT", "ETHUSDT", "XRPUSDT"]
FEW = settings(max_examples=2, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate])


def recorded(bars: int, symbols: list[str]) -> Market:
    return real_market(symbols, "2021-04-21", bars)


def checked_text(text: str, folder: Path) -> Checked:
    path = folder / "wiring.yaml"
    path.write_text(text, encoding="utf-8")
    return checked_or_raise(path, catalogue())


def assert_agreement(parity: Parity) -> None:
    wrong = [(s.symbol, p) for s in parity.symbols for p in s.ports if p.differing]
    assert not wrong, wrong[:8]


def compare_nodes(text: str, keys: list[str], folder: Path, market: Market, engine: Engine) -> Parity:
    checked = checked_text(text, folder)
    assert checked.graph is not None
    ports = [p for p in computed_ports(checked) if p.split(".")[0] in keys]
    assert {p.split(".")[0] for p in ports} == set(keys)
    return verify(checked, probe_text(checked, ports), market, ports, engine)


@cache
def alone() -> tuple[str, list[str]]:
    return each_layer_alone(2, translatable(), [str(BARS_ONLY)])


@on_each_engine
def test_every_layer_alone_agrees_on_some_bars(engine: Engine, tmp_path: Path) -> None:
    text, keys = alone()
    assert_agreement(compare_nodes(text, keys, tmp_path, recorded(900, ["BTCUSDT"]), engine))


@pytest.mark.slow
@on_each_engine
def test_every_layer_alone_agrees_on_5000_bars(engine: Engine, tmp_path: Path) -> None:
    """Of three symbols on PyneCore, the gate; of one on PineTS, which takes three times as long."""
    text, keys = alone()
    symbols = SYMBOLS if engine.name == "PyneCore" else SYMBOLS[:1]
    parity = compare_nodes(text, keys, tmp_path, recorded(5_200, symbols), engine)
    assert all(s.bars >= 5_000 for s in parity.symbols)
    assert_agreement(parity)
    spoke = [max(s.ports[k].compared for s in parity.symbols) for k in range(len(parity.symbols[0].ports))]
    silent = [p.port for p, count in zip(parity.symbols[0].ports, spoke, strict=True) if not count]
    assert len(silent) < len(spoke) / 10 or len(symbols) == 1, silent  # one symbol may lack a rare pattern
    if os.environ.get("STRATOQUANT_WRITE_DOCS"):
        PAGE.parent.mkdir(parents=True, exist_ok=True)
        PAGE.write_text(page_of(parity, engine.name, PAGE), encoding="utf-8")


def test_the_page_of_parity_lists_every_translated_port() -> None:
    """Made anew by STRATOQUANT_WRITE_DOCS=1 pytest -m slow tests/mirror/pine/test_wirings.py."""
    wanted = {f"{layer.key}.{n}" for layer in translatable() for n, kind in layer.outputs.items() if kind.size is None}
    assert ports_on(PAGE) == wanted


@pytest.mark.skipif(not installed(), reason="no interpreter of Pine here")
@FEW
@given(seed=st.integers(0, 2**32))
def test_random_chains_agree(seed: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    """On two clocks or more, one step late, with vectors and with inputs that are missing."""
    text, keys = chained_layers(seed, translatable())
    bars = synthesise(("AAA",), 1_500, seed % 1000)
    bars = bars.filter(pl.col("time") // 60_000 % 97 > 3)  # holes of four minutes
    market = market_from(bars, ("AAA",), 60_000)
    for engine in installed().values():
        assert_agreement(compare_nodes(text, keys, tmp_path_factory.mktemp("chain"), market, engine))


@on_each_engine
def test_bars_only_decides_alike_on_every_bar(engine: Engine) -> None:
    checked = checked_or_raise(BARS_ONLY, catalogue())
    made = export(checked, choose(checked))
    parity = verify(checked, made.text, recorded(2_500, ["ETHUSDT"]), made.shown, engine)
    assert_agreement(parity)
    decided = {p.port: p.compared for p in parity.symbols[0].ports}
    assert decided["L3.direction"] > 700


@on_each_engine
def test_a_difference_is_found(engine: Engine) -> None:
    """The check is itself checked: a script of other parameters differs, and the table says where first."""
    checked = checked_or_raise(BARS_ONLY, catalogue())
    other = checked_or_raise(BARS_ONLY, catalogue(), {"L14.window": 15})
    ports = ["L14.rsi", "L2.r1"]
    parity = verify(checked, probe_text(other, ports), recorded(300, ["BTCUSDT"]), ports, engine)
    rsi, r1 = parity.symbols[0].ports
    assert rsi.differing > 200 and rsi.first is not None and rsi.worst > 1e-3
    assert not r1.differing and r1.first is None
    assert parity.differing == rsi.differing and np.isfinite(parity.worst()["L2.r1"])


OPENED = """
stratoquant: 1
clock: 1m
nodes:
  slow: {layer: L0, clock: "1h@00:30", inputs: {raw: market, now: clock.time}}
  momentum: {layer: L14, clock: "1h@00:30", inputs: {close: slow.close}, params: {window: 3}}
record: [momentum.rsi]
"""


@on_each_engine
def test_a_slow_clock_that_opens_at_half_past_agrees(engine: Engine, tmp_path: Path) -> None:
    market = market_from(synthesise(("AAA",), 3_000, 5), ("AAA",), 60_000)
    parity = compare_nodes(OPENED, ["slow", "momentum"], tmp_path, market, engine)
    assert_agreement(parity)
    compared = {p.port: p.compared for p in parity.symbols[0].ports}
    assert compared["slow.high"] > 2_800 and compared["momentum.rsi"] > 2_600
