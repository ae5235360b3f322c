"""Pattern layers: hand-made charts for each rule, plain transcriptions over recorded bars, and mirrored prices."""

from __future__ import annotations

import numpy as np
import pytest

from layers import catalogue
from tests.layers.real_data import real_bars
from tests.layers.single import run_layer

Values = dict[str, np.ndarray]
TOP = 65536.0


def run(key: str, inputs: dict[str, object], params: dict[str, float] | None = None) -> Values:
    return run_layer(catalogue().get(key), inputs, params)


def grid_bars(bars: int = 20_000) -> Values:
    """Recorded bars on a grid of binary fractions around 1024, so that sums and mirrors are exact."""
    real = real_bars("bitfinex_btcusd_1m", bars)
    scale = 1024.0 / np.median(real["close"])
    rounded = {n: np.round(real[n] * scale * 64.0) / 64.0 for n in ("open", "high", "low", "close")}
    return {**rounded, "volume": real["volume"]}


def mirrored(bars: Values) -> Values:
    turned = {"open": TOP - bars["open"], "high": TOP - bars["low"], "low": TOP - bars["high"]}
    return {**turned, "close": TOP - bars["close"], "volume": bars["volume"]}


BREAK = {"close": [100.0] * 10 + [103.0, 103.0, 103.0, 103.0, 103.0], "volume": [1.0] * 10 + [9.0] + [1.0] * 4}


def breakout(close: list[float], volume: list[float]) -> Values:
    price = np.array(close)
    inputs = {"high": price + 0.5, "low": price - 0.5, "close": price, "volume": np.array(volume)}
    return run("L26", {**inputs, "upper": 101.0, "lower": 99.0, "atr": 1.0}, {"hold": 3, "window": 5})


def test_l26_confirms_a_break_after_its_hold() -> None:
    found = breakout(**BREAK)
    assert found["signal"][4:].tolist() == [0] * 9 + [1, 1]
    assert found["age"][13:].tolist() == [0, 1]
    assert found["level"][13] == 101.0
    assert found["quality"][13] == pytest.approx(1.0 - np.exp(-1.0))


def test_l26_wants_volume_and_no_return() -> None:
    assert not np.any(breakout(BREAK["close"], [1.0] * 15)["signal"][4:])
    failed = [100.0] * 10 + [103.0, 100.5, 103.0, 103.0, 103.0]
    assert not np.any(breakout(failed, BREAK["volume"])["signal"][4:])


def test_l26_mirrors() -> None:
    bars = grid_bars()
    highs, lows = (np.lib.stride_tricks.sliding_window_view(bars[n], 30) for n in ("high", "low"))
    bars["upper"] = np.concatenate([np.full(30, TOP), highs.max(axis=1)[:-1]])
    bars["lower"] = np.concatenate([np.full(30, 1.0), lows.min(axis=1)[:-1]])
    turned = mirrored(bars) | {"upper": TOP - bars["lower"], "lower": TOP - bars["upper"]}
    names = ("upper", "lower", "high", "low", "close", "volume")
    plain, other = (run("L26", {**{n: chart[n] for n in names}, "atr": 1.0}) for chart in (bars, turned))
    assert np.nansum(np.abs(plain["signal"])) > 50
    assert np.array_equal(plain["signal"], -other["signal"], equal_nan=True)
    assert np.array_equal(plain["quality"], other["quality"], equal_nan=True)


def pullback(lows: list[float], closes: list[float], bias: float = 0.8, side: float = 1.0) -> Values:
    low, close = np.array(lows), np.array(closes)
    chart = {"low": low, "close": close, "high": close + 0.2, "fast": 100.0, "mid": 98.0}
    if side < 0.0:
        chart = {"high": 200.0 - low, "close": 200.0 - close, "low": 199.8 - close, "fast": 100.0, "mid": 102.0}
    return run("L27", {**chart, "bias": side * bias, "atr": 1.0})


@pytest.mark.parametrize("side", [1.0, -1.0])
def test_l27_fires_when_a_dip_is_bought_back(side: float) -> None:
    found = pullback([101, 99, 98.5, 99], [101.5, 99.5, 99, 100.5], side=side)
    assert (side * found["signal"]).tolist() == [0, 0, 0, 1]
    assert found["depth"][3] == pytest.approx(1.5)
    assert found["quality"][3] == pytest.approx(0.8 * (1.0 - 1.5 / 4.5))


def test_l27_gives_up_a_dip_that_goes_too_deep() -> None:
    assert not np.any(pullback([101, 99, 95, 99], [101.5, 99.5, 95.4, 100.5])["signal"])
    assert not np.any(pullback([101, 99, 98.5, 99], [101.5, 99.5, 99, 100.5], bias=0.2)["signal"])


def reversion(regime: float = 0.0, reverting: float = 1.0, side: float = 1.0) -> Values:
    close = 100.0 - side * np.array([0.0, 1.0, 2.0, 3.0, 4.0])
    stretched = {"percent_b": 0.5 - side * 0.8, "z": -side * 2.6}
    return run("L31", {"close": close, **stretched, "reverting": reverting, "regime": regime})


