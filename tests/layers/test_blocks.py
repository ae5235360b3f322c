"""Blocks: the moving average, the average true range, the crossing and the share of equity."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import talib

from stratoquant.layers.blocks.atr import step as atr
from stratoquant.layers.blocks.crossover import step as crossover
from stratoquant.layers.blocks.equity_share import step as equity_share
from stratoquant.layers.blocks.sma import step as sma
from tests.layers.real_data import FOLDER, SHIPPED, real_bars
from tests.layers.single import run_layer

SYMBOLS = ("bitfinex_btcusd_1m", "binance_dogeusdt_1m", *SHIPPED)


@pytest.mark.parametrize("symbol", SYMBOLS)
@pytest.mark.parametrize("window", [1, 20])
def test_sma_agrees_with_talib(symbol: str, window: int) -> None:
    close = real_bars(symbol, 100_000)["close"]
    ours = run_layer(sma, {"close": close}, {"window": window})["value"]
    theirs = talib.SMA(close, window) if window > 1 else close
    np.testing.assert_allclose(ours, theirs, rtol=1e-12)


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_atr_agrees_with_its_definition_and_with_talib_after_burn_in(symbol: str) -> None:
    bar = real_bars(symbol, 100_000)
    high, low, close = bar["high"], bar["low"], bar["close"]
    ours = run_layer(atr, {"high": high, "low": low, "close": close}, {"window": 14})["atr"]
    before = np.r_[np.nan, close[:-1]]
    ranges = np.nanmax([high - low, np.abs(high - before), np.abs(low - before)], axis=0)
    value = ranges[:14].mean()
    expected = np.full(len(close), np.nan)
    expected[13] = value
    for t in range(14, len(close)):
        value = value * 13 / 14 + ranges[t] / 14
        expected[t] = value
    np.testing.assert_allclose(ours, expected, rtol=1e-9)
    np.testing.assert_allclose(ours[1000:], talib.ATR(high, low, close, 14)[1000:], rtol=1e-9)


def test_atr_and_crossover_agree_with_tradingview() -> None:
    if not (FOLDER / "tv").exists():
        pytest.skip("values from TradingView (../shared/data/tv) are absent")
    table = pd.read_csv(FOLDER / "tv" / "ta_tr.csv")
    ours = run_layer(atr, {c: table[c].to_numpy() for c in ("high", "low", "close")}, {"window": 14})
    np.testing.assert_allclose(ours["atr"], table["ta.atr(14)"].to_numpy(), rtol=1e-12)
    table = pd.read_csv(FOLDER / "tv" / "ta_cross.csv")
    close = table["close"].to_numpy()
    ours = run_layer(crossover, {"fast": talib.EMA(close, 5), "slow": talib.EMA(close, 11)})
    theirs = (table["ta.crossover(ema1, ema2)"] + table["ta.crossunder(ema1, ema2)"]).to_numpy()
    assert (theirs != 0).sum() > 3
    np.testing.assert_array_equal(np.nan_to_num(ours["cross"]), theirs)


def test_no_movement_has_no_range() -> None:
    flat = np.full(50, 3.0)
    assert np.isnan(run_layer(atr, {"high": flat, "low": flat, "close": flat}, {"window": 5})["atr"]).all()


def test_crossover_keeps_its_side_where_prices_are_equal() -> None:
    fast = np.array([2.0, 2.0, 3.0, 2.0, 3.0, 2.0, 1.0, 2.0, 1.0, 2.0, 2.5])
    ours = run_layer(crossover, {"fast": fast, "slow": 2.0})
    assert ours["side"].tolist() == [0, 0, 1, 1, 1, 1, -1, -1, -1, -1, 1]
    assert ours["cross"].tolist() == [0, 0, 1, 0, 0, 0, -1, 0, 0, 0, 1]
    first = run_layer(crossover, {"fast": np.array([3.0, 3.0]), "slow": 2.0})
    assert first["side"].tolist() == [1, 1] and first["cross"].tolist() == [0, 0]


def test_a_share_of_equity_is_nothing_without_equity() -> None:
    equity = np.array([100_000.0, 1.0, 0.0, -5.0, np.nan])
    assert run_layer(equity_share, {"equity": equity})["value"][:4].tolist() == [10_000.0, 0.1, 0.0, 0.0]
    twice = run_layer(equity_share, {"equity": equity}, {"share": 2.0})["value"]
    assert twice[:4].tolist() == [200_000.0, 2.0, 0.0, 0.0] and np.isnan(twice[4])
