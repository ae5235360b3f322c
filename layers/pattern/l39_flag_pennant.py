"""L39: a strong move, a rest that gives back little of it on falling volume, and a close out of the rest.

Rule: an up pole ends on a bar whose high is hh(high, pole_bars) and stands at least pole * atr above ll(low,
    pole_bars); its height is the difference, its tip the high. The bars after it are the flag, whose upper line runs
    from the tip over the highs of the flag so far, as steep as it can: slope = the largest (high - tip) / bars since
    the tip. It breaks on the first close above that line, drawn on to this bar, after at least LEAST bars; it fires
    when volume fell over the flag without the bar that breaks it (least squares on time, slope < 0), and ends either
    way. It also ends, unfired, on a low more than half the height under the tip, a high above the tip, or after
    flag_bars bars without a break. A pole that ends while a flag is under way starts a new one only when it ended that
    flag. Down is the mirror; a bar that fires both ways fires neither. quality = (strength + kept) / 2, strength =
    1 - e^(-(height / atr) / 2) at the tip, kept = 1 - 2 * (tip - lowest low of the flag, this bar included) / height.
    pole is height / atr at the tip, shown while the signal lives, for pole_bars bars.
Note: the catalogue names no shape of the flag. The line from the tip bounds a flag and a pennant alike; what lies on
    the other side of them is bounded by the half alone.
"""

from math import exp, nan
from typing import NamedTuple

from stratoquant.graph.language import Parameters, State, kernel, layer, param, sized
from stratoquant.graph.types import Bars, Price, Qty, Real, Side, Unit
from stratoquant.layers.primitives.live import Live, live_on
from stratoquant.layers.primitives.rolling_range import RollingRange, rolling_range

LEAST = 3
GIVEN_BACK = 0.5


class Params(Parameters):
    pole: float = param(3, 1, 20, "least height of a pole, average ranges")
    pole_bars: int = param(12, 3, 200, "most bars of a pole")
    flag_bars: int = param(20, 3, 300, "most bars of a flag")


class Flag(State):
    """A flag under way on an up pole, or on a down pole of negated prices. bars: since the tip, -1 while there is none;
    volume, moment: sums over the flag of volume, and of bar number * volume."""

    bars: int = -1
    tip: float = nan
    height: float = nan
    pole: float = nan  # the height in average ranges
    slope: float = nan
    deepest: float = nan
    volume: float = 0.0
    moment: float = 0.0


class Memory(State):
    range: RollingRange = sized(lambda p: p.pole_bars)
    up: Flag
    down: Flag
    live: Live
    pole: float = nan


class Out(NamedTuple):
    signal: Side
    quality: Unit
    age: Bars
    pole: Real


@kernel
def wave(s: Flag, high: float, low: float, close: float, volume: float, longest: int) -> float:
    """Takes in a bar of the flag under way; returns 1 when it fires, and has none under way when it ended."""
    s.bars += 1
    s.deepest = min(s.deepest, low)
    broken = s.bars > LEAST and close > s.tip + s.slope * s.bars
    fired = 0.0
    if s.tip - s.deepest > GIVEN_BACK * s.height:
        s.bars = -1
    elif broken:
        fired = 1.0 if s.moment < 0.5 * s.bars * s.volume else 0.0
        s.bars = -1
    elif high > s.tip or s.bars > longest:
        s.bars = -1
    else:
        s.slope = max(s.slope, (high - s.tip) / s.bars)
        s.volume += volume
        s.moment += s.bars * volume
    return fired


@kernel
def raise_pole(s: Flag, high: float, top: float, bottom: float, least: float, atr: float) -> float:
    """Begins a flag on a bar that ends a pole, when there is none under way; returns the height."""
    height = top - bottom
    if s.bars < 0 and high == top and height >= least:
        s.bars = 0
        s.tip = top
        s.height = height
        s.pole = height / atr
        s.slope = -1e300
        s.deepest = top
        s.volume = 0.0
        s.moment = 0.0
    return height


@kernel
def worth(s: Flag) -> float:
    """The quality of a flag that fired."""
    return 0.5 * (1.0 - exp(-0.5 * s.pole)) + 0.5 - (s.tip - s.deepest) / s.height


@layer(
    39,
    "flag_pennant",
    domain="pattern",
    source="Bulkowski 2005",
    pine="yes",
    warmup=lambda p: p.pole_bars - 1,
)
def step(s: Memory, p: Params, high: Price, low: Price, close: Price, volume: Qty, atr: Price) -> Out:
    rolling_range(s.range, high, low, p.pole_bars)
    top = s.range.upper
    bottom = s.range.lower
    fired = 0.0
    quality = 0.0
    if s.up.bars >= 0:
        fired += wave(s.up, high, low, close, volume, p.flag_bars)
    if s.down.bars >= 0:
        fired -= wave(s.down, -low, -high, -close, volume, p.flag_bars)
    if fired > 0.0:
        quality = worth(s.up)
        s.pole = s.up.pole
    elif fired < 0.0:
        quality = worth(s.down)
        s.pole = s.down.pole
    raise_pole(s.up, high, top, bottom, p.pole * atr, atr)
    raise_pole(s.down, -low, -bottom, -top, p.pole * atr, atr)
    signal = live_on(s.live, fired, quality, p.pole_bars)
    return Out(signal, s.live.quality, s.live.age, s.pole if signal != 0.0 else nan)
