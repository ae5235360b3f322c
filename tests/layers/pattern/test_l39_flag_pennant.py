"""L39: a chart for each comparison, and flags followed one by one over recorded bars."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tests.layers.pattern.charts import MARKETS, SIDES, Values, fired, recorded, run
from tests.layers.pattern.zones import Bar, chart, shown

POLE = [(100.5, 100.0, 100.25)] * 3 + [(102.0, 100.5, 101.75), (104.0, 102.0, 103.75)]  # from 100 to 104, on bar 4
REST = [(103.5, 103.0, 103.25), (103.5, 102.75, 103.0), (103.25, 102.5, 102.75)]  # the line falls a quarter a bar
BREAK = (103.5, 102.75, 103.25)


def flag(bars: list[Bar], volume: list[float], side: float = 1.0, **params: float) -> Values:
    busy = np.array([9.0] * 5 + volume + [9.0] * (len(bars) - len(volume)))
    inputs = {**chart([*POLE, *bars], side), "volume": busy, "atr": 1.0}
    return run("L39", inputs, {"pole": 3.0, "pole_bars": 3, "flag_bars": 5, **params})


@SIDES
def test_l39_fires_on_the_close_out_of_the_flag(side: float) -> None:
    found = flag([*REST, BREAK, *[BREAK] * 3], [5, 4, 3], side)
    assert found["signal"][4:].tolist() == [0, 0, 0, 0, side, side, side, 0]
    assert found["age"][8:11].tolist() == [0, 1, 2]
    assert found["pole"][8] == 4.0
    assert found["quality"][8] == pytest.approx(0.5 * (1.0 - np.exp(-2.0) + 1.0 - 2.0 * 1.5 / 4.0))
    assert np.isnan(found["pole"][[7, 11]]).all()


@SIDES
@pytest.mark.parametrize(
    ("rest", "last", "fires"),
    [
        (REST, (103.5, 102.75, 103.0), False),  # on the line
        (REST, (103.5, 102.75, 103.0625), True),
        (REST, (103.5, 102.0, 103.25), True),  # half of the pole
        (REST, (103.5, 101.9375, 103.25), False),
        ([*REST[:2], (103.25, 101.9375, 102.75)], BREAK, False),
        (REST, (105.0, 102.75, 103.25), True),
        ([*REST[:2], (104.0, 102.5, 102.75)], (104.25, 103.0, 104.0625), True),  # as high as the tip: the line is level
        ([*REST[:2], (104.0, 102.5, 102.75)], (104.25, 103.0, 104.0), False),
        ([*REST[:2], (104.0625, 102.5, 102.75)], (104.5, 103.0, 104.25), False),  # above it: no flag any more
        (REST[:2], (103.75, 102.75, 103.5), False),  # too short
        ([*REST[:2], (103.75, 102.5, 103.5)], (104.0, 103.0, 103.75), True),  # and goes on, under a flatter line
    ],
)
def test_l39_looks_at_the_edges_of_the_flag(rest: list[Bar], last: Bar, fires: bool, side: float) -> None:
    found = flag([*rest, last], [5.0, 4.0, 3.0][: len(rest)], side)
    assert found["signal"][-1] == (side if fires else 0.0)


@SIDES
@pytest.mark.parametrize(
    ("volume", "fires"),
    [([5, 4, 3], 1), ([4, 4, 4], 0), ([3, 4, 5], 0), ([4, 9, 3], 1), ([3, 9, 3], 0), ([0, 0, 0], 0)],
)
def test_l39_wants_volume_to_fall_over_the_flag(volume: list[float], fires: int, side: float) -> None:
    found = flag([*REST, BREAK, (103.75, 102.75, 103.5)], volume, side)
    assert found["signal"][8] == side * fires
    assert found["signal"][9] == side * fires  # a break without it ended the flag


def test_l39_keeps_to_the_height_of_the_pole_and_the_bars_of_both() -> None:
    rest, volume = [*REST, BREAK], [5.0, 4.0, 3.0]
    assert flag(rest, volume, pole=4.0)["signal"][8] == 1.0
    assert flag(rest, volume, pole=4.0625)["signal"][8] == 0.0
    assert flag(rest, volume, flag_bars=3)["signal"][8] == 1.0
    later = [*REST, (103.0, 102.5, 102.75), BREAK]
    assert flag(later, [5, 4, 3, 2], flag_bars=4)["signal"][9] == 1.0
    assert flag(later, [5, 4, 3, 2], flag_bars=3)["signal"][9] == 0.0
    slow = [(100.5, 100.0, 100.25)] * 3 + [(102.0, 101.5, 101.75)] * 3 + [(104.0, 102.0, 103.75)]
    inputs = {**chart([*slow, *rest], 1.0), "volume": np.array([9.0] * 7 + [5, 4, 3, 9]), "atr": 1.0}
    assert [run("L39", inputs, {"pole": 3.0, "pole_bars": n})["signal"][10] for n in (4, 5)] == [0.0, 1.0]


def flags_by_hand(bars: Values, params: dict[str, float]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Side, quality and pole of each bar on which L39 fires, from flag to flag, one side after the other."""
    n, longest = int(params["pole_bars"]), int(params["flag_bars"])
    sides, worth, poles = (np.zeros((2, len(bars["close"]))) for _ in range(3))
    for row, side in enumerate((1.0, -1.0)):
        high, low = (bars["high"], bars["low"]) if side > 0.0 else (-bars["low"], -bars["high"])
        close = side * bars["close"]
        height = pd.Series(high).rolling(n).max().to_numpy() - pd.Series(low).rolling(n).min().to_numpy()
        tips = (high == pd.Series(high).rolling(n).max().to_numpy()) & (height >= params["pole"] * bars["atr"])
        free = 0
        for t in np.flatnonzero(tips).tolist():
            ahead = slice(t + 1, t + longest + 2)
            k = 1.0 + np.arange(len(high[ahead]))
            if t < free or len(k) == 0:
                continue
            line = np.r_[np.inf, np.maximum.accumulate((high[ahead] - high[t]) / k)[:-1]] * k + high[t]
            deepest = np.minimum.accumulate(low[ahead])
            deep = high[t] - deepest > 0.5 * height[t]
            broken = (k > 3) & (close[ahead] > line)
            over = deep | broken | (high[ahead] > high[t]) | (k > longest)
            j = int(np.argmax(over)) if over.any() else len(k)
            free = t + 1 + j
            if j < len(k) and broken[j] and not deep[j] and np.polyfit(k[:j], bars["volume"][t + 1 : free], 1)[0] < 0:
                sides[row, free], poles[row, free] = side, height[t] / bars["atr"][t]
                kept = 1.0 - 2.0 * (high[t] - deepest[j]) / height[t]
                worth[row, free] = 0.5 * (1.0 - np.exp(-0.5 * poles[row, free]) + kept)
    return sides.sum(axis=0), worth.sum(axis=0), poles.sum(axis=0)


@MARKETS
@pytest.mark.parametrize("params", [{}, {"pole": 2.0, "pole_bars": 5, "flag_bars": 9}])
def test_l39_agrees_with_flags_followed_one_by_one(market: str, params: dict[str, float]) -> None:
    bars = recorded(market)
    params = {"pole": 3.0, "pole_bars": 12, "flag_bars": 20, **params}
    found = run("L39", {n: bars[n] for n in ("high", "low", "close", "volume", "atr")}, params)
    fires, quality, pole = flags_by_hand(bars, params)
    known = slice(int(params["pole_bars"]) - 1, None)
    assert np.abs(fires).sum() > 150
    assert np.array_equal(fired(found)[known], fires[known])
    for name, values in (("quality", quality), ("pole", pole)):
        assert np.allclose(found[name][fires != 0.0], values[fires != 0.0], rtol=1e-9)
    assert np.array_equal(found["signal"][known], shown(fires, int(params["pole_bars"]), {})[known])
