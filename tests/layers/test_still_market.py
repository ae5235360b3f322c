"""What each rule says of a market that stands still: every ratio in it is of nothing to nothing."""

from __future__ import annotations

import numpy as np
import pytest

from layers import catalogue
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
