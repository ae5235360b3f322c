"""L44: a gap that three bars leave open, and the first return into it that is turned back.

Rule: an up gap lies between the high of two bars ago, its bottom, and this low, its top, where top - bottom >=
    min_size * atr; a down gap, between this high and the low of two bars ago, is its mirror. It waits for `live` bars
    from the next one on, and is dead once filled: a low at its bottom or below. It fires on the first bar that reaches
    into it, low < top, and closes on its side, close > top, and is spent; a return that closes within leaves it
    waiting. The last 8 gaps of a side are watched, of several that fire the newest is shown; a bar that fires both
    ways fires neither. quality = (size + kept) / 2, size = 1 - e^(-(top - bottom) / atr / 2) of the bar that left the
    gap, kept = the share of the gap under the low of the bar that fires. The signal lives for LIFE bars, or until its
    gap is filled; top and bottom are shown while it does.
Note: the catalogue does not say whether wicks or bodies bound a gap (here wicks), what its side is (here beyond the
    near edge), nor how long a signal lives; `live` is of the gap.
"""

from math import exp, nan
from typing import NamedTuple

from stratoquant.graph.language import Parameters, State, kernel, layer, param
from stratoquant.graph.types import Bars, Price, Side, Unit
from stratoquant.layers.primitives.live import Live, live_on
from stratoquant.layers.primitives.zones import Zones, add_zone, meet_zones

LIFE = 10


class Params(Parameters):
    min_size: float = param(0.3, 0.05, 3, "least size of a gap, average ranges")
    live: int = param(50, 1, 1000, "bars that a gap waits for a return")


class Memory(State):
    below: Zones
    above: Zones
    live: Live
    high_before: float = nan
    high_before_that: float = nan
    low_before: float = nan
    low_before_that: float = nan
    near: float = nan  # of the gap that fired last
    far: float = nan


class Out(NamedTuple):
    signal: Side
    quality: Unit
    age: Bars
    top: Price
    bottom: Price


@kernel
def leave_gap(s: Zones, size: float, near: float, far: float, least: float, atr: float) -> float:
    """Adds a gap of at least the least size; returns its size."""
    if size >= least:
        add_zone(s, near, far, 1.0 - exp(-0.5 * size / atr))
    return size


@kernel
def worth(s: Zones, reach: float) -> float:
    """The quality of a return."""
    return 0.5 * (s.found_worth + (reach - s.found_far) / (s.found_near - s.found_far))


@layer(
    44,
    "fair_value_gap",
    domain="pattern",
    source="ICT smart-money concepts; v6.0 map section 2.3",
    pine="yes",
    warmup=lambda _: 2,
)
def step(s: Memory, p: Params, high: Price, low: Price, close: Price, atr: Price) -> Out:
    fired = meet_zones(s.below, 1.0, low, close, low, p.live) - meet_zones(s.above, -1.0, high, close, high, p.live)
    leave_gap(s.below, low - s.high_before_that, low, s.high_before_that, p.min_size * atr, atr)
    leave_gap(s.above, s.low_before_that - high, high, s.low_before_that, p.min_size * atr, atr)
    s.high_before_that = s.high_before
    s.high_before = high
    s.low_before_that = s.low_before
    s.low_before = low
    quality = 0.0
    if fired > 0.0:
        quality = worth(s.below, low)
        s.near = s.below.found_near
        s.far = s.below.found_far
    elif fired < 0.0:
        quality = worth(s.above, high)
        s.near = s.above.found_near
        s.far = s.above.found_far
    filled = low <= s.far if s.live.side > 0.0 else high >= s.far
    signal = live_on(s.live, fired, quality, 0 if filled else LIFE)
    top = max(s.near, s.far) if signal != 0.0 else nan
    bottom = min(s.near, s.far) if signal != 0.0 else nan
    return Out(signal, s.live.quality, s.live.age, top, bottom)
