"""L40: a chart for each comparison, and channels fitted by polyfit over recorded bars."""

from __future__ import annotations

import numpy as np
import pytest

from tests.layers.pattern.charts import MARKETS, SIDES, Values, fired, recorded, run
from tests.layers.pattern.zones import Bar, chart, shown

HALF = [0.0, 2.0, 0.0, -2.0, 0.0, 2.0, 0.0, -2.0, 0.0, 0.0]
# A level line at 100, rails at 97.5 and 102.5, four touches above and three below.
LEVEL = 100.0 + np.array(HALF + HALF[::-1])


def channel(bars: list[Bar], side: float = 1.0, closes: np.ndarray = LEVEL, **more: object) -> Values:
    """After twenty bars half a point around their closes, on bar 20 and later; the next fit is after bar 21."""
    before = [(x + 0.5, x - 0.5, x) for x in closes]
    inputs = {**chart([*before, *bars], side), "atr": 1.0, **more}
    return run("L40", inputs, {"window": 20, "touch": 0.25})


@SIDES
@pytest.mark.parametrize(
    ("bar", "fires"),
    [
        ((103.0, 100.0, 102.75), 0),
        ((103.0, 100.0, 102.8125), 1),
        ((98.0, 97.75, 97.8125), 1),
        ((98.0, 97.8125, 98.0), 0),  # not at the rail
        ((98.0, 97.75, 97.75), 0),  # not off it
        ((98.0, 97.0, 97.8125), 1),
        ((103.0, 97.0, 100.0), 0),  # off both
        ((103.0, 97.0, 102.5), 1),  # off the lower one alone
        ((101.0, 99.0, 100.0), 0),
    ],
)
def test_l40_fires_on_a_bounce_inside_and_a_break_outside(bar: Bar, fires: int, side: float) -> None:
    found = channel([bar], side)
    assert found["signal"][20] == side * fires
    assert found["quality"][20] == pytest.approx((1.0 - 2.0 / 7.0) * fires)
    where = min(max((bar[2] - 97.5) / 5.0, 0.0), 1.0)
    assert found["position"][20] == pytest.approx(where if side > 0.0 else 1.0 - where)


def test_l40_places_a_price_that_never_moved_in_the_middle() -> None:
    found = run("L40", {**chart([(100.0, 100.0, 100.0)] * 40, 1.0), "atr": 1.0}, {"window": 20})
    assert found["position"][-1] == 0.5


@SIDES
def test_l40_fires_once_until_the_price_has_crossed_the_line(side: float) -> None:
    low = (99.0, 97.5, 98.5)
    assert channel([low, low], side)["age"][20:].tolist() == [0, 1]
    assert channel([(101.0, 97.5, 100.0), low], side)["age"][20:].tolist() == [0, 1]
    assert channel([(101.0, 97.5, 100.0625), low], side)["age"][20:].tolist() == [0, 0]
    assert channel([(104.0, 102.0, 103.5), (105.0, 103.0, 104.5)], side)["age"][20:].tolist() == [0, 1]
    assert channel([low, (101.0, 99.0, 100.0), (101.0, 99.0, 100.0)], side)["signal"][20:].tolist() == [side, side, 0]


@SIDES
def test_l40_wants_two_touches_of_each_rail_with_the_line_between(side: float) -> None:
    out = [(104.0, 100.0, 103.5)]
    half = 100.0 + 0.5 * (LEVEL - 100.0)
    once, twice = (np.where(np.isin(np.arange(20), at), 98.0, half) for at in ([7], [7, 12]))
    waves = 100.0 + 0.125 * np.cos(np.pi * np.arange(20))
    for closes, fires in ((LEVEL, 1), (np.full(20, 100.0), 0), (waves, 1), (once, 0), (twice, 1)):
        assert channel(out, side, closes)["signal"][20] == side * fires


