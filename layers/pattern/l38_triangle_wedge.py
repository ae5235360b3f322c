"""L38: highs and lows that run together, and the close that leaves them: triangles and wedges.

Rule: swings are pivots of strength `pivot`, highs and lows by turns, known that many bars late. Whenever one is new,
    the last `touches` swings make a shape, or unmake the one that waits: the upper line is the least-squares line
    through the highs among them, the lower one that through the lows. With u and l what the lines change, and W and w
    the gaps between them, from the first to the last of these swings, it is one when the gap narrows by more than FLAT
    atr, W - w > FLAT * atr. A line is flat when it changes by at most FLAT * atr. kind: ascending triangle (2) when
    the upper line is flat and the lower one rises, descending triangle (3) when the lower line is flat and the upper
    one falls, rising wedge (4) and falling wedge (5) when both rise or fall, else symmetrical triangle (1); 0 while no
    signal is alive. It fires up on the first close above the upper line drawn on to that bar, down below the lower
    one, before the lines meet and at most `span` bars after the first of the swings.
    quality = (1 - w / W) / (1 + e / atr), e the largest distance of a swing from its line, atr that of the bar that
    made the shape. The signal lives for 4 pivot bars.
Note: `touches` counts both sides together: four are two on each line, of an odd number the last side has one more. The
    catalogue says neither when a line is flat nor how much must narrow; one atr tells both. A close outside before
    the last swing is known counts only if the bar that confirms it closes outside too.
"""

from math import fabs, nan
from typing import NamedTuple

from stratoquant.graph.language import Parameters, State, kernel, layer, param, sized
from stratoquant.graph.types import Bars, Label, Price, Side, Unit
from stratoquant.layers.primitives.live import Live, live_on
from stratoquant.layers.primitives.pivots import PivotHigh, PivotLow, pivot_high, pivot_low
from stratoquant.layers.primitives.swings import Swings, swing_date, swing_value, take_pivots

FLAT = 1.0  # average ranges


class Params(Parameters):
    pivot: int = param(6, 2, 100, "bars on each side of a pivot")
    touches: int = param(4, 4, 8, "swings that the lines go through, both together")
    span: int = param(160, 20, 4000, "most bars from the first swing to the close outside")


class Line(State):
    """A line through swings of one side: base + level + slope * (bar - date). miss: the largest distance of a swing."""

    base: float = nan
    date: float = nan
    level: float = nan
    slope: float = nan
    miss: float = 0.0


@kernel
def rise(s: Line, bar: float) -> float:
    """The line at a bar, less its base."""
    return s.level + s.slope * (bar - s.date)


@kernel
def fit(s: Line, swings: Swings, side: float, touches: int) -> float:
    """Draws the line through those of the last swings that are on a side; returns its slope."""
    newest = 0 if swings.side == side else 1
    s.base = swing_value(swings, newest)
    s.date = swing_date(swings, newest)
    count = (touches + 1 - newest) // 2
    date = 0.0
    value = 0.0
    for k in range(count):
        date += swing_date(swings, newest + 2 * k) - s.date
        value += swing_value(swings, newest + 2 * k) - s.base
    date /= count
    value /= count
    both = 0.0
    spread = 0.0
    for k in range(count):
        since = swing_date(swings, newest + 2 * k) - s.date - date
        both += since * (swing_value(swings, newest + 2 * k) - s.base - value)
        spread += since * since
    s.slope = both / spread
    s.level = value - s.slope * date
    s.miss = 0.0
    for k in range(count):
        i = newest + 2 * k
        s.miss = max(s.miss, fabs(swing_value(swings, i) - s.base - rise(s, swing_date(swings, i))))
    return s.slope


@kernel
def gap(upper: Line, lower: Line, bar: float) -> float:
    """From the lower line to the upper one at a bar."""
    return upper.base - lower.base + (rise(upper, bar) - rise(lower, bar))


@kernel
def kind_of(up: float, low: float, flat: float) -> float:
    """The kind of two lines that narrow by more than flat, from the changes of the upper and the lower one."""
    kind = 1.0
    if up > flat:
        kind = 4.0
    elif low < -flat:
        kind = 5.0
    elif up >= -flat and low > flat:
        kind = 2.0
    elif up < -flat and low <= flat:
        kind = 3.0
    return kind


class Memory(State):
    highs: PivotHigh = sized(lambda p: p.pivot)
    lows: PivotLow = sized(lambda p: p.pivot)
    swings: Swings = sized(lambda p: p.touches)
    upper: Line
    lower: Line
    live: Live
    kind: float = 0.0  # of the shape that waits; 0 while none does
    first: float = nan  # bar of its first swing
    quality: float = 0.0
    shown: float = 0.0


@kernel
def make(s: Memory, p: Params, atr: float) -> float:
    """Makes a shape of the last swings, when they are one; returns its kind, else 0."""
    s.kind = 0.0
    if s.swings.count >= p.touches:
        fit(s.upper, s.swings, 1.0, p.touches)
        fit(s.lower, s.swings, -1.0, p.touches)
        s.first = swing_date(s.swings, p.touches - 1)
        last = swing_date(s.swings, 0)
        wide = gap(s.upper, s.lower, s.first)
        narrow = gap(s.upper, s.lower, last)
        length = last - s.first
        if wide - narrow > FLAT * atr:
            s.kind = kind_of(s.upper.slope * length, s.lower.slope * length, FLAT * atr)
            s.quality = (1.0 - narrow / wide) / (1.0 + max(s.upper.miss, s.lower.miss) / atr)
    return s.kind


class Out(NamedTuple):
    signal: Side
    quality: Unit
    age: Bars
    kind: Label


@layer(
    38,
    "triangle_wedge",
    domain="pattern",
    source="Bulkowski 2005",
    pine="yes",
    warmup=lambda p: 2 * p.pivot,
    labels={
        "kind": (
            "none",
            "symmetrical triangle",
            "ascending triangle",
            "descending triangle",
            "rising wedge",
            "falling wedge",
        )
    },
)
def step(s: Memory, p: Params, high: Price, low: Price, close: Price, atr: Price) -> Out:
    top = pivot_high(s.highs, high, p.pivot)
    bottom = pivot_low(s.lows, low, p.pivot)
    if take_pivots(s.swings, top, bottom, p.pivot):
        make(s, p, atr)
    fired = 0.0
    if s.kind > 0.0:
        now = s.swings.now
        if now - s.first > p.span or gap(s.upper, s.lower, now) <= 0.0:
            s.kind = 0.0
        else:
            if close - s.upper.base - rise(s.upper, now) > 0.0:
                fired = 1.0
            elif close - s.lower.base - rise(s.lower, now) < 0.0:
                fired = -1.0
            if fired != 0.0:
                s.shown = s.kind
                s.kind = 0.0
    signal = live_on(s.live, fired, s.quality, 4 * p.pivot)
    return Out(signal, s.live.quality, s.live.age, s.shown if signal != 0.0 else 0.0)
