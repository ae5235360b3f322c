"""L12, L16, L18, L22, L51, L53 and L56 against TA-Lib and statsmodels, on recorded bars, and by hand."""

from __future__ import annotations

import numpy as np
import pytest
import talib
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.regression.linear_model import OLS
from statsmodels.tsa.statespace.structural import UnobservedComponents

from stratoquant.layers import catalogue
from tests.layers.real_data import real_bars
from tests.layers.single import run_layer
from tests.layers.test_kinematics import FILES, Values, assert_same, run, shifted

BARS = 100_000


@pytest.fixture(params=[*FILES, "shipped_eurusd_1h", "shipped_sp500_1d", "shipped_nasdaq_1d"])
def bars(request: pytest.FixtureRequest) -> Values:
    return real_bars(request.param, BARS)


def crossings(x: np.ndarray) -> np.ndarray:
    """+1 where a series rises above 0 from 0 or below, -1 where it falls below 0 from 0 or above."""
    before = shifted(x, 1)
    return np.where((before <= 0) & (x > 0), 1.0, np.where((before >= 0) & (x < 0), -1.0, 0.0))


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


def test_l12_is_the_distance_of_two_averages_in_ranges(bars: Values) -> None:
    found = run("L12", bars)
    apart = talib.EMA(bars["close"], 12) - talib.EMA(bars["close"], 26)
    expected = apart / rma(true_range(bars), 14)
    assert_same(found["macd"][300:], expected[300:], 1e-7, scale=1.0)
    known = expected[25:]
    signal = np.concatenate((np.full(25, np.nan), talib.EMA(known, 9)))
    assert_same(found["signal"][300:], signal[300:], 1e-7, scale=1.0)
    hist = found["macd"] - found["signal"]
    assert_same(found["hist"], hist, 1e-12, scale=1.0)
    steps = hist - shifted(hist, 1)
    assert_same(found["hist_slope"][35:], steps[35:], 1e-9, scale=1.0)
    assert np.array_equal(found["cross"][35:], crossings(found["hist"])[35:])
    assert (found["cross"] == 1.0).sum() > 100 < (found["cross"] == -1.0).sum()


def test_l12_without_any_range_is_0() -> None:
    flat = np.full(200, 50.0)
    found = run_layer(catalogue().get("L12"), {"high": flat, "low": flat, "close": flat})
    for name in ("macd", "signal", "hist", "hist_slope", "cross"):
        assert np.all(found[name][40:] == 0.0)


def test_l16_agrees_with_talib(bars: Values) -> None:
    found = run("L16", bars)
    k, d = talib.STOCH(bars["high"], bars["low"], bars["close"], 14, 3, 0, 3, 0)
    flat = talib.MAX(bars["high"], 14) == talib.MIN(bars["low"], 14)  # TA-Lib says 0 there
    near = np.convolve(flat, np.ones(5), "full")[: len(flat)] > 0
    use = ~np.isnan(k) & ~near
    assert np.allclose(found["k"][use], k[use] / 100.0, rtol=1e-9, atol=1e-9)
    assert np.allclose(found["d"][use], d[use] / 100.0, rtol=1e-9, atol=1e-9)
    will = talib.WILLR(bars["high"], bars["low"], bars["close"], 14)
    assert np.allclose(found["williams"][use], 1.0 + will[use] / 50.0, rtol=1e-9, atol=1e-9)
    apart = found["k"] - found["d"]
    assert np.array_equal(found["cross"][20:], crossings(apart)[20:])


def test_l16_in_a_flat_market_is_in_the_middle() -> None:
    flat = np.full(60, 3.0)
    found = run_layer(catalogue().get("L16"), {"high": flat, "low": flat, "close": flat})
    assert np.all(found["k"][18:] == 0.5) and np.all(found["d"][18:] == 0.5)
    assert np.all(found["williams"][18:] == 0.0) and np.all(found["cross"][19:] == 0.0)


def test_l18_agrees_with_talib_after_burn_in(bars: Values) -> None:
    found = run("L18", bars)
    close = bars["close"]
    path = np.convolve(np.abs(np.diff(close, prepend=close[0])), np.ones(10))[: len(close)]
    still = np.flatnonzero((path < 1e-9 * close) & (np.arange(len(close)) > 10))
    end = int(still[0]) if len(still) else len(close)  # TA-Lib calls a still window efficient, we do not
    assert end > 2_000
    expected = talib.KAMA(close[:end], 10)
    assert_same(found["kama"][1_000:end], expected[1_000:], 1e-9)
    straight = np.abs(close[10:] - close[:-10])
    moved = np.array([np.abs(np.diff(close[t - 10 : t + 1])).sum() for t in range(10, 5_000)])
    ratio = np.divide(straight[: len(moved)], moved, out=np.zeros(len(moved)), where=moved > 0)
    assert np.allclose(found["efficiency"][10:5_000], np.minimum(ratio, 1.0), atol=1e-9)
    apart = close - found["kama"]
    spread = np.array([apart[t - 49 : t + 1].std() for t in range(100, 3_000)])
    use = spread > 1e-9 * close[100:3_000]
    assert np.allclose(found["distance"][100:3_000][use], (apart[100:3_000] / spread)[use], rtol=1e-6)


