"""Patterns of one to three bars: TA-Lib's candles over recorded bars, transcriptions, hand-made charts, mirrors."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import talib

from tests.layers.real_data import real_bars
from tests.layers.test_patterns import Values, grid_bars, lived, mirrored, run

OHLC = ("open", "high", "low", "close")
MANY = 400_000
SIDES = pytest.mark.parametrize("side", [1.0, -1.0])
Row = tuple[float, float, float, float]


def chart(rows: list[Row], side: float = 1.0) -> Values:
    """Bars of open, high, low, close; turned upside down for side -1."""
    bars = dict(zip(OHLC, np.array(rows, float).T, strict=True))
    if side < 0.0:
        high, low = 64.0 - bars["low"], 64.0 - bars["high"]
        bars = {"open": 64.0 - bars["open"], "high": high, "low": low, "close": 64.0 - bars["close"]}
    return bars


def before(x: np.ndarray, steps: int) -> np.ndarray:
    """x so many bars ago."""
    return np.r_[np.full(steps, np.nan), x[: len(x) - steps]]


def usual(x: np.ndarray, n: int, steps: int = 0) -> np.ndarray:
    """TA-Lib's candle average: the mean of the n values before the bar so many steps ago."""
    return before(pd.Series(x).rolling(n).sum().to_numpy() / n, steps + 1)


def parts(bars: Values) -> tuple[np.ndarray, ...]:
    """body, range, upper wick, lower wick."""
    top, bottom = (f(bars["open"], bars["close"]) for f in (np.maximum, np.minimum))
    return top - bottom, bars["high"] - bars["low"], bars["high"] - top, bottom - bars["low"]


def candles(name: str, bars: Values, **options: float) -> np.ndarray:
    return np.sign(getattr(talib, name)(*(bars[n] for n in OHLC), **options)).astype(float)


def fired(found: Values) -> np.ndarray:
    return np.where(found["age"] == 0.0, found["signal"], 0.0)


def on_atr(body: np.ndarray, atr: np.ndarray | float) -> np.ndarray:
    return 1.0 - np.exp(-0.5 * body / atr)


def with_atr(bars: Values) -> Values:
    atr = talib.ATR(bars["high"], bars["low"], bars["close"], 14)
    return {n: bars[n][14:] for n in OHLC} | {"atr": np.maximum(np.round(atr[14:] * 64.0) / 64.0, 1.0 / 64.0)}


def expansion(last: Row, side: float = 1.0, z: float = 2.5) -> Values:
    quiet = (32.0, 32.0, 32.0, 32.0)
    return run("L29", {**chart([quiet] * 11 + [last], side), "sigma": 0.01}, {"window": 10, "z": z})


@SIDES
def test_l29_fires_on_a_wide_bar_that_closes_at_its_end(side: float) -> None:
    found = expansion((31, 34, 30, 33), side)
    assert found["signal"][10:].tolist() == [0, side]
    assert found["range_z"][11] == pytest.approx(3.0)
    assert found["quality"][11] == pytest.approx(1.0 - np.exp(-0.2))
    assert found["age"][11] == 0.0
    assert expansion((31, 34, 30, 32.9375), side)["signal"][11] == 0.0
    assert expansion((33.5, 34, 30, 33), side)["signal"][11] == 0.0
    assert expansion((31, 34, 30, 33), side, 3.5)["signal"][11] == 0.0


def test_l29_wants_more_than_its_threshold() -> None:
    inputs = {"open": 1.0, "low": 1.0, "sigma": np.log(2.0)}
    high = np.r_[np.ones(10), 1024.0]
    found = run("L29", {**inputs, "high": high, "close": high}, {"window": 10, "z": 3.0})
    assert found["range_z"][10] == 3.0
    assert found["signal"][10] == 0.0


