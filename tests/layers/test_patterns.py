"""Pattern layers: hand-made charts for each rule, plain transcriptions over recorded bars, and mirrored prices."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import talib

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


def breakout(close: list[float], volume: list[float], low: list[float] | None = None) -> Values:
    price = np.array(close)
    lows = price - 0.5 if low is None else np.array(low)
    inputs = {"high": price + 0.5, "low": lows, "close": price, "volume": np.array(volume)}
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


def test_l26_is_confirmed_sooner_by_a_retest_that_holds() -> None:
    close = [100.0] * 10 + [103.0, 102.0, 103.0, 103.0, 103.0]
    low = [99.5] * 10 + [102.5, 101.05, 102.5, 102.5, 102.5]
    found = breakout(close, BREAK["volume"], low)
    assert found["signal"][4:].tolist() == [0] * 7 + [1] * 4
    assert found["quality"][11] == pytest.approx(1.0 - np.exp(-0.5))
    low[11] = 101.15  # not all the way back
    assert found["age"][13] == 2.0
    assert breakout(close, BREAK["volume"], low)["age"][13] == 0.0


def lived(fired: np.ndarray, life: int) -> np.ndarray:
    """The side of the last signal of the last `life` bars."""
    shown = np.zeros(len(fired))
    for t in np.flatnonzero(fired):
        shown[t : t + life] = fired[t]
    return shown


def breaks_by_hand(bars: Values, hold: int, volume_x: float) -> np.ndarray:
    """Sides in which L26 fires, from break to break: each is followed to its end before the next is looked for."""
    close, margin = bars["close"], 0.1 * bars["atr"]
    usual = pd.Series(bars["volume"]).rolling(50).mean().to_numpy()
    busy = bars["volume"] > volume_x * usual
    up, down = busy & (close > bars["upper"] + margin), busy & (close < bars["lower"] - margin)
    fired = np.zeros(len(close))
    t = 0
    while t < len(close):
        side = float(up[t]) - float(down[t])
        if side == 0.0:
            t += 1
            continue
        level = bars["upper"][t] if side > 0 else bars["lower"][t]
        for u in range(t + 1, min(t + hold, len(close) - 1) + 1):
            beyond = side * (close[u] - level)
            reach = side * ((bars["low"][u] if side > 0 else bars["high"][u]) - level)
            off = beyond < -margin[u]
            confirmed = beyond > 0 and (u == t + hold or (reach <= margin[u] and beyond > margin[u]))
            if off or confirmed:
                fired[u] = side if confirmed else 0.0
                break
        t = u if t + 1 < len(close) else t + 1
    return fired


def test_l26_agrees_with_breaks_followed_one_by_one() -> None:
    bars = real_bars("bitfinex_ethusd_1m", 60_000)
    bars = {**bars, "atr": talib.ATR(bars["high"], bars["low"], bars["close"], 14)}
    bars["upper"] = pd.Series(bars["high"]).rolling(30).max().shift(1).to_numpy()
    bars["lower"] = pd.Series(bars["low"]).rolling(30).min().shift(1).to_numpy()
    bars = {n: values[30:] for n, values in bars.items()}
    names = ("upper", "lower", "high", "low", "close", "volume", "atr")
    found = run("L26", {n: bars[n] for n in names}, {"hold": 3, "volume_x": 1.5})
    fired = breaks_by_hand(bars, 3, 1.5)
    assert np.abs(fired).sum() > 500
    assert np.array_equal(np.where(found["age"] == 0.0, found["signal"], 0.0), fired)
    assert np.array_equal(found["signal"][49:], lived(fired, 9)[49:])


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


def test_l27_is_called_off_by_a_close_too_deep_on_the_first_bar() -> None:
    assert not np.any(pullback([101, 95, 99], [101.5, 95.4, 100.5])["signal"])


def test_l27_shows_the_depth_of_the_dip_that_fired() -> None:
    found = pullback([101, 98.5, 99.8, 99.2], [101.5, 100.5, 99.9, 99.5])
    assert found["signal"].tolist() == [0, 1, 1, 1]
    assert found["depth"][1:].tolist() == [1.5, 1.5, 1.5]


def dips_by_hand(bars: Values, min_bias: float, max_depth: float) -> tuple[np.ndarray, np.ndarray]:
    """Sides in which L27 fires and their quality, from dip to dip."""
    fast, mid, close, atr = (bars[n] for n in ("fast", "mid", "close", "atr"))
    trend = np.where(np.abs(bars["bias"]) >= min_bias, np.sign(bars["bias"]), 0.0)
    reach = np.where(trend > 0, bars["low"], bars["high"])
    beyond = trend * (close - fast)
    fired, quality = np.zeros(len(close)), np.zeros(len(close))
    t = 1
    while t < len(close):
        side = trend[t]
        begins = side != 0 and side == trend[t - 1] and beyond[t - 1] > 0
        if not (begins and side * (fast[t] - mid[t]) > 0 and side * (fast[t] - reach[t]) > 0):
            t += 1
            continue
        u = t
        while u < len(close):
            off = trend[u] != side or side * (mid[u] - close[u]) > max_depth * atr[u]
            if off or beyond[u] > 0:
                break
            u += 1
        if u < len(close) and not off:
            fired[u] = side
            depth = (side * (fast[t : u + 1] - reach[t : u + 1]) / atr[t : u + 1]).max()
            quality[u] = abs(bars["bias"][u]) * max(1.0 - depth / (max_depth + 2.0), 0.0)
        t = u + 1
    return fired, quality


def test_l27_agrees_with_dips_followed_one_by_one() -> None:
    bars = real_bars("bitfinex_ethusd_1m", 60_000)
    close = bars["close"]
    bars = {**bars, "fast": talib.EMA(close, 8), "mid": talib.EMA(close, 21)}
    bars["atr"] = talib.ATR(bars["high"], bars["low"], close, 14)
    bars["bias"] = np.tanh((bars["fast"] - talib.EMA(close, 55)) / bars["atr"])
    bars = {n: values[55:] for n, values in bars.items()}
    found = run("L27", {n: bars[n] for n in ("bias", "fast", "mid", "high", "low", "close", "atr")})
    fired, quality = dips_by_hand(bars, 0.3, 2.5)
    assert np.abs(fired).sum() > 1000
    assert np.array_equal(np.where(found["age"] == 0.0, found["signal"], 0.0), fired)
    assert np.allclose(found["quality"][fired != 0.0], quality[fired != 0.0], rtol=1e-9, atol=1e-12)
    assert np.array_equal(found["signal"], lived(fired, 10))


def test_l27_mirrors() -> None:
    bars = grid_bars()
    close = bars["close"]
    means = {n: np.round(talib.EMA(close, w) * 64.0) / 64.0 for n, w in (("fast", 8), ("mid", 21))}
    chart = {n: values[21:] for n, values in (bars | means).items()}
    turned = mirrored(chart) | {n: TOP - chart[n] for n in means}
    bias = np.sign(chart["fast"] - chart["mid"]) * 0.5
    names = ("fast", "mid", "high", "low", "close")
    plain = run("L27", {**{n: chart[n] for n in names}, "bias": bias, "atr": 1.0})
    other = run("L27", {**{n: turned[n] for n in names}, "bias": -bias, "atr": 1.0})
    assert np.abs(plain["signal"]).sum() > 500
    assert np.array_equal(plain["signal"], -other["signal"])
    assert np.array_equal(plain["depth"], other["depth"], equal_nan=True)


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


def test_l31_agrees_with_its_conditions_on_recorded_bars() -> None:
    bars = real_bars("bitfinex_btcusd_1m", 60_000)
    close = bars["close"]
    upper, middle, lower = talib.BBANDS(close, 20, 2.0, 2.0)
    regime = np.random.default_rng(5).integers(0, 6, len(close)).astype(float)
    chart = {
        "close": close, "percent_b": (close - lower) / (upper - lower), "z": 2.0 * (close - middle) / (upper - middle),
        "reverting": np.repeat([0.0, 1.0, 1.0], len(close) // 3), "regime": regime,
    }  # fmt: skip
    chart = {n: values[20:] for n, values in chart.items()}
    gain, loss = (np.maximum(s * np.diff(chart["close"], prepend=chart["close"][0]), 0.0) for s in (1.0, -1.0))
    gain, loss = (np.r_[np.nan, _wilder(x[1:], 2)] for x in (gain, loss))
    open_ = (chart["reverting"] > 0) & (regime[20:] != 5)
    rise = open_ & (gain < 0.1 * (gain + loss)) & (chart["percent_b"] < 0) & (chart["z"] < -1.5) & (regime[20:] != 3)
    fall = open_ & (loss < 0.1 * (gain + loss)) & (chart["percent_b"] > 1) & (chart["z"] > 1.5) & (regime[20:] != 2)
    side = rise.astype(float) - fall
    fired = np.where(side != np.r_[0.0, side[:-1]], side, 0.0)
    missing = np.isnan(chart["percent_b"] + chart["z"])
    assert not missing.any()
    found = run("L31", chart, {"extreme": 0.1, "z": 1.5})
    assert np.abs(fired).sum() > 300
    assert np.array_equal(np.where(found["age"] == 0.0, found["signal"], 0.0), fired)
    quality = 1.0 - np.exp(1.0 - np.abs(chart["z"]) / 1.5)
    assert np.allclose(found["quality"][fired != 0.0], quality[fired != 0.0], rtol=1e-9)
    assert np.array_equal(found["signal"][2:], lived(fired, 10)[2:])


def _wilder(x: np.ndarray, n: int) -> np.ndarray:
    """Wilder's average by pandas, seeded with the mean of the first n."""
    seeded = np.r_[np.full(n - 1, np.nan), x[:n].mean(), x[n:]]
    return pd.Series(seeded).ewm(alpha=1.0 / n, adjust=False, ignore_na=True).mean().to_numpy()


