"""L45: the last bar against a strong move that broke structure, and the first return to it that is rejected.

Rule: an up block is a black bar (close < open), the last one before an impulse: the bars that follow it, none of them
    black, of which one closes at least impulse * atr above the block's close and above structure, hh(high, STRUCTURE)
    as it stood on the block's bar. A down block, its mirror, is a white bar before closes below ll(low, STRUCTURE).
    The first such close confirms the block: its zone, from the low to the high of the bar, waits for `live` bars from
    the next one on, and is dead once a close is at or below its low. It fires on the first bar that comes back, low <
    top, and is rejected, close > top, and is spent; a return that closes within leaves it waiting. The last 8 blocks
    of a side are watched, of several that fire the newest is shown; a bar that fires both ways fires neither. quality =
    (strength + busy) / 2 of the impulse when it is confirmed: strength = 1 - e^(-(its size / atr) / 2), busy = v / (v +
    mean(volume, STRUCTURE)), v the largest volume of its bars, 0 when both are 0. The signal lives for LIFE bars, or
    until a close is beyond the far edge; top and bottom are shown while it does.
Note: the catalogue names neither the structure that is broken (here the extreme of the bars before the impulse, which
    is known at once, and not the last pivot), nor the length of an impulse (here until the next opposite bar), nor
    the part of the bar that counts (here all of it). A bar without a body is on no side.
"""

from math import exp, nan
from typing import NamedTuple

from stratoquant.graph.language import Parameters, State, kernel, layer, param, sized
from stratoquant.graph.types import Bars, Price, Qty, Side, Unit
from stratoquant.layers.primitives.live import Live, live_on
from stratoquant.layers.primitives.rolling import RollingMean, rolling_mean
from stratoquant.layers.primitives.rolling_range import RollingRange, rolling_range
from stratoquant.layers.primitives.scalars import ratio
from stratoquant.layers.primitives.zones import Zones, add_zone, meet_zones

LIFE = 10
STRUCTURE = 20


class Params(Parameters):
    impulse: float = param(2, 0.5, 10, "least impulse, average ranges")
    live: int = param(100, 1, 2000, "bars that a block waits for a return")


class Opposite(State):
    """The last bar against one side, missing once its impulse was confirmed; volume: largest of a bar since."""

    near: float = nan
    far: float = nan
    close: float = nan
    structure: float = nan
    volume: float = 0.0


class Memory(State):
    range: RollingRange = sized(lambda p: STRUCTURE)
    volume: RollingMean = sized(lambda p: STRUCTURE)
    black: Opposite
    white: Opposite
    below: Zones
    above: Zones
    live: Live
    near: float = nan  # of the block that fired last
    far: float = nan


class Out(NamedTuple):
    signal: Side
    quality: Unit
    age: Bars
    top: Price
    bottom: Price


@kernel
def remember(s: Opposite, near: float, far: float, close: float, structure: float) -> float:
    """Takes an opposite bar in place of the one before; returns its close."""
    s.near = near
    s.far = far
    s.close = close
    s.structure = structure
    s.volume = 0.0
    return close


@kernel
def follow(
    s: Opposite, z: Zones, side: float, close: float, volume: float, usual: float, least: float, atr: float
) -> float:
    """Takes a bar of what may be an impulse to that side; adds the block and forgets the bar once it is one."""
    s.volume = max(s.volume, volume)
    size = side * (close - s.close)
    if size >= least and side * (close - s.structure) > 0.0:
        strength = 1.0 - exp(-0.5 * size / atr)
        add_zone(z, s.near, s.far, 0.5 * (strength + ratio(s.volume, s.volume + usual, 0.0)))
        s.close = nan
    return size


@layer(
    45,
    "order_block",
    domain="pattern",
    source="ICT smart-money concepts",
    pine="yes",
    warmup=lambda _: STRUCTURE - 1,
)
def step(s: Memory, p: Params, open_: Price, high: Price, low: Price, close: Price, volume: Qty, atr: Price) -> Out:
    usual = rolling_mean(s.volume, volume, STRUCTURE)
    rolling_range(s.range, high, low, STRUCTURE)
    top = s.range.upper
    bottom = s.range.lower
    fired = meet_zones(s.below, 1.0, low, close, close, p.live) - meet_zones(s.above, -1.0, high, close, close, p.live)
    if close < open_:
        remember(s.black, high, low, close, top)
    else:
        follow(s.black, s.below, 1.0, close, volume, usual, p.impulse * atr, atr)
    if close > open_:
        remember(s.white, low, high, close, bottom)
    else:
        follow(s.white, s.above, -1.0, close, volume, usual, p.impulse * atr, atr)
    quality = 0.0
    if fired > 0.0:
        quality = s.below.found_worth
        s.near = s.below.found_near
        s.far = s.below.found_far
    elif fired < 0.0:
        quality = s.above.found_worth
        s.near = s.above.found_near
        s.far = s.above.found_far
    lost = s.live.side * (close - s.far) <= 0.0 and s.live.side != 0.0
    signal = live_on(s.live, fired, quality, 0 if lost else LIFE)
    zone_top = max(s.near, s.far) if signal != 0.0 else nan
    zone_bottom = min(s.near, s.far) if signal != 0.0 else nan
    return Out(signal, s.live.quality, s.live.age, zone_top, zone_bottom)
