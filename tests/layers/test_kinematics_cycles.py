"""L16, L25, L52, L53, L54, L55 and L58 against TA-Lib, arch, statsmodels and numpy, on recorded bars and by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import talib

from stratoquant.layers import catalogue
from tests.layers.real_data import real_bars
from tests.layers.single import run_layer
from tests.layers.test_kinematics import FILES, Values, assert_same, run, shifted, windows
from tests.layers.test_kinematics_trend import crossings

BARS = 100_000


@pytest.fixture(params=FILES)
def bars(request: pytest.FixtureRequest) -> Values:
    return real_bars(request.param, BARS)


@pytest.mark.parametrize("window, smooth, signal", [(14, 3, 3), (5, 1, 4), (20, 6, 1)])
def test_l16_is_the_stochastic_of_talib(bars: Values, window: int, smooth: int, signal: int) -> None:
    columns = (bars["high"], bars["low"], bars["close"])
    found = run("L16", bars, {"window": window, "smooth": smooth, "signal": signal})
    k, d = talib.STOCH(*columns, window, smooth, 0, signal, 0)
    raw = 1.0 + talib.WILLR(*columns, window) / 100.0
    flat = talib.MAX(bars["high"], window) == talib.MIN(bars["low"], window)  # TA-Lib says 0 and -100 there
    near = np.convolve(flat, np.ones(smooth + signal), "full")[: len(flat)] > 0
    assert near.mean() < 0.05
    known = ~np.isnan(d)
    for name, expected in (("k", k / 100.0), ("d", d / 100.0), ("williams", 2.0 * raw - 1.0)):
        assert np.array_equal(np.isnan(found[name]), ~known)
        assert_same(found[name][known & ~near], expected[known & ~near], 1e-9, scale=1.0)
    assert_same(found["cross"], crossings(found["k"] - found["d"]), 0.0)


def test_l16_without_a_range_and_outside_of_it() -> None:
    flat = np.full(60, 3.0)
    found = run("L16", {"high": flat, "low": flat, "close": flat})
    assert np.all(found["k"][18:] == 0.5) and np.all(found["d"][18:] == 0.5)
    assert np.all(found["williams"][18:] == 0.0) and np.all(found["cross"][19:] == 0.0)
    for away, place in ((1.5, 1.0), (-1.5, 0.0)):  # a feed whose close leaves its own bar
        found = run("L16", {"high": flat + 1.0, "low": flat - 1.0, "close": flat + away})
        assert np.all(found["k"][18:] == place) and np.all(found["williams"][18:] == 2.0 * place - 1.0)


@pytest.mark.parametrize("window", [20, 2, 75])
def test_l25_flows_are_those_of_talib(bars: Values, window: int) -> None:
    found = run("L25", bars, {"window": window})
    columns = (bars["high"], bars["low"], bars["close"], bars["volume"])
    x = (bars["high"] + bars["low"] + bars["close"]) / 3.0
    turn = np.diff(x, prepend=np.nan)
    rounding = (turn != 0.0) & (np.abs(turn) < 1e-12 * x)  # equal prices that TA-Lib may take for a move
    turn[rounding] = 0.0
    flow = np.where(turn != 0.0, x * bars["volume"], 0.0)
    enough = np.convolve(flow, np.ones(window))[: len(x)] > 1.0  # TA-Lib says 0 below
    enough &= np.convolve(rounding, np.ones(window))[: len(x)] == 0.0
    enough[:window] = False
    assert enough.mean() > 0.5
    for name in found:
        assert np.array_equal(np.isnan(found[name]), np.arange(len(x)) < window)
    mfi = talib.MFI(*columns, window) / 100.0
    assert_same(found["mfi"][enough], mfi[enough], 1e-9, scale=1.0)
    exact = windows(np.where(turn[1:] > 0.0, flow[1:], 0.0), window).sum(axis=1) / np.maximum(
        windows(flow[1:], window).sum(axis=1), 1e-300
    )
    assert_same(found["mfi"][enough], exact[enough[window:]], 1e-9, scale=1e-3)
    volume = windows(bars["volume"], window).sum(axis=1)[1:]
    accumulated = talib.AD(*columns)
    expected = (accumulated - shifted(accumulated, window))[window:] / np.where(volume > 0.0, volume, 1.0)
    size = np.maximum(np.abs(accumulated[window:]), 1.0) / np.where(volume > 0.0, volume, np.inf)
    assert np.all(np.abs(found["cmf"][window:] - expected) <= 1e-12 * size + 1e-12)
    obv = talib.OBV(bars["close"], bars["volume"])
    steps = np.diff(obv)
    power = np.sqrt(windows(np.where(np.diff(bars["close"]) != 0.0, bars["volume"][1:], 0.0) ** 2, window).sum(axis=1))
    expected = windows(steps, window).sum(axis=1) / np.where(power > 0.0, power, 1.0)
    noise = 1e-12 * np.maximum(np.abs(obv[window:]), 1.0) / np.where(power > 0.0, power, np.inf)
    assert np.all(np.abs(found["obv_slope"][window:] - expected) <= noise + 1e-9)


def test_l25_without_volume_or_moves_is_neutral() -> None:
    flat = np.full(60, 10.0)
    for volume in (0.0, 3.0):
        found = run("L25", {"high": flat, "low": flat, "close": flat, "volume": np.full(60, volume)})
        assert np.all(found["mfi"][20:] == 0.5)
        assert np.all(found["cmf"][20:] == 0.0) and np.all(found["obv_slope"][20:] == 0.0)
    rising = np.arange(100.0, 160.0)
    for volume in (4.0, 1e-9):
        bars = {"high": rising + 1.0, "low": rising - 3.0, "close": rising, "volume": np.full(60, volume)}
        found = run("L25", bars)
        assert np.all(found["mfi"][20:] == 1.0) and np.allclose(found["cmf"][20:], 0.5)
        assert np.allclose(found["obv_slope"][20:], np.sqrt(20.0))
    for away, place in ((2.0, 1.0), (-4.0, -1.0)):  # a feed whose close leaves its own bar
        outside = {"high": rising + 1.0, "low": rising - 3.0, "close": rising + away, "volume": np.full(60, 4.0)}
        assert np.all(run("L25", outside)["cmf"][20:] == place)
        outside["close"] = np.where(np.arange(60) % 2 == 0, outside["close"], rising)
        assert np.allclose(run("L25", outside)["cmf"][20:], 0.5 * (place + 0.5))


@pytest.mark.parametrize("unit", [2.0**-30, 1.0, 2.0**30])
@pytest.mark.parametrize("step, mfi", [(0.9e-12, 0.0), (1.2e-12, 0.75)])
def test_l25_counts_a_change_of_rounding_as_none(unit: float, step: float, mfi: float) -> None:
    """Three steps up, which may be rounding, and one back that is thrice as long, all of equal volume."""
    x = unit * (1.0 + step * np.tile([0.0, 1.0, 2.0, 3.0], 20))
    found = run("L25", {"high": x, "low": x, "close": x, "volume": np.ones(80)})
    assert np.allclose(found["mfi"][20:], mfi, rtol=1e-9, atol=0.0)


def ehlers(high: np.ndarray, low: np.ndarray, cutoff: int) -> Values:
    """The SuperSmoother and the homodyne discriminator as their author lists them, over whole series."""
    x = np.concatenate((np.full(20, (high[0] + low[0]) / 2.0), (high + low) / 2.0))
    names = ("filtered", "smooth", "detrender", "i1", "q1", "i2", "q2", "re", "im", "phase", "trend", "slow")
    s = {name: np.zeros(len(x)) for name in names}
    s["filtered"][:20] = s["smooth"][:20] = x[0]
    s["slow"][:20] = 6.0
    period = 6.0
    a1 = np.exp(-np.sqrt(2.0) * np.pi / cutoff)
    c2, c3 = 2.0 * a1 * np.cos(np.sqrt(2.0) * np.pi / cutoff), -a1 * a1

    def hilbert(v: np.ndarray, t: int) -> float:
        return (0.0962 * v[t] + 0.5769 * v[t - 2] - 0.5769 * v[t - 4] - 0.0962 * v[t - 6]) * (0.075 * period + 0.54)

    for t in range(20, len(x)):
        s["filtered"][t] = (1 - c2 - c3) * (x[t] + x[t - 1]) / 2 + c2 * s["filtered"][t - 1] + c3 * s["filtered"][t - 2]
        s["smooth"][t] = (4 * x[t] + 3 * x[t - 1] + 2 * x[t - 2] + x[t - 3]) / 10
        s["detrender"][t] = hilbert(s["smooth"] - s["smooth"][t], t)
        s["i1"][t], s["q1"][t] = s["detrender"][t - 3], hilbert(s["detrender"], t)
        s["i2"][t] = 0.2 * (s["i1"][t] - hilbert(s["q1"], t)) + 0.8 * s["i2"][t - 1]
        s["q2"][t] = 0.2 * (s["q1"][t] + hilbert(s["i1"], t)) + 0.8 * s["q2"][t - 1]
        now, before = complex(s["i2"][t], s["q2"][t]), complex(s["i2"][t - 1], s["q2"][t - 1])
        s["re"][t] = 0.2 * (now * before.conjugate()).real + 0.8 * s["re"][t - 1]
        s["im"][t] = -0.2 * (now * before.conjugate()).imag + 0.8 * s["im"][t - 1]
        raw = period
        if min(abs(s["re"][t]), abs(s["im"][t])) > (1e-12 * x[t]) ** 2:
            raw = 2 * np.pi / np.arctan(s["im"][t] / s["re"][t])
            s["phase"][t] = np.arctan2(s["q1"][t], s["i1"][t])
        held = min(max(min(max(raw, 0.67 * period), 1.5 * period), 6.0), 50.0)
        s["trend"][t] = float(held != raw)
        period = 0.2 * held + 0.8 * period
        s["slow"][t] = 0.33 * period + 0.67 * s["slow"][t - 1]
    found = {"smooth": s["filtered"], "period": s["slow"], "phase": s["phase"], "trend_mode": s["trend"]}
    return {name: np.concatenate((np.full(32, np.nan), values[52:])) for name, values in found.items()}


@pytest.mark.parametrize("cutoff", [10, 4, 37])
def test_l54_is_what_ehlers_lists(bars: Values, cutoff: int) -> None:
    high, low = bars["high"][:4_000], bars["low"][:4_000]
    found = run("L54", {"high": high, "low": low}, {"cutoff": cutoff})
    expected = ehlers(high, low, cutoff)
    assert_same(found["smooth"], expected["smooth"], 1e-10)
    assert_same(found["period"], expected["period"], 1e-7)
    assert_same(np.cos(found["phase"]), np.cos(expected["phase"]), 1e-6, scale=1.0)
    assert_same(np.sin(found["phase"]), np.sin(expected["phase"]), 1e-6, scale=1.0)
    assert np.mean(found["trend_mode"][32:] != expected["trend_mode"][32:]) < 1e-3
    assert 0.02 < np.nanmean(found["trend_mode"]) < 0.5


def test_l54_period_and_phase_are_those_of_talib_after_burn_in(bars: Values) -> None:
    """Far inside the 5% that the catalogue asks for."""
    found = run("L54", bars)
    x = (bars["high"] + bars["low"]) / 2.0
    expected = talib.HT_DCPERIOD(x)
    moved = np.convolve(np.abs(np.diff(x, prepend=x[0])), np.ones(60))[: len(x)] > 0.0
    moved[:500] = False
    assert moved.mean() > 0.98
    assert_same(found["period"][moved], expected[moved], 1e-7)
    in_phase, quadrature = talib.HT_PHASOR(x)
    turned = found["phase"] - np.arctan2(quadrature, in_phase)
    clear = moved & (np.hypot(in_phase, quadrature) > 1e-6 * x)
    assert clear.mean() > 0.8 and np.all(np.abs(np.sin(0.5 * turned[clear])) < 1e-6)


@pytest.mark.parametrize("length", [9.0, 20.0, 35.0])
def test_l54_finds_a_pure_cycle_and_runs_through_its_phase(length: float) -> None:
    x = 100.0 + np.sin(2.0 * np.pi * np.arange(1_500) / length)
    found = run("L54", {"high": x, "low": x})
    assert np.allclose(found["period"][800:], length, rtol=0.06)
    assert np.all(found["trend_mode"][800:] == 0.0)
    steps = np.diff(np.unwrap(found["phase"][800:]))
    assert steps.mean() == pytest.approx(-2.0 * np.pi / length, rel=1e-3)
    assert np.abs(found["phase"][800:]).max() <= np.pi


def test_l54_in_a_market_that_stops() -> None:
    random = np.random.default_rng(7)
    moving = 100.0 * np.exp(np.cumsum(1e-3 * random.normal(size=400)))
    x = np.concatenate((moving, np.full(3_000, moving[-1])))
    found = run("L54", {"high": x, "low": x})
    assert np.all(found["trend_mode"][700:] == 0.0) and np.all(found["phase"][700:] == 0.0)
    assert np.ptp(found["period"][800:]) < 1e-9 and np.allclose(found["smooth"][800:], x[-1], rtol=1e-12)
    expected = ehlers(x[:800], x[:800], 10)
    assert_same(found["period"][:800], expected["period"], 1e-3)
    for unit in (2.0**-30, 2.0**30):
        other = run("L54", {"high": x * unit, "low": x * unit})
        assert all(
            np.array_equal(other[name], found[name], equal_nan=True) for name in ("period", "phase", "trend_mode")
        )
    still = run("L54", {"high": x[-100:], "low": x[-100:]})
    assert np.allclose(still["period"][32:], 6.0) and np.all(still["phase"][32:] == 0.0)


def test_l54_smooth_is_missing_where_it_would_fall_below_0() -> None:
    x = np.concatenate((np.full(60, 100.0), np.full(60, 0.1)))
    found = run("L54", {"high": x, "low": x})
    assert np.isnan(found["smooth"][60:90]).any() and not np.isnan(found["smooth"][-20:]).any()
    assert np.nanmin(found["smooth"]) > 0.0


def test_l54_knows_every_quarter_of_the_circle() -> None:
    phase = run("L54", real_bars(FILES[0], 3_000))["phase"][32:]
    quarters, _ = np.histogram(phase, bins=np.linspace(-np.pi, np.pi, 5))
    assert np.all(quarters > 200)


@pytest.mark.parametrize("window", [10, 2, 40])
def test_l55_is_the_fisher_transform_of_ehlers(bars: Values, window: int) -> None:
    bars = {name: values[:20_000] for name, values in bars.items()}
    found = run("L55", bars, {"window": window})
    x = pd.Series((bars["high"] + bars["low"]) / 2.0)
    top, bottom = x.rolling(window).max().to_numpy(), x.rolling(window).min().to_numpy()
    expected = np.full(len(x), np.nan)
    value = last = 0.0
    held = 0
    for t in range(window - 1, len(x)):
        place = (x[t] - bottom[t]) / (top[t] - bottom[t]) if top[t] > bottom[t] else 0.5
        value = 0.33 * 2.0 * (place - 0.5) + 0.67 * value
        held += abs(value) > 0.99
        value = 0.999 if value > 0.99 else -0.999 if value < -0.99 else value
        expected[t] = last = 0.5 * np.log((1.0 + value) / (1.0 - value)) + 0.5 * last
    assert held > 5
    trigger = shifted(expected, 1)
    assert_same(found["fisher"], np.where(np.isnan(trigger), np.nan, expected), 1e-8, scale=1.0)
    assert_same(found["trigger"], trigger, 1e-8, scale=1.0)
    cross = crossings(np.where(np.isnan(trigger), expected, found["fisher"] - found["trigger"]))
    assert_same(found["cross"], cross, 0.0)


def test_l55_in_a_flat_market_is_0() -> None:
    flat = np.full(50, 4.0)
    found = run("L55", {"high": flat, "low": flat})
    assert np.all(found["fisher"][10:] == 0.0) and np.all(found["cross"][10:] == 0.0)


def pivots(x: np.ndarray, k: int) -> list[tuple[int, float]]:
    """Place and value of each value with none above among the k before it and all below among the k after it."""
    places = (t for t in range(k, len(x) - k) if x[t] >= x[t - k : t].max() and x[t] > x[t + 1 : t + k + 1].max())
    return [(t, x[t]) for t in places]


def divergences(high: np.ndarray, low: np.ndarray, rsi: np.ndarray, k: int, span: int) -> Values:
    """By looking anew at every bar at all pivots that are known on it."""
    sides = ((pivots(high, k), pivots(rsi, k), -1.0), (pivots(-low, k), pivots(-rsi, k), 1.0))
    count = len(high)
    fired = {"regular": np.zeros((count, 2)), "hidden": np.zeros((count, 2))}
    strengths = np.zeros((count, 2))
    for column, (of_price, of_rsi, side) in enumerate(sides):
        for t in sorted({at + k for at, _ in of_price + of_rsi}):
            price = [p for p in of_price if p[0] + k <= t][-2:]
            strength = [p for p in of_rsi if p[0] + k <= t][-2:]
            if len(price) < 2 or len(strength) < 2:
                continue
            (p0, high0), (p1, high1) = price
            (r0, rsi0), (r1, rsi1) = strength
            if max(abs(p0 - r0), abs(p1 - r1)) > k or max(p1 - p0, r1 - r0) > span:
                continue
            if (high1 - high0) * (rsi1 - rsi0) >= 0.0:
                continue
            fired["regular" if high1 > high0 else "hidden"][t, column] = side
            past = slice(max(t - span - 2 * k, 0), t + 1)
            moves = abs(high1 - high0) * abs(rsi1 - rsi0)
            strengths[t, column] = np.sqrt(moves / np.ptp([high[past].max(), low[past].min()]) / np.ptp(rsi[past]))
    names = ("regular", "hidden")
    out = {name: np.zeros(count) for name in (*names, "strength")} | {"age": np.full(count, np.nan)}
    last: dict[str, tuple[int, float, float]] = {}
    for t in range(count):
        for name in names:
            side = fired[name][t].sum()
            if side != 0.0:
                last[name] = (t, side, strengths[t, 0 if side < 0.0 else 1])
            if name in last and t - last[name][0] < span:
                out[name][t] = last[name][1]
        alive = [last[name] for name in names if out[name][t] != 0.0]
        if alive:
            youngest = max(alive, key=lambda signal: signal[0])  # the first of equals: regular
            out["age"][t], out["strength"][t] = t - youngest[0], youngest[2]
    for values in out.values():
        values[: 2 * k] = np.nan
    return out


def with_rsi(bars: Values, count: int, grid: bool = False) -> Values:
    rsi = talib.RSI(bars["close"][: count + 14], 14)[14:] / 100.0
    there = {name: bars[name][14 : count + 14] for name in ("high", "low")}
    return there | {"rsi": np.round(rsi * 64.0) / 64.0 if grid else rsi}


@pytest.mark.parametrize("pivot, span", [(5, 60), (2, 10), (3, 25)])
@pytest.mark.parametrize("grid", [False, True])
def test_l58_finds_the_divergences(bars: Values, pivot: int, span: int, grid: bool) -> None:
    """Also with an rsi that has many equal values."""
    inputs = with_rsi(bars, 8_000, grid)
    found = run_layer(catalogue().get("L58"), inputs, {"pivot": pivot, "span": span})
    expected = divergences(inputs["high"], inputs["low"], inputs["rsi"], pivot, span)
    for name, values in expected.items():
        assert_same(found[name], values, 1e-9)
    for name in ("regular", "hidden"):
        assert (expected[name] == 1.0).sum() > 100 < (expected[name] == -1.0).sum()


def test_l58_by_hand() -> None:
    """A higher high of price with a lower one of the rsi, seen two bars after it and for ten bars."""
    price = np.array([1.0, 2, 5, 3, 2, 1, 2, 4, 6, 4, 3, 2.9, 2.8, 2.7, 2.6, 2.5, 2.4, 2.3, 2.2, 2.1, 2.05, 2.04])
    rsi = np.array([0.4, 0.5, 0.9, 0.5, 0.4, 0.3, 0.4, 0.6, 0.8, 0.6, 0.5, *np.linspace(0.49, 0.39, 11)])
    found = run_layer(catalogue().get("L58"), {"high": price, "low": price, "rsi": rsi}, {"pivot": 2, "span": 10})
    fired = np.zeros(22)
    fired[10:20] = -1.0
    assert np.array_equal(found["regular"][4:], fired[4:]) and np.all(found["hidden"][4:] == 0.0)
    assert np.allclose(found["strength"][10:20], np.sqrt(1.0 / 5.0 * 0.1 / 0.6)) and np.all(found["strength"][20:] == 0)
    assert np.array_equal(found["age"][10:20], np.arange(10.0)) and np.isnan(found["age"][[4, 9, 20, 21]]).all()


def test_l58_turned_upside_down_turns_its_sides(bars: Values) -> None:
    scale = 1024.0 / np.median(bars["close"])
    inputs = with_rsi({name: np.round(bars[name] * scale * 64.0) / 64.0 for name in ("high", "low", "close")}, 30_000)
    rsi = np.round(inputs["rsi"] * 2.0**30) / 2.0**30
    high, low = inputs["high"], inputs["low"]
    there = run_layer(catalogue().get("L58"), {"high": high, "low": low, "rsi": rsi})
    back = run_layer(catalogue().get("L58"), {"high": 65536.0 - low, "low": 65536.0 - high, "rsi": 1.0 - rsi})
    for name, sign in (("regular", -1.0), ("hidden", -1.0), ("strength", 1.0), ("age", 1.0)):
        assert_same(back[name], sign * there[name], 1e-12)


ODD = {"L16": ("williams", "cross"), "L25": ("cmf", "obv_slope"), "L55": ("fisher", "trigger", "cross")}
EVEN = {"L54": ("period", "trend_mode")}


@pytest.mark.parametrize("key", ["L16", "L25", "L54", "L55"])
def test_mirrored_prices_give_mirrored_scores(key: str, bars: Values) -> None:
    scale = 1024.0 / np.median(bars["close"])
    grid = {name: np.round(bars[name][:30_000] * scale * 64.0) / 64.0 for name in ("high", "low", "close")}
    turned = {"high": 65536.0 - grid["low"], "low": 65536.0 - grid["high"], "close": 65536.0 - grid["close"]}
    volume = {"volume": bars["volume"][:30_000]}
    there, back = run(key, grid | volume), run(key, turned | volume)
    for sign, ports in ((-1.0, ODD.get(key, ())), (1.0, EVEN.get(key, ()))):
        for name in ports:
            known = ~np.isnan(there[name])
            wrong = np.abs(there[name] - sign * back[name])[known] > 1e-6
            assert wrong.mean() < 1e-3, name


def test_reciprocal_prices_change_no_memory_and_turn_the_distance(bars: Values) -> None:
    close = bars["close"][:20_000]
    there, back = run("L52", {"close": close}), run("L52", {"close": 1.0 / close})
    for name in there:
        assert_same(back[name], there[name], 1e-7, scale=1.0)
    there, back = run("L53", {"close": close}), run("L53", {"close": 1.0 / close})
    assert_same(back["speed_t"], there["speed_t"], 1e-6, scale=1.0)
    near = np.abs(there["z"]) < 20.0
    assert_same(back["z"][near], -there["z"][near], 1e-5, scale=1.0)


SCORES = {
    "L16": ("k", "d", "williams", "cross"),
    "L25": ("mfi", "cmf", "obv_slope"),
    "L52": ("variance_ratio", "vr_z", "hurst", "autocorr"),
    "L53": ("speed_t", "reverting"),
    "L54": ("period", "phase", "trend_mode"),
    "L55": ("fisher", "trigger", "cross"),
}


@pytest.mark.parametrize("power", [-30, 21])
@pytest.mark.parametrize("key", sorted(SCORES))
def test_another_unit_changes_no_score(key: str, power: int) -> None:
    bars = real_bars(FILES[1], 5_000)
    other = {name: bars[name] * 2.0**power for name in ("open", "high", "low", "close")}
    other["volume"] = bars["volume"] * 2.0 ** (power // 2)
    there, scaled = run(key, bars), run(key, other)
    for name in SCORES[key]:
        if key == "L53":  # takes the logarithm of the price itself, which rounds
            assert np.nanmean(np.abs(scaled[name] - there[name]) > 1e-6) < 1e-3
        else:
            assert np.array_equal(scaled[name], there[name], equal_nan=True), name


@pytest.mark.parametrize("key", ["L16", "L25", "L53", "L54", "L55"])
def test_no_drift_over_many_bars(key: str) -> None:
    bars = real_bars(FILES[0], 500_000)
    long, short = run(key, bars), run(key, {name: values[-20_123:] for name, values in bars.items()})
    for name, values in short.items():
        tail = values[-10_000:]
        wrong = np.abs(long[name][-10_000:] - tail) > 1e-6 * np.maximum(np.abs(tail), 1.0)
        allowed = 5e-3 if name in ("half_life", "z") else 1e-3  # these two grow without bound as phi comes near 1
        assert wrong.mean() < allowed, (name, wrong.mean())
