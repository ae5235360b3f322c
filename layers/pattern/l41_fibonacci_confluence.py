"""L41: a swing that is taken back by a usual fraction, where the price turns with the bias.

Rule: swings of strength `pivot` are known that many bars late (primitives/swings). A rise from a low swing to the high
    swing after it, the last one, is held at high - f * (high - low) for f in 0.382, 0.5, 0.618 and 0.786. A bar turns
    there when its low lies at most tolerance * atr from the nearest of them (the shallower of two as near) and its
    close more than that above it; it fires up while bias > 0. The mirror holds a fall, while bias < 0. A swing whose
    beginning was passed by a bar since its end, and one whose end was, holds nothing until the next swing is known.
    quality = 1 - 2^-(1 + n), n how many of the REMEMBERED swings before the last one lie at most tolerance * atr from
    the level. The signal lives for `pivot` bars; level is the fraction f, shown while it does.
Note: the catalogue does not say what level is; it is no price there, so it is the fraction that held. It leaves open
    how far away the close must be and how many earlier swings count. The beginning of the swing is never at a level.
"""

from math import fabs, nan
from typing import NamedTuple

from stratoquant.graph.language import Parameters, State, kernel, layer, param, sized
from stratoquant.graph.types import Bars, Price, Real, Score, Side, Unit
from stratoquant.layers.primitives.live import Live, live_on
from stratoquant.layers.primitives.pivots import PivotHigh, PivotLow, pivot_high, pivot_low
from stratoquant.layers.primitives.rolling_range import RollingRange, rolling_range
from stratoquant.layers.primitives.swings import Swings, swing_value, take_pivots

REMEMBERED = 16


class Params(Parameters):
    pivot: int = param(10, 2, 100, "bars on each side of a pivot")
    tolerance: float = param(0.35, 0.05, 2, "how far from a level is still at it, average ranges")


class Memory(State):
    highs: PivotHigh = sized(lambda p: p.pivot)
    lows: PivotLow = sized(lambda p: p.pivot)
    swings: Swings = sized(lambda _: REMEMBERED + 1)
    since: RollingRange = sized(lambda p: p.pivot)  # the bars between the end of a swing and its confirmation
    live: Live
    holds: float = 0.0  # 1 until the swing's beginning or end is passed
    level: float = nan


class Out(NamedTuple):
    signal: Side
    quality: Unit
    age: Bars
    level: Real


@kernel
def held_at(begin: float, end: float, reach: float) -> float:
    """The fraction of a swing that is nearest to what the bar reached."""
    best = 0.382
    for i in range(1, 4):
        fraction = 0.5 if i == 1 else (0.618 if i == 2 else 0.786)
        nearer = fabs(end - fraction * (end - begin) - reach) < fabs(end - best * (end - begin) - reach)
        best = fraction if nearer else best
    return best


@kernel
def turned_before(s: Swings, level: float, reach: float) -> int:
    """How many swings before the last one lie within reach of a level."""
    found = 0
    for i in range(1, REMEMBERED + 1):
        if fabs(swing_value(s, i) - level) <= reach:
            found += 1
    return found


@layer(
    41,
    "fibonacci_confluence",
    domain="pattern",
    source="standard",
    pine="yes",
    warmup=lambda p: 2 * p.pivot,
)
def step(s: Memory, p: Params, high: Price, low: Price, close: Price, atr: Price, bias: Score) -> Out:
    top = pivot_high(s.highs, high, p.pivot)
    bottom = pivot_low(s.lows, low, p.pivot)
    rolling_range(s.since, high, low, p.pivot)
    if take_pivots(s.swings, top, bottom, p.pivot):
        s.holds = 1.0
    side = s.swings.side
    end = swing_value(s.swings, 0)
    begin = swing_value(s.swings, 1)
    farthest = s.since.upper if side > 0.0 else s.since.lower
    deepest = s.since.lower if side > 0.0 else s.since.upper
    if side * (begin - deepest) > 0.0 or side * (farthest - end) > 0.0:
        s.holds = 0.0
    fired = 0.0
    quality = nan
    if s.holds > 0.0 and s.swings.count > 1 and side * bias > 0.0:
        reach = low if side > 0.0 else high
        fraction = held_at(begin, end, reach)
        level = end - fraction * (end - begin)
        if fabs(reach - level) <= p.tolerance * atr and side * (close - level) > p.tolerance * atr:
            fired = side
            quality = 1.0 - 0.5 ** (1 + turned_before(s.swings, level, p.tolerance * atr))
            s.level = fraction
    signal = live_on(s.live, fired, quality, p.pivot)
    return Out(signal, s.live.quality, s.live.age, s.level if signal != 0.0 else nan)
