"""L39, L40, L44, L45: transcriptions over recorded bars, hand-made charts for each comparison, mirrored prices."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import talib

from tests.layers.real_data import real_bars
from tests.layers.test_patterns import TOP, Values, grid_bars, mirrored, run

SIDES = pytest.mark.parametrize("side", [1.0, -1.0])
MARKETS = pytest.mark.parametrize("market", ["bitfinex_ethusd_1m", "binance_btcusdt_1m"])
Bar = tuple[float, float, float]  # high, low, close
FEW, WIDE = 60_000, 14


def fired(found: Values) -> np.ndarray:
    return np.where(found["age"] == 0.0, found["signal"], 0.0)


def chart(bars: list[Bar], side: float) -> Values:
    """The bars, upside down for side -1."""
    high, low, close = np.array(bars).T
    if side > 0.0:
        return {"high": high, "low": low, "close": close}
    return {"high": 200.0 - low, "low": 200.0 - high, "close": 200.0 - close}


def zone(found: Values, bar: int, side: float) -> list[float]:
    """Near and far edge of the zone that is shown, turned back."""
    edges = found["top"][bar], found["bottom"][bar]
    return list(edges) if side > 0.0 else [200.0 - edges[1], 200.0 - edges[0]]


def recorded(market: str) -> Values:
    bars = real_bars(market, FEW)
    atr = talib.ATR(bars["high"], bars["low"], bars["close"], WIDE)
    return {name: values[WIDE:] for name, values in {**bars, "atr": atr}.items()}


def shown(fires: np.ndarray, life: int, ends: dict[int, int]) -> np.ndarray:
    """The side that lives on each bar: each for `life` bars, or until the bar that ends it, if there is one."""
    alive = np.zeros(len(fires))
    for t in np.flatnonzero(fires).tolist():
        alive[t:] = 0.0
        alive[t : min(t + life, ends.get(t, len(fires)))] = fires[t]
    return alive


# ---------------------------------------------------------------- L44

GAP = [(100.0, 99.0, 99.5), (102.0, 99.5, 101.75), (103.0, 101.0, 102.5)]  # from 100 to 101
AWAY = (103.5, 101.5, 102.5)


def gap(bars: list[Bar], side: float = 1.0, **params: float) -> Values:
    return run("L44", {**chart([*GAP, *bars], side), "atr": 1.0}, {"min_size": 1.0, "live": 5, **params})


@SIDES
def test_l44_fires_on_the_first_return_that_closes_on_its_side(side: float) -> None:
    found = gap([AWAY, (103.0, 100.75, 101.5), (103.0, 100.5, 101.5)], side)
    assert found["signal"][2:].tolist() == [0, 0, side, side]
    assert found["age"][4:].tolist() == [0, 1]
    assert zone(found, 4, side) == [101.0, 100.0]
    assert found["quality"][4] == pytest.approx(0.5 * (1.0 - np.exp(-0.5) + 0.75))
    assert np.isnan(found["top"][3]) and np.isnan(found["bottom"][3])


@SIDES
@pytest.mark.parametrize(
    ("bar", "fires"),
    [
        ((103.0, 100.9375, 101.0625), True),
        ((103.0, 101.0, 101.5), False),  # not within
        ((103.0, 100.5, 101.0), False),  # not on its side
        ((103.0, 100.0625, 101.5), True),
        ((103.0, 100.0, 101.5), False),  # filled
    ],
)
def test_l44_looks_at_the_edges_of_the_gap(bar: Bar, fires: bool, side: float) -> None:
    assert gap([AWAY, bar], side)["signal"][4] == (side if fires else 0.0)


@SIDES
def test_l44_wants_a_gap_of_the_least_size_in_average_ranges(side: float) -> None:
    back = (103.0, 100.5, 101.5)
    assert gap([back], side)["signal"][3] == side
    assert gap([back], side, min_size=1.0625)["signal"][3] == 0.0
    wide = run("L44", {**chart([*GAP, back], side), "atr": np.array([9, 9, 2, 9.0])}, {"min_size": 0.5})
    assert wide["quality"][3] == pytest.approx(0.5 * (1.0 - np.exp(-0.25) + 0.5))


@SIDES
def test_l44_lets_a_gap_wait_for_its_bars_and_no_longer(side: float) -> None:
    back = (103.0, 100.5, 101.5)
    assert gap([AWAY] * 4 + [back], side)["signal"][7] == side
    assert gap([AWAY] * 5 + [back], side)["signal"][8] == 0.0
    assert gap([(103.0, 100.75, 100.9), back], side)["signal"][3:].tolist() == [0, side]
    assert gap([(103.0, 100.0, 100.9), back], side)["signal"][3:].tolist() == [0, 0]


@SIDES
def test_l44_lives_until_its_gap_is_filled(side: float) -> None:
    back = (103.0, 100.5, 101.5)
    assert gap([back, *[AWAY] * 10], side)["signal"][3:].tolist() == [side] * 10 + [0]
    ended = gap([back, AWAY, (103.0, 100.0625, 101.5), (103.0, 100.0, 101.5), back], side)
    assert ended["signal"][3:].tolist() == [side, side, side, 0, 0]
    assert np.isnan(ended["top"][6]) and ended["quality"][6] == 0.0


@SIDES
def test_l44_keeps_the_older_gap_behind_a_newer_one(side: float) -> None:
    higher = [(106.0, 102.5, 105.5), (107.0, 105.0, 106.5)]  # leaves 103 to 105
    found = gap([*higher, (107.0, 104.0, 106.0), (106.5, 100.5, 105.5)], side)
    assert found["age"][5:].tolist() == [0, 0]
    assert zone(found, 5, side) == [105.0, 103.0]
    assert zone(found, 6, side) == [101.0, 100.0]


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


@MARKETS
@pytest.mark.parametrize(("least", "live"), [(0.3, 50), (0.1, 700)])
def test_l44_agrees_with_gaps_followed_one_by_one(market: str, least: float, live: int) -> None:
    bars = recorded(market)
    high, low, close, atr = (bars[n] for n in ("high", "low", "close", "atr"))
    found = run("L44", {n: bars[n] for n in ("high", "low", "close", "atr")}, {"min_size": least, "live": live})
    both, quality = [], np.zeros(len(close))
    for side, near, far in ((1.0, low, high), (-1.0, -high, -low)):
        size = np.r_[np.nan, np.nan, near[2:] - far[:-2]]
        gaps = [
            (t, near[t], far[t - 2], 1.0 - np.exp(-0.5 * size[t] / atr[t]))
            for t in np.flatnonzero(size >= least * atr).tolist()
        ]
        both.append(met_by_hand(gaps, near, side * close, near, live))
        for t, (_, edge, end, worth) in both[-1].items():
            quality[t] = 0.5 * (worth + (near[t] - end) / (edge - end))
    assert_zones(found, both, quality, [low, -high])


# ---------------------------------------------------------------- L45

Candle = tuple[float, float, float, float]  # open, high, low, close
BLOCK = (100.0, 100.25, 99.25, 99.5)
IMPULSE = (99.5, 102.0, 99.5, 101.5)
RETURN = (101.5, 101.75, 100.0, 101.0)
OUTSIDE = (101.5, 101.75, 100.5, 101.5)


def block(candles: list[Candle], side: float = 1.0, **params: float) -> Values:
    """After twenty bars from 99.5 to 100.5, on bar 20 and later; volume 3 on bars 21 and 22, else 1."""
    bars = np.array([(100.0, 100.5, 99.5, 100.0)] * 20 + candles)
    turned = chart([tuple(x) for x in bars[:, 1:]], side)
    open_ = bars[:, 0] if side > 0.0 else 200.0 - bars[:, 0]
    volume = np.where(np.isin(np.arange(len(bars)), [21, 22]), 3.0, 1.0)
    return run("L45", {"open": open_, **turned, "volume": volume, "atr": 1.0}, {"impulse": 2.0, "live": 5, **params})


@SIDES
def test_l45_fires_on_the_first_return_that_is_rejected(side: float) -> None:
    found = block([BLOCK, IMPULSE, OUTSIDE, RETURN, RETURN], side)
    assert found["signal"][20:].tolist() == [0, 0, 0, side, side]
    assert found["age"][23:].tolist() == [0, 1]
    assert zone(found, 23, side) == [100.25, 99.25]
    assert found["quality"][23] == pytest.approx(0.5 * (1.0 - np.exp(-1.0) + 3.0 / (3.0 + 1.1)))
    assert np.isnan(found["top"][22])


@SIDES
@pytest.mark.parametrize(
    ("candles", "fires"),
    [
        ([BLOCK, (99.5, 102.0, 99.5, 101.4375)], False),  # too small
        ([BLOCK, (99.5, 102.0, 99.5, 100.5), (100.5, 102.0, 100.5, 101.5)], True),
        ([BLOCK, (99.5, 99.5, 99.5, 99.5), IMPULSE], True),  # a bar without a body is no end
        ([(100.0, 100.0, 100.0, 100.0), IMPULSE], False),  # and no block
        ([BLOCK, (100.5, 100.5, 100.25, 100.25), (99.5, 102.0, 99.5, 101.5)], False),  # the newer black bar counts
    ],
)
def test_l45_measures_the_impulse_from_the_last_opposite_bar(candles: list[Candle], fires: bool, side: float) -> None:
    found = block([*candles, RETURN], side)
    assert found["signal"][-1] == (side if fires else 0.0)


@SIDES
def test_l45_wants_the_impulse_beyond_the_bars_before_it(side: float) -> None:
    for close, fires in ((100.5, False), (100.5625, True)):
        found = block([BLOCK, (99.5, 102.0, 99.5, close), RETURN], side, impulse=0.5)
        assert found["signal"][22] == (side if fires else 0.0)


@SIDES
@pytest.mark.parametrize(
    ("returns", "expected"),
    [
        ([(101.5, 102.0, 100.1875, 100.3125)], [1]),
        ([(101.5, 102.0, 100.25, 101.0)], [0]),  # not within
        ([(101.5, 102.0, 100.0, 100.25)], [0]),  # not rejected
        ([(101.5, 102.0, 100.0, 100.0), RETURN], [0, 1]),
        ([(101.5, 102.0, 99.0, 101.0)], [1]),  # a wick below does not break it
        ([(101.5, 102.0, 99.0, 99.3125), RETURN], [0, 1]),
        ([(101.5, 102.0, 99.0, 99.25), RETURN], [0, 0]),
        ([OUTSIDE] * 4 + [RETURN], [0] * 4 + [1]),
        ([OUTSIDE] * 5 + [RETURN], [0] * 6),
        ([RETURN, (101.5, 102.0, 99.0, 99.3125), (99.5, 99.5, 99.0, 99.25)], [1, 1, 0]),
        ([RETURN, *[OUTSIDE] * 10], [1] * 10 + [0]),
    ],
)
def test_l45_looks_at_the_edges_of_the_block(returns: list[Candle], expected: list[int], side: float) -> None:
    found = block([BLOCK, IMPULSE, *returns], side)
    assert found["signal"][22:].tolist() == [side * x for x in expected]


@MARKETS
@pytest.mark.parametrize(("impulse", "live"), [(2.0, 100), (0.75, 400)])
def test_l45_agrees_with_blocks_followed_one_by_one(market: str, impulse: float, live: int) -> None:
    bars = recorded(market)
    names = ("open", "high", "low", "close", "volume", "atr")
    found = run("L45", {n: bars[n] for n in names}, {"impulse": impulse, "live": live})
    usual = pd.Series(bars["volume"]).rolling(20).mean().to_numpy()
    both, quality = [], np.zeros(len(usual))
    for side, far, near in ((1.0, bars["low"], bars["high"]), (-1.0, -bars["high"], -bars["low"])):
        close = side * bars["close"]
        structure = pd.Series(near).rolling(20).max().to_numpy()
        opposite = np.flatnonzero(close < side * bars["open"])
        blocks = []
        for t, end in zip(opposite.tolist(), [*opposite[1:].tolist(), len(close)], strict=True):
            ahead = slice(t + 1, end)
            good = (close[ahead] - close[t] >= impulse * bars["atr"][ahead]) & (close[ahead] > structure[t])
            if good.any():
                u = t + 1 + int(np.argmax(good))
                busy = bars["volume"][t + 1 : u + 1].max()
                strength = 1.0 - np.exp(-0.5 * (close[u] - close[t]) / bars["atr"][u])
                blocks.append((u, near[t], far[t], 0.5 * (strength + busy / (busy + usual[u]))))
        both.append(met_by_hand(blocks, far, close, close, live))
        for t, (*_, worth) in both[-1].items():
            quality[t] = worth
    assert_zones(found, both, quality, [bars["close"], -bars["close"]])


# ---------------------------------------------------------------- L39

POLE = [(100.5, 100.0, 100.25)] * 3 + [(102.0, 100.5, 101.75), (104.0, 102.0, 103.75)]  # from 100 to 104, on bar 4
REST = [(103.5, 103.0, 103.25), (103.5, 102.75, 103.0), (103.25, 102.5, 102.75)]  # the line falls a quarter a bar
BREAK = (103.5, 102.75, 103.25)


def flag(bars: list[Bar], volume: list[float], side: float = 1.0, **params: float) -> Values:
    busy = np.array([9.0] * 5 + volume + [9.0] * (len(bars) - len(volume)))
    inputs = {**chart([*POLE, *bars], side), "volume": busy, "atr": 1.0}
    return run("L39", inputs, {"pole": 3.0, "pole_bars": 3, "flag_bars": 5, **params})


@SIDES
def test_l39_fires_on_the_close_out_of_the_flag(side: float) -> None:
    found = flag([*REST, BREAK, *[BREAK] * 3], [5, 4, 3], side)
    assert found["signal"][4:].tolist() == [0, 0, 0, 0, side, side, side, 0]
    assert found["age"][8:11].tolist() == [0, 1, 2]
    assert found["pole"][8] == 4.0
    assert found["quality"][8] == pytest.approx(0.5 * (1.0 - np.exp(-2.0) + 1.0 - 2.0 * 1.5 / 4.0))
    assert np.isnan(found["pole"][[7, 11]]).all()


@SIDES
@pytest.mark.parametrize(
    ("rest", "last", "fires"),
    [
        (REST, (103.5, 102.75, 103.0), False),  # on the line
        (REST, (103.5, 102.75, 103.0625), True),
        (REST, (103.5, 102.0, 103.25), True),  # half of the pole
        (REST, (103.5, 101.9375, 103.25), False),
        ([*REST[:2], (103.25, 101.9375, 102.75)], BREAK, False),
        (REST, (105.0, 102.75, 103.25), True),
        ([*REST[:2], (104.0, 102.5, 102.75)], (104.25, 103.0, 104.0625), True),  # as high as the tip: the line is level
        ([*REST[:2], (104.0, 102.5, 102.75)], (104.25, 103.0, 104.0), False),
        ([*REST[:2], (104.0625, 102.5, 102.75)], (104.5, 103.0, 104.25), False),  # above it: no flag any more
        (REST[:2], (103.75, 102.75, 103.5), False),  # too short
        ([*REST[:2], (103.75, 102.5, 103.5)], (104.0, 103.0, 103.75), True),  # and goes on, under a flatter line
    ],
)
def test_l39_looks_at_the_edges_of_the_flag(rest: list[Bar], last: Bar, fires: bool, side: float) -> None:
    found = flag([*rest, last], [5.0, 4.0, 3.0][: len(rest)], side)
    assert found["signal"][-1] == (side if fires else 0.0)


@SIDES
@pytest.mark.parametrize(
    ("volume", "fires"),
    [([5, 4, 3], 1), ([4, 4, 4], 0), ([3, 4, 5], 0), ([4, 9, 3], 1), ([3, 9, 3], 0), ([0, 0, 0], 0)],
)
def test_l39_wants_volume_to_fall_over_the_flag(volume: list[float], fires: int, side: float) -> None:
    found = flag([*REST, BREAK, (103.75, 102.75, 103.5)], volume, side)
    assert found["signal"][8] == side * fires
    assert found["signal"][9] == side * fires  # a break without it ended the flag


def test_l39_keeps_to_the_height_of_the_pole_and_the_bars_of_both() -> None:
    rest, volume = [*REST, BREAK], [5.0, 4.0, 3.0]
    assert flag(rest, volume, pole=4.0)["signal"][8] == 1.0
    assert flag(rest, volume, pole=4.0625)["signal"][8] == 0.0
    assert flag(rest, volume, flag_bars=3)["signal"][8] == 1.0
    later = [*REST, (103.0, 102.5, 102.75), BREAK]
    assert flag(later, [5, 4, 3, 2], flag_bars=4)["signal"][9] == 1.0
    assert flag(later, [5, 4, 3, 2], flag_bars=3)["signal"][9] == 0.0
    slow = [(100.5, 100.0, 100.25)] * 3 + [(102.0, 101.5, 101.75)] * 3 + [(104.0, 102.0, 103.75)]
    inputs = {**chart([*slow, *rest], 1.0), "volume": np.array([9.0] * 7 + [5, 4, 3, 9]), "atr": 1.0}
    assert [run("L39", inputs, {"pole": 3.0, "pole_bars": n})["signal"][10] for n in (4, 5)] == [0.0, 1.0]


def flags_by_hand(bars: Values, params: dict[str, float]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Side, quality and pole of each bar on which L39 fires, from flag to flag, one side after the other."""
    n, longest = int(params["pole_bars"]), int(params["flag_bars"])
    sides, worth, poles = (np.zeros((2, len(bars["close"]))) for _ in range(3))
    for row, side in enumerate((1.0, -1.0)):
        high, low = (bars["high"], bars["low"]) if side > 0.0 else (-bars["low"], -bars["high"])
        close = side * bars["close"]
        height = pd.Series(high).rolling(n).max().to_numpy() - pd.Series(low).rolling(n).min().to_numpy()
        tips = (high == pd.Series(high).rolling(n).max().to_numpy()) & (height >= params["pole"] * bars["atr"])
        free = 0
        for t in np.flatnonzero(tips).tolist():
            ahead = slice(t + 1, t + longest + 2)
            k = 1.0 + np.arange(len(high[ahead]))
            if t < free or len(k) == 0:
                continue
            line = np.r_[np.inf, np.maximum.accumulate((high[ahead] - high[t]) / k)[:-1]] * k + high[t]
            deepest = np.minimum.accumulate(low[ahead])
            deep = high[t] - deepest > 0.5 * height[t]
            broken = (k > 3) & (close[ahead] > line)
            over = deep | broken | (high[ahead] > high[t]) | (k > longest)
            j = int(np.argmax(over)) if over.any() else len(k)
            free = t + 1 + j
            if j < len(k) and broken[j] and not deep[j] and np.polyfit(k[:j], bars["volume"][t + 1 : free], 1)[0] < 0:
                sides[row, free], poles[row, free] = side, height[t] / bars["atr"][t]
                kept = 1.0 - 2.0 * (high[t] - deepest[j]) / height[t]
                worth[row, free] = 0.5 * (1.0 - np.exp(-0.5 * poles[row, free]) + kept)
    return sides.sum(axis=0), worth.sum(axis=0), poles.sum(axis=0)


