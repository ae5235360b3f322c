"""Our primitives in the settings of TradingView's own columns, dressed as a layer."""

from typing import NamedTuple

from stratoquant.graph.language import State, layer, sized
from stratoquant.graph.types import Price, Real
from stratoquant.layers.primitives.averages import Smoothed, ewm, rma
from stratoquant.layers.primitives.extremum import Highest, Lowest, highest, lowest
from stratoquant.layers.primitives.ranges import AverageTrueRange, average_true_range
from stratoquant.layers.primitives.regression import LineFit, line_fit
from stratoquant.layers.primitives.rolling import RollingMoments, rolling_moments
from stratoquant.layers.primitives.weighted import Weighted, weighted_mean


class Memory(State):
    ema: Smoothed
    rma: Smoothed
    fast: Smoothed
    slow: Smoothed
    signal: Smoothed
    atr: AverageTrueRange
    moments: RollingMoments = sized(20)
    line: LineFit = sized(20)
    highs: Highest = sized(10)
    lows: Lowest = sized(10)
    weighted: Weighted = sized(20)


class Out(NamedTuple):
    ema: Real
    rma: Real
    macd: Real
    signal: Real
    atr: Real
    mean: Real
    variance: Real
    linreg: Real
    highest: Real
    lowest: Real
    wma: Real


@layer(None, "ta_layer", domain="block", source="test")
def step(s: Memory, high: Price, low: Price, close: Price) -> Out:
    macd = ewm(s.fast, close, 12) - ewm(s.slow, close, 26)
    mean = rolling_moments(s.moments, close, 20)
    line_fit(s.line, close, 20)
    return Out(
        ewm(s.ema, close, 20),
        rma(s.rma, high, 15),
        macd,
        ewm(s.signal, macd, 9),
        average_true_range(s.atr, high, low, close, 14),
        mean,
        s.moments.variance,
        s.line.level,
        highest(s.highs, high, 10),
        lowest(s.lows, low, 10),
        weighted_mean(s.weighted, close, 20),
    )
