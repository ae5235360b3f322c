"""One machine code, three ways to run it: blocks, single steps and restored snapshots agree bit for bit."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from stratoquant.graph.plan import Plan
from stratoquant.graph.session import Session
from tests.graph.plans import audited, plan_of
from tests.graph.random_wirings import random_market, wirings

BARS = 240
# Every example compiles, so shrinking a failure would take minutes: the failing wiring is printed as it was drawn.
_PHASES = (Phase.explicit, Phase.reuse, Phase.generate)
FEW = settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck), phases=_PHASES)
MANY = settings(FEW, max_examples=60)


def run_in_blocks(session: Session, times: np.ndarray, events: np.ndarray, sizes: Sequence[int]) -> np.ndarray:
    """Every recorded value of the run, cut into blocks of the given sizes, the last one for what is left."""
    parts, start = [], 0
    for size in [*sizes, len(times)]:
        if start >= len(times):
            break
        block = session.run(times[start : start + size], events[start : start + size])
        parts.append(np.concatenate([block.symbols.reshape(len(block.symbols), -1), block.shared], axis=1))
        start += size
    return np.concatenate(parts)


def assert_parity(plan: Plan, times: np.ndarray, events: np.ndarray, cut: int) -> None:
    whole = audited(plan)
    values = run_in_blocks(whole, times, events, [])
    for size in (1, 7, 64):
        session = audited(plan)
        same = run_in_blocks(session, times, events, [size] * (len(times) // size))
        assert np.array_equal(values.view(np.int64), same.view(np.int64))
        assert session.digest() == whole.digest()
    first = audited(plan)
    first.run(times[:cut], events[:cut])
    snapshot = first.snapshot()
    first.run(times[cut:], events[cut:])  # going on must not touch the snapshot
    second = audited(plan)
    second.restore(snapshot)
    second.run(times[cut:], events[cut:])
    assert first.digest() == second.digest() == whole.digest()


@FEW
@given(text=wirings(), seed=st.integers(0, 2**32), cut=st.integers(1, BARS - 1))
def test_random_graphs_agree_however_they_are_run(text: str, seed: int, cut: int) -> None:
    assert_parity(plan_of(text), *random_market(seed, BARS, 3), cut)


@pytest.mark.slow
@MANY
@given(text=wirings(14), seed=st.integers(0, 2**32), cut=st.integers(1, BARS - 1))
def test_many_random_graphs_agree_however_they_are_run(text: str, seed: int, cut: int) -> None:
    assert_parity(plan_of(text), *random_market(seed, BARS, 3), cut)


SLOW_AND_LATE = """
stratoquant: 1
name: slow_and_late
clock: 1m
nodes:
  feed: {inputs: {raw: market}}
  slow: {layer: smooth, clock: 15m, inputs: {x: feed.close}, params: {window: 3}}
  mix: {inputs: {a: slow.mean, b: place.share@-1 else none}}
  place: {inputs: {x: mix.total, scale: 0.5}}
