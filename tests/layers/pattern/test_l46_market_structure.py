"""L46: trend and change of character from lists of pivots over recorded bars."""

from __future__ import annotations

import numpy as np

from tests.layers.pattern.charts import Values, grid_bars, lived, run


def structure_by_hand(bars: Values, strength: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Firing side, trend and change of L46 from lists of pivots, bar by bar."""
    high, low, close = bars["high"], bars["low"], bars["close"]
    fired, trends, changes = (np.zeros(len(close)) for _ in range(3))
    pivots: dict[int, list[float]] = {1: [], -1: []}
    known_from = {1: 1, -1: 1}  # pivots of a kind that tell a direction only from this one on
    broken: set[tuple[int, int]] = set()
    trend = 0.0
    for t in range(len(close)):
        centre = t - strength
        confirmed = False
        for kind, values in ((1, high), (-1, -low)) if centre >= strength else ():
            after = values[centre + 1 : t + 1]
            if values[centre] >= values[centre - strength : centre].max() and values[centre] > after.max():
                pivots[kind].append(kind * values[centre])
                confirmed = True
        if confirmed and all(len(pivots[kind]) > known_from[kind] for kind in (1, -1)):
            up, down = (np.sign(pivots[kind][-1] - pivots[kind][-2]) for kind in (1, -1))
            trend = up if up == down != 0.0 else trend
        for kind in (1, -1):
            name = (kind, len(pivots[kind]))
            if pivots[kind] and name not in broken and kind * (close[t] - pivots[kind][-1]) > 0.0:
                broken.add(name)
                fired[t] += kind
        if fired[t] == -trend != 0.0:
            changes[t], trend = 1.0, fired[t]
            known_from = {kind: len(pivots[kind]) for kind in (1, -1)}
        trends[t] = trend
    return fired, trends, changes


def test_l46_fires_where_the_last_pivots_break() -> None:
    bars = grid_bars(12_000)
    found = run("L46", {n: bars[n] for n in ("high", "low", "close")})
    fired, trends, changes = structure_by_hand(bars, 5)
    assert np.abs(fired).sum() > 300
    assert changes.sum() > 100
    assert np.array_equal(np.where(found["age"] == 0.0, found["signal"], 0.0)[10:], fired[10:])
    assert np.array_equal(found["trend"][10:], trends[10:])
    assert np.array_equal(found["change"][10:], changes[10:])
    before = np.r_[0.0, trends[:-1]]
    quality = np.where(changes > 0, 0.6, np.where(fired == trends, 1.0, 0.3))
    first = (fired != 0) & (before != 0) & (np.arange(len(fired)) > 10)
    assert np.array_equal(found["quality"][first], quality[first])
    assert np.array_equal(found["signal"][10:], lived(fired, 20)[10:])


def test_l46_stays_turned_after_a_change_of_character() -> None:
    """Also when the top before it, a higher high, is confirmed on the bar after it."""
    close = np.array([10, 12, 14, 13, 12, 13, 15, 17, 16, 15, 16, 18, 20, 14, 13, 12, 11], float)
    found = run("L46", {"high": close + 0.4, "low": close - 0.4, "close": close}, {"pivot": 2})
    assert found["change"][4:].tolist() == [0] * 9 + [1] + [0] * 3
    assert found["trend"][11:].tolist() == [1, 1, -1, -1, -1, -1]
    assert found["quality"][13] == 0.6
