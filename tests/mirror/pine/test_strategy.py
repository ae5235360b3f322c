"""Strategies: the wiring's own gate on TradingView's tester, held against the plan's backtest bar by bar."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from stratoquant.graph.compiler import Checked, checked_or_raise
from stratoquant.graph.market import BAR_EVENT, missing_events
from stratoquant.graph.plan import compile_plan
from stratoquant.graph.session import Session
from stratoquant.layers import catalogue
from stratoquant.mirror.engines import Columns, Engine, run_script
from stratoquant.mirror.pine.export import choose, export
from stratoquant.runtime.data.market import Market, market_from
from stratoquant.runtime.data.synthetic import synthesise
from stratoquant.runtime.errors import StratoError
from stratoquant.runtime.venue import FRICTIONLESS, SIMULATED
from tests.mirror.pine.engines import on_each_engine

SPECS = Path(__file__).parents[3] / "specs"
LOT = 1.0  # with it every quantity is a whole number, exact in every engine
RULES = {"tick": 0.01, "lot": LOT}
GATE = ["L4.target", "L79.halt", "L80.scale", "L95.trade", "L96.qty"]
NERVOUS = {"L79.daily": 0.004, "L80.soft": 0.01, "L80.hard": 0.05, "L80.recover": 0.2}
"""Limits that a position of a tenth of the equity reaches on wild bars."""
SHARE_LAYER = '''"""share_of_equity: a size that grows with the account."""

from typing import NamedTuple

from stratoquant.graph.language import Parameters, layer, param
from stratoquant.graph.types import Notional


class Params(Parameters):
    share: float = param(0.1, 0, 1, "of equity")


class Out(NamedTuple):
    notional: Notional


@layer(None, "share_of_equity", domain="block", source="test"{})
def step(p: Params, equity: Notional) -> Out:
    return Out(p.share * equity)
'''
SHARE_WIRING = """stratoquant: 1
name: share
clock: 1m
symbols: [BTCUSDT]
layers: [own]
include: [{}]
nodes:
  share: {{layer: share_of_equity, inputs: {{equity: account.equity}}}}
override: {{L4: {{inputs: {{notional: share.notional, allowed: share.notional}}}}}}
"""


@dataclass(frozen=True)
class Traded:
    """A plan's backtest on the bars of a chart: those bars, the account after each, and the ports of the gate."""

    bars: Columns
    position: np.ndarray
    equity: np.ndarray
    ports: Columns


def wild_market(bars: int, seed: int, size: float) -> Market:
    """Made-up bars without a hole from a price of 50 on, in whole cents, whose moves are `size` times as large."""
    table = synthesise(("BTCUSDT",), bars, seed)
    first = float(table["close"][0])
    grown = [(50.0 * (pl.col(c) / first) ** size).round(2).alias(c) for c in ("open", "high", "low", "close")]
    times = pl.int_range(pl.len()).cast(table["time"].dtype) * 60_000 + table["time"][0]
    return market_from(table.with_columns(*grown, times.alias("time")), ("BTCUSDT",), 60_000)


def traded(checked: Checked, market: Market, fee: float) -> Traded:
    plan = compile_plan(checked, SIMULATED, ("BTCUSDT",))
    settings = FRICTIONLESS.model_copy(update={"taker_fee": fee})
    session = Session(plan, settings, cash=100_000.0, rules=[RULES], record=GATE)
    times, events, position, equity, ports = [], [], [], [], []
    for block in market.blocks():
        seen = missing_events(len(block.times), 1, BAR_EVENT)
        for name in ("time", "open", "high", "low", "close", "volume"):
            seen[name][:, 0] = block.events[name][:, 0]
        for k in range(len(block.times)):
            recorded = session.run(block.times[k : k + 1], seen[k : k + 1])
            if not np.isnan(seen["time"][k, 0]):
                times.append(block.times[k])
                events.append(seen[k, 0].copy())
                position.append(session.accounts["position"][0])
                equity.append(recorded.balances[0, 0])
                ports.append([value(session, port) for port in GATE])
    bars = np.array(events)
    columns = {n: np.ascontiguousarray(bars[n]) for n in ("open", "high", "low", "close", "volume")}
    table = np.array(ports)
    return Traded(
        {"time": np.array(times), **columns},
        np.array(position),
        np.array(equity),
        {port: table[:, k] for k, port in enumerate(GATE)},
    )


def value(session: Session, port: str) -> float:
    return float(session.value(port)[0])


def script_of(checked: Checked) -> str:
    return export(checked, choose(checked, strategy=True), strategy=True).text


