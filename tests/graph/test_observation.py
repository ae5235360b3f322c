"""An observed plan: the same values bit for bit, branches counted as they were taken, ports replaced as asked."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stratoquant.graph.compiler import checked_or_raise
from stratoquant.graph.market import missing_events
from stratoquant.graph.observation import Observed, ObservedSession, observe
from stratoquant.graph.plan import Plan, compile_plan
from stratoquant.graph.session import Session
from stratoquant.layers import catalogue
from stratoquant.runtime.data.synthetic import synthetic_market
from stratoquant.runtime.venue import SIMULATED, VenueSettings

SPECS = Path(__file__).parents[2] / "specs"
SYMBOLS = ("BTCUSDT", "ETHUSDT")
BARS = 6000


def plan_of(name: str) -> Plan:
    return compile_plan(checked_or_raise(SPECS / name, catalogue()), SIMULATED, SYMBOLS)


@pytest.fixture(scope="module")
def crossing() -> Observed:
    return observe(plan_of("sma_cross.yaml"))


def values(session: Session) -> dict[str, Any]:
    """Every recorded value of a run, (bars, symbols) or (bars,)."""
    own, shared = [], []
    for block in synthetic_market(SYMBOLS, BARS, 3, 60_000).blocks(777):
        recorded = session.run(block.times, block.events)
        own.append(recorded.symbols.copy())
        shared.append(recorded.shared.copy())
    names = [[c.name for c in session.recorded_columns if c.shared == s] for s in (False, True)]
    found = dict(zip(names[0], np.moveaxis(np.concatenate(own), 2, 0), strict=False))
    return found | dict(zip(names[1], np.concatenate(shared).T, strict=False))


def session_of(observed: Observed) -> ObservedSession:
    record = [name for name, column in observed.plan.layout.columns.items() if column.size == 1]
    return ObservedSession(observed, VenueSettings(), cash=1e5, record=record)


@pytest.mark.parametrize("name", ["sma_cross.yaml", "trend_two_clocks.yaml", "bars_only.yaml"])
def test_the_values_are_those_of_the_plan_bit_for_bit(name: str) -> None:
    plan = plan_of(name)
    watched = ObservedSession(observe(plan), VenueSettings(), cash=1e5, audit=True)
    usual = Session(plan, VenueSettings(), cash=1e5, audit=True)
    for session in (usual, watched):
        values(session)
    assert watched.control["digest"] == usual.control["digest"] != 0
    assert watched.counts.sum() > BARS


def test_both_backends_count_alike(crossing: Observed, monkeypatch: pytest.MonkeyPatch) -> None:
    native = session_of(crossing)
    values(native)
    monkeypatch.setenv("STRATOQUANT_BACKEND", "numba")
    reference = session_of(observe(plan_of("sma_cross.yaml")))
    values(reference)
    assert np.array_equal(native.counts, reference.counts)


def test_a_branch_is_counted_whenever_it_is_taken(crossing: Observed) -> None:
    session = session_of(crossing)
    found = values(session)
    fast, slow = found["fast.value"], found["slow.value"]
    ready = ~np.isnan(fast + slow)
    by_name = {b.condition: n for b, n in zip(crossing.branches, session.counts.tolist(), strict=True)}
    above, below = (fast > slow)[ready].sum(), (fast < slow)[ready].sum()
    assert above > 1000 and below > 1000
    assert by_name["fast > slow"] == [above, ready.sum() - above]
    assert by_name["fast < slow"] == [below, ready.sum() - above - below]


def test_a_branch_is_named_by_its_line_and_its_text(crossing: Observed) -> None:
    for branch in crossing.branches:
        line = Path(branch.place.file).read_text(encoding="utf-8").splitlines()[branch.place.line - 1]
        start = line[branch.place.column - 1 :]
        assert "".join(branch.condition.split()).startswith("".join(start.split())[: len(branch.condition) // 2])
        ast.parse(branch.condition, mode="eval")


def test_a_port_outputs_what_is_put_in_its_place_where_it_has_a_value(crossing: Observed) -> None:
    usual = values(session_of(crossing))
    session = session_of(crossing)
    session.put_in_place({"signal.side": -1.0, "L79.halt": 1.0})
    changed = values(session)
    missing = np.isnan(usual["signal.side"])
    assert missing.any()
    assert np.array_equal(np.isnan(changed["signal.side"]), missing)
    assert (changed["signal.side"][~missing] == -1.0).all()
    assert (changed["L79.halt"] == 1.0).all() and (usual["L79.halt"] == 0.0).all()
    assert (changed["L4.target"] == 0.0).all(), "a halt reaches the gate"
    assert np.array_equal(changed["fast.value"], usual["fast.value"], equal_nan=True)


def test_a_vector_is_replaced_whole() -> None:
    plan = plan_of("book_seconds.yaml")
    observed = observe(plan)
    session = ObservedSession(observed, VenueSettings(), cash=1e5, record=["L0.bid_qty", "L8.depth_bid"])
    session.put_in_place({"L0.bid_qty": 2.0})
    rng = np.random.default_rng(0)
    market = synthetic_market(SYMBOLS, 50, 3, plan.graph.clock_ms)
    for block in market.blocks(50):
        events = missing_events(len(block.times), len(SYMBOLS))
        for name in block.events.dtype.names or ():
            events[name] = block.events[name]
        levels = np.arange(10)
        for ladder, sign in (("bid", -1.0), ("ask", 1.0)):
            events[f"{ladder}_px"] = events["close"][..., None] * (1.0 + sign * 1e-4 * (levels + 1))
            events[f"{ladder}_qty"] = rng.uniform(5.0, 9.0, (*events.shape, 10))
        recorded = session.run(block.times, events).symbols
    assert (recorded[..., :10] == 2.0).all()


def test_the_normal_build_has_no_counters() -> None:
    plan = plan_of("sma_cross.yaml")
    assert "branch_counts" not in plan.text and "port_switches" not in plan.text
