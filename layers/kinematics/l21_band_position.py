"""L21: where the close stands in its Bollinger and Keltner bands, and how wide the first are.

Rule: m, sd = mean and population sd of the last `window` closes. percent_b = (c - (m - k sd)) / (2 k sd), 0.5 where
    sd is 0. bandwidth = 2 k sd / m; bandwidth_rank = its percent rank over the last `rank` bars. keltner = (c -
    ewm(c, window)) / (k atr(window)), 0 where there is no range.
Note: an average range below 1e-12 of the close is what fades after trading has stopped, and counts as 0.
"""

from math import isnan, nan, sqrt
from typing import NamedTuple

from stratoquant.graph.language import Parameters, State, layer, param, sized
from stratoquant.graph.types import Price, Real, Unit
from stratoquant.layers.primitives.averages import Smoothed, ewm
from stratoquant.layers.primitives.ranges import AverageTrueRange, average_true_range
from stratoquant.layers.primitives.rank import PercentRank, percent_rank
from stratoquant.layers.primitives.rolling import RollingMoments, rolling_moments

FADED = 1e-12


class Params(Parameters):
    window: int = param(20, 2, 1000, "bars of the bands")
    k: float = param(2, 0.5, 6, "half width of the bands, in sd and in average ranges")
    rank: int = param(250, 20, 10000, "bars among which the bandwidth is ranked")


class Memory(State):
    closes: RollingMoments = sized(lambda p: p.window)
    centre: Smoothed
    atr: AverageTrueRange
    widths: PercentRank = sized(lambda p: p.rank)


class Out(NamedTuple):
    percent_b: Real
    bandwidth: Real
    bandwidth_rank: Unit
    keltner: Real


@layer(
    21,
    "band_position",
    domain="kinematics",
    source="Bollinger 2001; Keltner 1960",
    oracle="TA-Lib BBANDS",
    pine="yes",
    warmup=lambda p: p.window - 1,
)
def step(s: Memory, p: Params, high: Price, low: Price, close: Price) -> Out:
    mean = rolling_moments(s.closes, close, p.window)
    centre = ewm(s.centre, close, p.window)
    atr = average_true_range(s.atr, high, low, close, p.window)
    if isnan(mean):
        return Out(nan, nan, nan, nan)
    half = p.k * sqrt(s.closes.variance)
    percent_b = (close - mean + half) / (2.0 * half) if half > 0.0 else 0.5
    bandwidth = 2.0 * half / mean
    rank = percent_rank(s.widths, bandwidth, p.rank)
    keltner = (close - centre) / (p.k * atr) if atr > FADED * close else 0.0
    return Out(percent_b, bandwidth, rank, keltner)
