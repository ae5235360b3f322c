"""L32: a chart for each comparison, and inside bars followed one by one over recorded bars."""

from __future__ import annotations

import numpy as np
import pytest

from tests.layers.pattern.candles import OHLC, Row, chart
from tests.layers.pattern.charts import SIDES, Values, fired, grid_bars, lived, run

MOTHER, BABY = (20, 24, 16, 20), (20, 22, 20, 21)
QUIET = (21, 22, 20, 21)


def leaving(rows: list[Row], side: float, live: int = 3) -> Values:
    return run("L32", chart(rows, side), {"live": live})


@SIDES
def test_l32_fires_on_the_close_that_leaves_an_inside_bar(side: float) -> None:
    found = leaving([MOTHER, BABY, QUIET, QUIET, (21, 23, 20, 22.5), QUIET, QUIET, QUIET], side)
    assert (side * found["signal"][1:]).tolist() == [0, 0, 0, 1, 1, 1, 0]
    assert found["kind"][1:].tolist() == [0, 0, 0, 1, 1, 1, 0]
    assert found["quality"][4] == 0.75
    late = leaving([MOTHER, BABY, QUIET, QUIET, QUIET, (21, 23, 20, 22.5)], side)
    assert not np.any(late["signal"][1:])
    only = leaving([MOTHER, BABY, QUIET, (21, 23, 20, 22)], side)
    assert not np.any(only["signal"][1:])


@SIDES
def test_l32_breaks_an_inside_bar_once_and_follows_the_newest(side: float) -> None:
    again = leaving([MOTHER, BABY, (21, 23, 20, 22.5), (22, 23, 20, 22.75)], side)
    assert again["age"][2:].tolist() == [0, 1]
    nested = leaving([MOTHER, BABY, (21, 21.5, 20.5, 21), QUIET, QUIET, (21, 22, 20, 21.75)], side)
    assert (side * nested["signal"][1:]).tolist() == [0, 0, 0, 0, 1]
    assert nested["quality"][5] == 0.5


@pytest.mark.parametrize(("high", "low"), [(24, 20), (22, 16)])
def test_l32_takes_no_bar_for_inside_that_reaches_an_edge(high: float, low: float) -> None:
    rows = [MOTHER, (20, high, low, 21), (21, high + 2, low, high + 1)]
    assert not np.any(run("L32", chart(rows))["signal"][1:])


@SIDES
def test_l32_fires_on_an_outside_bar_that_closes_beyond_the_one_before(side: float) -> None:
    found = leaving([(20, 22, 20, 21), (21, 25, 17, 24)], side)
    assert side * found["signal"][1] == 1.0
    assert found["kind"][1] == 2.0
    assert found["quality"][1] == 0.75
    for last in ((21, 25, 17, 22), (24.5, 25, 17, 24), (24, 25, 17, 24), (21, 25, 20, 24)):
        assert leaving([(20, 22, 20, 21), last], side)["signal"][1] == 0.0
    assert leaving([(20, 22, 20, 21), (18, 22, 17, 19)], side)["signal"][1] == 0.0


def leaves_by_hand(bars: Values, live: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Side, quality and kind of each bar on which L32 fires, from inside bar to inside bar."""
    open_, high, low, close = (bars[n] for n in OHLC)
    inside = np.r_[False, (high[1:] < high[:-1]) & (low[1:] > low[:-1])]
    side, quality, kind = (np.zeros(len(close)) for _ in range(3))
    for t in np.flatnonzero(inside):
        for u in range(t + 1, min(t + live + 1, len(close))):
            side[u] = float(close[u] > high[t]) - float(close[u] < low[t])
            if side[u] != 0.0:
                quality[u], kind[u] = 1.0 - (high[t] - low[t]) / (high[t - 1] - low[t - 1]), 1.0
            if side[u] != 0.0 or inside[u]:
                break
    for t in range(1, len(close)):
        if high[t] > high[t - 1] and low[t] < low[t - 1]:
            up, down = close[t] > max(high[t - 1], open_[t]), close[t] < min(low[t - 1], open_[t])
            if up or down:
                side[t], kind[t] = float(up) - float(down), 2.0
                quality[t] = 1.0 - (high[t - 1] - low[t - 1]) / (high[t] - low[t])
    return side, quality, kind


def test_l32_agrees_with_inside_bars_followed_one_by_one() -> None:
    bars = grid_bars(60_000)
    found = run("L32", {n: bars[n] for n in OHLC})
    side, quality, kind = leaves_by_hand(bars, 5)
    assert (kind == 1.0).sum() > 2000
    assert (kind == 2.0).sum() > 1000
    assert np.array_equal(fired(found)[1:], side[1:])
    assert np.allclose(found["quality"][side != 0.0], quality[side != 0.0], rtol=1e-9, atol=1e-12)
    assert np.array_equal(found["kind"][side != 0.0], kind[side != 0.0])
    assert np.array_equal(found["signal"][1:], lived(side, 5)[1:])
