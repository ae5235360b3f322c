"""The wirings in specs/: sound, and the same bits however they are run. `make prove` proves that they are causal."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest

from stratoquant.graph.compiler import checked_or_raise
from stratoquant.graph.plan import Plan, compile_plan
from stratoquant.graph.session import Session
from stratoquant.layers import catalogue
from stratoquant.runtime.data.synthetic import synthetic_market
from stratoquant.runtime.venue import SIMULATED, VenueSettings
from tests.layers.real_data import real_market

SPECS = Path(__file__).resolve().parents[2] / "specs"
FORCED = Path(__file__).with_name("forced_master.yaml")
WHOLE = ("forced_master", "sma_cross", "trend_two_clocks")
SYMBOLS = ("BTCUSDT", "ETHUSDT", "XRPUSDT")
Bars = tuple[np.ndarray, np.ndarray]


@cache
def plan(name: str) -> Plan:
    checked = checked_or_raise(FORCED if name == FORCED.stem else SPECS / f"{name}.yaml", catalogue())
    return compile_plan(checked, SIMULATED, SYMBOLS)


def recorded_bars(bars: int) -> Bars:
    """Minutes of three symbols that lie around an outage of the exchange and a crash."""
    return gathered(real_market(SYMBOLS, "2021-04-25T01:00", bars))  # three hours before the outage


def gathered(market: object) -> Bars:
    blocks = [(b.times.copy(), b.events.copy()) for b in market.blocks(2048)]
    return tuple(np.concatenate(parts) for parts in zip(*blocks, strict=True))


def session(name: str) -> Session:
    rules = [{"tick": 1e-4, "lot": 1e-4, "min_notional": 5.0}] * len(SYMBOLS)
    return Session(plan(name), VenueSettings(), cash=100_000.0, rules=rules, audit=True)


def state_of(run: Session) -> dict[str, bytes]:
    return {name: record.tobytes() for name, record in run.snapshot().items()}


def assert_parity(name: str, times: np.ndarray, events: np.ndarray) -> Session:
    whole = session(name)
    fills: list[np.ndarray] = []
    whole.run(times, events, lambda log: fills.append(log.copy()))
    for size in (7, 64, 2048):
        blocks = session(name)
        for start in range(0, len(times), size):
            blocks.run(times[start : start + size], events[start : start + size])
        assert blocks.digest() == whole.digest(), f"blocks of {size}"
        assert state_of(blocks) == state_of(whole)
    single = session(name)
    steps: list[np.ndarray] = []
    for t in range(len(times)):
        single.step(int(times[t]), events[t], lambda log: steps.append(log.copy()))
    assert single.digest() == whole.digest()
    assert np.concatenate(fills).tobytes() == np.concatenate(steps).tobytes()
    for cut in np.random.default_rng(11).integers(1, len(times), 3):
        before, after = session(name), session(name)
        before.run(times[:cut], events[:cut])
        after.restore(before.snapshot())
        after.run(times[cut:], events[cut:])
        assert after.digest() == whole.digest(), f"restored at bar {cut}"
    return whole


def test_the_master_runs_the_same_in_blocks_in_steps_and_restored() -> None:
    whole = assert_parity("forced_master", *recorded_bars(6000))
    assert whole.accounts["fees"].sum() > 0.0


@pytest.mark.parametrize("name", WHOLE)
def test_every_wiring_runs_the_same_on_the_built_in_market(name: str) -> None:
    assert_parity(name, *gathered(synthetic_market(SYMBOLS, 6000, 5)))


@pytest.mark.parametrize("name", WHOLE)
def test_no_value_leaves_the_range_of_its_port(name: str) -> None:
    run = session(name)
    run.run(*gathered(synthetic_market(SYMBOLS, 20_000, 3, book=True)))
    assert run.violation() is None
    run = session(name)
    run.run(*recorded_bars(30_000))
    assert run.violation() is None


def test_the_size_of_a_position_is_a_share_whatever_the_currency() -> None:
    """With prices and cash counted in a unit that is worth 2^20 times as much, every quantity stays what it was."""
    times, events = gathered(synthetic_market(SYMBOLS, 6000, 5))
    scaled = events.copy()
    for price in ("open", "high", "low", "close"):
        scaled[price] *= 2.0**-20
    held = []
    for cash, market in ((2.0**17, events), (2.0**-3, scaled)):
        run = Session(plan("sma_cross"), VenueSettings(), cash=cash, rules=[{}] * len(SYMBOLS), record=["L4.target"])
        held.append(run.run(times, market).symbols.copy())
    assert np.nanmax(np.abs(held[0])) > 0.0
    assert np.array_equal(held[0], held[1], equal_nan=True)


def test_cash_and_positions_are_the_equity() -> None:
    run = session("forced_master")
    run.run(*gathered(synthetic_market(SYMBOLS, 10_000, 9)))
    equity = run.wallet["cash"][0] + run.accounts["exposure"].sum()
    assert run.wallet["equity"][0] == pytest.approx(equity, rel=1e-12)
