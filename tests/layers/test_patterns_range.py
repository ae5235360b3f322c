"""L28 and L30: transcriptions over recorded bars, hand-made charts for each comparison, mirrored and scaled prices."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import talib

from tests.layers.real_data import real_bars
from tests.layers.test_patterns import TOP, Values, grid_bars, lived, mirrored, run

SIDES = pytest.mark.parametrize("side", [1.0, -1.0])


def fired(found: Values) -> np.ndarray:
    return np.where(found["age"] == 0.0, found["signal"], 0.0)


def turn(bars: Values, side: float) -> Values:
    """The chart upside down for side -1."""
    if side > 0.0:
        return bars
    return bars | {"high": 200.0 - bars["low"], "low": 200.0 - bars["high"], "close": 200.0 - bars["close"]}


# ---------------------------------------------------------------- L28


def squeezed(closes: list[float], widths: list[float], side: float = 1.0, **more: object) -> Values:
    """Bars around their closes, after eight quiet ones; window 5."""
    close = np.array([100.0] * 8 + closes)
    half = 0.5 * np.array([2.0] * 8 + widths)
    bars = turn({"high": close + half, "low": close - half, "close": close}, side)
    params = {"window": 5, "bb": 2.0, "kc": 1.5}
    return run("L28", {**bars, "bandwidth_rank": 0.2, **more}, params)


@SIDES
def test_l28_fires_to_the_side_of_the_close_that_ends_a_squeeze(side: float) -> None:
    found = squeezed([110.0, 110.0], [2.0, 2.0], side)
    assert found["squeeze"][6:].tolist() == [1, 1, 0, 0]
    assert found["signal"][6:].tolist() == [0, 0, side, side]
    assert found["age"][8:].tolist() == [0, 1]
    assert found["quality"][8] == pytest.approx(0.8 * 0.75)


def test_l28_counts_a_narrow_bar_of_the_squeeze_and_the_lowest_rank() -> None:
    ranks = np.r_[np.full(6, 0.01), 0.5, 0.4, 0.3, 0.6, 0.1]
    found = squeezed([100.0, 100.0, 110.0], [1.0, 2.0, 2.0], bandwidth_rank=ranks)
    assert found["nr7"][6:].tolist() == [0, 0, 1, 0, 0]
    assert found["quality"][10] == pytest.approx(0.99)
    again = squeezed([110.0, *[110.0] * 5, 120.0], [1.0, *[2.0] * 5, 2.0])
    assert again["squeeze"][8:].tolist() == [0, 0, 0, 0, 1, 1, 0]
    assert again["nr7"][8] == 1.0  # but not of the squeeze that follows
    assert again["quality"][14] == pytest.approx(0.8 * 0.75)
    twice = squeezed([100.0, 110.0, *[110.0] * 5, 120.0], [1.0, 2.0, *[2.0] * 5, 2.0])
    assert [twice["quality"][k] for k in (9, 15)] == pytest.approx([0.8, 0.8 * 0.75])


def test_l28_calls_a_bar_narrow_only_below_each_of_the_six_before() -> None:
    assert squeezed([100.0], [2.0])["nr7"][8] == 0.0
    wide = squeezed([100.0] * 7, [0.5, 1, 1, 1, 1, 1, 0.75])
    assert wide["nr7"][8:].tolist() == [1, 0, 0, 0, 0, 0, 0]
    assert squeezed([100.0] * 8, [0.5, 1, 1, 1, 1, 1, 1, 0.75])["nr7"][15] == 1.0


def test_l28_is_silent_where_nothing_moves() -> None:
    still = run("L28", {"high": 100.0, "low": 100.0, "close": np.full(40, 100.0), "bandwidth_rank": 0.5})
    assert not np.any(still["squeeze"][19:])
    assert not np.any(still["nr7"][19:])
    assert not np.any(still["signal"][19:])


@pytest.mark.parametrize(("last", "side"), [(100.0, 0.0), (100.0625, 1.0), (99.9375, -1.0)])
def test_l28_fires_on_no_side_when_the_close_is_in_the_middle(last: float, side: float) -> None:
    inputs = {"high": np.r_[np.full(12, 105.0), 101.0], "low": np.r_[np.full(12, 95.0), 99.0]}
    close = np.array([100.0] * 8 + [102.0, 98.0, 102.0, 98.0, last])
    params = {"window": 5, "bb": 2.5, "kc": 0.51}
    found = run("L28", {**inputs, "close": close, "bandwidth_rank": 0.2}, params)
    assert found["squeeze"][11:].tolist() == [1, 0]
    assert found["signal"][11:].tolist() == [0, side]


@SIDES
def test_l28_wants_both_bands_strictly_inside(side: float) -> None:
    """The band of 105 stands on the channel's edge on the last bar, the other one well inside."""
    inputs = turn({"high": 105.0, "low": 95.0, "close": np.array([95.0, 100, 105, 100, 100, 100, 100])}, side)
    on_edge, wider = (
        run("L28", {**inputs, "bandwidth_rank": 0.2}, {"window": 5, "bb": 2.0, "kc": kc}) for kc in (0.5, 0.5625)
    )
    assert [on_edge["squeeze"][6], wider["squeeze"][6]] == [0.0, 1.0]