def test_l29_agrees_with_its_windows_on_recorded_bars() -> None:
    bars = real_bars("bitfinex_ethusd_1m", 40_000)
    moves = np.diff(np.log(bars["close"]), prepend=np.log(bars["close"][0]))
    sigma = np.sqrt(pd.Series(moves**2).ewm(span=30, adjust=False).mean().to_numpy())
    sigma[::97] = 0.0
    found = run("L29", {**{n: bars[n] for n in OHLC}, "sigma": sigma})
    width = np.log(bars["high"] / bars["low"])
    scale = before(sigma, 1)
    x = np.divide(width, scale, out=np.zeros(len(width)), where=scale != 0.0)
    windows = np.lib.stride_tricks.sliding_window_view(x[1:], 100)
    z = np.r_[np.full(100, np.nan), (windows[:, -1] - windows.mean(axis=1)) / windows.std(axis=1)]
    assert np.allclose(found["range_z"], z, rtol=1e-9, atol=1e-9, equal_nan=True)
    share = (bars["close"] - bars["low"]) / np.where(width > 0.0, bars["high"] - bars["low"], np.inf)
    side = np.sign(bars["close"] - bars["open"])
    held = np.where(side > 0.0, share >= 0.75, share <= 0.25)
    fires = np.where((z > 2.5) & held, side, 0.0)
    assert np.abs(fires).sum() > 300
    assert np.array_equal(fired(found), fires)
    assert np.allclose(found["quality"][fires != 0.0], 1.0 - np.exp(1.0 - z[fires != 0.0] / 2.5), rtol=1e-7, atol=1e-12)
    assert np.array_equal(found["signal"][100:], lived(fires, 10)[100:])


MOTHER, BABY = (20, 24, 16, 20), (20, 22, 20, 21)
QUIET = (21, 22, 20, 21)


def leaving(rows: list[Row], side: float, live: int = 3) -> Values:
    return run("L32", chart(rows, side), {"live": live})


@SIDES
def test_l32_fires_on_the_close_that_leaves_an_inside_bar(side: float) -> None:
    found = leaving([MOTHER, BABY, QUIET, QUIET, (21, 23, 20, 22.5), QUIET, QUIET, QUIET], side)
    assert (side * found["signal"][1:]).tolist() == [0, 0, 0, 1, 1, 1, 0]
    assert found["kind"][1:].tolist() == [0, 0, 0, 1, 1, 1, 0]
    assert found["quality"][4] == 0.75
    late = leaving([MOTHER, BABY, QUIET, QUIET, QUIET, (21, 23, 20, 22.5)], side)
    assert not np.any(late["signal"][1:])
    only = leaving([MOTHER, BABY, QUIET, (21, 23, 20, 22)], side)
    assert not np.any(only["signal"][1:])


@SIDES
def test_l32_breaks_an_inside_bar_once_and_follows_the_newest(side: float) -> None:
    again = leaving([MOTHER, BABY, (21, 23, 20, 22.5), (22, 23, 20, 22.75)], side)
    assert again["age"][2:].tolist() == [0, 1]
    nested = leaving([MOTHER, BABY, (21, 21.5, 20.5, 21), QUIET, QUIET, (21, 22, 20, 21.75)], side)
    assert (side * nested["signal"][1:]).tolist() == [0, 0, 0, 0, 1]
    assert nested["quality"][5] == 0.5


@pytest.mark.parametrize(("high", "low"), [(24, 20), (22, 16)])
def test_l32_takes_no_bar_for_inside_that_reaches_an_edge(high: float, low: float) -> None:
    rows = [MOTHER, (20, high, low, 21), (21, high + 2, low, high + 1)]
    assert not np.any(run("L32", chart(rows))["signal"][1:])


@SIDES
def test_l32_fires_on_an_outside_bar_that_closes_beyond_the_one_before(side: float) -> None:
    found = leaving([(20, 22, 20, 21), (21, 25, 17, 24)], side)
    assert side * found["signal"][1] == 1.0
    assert found["kind"][1] == 2.0
    assert found["quality"][1] == 0.75
    for last in ((21, 25, 17, 22), (24.5, 25, 17, 24), (24, 25, 17, 24), (21, 25, 20, 24)):
        assert leaving([(20, 22, 20, 21), last], side)["signal"][1] == 0.0
    assert leaving([(20, 22, 20, 21), (18, 22, 17, 19)], side)["signal"][1] == 0.0