@MARKETS
@pytest.mark.parametrize("params", [{}, {"pole": 2.0, "pole_bars": 5, "flag_bars": 9}])
def test_l39_agrees_with_flags_followed_one_by_one(market: str, params: dict[str, float]) -> None:
    bars = recorded(market)
    params = {"pole": 3.0, "pole_bars": 12, "flag_bars": 20, **params}
    found = run("L39", {n: bars[n] for n in ("high", "low", "close", "volume", "atr")}, params)
    fires, quality, pole = flags_by_hand(bars, params)
    known = slice(int(params["pole_bars"]) - 1, None)
    assert np.abs(fires).sum() > 150
    assert np.array_equal(fired(found)[known], fires[known])
    for name, values in (("quality", quality), ("pole", pole)):
        assert np.allclose(found[name][fires != 0.0], values[fires != 0.0], rtol=1e-9)
    assert np.array_equal(found["signal"][known], shown(fires, int(params["pole_bars"]), {})[known])


# ---------------------------------------------------------------- L40

HALF = [0.0, 2.0, 0.0, -2.0, 0.0, 2.0, 0.0, -2.0, 0.0, 0.0]
LEVEL = 100.0 + np.array(
    HALF + HALF[::-1]
)  # a level line at 100, rails at 97.5 and 102.5, four touches above and three below


