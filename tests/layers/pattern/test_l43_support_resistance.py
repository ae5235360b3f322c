"""L43: a chart for each comparison, and levels kept as lists over recorded bars."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tests.layers.pattern.charts import MARKETS, SIDES, Values, fired, lived, recorded, run, turn
from tests.layers.pattern.swings import pivots_by_hand

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


@MARKETS
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
