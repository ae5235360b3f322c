"""L37: a turn above two lower turns of like height, and the close through the line under it: head and shoulders.

Rule: swings are pivots of strength `pivot`, highs and lows by turns, known that many bars late. A swing high that is
    new makes a top of itself and the four swings before it, E1 to E5, when the head is above both shoulders, E3 > E1
    and E3 > E5, the shoulders lie within tolerance * atr of each other (the end included), and both are above the
    neckline, the straight line through E2 and E4; otherwise it unmakes the one that waits. The top fires down on the
    first close below the neckline drawn on to that bar, at most `span` bars after E1. A close above the head calls it
    off. The bottom is its mirror and fires up. quality = (near + even + level + clear) / 4, with the atr of the bar
    that made it: near = 1 - |E1 - E5| / (tolerance * atr); even = the shorter over the longer of the times from
    shoulder to head; level = 1 - |E4 - E2| / (E3 - the neckline below it), at least 0; clear = 1 - e^(-d / (2 atr)), d
    from the higher shoulder to the head. The signal lives for 4 pivot bars; neckline is its line at the present bar,
    shown while it does (missing where it is no price).
Note: the paper's test that both troughs are near each other is a matter of quality here, since the catalogue's neckline
    may slope. The catalogue is silent on what ends the wait, and a close through the neckline before the last shoulder
    is known counts only if the bar that confirms it closes beyond too.
"""

from math import exp, fabs, nan
from typing import NamedTuple

from stratoquant.graph.language import Parameters, State, kernel, layer, param, sized
from stratoquant.graph.types import Bars, Price, Side, Unit
from stratoquant.layers.primitives.live import Live, live_on
from stratoquant.layers.primitives.pivots import PivotHigh, PivotLow, pivot_high, pivot_low
from stratoquant.layers.primitives.scalars import positive
from stratoquant.layers.primitives.swings import Swings, newest_of, swing_date, swing_value, take_pivots


class Params(Parameters):
    pivot: int = param(8, 2, 100, "bars on each side of a pivot")
    tolerance: float = param(1, 0.1, 4, "most between both shoulders, average ranges")
    span: int = param(240, 20, 4000, "most bars from the first shoulder to the close through the neckline")


class Line(State):
    """A neckline: its price at a bar, and its slope per bar."""

    value: float = nan
    date: float = nan
    slope: float = nan


class Heads(State):
    """The last shape of one side. head: its price; first: the bar of the first shoulder; waits: 1 until it is over."""

    waits: float = 0.0
    neck: Line
    head: float = nan
    first: float = nan
    quality: float = 0.0


@kernel
def above_neck(s: Swings, side: float, i: int, neck: Line) -> float:
    """How far the swing i before the last one lies on its side of a neckline."""
    return side * (swing_value(s, i) - neck.value - neck.slope * (swing_date(s, i) - neck.date))


@kernel
def make(s: Heads, swings: Swings, side: float, i: int, atr: float, tolerance: float) -> float:
    """Makes the shape whose last shoulder is the swing i before the last one; returns 1 when it is one, else 0."""
    s.waits = 0.0
    left = swing_value(swings, i + 4)
    right = swing_value(swings, i)
    apart = fabs(left - right)
    clear = min(side * (swing_value(swings, i + 2) - left), side * (swing_value(swings, i + 2) - right))
    if apart <= tolerance * atr and clear > 0.0:
        fall = swing_value(swings, i + 1) - swing_value(swings, i + 3)
        s.neck.value = swing_value(swings, i + 1)
        s.neck.date = swing_date(swings, i + 1)
        s.neck.slope = fall / (s.neck.date - swing_date(swings, i + 3))
        if above_neck(swings, side, i, s.neck) > 0.0 and above_neck(swings, side, i + 4, s.neck) > 0.0:
            s.waits = 1.0
            s.head = swing_value(swings, i + 2)
            s.first = swing_date(swings, i + 4)
            before = swing_date(swings, i + 2) - s.first
            after = swing_date(swings, i) - swing_date(swings, i + 2)
            near = 1.0 - apart / (tolerance * atr)
            level = max(1.0 - fabs(fall) / above_neck(swings, side, i + 2, s.neck), 0.0)
            even = min(before, after) / max(before, after)
            s.quality = 0.25 * (near + even + level + 1.0 - exp(-0.5 * clear / atr))
    return s.waits


@kernel
def heads(s: Heads, swings: Swings, side: float, close: float, atr: float, p: Params) -> float:
    """Takes in what swings are new, for tops (+1) or bottoms (-1); returns 1 when the close breaks the neckline."""
    i = newest_of(swings, side, p.pivot)
    if i >= 0:
        make(s, swings, side, i, atr, p.tolerance)
    broken = 0.0
    if s.waits > 0.0:
        if swings.now - s.first > p.span or side * (close - s.head) > 0.0:
            s.waits = 0.0
        elif side * (close - s.neck.value - s.neck.slope * (swings.now - s.neck.date)) < 0.0:
            s.waits = 0.0
            broken = 1.0
    return broken


@kernel
def show(s: Line, neck: Line) -> float:
    """Keeps a neckline."""
    s.value = neck.value
    s.date = neck.date
    s.slope = neck.slope
    return s.value


class Memory(State):
    highs: PivotHigh = sized(lambda p: p.pivot)
    lows: PivotLow = sized(lambda p: p.pivot)
    swings: Swings = sized(lambda _: 6)
    tops: Heads
    bottoms: Heads
    live: Live
    shown: Line


class Out(NamedTuple):
    signal: Side
    quality: Unit
    age: Bars
    neckline: Price


@layer(
    37,
    "head_shoulders",
    domain="pattern",
    source="Lo, Mamaysky and Wang 2000; Bulkowski 2005",
    pine="yes",
    warmup=lambda p: 2 * p.pivot,
)
def step(s: Memory, p: Params, high: Price, low: Price, close: Price, atr: Price) -> Out:
    top = pivot_high(s.highs, high, p.pivot)
    bottom = pivot_low(s.lows, low, p.pivot)
    take_pivots(s.swings, top, bottom, p.pivot)
    down = heads(s.tops, s.swings, 1.0, close, atr, p)
    fired = heads(s.bottoms, s.swings, -1.0, close, atr, p) - down
    quality = 0.0
    if fired > 0.0:
        quality = s.bottoms.quality
        show(s.shown, s.bottoms.neck)
    elif fired < 0.0:
        quality = s.tops.quality
        show(s.shown, s.tops.neck)
    signal = live_on(s.live, fired, quality, 4 * p.pivot)
    neckline = positive(s.shown.value + s.shown.slope * (s.swings.now - s.shown.date))
    return Out(signal, s.live.quality, s.live.age, neckline if signal != 0.0 else nan)
