"""The kinematic layers against TA-Lib, numpy and TradingView's own values, on recorded bars."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
import talib

from stratoquant.layers import catalogue
from tests.layers.real_data import FOLDER, SHIPPED, real_bars
from tests.layers.single import run_layer

FILES = ("bitfinex_btcusd_1m", "bitfinex_xrpusd_1m", "binance_dogeusdt_1m")
BARS = 100_000
Values = dict[str, np.ndarray]


@pytest.fixture(params=[*FILES, *SHIPPED])
def bars(request: pytest.FixtureRequest) -> Values:
    return real_bars(request.param, BARS)


def run(key: str, bars: Values, params: dict[str, float] | None = None, **more: object) -> Values:
    layer = catalogue().get(key)
    inputs = {name: bars[name] for name in layer.inputs if name in bars}
    return run_layer(layer, {**inputs, **more}, params)


def assert_same(found: np.ndarray, expected: np.ndarray, relative: float = 1e-9, scale: float = 0.0) -> None:
    """Equal to a relative tolerance; missing in the same places. scale: size below which differences are absolute."""
    assert np.array_equal(np.isnan(found), np.isnan(expected))
    known = ~np.isnan(found)
    size = np.maximum(np.abs(expected[known]), scale)
    assert np.all(np.abs(found[known] - expected[known]) <= relative * size)


def windows(x: np.ndarray, size: int) -> np.ndarray:
    return np.lib.stride_tricks.sliding_window_view(x, size)


def shifted(x: np.ndarray, steps: int) -> np.ndarray:
    return np.concatenate([np.full(steps, np.nan), x[:-steps]])


def test_l2_returns_are_differences_of_logs(bars: Values) -> None:
    found = run("L2", bars)
    logs = np.log(bars["close"])
    for name, steps in (("r1", 1), ("r5", 5), ("r15", 15), ("r60", 60)):
        expected = logs - shifted(logs, steps)
        expected[:40] = np.nan  # withheld while the velocity warms up
        assert_same(found[name], expected, scale=1e-6)


def test_l2_velocity_is_a_ratio_of_averages(bars: Values) -> None:
    found = run("L2", bars)
    change = np.diff(np.log(bars["close"]))
    drift, power = talib.EMA(change, 10), talib.EMA(change**2, 40)
    expected = np.concatenate([[np.nan], drift / np.sqrt(power)])
    assert_same(found["velocity"][40:], expected[40:], 1e-8, scale=1.0)
    acceleration = talib.EMA(np.diff(expected[40:]), 10)
    assert_same(found["acceleration"][60:], acceleration[19:], 1e-8, scale=1.0)
    jerk = talib.EMA(np.diff(acceleration[9:]), 10)
    assert_same(found["jerk"][250:], jerk[199:], 1e-8, scale=1.0)


def test_l11_averages_are_those_of_talib(bars: Values) -> None:
    found = run("L11", bars)
    close = bars["close"]
    fast, mid, slow = (talib.EMA(close, n) for n in (8, 21, 55))
    for name, expected in (("fast", fast), ("mid", mid), ("slow", slow)):
        expected = expected.copy()
        expected[:54] = np.nan
        assert_same(found[name], expected)
    stack = (np.sign(fast - mid) + np.sign(mid - slow) + np.sign(close - slow)) / 3.0
    ties = np.minimum.reduce([np.abs(fast - mid), np.abs(mid - slow), np.abs(close - slow)]) < 1e-9 * close
    assert np.array_equal(found["stack"][54:][~ties[54:]], stack[54:][~ties[54:]])
    changes = np.diff(close)
    spread = windows(changes, 55).std(axis=1)
    expected = (mid - shifted(mid, 3))[55:] / np.where(spread > 0.0, spread, np.nan)
    assert_same(found["slope"][55:], np.where(spread > 0.0, expected, 0.0), 1e-7, scale=1.0)


def test_l13_is_the_line_of_numpy(bars: Values) -> None:
    found = run("L13", bars)
    logs = np.log(bars["close"])
    views = windows(logs, 30)
    time = np.arange(30.0)
    for at in np.random.default_rng(3).integers(0, len(views), 400):
        y = views[at]
        (slope, level), *_ = np.polyfit(time, y - y[0], 1, full=True)
        residual = y - y[0] - (slope * time + level)
        total = ((y - y.mean()) ** 2).sum()
        row = at + 29
        assert found["slope"][row] == pytest.approx(slope, rel=1e-8, abs=1e-12)
        r2 = 1.0 - (residual**2).sum() / total if total > 1e-20 else 0.0
        assert found["r2"][row] == pytest.approx(r2, abs=1e-6)
        if residual.std() > 1e-6:
            assert found["z"][row] == pytest.approx(residual[-1] / residual.std(), rel=1e-6, abs=1e-8)
        assert found["forecast"][row] == pytest.approx(np.exp(y[0] + level + slope * 30), rel=1e-10)


@pytest.mark.slow
def test_l13_does_not_drift_over_a_million_bars() -> None:
    one = real_bars("bitfinex_btcusd_1m")["close"]
    close = np.concatenate([one, one[::-1]])[:1_200_000]
    found = run_layer(catalogue().get("L13"), {"close": close})
    y = np.log(close[-30:])
    slope = np.polyfit(np.arange(30.0), y - y[0], 1)[0]
    assert found["slope"][-1] == pytest.approx(slope, rel=1e-8)


def test_l13_tells_no_price_beyond_the_largest_number() -> None:
    """A level line at exp(level), then one whose next point leaves the numbers on either end."""

    def forecast(*levels: float) -> float:
        found = run_layer(catalogue().get("L13"), {"close": np.exp(np.array(levels))}, {"window": 3})
        return float(found["forecast"][-1])

    assert forecast(699.0, 699.0, 699.0) == pytest.approx(np.exp(699.0))
    assert forecast(709.0, 701.0, 693.0) == pytest.approx(np.exp(685.0))
    for levels in ([700.0] * 3, [701.0] * 3, [230.0, 460.0, 690.0], [-230.0, -460.0, -690.0]):
        assert np.isnan(forecast(*levels)), levels


def test_l14_is_the_rsi_of_talib(bars: Values) -> None:
    for window in (2, 14, 100):
        found = run("L14", bars, {"window": window})
        expected = talib.RSI(bars["close"], window) / 100.0
        known = ~np.isnan(expected)
        flat = expected[known] == 0.0  # TA-Lib says 0 where nothing moved, we say one half
        assert np.all((np.abs(found["rsi"][known] - expected[known]) < 1e-9) | flat)
        assert np.array_equal(found["centred"][known], 2.0 * found["rsi"][known] - 1.0)


def test_l15_is_the_directional_movement_of_talib_after_burn_in(bars: Values) -> None:
    found = run("L15", bars)
    columns = (bars["high"], bars["low"], bars["close"])
    for name, function in (("plus", talib.PLUS_DI), ("minus", talib.MINUS_DI), ("adx", talib.ADX)):
        expected = function(*columns, 14) / 100.0
        assert_same(found[name][1000:], expected[1000:], 1e-8, scale=0.01)
    both = found["plus"] + found["minus"]
    with np.errstate(invalid="ignore", divide="ignore"):
        bias = np.where(both > 0.0, found["adx"] * (found["plus"] - found["minus"]) / both, 0.0)
    assert_same(found["bias"][1000:], bias[1000:], 1e-9, scale=1.0)


@pytest.mark.parametrize("side", [1.0, -1.0])
def test_l15_holds_its_shares_at_both_ends(side: float) -> None:
    """Bars that close outside themselves move by more than their true range: 10 against 1."""
    top = 1000.0 + side * 10.0 * np.arange(12.0)
    bars = {"high": top, "low": top - 0.5, "close": top + side * 9.0 - (0.0 if side > 0.0 else 0.5)}
    found = run("L15", bars, {"window": 3})
    with_it, against = ("plus", "minus") if side > 0.0 else ("minus", "plus")
    assert [found[name][-1] for name in (with_it, against, "adx", "bias")] == [1.0, 0.0, 1.0, side]


def test_l17_scales_returns_by_volatility(bars: Values) -> None:
    params = {"short": 30, "medium": 100, "long": 400, "vol": 200}
    found = run("L17", bars, params)
    logs = np.log(bars["close"])
    sigma = np.sqrt(np.concatenate([[np.nan], talib.EMA(np.diff(logs) ** 2, 200)]))
    scores = []
    for name, horizon in (("short", 30), ("medium", 100), ("long", 400)):
        expected = np.tanh((logs - shifted(logs, horizon)) / (sigma * np.sqrt(horizon)))
        expected[:400] = np.nan
        assert_same(found[name], expected, 1e-8, scale=1.0)
        scores.append(expected)
    assert_same(found["combined"], np.mean(scores, axis=0), 1e-8, scale=1.0)


def test_l19_is_the_supertrend_of_tradingview() -> None:
    file = FOLDER / "tv" / "ta_supertrend.csv"
    if not file.exists():
        pytest.skip("recorded TradingView values (../shared/data) are absent")
    table = pl.read_csv(file, null_values="NaN")
    found = run("L19", {c: table[c].to_numpy() for c in ("high", "low", "close")}, {"window": 10, "mult": 3})
    up = table["ta.supertrend(3, 10).up"].cast(pl.Float64).fill_null(np.nan).to_numpy()
    down = table["ta.supertrend(3, 10).down"].cast(pl.Float64).fill_null(np.nan).to_numpy()
    for row in range(10, len(table)):
        line = up[row] if not np.isnan(up[row]) else down[row]
        assert found["line"][row] == pytest.approx(line, rel=1e-12)
    sides = np.where(~np.isnan(up), 1.0, -1.0)
    assert len(np.unique(found["side"][10:])) == 2
    assert np.array_equal(found["side"][10:], sides[10:]) or np.array_equal(found["side"][10:], -sides[10:])
    assert np.all((found["side"][10:] > 0) == (table["close"].to_numpy()[10:] > found["line"][10:]))


def test_l19_keeps_its_band_when_a_close_lies_on_it() -> None:
    """By hand, window 2, mult 1. Short: ranges average 2.5, 3.25, 3.625, 4.3125, 5.15625 and 5.078125 from bar 1 on;
    the upper band stands at 97.5 + 2.5 = 100, bar 4 closes on it, bar 6 above it, and the lower band has been
    97.5 - 2.5 = 95 throughout. Long: ranges average 5, 8, 6.5, 5.75 and 6.375; bar 2 closes above 95 + 5 = 100, the
    lower band stands at 104 - 8 = 96, bar 4 closes on it."""
    short = {"high": [99, 100, 99, 100, 100, 102, 102], "low": [99, 95, 95, 96, 95, 96, 97]}
    short["close"] = [99, 97, 98, 97, 100, 97, 101]
    long = {
        "high": [100, 97, 106, 100, 99, 103],
        "low": [96, 93, 102, 98, 95, 100],
        "close": [99, 95, 103, 100, 96, 100],
    }
    lines = ([100, 100, 100, 100, 100, 95], [100, 96, 96, 96, 96])
    sides = ([-1, -1, -1, -1, -1, 1], [-1, 1, 1, 1, 1])
    for prices, line, side in zip((short, long), lines, sides, strict=True):
        found = run("L19", {n: np.array(v, dtype=np.float64) for n, v in prices.items()}, {"window": 2, "mult": 1.0})
        assert found["line"][1:].tolist() == line and found["side"][1:].tolist() == side


def test_l19_stop_line_never_retreats_while_a_side_holds(bars: Values) -> None:
    found = run("L19", bars)
    line, side = found["line"][20:], found["side"][20:]
    held = side[1:] == side[:-1]
    assert np.all((np.diff(line) * side[1:])[held] >= 0.0)
    assert np.array_equal(found["flip"][21:], (~held).astype(float))


def test_l20_channel_is_the_shifted_extremes_of_talib(bars: Values) -> None:
    found = run("L20", bars)
    upper, lower = shifted(talib.MAX(bars["high"], 55), 1), shifted(talib.MIN(bars["low"], 55), 1)
    assert_same(found["upper"], upper, 0.0)
    assert_same(found["lower"], lower, 0.0)
    close = bars["close"]
    breakout = np.where(close > upper, 1.0, np.where(close < lower, -1.0, 0.0))[55:]
    assert np.array_equal(found["breakout"][55:], breakout)
    last = np.maximum.accumulate(np.where(breakout != 0.0, np.arange(len(breakout)), -1))
    age = np.where(last >= 0, np.arange(len(breakout)) - last, np.nan)
    assert_same(found["age"][55:], age, 0.0)


@pytest.mark.parametrize(("close", "position"), [(99.0, 0.0), (100.0, 0.0), (100.0 + 2**-9, 0.5), (101.0, 1.0)])
def test_l20_places_the_close_even_in_a_narrow_channel(close: float, position: float) -> None:
    bars = {"high": np.full(4, 100.0 + 2**-8), "low": np.full(4, 100.0), "close": np.array([100.0, 100, 100, close])}
    assert run("L20", bars, {"window": 2})["position"][-1] == position
    level = {**bars, "high": bars["low"]}
    assert run("L20", level, {"window": 2})["position"][-1] == 0.5


def test_l21_bands_are_those_of_talib(bars: Values) -> None:
    found = run("L21", bars)
    upper, middle, lower = talib.BBANDS(bars["close"], 20, 2.0, 2.0)
    wide = (upper - lower) > 1e-5 * middle  # TA-Lib subtracts sums of squares: narrow bands are rounding there
    percent_b = (bars["close"] - lower) / (upper - lower)
    assert np.all(np.abs(found["percent_b"] - percent_b)[wide] < 1e-4)
    exact = windows(bars["close"], 20).std(axis=1)
    bandwidth = 4.0 * exact / windows(bars["close"], 20).mean(axis=1)
    assert_same(found["bandwidth"][19:], bandwidth, 1e-8, scale=1e-6)
    rows = np.random.default_rng(5).integers(300, len(percent_b), 300)
    for row in rows:
        history = found["bandwidth"][row - 249 : row + 1]
        rank = ((history < history[-1]).sum() + 0.5 * (history == history[-1]).sum()) / 250.0
        assert found["bandwidth_rank"][row] == pytest.approx(rank, abs=1e-12)


def test_l21_keltner_counts_in_average_ranges(bars: Values) -> None:
    found = run("L21", bars)
    centre = talib.EMA(bars["close"], 20)
    atr = talib.ATR(bars["high"], bars["low"], bars["close"], 20)
    with np.errstate(divide="ignore", invalid="ignore"):
        expected = (bars["close"] - centre) / (2.0 * atr)
    assert_same(found["keltner"][2000:], expected[2000:], 1e-7, scale=1.0)


def test_l57_is_a_weighted_mean_and_its_majority() -> None:
    random = np.random.default_rng(2)
    biases = random.uniform(-1, 1, (4, 500))
    biases[:, :20] = 0.0
    names = ("bias_1", "bias_5", "bias_15", "bias_60")
    weights = np.array([1.0, 2.0, 3.0, 4.0])
    found = run_layer(catalogue().get("L57"), dict(zip(names, biases, strict=True)))
    alignment = weights @ biases / 10.0
    assert_same(found["alignment"], alignment, 1e-12, scale=1.0)
    same = weights @ (np.sign(biases) == np.sign(alignment)) / 10.0
    assert_same(found["agreement"], np.where(alignment == 0.0, 0.0, same), 1e-12)
    assert np.array_equal(found["dominant"][20:], np.argmax(weights[:, None] * np.abs(biases), axis=0)[20:])


def test_l57_divides_by_any_weight_but_none() -> None:
    biases = {"bias_1": np.array([1.0]), "bias_5": np.array([0.5]), "bias_15": 1.0, "bias_60": 1.0}
    weights = {"w1": 0.0, "w5": 0.0, "w15": 0.0, "w60": 0.0}
    none = run_layer(catalogue().get("L57"), biases, weights)
    assert [none["alignment"][0], none["agreement"][0]] == [0.0, 0.0]
    little = run_layer(catalogue().get("L57"), biases, {**weights, "w1": 0.004, "w5": 0.004})
    assert [little["alignment"][0], little["agreement"][0]] == pytest.approx([0.75, 1.0])


EVIDENCE = (
    "stack", "hist", "dmi", "momentum", "supertrend", "ichimoku", "alignment", "kalman_t", "divergence",
)  # fmt: skip


def evidence(seed: int) -> Values:
    random = np.random.default_rng(seed)
    values = {name: random.uniform(-1, 1, 400) for name in EVIDENCE}
    values |= {name: random.integers(-1, 2, 400).astype(float) for name in ("supertrend", "divergence")}
    return values | {"hist": random.normal(0, 3, 400), "kalman_t": random.normal(0, 2, 400)}


def test_l60_is_odd_in_its_evidence() -> None:
    values, ratio = evidence(4), np.random.default_rng(5).uniform(0.4, 1.6, 400)
    there = run_layer(catalogue().get("L60"), {**values, "variance_ratio": ratio})
    back = run_layer(catalogue().get("L60"), {**{n: -v for n, v in values.items()}, "variance_ratio": ratio})
    assert np.array_equal(there["bias"], -back["bias"])
    assert np.array_equal(there["persistence"], back["persistence"])
    assert np.array_equal(there["conflict"], back["conflict"])


def test_l60_follows_the_rule() -> None:
    values, ratio = evidence(6), np.random.default_rng(7).uniform(0.4, 1.6, 400)
    found = run_layer(catalogue().get("L60"), {**values, "variance_ratio": ratio})
    scaled = {**values, "kalman_t": values["kalman_t"] / 2.0}
    pieces = np.tanh(np.array([scaled[n] for n in EVIDENCE]))
    persistence = 1.0 / (1.0 + np.exp(-(4.0 * (ratio - 1.0) + 0.5 * (np.abs(values["kalman_t"]) - 1.0))))
    turned = 0.5 * np.maximum(1.0 - 2.0 * persistence, 0.0)
    assert_same(found["bias"], pieces.mean(axis=0) * (1.0 - 2.0 * turned), 1e-12, scale=1.0)
    conflict = 1.0 - np.abs(pieces.sum(axis=0)) / np.abs(pieces).sum(axis=0)
    assert_same(found["conflict"], conflict, 1e-9, scale=1.0)


@pytest.mark.parametrize("key", ["L11", "L14", "L15", "L17", "L19"])
def test_mirrored_prices_give_mirrored_scores(key: str, bars: Values) -> None:
    """Prices mirrored about a level above them, on a grid of binary fractions so that every difference is exact."""
    scale = 1024.0 / np.median(bars["close"])
    grid = {name: np.round(bars[name] * scale * 64.0) / 64.0 for name in ("high", "low", "close")}
    mirrored = {"high": 65536.0 - grid["low"], "low": 65536.0 - grid["high"], "close": 65536.0 - grid["close"]}
    ports = {"L11": ["stack"], "L14": ["centred"], "L15": ["bias"], "L19": ["distance"]}.get(key, [])
    if key == "L17":  # its returns are logarithmic: mirrored by the reciprocal
        mirrored = {"close": 1.0 / grid["close"]}
        ports = ["short", "medium", "long", "combined"]
    plain, turned = run(key, grid), run(key, mirrored)
    for port in ports:
        known = ~np.isnan(plain[port])
        known[:60] = False  # Supertrend starts on the short side, in the mirror as well
        assert np.mean(np.abs(plain[port][known] + turned[port][known]) > 1e-6) < 1e-4
