"""The SMA cross in other engines, on the same bars, with the same fees and fills at the next bar's open."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec

import numpy as np

FAST, SLOW, CASH, FEE, SIZE = 50, 400, 100_000.0, 0.0005, 0.1

OPENED = 1_000  # bars on which streaming indicators are opened before their steps are timed

Bars = dict[str, np.ndarray]
Peer = Callable[[Bars], Callable[[], float]]


def numba_loop(bars: Bars) -> Callable[[], float]:
    """The floor: the strategy written by hand as one loop, nothing else in it."""
    from numba import njit

    @njit
    def run(opens: np.ndarray, closes: np.ndarray, equity: np.ndarray) -> float:
        fast = slow = position = wanted = 0.0
        cash = CASH
        for t in range(len(closes)):
            if wanted != position:
                cash -= (wanted - position) * opens[t] + abs(wanted - position) * opens[t] * FEE
                position = wanted
            fast += closes[t] - (closes[t - FAST] if t >= FAST else 0.0)
            slow += closes[t] - (closes[t - SLOW] if t >= SLOW else 0.0)
            if t >= SLOW - 1:
                wanted = SIZE if fast / FAST > slow / SLOW else -SIZE
            equity[t] = cash + position * closes[t]
        return float(equity[-1])

    equity = np.empty(len(bars["close"]))
    return lambda: run(bars["open"], bars["close"], equity)


def vectorbt(bars: Bars) -> Callable[[], float]:
    import pandas as pd
    import vectorbt as vbt

    index = pd.date_range("2022-01-01", periods=len(bars["close"]), freq="min")
    close, opened = (pd.Series(bars[n], index=index) for n in ("close", "open"))

    def run() -> float:
        fast, slow = vbt.MA.run(close, FAST), vbt.MA.run(close, SLOW)
        longs = fast.ma_crossed_above(slow).shift(1, fill_value=False)
        shorts = fast.ma_crossed_below(slow).shift(1, fill_value=False)
        portfolio = vbt.Portfolio.from_signals(
            close, longs, short_entries=shorts, price=opened, size=SIZE, fees=FEE, init_cash=CASH, freq="1min",
            upon_opposite_entry="reverse",
        )  # fmt: skip
        return float(portfolio.final_value())

    return run


def backtesting_py(bars: Bars) -> Callable[[], float]:
    import pandas as pd
    from backtesting import Backtest, Strategy
    from backtesting.lib import crossover

    frame = pd.DataFrame({n.capitalize(): bars[n] for n in ("open", "high", "low", "close", "volume")})
    frame.index = pd.date_range("2022-01-01", periods=len(frame), freq="min")

    def mean(values: np.ndarray, window: int) -> np.ndarray:
        return pd.Series(values).rolling(window).mean().to_numpy()

    class Cross(Strategy):
        def init(self) -> None:
            self.fast = self.I(mean, self.data.Close, FAST)
            self.slow = self.I(mean, self.data.Close, SLOW)

        def next(self) -> None:
            if crossover(self.fast, self.slow):
                self.position.close()
                self.buy(size=1)
            elif crossover(self.slow, self.fast):
                self.position.close()
                self.sell(size=1)

    def run() -> float:
        test = Backtest(frame, Cross, cash=CASH, commission=FEE, finalize_trades=False)
        return float(test.run()["Equity Final [$]"])

    return run


PEERS: dict[str, tuple[str, Peer]] = {
    "hand-written numba loop": ("numba", numba_loop),
    "vectorbt": ("vectorbt", vectorbt),
    "backtesting.py": ("backtesting", backtesting_py),
}


def installed_peers() -> dict[str, Peer]:
    return {name: peer for name, (package, peer) in PEERS.items() if find_spec(package)}


def talib_batch(bars: Bars) -> Callable[[], object]:
    """The twenty indicators of specs/twenty_indicators.yaml, an array a call."""
    import talib as t

    h, lo, c, v = (bars[n] for n in ("high", "low", "close", "volume"))

    def run() -> object:
        t.SMA(c, 20), t.EMA(c, 50), t.RSI(c, 14), t.ATR(h, lo, c, 14), t.MACD(c, 12, 26, 9), t.BBANDS(c, 20, 2.0, 2.0)
        t.MAX(h, 20), t.MIN(lo, 20), t.STOCH(h, lo, c, 14, 3, 0, 3, 0), t.OBV(c, v), t.STDDEV(c, 60), t.ROC(c, 10)
        t.LINEARREG_SLOPE(c, 30), t.VWMA(t.TYPPRICE(h, lo, c), v, 60), t.KC(h, lo, c, 20), t.ADX(h, lo, c, 14)
        t.CCI(h, lo, c, 20), t.MFI(h, lo, c, v, 14), t.WILLR(h, lo, c, 14), t.KAMA(c, 10)
        return t.SUPERTREND(h, lo, c, 10, 3.0)

    return run


def talib_stream(bars: Bars) -> Callable[[int], object]:
    """One step of TA-Lib's twenty open handles: each was opened on the first bars, and takes one bar a step."""
    import talib.stream as s

    h, lo, c, v = (bars[n][:OPENED] for n in ("high", "low", "close", "volume"))
    on_close = [s.SMA(c, 20), s.EMA(c, 50), s.RSI(c, 14), s.MACD(c, 12, 26, 9), s.BBANDS(c, 20, 2.0, 2.0)]
    on_close += [s.STDDEV(c, 60), s.ROC(c, 10), s.LINEARREG_SLOPE(c, 30), s.KAMA(c, 10)]
    on_range = [s.ATR(h, lo, c, 14), s.STOCH(h, lo, c, 14, 3, 0, 3, 0), s.KC(h, lo, c, 20), s.ADX(h, lo, c, 14)]
    on_range += [s.CCI(h, lo, c, 20), s.WILLR(h, lo, c, 14), s.SUPERTREND(h, lo, c, 10, 3.0)]
    channel, obv = s.DONCHIAN(h, lo, 20), s.OBV(c, v)
    mfi, vwap = s.MFI(h, lo, c, v, 14), s.VWMA((h + lo + c) / 3.0, v, 60)
    rows = [bars[n].tolist() for n in ("high", "low", "close", "volume")]

    def step(i: int) -> object:
        high, low, close, volume = (row[OPENED + i] for row in rows)
        for handle in on_close:
            handle.update(close)
        for handle in on_range:
            handle.update(high, low, close)
        channel.update(high, low)
        obv.update(close, volume)
        mfi.update(high, low, close, volume)
        return vwap.update((high + low + close) / 3.0, volume)

    return step


def talipp_stream(bars: Bars) -> Callable[[int], object]:
    """One step of talipp's incremental indicators."""
    import talipp.indicators as t
    from talipp.ohlcv import OHLCV

    names = ("open", "high", "low", "close", "volume")
    rows = [OHLCV(*row) for row in zip(*(bars[n].tolist() for n in names), strict=True)]
    closes = bars["close"].tolist()
    on_close = [t.SMA(20), t.EMA(50), t.RSI(14), t.MACD(12, 26, 9), t.BB(20, 2.0), t.StdDev(60), t.ROC(10)]
    on_close.append(t.KAMA(10, 2, 30))
    on_bar = [t.ATR(14), t.DonchianChannels(20), t.Stoch(14, 3), t.OBV(), t.KeltnerChannels(20, 10, 2, 2)]
    on_bar += [t.ADX(14, 14), t.CCI(20), t.Williams(14), t.SuperTrend(10, 3)]

    def step(i: int) -> object:
        for indicator in on_close:
            indicator.add(closes[i])
        for indicator in on_bar:
            indicator.add(rows[i])
        return None

    return step
