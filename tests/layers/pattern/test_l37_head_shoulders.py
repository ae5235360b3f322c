"""L37: a chart for each clause, and heads followed one by one over recorded bars."""

from __future__ import annotations

import numpy as np
import pytest

from tests.layers.pattern.charts import SIDES, Values, fired, lived, run
from tests.layers.pattern.swings import (
    RECORDED,
    fires_at,
    first_true,
    held,
    price,
    recorded_reach,
    shapes_by_hand,
    walked,
)

FIVE = [96.0, 101.0, 98.0, 104.0, 98.5, 101.25]  # corners on bars 4, 8, 12, 16, 20


@SIDES
def test_l37_fires_on_the_close_through_the_sloped_neckline(side: float) -> None:
    found = walked("L37", FIVE, [101, 100, 99.5, 98.75, 98.75, 98, 97, 96, 95, 94, 93, 92, 91], side)
    assert found["signal"][23:].tolist() == [0, 0, *[-side] * 8, 0]
    assert found["age"][25:33].tolist() == list(range(8))
    parts = [0.75, 1.0, 1.0 - 0.5 / 6.25, 1.0 - np.exp(-0.5 * 2.75)]
    assert found["quality"][25] == pytest.approx(np.mean(parts))
    line = [price(98.25 + 0.0625 * (t - 16), side) for t in range(25, 33)]
    assert found["neckline"][25:33].tolist() == line
    assert np.all(np.isnan(found["neckline"][[24, 33]]))


@SIDES
@pytest.mark.parametrize(
    ("corner", "value", "fires"),
    [
        *((5, 102.0, True), (5, 102.0625, False), (5, 100.0, True), (5, 99.9375, False)),  # shoulders of like height
        *((3, 101.25, False), (3, 101.3125, True)),  # the head above the right one
        *((4, 100.5, False), (4, 100.4375, True)),  # the right one above a rising neckline
    ],
)
def test_l37_wants_its_shape(corner: int, value: float, fires: bool, side: float) -> None:
    corners = FIVE.copy()
    corners[corner] = value
    found = walked("L37", corners, [*np.array([99.75, 99.0, 98.5]) - (0.0 if corner == 4 else 1.0), 97.0], side)
    assert (len(fires_at(found)) == 1) == fires
    if corner == 5 and fires:
        wider = walked("L37", corners, [98.75, 98.0, 97.5, 97.0], side, tolerance=2.0)
        gained = wider["quality"][fires_at(wider)[0]] - found["quality"][fires_at(found)[0]]
        assert gained == pytest.approx(0.25 * 0.5)  # near is 0 at the edge and 1/2 within twice as much


@SIDES
@pytest.mark.parametrize(("left", "fires"), [(101.5, []), (101.4375, [22])])
def test_l37_wants_the_head_above_the_left_shoulder(left: float, fires: list[int], side: float) -> None:
    assert fires_at(walked("L37", [96.0, left, 98.0, 101.5, 98.5, 101.25], [99, 98, 97], side)) == fires


@SIDES
@pytest.mark.parametrize(("trough", "fires"), [(97.0, []), (97.0625, [23])])
def test_l37_wants_the_left_shoulder_above_a_falling_neckline(trough: float, fires: list[int], side: float) -> None:
    assert fires_at(walked("L37", [96.0, 101.0, 100.0, 104.0, trough, 101.25], [98, 96, 90], side)) == fires


@SIDES
def test_l37_weighs_how_even_its_times_are(side: float) -> None:
    corners = [96.0, 101.0, 99.5, 98.0, 104.0, 98.5, 101.25]  # twice as long from the first shoulder to the trough
    found = walked("L37", corners, [101, 99, 98], side)
    height = 104.25 - (98.25 - 0.25)
    parts = [0.75, 2.0 / 3.0, 1.0 - 0.5 / height, 1.0 - np.exp(-0.5 * 2.75)]
    assert fires_at(found) == [27]
    assert found["quality"][27] == pytest.approx(np.mean(parts))


@SIDES
@pytest.mark.parametrize(("span", "fires"), [(21, [25]), (20, [])])
def test_l37_waits_no_longer_than_its_span(span: int, fires: list[int], side: float) -> None:
    assert fires_at(walked("L37", FIVE, [101, 100, 100, 100, 98, 97], side, span=span)) == fires


@SIDES
@pytest.mark.parametrize(("top", "fires"), [(104.25, [24]), (104.3125, [])])
def test_l37_is_called_off_beyond_the_head(top: float, fires: list[int], side: float) -> None:
    assert fires_at(walked("L37", FIVE, [101, 100, top, 90], side)) == fires


@SIDES
def test_l37_forgets_a_head_when_a_new_shoulder_does_not_fit(side: float) -> None:
    assert fires_at(walked("L37", [*FIVE, 99.5, 100.5], [100, 100, 97], side)) == []
    assert fires_at(walked("L37", [*FIVE, 99.5], [100, 100, 97], side)) == [27]


def heads_by_hand(bars: Values, k: int, tolerance: float, span: int) -> tuple[np.ndarray, ...]:
    """Side, quality, and neckline (its price at bar 0 and its slope) of each bar on which L37 fires."""
    sides, quality, start, slopes = (np.zeros(len(bars["close"])) for _ in range(4))
    for side in (1.0, -1.0):
        for t, until, five in shapes_by_hand(bars, k, side, 5):
            e1, e2, e3, e4, e5 = (side * value for value, _, _ in five)
            t1, t2, t3, t4, t5 = (date for _, date, _ in five)
            slope = (e4 - e2) / (t4 - t2)
            heights = [e - (e4 + slope * (when - t4)) for e, when in ((e1, t1), (e3, t3), (e5, t5))]
            atr = bars["atr"][t]
            if e3 <= max(e1, e5) or abs(e1 - e5) > tolerance * atr or min(heights[0], heights[2]) <= 0.0:
                continue
            closes = side * bars["close"][t : min(until, t1 + span + 1)]
            end = first_true(closes < e4 + slope * (t + np.arange(len(closes)) - t4))
            if end < min(first_true(closes > e3), len(closes)):
                near, level = 1.0 - abs(e1 - e5) / (tolerance * atr), max(0.0, 1.0 - abs(e4 - e2) / heights[1])
                even, clear = sorted((t3 - t1, t5 - t3)), 1.0 - np.exp(-0.5 * (e3 - max(e1, e5)) / atr)
                sides[t + end] = -side
                quality[t + end] = np.mean([near, level, even[0] / even[1], clear])
                start[t + end], slopes[t + end] = side * (e4 - slope * t4), side * slope
    return sides, quality, start, slopes


@RECORDED
def test_l37_agrees_with_heads_followed_one_by_one(market: str, strength: int) -> None:
    bars = recorded_reach(market)
    found = run("L37", {**bars}, {"pivot": strength, "tolerance": 1.5, "span": 150})
    fires, quality, start, slopes = heads_by_hand(bars, strength, 1.5, 150)
    known = slice(2 * strength, None)
    assert min((fires > 0.0).sum(), (fires < 0.0).sum()) > 60
    assert np.array_equal(fired(found)[known], fires[known])
    assert np.allclose(found["quality"][fires != 0.0], quality[fires != 0.0], rtol=1e-9)
    shown = lived(fires, 4 * strength)
    line = held(fires, start, shown) + held(fires, slopes, shown) * np.arange(len(shown))
    assert np.array_equal(found["signal"][known], shown[known])
    assert np.allclose(found["neckline"][known], line[known], rtol=1e-9, equal_nan=True)