def channel(bars: list[Bar], side: float = 1.0, closes: np.ndarray = LEVEL, **more: object) -> Values:
    """After twenty bars half a point around their closes, on bar 20 and later; the next fit is after bar 21."""
    before = [(x + 0.5, x - 0.5, x) for x in closes]
    inputs = {**chart([*before, *bars], side), "atr": 1.0, **more}
    return run("L40", inputs, {"window": 20, "touch": 0.25})


@SIDES
@pytest.mark.parametrize(
    ("bar", "fires"),
    [
        ((103.0, 100.0, 102.75), 0),
        ((103.0, 100.0, 102.8125), 1),
        ((98.0, 97.75, 97.8125), 1),
        ((98.0, 97.8125, 98.0), 0),  # not at the rail
        ((98.0, 97.75, 97.75), 0),  # not off it
        ((98.0, 97.0, 97.8125), 1),
        ((103.0, 97.0, 100.0), 0),  # off both
        ((103.0, 97.0, 102.5), 1),  # off the lower one alone
        ((101.0, 99.0, 100.0), 0),
    ],
)
def test_l40_fires_on_a_bounce_inside_and_a_break_outside(bar: Bar, fires: int, side: float) -> None:
    found = channel([bar], side)
    assert found["signal"][20] == side * fires
    assert found["quality"][20] == pytest.approx((1.0 - 2.0 / 7.0) * fires)
    where = min(max((bar[2] - 97.5) / 5.0, 0.0), 1.0)
    assert found["position"][20] == pytest.approx(where if side > 0.0 else 1.0 - where)