def structure_by_hand(bars: Values, strength: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Firing side, trend and change of L46 from lists of pivots, bar by bar."""
    high, low, close = bars["high"], bars["low"], bars["close"]
    fired, trends, changes = (np.zeros(len(close)) for _ in range(3))
    pivots: dict[int, list[float]] = {1: [], -1: []}
    known_from = {1: 1, -1: 1}  # pivots of a kind that tell a direction only from this one on
    broken: set[tuple[int, int]] = set()
    trend = 0.0
    for t in range(len(close)):
        centre = t - strength
        confirmed = False
        for kind, values in ((1, high), (-1, -low)) if centre >= strength else ():
            after = values[centre + 1 : t + 1]
            if values[centre] >= values[centre - strength : centre].max() and values[centre] > after.max():
                pivots[kind].append(kind * values[centre])
                confirmed = True
        if confirmed and all(len(pivots[kind]) > known_from[kind] for kind in (1, -1)):
            up, down = (np.sign(pivots[kind][-1] - pivots[kind][-2]) for kind in (1, -1))
            trend = up if up == down != 0.0 else trend
        for kind in (1, -1):
            name = (kind, len(pivots[kind]))
            if pivots[kind] and name not in broken and kind * (close[t] - pivots[kind][-1]) > 0.0:
                broken.add(name)
                fired[t] += kind
        if fired[t] == -trend != 0.0:
            changes[t], trend = 1.0, fired[t]
            known_from = {kind: len(pivots[kind]) for kind in (1, -1)}
        trends[t] = trend
    return fired, trends, changes


def test_l46_fires_where_the_last_pivots_break() -> None:
    bars = grid_bars(12_000)
    found = run("L46", {n: bars[n] for n in ("high", "low", "close")})
    fired, trends, changes = structure_by_hand(bars, 5)
    assert np.abs(fired).sum() > 300
    assert changes.sum() > 100
    assert np.array_equal(np.where(found["age"] == 0.0, found["signal"], 0.0)[10:], fired[10:])
    assert np.array_equal(found["trend"][10:], trends[10:])
    assert np.array_equal(found["change"][10:], changes[10:])
    before = np.r_[0.0, trends[:-1]]
    quality = np.where(changes > 0, 0.6, np.where(fired == trends, 1.0, 0.3))
    first = (fired != 0) & (before != 0) & (np.arange(len(fired)) > 10)
    assert np.array_equal(found["quality"][first], quality[first])
    assert np.array_equal(found["signal"][10:], lived(fired, 20)[10:])


def test_l46_stays_turned_after_a_change_of_character() -> None:
    """Also when the top before it, a higher high, is confirmed on the bar after it."""
    close = np.array([10, 12, 14, 13, 12, 13, 15, 17, 16, 15, 16, 18, 20, 14, 13, 12, 11], float)
    found = run("L46", {"high": close + 0.4, "low": close - 0.4, "close": close}, {"pivot": 2})
    assert found["change"][4:].tolist() == [0] * 9 + [1] + [0] * 3
    assert found["trend"][11:].tolist() == [1, 1, -1, -1, -1, -1]
    assert found["quality"][13] == 0.6


def test_l46_mirrors() -> None:
    bars = grid_bars()
    turned = mirrored(bars)
    plain, other = (run("L46", {n: chart[n] for n in ("high", "low", "close")}) for chart in (bars, turned))
    for name in ("signal", "trend"):
        assert np.array_equal(plain[name], -other[name], equal_nan=True)
    for name in ("quality", "age", "change"):
        assert np.array_equal(plain[name], other[name], equal_nan=True)


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


def test_l50_has_no_winner_in_a_draw_and_the_first_of_equals() -> None:
    draw = vote([1, -1], [0.5, 0.5], [0, 0])
    assert [draw[n][0] for n in ("side", "confidence", "winner", "agreement", "active", "mask")] == [0, 0, 0, 0, 2, 3]
    assert vote([-1, -1], [0.5, 0.5], [0, 0])["winner"][0] == 1.0
    assert vote([1, 1], [0.5, 0.5], [0, 0])["winner"][0] == 1.0


def test_l50_agrees_with_numpy_on_random_votes() -> None:
    random = np.random.default_rng(11)
    signals = random.integers(-1, 2, (2000, 24)).astype(float)
    qualities, ages, rates = random.random((2000, 24)), random.integers(0, 40, (2000, 24)), random.random((2000, 24))
    ages = np.where(random.random((2000, 24)) < 0.1, np.nan, ages)
    rates = np.where(random.random((2000, 24)) < 0.1, np.nan, rates)
    signals[random.random((2000, 24)) < 0.5] = np.nan
    found = run("L50", {"signals": signals, "qualities": qualities, "ages": ages, "hit_rates": rates}, {"decay": 15})
    record = np.where(np.isnan(rates), 1.0, np.maximum(2.0 * rates - 1.0, 0.0))
    votes = np.nan_to_num(signals) * qualities * np.exp(-np.nan_to_num(ages) / 15.0) * record
    total = votes.sum(axis=1)
    assert np.array_equal(found["side"], np.sign(total))
    assert np.allclose(found["confidence"], 1.0 - np.exp(-np.abs(total)), rtol=1e-9)
    on_side = np.maximum(votes * np.sign(total)[:, None], 0.0)
    assert np.array_equal(found["winner"], np.where(on_side.sum(axis=1) > 0, on_side.argmax(axis=1) + 1.0, 0.0))
    size = np.abs(votes).sum(axis=1)
    assert np.allclose(found["agreement"], on_side.sum(axis=1) / np.where(size > 0, size, 1.0), rtol=1e-9)
    alive = np.nan_to_num(signals) != 0.0
    assert np.array_equal(found["active"], alive.sum(axis=1))
    assert np.array_equal(found["mask"], (alive * 2.0 ** np.arange(24)).sum(axis=1))