record: [mix.value]
"""


@pytest.mark.parametrize("memory", ["state", "portfolio", "edges"])
def test_the_parity_check_notices_a_forgotten_memory(memory: str) -> None:
    times, events = random_market(1, BARS, 3)
    plan = plan_of(SLOW_AND_LATE)
    whole = audited(plan)
    whole.run(times[:100], events[:100])
    sabotaged = audited(plan)
    snapshot = whole.snapshot()
    snapshot[memory] = audited(plan).snapshot()[memory]
    whole.run(times[100:], events[100:])
    sabotaged.restore(snapshot)
    sabotaged.run(times[100:], events[100:])
    assert sabotaged.digest() != whole.digest()


def test_a_snapshot_of_another_plan_is_refused() -> None:
    other = plan_of(SLOW_AND_LATE.replace("params: {window: 3}", "params: {window: 90}"))
    with pytest.raises(ValueError, match="not of this plan"):
        audited(plan_of(SLOW_AND_LATE)).restore(audited(other).snapshot())


def test_a_changed_window_or_constant_compiles_nothing_new_until_it_outgrows_its_ring() -> None:
    base = plan_of(SLOW_AND_LATE.replace("window: 3", "window: 4"))
    assert plan_of(SLOW_AND_LATE.replace("window: 3", "window: 7")).module == base.module
    assert (
        plan_of(SLOW_AND_LATE.replace("window: 3", "window: 4").replace("scale: 0.5", "scale: 0.7")).module
        == base.module
    )
    assert plan_of(SLOW_AND_LATE.replace("window: 3", "window: 8")).module != base.module


def test_a_slow_clock_sees_closed_bars_only_and_holds_them() -> None:
    times, events = random_market(3, 120, 1)
    plan = plan_of(SLOW_AND_LATE.replace("window: 3", "window: 1"), ["A"])
    session = Session(plan, _settings(plan), cash=1.0, record=["slow.mean", "feed.close"])
    slow, close = session.run(times, events).symbols[:, 0, :2].T
    closes = (times + 60_000) % 900_000 == 0
    expected, held, steps = [], np.nan, 0
    for t in range(len(times)):
        if closes[t]:
            steps += not np.isnan(close[t])
            held = close[t] if steps > 1 and not np.isnan(close[t]) else np.nan
        expected.append(held)
    assert np.array_equal(slow, expected, equal_nan=True)


SLOW_ONES = """
stratoquant: 1
name: slow_ones
clock: 1m
nodes:
  feed: {inputs: {raw: market}}
  mean: {layer: smooth, clock: 15m, inputs: {x: feed.close}, params: {window: 2}}
  sums: {layer: gather, clock: 15m, inputs: {values: [feed.close, mean.mean]}}
  again: {layer: gather, clock: 15m, inputs: {values: sums.sums@-1 else none}}
  place: {clock: 15m, inputs: {x: feed.close, scale: 0.5}}
  after: {layer: gather, clock: 15m, inputs: {values: [place.share, sums.present]}}
record: [sums.sums, again.sums, after.sums]
"""


@pytest.mark.parametrize("port", ["mean.mean", "sums.sums", "again.sums", "place.share", "after.sums"])
def test_what_a_slow_clock_said_stands_until_it_speaks_again(port: str) -> None:
    times, events = random_market(4, 200, 2)
    events["close"] = np.nan_to_num(events["close"], nan=50.0)
    plan = plan_of(SLOW_ONES, ["A", "B"])
    said = Session(plan, _settings(plan), cash=1.0, record=[port]).run(times, events).symbols
    closes = (times + 60_000) % 900_000 == 0
    assert np.isfinite(said[-1]).any()
    for t in range(1, len(times)):
        assert closes[t] or np.array_equal(said[t], said[t - 1], equal_nan=True), t
    changed = [t for t in np.flatnonzero(closes)[2:] if not np.array_equal(said[t], said[t - 1])]
    assert len(changed) >= closes.sum() - 3


TEN_AND_ONE = """
stratoquant: 1
name: ten_and_one
clock: 30s
nodes:
  ten: {layer: feed, clock: 10m, inputs: {raw: market}}
  one: {layer: feed, clock: 1m, inputs: {raw: market}}
record: [one.high]
"""


def test_clocks_whose_lengths_begin_with_the_same_digits_have_bars_of_their_own() -> None:
    times, events = random_market(6, 80, 1)
    times = times[0] + np.arange(80) * 30_000
    plan = plan_of(TEN_AND_ONE, ["A"])
    high = Session(plan, _settings(plan), cash=1.0, record=["one.high"]).run(times, events).symbols[:, 0, 0]
    pairs = events["high"][:, 0].reshape(-1, 2)
    np.testing.assert_array_equal(high[1::2], np.fmax(pairs[:, 0], pairs[:, 1]))


PLACE_ALONE = """
stratoquant: 1
name: place_alone
clock: 1m
nodes:
  feed: {inputs: {raw: market}}
  place: {inputs: {x: feed.close, scale: 0.5}}
record: []
"""


def test_a_node_that_does_not_speak_leaves_nothing_of_earlier_bars_behind() -> None:
    times, events = random_market(5, BARS, 1)
    plan = plan_of(PLACE_ALONE, ["A"])
    session = Session(plan, _settings(plan), cash=1.0, record=["place.share"])
    share = session.run(times, events).symbols[:, 0, 0]
    assert np.isnan(share).sum() > 10
    np.testing.assert_array_equal(share, 0.5 * events["close"][:, 0])  # its mean is its own close
    assert np.array_equal(session.value("place.share"), share[-1:], equal_nan=True)
    session.run(times[: BARS // 3], events[: BARS // 3])
    assert np.array_equal(session.value("place.share"), share[BARS // 3 - 1 : BARS // 3], equal_nan=True)


def _settings(plan: Plan) -> object:
    return plan.venue.settings()