def rma_of_ranges(bars: Values, n: int) -> np.ndarray:
    """Wilder's average of the true range, the first of which is high - low."""
    last = np.r_[np.nan, bars["close"][:-1]]
    true = np.fmax(bars["high"], last) - np.fmin(bars["low"], last)
    seeded = np.r_[np.full(n - 1, np.nan), true[:n].mean(), true[n:]]
    return pd.Series(seeded).ewm(alpha=1.0 / n, adjust=False).mean().to_numpy()


@pytest.mark.parametrize(("window", "bb", "kc"), [(20, 2.0, 1.5), (13, 1.5, 1.25)])
def test_l28_agrees_with_its_squeezes_followed_one_by_one(window: int, bb: float, kc: float) -> None:
    bars = real_bars("bitfinex_ethusd_1m", 60_000)
    close = pd.Series(bars["close"])
    rank = np.random.default_rng(3).random(len(close))
    inputs = {n: bars[n] for n in ("high", "low", "close")} | {"bandwidth_rank": rank}
    found = run("L28", inputs, {"window": window, "bb": bb, "kc": kc})
    mean, sd = close.rolling(window).mean().to_numpy(), close.rolling(window).std(ddof=0).to_numpy()
    middle, reach = talib.EMA(bars["close"], window), kc * rma_of_ranges(bars, window)
    squeeze = (mean + bb * sd < middle + reach) & (mean - bb * sd > middle - reach)
    width = bars["high"] - bars["low"]
    nr7 = width < pd.Series(width).rolling(6).min().shift(1).to_numpy()
    tops, bottoms = pd.Series(bars["high"]).rolling(window).max(), pd.Series(bars["low"]).rolling(window).min()
    side = np.sign(bars["close"] - 0.5 * (0.5 * (tops + bottoms).to_numpy() + mean))
    fires, quality = np.zeros(len(close)), np.zeros(len(close))
    starts = np.flatnonzero(squeeze & ~np.r_[False, squeeze[:-1]])
    ends = np.flatnonzero(~squeeze & np.r_[False, squeeze[:-1]])
    for first, end in zip(starts, ends, strict=False):
        fires[end] = side[end]
        quality[end] = (1.0 - rank[first:end].min()) * (1.0 if nr7[first:end].any() else 0.75)
    known = slice(max(window - 1, 6), None)
    assert np.abs(fires).sum() > 500
    assert np.array_equal(found["squeeze"][known], squeeze[known])
    assert np.array_equal(found["nr7"][known], nr7[known])
    assert np.array_equal(fired(found)[known], fires[known])
    assert np.allclose(found["quality"][fires != 0.0], quality[fires != 0.0], rtol=1e-9)
    assert np.array_equal(found["signal"][known], lived(fires, 10)[known])


# ---------------------------------------------------------------- L30

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


@pytest.mark.parametrize("key", ["L28", "L30"])
def test_l28_l30_with_mirrored_and_scaled_prices(key: str) -> None:
    bars = grid_bars()
    bars["bandwidth_rank"] = np.random.default_rng(4).random(len(bars["close"]))
    extra = "bandwidth_rank" if key == "L28" else "volume"
    names = ("high", "low", "close", extra)
    turned = mirrored(bars) | {extra: bars[extra]}
    assert turned["high"].max() < TOP
    factors = dict.fromkeys(names, 2.0**-30) | {"volume": 2.0**20, "bandwidth_rank": 1.0}
    plain, other = (run(key, {n: c[n] for n in names}) for c in (bars, turned))
    scaled = run(key, {n: bars[n] * factors[n] for n in names})
    assert np.nansum(np.abs(plain["signal"])) > 100
    for name in ("signal", "quality", "age"):
        assert np.array_equal(plain[name], scaled[name], equal_nan=True)
    assert np.array_equal(plain["signal"], -other["signal"], equal_nan=True)
    assert np.allclose(plain["quality"], other["quality"], rtol=1e-9, equal_nan=True)
