"""L27: dips in a trend, over hand-made and recorded bars."""

from __future__ import annotations

import numpy as np
import pytest
import talib

from tests.layers.pattern.charts import TOP, Values, grid_bars, lived, mirrored, run
from tests.layers.real_data import real_bars


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