def test_l40_places_a_price_that_never_moved_in_the_middle() -> None:
    found = run("L40", {**chart([(100.0, 100.0, 100.0)] * 40, 1.0), "atr": 1.0}, {"window": 20})
    assert found["position"][-1] == 0.5


@SIDES
def test_l40_fires_once_until_the_price_has_crossed_the_line(side: float) -> None:
    low = (99.0, 97.5, 98.5)
    assert channel([low, low], side)["age"][20:].tolist() == [0, 1]
    assert channel([(101.0, 97.5, 100.0), low], side)["age"][20:].tolist() == [0, 1]
    assert channel([(101.0, 97.5, 100.0625), low], side)["age"][20:].tolist() == [0, 0]
    assert channel([(104.0, 102.0, 103.5), (105.0, 103.0, 104.5)], side)["age"][20:].tolist() == [0, 1]
    assert channel([low, (101.0, 99.0, 100.0), (101.0, 99.0, 100.0)], side)["signal"][20:].tolist() == [side, side, 0]


@SIDES
def test_l40_wants_two_touches_of_each_rail_with_the_line_between(side: float) -> None:
    out = [(104.0, 100.0, 103.5)]
    half = 100.0 + 0.5 * (LEVEL - 100.0)
    once, twice = (np.where(np.isin(np.arange(20), at), 98.0, half) for at in ([7], [7, 12]))
    waves = 100.0 + 0.125 * np.cos(np.pi * np.arange(20))
    for closes, fires in ((LEVEL, 1), (np.full(20, 100.0), 0), (waves, 1), (once, 0), (twice, 1)):
        assert channel(out, side, closes)["signal"][20] == side * fires


