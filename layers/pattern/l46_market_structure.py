"""L46: the order of confirmed highs and lows, and the bar that breaks it.

Rule: pivots of strength `pivot` are known that many bars late. A pivot that is confirmed makes the trend up when the
    last highs and the last lows both rise, down when both fall; otherwise the trend stands. A close above the last
    pivot high, or below the last pivot low, breaks it, once, and fires; a close that breaks both fires neither. With
    the trend that is a break of structure, against it a change of character (change = 1): it turns the trend, and
    what was known of rising and falling pivots is forgotten. quality = 1 for a break with the trend, 0.6 for a
    change, 0.3 while there is no trend. The signal lives for 4 pivot bars.
"""

from math import isnan, nan
from typing import NamedTuple

from stratoquant.graph.language import Parameters, State, layer, param, sized
from stratoquant.graph.types import Bars, Flag, Price, Side, Unit
from stratoquant.layers.primitives.live import Live, live_on
from stratoquant.layers.primitives.pivots import PivotHigh, PivotLow, pivot_high, pivot_low
from stratoquant.layers.primitives.scalars import sign


class Params(Parameters):
    pivot: int = param(5, 2, 100, "bars on each side of a pivot")


class Memory(State):
    highs: PivotHigh = sized(lambda p: p.pivot)
    lows: PivotLow = sized(lambda p: p.pivot)
    live: Live
    last_high: float = nan
    last_low: float = nan
    stands_high: float = 0.0  # 1 until it is broken
    stands_low: float = 0.0
    highs_rise: float = 0.0  # side on which the last high stands from the one before; 0 unknown
    lows_rise: float = 0.0
    trend: float = 0.0


class Out(NamedTuple):
    signal: Side
    quality: Unit
    age: Bars
    trend: Side
    change: Flag


@layer(
    46,
    "market_structure",
    domain="pattern",
    source="Dow; ICT smart-money concepts",
    pine="yes",
    warmup=lambda p: 2 * p.pivot,
)
def step(s: Memory, p: Params, high: Price, low: Price, close: Price) -> Out:
    top = pivot_high(s.highs, high, p.pivot)
    bottom = pivot_low(s.lows, low, p.pivot)
    if not isnan(top):
        s.highs_rise = sign(top - s.last_high)
        s.last_high = top
        s.stands_high = 1.0
    if not isnan(bottom):
        s.lows_rise = sign(bottom - s.last_low)
        s.last_low = bottom
        s.stands_low = 1.0
    if not (isnan(top) and isnan(bottom)) and s.highs_rise == s.lows_rise and s.highs_rise != 0.0:
        s.trend = s.highs_rise
    fired = 0.0
    if s.stands_high > 0.0 and close > s.last_high:
        fired += 1.0
        s.stands_high = 0.0
    if s.stands_low > 0.0 and close < s.last_low:
        fired -= 1.0
        s.stands_low = 0.0
    change = 0.0
    quality = 0.3
    if fired != 0.0 and fired == s.trend:
        quality = 1.0
    elif fired != 0.0 and s.trend != 0.0:
        quality = 0.6
        change = 1.0
        s.trend = fired
        s.highs_rise = 0.0
        s.lows_rise = 0.0
    signal = live_on(s.live, fired, quality, 4 * p.pivot)
    return Out(signal, s.live.quality, s.live.age, s.trend, change)
