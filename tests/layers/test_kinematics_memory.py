"""L51, L52 and L53: trend, what persists and what returns, against arch, statsmodels and their definitions."""

from __future__ import annotations

import numpy as np
import pytest
import talib
from statsmodels.regression.linear_model import OLS
from statsmodels.tsa.statespace.structural import UnobservedComponents

from stratoquant.layers import catalogue
from tests.layers.real_data import real_bars
from tests.layers.single import run_layer, run_with_state
from tests.layers.test_kinematics import EVIDENCE, FILES, Values, assert_same, run

BARS = 100_000


@pytest.fixture(params=FILES)
def bars(request: pytest.FixtureRequest) -> Values:
    return real_bars(request.param, BARS)


def some(count: int, first: int, end: int) -> np.ndarray:
    """Places at which an oracle is asked, the ends of the first blocks among them."""
    near = [first + k for k in (0, 1, 2, 5, 9)] + [2 * first + k for k in (-9, -5, -2, -1, 0, 1, 2, 9)]
    return np.unique(np.concatenate((near, np.random.default_rng(count).integers(first, end, count))))


@pytest.mark.parametrize("window, q", [(480, 8), (60, 2), (61, 30), (130, 64), (100, 5)])
def test_l52_variance_ratio_is_that_of_arch(bars: Values, window: int, q: int) -> None:
    variance_ratio = pytest.importorskip("arch.unitroot").VarianceRatio
    found = run("L52", bars, {"window": window, "q": q})
    logs = np.log(bars["close"])
    checked = 0
    for t in some(120, window, BARS if len(logs) >= BARS else len(logs)):
        y = logs[t - window : t + 1]
        if np.diff(y).var() > 1e-14:
            oracle = variance_ratio(y, lags=q)
            assert found["variance_ratio"][t] == pytest.approx(oracle.vr, rel=1e-9)
            assert found["vr_z"][t] == pytest.approx(oracle.stat, rel=1e-9, abs=1e-8)
            checked += 1
    assert checked > 100


def test_l52_takes_half_the_window_at_most() -> None:
    bars = real_bars(FILES[0], 2_000)
    long, half = run("L52", bars, {"window": 60, "q": 64}), run("L52", bars, {"window": 60, "q": 30})
    assert all(np.array_equal(long[name], half[name], equal_nan=True) for name in long)


@pytest.mark.parametrize("window", [480, 60])
def test_l52_hurst_and_autocorrelation_follow_their_definitions(bars: Values, window: int) -> None:
    found = run("L52", bars, {"window": window, "q": 3})
    logs = np.log(bars["close"])
    held = 0
    for t in some(150, window, len(logs)):
        y = logs[t - window : t + 1]
        r = np.diff(y)
        if r.var() > 1e-14:
            spreads = [(y[q:] - y[:-q]).std() for q in (1, 2, 4, 8, 16)]
            slope = np.polyfit(np.log([1, 2, 4, 8, 16]), np.log(np.maximum(spreads, 1e-9)), 1)[0]
            held += not 0.0 < slope < 1.0
            assert found["hurst"][t] == pytest.approx(np.clip(slope, 0.0, 1.0), abs=1e-8)
            d = r - r.mean()
            assert found["autocorr"][t] == pytest.approx((d[1:] * d[:-1]).sum() / (d * d).sum(), abs=1e-9)
    assert held < 30


def test_l52_knows_what_persists_and_what_returns() -> None:
    random = np.random.default_rng(2)
    noise = 1e-3 * random.normal(size=3_000)
    moves = {"walk": noise, "back": np.diff(noise, prepend=0.0), "on": np.convolve(noise, np.ones(12))[:3_000]}
    found = {
        name: {p: v[-1] for p, v in run("L52", {"close": np.exp(np.cumsum(r))}).items()} for name, r in moves.items()
    }
    assert abs(found["walk"]["vr_z"]) < 3.0 and abs(found["walk"]["hurst"] - 0.5) < 0.12
    assert found["back"]["vr_z"] < -5.0 and found["back"]["hurst"] < 0.1 and found["back"]["autocorr"] < -0.4
    assert found["on"]["vr_z"] > 5.0 and found["on"]["hurst"] > 0.7 and found["on"]["autocorr"] > 0.8
    there_and_back = 1.0 + 0.01 * (np.arange(3_000) % 2)
    last = {name: values[-1] for name, values in run("L52", {"close": there_and_back}).items()}
    assert last["variance_ratio"] == pytest.approx(0.0, abs=1e-9) and last["hurst"] == 0.0
    assert last["autocorr"] == pytest.approx(-1.0, abs=0.01) and last["autocorr"] >= -1.0