@SIDES
@pytest.mark.parametrize(("reach", "fires"), [(0.25, 1), (0.3125, 0)])
def test_l40_counts_a_touch_at_its_very_reach(reach: float, fires: int, side: float) -> None:
    """Of the four lows only the first stands on the rail, and the second `reach` above it."""
    bars = [(x + 0.5, x - 0.5, x) for x in LEVEL]
    for bar, low in ((7, 97.5 + reach), (12, 98.0), (16, 98.0)):
        bars[bar] = (bars[bar][0], low, bars[bar][2])
    inputs = {**chart([*bars, (104.0, 100.0, 103.5)], side), "atr": 1.0}
    assert run("L40", inputs, {"window": 20, "touch": 0.25})["signal"][20] == side * fires


@SIDES
def test_l40_wants_a_channel_wider_than_its_touches(side: float) -> None:
    out = [(106.0, 100.0, 105.5)]
    assert channel(out, side, atr=np.full(21, 5.0))["signal"][20] == 0.0
    assert channel(out, side, atr=np.full(21, 4.9375))["signal"][20] == side


def channels_by_hand(bars: Values, n: int, touch: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Side, quality and position by L40, from fit to fit with polyfit."""
    high, low, close, near = bars["high"], bars["low"], bars["close"], touch * bars["atr"]
    sides, quality, position = np.zeros(len(close)), np.zeros(len(close)), np.full(len(close), np.nan)
    freed = {1.0: -1, -1.0: -1}  # the last bar on which a bounce to that side fired, and no close has freed it since

    def touches(at: np.ndarray, between: np.ndarray) -> int:
        count, last = 0, -1
        for t in np.flatnonzero(at).tolist():
            if last < 0 or between[last:t].any():
                count, last = count + 1, t
        return count

    for t in range(n - 1, len(close) - 1, n // 10):
        window, ahead = slice(t - n + 1, t + 1), np.arange(t + 1, min(t + n // 10 + 1, len(close)))
        slope, level = np.polyfit(np.arange(1.0 - n, 1.0), close[window] - close[t], 1)
        line = close[t] + level + slope * (np.arange(len(close)) - t)
        upper, lower = (high - line)[window].max(), (low - line)[window].min()
        position[ahead] = np.clip(((close - line)[ahead] - lower) / (upper - lower), 0.0, 1.0)
        above, below = close > line, close < line
        counts = (
            touches((high - line)[window] >= upper - near[t], below[window]),
            touches((low - line)[window] <= lower + near[t], above[window]),
        )
        good = min(counts) >= 2 and upper - lower > 4.0 * near[t]
        for u in ahead.tolist():
            over, under = close[u] - line[u] - upper, close[u] - line[u] - lower
            out = float(over > near[u]) - float(under < -near[u])
            if good and out != 0.0:
                sides[u], quality[u], good = out, 1.0 - 2.0 / sum(counts), False
            elif good:
                up = low[u] - line[u] - lower <= near[u] and under > near[u] and freed[1.0] < 0
                down = high[u] - line[u] - upper >= -near[u] and over < -near[u] and freed[-1.0] < 0
                sides[u], quality[u] = float(up) - float(down), 1.0 - 2.0 / sum(counts)
                freed = {1.0: u if up else freed[1.0], -1.0: u if down else freed[-1.0]}
            freed = {1.0: -1 if above[u] else freed[1.0], -1.0: -1 if below[u] else freed[-1.0]}
    return sides, quality, position


@MARKETS
@pytest.mark.parametrize(("n", "touch", "least"), [(120, 0.25, 10), (45, 0.5, 150)])
def test_l40_agrees_with_channels_fitted_by_polyfit(market: str, n: int, touch: float, least: int) -> None:
    bars = recorded(market)
    found = run("L40", {k: bars[k] for k in ("high", "low", "close", "atr")}, {"window": n, "touch": touch})
    fires, quality, position = channels_by_hand(bars, n, touch)
    assert np.abs(fires).sum() > least
    assert np.array_equal(fired(found)[n:], fires[n:])
    assert np.allclose(found["quality"][fires != 0.0], quality[fires != 0.0], rtol=1e-9)
    assert np.allclose(found["position"][n:], position[n:], rtol=0.0, atol=1e-7)
    assert np.array_equal(found["signal"][n:], shown(fires, n // 10, {})[n:])


# ---------------------------------------------------------------- all four


@pytest.mark.parametrize(
    ("key", "params"), [("L39", {}), ("L40", {"window": 40, "touch": 0.5}), ("L44", {}), ("L45", {"impulse": 1.5})]
)
def test_mirrored_and_scaled_prices_give_the_same_signals(key: str, params: dict[str, float]) -> None:
    bars = grid_bars(60_000)
    atr = talib.ATR(bars["high"], bars["low"], bars["close"], WIDE)
    bars = {n: values[WIDE:] for n, values in {**bars, "atr": atr}.items()}
    turned = mirrored(bars) | {"atr": bars["atr"]}
    assert turned["high"].max() < TOP
    names = [n for n in bars if n in ("high", "low", "close", "atr") or (n in ("open", "volume") and key == "L45")]
    names += ["volume"] if key == "L39" else []
    plain, other = (run(key, {n: c[n] for n in names}, params) for c in (bars, turned))
    scaled = run(key, {n: bars[n] * (2.0**20 if n == "volume" else 2.0**-30) for n in names}, params)
    assert np.nansum(np.abs(fired(plain))) > 50
    for name in ("signal", "quality", "age"):
        assert np.array_equal(plain[name], scaled[name], equal_nan=True)
    assert np.array_equal(plain["signal"], -other["signal"], equal_nan=True)
    assert np.array_equal(plain["quality"], other["quality"], equal_nan=True)
