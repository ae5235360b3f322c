"""L36 to L38: hand-made charts for each clause, transcriptions over recorded bars, mirrored and scaled prices."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import talib

from tests.layers.real_data import real_bars
from tests.layers.test_patterns import TOP, Values, grid_bars, lived, mirrored, run

SIDES = pytest.mark.parametrize("side", [1.0, -1.0])
RECORDED = pytest.mark.parametrize(
    ("name", "strength"), [("bitfinex_ethusd_1m", 8), ("bitfinex_ethusd_1m", 3), ("binance_btcusdt_1m", 5)]
)
NAMES = ("high", "low", "close", "atr")
LEG = 4


def fired(found: Values) -> np.ndarray:
    return np.where(found["age"] == 0.0, found["signal"], 0.0)


def walk(corners: list[float], tail: list[float]) -> np.ndarray:
    """Closes straight from corner to corner, LEG bars each, and then the tail."""
    marks = LEG * np.arange(len(corners))
    return np.concatenate([np.interp(np.arange(marks[-1] + 1), marks, corners), np.array(tail, float)])


def chart(
    key: str, corners: list[float], tail: list[float], side: float = 1.0, shift: float = 0.0, **params: float
) -> Values:
    """The layer over a walk, half a unit from low to high, upside down for side -1; pivots of strength 2."""
    close = walk(corners, tail)
    high, low = close + 0.25, close - 0.25 + shift
    bars = {"high": high, "low": low, "close": close, "atr": params.pop("atr", 1.0)}
    if side < 0.0:
        bars |= {"high": 200.0 - low, "low": 200.0 - high, "close": 200.0 - close}
    return run(key, {**bars}, {"pivot": 2, **params})


def price(x: float, side: float) -> float:
    return x if side > 0.0 else 200.0 - x


def fires_at(found: Values) -> list[int]:
    return np.flatnonzero(fired(found)).tolist()


Swing = tuple[float, int, float]  # value, bar, side


def pivots_by_hand(bars: Values, k: int) -> list[list[Swing]]:
    """The pivots that each bar confirms, from one window of 2 k + 1 bars to the next."""
    found: list[list[Swing]] = [[] for _ in bars["close"]]
    for side, reach in ((1.0, bars["high"]), (-1.0, -bars["low"])):
        windows = np.lib.stride_tricks.sliding_window_view(reach, 2 * k + 1)
        middle = windows[:, k]
        pivots = (middle >= windows[:, :k].max(axis=1)) & (middle > windows[:, k + 1 :].max(axis=1))
        for t in np.flatnonzero(pivots) + 2 * k:
            found[t].append((side * reach[t - k], int(t) - k, side))
    return found


def swings_by_hand(bars: Values, k: int) -> list[tuple[int, list[Swing]]]:
    """Each bar on which a swing is new, with the last swings as they are known then."""
    swings: list[Swing] = []
    changes = []
    for t, pivots in enumerate(pivots_by_hand(bars, k)):
        if len(pivots) == 2 and not swings:
            continue
        changed = False
        for pivot in sorted(pivots, key=lambda x: swings[-1][2] * x[2] if swings else 0.0):
            if not swings or swings[-1][2] != pivot[2]:
                swings.append(pivot)
            elif pivot[2] * pivot[0] > pivot[2] * swings[-1][0]:
                swings[-1] = pivot
            else:
                continue
            changed = True
        if changed:
            changes.append((t, swings[-9:]))
    return changes


def shapes_by_hand(bars: Values, k: int, side: float, count: int) -> list[tuple[int, int, list[Swing]]]:
    """The last `count` swings that end on a new one of the side, the bar on which they do, and until when they hold."""
    made = []
    for t, swings in swings_by_hand(bars, k):
        ends = len(swings) if swings[-1][2] == side else len(swings) - 1
        if ends > 0 and swings[ends - 1][1] == t - k:
            made.append((t, swings[max(ends - count, 0) : ends]))
    after = [t for t, _ in made[1:]] + [len(bars["close"])]
    return [(t, until, last) for (t, last), until in zip(made, after, strict=True) if len(last) == count]


def first_true(x: np.ndarray) -> int:
    return int(np.argmax(x)) if x.any() else len(x)


def recorded(name: str) -> Values:
    bars = real_bars(name, 60_000)
    bars["atr"] = talib.ATR(bars["high"], bars["low"], bars["close"], 14)
    return {n: bars[n][14:] for n in NAMES}


def turning_up_and_down(swings: list[Swing]) -> bool:
    return all(a[2] == -b[2] for a, b in pairwise(swings))


@pytest.mark.parametrize("strength", [2, 8])
def test_swings_are_highs_and_lows_by_turns(strength: int) -> None:
    changes = swings_by_hand(recorded("bitfinex_ethusd_1m"), strength)
    assert len(changes) > 2_000
    assert all(turning_up_and_down(swings) for _, swings in changes)


# ---------------------------------------------------------------- L36

TWO = [96.0, 102.0, 99.0, 102.25]  # tops at 102.25 and 102.5 on bars 4 and 12, the neckline at 98.75


@SIDES
def test_l36_fires_on_the_close_through_the_neckline(side: float) -> None:
    found = chart("L36", TWO, [101, 100, 98.75, 98.5, 97, 96, 95, 94, 93, 92, 91, 90], side)
    assert found["signal"][14:].tolist() == [0, 0, *[-side] * 8, 0]
    assert found["age"][16:24].tolist() == list(range(8))
    assert found["quality"][16] == pytest.approx(0.5 * (1.0 - 0.25 / 0.6) + 0.5 * (1.0 - np.exp(-1.75)))
    assert found["neckline"][16:24].tolist() == [price(98.75, side)] * 8
    assert np.all(np.isnan(found["neckline"][[15, 24]]))


@SIDES
@pytest.mark.parametrize(("last", "fires"), [(102.5, [15]), (102.5625, []), (101.5, [15]), (101.4375, [])])
def test_l36_wants_both_extremes_within_the_tolerance(last: float, fires: list[int], side: float) -> None:
    found = chart("L36", [*TWO[:3], last], [101, 100, 98], side, tolerance=0.5)
    assert fires_at(found) == fires
    assert fires_at(chart("L36", [*TWO[:3], last], [101, 100, 98], side, tolerance=0.25, atr=2.0)) == fires
    if fires:
        assert found["quality"][15] == pytest.approx(0.5 * (1.0 - np.exp(-0.5 * (min(last, 102.0) - 98.5))))


@SIDES
@pytest.mark.parametrize(("shift", "fires"), [(3.4375, [14]), (3.5, [])])
def test_l36_wants_the_neckline_between_beyond_both(shift: float, fires: list[int], side: float) -> None:
    """Lows as high as the lower top cannot be on a chart, and yet nothing comes of them."""
    assert fires_at(chart("L36", TWO, [101, 100, 98], side, shift)) == fires


@SIDES
def test_l36_tells_a_break_before_the_confirmation_only_while_it_lasts(side: float) -> None:
    assert fires_at(chart("L36", TWO, [98, 98, 98], side)) == [14]
    assert fires_at(chart("L36", TWO, [98, 100, 99], side)) == []


@SIDES
@pytest.mark.parametrize(("span", "fires"), [(12, [16]), (11, [])])
def test_l36_waits_no_longer_than_its_span(span: int, fires: list[int], side: float) -> None:
    assert fires_at(chart("L36", TWO, [101, 100, 99, 98, 97], side, span=span)) == fires


@SIDES
@pytest.mark.parametrize(("top", "fires"), [(102.5, [16]), (102.5625, [])])
def test_l36_is_called_off_beyond_both_extremes(top: float, fires: list[int], side: float) -> None:
    assert fires_at(chart("L36", TWO, [101, 100, top, 98], side)) == fires
    assert fires_at(chart("L36", [96.0, 102.25, 99.0, 102.0], [101, 100, top, 98], side)) == fires


@SIDES
def test_l36_forgets_tops_when_a_new_one_is_elsewhere(side: float) -> None:
    assert fires_at(chart("L36", [*TWO, 100.0, 101.0], [100, 100.5, 98], side)) == []
    assert fires_at(chart("L36", [*TWO, 100.0, 102.0], [101, 100.5, 98], side)) == [23]


@SIDES
@pytest.mark.parametrize(("low", "fires"), [(96.0, [14]), (94.0, [])])
def test_l36_begins_with_no_bar_that_is_a_pivot_on_both_sides(low: float, fires: list[int], side: float) -> None:
    """The first top is on bar 4; where that bar is also the lowest of its five, nobody knows which came first."""
    close = walk(TWO, [98, 98, 98])
    high, lows = close + 0.25, close - 0.25
    lows[4], lows[3] = low, 95.0
    bars = {"high": high, "low": lows, "close": close, "atr": 1.0}
    if side < 0.0:
        bars |= {"high": 200.0 - lows, "low": 200.0 - high, "close": 200.0 - close}
    assert fires_at(run("L36", {**bars}, {"pivot": 2})) == fires


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


def held(fires: np.ndarray, values: np.ndarray, shown: np.ndarray) -> np.ndarray:
    """The value of the last bar that fired, missing where nothing is shown."""
    last = np.maximum.accumulate(np.where(fires != 0.0, np.arange(len(fires)), 0))
    return np.where(shown != 0.0, values[last], np.nan)


@RECORDED
def test_l36_agrees_with_doubles_followed_one_by_one(name: str, strength: int) -> None:
    bars = recorded(name)
    found = run("L36", {**bars}, {"pivot": strength, "tolerance": 0.8, "span": 90})
    fires, quality, neckline = doubles_by_hand(bars, strength, 0.8, 90)
    known = slice(2 * strength, None)
    assert min((fires > 0.0).sum(), (fires < 0.0).sum()) > 100
    assert np.array_equal(fired(found)[known], fires[known])
    assert np.allclose(found["quality"][fires != 0.0], quality[fires != 0.0], rtol=1e-9)
    shown = lived(fires, 4 * strength)
    assert np.array_equal(found["signal"][known], shown[known])
    assert np.array_equal(found["neckline"][known], held(fires, neckline, shown)[known], equal_nan=True)


# ---------------------------------------------------------------- L37

FIVE = [96.0, 101.0, 98.0, 104.0, 98.5, 101.25]  # corners on bars 4, 8, 12, 16, 20


@SIDES
def test_l37_fires_on_the_close_through_the_sloped_neckline(side: float) -> None:
    found = chart("L37", FIVE, [101, 100, 99.5, 98.75, 98.75, 98, 97, 96, 95, 94, 93, 92, 91], side)
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
    found = chart("L37", corners, [*np.array([99.75, 99.0, 98.5]) - (0.0 if corner == 4 else 1.0), 97.0], side)
    assert (len(fires_at(found)) == 1) == fires
    if corner == 5 and fires:
        wider = chart("L37", corners, [98.75, 98.0, 97.5, 97.0], side, tolerance=2.0)
        gained = wider["quality"][fires_at(wider)[0]] - found["quality"][fires_at(found)[0]]
        assert gained == pytest.approx(0.25 * 0.5)  # near is 0 at the edge and 1/2 within twice as much


@SIDES
@pytest.mark.parametrize(("left", "fires"), [(101.5, []), (101.4375, [22])])
def test_l37_wants_the_head_above_the_left_shoulder(left: float, fires: list[int], side: float) -> None:
    assert fires_at(chart("L37", [96.0, left, 98.0, 101.5, 98.5, 101.25], [99, 98, 97], side)) == fires


@SIDES
@pytest.mark.parametrize(("trough", "fires"), [(97.0, []), (97.0625, [23])])
def test_l37_wants_the_left_shoulder_above_a_falling_neckline(trough: float, fires: list[int], side: float) -> None:
    assert fires_at(chart("L37", [96.0, 101.0, 100.0, 104.0, trough, 101.25], [98, 96, 90], side)) == fires


@SIDES
def test_l37_weighs_how_even_its_times_are(side: float) -> None:
    corners = [96.0, 101.0, 99.5, 98.0, 104.0, 98.5, 101.25]  # twice as long from the first shoulder to the trough
    found = chart("L37", corners, [101, 99, 98], side)
    height = 104.25 - (98.25 - 0.25)
    parts = [0.75, 2.0 / 3.0, 1.0 - 0.5 / height, 1.0 - np.exp(-0.5 * 2.75)]
    assert fires_at(found) == [27]
    assert found["quality"][27] == pytest.approx(np.mean(parts))


@SIDES
@pytest.mark.parametrize(("span", "fires"), [(21, [25]), (20, [])])
def test_l37_waits_no_longer_than_its_span(span: int, fires: list[int], side: float) -> None:
    assert fires_at(chart("L37", FIVE, [101, 100, 100, 100, 98, 97], side, span=span)) == fires


@SIDES
@pytest.mark.parametrize(("top", "fires"), [(104.25, [24]), (104.3125, [])])
def test_l37_is_called_off_beyond_the_head(top: float, fires: list[int], side: float) -> None:
    assert fires_at(chart("L37", FIVE, [101, 100, top, 90], side)) == fires


@SIDES
def test_l37_forgets_a_head_when_a_new_shoulder_does_not_fit(side: float) -> None:
    assert fires_at(chart("L37", [*FIVE, 99.5, 100.5], [100, 100, 97], side)) == []
    assert fires_at(chart("L37", [*FIVE, 99.5], [100, 100, 97], side)) == [27]


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
def test_l37_agrees_with_heads_followed_one_by_one(name: str, strength: int) -> None:
    bars = recorded(name)
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


# ---------------------------------------------------------------- L38

NARROWS = [98.0, 105.0, 97.0, 103.0, 99.0]  # highs on bars 4 and 12, lows on 8 and 16
MIRRORED_KIND = [0, 1, 3, 2, 5, 4]


@SIDES
@pytest.mark.parametrize(("tail", "up"), [([100.5, 100.5, 100.5, 101.25, 101.0625], 1), ([100] * 4 + [99.9375], -1)])
def test_l38_fires_on_the_close_outside(tail: list[float], up: float, side: float) -> None:
    found = chart("L38", NARROWS, [*tail, *[100.5] * 8], side)
    assert found["signal"][18:].tolist() == [0, 0, 0, *[side * up] * 8, 0]
    assert found["age"][21:29].tolist() == list(range(8))
    assert found["quality"][21] == pytest.approx(1.0 - 3.5 / 9.5)
    assert found["kind"][18:].tolist() == [0, 0, 0, *[1] * 8, 0]


@SIDES
@pytest.mark.parametrize(
    ("corners", "atr", "kind"),
    [
        ([98.0, 105.0, 97.0, 105.0, 99.0], 1.0, 2),
        ([98.0, 105.0, 97.0, 104.0, 99.0], 1.5, 2),
        ([98.0, 105.0, 97.0, 104.0, 99.0], 1.4375, 1),
        ([98.0, 103.0, 97.0, 104.0, 100.0], 1.5, 2),
        ([98.0, 103.0, 97.0, 104.0, 100.0], 1.4375, 4),
        (NARROWS, 3.0, 1),
        (NARROWS, 5.9375, 1),
        (NARROWS, 6.0, 0),
        ([98.0, 103.0, 99.0, 105.0, 97.0], 1.0, 0),
    ],
)
def test_l38_names_its_shape(corners: list[float], atr: float, kind: int, side: float) -> None:
    found = chart("L38", corners, [101.5, 101.5, 110], side, atr=atr)
    assert fires_at(found) == ([19] if kind else [])
    assert found["kind"][19] == (kind if side > 0.0 else MIRRORED_KIND[kind])


@SIDES
@pytest.mark.parametrize(("waits", "fires"), [(5, [22]), (6, [])])
def test_l38_looks_no_farther_than_where_the_lines_meet(waits: int, fires: list[int], side: float) -> None:
    assert fires_at(chart("L38", NARROWS, [*[100.5] * waits, 104], side)) == fires


@SIDES
@pytest.mark.parametrize(("span", "fires"), [(21, [25]), (20, [])])
def test_l38_waits_no_longer_than_its_span(span: int, fires: list[int], side: float) -> None:
    assert fires_at(chart("L38", [98.0, 109.0, 93.0, 107.0, 95.0], [*[100] * 8, 110], side, span=span)) == fires


@SIDES
def test_l38_tells_a_break_before_the_confirmation_only_while_it_lasts(side: float) -> None:
    assert fires_at(chart("L38", NARROWS, [103, 103], side)) == [18]
    assert fires_at(chart("L38", NARROWS, [103, 101, 101], side)) == []


@SIDES
def test_l38_draws_least_squares_lines_through_more_swings(side: float) -> None:
    found = chart("L38", [98.0, 109.0, 93.0, 108.0, 95.0, 105.0], [100, 100, 90], side, touches=5)
    upper = np.poly1d(np.polyfit([4, 12, 20], [109.25, 108.25, 105.25], 1))
    lower = np.poly1d(np.polyfit([8, 16], [92.75, 94.75], 1))
    wide, narrow = (float(upper(t) - lower(t)) for t in (4, 20))
    assert fires_at(found) == [23]
    assert found["signal"][23] == -side
    assert found["kind"][23] == 1.0
    assert found["quality"][23] == pytest.approx((1.0 - narrow / wide) / (1.0 + 2.0 / 3.0))
    assert fires_at(chart("L38", [98.0, 109.0, 93.0, 108.0, 95.0], [100, 100, 90], side, touches=5)) == []


def kind_by_hand(up: float, low: float, flat: float) -> int:
    """The kind, from which way each line goes."""
    first, second = (0 if abs(change) <= flat else int(np.sign(change)) for change in (up, low))
    return {(-1, 1): 1, (0, 0): 1, (0, 1): 2, (-1, 0): 3, (1, 1): 4, (-1, -1): 5}[first, second]


def triangles_by_hand(bars: Values, k: int, touches: int, span: int) -> tuple[np.ndarray, ...]:
    """Side, quality and kind of each bar on which L38 fires."""
    sides, quality, kinds = (np.zeros(len(bars["close"])) for _ in range(3))
    changes = swings_by_hand(bars, k)
    for (t, swings), until in zip(changes, [t for t, _ in changes[1:]] + [len(sides)], strict=True):
        used = swings[-touches:]
        if len(used) < touches:
            continue
        first, last, middle = used[0][1], used[-1][1], used[-1][0]
        lines, misses = [], []
        for side in (1.0, -1.0):
            when, value = np.array([(date - last, price - middle) for price, date, s in used if s == side]).T
            slope = np.cov(when, value, bias=True)[0, 1] / when.var()
            lines.append(np.poly1d([slope, value.mean() - slope * when.mean()]))
            misses.append(np.abs(value - lines[-1](when)).max())
        upper, lower = lines
        gap, atr = upper - lower, bars["atr"][t]
        if gap(first - last) - gap(0) <= atr:
            continue
        when = np.arange(t - last, min(until, first + span + 1) - last)
        closes = bars["close"][t : t + len(when)] - middle
        outside = (closes > upper(when)) * 1.0 - (closes < lower(when))
        end = first_true(outside != 0.0)
        if end < min(first_true(gap(when) <= 0.0), len(when)):
            sides[t + end] = outside[end]
            quality[t + end] = (1.0 - gap(0) / gap(first - last)) / (1.0 + max(misses) / atr)
            up, low = (float(line(0) - line(first - last)) for line in lines)
            kinds[t + end] = kind_by_hand(up, low, atr)
    return sides, quality, kinds


@RECORDED
@pytest.mark.parametrize("touches", [4, 5, 8])
def test_l38_agrees_with_triangles_followed_one_by_one(name: str, strength: int, touches: int) -> None:
    """Closes are moved by less than a tick: where one lies on a line only rounding tells whether it is outside."""
    bars = recorded(name)
    bars["close"] = bars["close"] + np.random.default_rng(5).uniform(0.0, 1e-4, len(bars["close"]))
    found = run("L38", {**bars}, {"pivot": strength, "touches": touches, "span": 120})
    fires, quality, kinds = triangles_by_hand(bars, strength, touches, 120)
    known = slice(2 * strength, None)
    assert min((fires > 0.0).sum(), (fires < 0.0).sum()) > 100
    assert min(np.bincount(kinds.astype(int))[1:]) > 20
    assert np.array_equal(fired(found)[known], fires[known])
    assert np.allclose(found["quality"][fires != 0.0], quality[fires != 0.0], rtol=1e-9)
    shown = lived(fires, 4 * strength)
    assert np.array_equal(found["signal"][known], shown[known])
    assert np.array_equal(found["kind"][known], np.nan_to_num(held(fires, kinds, shown))[known])


@pytest.mark.parametrize("key", ["L36", "L37", "L38"])
def test_l36_to_l38_with_mirrored_and_scaled_prices(key: str) -> None:
    bars = grid_bars()
    atr = np.round(np.nan_to_num(talib.ATR(bars["high"], bars["low"], bars["close"], 14), nan=1.0) * 64.0) / 64.0
    bars["atr"] = np.maximum(atr, 1.0 / 64.0)
    turned = mirrored(bars) | {"atr": bars["atr"]}
    assert turned["high"].max() < TOP
    plain, other = (run(key, {n: c[n] for n in NAMES}, {"pivot": 4}) for c in (bars, turned))
    scaled = run(key, {n: bars[n] * 2.0**-30 for n in NAMES}, {"pivot": 4})
    assert np.abs(fired(plain)).sum() > 100
    assert np.array_equal(plain["signal"], -other["signal"], equal_nan=True)
    assert np.array_equal(plain["age"], other["age"], equal_nan=True)
    assert np.allclose(plain["quality"], other["quality"], rtol=1e-9, equal_nan=True)
    for name, values in plain.items():
        factor = 2.0**-30 if name == "neckline" else 1.0
        assert np.array_equal(values * factor, scaled[name], equal_nan=True)
    if key == "L38":
        known = ~np.isnan(plain["kind"])
        turned_kind = np.array(MIRRORED_KIND)[plain["kind"][known].astype(int)]
        assert np.array_equal(turned_kind, other["kind"][known])
    else:
        assert np.allclose(plain["neckline"], TOP - other["neckline"], rtol=1e-9, equal_nan=True)