@pytest.mark.parametrize("place", [0, 1, 3, 200, 478, 479])
def test_l52_bears_a_crash_at_any_place_of_its_blocks(place: int) -> None:
    """One return a thousand times the others, and two of them side by side."""
    variance_ratio = pytest.importorskip("arch.unitroot").VarianceRatio
    random = np.random.default_rng(place)
    r = 1e-4 * random.normal(size=480 * 4)
    r[480 + place] = 0.2
    r[960 + place : 962 + place] = -0.3
    close = np.exp(np.concatenate(([0.0], np.cumsum(r))))
    found = run("L52", {"close": close})
    logs = np.log(close)
    for t in range(480 + place, len(close), 53):
        oracle = variance_ratio(logs[t - 480 : t + 1], lags=8)
        assert found["variance_ratio"][t] == pytest.approx(oracle.vr, rel=1e-7)
        assert found["vr_z"][t] == pytest.approx(oracle.stat, rel=1e-7, abs=1e-7)


def test_l52_does_not_drift() -> None:
    close = real_bars(FILES[0], 800_000)["close"]
    long, short = run("L52", {"close": close}), run("L52", {"close": close[-10_123:]})
    for name in long:  # the blocks begin elsewhere, so that only rounding differs
        assert_same(long[name][-9_000:], short[name][-9_000:], 1e-8, scale=1.0)


@pytest.mark.parametrize("size, there", [(0.9e-9, False), (1.1e-9, True)])
def test_l52_counts_returns_of_rounding_as_none(size: float, there: bool) -> None:
    close = np.exp(np.cumsum(np.tile([size, -size, size, size, -size, -size], 200)))
    last = {name: values[-1] for name, values in run("L52", {"close": close}).items()}
    still = {"variance_ratio": 1.0, "vr_z": 0.0, "hurst": 0.5, "autocorr": 0.0}
    for name, value in still.items():
        assert (last[name] != value) == there, name


def test_l52_takes_no_variance_to_be_below_rounding() -> None:
    t = np.arange(2_000)
    r = 3.2e-9 * (-1.0) ** t + 5e-10 * np.sign(np.sin(np.pi * (t + 0.5) / 60.0))
    close = np.exp(np.cumsum(r))
    logs = np.cumsum(r)[-481:]
    variances = [(logs[q:] - logs[:-q]).var() for q in (1, 2, 4, 8, 16)]
    assert variances[1] < 0.99e-18 < 2e-18 < variances[3]
    x = np.log([1.0, 2.0, 4.0, 8.0, 16.0])
    slope = np.polyfit(x, 0.5 * np.log(np.maximum(variances, 1e-18)), 1)[0]
    assert 0.05 < slope < np.polyfit(x, 0.5 * np.log(variances), 1)[0] - 1e-3
    assert run("L52", {"close": close})["hurst"][-1] == pytest.approx(slope, abs=1e-4)


@pytest.mark.parametrize("window", [240, 30])
def test_l53_is_least_squares_of_statsmodels(bars: Values, window: int) -> None:
    found = run("L53", bars, {"window": window})
    y = np.log(bars["close"])
    seen = set()
    for t in some(150, window, len(y)):
        now, before = (
            y[t - window + 1 : t + 1] - y[t],
            y[t - window : t] - y[t],
        )  # about the last close: well conditioned
        if before.var() < 1e-14:
            continue
        fit = OLS(now, np.column_stack((np.ones(window), before))).fit()
        a, phi = fit.params
        speed = (phi - 1.0) / fit.bse[1]
        assert found["speed_t"][t] == pytest.approx(speed, rel=1e-8, abs=1e-8)
        half_life = -np.log(2.0) / np.log(phi) if 0.0 < phi < 1.0 else window
        assert found["half_life"][t] == pytest.approx(half_life, rel=1e-8 / min(1.0, abs(1.0 - phi)))
        z = 0.0
        if -1.0 < phi < 1.0:
            z = -a / (1.0 - phi) / np.sqrt(np.mean(fit.resid**2) / (1.0 - phi**2))
        assert found["z"][t] == pytest.approx(z, rel=1e-8 / min(1.0, abs(1.0 - phi)), abs=1e-8)
        seen.add((phi > 1.0, speed < -2.9))
    assert len(seen) == 3
    known = slice(window, None)
    assert np.array_equal(found["reverting"][known], (found["speed_t"][known] < -2.9).astype(float))
    assert ((found["speed_t"] > -2.95) & (found["speed_t"] < -2.85)).sum() > 20


