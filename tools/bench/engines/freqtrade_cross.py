# /// script
# requires-python = ">=3.11"
# dependencies = ["freqtrade==2026.9"]
# ///
"""The SMA cross in freqtrade's backtest, spot and therefore long only, without an exchange to ask."""

import json
import logging
import os
import sys
import tempfile
from pathlib import Path
from time import perf_counter

import numpy as np
import pandas as pd

FAST, SLOW, CASH, FEE = 50, 400, 100_000.0, 0.0005
PAIR = "X/USDT"
STRATEGY = f"""
from freqtrade.strategy import IStrategy


class Cross(IStrategy):
    INTERFACE_VERSION = 3
    timeframe = "1m"
    minimal_roi = {{}}
    stoploss = -0.99
    startup_candle_count = {SLOW}

    def populate_indicators(self, frame, metadata):
        frame["fast"], frame["slow"] = frame["close"].rolling({FAST}).mean(), frame["close"].rolling({SLOW}).mean()
        return frame

    def populate_entry_trend(self, frame, metadata):
        frame["enter_long"] = (frame["fast"] > frame["slow"]).astype(int)
        return frame

    def populate_exit_trend(self, frame, metadata):
        frame["exit_long"] = (frame["fast"] <= frame["slow"]).astype(int)
        return frame
"""


def settings(root: Path) -> dict[str, object]:
    from freqtrade.enums import CandleType, MarginMode, RunMode, TradingMode

    (root / "cross.py").write_text(STRATEGY, encoding="utf-8")
    sides = {"entry_pricing": {"price_side": "same"}, "exit_pricing": {"price_side": "same"}}
    paths = dict.fromkeys(("user_data_dir", "datadir", "exportfilename", "exportdirectory"), root)
    exchange = {"name": "binance", "key": "", "secret": "", "pair_whitelist": [PAIR], "pair_blacklist": []}
    return {
        **paths,
        **sides,
        "strategy": "Cross",
        "strategy_path": str(root),
        "recursive_strategy_search": False,
        "timeframe": "1m",
        "stake_currency": "USDT",
        "stake_amount": 1_000.0,
        "dry_run": True,
        "dry_run_wallet": CASH,
        "max_open_trades": 1,
        "fee": FEE,
        "dataformat_ohlcv": "feather",
        "dataformat_trades": "feather",
        "runmode": RunMode.BACKTEST,
        "export": "none",
        "internals": {},
        "original_config": {},
        "trading_mode": TradingMode.SPOT,
        "margin_mode": MarginMode.NONE,
        "candle_type_def": CandleType.SPOT,
        "pairlists": [{"method": "StaticPairList"}],
        "unfilledtimeout": {"entry": 10, "exit": 10},
        "exchange": exchange,
    }


def market() -> dict[str, object]:
    nothing = {"min": None, "max": None}
    flags = dict.fromkeys(("margin", "swap", "future", "option", "contract"), False)
    return {
        **flags,
        "id": "XUSDT",
        "symbol": PAIR,
        "base": "X",
        "quote": "USDT",
        "active": True,
        "spot": True,
        "type": "spot",
        "linear": None,
        "inverse": None,
        "contractSize": None,
        "taker": FEE,
        "maker": FEE,
        "precision": {"amount": 1e-8, "price": 1e-8},
        "limits": dict.fromkeys(("amount", "price", "cost", "leverage"), nothing),
        "info": {},
    }


def main() -> None:
    logging.disable(logging.CRITICAL)
    from freqtrade.optimize.backtesting import Backtesting
    from freqtrade.resolvers import ExchangeResolver

    config = settings(Path(tempfile.mkdtemp()))
    exchange = ExchangeResolver.load_exchange(config, validate=False, load_leverage_tiers=False)
    exchange._markets = {PAIR: market()}
    exchange._api.markets = exchange._api_async.markets = exchange._markets
    exchange.reload_markets = lambda *_, **__: None
    test = Backtesting(config, exchange=exchange)
    test._set_strategy(test.strategylist[0])
    folder = Path(sys.argv[1])
    frame = pd.DataFrame({n: np.load(folder / f"{n}.npy") for n in ("open", "high", "low", "close", "volume")})
    frame.insert(0, "date", pd.date_range("2022-01-01", periods=len(frame), freq="min", tz="UTC"))
    start = perf_counter()
    processed = test.strategy.advise_all_indicators({PAIR: frame.copy()})
    test.reset_backtest(False)
    first, last = (frame["date"].iloc[k].to_pydatetime() for k in (0, -1))
    found = test.backtest(processed=processed, start_date=first, end_date=last)
    print(json.dumps({"seconds": perf_counter() - start, "trades": 2 * len(found["results"])}))


if __name__ == "__main__":
    main()
    sys.stdout.flush()
    os._exit(0)  # threads of its exchange client would keep the process alive
