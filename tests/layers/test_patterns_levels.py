"""L41 to L43: hand-made charts for each comparison, transcriptions over recorded bars, mirrored and scaled prices."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import talib

from tests.layers.real_data import real_bars
from tests.layers.test_patterns import Values, grid_bars, lived, mirrored, run

SIDES = pytest.mark.parametrize("side", [1.0, -1.0])
MARKETS = ("bitfinex_ethusd_1m", "binance_btcusdt_1m")


def fired(found: Values) -> np.ndarray:
    return np.where(found["age"] == 0.0, found["signal"], 0.0)


def turn(bars: Values, side: float, top: float = 200.0) -> Values:
    """The chart upside down for side -1."""
    if side > 0.0:
        return bars
    return {"high": top - bars["low"], "low": top - bars["high"], "close": top - bars["close"]}


def with_atr(bars: Values) -> Values:
    """The bars from which on Wilder's average of the range is known."""
    atr = talib.ATR(bars["high"], bars["low"], bars["close"], 14)
    return {n: values[14:] for n, values in (bars | {"atr": atr}).items()}


def recorded(name: str) -> Values:
    return with_atr(real_bars(name, 60_000))


def pivots_by_hand(reach: np.ndarray, k: int) -> np.ndarray:
    """The pivot low that each bar confirms, else NaN; of negated highs they are the negated pivot highs."""
    windows = np.lib.stride_tricks.sliding_window_view(reach, 2 * k + 1)
    middle = windows[:, k]
    found = (middle <= windows[:, :k].min(axis=1)) & (middle < windows[:, k + 1 :].min(axis=1))
    return np.r_[np.full(2 * k, np.nan), np.where(found, middle, np.nan)]


def swings_by_hand(bars: Values, k: int) -> list[tuple[int, list[tuple[float, int, float]]]]:
    """For each bar on which the swings change: itself and all swings up to it, each a price, its bar and its side."""
    tops, bottoms = -pivots_by_hand(-bars["high"], k), pivots_by_hand(bars["low"], k)
    changes: list[tuple[int, list[tuple[float, int, float]]]] = []
    swings: list[tuple[float, int, float]] = []
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


# ---------------------------------------------------------------- L41

RISE = [104.0, 102, 100, 110, 120, 118, 116]  # from a low swing at 100 to a high one at 120, known on the last bar
REPEATED = [105.0, 108, 110, 106, 103, 100, 108, 120, 118, 116]  # the same after a high swing at 110


def retraced(
    low: float, close: float, side: float = 1.0, before: list[float] = RISE, bias: float = 0.5, **params: float
) -> tuple[Values, int]:
    """One more bar after a path; returns where it stands. tolerance 0.25 with an average range of 1."""
    path = np.array([*before, low])
    high = path.copy()
    high[-1] = max(low, close)
    bars = turn({"high": high, "low": path, "close": np.r_[path[:-1], close]}, side)
    found = run("L41", {**bars, "atr": 1.0, "bias": side * bias}, {"pivot": 2, "tolerance": 0.25, **params})
    return found, len(before)


@SIDES
@pytest.mark.parametrize(
    ("low", "close", "fires"),
    [(110.25, 111, 1), (110.26, 111, 0), (109.75, 111, 1), (109.74, 111, 0), (110, 110.26, 1), (110, 110.25, 0)],
)
def test_l41_fires_on_a_close_away_from_the_level(side: float, low: float, close: float, fires: float) -> None:
    found, now = retraced(low, close, side)
    assert found["signal"][now] == side * fires
    if fires:
        assert found["age"][now] == 0.0
        assert found["quality"][now] == 0.5
        assert found["level"][now] == 0.5
    assert np.isnan(found["level"][now - 1])


@SIDES
def test_l41_knows_four_fractions(side: float) -> None:
    for fraction in (0.382, 0.5, 0.618, 0.786):
        found, now = retraced(120.1 - 20.0 * fraction, 118.0, side)
        assert found["signal"][now] == side
        assert found["level"][now] == fraction
    for fraction in (0.236, 0.7, 0.886, 1.0):
        assert retraced(120.0 - 20.0 * fraction, 118.0, side)[0]["signal"][7] == 0.0
    between = 120.0 - 20.0 * 0.559
    assert [retraced(between + x, 118.0, side, tolerance=2)[0]["level"][7] for x in (0.01, -0.01)] == [0.5, 0.618]


@SIDES
@pytest.mark.parametrize(("bias", "fires"), [(1e-9, 1.0), (0.0, 0.0), (-0.5, 0.0)])
def test_l41_fires_only_with_the_bias(side: float, bias: float, fires: float) -> None:
    found, now = retraced(110.0, 111.0, side, bias=bias)
    assert found["signal"][now] == side * fires


