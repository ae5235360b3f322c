"""The textbook indicators among the blocks against TA-Lib, on recorded bars of two symbols."""

from __future__ import annotations

import numpy as np
import pytest
import talib

from stratoquant.layers import catalogue
from tests.layers.real_data import SHIPPED, real_bars
from tests.layers.single import run_layer

Values = dict[str, np.ndarray]


@pytest.fixture(params=["bitfinex_btcusd_1m", "binance_dogeusdt_1m", *SHIPPED])
def bars(request: pytest.FixtureRequest) -> Values:
    return real_bars(request.param, 100_000)


def run(key: str, bars: Values, **params: float) -> Values:
    layer = catalogue().get(key)
    return run_layer(layer, {n: bars[n] for n in layer.inputs}, params)


def agree(ours: np.ndarray, theirs: np.ndarray, rtol: float = 1e-9, atol: float = 0.0, after: int = 0) -> None:
    np.testing.assert_allclose(ours[after:], theirs[after:], rtol=rtol, atol=atol)


@pytest.mark.parametrize("window", [7, 50])
def test_ema(bars: Values, window: int) -> None:
    agree(run("ema", bars, window=window)["value"], talib.EMA(bars["close"], window))


@pytest.mark.parametrize(("window", "k"), [(20, 2.0), (60, 1.5)])
def test_bollinger(bars: Values, window: int, k: float) -> None:
    close = bars["close"]
    found = run("bollinger", bars, window=window, k=k)
    upper, middle, lower = talib.BBANDS(close, window, k, k)
    for ours, theirs in (("upper", upper), ("middle", middle), ("lower", lower)):
        agree(found[ours], theirs, rtol=1e-7)  # TA-Lib subtracts squares of prices, which leaves it eight digits
    windows = np.lib.stride_tricks.sliding_window_view(close, window)
    agree(found["deviation"][window - 1 :], windows.std(axis=1), rtol=1e-9, atol=1e-12)
    agree(found["upper"] - found["middle"], k * found["deviation"], rtol=1e-7, atol=1e-9)


def test_channel(bars: Values) -> None:
    found = run("channel", bars, window=14)
    agree(found["upper"], talib.MAX(bars["high"], 14), rtol=0.0)
    agree(found["lower"], talib.MIN(bars["low"], 14), rtol=0.0)
    williams = talib.WILLR(bars["high"], bars["low"], bars["close"], 14)
    moving = found["upper"] > found["lower"]
    agree(100.0 * (found["position"] - 1.0)[moving], williams[moving], atol=1e-9)
    assert np.all(found["position"][13:][~moving[13:]] == 0.5)


def test_on_balance_volume(bars: Values) -> None:
    ours = run("on_balance_volume", bars)["value"]
    agree(ours, talib.OBV(bars["close"], bars["volume"]), atol=1e-6 * float(bars["volume"].sum()) * 1e-6)


def test_rate_of_change(bars: Values) -> None:
    agree(run("rate_of_change", bars, window=10)["value"], talib.ROCP(bars["close"], 10), atol=1e-15)


@pytest.mark.parametrize("window", [3, 30])
def test_slope(bars: Values, window: int) -> None:
    theirs = talib.LINEARREG_SLOPE(bars["close"], window)
    agree(run("slope", bars, window=window)["value"], theirs, atol=1e-9 * float(np.nanstd(theirs)))


def test_rolling_vwap(bars: Values) -> None:
    high, low, close, volume = (bars[n] for n in ("high", "low", "close", "volume"))
    typical = (high + low + close) / 3.0
    turnover, traded = talib.SUM(typical * volume, 60), talib.SUM(volume, 60)
    found = run("rolling_vwap", bars, window=60)["value"]
    agree(found, turnover / traded)
    quiet = run("rolling_vwap", {**bars, "volume": np.zeros(len(close))}, window=60)["value"]
    agree(quiet[59:], typical[59:], rtol=1e-15)


def test_keltner(bars: Values) -> None:
    found = run("keltner", bars, window=20, range=10, k=2.0)
    middle = talib.EMA(bars["close"], 20)
    reach = 2.0 * talib.ATR(bars["high"], bars["low"], bars["close"], 10)
    agree(found["middle"], middle)
    for ours, theirs in (("upper", middle + reach), ("lower", middle - reach)):
        agree(found[ours], theirs, after=500)  # TA-Lib's average range starts a bar later
    assert np.isnan(found["upper"][18]) and not np.isnan(found["upper"][19])


def test_commodity_channel(bars: Values) -> None:
    found = run("commodity_channel", bars, window=20)["value"]
    agree(found, talib.CCI(bars["high"], bars["low"], bars["close"], 20), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("unit", [2.0**-40, 2.0**40])
def test_commodity_channel_in_any_unit_of_price(unit: float, bars: Values) -> None:
    scaled = {name: bars[name] * unit for name in ("high", "low", "close")}
    agree(
        run("commodity_channel", bars | scaled, window=20)["value"], run("commodity_channel", bars, window=20)["value"]
    )


def test_money_flow_index(bars: Values) -> None:
    ours = run("money_flow_index", bars, window=14)["value"]
    theirs = talib.MFI(bars["high"], bars["low"], bars["close"], bars["volume"], 14) / 100.0
    change = np.abs(np.diff(bars["high"] + bars["low"] + bars["close"], prepend=np.nan))
    rounding = (change > 0.0) & (change < 1e-9)  # equal prices that TA-Lib may take for a move
    clear = (talib.SUM(rounding.astype(float), 14) == 0.0) & (talib.SUM((change > 0.0) * bars["volume"], 14) > 0.0)
    assert clear.mean() > 0.95
    agree(ours[clear], theirs[clear], atol=1e-9)


FLAT = {n: np.full(200, 5.0) for n in ("high", "low", "close")} | {"volume": np.zeros(200)}


@pytest.mark.parametrize(
    ("key", "port", "value"),
    [
        ("bollinger", "deviation", 0.0),
        ("channel", "position", 0.5),
        ("on_balance_volume", "value", 0.0),
        ("slope", "value", 0.0),
        ("rolling_vwap", "value", 5.0),
        ("keltner", "upper", 5.0),
        ("commodity_channel", "value", 0.0),
        ("money_flow_index", "value", 0.5),
    ],
)
def test_a_market_that_stands_still(key: str, port: str, value: float) -> None:
    assert run(key, FLAT)[port][-1] == value