def assert_same_trades(engine: Engine, script: str, ours: Traded) -> None:
    said = run_script(engine, script, ours.bars, 60_000, lot=LOT)
    np.testing.assert_allclose(said["account.position"], ours.position, rtol=0, atol=1e-9)
    np.testing.assert_allclose(said["account.equity"], ours.equity, rtol=1e-9)


@on_each_engine
@pytest.mark.parametrize("fee", [0.0, 5.0], ids=["frictionless", "with a fee"])
def test_the_sma_cross_trades_as_its_plan_does(engine: Engine, fee: float) -> None:
    checked = checked_or_raise(SPECS / "sma_cross.yaml", catalogue(), {"fast.window": 10, "slow.window": 60})
    script = script_of(checked)
    assert "commission_value = 0.05" in script  # percent: 5 bps
    if not fee:
        script = script.replace("commission_value = 0.05", "commission_value = 0.0")
    ours = traded(checked, wild_market(1_500, 3, 1.0), fee)
    assert np.count_nonzero(np.diff(ours.position)) > 30
    assert_same_trades(engine, script, ours)


@on_each_engine
def test_the_gate_halts_and_shrinks_on_the_tester_as_in_the_plan(engine: Engine) -> None:
    """Bars so wild that loss limits halt the day and the drawdown shrinks what is held."""
    settings = {"fast.window": 5, "slow.window": 20, **NERVOUS}
    checked = checked_or_raise(SPECS / "sma_cross.yaml", catalogue(), settings)
    ours = traded(checked, wild_market(2_500, 11, 9.0), 5.0)
    halted, scale = ours.ports["L79.halt"] > 0.0, ours.ports["L80.scale"]
    assert halted.any() and not halted.all() and (ours.ports["L95.trade"] == 0.0).any()
    assert len(np.unique(scale)) > 20 and scale.min() < 0.9
    assert_same_trades(engine, script_of(checked), ours)


@on_each_engine
def test_a_size_that_is_a_share_of_equity_is_the_testers(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked = share_of_equity(', loop="closed"', tmp_path, monkeypatch)
    ours = traded(checked, wild_market(1_000, 5, 3.0), 5.0)
    assert len(np.unique(np.abs(ours.position))) > 20
    assert_same_trades(engine, script_of(checked), ours)


def share_of_equity(declared: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Checked:
    monkeypatch.chdir(folder)
    Path("own/blocks").mkdir(parents=True)
    Path("own/blocks/share_of_equity.py").write_text(SHARE_LAYER.format(declared), encoding="utf-8")
    Path("share.yaml").write_text(SHARE_WIRING.format(SPECS / "sma_cross.yaml"), encoding="utf-8")
    return checked_or_raise(Path("share.yaml"), catalogue(), {"fast.window": 10, "slow.window": 40, "share.share": 0.9})


@pytest.mark.parametrize("declared", ["", ', pine="yes"'])
def test_a_layer_that_reads_the_account_is_in_a_strategy_however_it_is_declared(
    declared: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "f_share_of_equity(" in script_of(share_of_equity(declared, tmp_path, monkeypatch))


def test_the_head_says_what_is_left_out() -> None:
    script = script_of(checked_or_raise(SPECS / "sma_cross.yaml", catalogue()))
    head = script.split("\n\n")[0]
    for words in ("the wiring's own", "strategy.equity", "operator's kill and reset", "latency", "liquidation"):
        assert words in head
    follows = script_of(checked_or_raise(SPECS / "bars_only.yaml", catalogue())).split("\n\n")[0]
    assert "follow the direction" in follows and "the wiring sends no orders" in follows
    master = script_of(checked_or_raise(SPECS / "wiring_master.yaml", catalogue())).split("\n\n")[0]
    assert "its orders have price" in master


def test_without_orders_or_direction_the_cause_is_named(tmp_path: Path) -> None:
    path = tmp_path / "wiring.yaml"
    path.write_text(
        "stratoquant: 1\nname: rsi\nclock: 1m\nsymbols: [AAA]\nnodes:\n  L0: {inputs: {raw: market, now: clock.time}}\n"
        "  L14: {inputs: {close: L0.close}}\nrecord: [L14.rsi]\n",
        encoding="utf-8",
    )
    checked = checked_or_raise(path, catalogue())
    with pytest.raises(StratoError, match="the wiring sends no orders") as caught:
        export(checked, choose(checked, strategy=True), strategy=True)
    assert caught.value.code == "M006"
