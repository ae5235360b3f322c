"""L30: a sweep of the stops beyond the last pivot that is bought (sold) back at once.

Rule: pivots of strength `pivot` are known that many bars late. A sweep begins on the bar that reaches beyond the last
    pivot, low < level (high > level in the mirror). It fires against the sweep on the first close back inside, close >
    level, on one of its first `reclaim` bars, the bar on which it began being the first; otherwise it was a break.
    Either way the pivot is spent, and nothing is swept on that side until the next one is confirmed. A bar that fires
    both ways fires neither. quality = (inside + busy) / 2, inside = (close - level) / (close - the farthest reach),
    busy = v / (v + mean(volume, 2 pivot)), v the largest volume of a bar of the sweep, 0 when both are 0. The signal
    lives for 3 reclaim bars; swept is the level, shown while it does.
"""

from math import isnan, nan
from typing import NamedTuple

from stratoquant.graph.language import Parameters, State, kernel, layer, param, sized
from stratoquant.graph.types import Bars, Price, Qty, Side, Unit
from stratoquant.layers.primitives.live import Live, live_on
from stratoquant.layers.primitives.pivots import PivotHigh, PivotLow, pivot_high, pivot_low
from stratoquant.layers.primitives.rolling import RollingMean, rolling_mean
from stratoquant.layers.primitives.scalars import ratio


class Params(Parameters):
    pivot: int = param(10, 2, 100, "bars on each side of a pivot")
    reclaim: int = param(3, 1, 20, "bars within which the close must be back inside")


class Sweep(State):
    """What lies beyond one side. pivot: the last one, missing once it is spent; the others are of a sweep under way."""

    pivot: float = nan
    level: float = nan
    reach: float = nan
    volume: float = 0.0
    bars: int = 0


@kernel
def sweep(s: Sweep, side: float, found: float, reach: float, close: float, volume: float, reclaim: int) -> float:
    """Takes in a bar and what pivot it confirmed on the side +1 (above) or -1; returns 1 when a sweep was a trap."""
    if not isnan(found):
        s.pivot = found
    if s.bars > 0:
        s.bars += 1
    elif side * (reach - s.pivot) > 0.0:
        s.level = s.pivot
        s.pivot = nan
        s.reach = reach
        s.volume = 0.0
        s.bars = 1
    trapped = 0.0
    if s.bars > 0:
        s.reach = side * max(side * s.reach, side * reach)
        s.volume = max(s.volume, volume)
        trapped = 1.0 if side * (s.level - close) > 0.0 else 0.0
        if trapped > 0.0 or s.bars >= reclaim:
            s.bars = 0
    return trapped


@kernel
def worth(s: Sweep, close: float, usual: float) -> float:
    """The quality of a trap."""
    return 0.5 * ((close - s.level) / (close - s.reach) + ratio(s.volume, s.volume + usual, 0.0))


class Memory(State):
    highs: PivotHigh = sized(lambda p: p.pivot)
    lows: PivotLow = sized(lambda p: p.pivot)
    volume: RollingMean = sized(lambda p: 2 * p.pivot)
    above: Sweep
    below: Sweep
    live: Live
    swept: float = nan


class Out(NamedTuple):
    signal: Side
    quality: Unit
    age: Bars
    swept: Price


@layer(
    30,
    "liquidity_trap",
    domain="pattern",
    source="StratoQuant section 7; Wyckoff spring and upthrust",
    pine="yes",
    warmup=lambda p: 2 * p.pivot,
)
def step(s: Memory, p: Params, high: Price, low: Price, close: Price, volume: Qty) -> Out:
    usual = rolling_mean(s.volume, volume, 2 * p.pivot)
    top = pivot_high(s.highs, high, p.pivot)
    bottom = pivot_low(s.lows, low, p.pivot)
    above = sweep(s.above, 1.0, top, high, close, volume, p.reclaim)
    fired = sweep(s.below, -1.0, bottom, low, close, volume, p.reclaim) - above
    quality = 0.0
    if fired > 0.0:
        quality = worth(s.below, close, usual)
        s.swept = s.below.level
    elif fired < 0.0:
        quality = worth(s.above, close, usual)
        s.swept = s.above.level
    signal = live_on(s.live, fired, quality, 3 * p.reclaim)
    return Out(signal, s.live.quality, s.live.age, s.swept if signal != 0.0 else nan)
