"""Charts that the tests of patterns share: recorded bars, bars on a grid, charts upside down, and what a signal is."""

from __future__ import annotations

import numpy as np
import pytest
import talib

from stratoquant.layers import catalogue
from tests.layers.real_data import real_bars
from tests.layers.single import run_layer

Values = dict[str, np.ndarray]
TOP = 65536.0
SIDES = pytest.mark.parametrize("side", [1.0, -1.0])
MARKETS = pytest.mark.parametrize("market", ["bitfinex_ethusd_1m", "binance_btcusdt_1m"])
MIRRORED_KINDS = {"L35": [0, 2, 1, 4, 3], "L38": [0, 1, 3, 2, 5, 4]}  # of a chart upside down
SMOOTHED = 14  # bars of Wilder's average range


def run(key: str, inputs: dict[str, object], params: dict[str, float] | None = None) -> Values:
    return run_layer(catalogue().get(key), inputs, params)


def recorded(market: str) -> Values:
    """60,000 recorded bars less those before the average range is known, and that average range."""
    bars = real_bars(market, 60_000)
    atr = talib.ATR(bars["high"], bars["low"], bars["close"], SMOOTHED)
    return {n: values[SMOOTHED:] for n, values in (bars | {"atr": atr}).items()}


def grid_bars(bars: int = 20_000) -> Values:
    """Recorded bars on a grid of binary fractions around 1024, so that sums and mirrors are exact."""
    real = real_bars("bitfinex_btcusd_1m", bars)
    scale = 1024.0 / np.median(real["close"])
    rounded = {n: np.round(real[n] * scale * 64.0) / 64.0 for n in ("open", "high", "low", "close")}
    return {**rounded, "volume": real["volume"]}


def with_grid_atr(bars: Values) -> Values:
    """Bars on a grid from where their average range is known, and that range on the same grid."""
    atr = talib.ATR(bars["high"], bars["low"], bars["close"], SMOOTHED)
    bars = bars | {"atr": np.maximum(np.round(atr * 64.0) / 64.0, 1.0 / 64.0)}
    return {n: values[SMOOTHED:] for n, values in bars.items()}


def turn(bars: Values, side: float, top: float = 200.0) -> Values:
    """The chart upside down for side -1: its prices taken from `top`, all else as it is."""
    if side > 0.0:
        return bars
    prices = {n: top - bars[n] for n in ("open", "close") if n in bars}
    return bars | prices | {"high": top - bars["low"], "low": top - bars["high"]}


def mirrored(bars: Values) -> Values:
    return turn(bars, -1.0, TOP)


def fired(found: Values) -> np.ndarray:
    """The side of a signal on the bar on which it fires, else 0."""
    return np.where(found["age"] == 0.0, found["signal"], 0.0)


def lived(fires: np.ndarray, life: int) -> np.ndarray:
    """The side of the last signal of the last `life` bars."""
    shown = np.zeros(len(fires))
    for t in np.flatnonzero(fires):
        shown[t : t + life] = fires[t]
    return shown
