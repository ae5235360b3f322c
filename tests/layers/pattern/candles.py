"""Bars as candles: made by hand, and measured as TA-Lib measures them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import talib

from tests.layers.pattern.charts import Values, turn

OHLC = ("open", "high", "low", "close")
MANY = 400_000
Row = tuple[float, float, float, float]


def chart(rows: list[Row], side: float = 1.0) -> Values:
    """Bars of open, high, low, close; turned upside down for side -1."""
    return turn(dict(zip(OHLC, np.array(rows, float).T, strict=True)), side, 64.0)


def before(x: np.ndarray, steps: int) -> np.ndarray:
    """x so many bars ago."""
    return np.r_[np.full(steps, np.nan), x[: len(x) - steps]]


def usual(x: np.ndarray, n: int, steps: int = 0) -> np.ndarray:
    """TA-Lib's candle average: the mean of the n values before the bar so many steps ago."""
    return before(pd.Series(x).rolling(n).sum().to_numpy() / n, steps + 1)


def parts(bars: Values) -> tuple[np.ndarray, ...]:
    """body, range, upper wick, lower wick."""
    top, bottom = (f(bars["open"], bars["close"]) for f in (np.maximum, np.minimum))
    return top - bottom, bars["high"] - bars["low"], bars["high"] - top, bottom - bars["low"]


def candles(name: str, bars: Values, **options: float) -> np.ndarray:
    return np.sign(getattr(talib, name)(*(bars[n] for n in OHLC), **options)).astype(float)


def on_atr(body: np.ndarray, atr: np.ndarray | float) -> np.ndarray:
    return 1.0 - np.exp(-0.5 * body / atr)
