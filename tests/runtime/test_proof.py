"""The dynamic proof passes an honest host and catches one that lets the future in, by the data or by itself."""

from __future__ import annotations

import polars as pl
import pytest

from stratoquant.graph.plan import Plan
from stratoquant.runtime.data.synthetic import synthesise
from stratoquant.runtime.proof import Trace, causality_findings, replay_all
from tests.graph.plans import plan_of

WIRING = """
stratoquant: 1
name: proof
clock: 1m
nodes:
  feed: {inputs: {raw: market}}
  slow: {layer: feed, clock: 5m, inputs: {raw: market}}
  mean: {layer: smooth, inputs: {x: feed.close}, params: {window: 5}}
  mix: {inputs: {a: mean.mean, b: slow.close}}
  place: {inputs: {x: mix.value, scale: 0.5}}
record: [mix.value]
"""
SYMBOLS = ("AAA", "BBB")


@pytest.fixture(scope="module")
def plan() -> Plan:
    return plan_of(WIRING, SYMBOLS)


@pytest.fixture(scope="module")
def bars() -> pl.DataFrame:
    return synthesise(SYMBOLS, 1200, seed=3)


def shifted(plan: Plan, bars: pl.DataFrame) -> Trace:
    """Closes of the next bar: what a shift in the wrong direction does."""
    return replay_all(plan, bars.with_columns(pl.col("close").shift(-1).over("symbol").fill_null(pl.col("open"))
                                              .clip(pl.col("low"), pl.col("high"))))  # fmt: skip


def scaled(plan: Plan, bars: pl.DataFrame) -> Trace:
    """Prices divided by the mean of the whole history: what a normalisation over all data does."""
    mean = pl.col("close").mean().over("symbol")
    return replay_all(plan, bars.with_columns(pl.col(c) / mean for c in ("open", "high", "low", "close")))


def backfilled(plan: Plan, bars: pl.DataFrame) -> Trace:
    """Gaps filled from the bar after them."""
    times = pl.int_range(bars["time"].min(), bars["time"].max() + 60_000, 60_000, eager=True).alias("time")
    grid = pl.DataFrame({"time": times}).join(pl.DataFrame({"symbol": SYMBOLS}), how="cross")
    full = grid.join(bars, on=["time", "symbol"], how="left").sort("symbol", "time")
    filled = full.with_columns(pl.all().exclude("symbol", "time").backward_fill().over("symbol"))
    return replay_all(plan, filled.drop_nulls("close").select(bars.columns))


def test_an_honest_host_passes(plan: Plan, bars: pl.DataFrame) -> None:
    assert causality_findings(plan, bars, replay_all) == []


@pytest.mark.parametrize("host", [shifted, scaled])
def test_a_host_that_peeks_is_caught(plan: Plan, bars: pl.DataFrame, host: object) -> None:
    findings = causality_findings(plan, bars, host)
    assert findings
    assert {f.code for f in findings} == {"P001"}
    assert "feed.close knows the future: its value at " in "\n".join(f.message for f in findings)
    assert all(f.place.line > 1 for f in findings)


def test_gaps_filled_from_later_bars_are_caught(plan: Plan, bars: pl.DataFrame) -> None:
    with_gaps = bars.filter(pl.int_range(pl.len()) % 5 != 2)
    assert causality_findings(plan, with_gaps, replay_all) == []
    assert causality_findings(plan, with_gaps, backfilled)


def test_each_step_is_announced(plan: Plan, bars: pl.DataFrame) -> None:
    steps: list[str] = []
    assert causality_findings(plan, bars, replay_all, announce=steps.append) == []
    assert steps[0] == "reference run of 1200 bars"
    assert [step.split(":")[0] for step in steps[1:]] == [f"cut {n} of 4" for n in (1, 1, 2, 2, 3, 3, 4, 4)]
    assert [step.split()[-1] for step in steps[1:]] == ["removed", "disturbed"] * 4
