"""L12, L18, L22, L23, L24 and L56 against TA-Lib, pandas and numpy, on recorded bars and by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import talib

from stratoquant.layers import catalogue
from tests.layers.real_data import real_bars
from tests.layers.single import run_layer
from tests.layers.test_kinematics import FILES, Values, assert_same, run, shifted, windows

BARS = 100_000


@pytest.fixture(params=FILES)
def bars(request: pytest.FixtureRequest) -> Values:
    return real_bars(request.param, BARS)


def crossings(x: np.ndarray) -> np.ndarray:
    """+1 where a series rises above 0 from 0 or below, -1 where it falls below 0 from 0 or above; NaN if not known."""
    before = shifted(x, 1)
    found = np.where((before <= 0) & (x > 0), 1.0, np.where((before >= 0) & (x < 0), -1.0, 0.0))
    return np.where(np.isnan(before + x), np.nan, found)


def rma(x: np.ndarray, n: int) -> np.ndarray:
    """Wilder's average, seeded with the mean of the first n."""
    found = np.full(len(x), np.nan)
    found[n - 1] = x[:n].mean()
    for t in range(n, len(x)):
        found[t] = found[t - 1] + (x[t] - found[t - 1]) / n
    return found


def true_range(bars: Values) -> np.ndarray:
    before = np.concatenate(([np.nan], bars["close"][:-1]))
    return np.fmax(bars["high"], before) - np.fmin(bars["low"], before)


def stopped(moving: int, still: int) -> Values:
    """A market that moves and then stands still."""
    random = np.random.default_rng(8)
    close = 100.0 * np.exp(np.cumsum(1e-3 * random.normal(size=moving)))
    wide = np.concatenate((np.full(moving, 1.001), np.ones(still)))
    close = np.concatenate((close, np.full(still, close[-1])))
    return {"high": close * wide, "low": close / wide, "close": close, "volume": np.ones(len(close))}


@pytest.mark.parametrize("fast, slow, signal, atr", [(12, 26, 9, 14), (5, 9, 4, 60), (7, 3, 2, 2)])
def test_l12_is_the_distance_of_two_averages_in_ranges(
    bars: Values, fast: int, slow: int, signal: int, atr: int
) -> None:
    bars = {name: values[:20_000] for name, values in bars.items()}
    found = run("L12", bars, {"fast": fast, "slow": slow, "signal": signal, "atr": atr})
    first = max(fast, slow, atr) - 1
    with np.errstate(divide="ignore", invalid="ignore"):
        apart = talib.EMA(bars["close"], fast) - talib.EMA(bars["close"], slow)
        macd = apart / rma(true_range(bars), atr)
    average = np.concatenate((np.full(first, np.nan), talib.EMA(macd[first:], signal)))
    expected = np.where(np.isnan(average), np.nan, macd)
    assert_same(found["macd"], expected, 1e-9, scale=1.0)
    assert_same(found["signal"], average, 1e-9, scale=1.0)
    assert_same(found["hist"], expected - average, 1e-9, scale=1.0)
    assert_same(found["hist_slope"], (expected - average) - shifted(expected - average, 1), 1e-9, scale=1.0)
    assert_same(found["cross"], crossings(found["hist"]), 0.0)


def test_l12_is_the_macd_of_talib_and_pandas_after_burn_in(bars: Values) -> None:
    found = run("L12", bars)
    close = bars["close"]
    atr = rma(true_range(bars), 14)
    macd, _, _ = talib.MACD(close, 12, 26, 9)
    assert np.all(np.abs(found["macd"] * atr - macd)[1_000:] <= 1e-11 * close[1_000:])
    frame = pd.Series(close)
    apart = frame.ewm(span=12, adjust=False).mean() - frame.ewm(span=26, adjust=False).mean()
    signal = (apart / atr)[100:].ewm(span=9, adjust=False).mean().to_numpy()
    assert_same(found["signal"][2_000:], signal[1_900:], 1e-9, scale=1.0)


