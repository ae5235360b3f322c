# /// script
# requires-python = ">=3.11"
# dependencies = ["nautilus_trader==1.221.0", "pandas==2.3.3"]
# ///
"""The SMA cross in NautilusTrader, on a margin account so that it can be short; it fills on the bar that signalled."""

import json
import sys
from decimal import Decimal
from pathlib import Path
from time import perf_counter

import numpy as np
import pandas as pd
from nautilus_trader.backtest.engine import BacktestEngine, BacktestEngineConfig
from nautilus_trader.config import LoggingConfig, StrategyConfig
from nautilus_trader.indicators import SimpleMovingAverage
from nautilus_trader.model.currencies import BTC, USDT
from nautilus_trader.model.data import BarType
from nautilus_trader.model.enums import AccountType, OmsType, OrderSide
from nautilus_trader.model.identifiers import InstrumentId, Symbol, Venue
from nautilus_trader.model.instruments import CurrencyPair
from nautilus_trader.model.objects import Money, Price, Quantity
from nautilus_trader.persistence.wranglers import BarDataWrangler
from nautilus_trader.trading.strategy import Strategy

FAST, SLOW, SIZE, CASH = 50, 400, 0.1, 100_000.0
VENUE = Venue("SIM")
PAIR = CurrencyPair(
    instrument_id=InstrumentId(Symbol("X"), VENUE),
    raw_symbol=Symbol("X"),
    base_currency=BTC,
    quote_currency=USDT,
    price_precision=5,
    size_precision=2,
    price_increment=Price(1e-5, 5),
    size_increment=Quantity(0.01, 2),
    ts_event=0,
    ts_init=0,
    margin_init=Decimal("0.1"),
    margin_maint=Decimal("0.05"),
    maker_fee=Decimal("0.0005"),
    taker_fee=Decimal("0.0005"),
)
BARS = BarType.from_str("X.SIM-1-MINUTE-LAST-EXTERNAL")


class Cross(Strategy):
    def on_start(self) -> None:
        self.fast, self.slow, self.side, self.trades = SimpleMovingAverage(FAST), SimpleMovingAverage(SLOW), 0, 0
        self.register_indicator_for_bars(BARS, self.fast)
        self.register_indicator_for_bars(BARS, self.slow)
        self.subscribe_bars(BARS)

    def on_bar(self, bar) -> None:  # type: ignore[no-untyped-def]
        if not self.indicators_initialized():
            return
        side = 1 if self.fast.value > self.slow.value else -1
        if side != self.side:
            size = Quantity(SIZE if self.side == 0 else 2 * SIZE, 2)
            way = OrderSide.BUY if side > 0 else OrderSide.SELL
            self.submit_order(self.order_factory.market(PAIR.id, way, size))
            self.side = side
            self.trades += 1


def main() -> None:
    folder = Path(sys.argv[1])
    frame = pd.DataFrame({n: np.load(folder / f"{n}.npy") for n in ("open", "high", "low", "close", "volume")})
    frame.index = pd.date_range("2022-01-01", periods=len(frame), freq="min", tz="UTC")
    frame["volume"] = 1_000.0  # its market fills no more than a bar traded
    bars = BarDataWrangler(BARS, PAIR).process(frame)
    engine = BacktestEngine(BacktestEngineConfig(logging=LoggingConfig(bypass_logging=True), run_analysis=False))
    engine.add_venue(VENUE, OmsType.NETTING, AccountType.MARGIN, [Money(CASH, USDT)])
    engine.add_instrument(PAIR)
    engine.add_data(bars)
    strategy = Cross(StrategyConfig())
    engine.add_strategy(strategy)
    start = perf_counter()
    engine.run()
    print(json.dumps({"seconds": perf_counter() - start, "trades": strategy.trades}))


if __name__ == "__main__":
    main()
