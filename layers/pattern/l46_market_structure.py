"""L46: the order of confirmed highs and lows, and the bar that breaks it.

Rule: pivots of strength `pivot` are known that many bars late. The structure is up after a higher high and a higher
    low, down after a lower high and a lower low; between them the last one stands. A close above the last pivot
    high, or below the last pivot low, that is not broken yet fires: with the trend it is a break of structure,
    against it a change of character (change = 1), which also turns the trend. quality = 1 for a break with the
    trend, 0.6 for a change, 0.3 while there is no trend. The signal lives for 4 pivot bars.
"""

from math import isnan, nan
from typing import NamedTuple

from graph.language import Parameters, State, layer, param, sized
from graph.types import Bars, Flag, Price, Side, Unit
from layers.primitives.live import Live, live_on
from layers.primitives.pivots import PivotHigh, PivotLow, pivot_high, pivot_low


class Params(Parameters):
    pivot: int = param(5, 2, 100, "bars on each side of a pivot")


class Memory(State):
    highs: PivotHigh = sized(lambda p: p.pivot)
    lows: PivotLow = sized(lambda p: p.pivot)
    live: Live
    last_high: float = nan
    last_low: float = nan
    higher_high: float = 0.0  # 1 higher, -1 lower than the pivot before
    higher_low: float = 0.0
    broken_high: float = nan
    broken_low: float = nan
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
        s.higher_high = 1.0 if top > s.last_high else (-1.0 if top < s.last_high else 0.0)
        s.last_high = top
    if not isnan(bottom):
        s.higher_low = 1.0 if bottom > s.last_low else (-1.0 if bottom < s.last_low else 0.0)
        s.last_low = bottom
    if s.higher_high == s.higher_low and s.higher_high != 0.0:
        s.trend = s.higher_high
    fired = 0.0
    if close > s.last_high and s.broken_high != s.last_high:
        fired = 1.0
        s.broken_high = s.last_high
    elif close < s.last_low and s.broken_low != s.last_low:
        fired = -1.0
        s.broken_low = s.last_low
    change = 0.0
    quality = 0.3
    if fired != 0.0 and s.trend != 0.0:
        quality = 1.0 if fired == s.trend else 0.6
        change = 1.0 if fired != s.trend else 0.0
        s.trend = fired
    signal = live_on(s.live, fired, quality, 4 * p.pivot)
    return Out(signal, s.live.quality, s.live.age, s.trend, change)