def test_l12_counts_a_range_that_fades_as_none() -> None:
    bars = stopped(300, 2_000)
    found = run("L12", bars)
    atr = rma(true_range(bars), 14)
    there = atr[40:] > 1e-12 * bars["close"][40:]
    assert np.array_equal(found["macd"][40:] != 0.0, there)
    assert there.sum() > 500 and (~there).sum() > 1_000
    for name in ("macd", "signal", "hist", "hist_slope"):
        assert np.abs(found[name][-1]) < 1e-12


def kama(close: np.ndarray, window: int, fast: int, slow: int) -> tuple[np.ndarray, np.ndarray]:
    """Kaufman's average and efficiency as he writes them, 0 efficient where nothing moved."""
    average, efficiency = np.full(len(close), np.nan), np.full(len(close), np.nan)
    last = close[window - 1]
    for t in range(window, len(close)):
        path = np.abs(np.diff(close[t - window : t + 1])).sum()
        efficiency[t] = abs(close[t] - close[t - window]) / path if path > 0.0 else 0.0
        constant = (efficiency[t] * (2.0 / (fast + 1) - 2.0 / (slow + 1)) + 2.0 / (slow + 1)) ** 2
        last = last + constant * (close[t] - last)
        average[t] = last
    return average, efficiency


@pytest.mark.parametrize("window, fast, slow", [(10, 2, 30), (30, 5, 12), (2, 1, 50)])
def test_l18_is_kaufmans_average(bars: Values, window: int, fast: int, slow: int) -> None:
    close = bars["close"][:10_000]
    found = run("L18", {"close": close}, {"window": window, "fast": fast, "slow": slow})
    average, efficiency = kama(close, window, fast, slow)
    assert_same(found["kama"], average, 1e-9)
    assert_same(found["efficiency"], efficiency, 1e-9, scale=1e-3)
    apart = (close - found["kama"])[window:]
    spread = windows(apart, 5 * window).std(axis=1)
    expected = np.full(len(close), np.nan)
    first = window + 5 * window - 1
    there = spread > 1e-9 * close[first:]
    expected[first:] = np.where(there, close[first:] - found["kama"][first:], 0.0) / np.where(there, spread, 1.0)
    assert there.mean() > 0.9
    use = np.concatenate((np.ones(first, dtype=bool), there))
    assert_same(found["distance"][use], expected[use], 1e-7, scale=1.0)


def test_l18_is_the_kama_of_talib_until_the_market_stands_still(bars: Values) -> None:
    close = bars["close"]
    path = np.convolve(np.abs(np.diff(close, prepend=close[0])), np.ones(10))[: len(close)]
    still = np.flatnonzero((path < 1e-9 * close) & (np.arange(len(close)) > 10))
    end = int(still[0]) if len(still) else len(close)  # TA-Lib calls a still window efficient, we do not
    assert end > 2_000
    assert_same(run("L18", {"close": close[:end]})["kama"], talib.KAMA(close[:end], 10), 1e-9)


def test_l18_counts_a_spread_that_fades_as_none() -> None:
    bars = stopped(300, 12_000)
    found = run("L18", bars)
    apart = bars["close"] - found["kama"]
    spread = windows(apart[10:], 50).std(axis=1)
    there = spread > 1e-12 * bars["close"][59:]
    assert np.array_equal(found["distance"][59:] != 0.0, there & (apart[59:] != 0.0))
    assert there.sum() > 500 and (~there & (apart[59:] != 0.0)).sum() > 50
    assert np.all(found["efficiency"][400:] == 0.0)


