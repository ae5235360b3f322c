"""The bars of a slow clock inside a plan are those that polars makes of the same minutes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from stratoquant.graph.compiler import checked_or_raise
from stratoquant.graph.plan import compile_plan
from stratoquant.graph.session import Session
from stratoquant.layers import catalogue
from stratoquant.runtime.data.market import market_from
from stratoquant.runtime.venue import SIMULATED, VenueSettings
from tests.layers.real_data import real_bars

WIRING = """
stratoquant: 1
name: slow_bars
clock: 1m
nodes:
  quarter: {layer: L0, clock: 15m, inputs: {raw: market, now: clock.time}}
  hour: {layer: L0, clock: 1h, inputs: {raw: market, now: clock.time}}
record: [quarter.time, hour.time]
"""
PARTS = ("time", "open", "high", "low", "close", "volume")


@pytest.mark.parametrize(("node", "clock", "minutes"), [("quarter", "15m", 15), ("hour", "1h", 60)])
def test_slow_bars_are_those_of_polars(tmp_path: Path, node: str, clock: str, minutes: int) -> None:
    bars = pl.DataFrame({"symbol": "XRPETH", **real_bars("binance_xrpeth_1m")})  # a third of its minutes is missing
    wiring = tmp_path / "slow.yaml"
    wiring.write_text(WIRING, encoding="utf-8")
    plan = compile_plan(checked_or_raise(wiring, catalogue()), SIMULATED, ["XRPETH"])
    session = Session(plan, VenueSettings(), cash=1.0, record=[f"{node}.{part}" for part in PARTS])
    rows = []
    for block in market_from(bars, ["XRPETH"], 60_000).blocks(500):
        values = session.run(block.times, block.events).symbols[:, 0]
        rows.append(values[(block.times + 60_000) % (minutes * 60_000) == 0])
    found = np.concatenate(rows)
    time = pl.from_epoch("time", time_unit="ms").alias("at")
    dynamic = bars.with_columns(time).group_by_dynamic("at", every=clock, closed="left", label="left")
    expected = dynamic.agg(
        pl.col("open").first(),
        pl.col("high").max(),
        pl.col("low").min(),
        pl.col("close").last(),
        pl.col("volume").sum(),
    ).with_columns(pl.col("at").dt.epoch("ms").cast(pl.Float64))
    whole = expected.select("at", *PARTS[1:]).to_numpy()[: len(found)]
    assert len(found) > 50
    assert np.array_equal(found[:, :5], whole[:, :5])
    assert np.allclose(found[:, 5], whole[:, 5], rtol=1e-12)