def test_l53_where_neighbours_alternate() -> None:
    """phi below 0: no half life, but a mean; and below -1: no mean."""
    random = np.random.default_rng(1)
    y = 1e-2 * (-1.0) ** np.arange(400) + 1e-2 * random.normal(size=400)
    found = run("L53", {"close": np.exp(y)}, {"window": 200})
    now, before = y[-200:], y[-201:-1]
    fit = OLS(now, np.column_stack((np.ones(200), before))).fit()
    a, phi = fit.params
    assert -0.9 < phi < -0.2
    assert found["half_life"][-1] == 200.0 and found["reverting"][-1] == 1.0
    z = (y[-1] - a / (1.0 - phi)) / np.sqrt(np.mean(fit.resid**2) / (1.0 - phi**2))
    assert found["z"][-1] == pytest.approx(z, rel=1e-8)
    growing = 1e-4 * (-1.02) ** np.arange(200.0) + 1e-5 * random.normal(size=200)
    found = run("L53", {"close": np.exp(growing)}, {"window": 100})
    assert found["half_life"][-1] == 100.0 and found["z"][-1] == 0.0 and found["speed_t"][-1] < -100.0


def test_l53_where_nothing_is_left_to_explain() -> None:
    for close, half_life in (
        (np.full(400, 9.0), 240.0),
        (5.0 * 1.01 ** np.arange(400), 240.0),
        (np.exp(0.5 ** np.arange(400.0)), 240.0),
        (np.exp(0.97 ** np.arange(400.0)), -np.log(2.0) / np.log(0.97)),
    ):
        found = run("L53", {"close": close})
        assert found["half_life"][-1] == pytest.approx(half_life, rel=1e-6)
        for name in ("z", "speed_t", "reverting"):
            assert np.all(found[name][250:] == 0.0), name


@pytest.mark.parametrize("size, there", [(0.95e-9, False), (1.05e-9, True)])
def test_l53_counts_moves_of_rounding_as_none(size: float, there: bool) -> None:
    """Of the level, and of what the fit leaves over beside a much larger swing."""
    side = np.sign(np.random.default_rng(3).normal(size=500))
    found = run("L53", {"close": np.exp(size * side)})
    spread = (size * side[-241:-1]).std()
    assert (spread > 1e-9) == there == (found["z"][-1] != 0.0) == (found["speed_t"][-1] != 0.0)
    decay = 1e-4 * 0.99 ** np.arange(500.0) + size * 1.0 * side
    found = run("L53", {"close": np.exp(decay)}, {"window": 400})
    fit = OLS(decay[-400:], np.column_stack((np.ones(400), decay[-401:-1]))).fit()
    assert (np.sqrt(np.mean(fit.resid**2)) > 1e-9) == (found["speed_t"][-1] != 0.0)


@pytest.mark.parametrize("share, there", [(0.8e-12, False), (1.25e-12, True)])
def test_l53_counts_a_small_share_left_over_as_none(share: float, there: bool) -> None:
    side = np.sign(np.random.default_rng(5).normal(size=241))
    swing = 0.97 ** np.arange(241.0)
    y = swing + side * np.sqrt(share) * swing[1:].std()
    now, before = y[1:], y[:-1]
    fit = OLS(now, np.column_stack((np.ones(240), before))).fit()
    left = np.mean(fit.resid**2) / now.var()
    y = swing + side * np.sqrt(share * share / left) * swing[1:].std()  # now the residuals have that share
    found = run("L53", {"close": np.exp(y)})
    assert (found["speed_t"][-1] != 0.0) == there == (found["z"][-1] != 0.0)


