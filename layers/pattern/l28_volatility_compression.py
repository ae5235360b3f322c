"""L28: bands so narrow that they lie inside the channel, and the side to which the price leaves them.

Rule: squeeze while both Bollinger bands, mean(c, window) +- bb sd(c, window), lie strictly inside the Keltner channel,
    ewm(c, window) +- kc atr(window). nr7 when high - low is below that of each of the six bars before. Fires on the
    first bar without a squeeze after one: signal = sign of the momentum c - ((hh + ll) / 2 + mean(c)) / 2 over the
    window, no signal where it is 0. quality = (1 - the lowest bandwidth_rank of the squeeze) * (1 when one of the bars
    of the squeeze was an nr7, else NO_NR7). The signal lives for LIFE bars.
Note: where nothing moves all bands are one line and there is no squeeze.
"""

from math import isnan, nan, sqrt
from typing import NamedTuple

from stratoquant.graph.language import Parameters, State, layer, param, sized
from stratoquant.graph.types import Bars, Flag, Price, Side, Unit
from stratoquant.layers.primitives.averages import Smoothed, ewm
from stratoquant.layers.primitives.extremum import Lowest, lowest
from stratoquant.layers.primitives.live import Live, live_on
from stratoquant.layers.primitives.ranges import AverageTrueRange, average_true_range
from stratoquant.layers.primitives.rolling import RollingMoments, rolling_moments
from stratoquant.layers.primitives.rolling_range import RollingRange, rolling_range
from stratoquant.layers.primitives.scalars import sign

LIFE = 10
NO_NR7 = 0.75
NARROW = 6  # bars before, each of which an nr7 is narrower than


class Params(Parameters):
    window: int = param(20, 5, 500, "bars of the bands, the channel and the momentum")
    bb: float = param(2, 0.5, 5, "standard deviations from the mean to a Bollinger band")
    kc: float = param(1.5, 0.5, 5, "average ranges from the middle of the Keltner channel to its edge")


class Memory(State):
    closes: RollingMoments = sized(lambda p: p.window)
    middle: Smoothed
    range: AverageTrueRange
    channel: RollingRange = sized(lambda p: p.window)
    ranges: Lowest = sized(NARROW)
    live: Live
    rank: float = nan  # the lowest of the squeeze; missing while there is none
    narrow: float = 0.0  # 1 when the squeeze has had an nr7


class Out(NamedTuple):
    signal: Side
    quality: Unit
    age: Bars
    squeeze: Flag
    nr7: Flag


@layer(
    28,
    "volatility_compression",
    domain="pattern",
    source="Carter 2005; Crabel 1990",
    pine="yes",
    warmup=lambda p: max(p.window - 1, NARROW),
)
def step(s: Memory, p: Params, high: Price, low: Price, close: Price, bandwidth_rank: Unit) -> Out:
    mean = rolling_moments(s.closes, close, p.window)
    band = p.bb * sqrt(s.closes.variance)
    middle = ewm(s.middle, close, p.window)
    reach = p.kc * average_true_range(s.range, high, low, close, p.window)
    rolling_range(s.channel, high, low, p.window)
    centre = 0.5 * (s.channel.upper + s.channel.lower)
    nr7 = high - low < s.ranges.value
    lowest(s.ranges, high - low, NARROW)
    squeeze = mean + band < middle + reach and mean - band > middle - reach
    fired = 0.0
    quality = 0.0
    if squeeze:
        s.narrow = max(s.narrow, 1.0 if nr7 else 0.0)
        s.rank = bandwidth_rank if isnan(s.rank) else min(s.rank, bandwidth_rank)
    elif not isnan(s.rank):
        fired = sign(close - 0.5 * (centre + mean))
        quality = (1.0 - s.rank) * (1.0 if s.narrow > 0.0 else NO_NR7)
        s.rank = nan
        s.narrow = 0.0
    signal = live_on(s.live, fired, quality, LIFE)
    return Out(signal, s.live.quality, s.live.age, 1.0 if squeeze else 0.0, 1.0 if nr7 else 0.0)
