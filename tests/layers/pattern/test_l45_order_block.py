"""L45: a chart for each comparison, and blocks followed one by one over recorded bars."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tests.layers.pattern.charts import MARKETS, SIDES, Values, recorded, run, turn
from tests.layers.pattern.zones import assert_zones, met_by_hand, zone

Candle = tuple[float, float, float, float]  # open, high, low, close
BLOCK = (100.0, 100.25, 99.25, 99.5)
IMPULSE = (99.5, 102.0, 99.5, 101.5)
RETURN = (101.5, 101.75, 100.0, 101.0)
OUTSIDE = (101.5, 101.75, 100.5, 101.5)


def block(candles: list[Candle], side: float = 1.0, **params: float) -> Values:
    """After twenty bars from 99.5 to 100.5, on bar 20 and later; volume 3 on bars 21 and 22, else 1."""
    rows = np.array([(100.0, 100.5, 99.5, 100.0)] * 20 + candles)
    bars = turn(dict(zip(("open", "high", "low", "close"), rows.T, strict=True)), side)
    volume = np.where(np.isin(np.arange(len(rows)), [21, 22]), 3.0, 1.0)
    return run("L45", {**bars, "volume": volume, "atr": 1.0}, {"impulse": 2.0, "live": 5, **params})


@SIDES
def test_l45_fires_on_the_first_return_that_is_rejected(side: float) -> None:
    found = block([BLOCK, IMPULSE, OUTSIDE, RETURN, RETURN], side)
    assert found["signal"][20:].tolist() == [0, 0, 0, side, side]
    assert found["age"][23:].tolist() == [0, 1]
    assert zone(found, 23, side) == [100.25, 99.25]
    assert found["quality"][23] == pytest.approx(0.5 * (1.0 - np.exp(-1.0) + 3.0 / (3.0 + 1.1)))
    assert np.isnan(found["top"][22])


@SIDES
@pytest.mark.parametrize(
    ("candles", "fires"),
    [
        ([BLOCK, (99.5, 102.0, 99.5, 101.4375)], False),  # too small
        ([BLOCK, (99.5, 102.0, 99.5, 100.5), (100.5, 102.0, 100.5, 101.5)], True),
        ([BLOCK, (99.5, 99.5, 99.5, 99.5), IMPULSE], True),  # a bar without a body is no end
        ([(100.0, 100.0, 100.0, 100.0), IMPULSE], False),  # and no block
        ([BLOCK, (100.5, 100.5, 100.25, 100.25), (99.5, 102.0, 99.5, 101.5)], False),  # the newer black bar counts
    ],
)
def test_l45_measures_the_impulse_from_the_last_opposite_bar(candles: list[Candle], fires: bool, side: float) -> None:
    found = block([*candles, RETURN], side)
    assert found["signal"][-1] == (side if fires else 0.0)


@SIDES
def test_l45_wants_the_impulse_beyond_the_bars_before_it(side: float) -> None:
    for close, fires in ((100.5, False), (100.5625, True)):
        found = block([BLOCK, (99.5, 102.0, 99.5, close), RETURN], side, impulse=0.5)
        assert found["signal"][22] == (side if fires else 0.0)


@SIDES
@pytest.mark.parametrize(
    ("returns", "expected"),
    [
        ([(101.5, 102.0, 100.1875, 100.3125)], [1]),
        ([(101.5, 102.0, 100.25, 101.0)], [0]),  # not within
        ([(101.5, 102.0, 100.0, 100.25)], [0]),  # not rejected
        ([(101.5, 102.0, 100.0, 100.0), RETURN], [0, 1]),
        ([(101.5, 102.0, 99.0, 101.0)], [1]),  # a wick below does not break it
        ([(101.5, 102.0, 99.0, 99.3125), RETURN], [0, 1]),
        ([(101.5, 102.0, 99.0, 99.25), RETURN], [0, 0]),
        ([OUTSIDE] * 4 + [RETURN], [0] * 4 + [1]),
        ([OUTSIDE] * 5 + [RETURN], [0] * 6),
        ([RETURN, (101.5, 102.0, 99.0, 99.3125), (99.5, 99.5, 99.0, 99.25)], [1, 1, 0]),
        ([RETURN, *[OUTSIDE] * 10], [1] * 10 + [0]),
    ],
)
def test_l45_looks_at_the_edges_of_the_block(returns: list[Candle], expected: list[int], side: float) -> None:
    found = block([BLOCK, IMPULSE, *returns], side)
    assert found["signal"][22:].tolist() == [side * x for x in expected]


@MARKETS
@pytest.mark.parametrize(("impulse", "live"), [(2.0, 100), (0.75, 400)])
def test_l45_agrees_with_blocks_followed_one_by_one(market: str, impulse: float, live: int) -> None:
    bars = recorded(market)
    names = ("open", "high", "low", "close", "volume", "atr")
    found = run("L45", {n: bars[n] for n in names}, {"impulse": impulse, "live": live})
    usual = pd.Series(bars["volume"]).rolling(20).mean().to_numpy()
    both, quality = [], np.zeros(len(usual))
    for side, far, near in ((1.0, bars["low"], bars["high"]), (-1.0, -bars["high"], -bars["low"])):
        close = side * bars["close"]
        structure = pd.Series(near).rolling(20).max().to_numpy()
        opposite = np.flatnonzero(close < side * bars["open"])
        blocks = []
        for t, end in zip(opposite.tolist(), [*opposite[1:].tolist(), len(close)], strict=True):
            ahead = slice(t + 1, end)
            good = (close[ahead] - close[t] >= impulse * bars["atr"][ahead]) & (close[ahead] > structure[t])
            if good.any():
                u = t + 1 + int(np.argmax(good))
                busy = bars["volume"][t + 1 : u + 1].max()
                strength = 1.0 - np.exp(-0.5 * (close[u] - close[t]) / bars["atr"][u])
                blocks.append((u, near[t], far[t], 0.5 * (strength + busy / (busy + usual[u]))))
        both.append(met_by_hand(blocks, far, close, close, live))
        for t, (*_, worth) in both[-1].items():
            quality[t] = worth
    assert_zones(found, both, quality, [bars["close"], -bars["close"]])
