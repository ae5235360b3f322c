"""What each rule says of a market that stands still: every ratio in it is of nothing to nothing."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from stratoquant.layers import catalogue
from tests.layers.single import run_layer

nan = np.nan
BARS, PRICE, VOLUME = 3000, 100.0, 5.0
SAID = {
    "L2": {"r1": 0, "r5": 0, "r15": 0, "r60": 0, "velocity": 0, "acceleration": 0, "jerk": 0},
    "L11": {"fast": PRICE, "mid": PRICE, "slow": PRICE, "stack": 0, "slope": 0},
    "L12": {"macd": 0, "signal": 0, "hist": 0, "hist_slope": 0, "cross": 0},
    "L13": {"slope": 0, "r2": 0, "z": 0, "forecast": PRICE},
    "L14": {"rsi": 0.5, "centred": 0, "slope": 0},
    "L15": {"adx": 0, "plus": 0, "minus": 0, "bias": 0},
    "L16": {"k": 0.5, "d": 0.5, "williams": 0, "cross": 0},
    "L17": {"short": 0, "medium": 0, "long": 0, "combined": 0},
    "L18": {"kama": PRICE, "efficiency": 0, "distance": 0},
    "L19": {"line": PRICE, "side": -1, "flip": 0, "distance": 0},
    "L20": {"upper": PRICE, "lower": PRICE, "position": 0.5, "breakout": 0, "age": nan},
    "L21": {"percent_b": 0.5, "bandwidth": 0, "bandwidth_rank": 0.5, "keltner": 0},
    "L22": {"hma": PRICE, "slope": 0, "turn": 0},
    "L23": {"tenkan": PRICE, "kijun": PRICE, "span_a": PRICE, "span_b": PRICE, "bias": 0, "inside": 1},
    "L25": {"mfi": 0.5, "cmf": 0, "obv_slope": 0},
    "L51": {"level": PRICE, "slope": 0, "slope_t": 0, "innovation": 0},
    "L52": {"variance_ratio": 1, "vr_z": 0, "hurst": 0.5, "autocorr": 0},
    "L53": {"half_life": 240, "z": 0, "speed_t": 0, "reverting": 0},
    "L55": {"fisher": 0, "trigger": 0, "cross": 0},
    "L56": {"up": 1, "down": 1, "oscillator": 0},
    "atr": {"atr": nan},
    "bollinger": {"upper": PRICE, "middle": PRICE, "lower": PRICE, "deviation": 0},
    "channel": {"upper": PRICE, "lower": PRICE, "position": 0.5},
    "commodity_channel": {"value": 0},
    "ema": {"value": PRICE},
    "keltner": {"upper": PRICE, "middle": PRICE, "lower": PRICE},
    "money_flow_index": {"value": 0.5},
    "on_balance_volume": {"value": VOLUME},
    "rate_of_change": {"value": 0},
    "rolling_vwap": {"value": PRICE},
    "slope": {"value": 0},
    "sma": {"value": PRICE},
}


@pytest.mark.parametrize("key", SAID)
def test_a_still_market(key: str) -> None:
    layer = catalogue().get(key)
    still = dict.fromkeys(("high", "low", "close"), np.full(BARS, PRICE)) | {"volume": np.full(BARS, VOLUME)}
    found = run_layer(layer, {name: still[name] for name in layer.inputs if name in still})
    for port, wanted in SAID[key].items():
        np.testing.assert_allclose(found[port][-1], wanted, rtol=1e-12, atol=0.0, err_msg=port)


STILL = 30_000  # beyond the 10,000 to 15,000 bars after which averages of 14 to 30 bars reach 1e-308


def moves_and_stops(moving: int) -> dict[str, np.ndarray]:
    """Bars that move for a while and then stand still without volume, on prices that are binary fractions."""
    random = np.random.default_rng(3)
    close = 128.0 + np.cumsum(random.integers(-8, 9, moving)) / 64.0
    wick = random.integers(0, 9, (2, moving)) / 64.0
    bars = {"high": close + wick[0], "low": close - wick[1], "close": close, "volume": random.uniform(1.0, 9.0, moving)}
    last = {"high": close[-1], "low": close[-1], "close": close[-1], "volume": 0.0}
    return {name: np.r_[values, np.full(STILL, last[name])] for name, values in bars.items()}


@pytest.mark.parametrize("key", ["L1", "L2", "L12", "L14", "L15", "L17", "L21", "L59", "ema", "keltner"])
def test_a_market_that_has_stopped_says_the_same_however_long_it_stands(key: str) -> None:
    """Averages that fade together keep their ratio, also where they would be too small for a number."""
    bars = moves_and_stops(3000)
    layer = catalogue().get(key)
    found = run_layer(layer, {name: bars[name] for name in layer.inputs if name in bars})
    for port, values in found.items():
        if port != "age":
            early, late = values[3000 + 5000], values[-1]
            assert not np.isnan(early) or port == "efficiency"
            np.testing.assert_allclose(late, early, rtol=1e-9, atol=1e-12, err_msg=port)


def wilder(values: list[Fraction], window: int) -> Fraction:
    """The exact average that is seeded with the mean of the first values."""
    average = sum(values[:window], Fraction(0)) / window
    for value in values[window:]:
        average += (value - average) / window
    return average


def test_strength_and_direction_after_a_standstill_are_those_of_exact_arithmetic() -> None:
    """Without a move all averages fade by one factor, so the exact ratio is that of the last bar which moved."""
    moving, window = 60, 14
    bars = moves_and_stops(moving)
    high, low, close = ([Fraction(x) for x in bars[name][: moving + 1]] for name in ("high", "low", "close"))
    steps = range(1, moving + 1)
    change = [close[t] - close[t - 1] for t in steps]
    gain, loss = wilder([max(x, Fraction(0)) for x in change], window), wilder([max(-x, 0) for x in change], window)
    up, down = [high[t] - high[t - 1] for t in steps], [low[t - 1] - low[t] for t in steps]
    plus = wilder([u if u > d and u > 0 else Fraction(0) for u, d in zip(up, down, strict=True)], window)
    minus = wilder([d if d > u and d > 0 else Fraction(0) for u, d in zip(up, down, strict=True)], window)
    spread = wilder([max(high[t], close[t - 1]) - min(low[t], close[t - 1]) for t in steps], window)
    strength = run_layer(catalogue().get("L14"), {"close": bars["close"]})
    direction = run_layer(catalogue().get("L15"), {name: bars[name] for name in ("high", "low", "close")})
    for late in (moving + 20, moving + 9_000, moving + 12_000, -1):
        assert strength["rsi"][late] == pytest.approx(float(gain / (gain + loss)), rel=1e-9)
        assert direction["plus"][late] == pytest.approx(float(plus / spread), rel=1e-9)
        assert direction["minus"][late] == pytest.approx(float(minus / spread), rel=1e-9)
    again = np.r_[bars["close"], bars["close"][-1] + 1.0]
    assert run_layer(catalogue().get("L14"), {"close": again})["rsi"][-1] == 1.0  # what came before has faded


def test_l31_takes_no_faded_average_for_strength() -> None:
    """Two changes are averaged, so that numbers end after a thousand bars; the share of rises stays below 0.05."""
    close = np.r_[100.0, 101.0, 40.0, 39.0, np.full(3000, 39.0)]
    stretched = np.r_[np.zeros(len(close) - 1), 1.0]  # all other conditions hold on the last bar alone
    inputs = {"close": close, "percent_b": -stretched, "z": -9.0 * stretched, "reverting": 1.0, "regime": 1.0}
    assert run_layer(catalogue().get("L31"), inputs)["signal"][-1] == 1.0