@pytest.mark.parametrize("gap, there", [(0.9e-12, False), (1.1e-12, True)])
def test_l53_counts_a_phi_next_to_1_as_1(gap: float, there: bool) -> None:
    """Through pairs whose slope is set to 1 - gap: y of a pair is the x of the next, so the gap is spread over all."""
    random = np.random.default_rng(6)
    y = np.cumsum(random.normal(size=241)) * 1e-2
    now, before = y[1:], y[:-1]

    def slope(last: float) -> float:
        ends = np.append(now[:-1], last)
        d = before - before.mean()
        return float((d * (ends - ends.mean())).sum() / (d * d).sum())

    low, high = y[-1] - 5.0, y[-1] + 5.0
    for _ in range(200):
        middle = 0.5 * (low + high)
        rising = slope(high) > slope(low)
        if (slope(middle) < 1.0 - gap) == rising:
            low = middle
        else:
            high = middle
    y[-1] = low
    found = run("L53", {"close": np.exp(y)})
    assert abs(slope(y[-1]) - (1.0 - gap)) < 0.05 * gap, "doubles are too coarse here"
    assert (found["half_life"][-1] != 240.0) == there


def filtered_by_statsmodels(y: np.ndarray, v: np.ndarray, q_level: float, q_slope: float, r: float) -> object:
    """The local linear trend with variances that move with v: v[0] is that of the bar before the first in y[1:]."""
    model = UnobservedComponents(y[1:], "local linear trend")
    model.update(np.ones(3))
    model.ssm["obs_cov"] = (r * v[1:])[None, None, :]
    later = np.append(v[2:], v[-1])  # the noise on the way to the next bar is that bar's
    state = np.zeros((2, 2, len(later)))
    state[0, 0], state[1, 1] = q_level * later, q_slope * later
    model.ssm["state_cov"] = state
    move = np.array([[1.0, 1.0], [0.0, 1.0]])
    predicted = move @ (v[0] * np.eye(2)) @ move.T + np.diag([q_level * v[1], q_slope * v[1]])
    model.ssm.initialize_known(np.array([y[0], 0.0]), predicted)
    return model.ssm.filter()


@pytest.mark.parametrize("shares", [(0.1, 1e-3, 1.0), (0.3, 0.01, 0.5), (1e-9, 1e-4, 1.0)])
def test_l51_is_the_filter_of_statsmodels(bars: Values, shares: tuple[float, float, float]) -> None:
    close = bars["close"][:3_000]
    found = run("L51", {"close": close}, dict(zip(("q_level", "q_slope", "r"), shares, strict=True)))
    y = np.log(close)
    v = np.maximum(np.concatenate(([np.nan], talib.EMA(np.diff(y) ** 2, 240))), 1e-18)
    assert np.isnan(v[239]) and not np.isnan(v[240])  # the filter starts on the first bar with a v
    filtered = filtered_by_statsmodels(y[240:], v[240:], *shares)
    level, slope = filtered.filtered_state
    start = np.full(241, np.nan)
    assert_same(found["level"], np.concatenate((start, np.exp(level))), 1e-9)
    scale = float(np.abs(slope).max())
    assert_same(found["slope"], np.concatenate((start, slope)), 1e-7, scale=scale)
    tstat = slope / np.sqrt(filtered.filtered_state_cov[1, 1])
    assert_same(found["slope_t"], np.concatenate((start, tstat)), 1e-7, scale=np.abs(tstat).max())
    innovation = filtered.forecasts_error[0] / np.sqrt(filtered.forecasts_error_cov[0, 0])
    assert_same(found["innovation"], np.concatenate((start, innovation)), 1e-7, scale=1.0)