def leaves_by_hand(bars: Values, live: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Side, quality and kind of each bar on which L32 fires, from inside bar to inside bar."""
    open_, high, low, close = (bars[n] for n in OHLC)
    inside = np.r_[False, (high[1:] < high[:-1]) & (low[1:] > low[:-1])]
    side, quality, kind = (np.zeros(len(close)) for _ in range(3))
    for t in np.flatnonzero(inside):
        for u in range(t + 1, min(t + live + 1, len(close))):
            side[u] = float(close[u] > high[t]) - float(close[u] < low[t])
            if side[u] != 0.0:
                quality[u], kind[u] = 1.0 - (high[t] - low[t]) / (high[t - 1] - low[t - 1]), 1.0
            if side[u] != 0.0 or inside[u]:
                break
    for t in range(1, len(close)):
        if high[t] > high[t - 1] and low[t] < low[t - 1]:
            up, down = close[t] > max(high[t - 1], open_[t]), close[t] < min(low[t - 1], open_[t])
            if up or down:
                side[t], kind[t] = float(up) - float(down), 2.0
                quality[t] = 1.0 - (high[t - 1] - low[t - 1]) / (high[t] - low[t])
    return side, quality, kind


def test_l32_agrees_with_inside_bars_followed_one_by_one() -> None:
    bars = grid_bars(60_000)
    found = run("L32", {n: bars[n] for n in OHLC})
    side, quality, kind = leaves_by_hand(bars, 5)
    assert (kind == 1.0).sum() > 2000
    assert (kind == 2.0).sum() > 1000
    assert np.array_equal(fired(found)[1:], side[1:])
    assert np.allclose(found["quality"][side != 0.0], quality[side != 0.0], rtol=1e-9, atol=1e-12)
    assert np.array_equal(found["kind"][side != 0.0], kind[side != 0.0])
    assert np.array_equal(found["signal"][1:], lived(side, 5)[1:])


FALL = [(40, 40, 38, 38), (38, 38, 36, 36), (36, 36, 34, 34)]
BLACK = (34, 34, 33, 33)


def engulfs(last: Row, side: float = 1.0, rows: list[Row] | None = None, **inputs: float) -> float:
    bars = chart([*(FALL if rows is None else rows), BLACK, last], side)
    return side * run("L33", {**bars, "atr": inputs.get("atr", 1.0)}, {"trend": 3, "body": 0.5})["signal"][-1]


@SIDES
def test_l33_fires_on_a_body_that_swallows_the_one_before(side: float) -> None:
    assert engulfs((32, 35, 32, 35), side) == 1.0
    assert engulfs((33, 35, 33, 35), side) == 1.0
    assert engulfs((32, 34, 32, 34), side) == 1.0
    for last in ((33, 34, 33, 34), (33.5, 35, 33, 35), (32, 35, 32, 33.5), (35, 35, 32, 32), (33, 33, 33, 33)):
        assert engulfs(last, side) == 0.0


@SIDES
def test_l33_wants_a_strong_body_after_a_move_the_other_way(side: float) -> None:
    assert engulfs((33, 35, 33, 35), side, atr=4.0) == 1.0
    assert engulfs((33, 35, 33, 35), side, atr=4.125) == 0.0
    flat: list[Row] = [(33, 33, 33, 33), (40, 40, 38, 38), (36, 36, 34, 34)]
    assert engulfs((32, 35, 32, 35), side, flat) == 0.0
    assert engulfs((32, 35, 32, 35), side, [(32, 32, 32, 32), *FALL[1:]]) == 0.0
    assert engulfs((32, 35, 32, 35), side, [(33.5, 33.5, 33.5, 33.5), *FALL[1:]]) == 1.0


@pytest.mark.parametrize("name", ["bitfinex_btcusd_1m", "bitfinex_ethusd_1m", "bitfinex_xrpusd_1m"])
def test_l33_is_the_engulfing_candle_of_ta_lib_with_its_filters(name: str) -> None:
    """Equal on every bar but after bars without a body, which TA-Lib takes for white ones."""
    bars = real_bars(name, 120_000)
    atr = talib.ATR(bars["high"], bars["low"], bars["close"], 14)
    bars = {n: bars[n][14:] for n in OHLC} | {"atr": atr[14:]}
    close = bars["close"]
    body = np.abs(close - bars["open"])
    shape = np.where(before(body, 1) > 0.0, candles("CDLENGULFING", bars), 0.0)
    against = shape * (before(close, 1) - before(close, 6)) < 0.0
    fires = np.where(against & (body >= 0.5 * bars["atr"]), shape, 0.0)
    found = run("L33", bars)
    assert np.abs(fires).sum() > 1000
    assert np.array_equal(fired(found)[6:], fires[6:])
    assert np.allclose(found["quality"][fires != 0.0], on_atr(body, bars["atr"])[fires != 0.0], rtol=1e-9)
    assert np.array_equal(found["signal"][6:], lived(fires, 5)[6:])


def pins(last: Row, side: float = 1.0, rows: list[Row] | None = None) -> float:
    bars = chart([*([(30, 31, 29, 30)] * 2 if rows is None else rows), last], side)
    return side * fired(run("L34", {**bars, "atr": 1.0}, {"trend": 2, "wick": 2}))[-1]


@SIDES
def test_l34_fires_on_a_long_wick_at_the_edge(side: float) -> None:
    assert pins((22, 24.25, 20, 23), side) == 1.0
    assert pins((23, 24.25, 20, 22), side) == 1.0
    assert pins((22, 24.5, 20, 23), side) == 0.0  # the other wick is a third of the range
    assert pins((22, 24.25, 20.125, 23), side) == 0.0  # not two bodies long
    assert pins((20, 20, 20, 20), side) == 0.0
    assert pins((23, 23, 20, 23), side) == 1.0


@SIDES
def test_l34_looks_at_its_last_bars_only(side: float) -> None:
    last = (22, 24, 20, 23)
    assert pins(last, side, [(22, 23, 19, 22), (30, 31, 20, 30)]) == 1.0
    assert pins(last, side, [(30, 31, 29, 30), (22, 23, 19.75, 22)]) == 0.0


def test_l34_is_the_hammer_and_the_shooting_star_of_ta_lib_where_they_compare() -> None:
    """With wick = 1 and trend = 1 ours is TA-Lib's shape less its averages and its gap: both with both are equal."""
    bars = with_atr(grid_bars(MANY))
    found = fired(run("L34", bars, {"wick": 1.0, "trend": 1}))
    body, width, upper, lower = parts(bars)
    low_end, high_end = (f(bars["open"], bars["close"]) for f in (np.minimum, np.maximum))
    small, tiny = body < usual(body, 10), 0.1 * usual(width, 10)
    near = low_end <= before(bars["low"], 1) + 0.2 * usual(width, 5, 1)
    hammer = (found > 0.0) & small & (lower > body) & (upper < tiny) & near
    star = (found < 0.0) & small & (upper > body) & (lower < tiny) & (low_end > before(high_end, 1))
    theirs = {n: candles(n, bars) for n in ("CDLHAMMER", "CDLSHOOTINGSTAR")}
    assert hammer.sum() > 2000
    assert star.sum() > 100
    assert np.array_equal(hammer[20:], ((theirs["CDLHAMMER"] > 0.0) & (3.0 * upper < width))[20:])
    assert np.array_equal(star[20:], ((theirs["CDLSHOOTINGSTAR"] < 0.0) & (3.0 * lower < width))[20:])


def test_l34_agrees_with_its_rule_on_recorded_bars() -> None:
    bars = with_atr(grid_bars(100_000))
    found = run("L34", bars)
    body, width, upper, lower = parts(bars)
    lowest, highest = pd.Series(bars["low"]).rolling(5).min(), pd.Series(bars["high"]).rolling(5).max()
    hammer = (lower >= 2.0 * body) & (3.0 * upper < width) & (bars["low"] == lowest.to_numpy())
    star = (upper >= 2.0 * body) & (3.0 * lower < width) & (bars["high"] == highest.to_numpy())
    fires = hammer.astype(float) - star
    assert np.abs(fires).sum() > 5000
    assert np.array_equal(fired(found)[4:], fires[4:])
    quality = on_atr(np.maximum(upper, lower), bars["atr"])
    assert np.allclose(found["quality"][4:][fires[4:] != 0.0], quality[4:][fires[4:] != 0.0], rtol=1e-9)
    assert np.array_equal(found["signal"][4:], lived(fires, 5)[4:])


STAR: list[Row] = [(10, 10, 8, 8), (8, 8, 7.75, 7.75), (7.75, 9.25, 7.75, 9.25)]
MARCH: list[Row] = [(10, 11, 10, 11), (10.5, 11.5, 10.5, 11.5), (11, 12, 11, 12)]


def three(rows: list[Row], side: float, kind: float) -> bool:
    """Whether the last bar fires to the side, with the kind that belongs to it."""
    found = run("L35", {**chart(rows, side), "atr": 1.0}, {"body": 0.5, "star": 0.25})
    if found["signal"][-1] == 0.0:
        assert found["kind"][-1] == 0.0
        return False
    assert found["signal"][-1] == side
    assert found["kind"][-1] == kind + (side < 0.0)
    assert found["quality"][-1] == pytest.approx(on_atr(abs(rows[-1][3] - rows[-1][0]), 1.0))
    return True


@SIDES
@pytest.mark.parametrize(
    ("place", "bar", "fires"),
    [
        (2, (7.75, 9, 7.75, 9), False), (2, (9.25, 9.25, 7.75, 7.75), False), (2, (8.75, 9.25, 8.75, 9.25), True),
        (2, (8.875, 9.25, 8.75, 9.25), False), (1, (7.875, 8, 7.75, 8), True),
        (1, (8.125, 8.125, 7.875, 7.875), False), (1, (7.875, 8.125, 7.875, 8.125), False),
        (1, (8, 8, 7.625, 7.625), False), (0, (8.5, 8.5, 8, 8), True), (0, (8.375, 8.5, 8, 8), False),
        (0, (8, 10, 8, 10), False),
    ],
)  # fmt: skip
def test_l35_star_at_each_of_its_limits(side: float, place: int, bar: Row, fires: bool) -> None:
    assert three(STAR, side, 1.0)
    assert three([*STAR[:place], bar, *STAR[place + 1 :]], side, 1.0) == fires


@SIDES
@pytest.mark.parametrize(
    ("place", "bar", "fires"),
    [
        (0, (10, 11.5, 9.5, 11), True), (0, (10, 11.625, 9.5, 11), False), (0, (10.5, 11, 10.5, 11), True),
        (0, (10.5625, 11, 10.5, 11), False), (0, (11, 11, 10, 10), False), (1, (10.5, 11.875, 10.375, 11.5), True),
        (1, (10.5, 12, 10.375, 11.5), False), (1, (10, 11.5, 10, 11.5), True),
        (1, (9.875, 11.5, 9.875, 11.5), False), (1, (11, 11.5, 11, 11.5), True),
        (1, (11.125, 11.75, 11.125, 11.75), False), (1, (10.5, 11, 10.5, 11), False),
        (2, (11, 12.25, 11.25, 12), True), (2, (11, 12.5, 11, 12), False), (2, (10.5, 12, 10.5, 12), True),
        (2, (10.375, 12, 10.375, 12), False), (2, (11.5, 12, 11.5, 12), True),
        (2, (11.5, 12, 11.5, 11.9375), False), (2, (11.625, 12.25, 11.625, 12.25), False),
        (2, (10.75, 11.5, 10.75, 11.5), False),
    ],
)  # fmt: skip
def test_l35_soldiers_at_each_of_their_limits(side: float, place: int, bar: Row, fires: bool) -> None:
    assert three(MARCH, side, 3.0)
    assert three([*MARCH[:place], bar, *MARCH[place + 1 :]], side, 3.0) == fires


def test_l35_is_the_star_of_ta_lib_where_they_compare() -> None:
    """TA-Lib wants a gap to the star and bodies against their averages; ours against atr. Both with both are equal."""
    bars = with_atr(grid_bars(MANY))
    found = run("L35", bars)
    body, atr = parts(bars)[0], bars["atr"]
    low_end, high_end = (f(bars["open"], bars["close"]) for f in (np.minimum, np.maximum))
    first, second = before(body, 2), before(body, 1)
    theirs_more = (first > usual(body, 10, 2)) & (second <= usual(body, 10, 1)) & (body > usual(body, 10))
    ours_more = (first >= 0.5 * atr) & (second <= 0.3 * atr) & (body >= 0.5 * atr)
    gaps = {1.0: before(high_end, 1) < before(low_end, 2), -1.0: before(low_end, 1) > before(high_end, 2)}
    for name, side, kind in (("CDLMORNINGSTAR", 1.0, 1.0), ("CDLEVENINGSTAR", -1.0, 2.0)):
        ours = (fired(found) == side) & (found["kind"] == kind) & theirs_more & gaps[side]
        theirs = (candles(name, bars, penetration=0.5) == side) & ours_more
        assert ours.sum() > 50
        assert np.array_equal(ours[20:], theirs[20:])


def throughout(held: np.ndarray, bars: int) -> np.ndarray:
    """Whether it held on each of the last so many bars."""
    return np.all([before(held.astype(float), k) == 1.0 for k in range(bars)], axis=0)


def test_l35_is_the_soldiers_and_crows_of_ta_lib_where_they_compare() -> None:
    """TA-Lib's have shorter wicks, bodies against averages, and crows a white bar before; ours bodies against atr."""
    bars = with_atr(grid_bars(MANY))
    found = run("L35", bars)
    body, width, upper, lower = parts(bars)
    open_, high, _, close = (bars[n] for n in OHLC)
    opened, closed = before(open_, 1), before(close, 1)
    strong = np.all([before(body, k) >= 0.5 * bars["atr"] for k in range(3)], axis=0)
    tiny = 0.1 * usual(width, 10)
    grows = throughout(body > before(body, 1) - 0.6 * usual(width, 5, 1), 2) & (body > usual(body, 10))
    ours = (fired(found) > 0.0) & (found["kind"] == 3.0) & grows & throughout(upper < tiny, 3)
    ours &= throughout(open_ > opened, 2)
    theirs = (candles("CDL3WHITESOLDIERS", bars) > 0.0) & strong & throughout(upper <= 0.25 * width, 3)
    theirs &= throughout(open_ <= closed, 2)
    assert ours.sum() > 50
    assert np.array_equal(ours[20:], theirs[20:])
    ours = (fired(found) < 0.0) & (found["kind"] == 4.0) & throughout(lower < tiny, 3)
    ours &= throughout((open_ < opened) & (open_ > closed), 2)
    ours &= (before(close, 3) >= before(open_, 3)) & (before(high, 3) > before(close, 2))
    theirs = (candles("CDL3BLACKCROWS", bars) < 0.0) & strong & throughout(lower <= 0.25 * width, 3)
    assert ours.sum() > 10
    assert np.array_equal(ours[20:], theirs[20:])
    assert np.array_equal(found["signal"][2:], lived(fired(found), 5)[2:])


@pytest.mark.parametrize("key", ["L32", "L33", "L34", "L35"])
def test_l32_l33_l34_l35_with_mirrored_and_scaled_prices(key: str) -> None:
    bars = with_atr(grid_bars())
    names = OHLC if key == "L32" else (*OHLC, "atr")
    turned = mirrored(bars | {"volume": bars["atr"]}) | {"atr": bars["atr"]}
    plain, other = (run(key, {n: c[n] for n in names}) for c in (bars, turned))
    scaled = run(key, {n: bars[n] * 2.0**-40 for n in names})
    assert np.nansum(np.abs(plain["signal"])) > 100
    for name in ("signal", "quality", "age"):
        assert np.array_equal(plain[name], scaled[name], equal_nan=True)
    assert np.array_equal(plain["signal"], -other["signal"], equal_nan=True)
    assert np.array_equal(plain["quality"], other["quality"], equal_nan=True)
