"""L42: perfect and imperfect patterns, and ratios of listed swings over recorded bars."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tests.layers.pattern.charts import MARKETS, SIDES, Values, fired, lived, recorded, run, turn
from tests.layers.pattern.swings import swings_by_hand

PATTERNS = {  # X, A, B, C and D of a perfect one that fires up
    1: (100.0, 200.0, 138.2, 169.1, 121.4),
    2: (100.0, 200.0, 155.0, 182.0, 111.4),
    3: (100.0, 200.0, 121.4, 184.28, 73.0),
    4: (100.0, 200.0, 150.0, 194.0, 38.2),
    5: (100.0, 200.0, 150.0, 230.0, 127.82),
}


def drawn(points: tuple[float, ...], side: float = 1.0, close: float | None = None, **more: float) -> Values:
    """Straight legs of three bars between these points, a bar before and the two that confirm the last one."""
    corners = [points[0] + 6.0, points[0] + 3.0, *points, points[-1] + 1.0, points[-1] + 2.0]
    at = np.r_[0, 1, 2 + 3 * np.arange(5), 15, 16]
    path = np.interp(np.arange(17), at, corners)
    closes = path.copy()
    closes[-1] = path[-1] if close is None else close
    bars = turn({"high": path, "low": path, "close": closes}, side, 400.0)
    atr = more.pop("atr", 1.0)
    return run("L42", {**bars, "atr": atr}, {"pivot": 2, **more})


@SIDES
@pytest.mark.parametrize("kind", PATTERNS)
def test_l42_knows_a_perfect_pattern(side: float, kind: int) -> None:
    found = drawn(PATTERNS[kind], side)
    assert found["signal"][4:].tolist() == [0] * 12 + [side]
    assert found["kind"][4:].tolist() == [0] * 12 + [kind]
    assert found["age"][16] == 0.0
    assert found["quality"][16] == pytest.approx(1.0, abs=1e-9)


@SIDES
@pytest.mark.parametrize(
    ("b", "c", "d", "errors"),
    [
        (0.618, 0.5, 0.786 * 1.05, 0.05),
        (0.618, 0.5, 0.786 * 0.95, 0.05),
        (0.618 * 1.04, 0.5, 0.786, 0.04),
        (0.618, 0.886 * 1.04, 0.786, 0.04),
        (0.618, 0.382 * 0.97, 0.786, 0.03),
        (0.618, 0.382 * 0.95, 0.786, None),  # the last leg is too long
        (0.618, 0.5, 0.786 * 1.0799, 0.0799),
        (0.618, 0.5, 0.786 * 1.0801, None),
    ],
)
def test_l42_weighs_the_errors(side: float, b: float, c: float, d: float, errors: float | None) -> None:
    turned = 200.0 - 100.0 * b
    upper = turned + 100.0 * b * c
    found = drawn((100.0, 200.0, turned, upper, 200.0 - 100.0 * d), side)
    assert found["signal"][16] == (0.0 if errors is None else side)
    if errors is not None:
        last = (upper - 200.0 + 100.0 * d) / (upper - turned)
        total = errors + max((1.13 - last) / 1.13, (last - 1.618) / 1.618, 0.0)
        assert found["quality"][16] == pytest.approx(1.0 - 0.25 * total / 0.08)


@SIDES
def test_l42_wants_room_to_the_target_and_legs_as_long_as_the_range(side: float) -> None:
    points = PATTERNS[1]
    target = 121.4 + 0.618 * 78.6
    assert drawn(points, side, target - 1e-6)["signal"][16] == side
    assert drawn(points, side, target + 1e-6)["signal"][16] == 0.0
    assert drawn(points, side, atr=30.9 - 1e-6)["signal"][16] == side
    assert drawn(points, side, atr=30.9 + 1e-6)["signal"][16] == 0.0


RANGES = {  # b, c, cd, d
    1: ((0.618, 0.618), (0.382, 0.886), (1.13, 1.618), (0.786, 0.786)),
    2: ((0.382, 0.5), (0.382, 0.886), (1.618, 2.618), (0.886, 0.886)),
    3: ((0.786, 0.786), (0.382, 0.886), (1.618, 2.24), (1.27, 1.27)),
    4: ((0.382, 0.618), (0.382, 0.886), (2.24, 3.618), (1.618, 1.618)),
    5: ((0.382, 0.618), (1.272, 1.414), (1.272, 2.0), (0.786, 0.786)),
}


def harmonics_by_hand(bars: Values, k: int, tolerance: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Side, quality and kind of each bar on which L42 fires."""
    sides, worth, kinds = np.zeros((3, len(bars["close"])))
    for t, swings in swings_by_hand(bars, k):
        if len(swings) < 5:
            continue
        x, a, b, c, d = (price for price, _, _ in swings[-5:])
        side = -swings[-1][2]
        xa, ab, bc, cd = np.abs(np.diff([x, a, b, c, d]))
        if min(xa, ab, bc, cd) < bars["atr"][t] or side * (d + 0.618 * (a - d) - bars["close"][t]) <= 0.0:
            continue
        plain = (ab / xa, bc / ab, cd / bc, abs(d - a) / xa)
        cypher = (ab / xa, abs(c - x) / xa, cd / bc, cd / abs(c - x) if c != x else 0.0)
        found = []
        for kind, ranges in RANGES.items():
            ratios = cypher if kind == 5 else plain
            errors = [
                max((low - r) / low, (r - high) / high, 0.0) for r, (low, high) in zip(ratios, ranges, strict=True)
            ]
            if max(errors) <= tolerance:
                found.append((-(1.0 - np.mean(errors) / tolerance), kind))
        if found:
            sides[t], worth[t], kinds[t] = side, -min(found)[0], min(found)[1]
    return sides, worth, kinds


@MARKETS
@pytest.mark.parametrize(("k", "tolerance", "least"), [(8, 0.08, 10), (3, 0.08, 25), (3, 0.3, 200)])
def test_l42_agrees_with_ratios_of_listed_swings(market: str, k: int, tolerance: float, least: int) -> None:
    bars = recorded(market)
    names = ("high", "low", "close", "atr")
    found = run("L42", {n: bars[n] for n in names}, {"pivot": k, "tolerance": tolerance})
    fires, quality, kind = harmonics_by_hand(bars, k, tolerance)
    known = slice(2 * k, None)
    assert (fires > 0.0).sum() > least
    assert (fires < 0.0).sum() > least
    assert np.array_equal(fired(found)[known], fires[known])
    assert np.allclose(found["quality"][fires != 0.0], quality[fires != 0.0], rtol=0.0, atol=1e-9)
    lasting = lived(fires, k)
    last = pd.Series(np.where(fires != 0.0, kind, np.nan)).ffill().to_numpy()
    assert np.array_equal(found["signal"][known], lasting[known])
    assert np.array_equal(found["kind"][known], np.where(lasting != 0.0, last, 0.0)[known])
    if tolerance > 0.1:
        assert set(kind) == {0, 1, 2, 3, 4, 5}