def test_l51_goes_through_a_stopped_market_and_a_crash() -> None:
    """Against the matrices of the rule; v rests on its floor for a while."""
    random = np.random.default_rng(3)
    moving = np.cumsum(1e-3 * random.normal(size=600))
    y = np.concatenate((moving, np.full(6_000, moving[-1]), moving[-1] + 0.3 + 1e-3 * random.normal(size=500)))
    close = np.exp(y)
    y = np.log(close)
    found, memory = run_with_state(catalogue().get("L51"), {"close": close})
    v = np.maximum(np.concatenate(([np.nan], talib.EMA(np.diff(y) ** 2, 240))), 1e-18)
    assert (v == 1e-18).sum() > 500
    state, covariance = np.array([y[240], 0.0]), v[240] * np.eye(2)
    move, look = np.array([[1.0, 1.0], [0.0, 1.0]]), np.array([[1.0, 0.0]])
    for t in range(241, len(y)):
        state = move @ state
        covariance = move @ covariance @ move.T + np.diag([0.1 * v[t], 1e-3 * v[t]])
        spread = covariance[0, 0] + v[t]
        gain = covariance @ look.T / spread
        error = y[t] - state[0]
        state = state + gain[:, 0] * error
        left = np.eye(2) - gain @ look
        covariance = left @ covariance @ left.T + gain * v[t] @ gain.T
        assert np.linalg.eigvalsh(covariance)[0] > 0.0
        if t in (400, 6_000, 6_599, 6_600, 6_601, 6_650, 7_099):
            assert found["level"][t] == pytest.approx(np.exp(state[0]), rel=1e-9)
            assert found["slope"][t] == pytest.approx(state[1], rel=1e-7, abs=1e-13)
            assert found["slope_t"][t] == pytest.approx(state[1] / np.sqrt(covariance[1, 1]), rel=1e-7, abs=1e-3)
            assert found["innovation"][t] == pytest.approx(error / np.sqrt(spread), rel=1e-7, abs=1e-3)
    ours = np.array([[memory["p00"], memory["p01"]], [memory["p01"], memory["p11"]]])
    assert np.allclose(ours, covariance, rtol=1e-7, atol=0.0)


def test_l51_one_factor_on_all_variances_scales_the_t_values_alone() -> None:
    close = real_bars(FILES[0], 5_000)["close"]
    narrow = run("L51", {"close": close}, {"q_level": 1e-5, "q_slope": 1e-7, "r": 1e-4})
    wide = run("L51", {"close": close})
    assert_same(wide["level"][1_000:], narrow["level"][1_000:], 1e-9)
    assert_same(wide["slope_t"][1_000:] * 100.0, narrow["slope_t"][1_000:], 1e-6, scale=1.0)
    assert_same(wide["innovation"][1_000:] * 100.0, narrow["innovation"][1_000:], 1e-6, scale=1.0)


@pytest.mark.parametrize("name", ["random walk", "random walk of t(3)", *FILES, "binance_btcusdt_1m"])
def test_l51_does_not_saturate_what_reads_it(name: str) -> None:
    """Its slope leaves L60 both of its branches, on a market without a trend and on recorded ones."""
    random = np.random.default_rng(6)
    steps = {"random walk": random.normal(size=30_000), "random walk of t(3)": random.standard_t(3, 30_000)}.get(name)
    close = real_bars(name, 30_000)["close"] if steps is None else 100.0 * np.exp(1e-3 * np.cumsum(steps))
    found, ratio = run("L51", {"close": close}), run("L52", {"close": close})["variance_ratio"]
    known = ~np.isnan(found["slope_t"] + ratio)
    slope_t = found["slope_t"][known]
    assert 0.9 < found["innovation"][known].std() < 1.25
    assert np.mean(np.abs(np.tanh(0.5 * slope_t)) > 0.99) < 0.02
    evidence = dict.fromkeys(EVIDENCE, np.zeros(len(slope_t))) | {"kalman_t": slope_t, "variance_ratio": ratio[known]}
    reverting = np.mean(run_layer(catalogue().get("L60"), evidence)["persistence"] < 0.5)
    assert 0.3 < reverting < 0.8, reverting


def test_l51_reciprocal_prices_turn_its_slope(bars: Values) -> None:
    close = bars["close"][:20_000]
    there, back = run("L51", {"close": close}), run("L51", {"close": 1.0 / close})
    for name, scale in (("slope", 1e-4), ("slope_t", 1.0), ("innovation", 1.0)):
        assert_same(back[name], -there[name], 1e-6, scale=scale)
    assert_same(back["level"], 1.0 / there["level"])
