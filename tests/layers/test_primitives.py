"""Primitives against TA-Lib, pandas, numpy, scipy, statsmodels and values that TradingView computed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import scipy.stats
import talib
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.lib.stride_tricks import sliding_window_view
from statsmodels.regression.rolling import RollingOLS
from statsmodels.tools.tools import add_constant

from stratoquant.layers.primitives import scalars
from tests.layers.primitive_layers import bars, order, pairs, sums
from tests.layers.real_data import FOLDER, real_bars
from tests.layers.single import run_layer

SYMBOLS = ("bitfinex_ltcusd_1m", "binance_dogeusdt_1m", "bitfinex_xrpusd_1m")


def agree(ours: np.ndarray, theirs: np.ndarray, tolerance: float = 1e-9, scale: float = 0.0) -> float:
    """The worst relative error, which must be within the tolerance; both must be missing in the same places."""
    theirs = np.asarray(theirs, dtype=float)
    np.testing.assert_array_equal(np.isnan(ours), np.isnan(theirs))
    known = ~np.isnan(theirs)
    assert known.any()
    error = np.abs(ours - theirs)[known] / np.maximum(np.abs(theirs[known]), scale or 1e-300)
    worst = float(np.max(np.where(ours[known] == theirs[known], 0.0, error)))
    assert worst <= tolerance, worst
    return worst


def tradingview(name: str) -> pd.DataFrame:
    path = FOLDER / "tv" / f"{name}.csv"
    if not path.exists():
        pytest.skip("values from TradingView (../shared/data/tv) are absent")
    return pd.read_csv(path)


@pytest.mark.parametrize("symbol", SYMBOLS)
@pytest.mark.parametrize("n", [3, 15, 255])
def test_sums_agree_with_talib(symbol: str, n: int) -> None:
    close = real_bars(symbol, 100_000)["close"]
    ours = run_layer(sums, {"x": close}, {"n": n})
    agree(ours["mean"], talib.SMA(close, n))
    agree(ours["moments_mean"], talib.SMA(close, n))
    agree(ours["total"], talib.SUM(close, n))
    agree(ours["weighted"], talib.WMA(close, n))
    agree(ours["level"], talib.LINEARREG(close, n))
    sd = np.nanmean(np.sqrt(ours["variance"]))
    agree(ours["slope"], talib.LINEARREG_SLOPE(close, n), scale=sd / n)


@pytest.mark.parametrize("n", [3, 15, 255])
def test_moments_and_lines_agree_with_fresh_windows(n: int) -> None:
    close = real_bars(SYMBOLS[0], 20_000)["close"]
    ours = run_layer(sums, {"x": close}, {"n": n})
    windows = sliding_window_view(close, n)
    head = np.full(n - 1, np.nan)
    variance = np.r_[head, windows.var(axis=1)]
    agree(ours["variance"], variance, scale=1e-6 * float(np.nanmedian(variance)))
    time = np.arange(n) - (n - 1) / 2
    slope = windows @ time / (time @ time)
    residual = windows - windows.mean(axis=1, keepdims=True) - slope[:, None] * time
    agree(ours["slope"], np.r_[head, slope], scale=float(np.abs(slope).mean()))
    unexplained = (ours["deviation"][n - 1 :] ** 2 - residual.var(axis=1)) / np.maximum(windows.var(axis=1), 1e-30)
    assert np.abs(unexplained).max() < 1e-9
    flat = np.ptp(windows, axis=1) == 0
    share = np.where(flat, 0.0, 1.0 - residual.var(axis=1) / np.where(flat, 1.0, windows.var(axis=1)))
    agree(ours["r2"], np.r_[head, share], scale=1.0)


@pytest.mark.parametrize("symbol", SYMBOLS)
@pytest.mark.parametrize("n", [3, 15, 255])
def test_order_agrees_with_talib_pandas_and_scipy(symbol: str, n: int) -> None:
    close = real_bars(symbol, 100_000)["close"]
    ours = run_layer(order, {"x": close}, {"n": n})
    agree(ours["high"], talib.MAX(close, n), 0.0)
    agree(ours["low"], talib.MIN(close, n), 0.0)
    agree(ours["ema"], talib.EMA(close, n))
    rolling = pd.Series(close).rolling(n)
    agree(ours["median"], rolling.median().to_numpy(), 1e-15)
    agree(ours["rank"], rolling.rank(method="average", pct=True).to_numpy() - 0.5 / n, 1e-12)
    places = np.linspace(n - 1, len(close) - 1, 400).astype(int)
    for t in places:
        window = close[t - n + 1 : t + 1]
        assert ours["rank"][t] == pytest.approx(scipy.stats.percentileofscore(window, close[t], kind="mean") / 100)
        spread = window.std()
        expected = (close[t] - window.mean()) / spread if np.ptp(window) > 0 else 0.0
        assert ours["z"][t] == pytest.approx(expected, rel=1e-9, abs=1e-9)


def test_aroon_ties_count_the_latest_extreme() -> None:
    bar = real_bars(SYMBOLS[0], 100_000)
    n = 26
    high = run_layer(order, {"x": bar["high"]}, {"n": n})
    low = run_layer(order, {"x": bar["low"]}, {"n": n})
    down, up = talib.AROON(bar["high"], bar["low"], n - 1)
    agree(100.0 * (n - 1 - high["high_age"])[n - 1 :] / (n - 1), up[n - 1 :], 1e-12)
    agree(100.0 * (n - 1 - low["low_age"])[n - 1 :] / (n - 1), down[n - 1 :], 1e-12)


def test_pairs_agree_with_statsmodels() -> None:
    bar = real_bars(SYMBOLS[0], 20_000)
    y = np.diff(np.log(bar["close"]))
    x = bar["volume"][1:] * np.sign(y)
    n = 120
    ours = run_layer(pairs, {"x": x, "y": y}, {"n": n})
    theirs = RollingOLS(y, add_constant(x), window=n).fit()
    agree(ours["slope"], theirs.params[:, 1], scale=1e-3 * float(np.nanmedian(np.abs(theirs.params[:, 1]))))
    agree(ours["intercept"], theirs.params[:, 0], scale=float(np.nanstd(y)))
    agree(ours["slope_error"], theirs.bse[:, 1])
    agree(ours["r2"], theirs.rsquared, scale=1e-3)


@pytest.mark.parametrize("n", [3, 15, 255])
def test_two_sums_are_those_of_the_values_that_have_both(n: int) -> None:
    bar = real_bars(SYMBOLS[0], 20_000)
    x, y = np.diff(np.log(bar["close"])), bar["volume"][1:].copy()
    x[::7] = np.nan
    y[::11] = np.nan
    ours = run_layer(pairs, {"x": x, "y": y}, {"n": n})
    both = ~np.isnan(x + y)
    agree(ours["sum_x"][both], talib.SUM(x[both], n), scale=n * float(np.nanstd(x)))
    agree(ours["sum_y"][both], talib.SUM(y[both], n))
    for name in ("sum_x", "sum_y"):
        held = pd.Series(np.where(both, ours[name], np.nan)).ffill().to_numpy()
        np.testing.assert_array_equal(ours[name], held)


def test_ranges_and_averages_agree_with_tradingview() -> None:
    table = tradingview("ta_tr")
    ours = run_layer(bars, {c: table[c].to_numpy() for c in ("high", "low", "close")})
    agree(ours["true_range"], table["ta.tr(true)"].to_numpy(), 0.0)
    agree(ours["atr"], table["ta.atr(14)"].to_numpy(), 1e-12)
    table = tradingview("ta_ma")
    close = table["close"].to_numpy()
    agree(run_layer(sums, {"x": close}, {"n": 10})["mean"], table["ta.sma(close, 10)"].to_numpy(), 1e-12)
    twenty = run_layer(order, {"x": close}, {"n": 20})
    agree(twenty["ema"], table["ta.ema(close, 20)"].to_numpy(), 1e-12)
    fifteen = run_layer(order, {"x": table["high"].to_numpy()}, {"n": 15})
    agree(fifteen["rma"], table["ta.rma(high, 15)"].to_numpy(), 1e-12)
    for n in (5, 20):
        weighted = run_layer(sums, {"x": close}, {"n": n})["weighted"]
        agree(weighted, table[f"ta.wma(close, {n})"].to_numpy(), 1e-12)


def test_lines_bands_and_extremes_agree_with_tradingview() -> None:
    table = tradingview("ta_linreg")
    fit = run_layer(sums, {"x": table["close"].to_numpy()}, {"n": 20})
    agree(fit["level"], table["ta.linreg(close, 20, 0)"].to_numpy(), 1e-12)
    agree(fit["level"] - 10 * fit["slope"], table["ta.linreg(close, 20, 10)"].to_numpy(), 1e-12)
    table = tradingview("ta_bb")
    moments = run_layer(sums, {"x": table["close"].to_numpy()}, {"n": 20})
    upper = moments["moments_mean"] + 2 * np.sqrt(moments["variance"])
    agree(upper, table["ta.bb(close, 20, 2).upper"].to_numpy(), 1e-11)
    table = tradingview("ta_highest+lowest")
    for source, suffix in (("close", "close, "), ("high", "")):
        ours = run_layer(order, {"x": table[source].to_numpy()}, {"n": 10})
        agree(ours["high"], table[f"ta.highest({suffix}10)"].to_numpy(), 0.0)
    ours = run_layer(order, {"x": table["low"].to_numpy()}, {"n": 10})
    agree(ours["low"], table["ta.lowest(10)"].to_numpy(), 0.0)


def test_pivots_agree_with_tradingview() -> None:
    table = tradingview("ta_pivot")
    strength = {"left": 10, "right": 5}
    ours = run_layer(bars, {c: table[c].to_numpy() for c in ("high", "low", "close")}, strength)
    agree(ours["top"], table["ta.pivothigh(10, 5)"].to_numpy(), 0.0)
    agree(ours["bottom"], table["ta.pivotlow(10, 5)"].to_numpy(), 0.0)
    close = table["close"].to_numpy()
    ours = run_layer(bars, {"high": close, "low": close, "close": close}, strength)
    agree(ours["top"], table["ta.pivothigh(close, 10, 5)"].to_numpy(), 0.0)
    agree(ours["bottom"], table["ta.pivotlow(close, 10, 5)"].to_numpy(), 0.0)


@pytest.mark.parametrize("strength", [{"left": 3, "right": 3}, {"left": 2, "right": 7}, {"left": 16, "right": 4}])
def test_pivots_agree_with_their_definition(strength: dict[str, int]) -> None:
    bar = real_bars(SYMBOLS[0], 20_000)
    ours = run_layer(bars, {c: bar[c] for c in ("high", "low", "close")}, strength)
    for port, sign, left in (
        ("top", 1, strength["left"]),
        ("bottom", -1, strength["left"]),
        ("pivot_high", 1, strength["right"]),
        ("pivot_low", -1, strength["right"]),
    ):
        x = sign * bar["high" if sign > 0 else "low"]
        windows = sliding_window_view(x, left + strength["right"] + 1)
        centre = windows[:, left]
        pivot = (windows[:, :left].max(axis=1) <= centre) & (windows[:, left + 1 :].max(axis=1) < centre)
        expected = np.r_[np.full(left + strength["right"], np.nan), np.where(pivot, sign * centre, np.nan)]
        agree(ours[port], expected, 0.0)
    confirmed = np.flatnonzero(~np.isnan(ours["pivot_high"]))
    np.testing.assert_array_equal(ours["high_ago"][confirmed], strength["right"])
    np.testing.assert_array_equal(ours["last_high"][confirmed[5] : confirmed[6]], ours["pivot_high"][confirmed[5]])
    assert ours["high_ago"][confirmed[6] - 1] == strength["right"] + confirmed[6] - 1 - confirmed[5]


def test_sums_do_not_drift_over_five_million_bars() -> None:
    generator = np.random.default_rng(5)
    x = 1e4 * np.exp(np.cumsum(generator.normal(0.0, 1e-4, 5_000_000)))
    x[1_000_000] = 1e15  # a bad print must leave no trace once it has left the window
    n = 255
    ours = run_layer(sums, {"x": x}, {"n": n})
    places = np.r_[np.arange(1_000_000 + n, 1_000_000 + 3 * n), generator.integers(n, len(x), 500), len(x) - 1]
    places = places[(places < 1_000_000) | (places >= 1_000_000 + n)]
    windows = sliding_window_view(x, n)[places - n + 1]
    time = np.arange(n) - (n - 1) / 2
    agree(ours["total"][places], windows.sum(axis=1), 1e-12)
    agree(ours["mean"][places], windows.mean(axis=1), 1e-12)
    agree(ours["variance"][places], windows.var(axis=1), 1e-9)
    agree(ours["slope"][places], windows @ time / (time @ time), scale=float(windows.std(axis=1).mean() / n))
    weights = np.arange(1, n + 1)
    agree(ours["weighted"][places], windows @ weights / weights.sum(), 1e-12)


@pytest.mark.parametrize("drift", [0.0, 0.01, -0.2, 3.0])
def test_a_median_stays_exact_while_the_middle_wanders(drift: float) -> None:
    """A core holds 193 ranks around the middle; drifts and jumps make the middle leave it, and ties fill it."""
    random = np.random.default_rng(5)
    x = np.cumsum(drift + random.normal(size=6000).round(1)) + 50.0 * np.sin(np.arange(6000) / 200.0).round()
    for n in (250, 251, 1000):
        ours = run_layer(order, {"x": x}, {"n": n})
        agree(ours["median"], pd.Series(x).rolling(n).median().to_numpy(), 1e-14)
        repeated = np.repeat(x[:2000], random.integers(1, 6, 2000))
        ours = run_layer(order, {"x": repeated}, {"n": n})
        rank = pd.Series(repeated).rolling(n).rank(method="average", pct=True).to_numpy()
        agree(ours["rank"], rank - 0.5 / n, 1e-12)


@pytest.mark.parametrize("price", [0.1, 1e-9, 1e9 / 3, 1.1])
def test_equal_values_have_exactly_no_variance(price: float) -> None:
    x = np.r_[np.linspace(1.0, 2.0, 57) * price * 7, np.full(300, price)]
    ours = run_layer(sums, {"x": x}, {"n": 15}) | run_layer(order, {"x": x}, {"n": 15})
    settled = slice(57 + 14, None)
    for port in ("variance", "slope", "r2", "deviation", "z"):
        assert (ours[port][settled] == 0.0).all(), port
    for port in ("mean", "moments_mean", "level", "weighted", "high", "low", "median"):
        assert (ours[port][settled] == price).all(), port
    assert (ours["rank"][settled] == 0.5).all()
    assert (ours["high_age"][settled] == 0).all()


def test_a_missing_value_changes_nothing() -> None:
    """Layers never pass NaN to a required port, so the wrappers take it through an optional one."""
    generator = np.random.default_rng(2)
    x = generator.normal(size=400).round(1)
    gaps = generator.random(400) < 0.3
    gappy = np.where(gaps, np.nan, x)
    for wrapped, params in ((sums, {"n": 13}), (order, {"n": 13})):
        through = run_layer(_lenient(wrapped), {"x": gappy}, params)
        packed = run_layer(wrapped, {"x": x[~gaps]}, params)
        last = np.cumsum(~gaps) - 1
        for port, values in through.items():
            np.testing.assert_array_equal(values[last >= 0], packed[port][last[last >= 0]], err_msg=port)


def _lenient(wrapped):
    """The same layer with optional inputs."""
    return replace(wrapped, inputs={n: replace(t, optional=True) for n, t in wrapped.inputs.items()})


@settings(max_examples=150, deadline=None)
@given(
    x=arrays(np.float64, st.integers(1, 60), elements=st.sampled_from([0.0, 1.0, -1.0, 0.5, 2.0, 1e6, -3.0])),
    n=st.sampled_from([1, 2, 3, 5, 12, 15]),
)
def test_small_windows_full_of_ties(x: np.ndarray, n: int) -> None:
    ours = run_layer(order, {"x": x}, {"n": n}) | run_layer(sums, {"x": x}, {"n": n})
    for t in range(len(x)):
        if t < n - 1:
            assert all(np.isnan(ours[p][t]) for p in ("high", "low", "rank", "median", "mean", "slope", "z"))
            continue
        window = x[t - n + 1 : t + 1]
        assert ours["high"][t] == window.max()
        assert ours["high_age"][t] == np.argmax(window[::-1])
        assert ours["low"][t] == window.min()
        assert ours["low_age"][t] == np.argmin(window[::-1])
        assert ours["rank"][t] == pytest.approx(((window < x[t]).sum() + 0.5 * (window == x[t]).sum()) / n, rel=1e-15)
        assert ours["median"][t] == np.median(window)
        scale = np.abs(window).max()
        assert ours["total"][t] == pytest.approx(window.sum(), abs=1e-13 * scale)
        assert ours["mean"][t] == pytest.approx(window.mean(), abs=1e-13 * scale)
        assert ours["variance"][t] == pytest.approx(window.var(), abs=1e-12 * scale**2)


def test_scalar_functions() -> None:
    nan, inf = np.nan, np.inf
    assert [scalars.sign(v) for v in (-2.0, -0.0, 3.0, nan, -inf)] == [-1, 0, 1, 0, -1]
    assert [scalars.clip(v, -1.0, 1.0) for v in (-inf, 0.25, inf)] == [-1.0, 0.25, 1.0]
    assert np.isnan(scalars.clip(nan, -1.0, 1.0))
    assert [scalars.logistic(v) for v in (-1e4, 0.0, 1e4)] == [0.0, 0.5, 1.0]
    for v in (-30.0, -8.0, -1.0, 0.0, 0.3, 5.0):
        assert scalars.normal_cdf(v) == pytest.approx(scipy.stats.norm.cdf(v), rel=1e-12)
        assert scalars.logistic(v) == pytest.approx(scipy.special.expit(v), rel=1e-14)
    assert [scalars.crossing(a, b) for a, b in ((0, 1), (-1, 1), (1, 1), (1, -1), (0, -1), (nan, 1), (1, 0))] == [
        1, 1, 0, -1, -1, 0, 0
    ]  # fmt: skip
    assert scalars.ratio(1.0, 0.0, 7.0) == 7.0
    assert np.isnan(scalars.finite(inf)) and np.isnan(scalars.finite(-inf)) and scalars.finite(2.0) == 2.0
    assert np.isnan(scalars.positive(0.0)) and np.isnan(scalars.positive(nan)) and scalars.positive(2.0) == 2.0
    assert np.isnan(scalars.log_return(1.0, nan)) and np.isnan(scalars.log_return(0.0, 1.0))
    assert scalars.bars_since(3.0, True) == 0.0 and scalars.bars_since(3.0, False) == 4.0
    assert scalars.or_else(nan, 2.0) == 2.0