@pytest.mark.parametrize("window", [34, 9, 20, 4, 6])
def test_l22_is_three_weighted_averages_of_talib(bars: Values, window: int) -> None:
    close = bars["close"]
    found = run("L22", bars, {"window": window})
    inner = 2.0 * talib.WMA(close, window // 2) - talib.WMA(close, window)
    first = window - 1
    expected = np.concatenate((np.full(first, np.nan), talib.WMA(inner[first:], round(window**0.5))))
    assert_same(found["hma"], expected, 1e-9)
    assert_same(found["slope"], expected / shifted(expected, 1) - 1.0, 1e-8, scale=1e-3)
    assert_same(found["turn"], crossings(found["slope"]), 0.0)


def test_l22_is_missing_where_no_price_can_be() -> None:
    close = np.concatenate((np.full(80, 100.0), np.full(80, 1.0)))
    found = run("L22", {"close": close})
    inner = 2.0 * talib.WMA(close, 17) - talib.WMA(close, 34)
    expected = np.concatenate((np.full(33, np.nan), talib.WMA(inner[33:], 6)))
    assert (expected <= 0.0).sum() > 3
    assert_same(found["hma"], np.where(expected > 0.0, expected, np.nan), 1e-9)
    assert np.array_equal(np.isnan(found["slope"]), np.isnan(found["hma"] + shifted(found["hma"], 1)))
    assert np.all(found["slope"][-20:] == 0.0) and np.all(found["turn"][-20:] == 0.0)


@pytest.mark.parametrize("tenkan, kijun, span", [(9, 26, 52), (20, 7, 11), (4, 30, 12)])
def test_l23_is_the_cloud_of_pandas(bars: Values, tenkan: int, kijun: int, span: int) -> None:
    found = run("L23", bars, {"tenkan": tenkan, "kijun": kijun, "span": span})
    frame = pd.DataFrame({name: bars[name] for name in ("high", "low", "close")})

    def middle(n: int) -> pd.Series:
        return (frame["high"].rolling(n).max() + frame["low"].rolling(n).min()) / 2.0

    lines = pd.DataFrame({"tenkan": middle(tenkan), "kijun": middle(kijun)})
    ahead_a, ahead_b = (lines["tenkan"] + lines["kijun"]) / 2.0, middle(span)
    lines["span_a"], lines["span_b"] = ahead_a.shift(kijun), ahead_b.shift(kijun)
    top, bottom = lines[["span_a", "span_b"]].max(axis=1), lines[["span_a", "span_b"]].min(axis=1)
    close = frame["close"]
    signs = [
        np.sign(lines["tenkan"] - lines["kijun"]),
        np.sign(close - lines["kijun"]),
        (close > top).astype(float) - (close < bottom),
        np.sign(ahead_a - ahead_b),
        np.sign(close - close.shift(kijun)),
    ]
    known = lines.notna().all(axis=1) & ahead_b.notna()
    assert int(known.argmax()) == max(tenkan, kijun, span) - 1 + kijun
    lines["bias"] = sum(signs) / 5.0
    lines["inside"] = ((close >= bottom) & (close <= top)).astype(float)
    assert len(np.unique(found["bias"][known])) == 11
    for name, expected in lines.items():
        assert_same(found[name], expected.where(known).to_numpy(), 1e-12, scale=1e-9)


def test_l23_in_a_flat_market_stands_on_the_cloud() -> None:
    flat = np.full(120, 7.0)
    found = run("L23", {"high": flat, "low": flat, "close": flat})
    assert np.all(found["bias"][77:] == 0.0) and np.all(found["inside"][77:] == 1.0)


def anchors(time: np.ndarray, hours: int) -> np.ndarray:
    """The number of the stretch between anchors in which each bar lies, by the calendar where there is one."""
    stamps = pd.to_datetime(time, unit="ms")
    if hours == 24:
        return pd.factorize(stamps.normalize())[0]
    if hours == 168:
        return pd.factorize(stamps.to_period("W-SUN"))[0]  # weeks that end on Sunday
    return ((stamps - pd.Timestamp("1970-01-05")) // pd.Timedelta(hours=hours)).to_numpy()


@pytest.mark.parametrize("hours", [24, 168, 5, 1])
def test_l24_is_the_weighted_mean_of_each_stretch(bars: Values, hours: int) -> None:
    bars = {name: values[:40_000] for name, values in bars.items()}
    bars["volume"] = np.where(np.arange(40_000) % 7 < 3, 0.0, bars["volume"])
    found = run("L24", bars, {"anchor_hours": hours, "k": 1.5})
    x = (bars["high"] + bars["low"] + bars["close"]) / 3.0
    stretch = anchors(bars["time"], hours)
    frame = pd.DataFrame({"v": bars["volume"], "centre": x}).assign(stretch=stretch)
    frame["centre"] = frame.groupby("stretch")["centre"].transform("first")
    frame["d"] = x - frame["centre"]
    frame["vd"], frame["vdd"] = frame["v"] * frame["d"], frame["v"] * frame["d"] ** 2
    total = frame.groupby("stretch")[["v", "vd", "vdd"]].cumsum()
    traded = (total["v"] > 0.0).to_numpy()
    assert 0 < (~traded).sum() < 20_000
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = (total["vd"] / total["v"]).to_numpy()
        sd = np.sqrt(np.maximum((total["vdd"] / total["v"]).to_numpy() - mean**2, 0.0))
    vwap = np.where(traded, frame["centre"] + mean, x)
    sd = np.where(traded, sd, 0.0)
    assert_same(found["vwap"], vwap, 1e-9)
    assert np.all(np.abs(found["upper"] - vwap - 1.5 * sd) <= 1e-7 * vwap)
    assert np.all(np.abs(found["lower"] - vwap + 1.5 * sd) <= 1e-7 * vwap)
    wide = sd > 1e-5 * vwap
    assert wide.mean() > 0.5
    z = (bars["close"] - vwap)[wide] / sd[wide]
    assert np.allclose(found["z"][wide], z, rtol=1e-5, atol=1e-6)


def test_l24_by_hand() -> None:
    minute = 60_000.0
    monday = 1_609_718_400_000.0  # 2021-01-04 00:00 UTC
    time = monday + minute * np.array([-2.0, -1.0, 0.0, 1.0, 2.0])
    bars = {"time": time, "high": np.array([10.0, 20.0, 30.0, 6.0, 6.0])}
    bars |= {"low": bars["high"] - 3.0, "close": bars["high"] - 1.5, "volume": np.array([1.0, 3.0, 0.0, 1.0, 3.0])}
    bars["high"] = np.where(np.arange(5) == 4, 12.0, bars["high"])
    found = run("L24", bars, {"anchor_hours": 168, "k": 3.0})
    #  x = 8.5, 18.5, 28.5, 4.5, 6.5
    assert np.allclose(found["vwap"], [8.5, 16.0, 28.5, 4.5, 6.0])
    sd = np.array([0.0, np.sqrt(18.75), 0.0, 0.0, np.sqrt(0.75)])
    assert np.allclose(found["upper"], found["vwap"] + 3.0 * sd)
    assert np.allclose(found["lower"], found["vwap"] - 3.0 * sd)
    assert np.allclose(found["z"], [0.0, 2.5 / np.sqrt(18.75), 0.0, 0.0, -1.5 / np.sqrt(0.75)])
    little = run("L24", bars | {"volume": bars["volume"] * 2.0**-20}, {"anchor_hours": 168, "k": 3.0})
    assert all(np.array_equal(little[name], found[name]) for name in found)
    below = run("L24", bars, {"anchor_hours": 168, "k": 6.0})
    assert np.isnan(below["lower"][1]) and below["upper"][1] == pytest.approx(16.0 + 6.0 * sd[1])


@pytest.mark.parametrize("gap, there", [(1.9e-12, False), (2.1e-12, True)])
def test_l24_counts_a_spread_of_rounding_as_none(gap: float, there: bool) -> None:
    price = 1024.0 * np.array([1.0, 1.0 + gap])
    bars = {"time": np.array([0.0, 60_000.0]), "high": price, "low": price, "close": price, "volume": np.ones(2)}
    found = run("L24", bars)
    assert (found["z"][1] != 0.0) == there == (found["upper"][1] > found["vwap"][1])


@pytest.mark.parametrize("window", [25, 2, 100])
def test_l56_is_the_aroon_of_talib(bars: Values, window: int) -> None:
    found = run("L56", bars, {"window": window})
    down, up = talib.AROON(bars["high"], bars["low"], window)
    assert_same(found["up"], up / 100.0, 1e-9, scale=1.0)
    assert_same(found["down"], down / 100.0, 1e-9, scale=1.0)
    assert_same(found["oscillator"], (up - down) / 100.0, 1e-9, scale=1.0)


ODD = {
    "L12": ("macd", "signal", "hist", "hist_slope", "cross"),
    "L18": ("distance",),
    "L22": ("turn",),
    "L23": ("bias",),
    "L24": ("z",),
    "L56": ("oscillator",),
}
EVEN = {"L18": ("efficiency",), "L23": ("inside",)}


@pytest.mark.parametrize("key", sorted(ODD))
def test_mirrored_prices_give_mirrored_scores(key: str, bars: Values) -> None:
    """Mirrored about a level above them, on a grid of binary fractions so that most differences are exact."""
    bars = {name: values[:30_000] for name, values in bars.items()}
    scale = 1024.0 / np.median(bars["close"])
    grid = {name: np.round(bars[name] * scale * 64.0) / 64.0 for name in ("high", "low", "close")}
    turned = {"high": 65536.0 - grid["low"], "low": 65536.0 - grid["high"], "close": 65536.0 - grid["close"]}
    there = run(key, {**bars, **grid})
    back = run(key, {**bars, **turned})
    for sign, ports in ((-1.0, ODD[key]), (1.0, EVEN.get(key, ()))):
        for name in ports:
            known = ~np.isnan(there[name])
            wrong = np.abs(there[name] - sign * back[name])[known] > 1e-5 * np.maximum(np.abs(there[name][known]), 1.0)
            assert wrong.mean() < (2e-3 if name in ("cross", "turn") else 1e-3), name


SCORES = {
    "L12": ("macd", "signal", "hist", "hist_slope", "cross"),
    "L18": ("efficiency", "distance"),
    "L22": ("slope", "turn"),
    "L23": ("bias", "inside"),
    "L24": ("z",),
    "L51": ("slope", "slope_t", "innovation"),
    "L56": ("up", "down", "oscillator"),
}


@pytest.mark.parametrize("power", [-30, 21])
@pytest.mark.parametrize("key", sorted(SCORES))
def test_another_unit_changes_no_score(key: str, power: int) -> None:
    bars = real_bars(FILES[1], 5_000)
    other = {name: bars[name] * 2.0**power for name in ("open", "high", "low", "close")}
    other |= {"time": bars["time"], "volume": bars["volume"] * 2.0**-power}
    there, scaled = run(key, bars), run(key, other)
    for name in SCORES[key]:
        if key == "L51":  # takes logarithms, which round
            assert_same(scaled[name], there[name], 1e-6, scale=1e-4 if name == "slope" else 1.0)
        else:
            assert np.array_equal(scaled[name], there[name], equal_nan=True), name


@pytest.mark.parametrize("key", ["L12", "L18", "L22", "L51"])
def test_no_drift_over_many_bars(key: str) -> None:
    """The same bars give the same values after half a million others; exponential memories have forgotten them."""
    bars = real_bars(FILES[0], 500_000)
    tail = {name: values[-20_000:] for name, values in bars.items()}
    long, short = run(key, bars), run(key, tail)
    for name, values in short.items():
        if name not in ("cross", "turn"):
            tail = values[-10_000:]
            wrong = np.abs(long[name][-10_000:] - tail) > 1e-7 * np.maximum(np.abs(tail), np.nanstd(tail))
            assert not wrong.any(), name


def test_a_flat_market_says_nothing() -> None:
    flat = np.full(900, 50.0)
    bars = {"time": 60_000.0 * np.arange(900), "high": flat, "low": flat, "close": flat, "volume": flat}
    for key in SCORES:
        found = run_layer(catalogue().get(key), {n: bars[n] for n in catalogue().get(key).inputs})
        wanted = {"inside": 1.0, "up": 1.0, "down": 1.0}
        for name in SCORES[key]:
            assert np.all(found[name][300:] == wanted.get(name, 0.0)), (key, name)
