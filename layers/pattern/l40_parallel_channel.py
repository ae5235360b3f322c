"""L40: a channel along the regression line, whose rails turn the price back until it leaves.

Rule: every window // 10 bars, for the first time when there are `window`, a line is fitted to the last `window` closes
    by least squares. The upper rail runs parallel to it through the high that stands farthest above it, the lower one
    through the low farthest below. A bar touches a rail when its high (low) is at most touch * atr away, atr that of
    the fit; a close strictly on the other side of the line must lie between two touches. A channel has two touches of
    each rail or more, and is wider than 4 touch atr. It holds from the next bar until the next fit, extended straight
    on. Break: a close more than touch * atr (now that of this bar) above the upper rail fires up, under the lower one
    down, and the channel is gone. Bounce: a bar whose low is at most touch * atr above the lower rail, or under it,
    and whose close is more than that above it fires up; the next one off that rail must wait for a close strictly
    above the line. Off the upper rail is the mirror; a bar that bounces off both fires neither. quality = 1 - 2 /
    touches of both rails. The signal lives for window // 10 bars. position = (close - lower) / (upper - lower) within
    0..1, a half where they meet; it needs no touches.
Note: the catalogue fits anew on every bar. The extreme residuals need a pass over the window, so this one does it ten
    times a window; on which bars depends on where the data begin. It does not say what tells two touches apart (here
    the line, crossed by a close on the bar of the first or later) nor how near a bounce or a break is (here a touch).
"""

from math import nan
from typing import NamedTuple

from stratoquant.graph.language import Parameters, State, kernel, layer, param, sized
from stratoquant.graph.types import Bars, Price, Side, Unit
from stratoquant.layers.primitives.live import Live, live_on
from stratoquant.layers.primitives.ring import Ring, back, push
from stratoquant.layers.primitives.scalars import clip, ratio

FITS = 10  # a window
LEAST = 2  # touches of each rail


class Params(Parameters):
    window: int = param(120, 20, 4000, "bars of the line")
    touch: float = param(0.25, 0.05, 2, "how near a rail is a touch, average ranges")


class Memory(State):
    """anchor: the close of the fit, from which all prices are counted; level: the line there; upper, lower: distance of
    the rails from the line; since: bars since the fit; high_free, low_free: 1 when a bounce off that rail may fire."""

    highs: Ring = sized(lambda p: p.window)
    lows: Ring = sized(lambda p: p.window)
    closes: Ring = sized(lambda p: p.window)
    live: Live
    since: int = 0
    anchor: float = nan
    slope: float = 0.0
    level: float = 0.0
    upper: float = nan
    lower: float = nan
    touches: float = 0.0  # of both rails; 0 while there is no channel
    high_free: float = 1.0
    low_free: float = 1.0


class Out(NamedTuple):
    signal: Side
    quality: Unit
    age: Bars
    position: Unit


@kernel
def fit(s: Memory, n: int) -> float:
    """Fits the line to the last n closes and finds its rails; returns the distance between them."""
    s.anchor = back(s.closes, 0)
    middle = 0.5 * (n - 1.0)
    total = 0.0
    moment = 0.0
    for i in range(n):
        distance = back(s.closes, i) - s.anchor
        total += distance
        moment += (middle - i) * distance
    s.slope = moment / (n * (n * n - 1.0) / 12.0)
    s.level = total / n + s.slope * middle
    s.upper = back(s.highs, 0) - s.anchor - s.level
    s.lower = back(s.lows, 0) - s.anchor - s.level
    for i in range(1, n):
        line = s.level - s.slope * i
        s.upper = max(s.upper, back(s.highs, i) - s.anchor - line)
        s.lower = min(s.lower, back(s.lows, i) - s.anchor - line)
    return s.upper - s.lower


@kernel
def count_touches(s: Memory, n: int, near: float) -> float:
    """Touches of both rails over the last n bars, 0 when one of them has too few."""
    above = 0.0
    below = 0.0
    high_free = True
    low_free = True
    for i in range(n):
        ago = n - 1 - i
        line = s.level - s.slope * ago
        if high_free and back(s.highs, ago) - s.anchor - line >= s.upper - near:
            above += 1.0
            high_free = False
        if low_free and back(s.lows, ago) - s.anchor - line <= s.lower + near:
            below += 1.0
            low_free = False
        distance = back(s.closes, ago) - s.anchor - line
        if distance < 0.0:
            high_free = True
        elif distance > 0.0:
            low_free = True
    return above + below if above >= LEAST and below >= LEAST else 0.0


@kernel
def leave_rails(s: Memory, high: float, low: float, close: float, near: float) -> float:
    """Takes a bar of the channel and returns the side to which it fires; distances are from the line on that bar."""
    fired = 0.0
    if s.touches > 0.0:
        if close - s.upper > near:
            fired = 1.0
            s.touches = 0.0
        elif close - s.lower < -near:
            fired = -1.0
            s.touches = 0.0
        else:
            if s.low_free > 0.0 and low - s.lower <= near and close - s.lower > near:
                fired += 1.0
                s.low_free = 0.0
            if s.high_free > 0.0 and high - s.upper >= -near and close - s.upper < -near:
                fired -= 1.0
                s.high_free = 0.0
    if close < 0.0:
        s.high_free = 1.0
    elif close > 0.0:
        s.low_free = 1.0
    return fired


@layer(
    40,
    "parallel_channel",
    domain="pattern",
    source="standard",
    pine="yes",
    warmup=lambda p: p.window,
)
def step(s: Memory, p: Params, high: Price, low: Price, close: Price, atr: Price) -> Out:
    s.since += 1
    line = s.level + s.slope * s.since
    distance = close - s.anchor - line
    quality = 1.0 - ratio(2.0, s.touches, 1.0)
    fired = leave_rails(s, high - s.anchor - line, low - s.anchor - line, distance, p.touch * atr)
    position = clip(ratio(distance - s.lower, s.upper - s.lower, 0.5), 0.0, 1.0)
    push(s.highs, high)
    push(s.lows, low)
    push(s.closes, close)
    seen = s.closes.head
    if seen == p.window or (seen > p.window and s.since >= p.window // FITS):
        width = fit(s, p.window)
        near = p.touch * atr
        s.touches = count_touches(s, p.window, near) if width > 4.0 * near else 0.0
        s.since = 0
    signal = live_on(s.live, fired, quality, p.window // FITS)
    return Out(signal, s.live.quality, s.live.age, position)