def test_l18_follows_its_two_speeds() -> None:
    """A straight move is followed at the fast pace, a wandering one at the slow pace."""
    straight = np.arange(100.0, 200.0)
    found = run_layer(catalogue().get("L18"), {"close": straight}, {"fast": 1})
    assert found["kama"][-1] == pytest.approx(straight[-1]) and found["efficiency"][-1] == 1.0
    wandering = 100.0 + np.arange(101) % 2
    found = run_layer(catalogue().get("L18"), {"close": wandering}, {"fast": 1, "slow": 5})
    pace = (2.0 / 6.0) ** 2
    assert found["efficiency"][-1] == 0.0
    assert found["kama"][-1] == pytest.approx(found["kama"][-2] + pace * (wandering[-1] - found["kama"][-2]))
    still = run_layer(catalogue().get("L18"), {"close": np.full(200, 7.0)})
    assert still["kama"][-1] == 7.0 and still["efficiency"][-1] == 0.0 and still["distance"][-1] == 0.0


@pytest.mark.parametrize("window", [34, 9, 20])
def test_l22_agrees_with_talib_composed(bars: Values, window: int) -> None:
    found = run("L22", bars, {"window": window})
    close = bars["close"]
    inner = 2.0 * talib.WMA(close, window // 2) - talib.WMA(close, window)
    first = window - 1
    tail = talib.WMA(inner[first:], round(window**0.5))
    expected = np.concatenate((np.full(first, np.nan), tail))
    assert_same(found["hma"], expected, 1e-9)
    slope = expected / shifted(expected, 1) - 1.0
    use = ~np.isnan(slope)
    assert np.allclose(found["slope"][use], slope[use], rtol=1e-6, atol=1e-12)
    turns = crossings(found["slope"])
    assert np.array_equal(found["turn"][first + 10 :], turns[first + 10 :])


def test_l51_agrees_with_statsmodels() -> None:
    """The same variances at every step, up to the one factor that moves with the market."""
    close = real_bars("bitfinex_btcusd_1m", 1_200)["close"]
    y = np.log(close)
    power = talib.EMA(np.diff(y) ** 2, 240)
    first = int(np.flatnonzero(~np.isnan(power))[0]) + 1  # the bar on which our filter starts
    found = run_layer(catalogue().get("L51"), {"close": close}, {"q_level": 0.3, "q_slope": 0.01, "r": 0.5})
    model = UnobservedComponents(y[first + 1 :], "local linear trend")
    v = np.maximum(power[first:], 1e-18)
    names = dict(zip(model.param_names, range(3), strict=True))
    values = np.zeros(3)
    for name, share in (("sigma2.irregular", 0.5), ("sigma2.level", 0.3), ("sigma2.trend", 0.01)):
        values[names[name]] = share
    model.update(values)
    model.ssm["obs_cov"] = (0.5 * v)[None, None, :]
    state = np.zeros((2, 2, len(v)))
    later = np.append(v[1:], v[-1])  # the noise on the way to the next bar is that bar's
    state[0, 0], state[1, 1] = 0.3 * later, 0.01 * later
    model.ssm["state_cov"] = state
    start = power[first - 1]
    moved = np.array([[1.0, 1.0], [0.0, 1.0]])
    predicted = moved @ (start * np.eye(2)) @ moved.T + np.diag([0.3 * v[0], 0.01 * v[0]])
    model.ssm.initialize_known(np.array([y[first], 0.0]), predicted)
    filtered = model.ssm.filter()
    level, slope = filtered.filtered_state
    rest = slice(first + 1, None)
    last = slice(0, len(level))
    assert np.allclose(np.log(found["level"][rest]), level[last], rtol=1e-7)
    assert np.allclose(found["slope"][rest], slope[last], rtol=1e-7, atol=1e-12)
    tstat = slope / np.sqrt(filtered.filtered_state_cov[1, 1])
    assert np.allclose(found["slope_t"][rest], tstat[last], rtol=1e-7, atol=1e-7)
    innovation = filtered.forecasts_error[0] / np.sqrt(filtered.forecasts_error_cov[0, 0])
    assert np.allclose(found["innovation"][rest], innovation[last], rtol=1e-6, atol=1e-7)


def test_l51_finds_a_straight_line_and_a_stopped_market() -> None:
    line = 100.0 * np.exp(1e-4 * np.arange(2_000))
    found = run_layer(catalogue().get("L51"), {"close": line})
    assert found["slope"][-1] == pytest.approx(1e-4, rel=1e-6) and found["slope_t"][-1] > 5.0
    still = run_layer(catalogue().get("L51"), {"close": np.full(1_000, 5.0)})
    assert still["level"][-1] == pytest.approx(5.0) and still["slope"][-1] == 0.0 == still["innovation"][-1]


def test_l53_agrees_with_statsmodels_on_windows(bars: Values) -> None:
    window = 240
    found = run("L53", bars)
    y = np.log(bars["close"])
    generator = np.random.default_rng(4)
    for t in generator.integers(window, len(y), 60):
        now, before = y[t - window + 1 : t + 1], y[t - window : t]
        if before.var() < 1e-14:
            continue
        fit = OLS(now, np.column_stack((np.ones(window), before))).fit()
        a, phi = fit.params
        speed = (phi - 1.0) / fit.bse[1]
        assert found["speed_t"][t] == pytest.approx(speed, rel=1e-6, abs=1e-7)
        assert found["reverting"][t] == float(speed < -2.9)
        half = -np.log(2.0) / np.log(phi) if 0.0 < phi < 1.0 else window
        assert found["half_life"][t] == pytest.approx(half, rel=1e-6)
        if 0.0 < phi < 1.0:
            spread = np.sqrt(np.mean(fit.resid**2) / (1.0 - phi**2))
            z = (y[t] - a / (1.0 - phi)) / spread
            assert found["z"][t] == pytest.approx(z, rel=1e-5, abs=1e-7)


def test_l53_recovers_a_known_speed() -> None:
    random = np.random.default_rng(5)
    y = np.zeros(6_000)
    for t in range(1, len(y)):
        y[t] = 0.9 * y[t - 1] + 1e-3 * random.normal()
    found = run_layer(catalogue().get("L53"), {"close": np.exp(y)}, {"window": 5_000})
    assert found["half_life"][-1] == pytest.approx(np.log(2.0) / -np.log(0.9), rel=0.15)
    assert found["reverting"][-1] == 1.0 and found["speed_t"][-1] < -10.0
    assert found["z"][-1] == pytest.approx(y[-1] / y.std(), abs=0.25)
    still = run_layer(catalogue().get("L53"), {"close": np.full(400, 9.0)})
    assert still["half_life"][-1] == 240.0 and still["z"][-1] == 0.0 == still["speed_t"][-1] == still["reverting"][-1]


@pytest.mark.parametrize("window", [25, 2, 100])
def test_l56_agrees_with_talib(bars: Values, window: int) -> None:
    found = run("L56", bars, {"window": window})
    down, up = talib.AROON(bars["high"], bars["low"], window)
    assert_same(found["up"], up / 100.0, 1e-9, scale=1.0)
    assert_same(found["down"], down / 100.0, 1e-9, scale=1.0)
    assert_same(found["oscillator"], (up - down) / 100.0, 1e-9, scale=1.0)


ODD = {"L12": ("macd", "hist", "cross"), "L16": ("williams", "cross"), "L22": ("slope", "turn"), "L56": ("oscillator",)}


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**20), key=st.sampled_from(sorted(ODD)))
def test_a_market_turned_upside_down_turns_the_score(seed: int, key: str) -> None:
    random = np.random.default_rng(seed)
    close = 1_000.0 + np.cumsum(random.normal(size=300))
    high, low = close + random.random(300), close - random.random(300)
    layer = catalogue().get(key)
    there = {n: v for n, v in {"high": high, "low": low, "close": close}.items() if n in layer.inputs}
    turned = {"high": 2_000.0 - low, "low": 2_000.0 - high, "close": 2_000.0 - close}
    one, other = run_layer(layer, there), run_layer(layer, {n: turned[n] for n in there})
    for name in ODD[key]:
        use = ~np.isnan(one[name])
        tolerance = {"slope": 1e-3}.get(name, 1e-6)  # a slope is relative to the price, which differs a little
        assert np.allclose(one[name][use], -other[name][use], rtol=0.5 if name == "slope" else 1e-6, atol=tolerance)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**20), power=st.integers(-20, 20))
def test_another_unit_of_price_changes_no_score(seed: int, power: int) -> None:
    random = np.random.default_rng(seed)
    close = 100.0 * np.exp(np.cumsum(1e-3 * random.normal(size=400)))
    bars = {"high": close * 1.001, "low": close * 0.999, "close": close}
    scaled = {n: v * 2.0**power for n, v in bars.items()}
    for key, names in (
        ("L12", ("macd", "cross")),
        ("L16", ("k", "d")),
        ("L18", ("efficiency", "distance")),
        ("L22", ("slope", "turn")),
        ("L56", ("up",)),
    ):
        layer = catalogue().get(key)
        one = run_layer(layer, {n: bars[n] for n in layer.inputs})
        other = run_layer(layer, {n: scaled[n] for n in layer.inputs})
        for name in names:
            assert np.allclose(one[name], other[name], rtol=1e-9, atol=1e-12, equal_nan=True)
