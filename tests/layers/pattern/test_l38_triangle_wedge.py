"""L38: a chart for each clause, and triangles followed one by one over recorded bars."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tests.layers.pattern.charts import MIRRORED_KINDS, SIDES, Values, fired, lived, run
from tests.layers.pattern.swings import (
    RECORDED,
    fires_at,
    first_true,
    held,
    recorded_reach,
    swings_by_hand,
    walked,
)

NARROWS = [98.0, 105.0, 97.0, 103.0, 99.0]  # highs on bars 4 and 12, lows on 8 and 16


@SIDES
@pytest.mark.parametrize(("tail", "up"), [([100.5, 100.5, 100.5, 101.25, 101.0625], 1), ([100] * 4 + [99.9375], -1)])
def test_l38_fires_on_the_close_outside(tail: list[float], up: float, side: float) -> None:
    found = walked("L38", NARROWS, [*tail, *[100.5] * 8], side)
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
    found = walked("L38", corners, [101.5, 101.5, 110], side, atr=atr)
    assert fires_at(found) == ([19] if kind else [])
    assert found["kind"][19] == (kind if side > 0.0 else MIRRORED_KINDS["L38"][kind])


@SIDES
@pytest.mark.parametrize(("waits", "fires"), [(5, [22]), (6, [])])
def test_l38_looks_no_farther_than_where_the_lines_meet(waits: int, fires: list[int], side: float) -> None:
    assert fires_at(walked("L38", NARROWS, [*[100.5] * waits, 104], side)) == fires


@SIDES
@pytest.mark.parametrize(("span", "fires"), [(21, [25]), (20, [])])
def test_l38_waits_no_longer_than_its_span(span: int, fires: list[int], side: float) -> None:
    assert fires_at(walked("L38", [98.0, 109.0, 93.0, 107.0, 95.0], [*[100] * 8, 110], side, span=span)) == fires


@SIDES
def test_l38_tells_a_break_before_the_confirmation_only_while_it_lasts(side: float) -> None:
    assert fires_at(walked("L38", NARROWS, [103, 103], side)) == [18]
    assert fires_at(walked("L38", NARROWS, [103, 101, 101], side)) == []


@SIDES
def test_l38_draws_least_squares_lines_through_more_swings(side: float) -> None:
    found = walked("L38", [98.0, 109.0, 93.0, 108.0, 95.0, 105.0], [100, 100, 90], side, touches=5)
    upper = np.poly1d(np.polyfit([4, 12, 20], [109.25, 108.25, 105.25], 1))
    lower = np.poly1d(np.polyfit([8, 16], [92.75, 94.75], 1))
    wide, narrow = (float(upper(t) - lower(t)) for t in (4, 20))
    assert fires_at(found) == [23]
    assert found["signal"][23] == -side
    assert found["kind"][23] == 1.0
    assert found["quality"][23] == pytest.approx((1.0 - narrow / wide) / (1.0 + 2.0 / 3.0))
    assert fires_at(walked("L38", [98.0, 109.0, 93.0, 108.0, 95.0], [100, 100, 90], side, touches=5)) == []


def kind_by_hand(up: float, low: float, flat: float) -> int:
    """The kind, from which way each line goes."""
    first, second = (0 if abs(change) <= flat else int(np.sign(change)) for change in (up, low))
    return {(-1, 1): 1, (0, 0): 1, (0, 1): 2, (-1, 0): 3, (1, 1): 4, (-1, -1): 5}[first, second]


def line_by_hand(points: list[tuple[float, float]]) -> Callable[[Any], Any]:
    """The line of least squares; a few points are no work for numpy."""
    x, y = (sum(values) / len(points) for values in zip(*points, strict=True))
    slope = sum((a - x) * (b - y) for a, b in points) / sum((a - x) ** 2 for a, _ in points)
    return lambda at: y + slope * (at - x)


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
            points = [(date - last, price - middle) for price, date, s in used if s == side]
            lines.append(line_by_hand(points))
            misses += [abs(price - lines[-1](date)) for date, price in points]
        upper, lower = lines
        wide, narrow, atr = *(upper(x) - lower(x) for x in (first - last, 0)), bars["atr"][t]
        if wide - narrow <= atr:
            continue
        when = np.arange(t - last, min(until, first + span + 1) - last)
        closes = bars["close"][t : t + len(when)] - middle
        outside = (closes > upper(when)) * 1.0 - (closes < lower(when))
        end = first_true(outside != 0.0)
        if end < min(first_true(upper(when) <= lower(when)), len(when)):
            sides[t + end] = outside[end]
            quality[t + end] = (1.0 - narrow / wide) / (1.0 + max(misses) / atr)
            up, low = (line(0) - line(first - last) for line in lines)
            kinds[t + end] = kind_by_hand(up, low, atr)
    return sides, quality, kinds


@RECORDED
@pytest.mark.parametrize("touches", [4, 5, 8])
def test_l38_agrees_with_triangles_followed_one_by_one(market: str, strength: int, touches: int) -> None:
    """Closes are moved by less than a tick: where one lies on a line only rounding tells whether it is outside."""
    bars = recorded_reach(market)
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