@SIDES
def test_l41_counts_earlier_swings_at_the_level(side: float) -> None:
    for low, begin, quality in ((110.0, 110.0, 0.75), (110.0, 110.25, 0.75), (110.0, 109.75, 0.75), (110, 110.26, 0.5)):
        before = [begin if x == 110.0 else x for x in REPEATED]
        found, now = retraced(low, 111.0, side, before)
        assert found["age"][now] == 0.0
        assert found["quality"][now] == quality
    twice, now = retraced(110.0, 111.0, side, [105.0, 108, 110, 106, 103, 104, *REPEATED])
    assert twice["quality"][now] == 0.875


@SIDES
@pytest.mark.parametrize(("between", "fires"), [(100.0, 1), (99.9, 0), (120.0, 1), (120.1, 0)])
def test_l41_drops_a_swing_whose_beginning_or_end_was_passed(side: float, between: float, fires: float) -> None:
    found, now = retraced(110.0, 111.0, side, [*RISE, between])
    assert found["signal"][now] == side * fires
    if between < 110.0:
        sooner, now = retraced(110.0, 111.0, side, [*RISE[:-1], between])
        assert sooner["signal"][now] == side * fires


@SIDES
def test_l41_a_signal_lives_for_the_strength(side: float) -> None:
    path = np.array([*RISE, 110.0, 111.0, 111.0])
    close = path + np.r_[np.zeros(7), 1.0, 0.0, 0.0]
    bars = turn({"high": np.maximum(path, close), "low": path, "close": close}, side)
    lasting = run("L41", {**bars, "atr": 1.0, "bias": side}, {"pivot": 2, "tolerance": 0.25})
    assert lasting["signal"][6:].tolist() == [0, side, side, 0]
    assert lasting["age"][7:9].tolist() == [0, 1]
    assert np.isnan(lasting["level"][9])


