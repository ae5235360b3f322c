"""L34: a chart for each comparison, TA-Lib's candles where they compare, and the rule over recorded bars."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tests.layers.pattern.candles import MANY, Row, before, candles, chart, on_atr, parts, usual
from tests.layers.pattern.charts import SIDES, fired, grid_bars, lived, run, with_grid_atr


def pins(last: Row, side: float = 1.0, rows: list[Row] | None = None) -> float:
    bars = chart([*([(30, 31, 29, 30)] * 2 if rows is None else rows), last], side)
    return side * fired(run("L34", {**bars, "atr": 1.0}, {"trend": 2, "wick": 2}))[-1]


@SIDES
def test_l34_fires_on_a_long_wick_at_the_edge(side: float) -> None:
    assert pins((22, 24.25, 20, 23), side) == 1.0
    assert pins((23, 24.25, 20, 22), side) == 1.0
    assert pins((22, 24.5, 20, 23), side) == 0.0  # the other wick is a third of the range
    assert pins((22, 24.25, 20.125, 23), side) == 0.0  # not two bodies long
    assert pins((20, 20, 20, 20), side) == 0.0
    assert pins((23, 23, 20, 23), side) == 1.0


@SIDES
def test_l34_looks_at_its_last_bars_only(side: float) -> None:
    last = (22, 24, 20, 23)
    assert pins(last, side, [(22, 23, 19, 22), (30, 31, 20, 30)]) == 1.0
    assert pins(last, side, [(30, 31, 29, 30), (22, 23, 19.75, 22)]) == 0.0


def test_l34_is_the_hammer_and_the_shooting_star_of_ta_lib_where_they_compare() -> None:
    """With wick = 1 and trend = 1 ours is TA-Lib's shape less its averages and its gap: both with both are equal."""
    bars = with_grid_atr(grid_bars(MANY))
    found = fired(run("L34", bars, {"wick": 1.0, "trend": 1}))
    body, width, upper, lower = parts(bars)
    low_end, high_end = (f(bars["open"], bars["close"]) for f in (np.minimum, np.maximum))
    small, tiny = body < usual(body, 10), 0.1 * usual(width, 10)
    near = low_end <= before(bars["low"], 1) + 0.2 * usual(width, 5, 1)
    hammer = (found > 0.0) & small & (lower > body) & (upper < tiny) & near
    star = (found < 0.0) & small & (upper > body) & (lower < tiny) & (low_end > before(high_end, 1))
    theirs = {n: candles(n, bars) for n in ("CDLHAMMER", "CDLSHOOTINGSTAR")}
    assert hammer.sum() > 2000
    assert star.sum() > 100
    assert np.array_equal(hammer[20:], ((theirs["CDLHAMMER"] > 0.0) & (3.0 * upper < width))[20:])
    assert np.array_equal(star[20:], ((theirs["CDLSHOOTINGSTAR"] < 0.0) & (3.0 * lower < width))[20:])


def test_l34_agrees_with_its_rule_on_recorded_bars() -> None:
    bars = with_grid_atr(grid_bars(100_000))
    found = run("L34", bars)
    body, width, upper, lower = parts(bars)
    lowest, highest = pd.Series(bars["low"]).rolling(5).min(), pd.Series(bars["high"]).rolling(5).max()
    hammer = (lower >= 2.0 * body) & (3.0 * upper < width) & (bars["low"] == lowest.to_numpy())
    star = (upper >= 2.0 * body) & (3.0 * lower < width) & (bars["high"] == highest.to_numpy())
    fires = hammer.astype(float) - star
    assert np.abs(fires).sum() > 5000
    assert np.array_equal(fired(found)[4:], fires[4:])
    quality = on_atr(np.maximum(upper, lower), bars["atr"])
    assert np.allclose(found["quality"][4:][fires[4:] != 0.0], quality[4:][fires[4:] != 0.0], rtol=1e-9)
    assert np.array_equal(found["signal"][4:], lived(fires, 5)[4:])
