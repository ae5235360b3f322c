"""L36: a chart for each clause, and doubles followed one by one over recorded bars."""

from __future__ import annotations

import numpy as np
import pytest

from tests.layers.pattern.charts import SIDES, Values, fired, lived, run, turn
from tests.layers.pattern.swings import (
    RECORDED,
    fires_at,
    first_true,
    held,
    price,
    recorded_reach,
    shapes_by_hand,
    walk,
    walked,
)

TWO = [96.0, 102.0, 99.0, 102.25]  # tops at 102.25 and 102.5 on bars 4 and 12, the neckline at 98.75


@SIDES
def test_l36_fires_on_the_close_through_the_neckline(side: float) -> None:
    found = walked("L36", TWO, [101, 100, 98.75, 98.5, 97, 96, 95, 94, 93, 92, 91, 90], side)
    assert found["signal"][14:].tolist() == [0, 0, *[-side] * 8, 0]
    assert found["age"][16:24].tolist() == list(range(8))
    assert found["quality"][16] == pytest.approx(0.5 * (1.0 - 0.25 / 0.6) + 0.5 * (1.0 - np.exp(-1.75)))
    assert found["neckline"][16:24].tolist() == [price(98.75, side)] * 8
    assert np.all(np.isnan(found["neckline"][[15, 24]]))


@SIDES
@pytest.mark.parametrize(("last", "fires"), [(102.5, [15]), (102.5625, []), (101.5, [15]), (101.4375, [])])
def test_l36_wants_both_extremes_within_the_tolerance(last: float, fires: list[int], side: float) -> None:
    found = walked("L36", [*TWO[:3], last], [101, 100, 98], side, tolerance=0.5)
    assert fires_at(found) == fires
    assert fires_at(walked("L36", [*TWO[:3], last], [101, 100, 98], side, tolerance=0.25, atr=2.0)) == fires
    if fires:
        assert found["quality"][15] == pytest.approx(0.5 * (1.0 - np.exp(-0.5 * (min(last, 102.0) - 98.5))))


@SIDES
@pytest.mark.parametrize(("shift", "fires"), [(3.4375, [14]), (3.5, [])])
def test_l36_wants_the_neckline_between_beyond_both(shift: float, fires: list[int], side: float) -> None:
    """Lows as high as the lower top cannot be on a chart, and yet nothing comes of them."""
    assert fires_at(walked("L36", TWO, [101, 100, 98], side, shift)) == fires


@SIDES
def test_l36_tells_a_break_before_the_confirmation_only_while_it_lasts(side: float) -> None:
    assert fires_at(walked("L36", TWO, [98, 98, 98], side)) == [14]
    assert fires_at(walked("L36", TWO, [98, 100, 99], side)) == []


@SIDES
@pytest.mark.parametrize(("span", "fires"), [(12, [16]), (11, [])])
def test_l36_waits_no_longer_than_its_span(span: int, fires: list[int], side: float) -> None:
    assert fires_at(walked("L36", TWO, [101, 100, 99, 98, 97], side, span=span)) == fires


@SIDES
@pytest.mark.parametrize(("top", "fires"), [(102.5, [16]), (102.5625, [])])
def test_l36_is_called_off_beyond_both_extremes(top: float, fires: list[int], side: float) -> None:
    assert fires_at(walked("L36", TWO, [101, 100, top, 98], side)) == fires
    assert fires_at(walked("L36", [96.0, 102.25, 99.0, 102.0], [101, 100, top, 98], side)) == fires


@SIDES
def test_l36_forgets_tops_when_a_new_one_is_elsewhere(side: float) -> None:
    assert fires_at(walked("L36", [*TWO, 100.0, 101.0], [100, 100.5, 98], side)) == []
    assert fires_at(walked("L36", [*TWO, 100.0, 102.0], [101, 100.5, 98], side)) == [23]


@SIDES
@pytest.mark.parametrize(("low", "fires"), [(96.0, [14]), (94.0, [])])
def test_l36_begins_with_no_bar_that_is_a_pivot_on_both_sides(low: float, fires: list[int], side: float) -> None:
    """The first top is on bar 4; where that bar is also the lowest of its five, nobody knows which came first."""
    close = walk(TWO, [98, 98, 98])
    high, lows = close + 0.25, close - 0.25
    lows[4], lows[3] = low, 95.0
    bars = turn({"high": high, "low": lows, "close": close}, side)
    assert fires_at(run("L36", {**bars, "atr": 1.0}, {"pivot": 2})) == fires


@SIDES
@pytest.mark.parametrize("low", [102.0, 98.0])
def test_l36_takes_a_second_top_on_a_bar_that_is_a_low_as_well(low: float, side: float) -> None:
    """After a low swing the top of such a bar comes first, and the bar's own low is the newest swing."""
    close = walk(TWO, [101, 100, 98.5, 98.5])
    bars = {"high": close + 0.25, "low": close - 0.25, "close": close}
    bars["low"][12] = low
    assert fires_at(run("L36", {**turn(bars, side), "atr": 1.0}, {"pivot": 2})) == [15]


def doubles_by_hand(bars: Values, k: int, tolerance: float, span: int) -> tuple[np.ndarray, ...]:
    """Side, quality and neckline of each bar on which L36 fires."""
    sides, quality, neckline = (np.zeros(len(bars["close"])) for _ in range(3))
    for side in (1.0, -1.0):
        for t, until, three in shapes_by_hand(bars, k, side, 3):
            before, neck, last = (side * value for value, _, _ in three)
            atr = bars["atr"][t]
            if abs(before - last) > tolerance * atr or neck >= min(before, last):
                continue
            closes = side * bars["close"][t : min(until, three[0][1] + span + 1)]
            end = first_true(closes < neck)
            if end < min(first_true(closes > max(before, last)), len(closes)):
                deep = 1.0 - np.exp(-0.5 * (min(before, last) - neck) / atr)
                sides[t + end] = -side
                quality[t + end] = 0.5 * (1.0 - abs(before - last) / (tolerance * atr) + deep)
                neckline[t + end] = side * neck
    return sides, quality, neckline


@RECORDED
def test_l36_agrees_with_doubles_followed_one_by_one(market: str, strength: int) -> None:
    bars = recorded_reach(market)
    found = run("L36", {**bars}, {"pivot": strength, "tolerance": 0.8, "span": 90})
    fires, quality, neckline = doubles_by_hand(bars, strength, 0.8, 90)
    known = slice(2 * strength, None)
    assert min((fires > 0.0).sum(), (fires < 0.0).sum()) > 100
    assert np.array_equal(fired(found)[known], fires[known])
    assert np.allclose(found["quality"][fires != 0.0], quality[fires != 0.0], rtol=1e-9)
    shown = lived(fires, 4 * strength)
    assert np.array_equal(found["signal"][known], shown[known])
    assert np.array_equal(found["neckline"][known], held(fires, neckline, shown)[known], equal_nan=True)
