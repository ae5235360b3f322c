"""L41: a chart for each comparison, and swings followed one by one over recorded bars."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tests.layers.pattern.charts import MARKETS, SIDES, Values, fired, lived, recorded, run, turn
from tests.layers.pattern.swings import swings_by_hand

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


@MARKETS
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
