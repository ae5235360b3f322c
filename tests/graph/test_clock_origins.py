"""Clocks whose bars open at other times than midnight: what a slow clock makes of bars, against polars."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from stratoquant.graph.clock import Clock, format_opening, read_clock
from stratoquant.graph.diagnostics import WiringError
from stratoquant.graph.session import Session
from stratoquant.runtime.data.market import market_from
from tests.graph.null_venue import Settings
from tests.graph.plans import checked, plan_of
from tests.runtime.bars import bars

HOUR = 3_600_000
DAY = 24 * HOUR
MONDAY = 1_704_067_200_000  # 1 January 2024
RULES = {
    "open": pl.col("open").first(),
    "high": pl.col("high").max(),
    "low": pl.col("low").min(),
    "close": pl.col("close").last(),
    "volume": pl.col("volume").sum(),
}
WIRING = """
stratoquant: 1
name: opened
clock: BASE
nodes:
  slow: {layer: L0, clock: SLOW, inputs: {raw: market, now: clock.time}}
record: [slow.open, slow.high, slow.low, slow.close, slow.volume]
"""
OTHER = "  other: {layer: L0, clock: 1d@21:00, inputs: {raw: market, now: clock.time}}\nrecord:"


def wiring(base: str, slow: str) -> str:
    return WIRING.replace("BASE", base).replace("SLOW", f'"{slow}"')


@pytest.mark.parametrize(
    ("text", "ms", "origin", "written"),
    [
        ("1h", HOUR, 0, "1h"),
        ("1h@00:30", HOUR, HOUR // 2, "1h@00:30"),
        ("4h@22:00", 4 * HOUR, 2 * HOUR, "4h@02:00"),
        ("1d@22:00", DAY, 22 * HOUR, "1d@22:00"),
        ("7d", 7 * DAY, 4 * DAY, "1w"),
        ("1w@thu", 7 * DAY, 0, "1w@thu 00:00"),
        ("1w@sun 22:00", 7 * DAY, 3 * DAY + 22 * HOUR, "1w@sun 22:00"),
        ("1w@mon", 7 * DAY, 4 * DAY, "1w"),
    ],
)
def test_a_clock_says_when_its_bars_open(text: str, ms: int, origin: int, written: str) -> None:
    assert read_clock(text) == Clock(ms, origin)
    assert format_opening(Clock(ms, origin)) == written
    assert read_clock(written) == Clock(ms, origin)


@pytest.mark.parametrize("text", ["1d@mon", "1h@", "1h@25:00", "1w@someday", "1d@22", "@22:00", "1w@sun 22"])
def test_an_opening_that_is_none_is_named(text: str) -> None:
    with pytest.raises(ValueError, match="is not a clock; write"):
        read_clock(text)


@pytest.mark.parametrize(
    ("base", "slow", "start"),
    [
        ("1h", "1w", 0),
        ("1h", "1d", 0),
        ("1h", "1d@22:00", 0),
        ("1h", "1w@sun 22:00", 0),
        ("1h@00:30", "4h@02:30", HOUR // 2),
        ("1h@00:30", "1d", HOUR // 2),
    ],
)
def test_a_slow_clock_makes_the_bars_that_polars_makes(base: str, slow: str, start: int) -> None:
    table = bars(24 * 40, clock=HOUR, start=MONDAY + start)
    plan = plan_of(wiring(base, slow), ["AAA"])
    session = Session(
        plan, Settings(), cash=1.0, record=[f"slow.{p}" for p in ("open", "high", "low", "close", "volume")]
    )
    market = market_from(table)
    block = next(market.blocks(market.bars))
    values = session.run(block.times, block.events).symbols[:, 0, :5]
    clock = read_clock(slow)
    late = clock.origin if "@" in slow or not start else clock.origin + start
    expected = (
        table.group_by_dynamic("time", every=f"{clock.ms}i", offset=f"{late}i", start_by="window")
        .agg(
            pl.col("open").first(),
            pl.col("high").max(),
            pl.col("low").min(),
            pl.col("close").last(),
            pl.col("volume").sum(),
        )
        .filter(pl.col("time") + clock.ms <= market.end)
    )
    closed = np.flatnonzero((block.times + HOUR - late) % clock.ms == 0)
    assert len(closed) == expected.height > 3
    whole = expected["time"].to_numpy() >= market.start
    assert values[closed][whole] == pytest.approx(expected.drop("time").to_numpy()[whole])
    assert (np.diff(values[:, 3])[np.setdiff1d(np.arange(closed[0], len(values) - 1), closed - 1)] == 0.0).all()


def test_slower_clocks_follow_the_base_clock_unless_they_say_otherwise() -> None:
    graph = checked(wiring("1d@22:00", "1w")).graph
    assert graph is not None
    assert graph.origins == {DAY: 22 * HOUR, 7 * DAY: 3 * DAY + 22 * HOUR}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (wiring("1h", "4h@00:30"), "W025"),
        (wiring("1d@22:00", "1w@mon"), "W025"),
        (wiring("1h", "1d@22:00").replace("record:", OTHER), "W026"),
    ],
)
def test_clocks_that_cannot_go_together_are_findings(text: str, code: str) -> None:
    with pytest.raises(WiringError) as caught:
        checked(text)
    assert [finding.code for finding in caught.value.findings] == [code]
