"""Zones between two prices that a chart comes back to, followed one by one."""

from __future__ import annotations

import numpy as np

from tests.layers.pattern.charts import Values, fired, turn

Bar = tuple[float, float, float]  # high, low, close


def chart(bars: list[Bar], side: float) -> Values:
    """The bars, upside down for side -1."""
    return turn(dict(zip(("high", "low", "close"), np.array(bars).T, strict=True)), side)


def zone(found: Values, bar: int, side: float) -> list[float]:
    """Near and far edge of the zone that is shown, turned back."""
    edges = found["top"][bar], found["bottom"][bar]
    return list(edges) if side > 0.0 else [200.0 - edges[1], 200.0 - edges[0]]


def shown(fires: np.ndarray, life: int, ends: dict[int, int]) -> np.ndarray:
    """The side that lives on each bar: each for `life` bars, or until the bar that ends it, if there is one."""
    alive = np.zeros(len(fires))
    for t in np.flatnonzero(fires).tolist():
        alive[t:] = 0.0
        alive[t : min(t + life, ends.get(t, len(fires)))] = fires[t]
    return alive


Zone = tuple[int, float, float, float]  # bar that makes it, near edge, far edge, worth; prices times the side


def met_by_hand(
    zones: list[Zone], reach: np.ndarray, close: np.ndarray, lost: np.ndarray, live: int
) -> dict[int, Zone]:
    """The zone below the price that fires on a bar, followed one by one; eight newer ones put an end to one."""
    found = {}
    for k, (t, near, far, _) in enumerate(zones):
        last = min([t + live, len(close) - 1] + [zones[j][0] for j in [k + 8] if j < len(zones)])
        bars = slice(t + 1, last + 1)
        dead = np.flatnonzero(lost[bars] <= far)
        met = np.flatnonzero((reach[bars] < near) & (close[bars] > near))
        if len(met) and (not len(dead) or met[0] < dead[0]):
            found[t + 1 + met[0]] = zones[k]
    return found


def assert_zones(found: Values, both: list[dict[int, Zone]], quality: np.ndarray, lost: list[np.ndarray]) -> None:
    """both: the zones that fire, up and down; lost: what ends a signal at its far edge, times the side."""
    sides = np.array([[float(t in met) for t in range(len(quality))] for met in both])
    fires = sides[0] - sides[1]
    ends: dict[int, int] = {}
    for t in np.flatnonzero(fires).tolist():
        row = 0 if fires[t] > 0.0 else 1
        gone = np.flatnonzero(lost[row][t + 1 : t + 12] <= both[row][t][2])
        ends |= {t: t + 1 + gone[0]} if len(gone) else {}
        edges = sorted(abs(x) for x in both[row][t][1:3])
        assert [found["bottom"][t], found["top"][t]] == edges
    known = ~np.isnan(found["signal"])
    assert np.abs(fires).sum() > 200
    assert np.array_equal(fired(found)[known], fires[known])
    assert np.allclose(found["quality"][fires != 0.0], quality[fires != 0.0], rtol=1e-9)
    alive = shown(fires, 10, ends)
    assert len(ends) > 20
    assert np.array_equal(found["signal"][known], alive[known])
    assert np.array_equal(np.isnan(found["top"][known]), alive[known] == 0.0)