@pytest.mark.parametrize("side", [1.0, -1.0])
def test_l31_buys_what_is_stretched(side: float) -> None:
    found = reversion(side=side)
    assert found["signal"][2:].tolist() == [side] * 3
    assert found["quality"][2] == pytest.approx(1.0 - np.exp(-0.3))
    assert found["age"][2:].tolist() == [0, 1, 2]


def test_l31_does_not_stand_against_a_trend() -> None:
    assert not np.any(reversion(regime=3.0)["signal"][2:])
    assert np.any(reversion(regime=3.0, side=-1.0)["signal"][2:])
    assert not np.any(reversion(regime=2.0, side=-1.0)["signal"][2:])
    assert not np.any(reversion(regime=5.0)["signal"][2:])
    assert not np.any(reversion(reverting=0.0)["signal"][2:])


def structure_by_hand(bars: Values, strength: int) -> np.ndarray:
    """Trend and firing side of L46 from a list of pivots, bar by bar, without the layer's memory."""
    high, low, close = bars["high"], bars["low"], bars["close"]
    highs: list[float] = []
    lows: list[float] = []
    told, fired, trend = {1: np.nan, -1: np.nan}, np.zeros(len(close)), 0.0
    for t in range(len(close)):
        centre = t - strength
        if centre >= strength:
            window = slice(centre - strength, centre + strength + 1)
            after = slice(centre + 1, centre + strength + 1)
            if high[centre] == high[window].max() and high[centre] > high[after].max():
                highs.append(high[centre])
            if low[centre] == low[window].min() and low[centre] < low[after].min():
                lows.append(low[centre])
        if len(highs) > 1 and len(lows) > 1:
            up, down = np.sign(highs[-1] - highs[-2]), np.sign(lows[-1] - lows[-2])
            if up == down != 0.0:
                trend = up
        if highs and close[t] > highs[-1] != told[1]:
            fired[t], told[1] = 1.0, highs[-1]
        elif lows and close[t] < lows[-1] != told[-1]:
            fired[t], told[-1] = -1.0, lows[-1]
        if fired[t] != 0.0 and trend != 0.0:
            trend = fired[t]
    return fired


def test_l46_fires_where_the_last_pivots_break() -> None:
    bars = grid_bars(6000)
    found = run("L46", {n: bars[n] for n in ("high", "low", "close")})
    fired = structure_by_hand(bars, 5)[10:]
    age, signal = found["age"][10:], found["signal"][10:]
    assert np.array_equal(np.where(age == 0.0, signal, 0.0), fired)
    assert np.abs(fired).sum() > 100


def test_l46_mirrors() -> None:
    bars = grid_bars()
    turned = mirrored(bars)
    plain, other = (run("L46", {n: chart[n] for n in ("high", "low", "close")}) for chart in (bars, turned))
    differ = np.mean(plain["signal"][10:] != -other["signal"][10:])
    assert differ < 0.02  # a bar that breaks both pivots is read upwards


def vote(signals: list[float], qualities: list[float], ages: list[float], **more: object) -> Values:
    def slots(values: list[float]) -> np.ndarray:
        return np.array([values + [np.nan] * (24 - len(values))])

    inputs = {"signals": slots(signals), "qualities": slots(qualities), "ages": slots(ages)}
    return run("L50", {**inputs, **more})


def test_l50_weighs_votes_by_quality_and_age() -> None:
    found = vote([1, -1, 0, -1], [0.9, 0.8, 0.0, 0.4], [0, 10, np.nan, 0])
    votes = np.array([0.9, -0.8 * np.exp(-1.0), -0.4])
    assert found["side"][0] == 1.0
    assert found["winner"][0] == 1.0
    assert found["confidence"][0] == pytest.approx(1.0 - np.exp(-votes.sum()))
    assert found["agreement"][0] == pytest.approx(0.9 / np.abs(votes).sum())
    assert found["active"][0] == 3.0
    assert found["mask"][0] == 1 + 2 + 8


def test_l50_listens_to_a_record_and_is_odd() -> None:
    rates = np.full((1, 24), 0.75)
    rates[0, 0] = 0.4
    found = vote([1, -1], [1.0, 0.5], [0, 0], hit_rates=rates)
    assert found["side"][0] == -1.0
    assert found["winner"][0] == 2.0
    there, back = vote([1, -1, 1], [0.3, 0.9, 0.2], [1, 2, 3]), vote([-1, 1, -1], [0.3, 0.9, 0.2], [1, 2, 3])
    assert there["side"][0] == -back["side"][0]
    assert there["confidence"][0] == back["confidence"][0]


def test_l50_says_nothing_when_no_pattern_lives() -> None:
    found = vote([0, 0], [0, 0], [np.nan, np.nan])
    assert [found[n][0] for n in ("side", "confidence", "winner", "agreement", "active", "mask")] == [0] * 6
