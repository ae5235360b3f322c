"""L12: two exponential averages of the close, how far they stand apart in average ranges, and how fast that changes.

Rule: macd = (ewm(c, fast) - ewm(c, slow)) / atr(atr), 0 where there is no range; signal = ewm(macd, signal);
    hist = macd - signal; hist_slope = hist - hist[1]. cross = +1 on the bar on which hist rises above 0, -1 on
    which it falls below 0, else 0.
Note: an average range below 1e-12 of the close is what fades after trading has stopped, and counts as 0.
"""

from math import isnan, nan
from typing import NamedTuple

from stratoquant.graph.language import Parameters, State, layer, param
from stratoquant.graph.types import Price, Real, Side
from stratoquant.layers.primitives.averages import Smoothed, ewm
from stratoquant.layers.primitives.ranges import AverageTrueRange, average_true_range
from stratoquant.layers.primitives.scalars import crossing

FADED = 1e-12


class Params(Parameters):
    fast: int = param(12, 2, 500, "bars of the fast average")
    slow: int = param(26, 3, 1000, "bars of the slow average")
    signal: int = param(9, 2, 500, "bars of the average of the distance")
    atr: int = param(14, 2, 500, "bars of the average range")


class Memory(State):
    fast: Smoothed
    slow: Smoothed
    signal: Smoothed
    atr: AverageTrueRange
    hist: float = nan


class Out(NamedTuple):
    macd: Real
    signal: Real
    hist: Real
    hist_slope: Real
    cross: Side


@layer(
    12,
    "macd",
    domain="kinematics",
    source="Appel 1979",
    oracle="TA-Lib MACD after burn-in; pandas ewm after burn-in",
    pine="yes",
    warmup=lambda p: max(p.fast, p.slow, p.atr) + p.signal - 2,
)
def step(s: Memory, p: Params, high: Price, low: Price, close: Price) -> Out:
    apart = ewm(s.fast, close, p.fast) - ewm(s.slow, close, p.slow)
    atr = average_true_range(s.atr, high, low, close, p.atr)
    macd = apart / atr if atr > FADED * close else (nan if isnan(apart + atr) else 0.0)
    signal = ewm(s.signal, macd, p.signal)
    hist = macd - signal
    before = s.hist
    s.hist = hist
    cross = nan if isnan(before) else crossing(before, hist)
    return Out(macd, signal, hist, hist - before, cross)
