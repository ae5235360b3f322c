"""Pivots and swings, found window by window, and charts that walk from swing to swing."""

from __future__ import annotations

import numpy as np
import pytest

from tests.layers.pattern.charts import Values, fired, recorded, run, turn

Swing = tuple[float, int, float]  # price, bar, side
NAMES = ("high", "low", "close", "atr")
RECORDED = pytest.mark.parametrize(
    ("market", "strength"), [("bitfinex_ethusd_1m", 8), ("bitfinex_ethusd_1m", 3), ("binance_btcusdt_1m", 5)]
)
LEG = 4


def pivots_by_hand(reach: np.ndarray, k: int) -> np.ndarray:
    """The pivot low that each bar confirms, else NaN; of negated highs they are the negated pivot highs."""
    windows = np.lib.stride_tricks.sliding_window_view(reach, 2 * k + 1)
    middle = windows[:, k]
    found = (middle <= windows[:, :k].min(axis=1)) & (middle < windows[:, k + 1 :].min(axis=1))
    return np.r_[np.full(2 * k, np.nan), np.where(found, middle, np.nan)]


def swings_by_hand(bars: Values, k: int) -> list[tuple[int, list[Swing]]]:
    """For each bar on which the swings change: itself and the last swings up to it."""
    tops, bottoms = -pivots_by_hand(-bars["high"], k), pivots_by_hand(bars["low"], k)
    changes: list[tuple[int, list[Swing]]] = []
    swings: list[Swing] = []
    for t in np.flatnonzero(~np.isnan(tops) | ~np.isnan(bottoms)):
        pair = [(p, int(t - k), side) for p, side in ((tops[t], 1.0), (bottoms[t], -1.0)) if not np.isnan(p)]
        if len(pair) == 2 and not swings:
            continue
        before = list(swings)
        for one in sorted(pair, key=lambda x: x[2] == swings[-1][2]) if len(pair) == 2 else pair:
            if not swings or swings[-1][2] != one[2]:
                swings = [*swings[-20:], one]
            elif one[2] * (one[0] - swings[-1][0]) > 0.0:
                swings = [*swings[:-1], one]
        if swings != before:
            changes.append((int(t), swings))
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


def recorded_reach(market: str) -> Values:
    bars = recorded(market)
    return {n: bars[n] for n in NAMES}


def walk(corners: list[float], tail: list[float]) -> np.ndarray:
    """Closes straight from corner to corner, LEG bars each, and then the tail."""
    marks = LEG * np.arange(len(corners))
    return np.concatenate([np.interp(np.arange(marks[-1] + 1), marks, corners), np.array(tail, float)])


def walked(
    key: str, corners: list[float], tail: list[float], side: float = 1.0, shift: float = 0.0, **params: float
) -> Values:
    """The layer over a walk, half a unit from low to high, upside down for side -1; pivots of strength 2."""
    close = walk(corners, tail)
    bars = turn({"high": close + 0.25, "low": close - 0.25 + shift, "close": close}, side)
    return run(key, {**bars, "atr": params.pop("atr", 1.0)}, {"pivot": 2, **params})


def price(x: float, side: float) -> float:
    return x if side > 0.0 else 200.0 - x


def fires_at(found: Values) -> list[int]:
    return np.flatnonzero(fired(found)).tolist()


def held(fires: np.ndarray, values: np.ndarray, shown: np.ndarray) -> np.ndarray:
    """The value of the last bar that fired, missing where nothing is shown."""
    last = np.maximum.accumulate(np.where(fires != 0.0, np.arange(len(fires)), 0))
    return np.where(shown != 0.0, values[last], np.nan)
