"""The range of a bar with the gap before it, and its Wilder average. A missing value (NaN) leaves each as it was."""

from math import isnan, nan

from stratoquant.graph.language import State, kernel
from stratoquant.layers.primitives.averages import Smoothed, rma


class TrueRange(State):
    """Memory of the true range: the close before."""

    close: float = nan
    value: float = nan


@kernel
def true_range(s: TrueRange, high: float, low: float, close: float) -> float:
    """max(high, close[1]) - min(low, close[1]); high - low on the first bar, as TradingView's ta.tr(true)."""
    value = s.value
    if not isnan(high + low + close):
        if isnan(s.close):
            value = high - low
        else:
            value = max(high, s.close) - min(low, s.close)
        s.value = value
        s.close = close
    return value


class AverageTrueRange(State):
    """Memory of Wilder's average true range."""

    range: TrueRange
    average: Smoothed


@kernel
def average_true_range(s: AverageTrueRange, high: float, low: float, close: float, n: int) -> float:
    """The rma of the true range over n bars, NaN until n; TradingView's ta.atr (TA-Lib's leaves the first bar out)."""
    average = s.average.value
    if not isnan(high + low + close):
        average = rma(s.average, true_range(s.range, high, low, close), n)
    return average