def retracements_by_hand(bars: Values, k: int, tolerance: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Side, quality and fraction of each bar on which L41 fires, swing by swing."""
    count = len(bars["close"])
    side_of, worth, fraction_of = np.zeros(count), np.zeros(count), np.full(count, np.nan)
    changes = swings_by_hand(bars, k)
    for (t, swings), (until, _) in zip(changes, [*changes[1:], (count, [])], strict=True):
        if len(swings) < 2:
            continue
        (begin, _, _), (end, date, side) = swings[-2:]
        since, now = slice(date + 1, until), slice(t, until)
        near, far = (bars["low"], bars["high"]) if side > 0.0 else (-bars["high"], -bars["low"])
        intact = (np.minimum.accumulate(near[since]) >= side * begin) & (
            np.maximum.accumulate(far[since]) <= side * end
        )
        at = end - np.array([0.382, 0.5, 0.618, 0.786]) * (end - begin)
        apart = np.abs(at - side * near[now, None])
        best = apart.argmin(axis=1)
        reach = tolerance * bars["atr"][now]
        away = side * (bars["close"][now] - at[best])
        fires = intact[t - date - 1 :] & (apart.min(axis=1) <= reach) & (away > reach) & (side * bars["bias"][now] > 0)
        earlier = np.array([price for price, _, _ in swings[-17:-1]])
        found = (np.abs(earlier - at[best][:, None]) <= reach[:, None]).sum(axis=1)
        side_of[now] = np.where(fires, side, 0.0)
        worth[now] = np.where(fires, 1.0 - 0.5 ** (1.0 + found), 0.0)
        fraction_of[now] = np.where(fires, np.array([0.382, 0.5, 0.618, 0.786])[best], np.nan)
    return side_of, worth, fraction_of


@pytest.mark.parametrize("market", MARKETS)
@pytest.mark.parametrize(("k", "tolerance"), [(10, 0.35), (2, 0.15)])
def test_l41_agrees_with_swings_followed_one_by_one(market: str, k: int, tolerance: float) -> None:
    bars = recorded(market)
    bars["bias"] = np.random.default_rng(8).uniform(-1.0, 1.0, len(bars["close"]))
    names = ("high", "low", "close", "atr", "bias")
    found = run("L41", {n: bars[n] for n in names}, {"pivot": k, "tolerance": tolerance})
    fires, quality, fraction = retracements_by_hand(bars, k, tolerance)
    known = slice(2 * k, None)
    assert (fires > 0.0).sum() > 200
    assert (fires < 0.0).sum() > 200
    assert len(np.unique(quality)) > 4
    assert np.array_equal(fired(found)[known], fires[known])
    assert np.array_equal(found["quality"][fires != 0.0], quality[fires != 0.0])
    lasting = lived(fires, k)
    last = np.where(lasting != 0.0, pd.Series(fraction).ffill().to_numpy(), np.nan)
    assert np.array_equal(found["signal"][known], lasting[known])
    assert np.array_equal(found["level"][known], last[known], equal_nan=True)


# ---------------------------------------------------------------- L42

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


@pytest.mark.parametrize("market", MARKETS)
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


# ---------------------------------------------------------------- L43

DIP = [100.0, 98.0, 96.0, 98.0, 100.0]  # lows with a pivot of strength 2 at 96, known on the last


def levels(lows: list[float], closes: list[float], side: float = 1.0, **more: object) -> Values:
    """Bars with these lows and closes after a pivot low at 96; the highs rise and make no pivot."""
    low, close = np.array([*DIP, *lows]), np.array([*(x + 1.0 for x in DIP), *closes])
    bars = turn({"high": np.full(len(low), 104.0) + 0.01 * np.arange(len(low)), "low": low, "close": close}, side)
    inputs = {n: more.pop(n, value) for n, value in (("volume", 1.0), ("atr", 10.0))}
    return run("L43", {**bars, **inputs}, {"pivot": 2, **more})


def shown(found: Values, side: float) -> np.ndarray:
    """What is below the price in the chart before it was turned."""
    return found["support"] if side > 0.0 else 200.0 - found["resistance"]


@SIDES
@pytest.mark.parametrize(
    ("low", "close", "answer"),
    [(97, 101, 1), (97.01, 101, 0), (97, 100.99, 0), (93, 101, 1), (94, 95, 0), (94, 94.99, -1), (98, 94.99, -1)],
)
def test_l43_answers_to_a_level_by_a_bounce_or_a_break(side: float, low: float, close: float, answer: float) -> None:
    found = levels([low], [close], side)
    assert found["signal"][4:].tolist() == [0, side * answer]
    assert shown(found, side)[4] == 96.0
    if answer != 0.0:
        assert found["age"][5] == 0.0
        assert found["quality"][5] == pytest.approx(1.0 - np.exp(-0.5 * 0.5 ** (1.0 / 2000.0)), rel=1e-3)


@SIDES
def test_l43_a_signal_lives_for_the_strength_and_a_broken_level_changes_sides(side: float) -> None:
    found = levels([92, 92, 92], [93, 93, 93], side)
    assert found["signal"][4:].tolist() == [0, -side, -side, 0]
    assert found["age"][5:7].tolist() == [0, 1]
    other = found["resistance"] if side > 0.0 else 200.0 - found["support"]
    assert other[5:].tolist() == [96, 96, 96]


@SIDES
def test_l43_shows_no_level_that_the_close_stands_on(side: float) -> None:
    found = levels([94, 94], [96, 96.5], side)
    assert np.isnan(found["support"][5])
    assert np.isnan(found["resistance"][5])
    assert shown(found, side)[6] == 96.0


@SIDES
@pytest.mark.parametrize(("second", "joined"), [(91.0, True), (90.99, False), (95.0, True)])
def test_l43_joins_a_pivot_that_is_near_enough(side: float, second: float, joined: bool) -> None:
    """Pivots of equal volume, five bars apart: the older one weighs a little less."""
    found = levels([100, 98, second, 98, 100], [101, 101, 101, 101, 101], side, half_life=100)
    old = 0.5**0.05
    assert shown(found, side)[8] == 96.0
    expected = (old * 96.0 + second) / (old + 1.0) if joined else 96.0
    assert shown(found, side)[9] == pytest.approx(expected, rel=1e-12)


@SIDES
def test_l43_weighs_touches_volume_and_age(side: float) -> None:
    volume = np.array([1.0] * 5 + [1.0, 1.0, 6.0, 1.0, 1.0, 1.0])
    found = levels([100, 98, 96, 98, 100, 96.5], [101] * 6, side, half_life=100, volume=volume)
    weight = 0.5**0.05 + 0.5 + 6.0 / (6.0 + 2.0)
    assert found["signal"][10] == side
    assert found["age"][10] == 0.0
    assert found["quality"][10] == pytest.approx(1.0 - np.exp(-0.5 * weight))
    still = levels([96.5], [102], side, volume=np.zeros(6))
    assert still["quality"][5] == pytest.approx(1.0 - np.exp(-0.5))


@SIDES
def test_l43_forgets_a_level_once_it_weighs_too_little(side: float) -> None:
    many = 210
    found = levels([101.0] * many, [102.0] * many, side, half_life=100)
    known = ~np.isnan(shown(found, side)[4:])
    assert known[:200].all()
    assert not known[201:].any()


@SIDES
def test_l43_gives_the_place_of_the_weakest_to_a_new_pivot(side: float) -> None:
    """Five dips apart and four places: the third had the least volume, so what lies below 94.5 is the fourth."""
    lows = [x for bottom in (95, 94, 93, 92) for x in (100, 98, bottom, 98, 100)] + [94.5]
    closes = [101.0] * 20 + [94.5]
    volume = np.ones(26)
    volume[12] = 0.5
    for levels_kept, expected in ((4, 93.0), (5, 94.0)):
        found = levels(lows, closes, side, volume=volume, levels=levels_kept, merge=0.1, atr=1.0)
        assert shown(found, side)[25] == expected


BOTH = {  # pivots of strength 2: the low at 96 and, a bar later, the high at 108
    "high": np.array([102, 103, 104, 108, 104, 103, 108.0]),
    "low": np.array([100, 98, 96, 98, 100, 99, 96.0]),
    "close": np.full(7, 102.0),
}


def test_l43_fires_neither_way_on_a_bar_that_does_both() -> None:
    inputs = {**BOTH, "volume": 1.0, "atr": 10.0}
    assert run("L43", inputs, {"pivot": 2})["signal"][5:].tolist() == [0, 0]
    assert run("L43", inputs | {"low": np.r_[BOTH["low"][:-1], 98.0]}, {"pivot": 2})["signal"][6] == -1.0
    assert run("L43", inputs | {"high": np.r_[BOTH["high"][:-1], 106.0]}, {"pivot": 2})["signal"][6] == 1.0


@pytest.mark.parametrize(("close", "side"), [(110.0, 1.0), (94.0, -1.0)])
def test_l43_takes_the_heavier_of_two_levels_that_agree(close: float, side: float) -> None:
    inputs = BOTH | {"close": np.r_[BOTH["close"][:-1], close], "atr": 10.0}
    for heavy in (2, 3):
        volume = np.ones(7)
        volume[heavy] = 6.0
        found = run("L43", {**inputs, "volume": volume}, {"pivot": 2, "half_life": 100_000})
        assert found["signal"][6] == side
        assert found["quality"][6] == pytest.approx(1.0 - np.exp(-0.5 * (0.5 + 6.0 / (6.0 + 2.0))), rel=1e-4)


def test_l43_passes_over_a_bar_that_is_a_pivot_both_ways() -> None:
    low = np.array([*DIP, 101.0])
    found = run("L43", {"high": 200.0 - low, "low": low, "close": 100.5, "volume": 1.0, "atr": 10.0}, {"pivot": 2})
    assert np.isnan(found["support"][4:]).all()
    assert np.isnan(found["resistance"][4:]).all()


def levels_by_hand(bars: Values, k: int, places: int, merge: float, half_life: float) -> tuple[np.ndarray, np.ndarray]:
    """Nearest levels below and above each close and what they weigh, with the list of its touches for each level."""
    close, count = bars["close"], len(bars["close"])
    bottoms, tops = pivots_by_hand(bars["low"], k), -pivots_by_hand(-bars["high"], k)
    usual = pd.Series(bars["volume"]).rolling(2 * k + 1).mean().to_numpy()
    events = np.flatnonzero(np.isnan(bottoms) != np.isnan(tops))
    table: list[list[tuple[float, float, float]]] = []  # price, weight and bar of each touch
    nearest, weights = np.full((2, count), np.nan), np.zeros((2, count))
    for t, until in zip(events, np.r_[events[1:], count], strict=True):
        fade = [np.array([w * 0.5 ** ((t - then) / half_life) for _, w, then in level]) for level in table]
        price = [
            touched[0][0] + ((np.array(touched)[:, 0] - touched[0][0]) * w).sum() / w.sum()
            for touched, w in zip(table, fade, strict=True)
        ]
        x = tops[t] if np.isnan(bottoms[t]) else bottoms[t]
        v = bars["volume"][t - k]
        touch = (x, 0.5 + (v / (v + usual[t]) if v + usual[t] > 0.0 else 0.5), t)
        apart = np.abs(np.array(price) - x)
        if len(table) and apart.min() <= merge * bars["atr"][t]:
            table[int(apart.argmin())].append(touch)
        else:
            if len(table) == places:
                del table[int(np.argmin([w.sum() for w in fade]))]
            table.append([touch])
        touches = [np.array(level) for level in table]
        held = [level[:, 1] * 0.5 ** ((t - level[:, 2]) / half_life) for level in touches]
        at = np.array([c[0, 0] + ((c[:, 0] - c[0, 0]) * w).sum() / w.sum() for c, w in zip(touches, held, strict=True)])
        left = 0.5 ** (np.arange(until - t) / half_life)
        weight = np.array([w.sum() for w in held]) * left[:, None]
        for row, side in enumerate((-1.0, 1.0)):
            away = side * (at - close[t:until, None])
            away = np.where((away > 0.0) & (weight >= 0.25), away, np.inf)
            best = away.argmin(axis=1)
            known = np.isfinite(away.min(axis=1))
            nearest[row, t:until] = np.where(known, at[best], np.nan)
            weights[row, t:until] = np.where(known, weight[np.arange(until - t), best], 0.0)
    return nearest, weights


@pytest.mark.parametrize("market", MARKETS)
@pytest.mark.parametrize(("k", "places", "merge", "half_life"), [(10, 16, 0.5, 2000), (3, 4, 1.5, 150)])
def test_l43_agrees_with_levels_kept_as_lists(market: str, k: int, places: int, merge: float, half_life: float) -> None:
    bars = recorded(market)
    names = ("high", "low", "close", "volume", "atr")
    params = {"pivot": k, "levels": places, "merge": merge, "half_life": half_life}
    found = run("L43", {n: bars[n] for n in names}, params)
    nearest, weights = levels_by_hand(bars, k, places, merge, half_life)
    (support, resistance), (below, above) = (
        np.c_[np.full(2, empty), values[:, :-1]] for values, empty in ((nearest, np.nan), (weights, 0.0))
    )
    low, high, close, atr = (bars[n] for n in ("low", "high", "close", "atr"))
    bounces = (low <= support + 0.1 * atr) & (close >= support + 0.5 * atr)
    falls = (high >= resistance - 0.1 * atr) & (close <= resistance - 0.5 * atr)
    up = np.maximum(bounces * below, (close > resistance + 0.1 * atr) * above)
    down = np.maximum((close < support - 0.1 * atr) * below, falls * above)
    fires = np.where((up > 0.0) & (down > 0.0), 0.0, np.sign(up - down))
    known = slice(2 * k, None)
    assert (fires > 0.0).sum() > 300
    assert (fires < 0.0).sum() > 300
    assert np.allclose(found["support"][known], nearest[0][known], rtol=1e-12, equal_nan=True)
    assert np.allclose(found["resistance"][known], nearest[1][known], rtol=1e-12, equal_nan=True)
    assert np.mean(fired(found)[known] != fires[known]) < 1e-4  # a distance may equal its limit but for rounding
    same = (fires != 0.0) & (fired(found) == fires)
    assert np.allclose(found["quality"][same], 1.0 - np.exp(-0.5 * np.maximum(up, down)[same]), rtol=1e-9)
    assert np.array_equal(found["signal"][known], lived(fired(found), k)[known])


# ---------------------------------------------------------------- all


@pytest.mark.parametrize(
    ("key", "params", "least"),
    [("L41", {"pivot": 3}, 1000), ("L42", {"pivot": 3, "tolerance": 0.3}, 300), ("L43", {"pivot": 3}, 1000)],
)
def test_with_mirrored_and_scaled_prices(key: str, params: dict[str, float], least: int) -> None:
    bars = grid_bars()
    count = len(bars["close"])
    chart = {n: bars[n] for n in ("high", "low", "close")} | {"atr": np.full(count, 1.0)}
    turned = {n: mirrored(bars)[n] for n in ("high", "low", "close")} | {"atr": chart["atr"]}
    scaled = {n: values * 2.0**-20 for n, values in chart.items()}
    bias = np.random.default_rng(9).uniform(-1.0, 1.0, count)
    plain, other, small = (
        run(key, values | ({"bias": b} if key == "L41" else {"volume": bars["volume"]} if key == "L43" else {}), params)
        for values, b in ((chart, bias), (turned, -bias), (scaled, bias))
    )
    assert np.nansum(np.abs(plain["signal"])) > least
    for name in ("signal", "quality", "age"):
        assert np.array_equal(plain[name], small[name], equal_nan=True)
    assert np.mean(plain["signal"][6:] != -other["signal"][6:]) < 1e-3  # a level between grid points is rounded
    same = plain["signal"] == -other["signal"]
    assert np.mean(~np.isclose(plain["quality"][same], other["quality"][same], rtol=1e-9)) < 1e-3
