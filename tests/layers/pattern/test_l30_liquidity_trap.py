"""L30: a chart for each comparison, and sweeps followed one by one over recorded bars."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tests.layers.pattern.charts import SIDES, Values, fired, grid_bars, lived, run, turn

DIP = [100.0, 98.0, 96.0, 98.0, 100.0]  # lows with a pivot of strength 2 at 96, known on the last


def trap(lows: list[float], closes: list[float], side: float = 1.0, reclaim: int = 3, **more: object) -> Values:
    """Bars with these lows and closes after a pivot low at 96."""
    low, close = np.array([*DIP, *lows]), np.array([*(x + 1.0 for x in DIP), *closes])
    bars = turn({"high": np.full(len(low), 104.0) + 0.01 * np.arange(len(low)), "low": low, "close": close}, side)
    return run("L30", {**bars, "volume": 1.0, **more}, {"pivot": 2, "reclaim": reclaim})


@SIDES
def test_l30_fires_on_the_close_back_inside(side: float) -> None:
    found = trap([95, 95, 94, 97], [97, 97, 97, 97], side)
    assert found["signal"][4:].tolist() == [0, side, side, side, side]
    assert found["age"][5:].tolist() == [0, 1, 2, 3]
    assert found["swept"][5] == (96.0 if side > 0.0 else 104.0)
    assert found["quality"][5] == pytest.approx(0.5 * (0.5 + 0.5))
    assert np.isnan(found["swept"][4])
    assert not np.any(trap([96, 97], [97, 98], side)["signal"][4:])


@SIDES
def test_l30_gives_the_close_its_bars_to_come_back(side: float) -> None:
    volume = np.array([1.0] * 5 + [2.0, 6.0, 4.0])
    found = trap([95, 92, 95], [95, 96, 98], side, volume=volume)
    assert found["signal"][4:].tolist() == [0, 0, 0, side]
    assert found["quality"][7] == pytest.approx(0.5 * (2.0 / 6.0 + 6.0 / (6.0 + 3.25)))
    assert not np.any(trap([95, 92, 95, 95], [95, 95, 95, 98], side)["signal"][4:])
    assert not np.any(trap([95, 95], [95, 98], side, reclaim=1)["signal"][4:])
    assert trap([95, 97], [97, 98], side, reclaim=1)["signal"][5] == side


@SIDES
def test_l30_spends_a_pivot_whether_it_was_a_trap_or_a_break(side: float) -> None:
    broken = trap([95, 95, 95, 95.5, 95], [95, 95, 95, 97, 97], side)
    assert not np.any(broken["signal"][4:])
    twice = trap([95, 97, 95], [97, 98, 97], side)
    assert twice["age"][5:].tolist() == [0, 1, 2]


@SIDES
def test_l30_takes_the_newest_pivot(side: float) -> None:
    found = trap([99, 97, 98, 99, 96.5], [100, 98, 99, 100, 98], side)
    assert found["signal"][4:].tolist() == [0, 0, 0, 0, 0, side]
    assert found["swept"][9] == (97.0 if side > 0.0 else 103.0)


def test_l30_fires_neither_way_on_a_bar_that_sweeps_both_sides() -> None:
    low = np.array([100, 98, 96, 98, 100, 99, 95.0])
    high = np.array([102, 104, 106, 104, 103, 103, 107.0])
    inputs = {"high": high, "low": low, "close": 101.0, "volume": 1.0}
    assert not np.any(run("L30", inputs, {"pivot": 2})["signal"][4:])
    alone = run("L30", {**inputs, "low": np.r_[low[:-1], 96.0]}, {"pivot": 2})
    assert alone["signal"][6] == -1.0


def test_l30_knows_no_busy_bar_without_volume() -> None:
    assert trap([95], [97], volume=np.zeros(6))["quality"][5] == pytest.approx(0.25)


def traps_by_hand(bars: Values, strength: int, reclaim: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Side, quality and level of each bar on which L30 fires, from sweep to sweep, one side after the other."""
    close, volume = bars["close"], bars["volume"]
    usual = pd.Series(volume).rolling(2 * strength).mean().to_numpy()
    sides, worth, levels = (np.zeros((2, len(close))) for _ in range(3))
    for row, (side, reach) in enumerate(((1.0, bars["low"]), (-1.0, -bars["high"]))):
        windows = np.lib.stride_tricks.sliding_window_view(reach, 2 * strength + 1)
        middle = windows[:, strength]
        pivots = (middle <= windows[:, :strength].min(axis=1)) & (middle < windows[:, strength + 1 :].min(axis=1))
        confirmed = np.flatnonzero(pivots) + 2 * strength
        free = 0  # no sweep begins before this bar
        for t, until in zip(confirmed, np.r_[confirmed[1:], len(close)], strict=True):
            level = reach[t - strength]
            begins = np.flatnonzero(reach[max(t, free) : until] < level)
            if len(begins) == 0:
                continue
            u = max(t, free) + begins[0]
            back = np.flatnonzero(side * close[u : u + reclaim] > level)
            end = u + back[0] if len(back) else min(u + reclaim, len(close)) - 1
            free = end + 1
            if len(back):
                bars_of_it = slice(u, end + 1)
                busy = volume[bars_of_it].max() / (volume[bars_of_it].max() + usual[end])
                inside = (side * close[end] - level) / (side * close[end] - reach[bars_of_it].min())
                sides[row, end], worth[row, end], levels[row, end] = side, 0.5 * (inside + busy), side * level
    alone = sides.sum(axis=0) != 0.0
    return sides.sum(axis=0), np.where(alone, worth.sum(axis=0), 0.0), np.where(alone, levels.sum(axis=0), 0.0)


@pytest.mark.parametrize(("strength", "reclaim"), [(10, 3), (2, 12)])
def test_l30_agrees_with_sweeps_followed_one_by_one(strength: int, reclaim: int) -> None:
    bars = grid_bars(60_000)
    names = ("high", "low", "close", "volume")
    found = run("L30", {n: bars[n] for n in names}, {"pivot": strength, "reclaim": reclaim})
    fires, quality, level = traps_by_hand(bars, strength, reclaim)
    known = slice(2 * strength, None)
    assert np.abs(fires).sum() > 500
    assert np.array_equal(fired(found)[known], fires[known])
    assert np.allclose(found["quality"][fires != 0.0], quality[fires != 0.0], rtol=1e-9)
    shown = lived(fires, 3 * reclaim)
    last = pd.Series(np.where(fires != 0.0, level, np.nan)).ffill().to_numpy()
    assert np.array_equal(found["swept"][shown != 0.0], last[shown != 0.0])
    assert np.array_equal(found["signal"][known], shown[known])
    assert np.array_equal(np.isnan(found["swept"][known]), shown[known] == 0.0)