@SIDES
@pytest.mark.parametrize(("reach", "fires"), [(0.25, 1), (0.3125, 0)])
def test_l40_counts_a_touch_at_its_very_reach(reach: float, fires: int, side: float) -> None:
    """Of the four lows only the first stands on the rail, and the second `reach` above it."""
    bars = [(x + 0.5, x - 0.5, x) for x in LEVEL]
    for bar, low in ((7, 97.5 + reach), (12, 98.0), (16, 98.0)):
        bars[bar] = (bars[bar][0], low, bars[bar][2])
    inputs = {**chart([*bars, (104.0, 100.0, 103.5)], side), "atr": 1.0}
    assert run("L40", inputs, {"window": 20, "touch": 0.25})["signal"][20] == side * fires


@SIDES
def test_l40_wants_a_channel_wider_than_its_touches(side: float) -> None:
    out = [(106.0, 100.0, 105.5)]
    assert channel(out, side, atr=np.full(21, 5.0))["signal"][20] == 0.0
    assert channel(out, side, atr=np.full(21, 4.9375))["signal"][20] == side


def channels_by_hand(bars: Values, n: int, touch: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Side, quality and position by L40, from fit to fit with polyfit."""
    high, low, close, near = bars["high"], bars["low"], bars["close"], touch * bars["atr"]
    sides, quality, position = np.zeros(len(close)), np.zeros(len(close)), np.full(len(close), np.nan)
    freed = {1.0: -1, -1.0: -1}  # the last bar on which a bounce to that side fired, and no close has freed it since

    def touches(at: np.ndarray, between: np.ndarray) -> int:
        count, last = 0, -1
        for t in np.flatnonzero(at).tolist():
            if last < 0 or between[last:t].any():
                count, last = count + 1, t
        return count

    for t in range(n - 1, len(close) - 1, n // 10):
        first, end = t - n + 1, min(t + n // 10 + 1, len(close))
        slope, level = np.polyfit(np.arange(1.0 - n, 1.0), close[first : t + 1] - close[t], 1)
        line = close[t] + level + slope * (np.arange(first, end) - t)
        highs, lows, closes = (prices[first:end] - line for prices in (high, low, close))
        upper, lower = highs[:n].max(), lows[:n].min()
        position[t + 1 : end] = np.clip((closes[n:] - lower) / (upper - lower), 0.0, 1.0)
        above, below = close[first:end] > line, close[first:end] < line
        counts = (
            touches(highs[:n] >= upper - near[t], below[:n]),
            touches(lows[:n] <= lower + near[t], above[:n]),
        )
        good = min(counts) >= 2 and upper - lower > 4.0 * near[t]
        for k, u in enumerate(range(t + 1, end), n):
            over, under = closes[k] - upper, closes[k] - lower
            out = float(over > near[u]) - float(under < -near[u])
            if good and out != 0.0:
                sides[u], quality[u], good = out, 1.0 - 2.0 / sum(counts), False
            elif good:
                up = lows[k] - lower <= near[u] and under > near[u] and freed[1.0] < 0
                down = highs[k] - upper >= -near[u] and over < -near[u] and freed[-1.0] < 0
                sides[u], quality[u] = float(up) - float(down), 1.0 - 2.0 / sum(counts)
                freed = {1.0: u if up else freed[1.0], -1.0: u if down else freed[-1.0]}
            freed = {1.0: -1 if above[k] else freed[1.0], -1.0: -1 if below[k] else freed[-1.0]}
    return sides, quality, position


@MARKETS
@pytest.mark.parametrize(("n", "touch", "least"), [(120, 0.25, 10), (45, 0.5, 150)])
def test_l40_agrees_with_channels_fitted_by_polyfit(market: str, n: int, touch: float, least: int) -> None:
    bars = recorded(market)
    found = run("L40", {k: bars[k] for k in ("high", "low", "close", "atr")}, {"window": n, "touch": touch})
    fires, quality, position = channels_by_hand(bars, n, touch)
    assert np.abs(fires).sum() > least
    assert np.array_equal(fired(found)[n:], fires[n:])
    assert np.allclose(found["quality"][fires != 0.0], quality[fires != 0.0], rtol=1e-9)
    assert np.allclose(found["position"][n:], position[n:], rtol=0.0, atol=1e-7)
    assert np.array_equal(found["signal"][n:], shown(fires, n // 10, {})[n:])
