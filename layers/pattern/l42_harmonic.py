"""L42: five swings X, A, B, C, D whose proportions are those of a harmonic pattern.

Rule: swings of strength `pivot` are known that many bars late (primitives/swings). When the last of them is new it is
    D, and the ratios are b = |AB| / |XA|, c = |BC| / |AB|, cd = |CD| / |BC| and d = |AD| / |XA|:
        Gartley    b 0.618        c 0.382 - 0.886  cd 1.13 - 1.618   d 0.786
        bat        b 0.382 - 0.5  c 0.382 - 0.886  cd 1.618 - 2.618  d 0.886
        butterfly  b 0.786        c 0.382 - 0.886  cd 1.618 - 2.24   d 1.27
        crab       b 0.382 - 0.618  c 0.382 - 0.886  cd 2.24 - 3.618  d 1.618
        cypher     b 0.382 - 0.618  |XC| / |XA| 1.272 - 1.414  cd 1.272 - 2  d |CD| / |XC| 0.786
    The error of a ratio is its distance from the range over the end of the range that it missed. A pattern is found
    when none of its errors is above tolerance; quality = 1 - mean(errors) / tolerance, and of several the best counts,
    the first of equal ones. It fires up where D is a low, down where it is a high, if no leg is shorter than atr and
    the close stands on D's side of the first target, TARGET of the way from D to A. The signal lives for `pivot` bars;
    kind is shown while it does.
Note: the catalogue gives atr and close without a use: the one keeps noise out, the other what has had its move. The
    cypher is not Carney's; its ratios are the usual ones.
"""

from math import fabs
from typing import NamedTuple

from stratoquant.graph.language import Parameters, State, kernel, layer, param, sized
from stratoquant.graph.types import Bars, Label, Price, Side, Unit
from stratoquant.layers.primitives.live import Live, live_on
from stratoquant.layers.primitives.pivots import PivotHigh, PivotLow, pivot_high, pivot_low
from stratoquant.layers.primitives.swings import Swings, swing_value, take_pivots

TARGET = 0.618


class Params(Parameters):
    pivot: int = param(8, 2, 100, "bars on each side of a pivot")
    tolerance: float = param(0.08, 0.01, 0.3, "largest relative error of a ratio")


class Shape(State):
    """The ratios of five swings, and which pattern they come nearest to so far."""

    b: float = 0.0
    c: float = 0.0
    cd: float = 0.0
    d: float = 0.0
    quality: float = 0.0
    kind: float = 0.0


class Memory(State):
    highs: PivotHigh = sized(lambda p: p.pivot)
    lows: PivotLow = sized(lambda p: p.pivot)
    swings: Swings = sized(lambda _: 8)
    shape: Shape
    live: Live
    shown: float = 0.0


class Out(NamedTuple):
    signal: Side
    quality: Unit
    age: Bars
    kind: Label


@kernel
def error(ratio: float, low: float, high: float) -> float:
    """How far a ratio lies from its range, relative to the end that it missed."""
    return max(max((low - ratio) / low, (ratio - high) / high), 0.0)


@kernel
def compare(
    s: Shape,
    kind: float,
    b_low: float,
    b_high: float,
    c_low: float,
    c_high: float,
    cd_low: float,
    cd_high: float,
    d: float,
    tolerance: float,
) -> float:
    """Keeps a pattern when it fits better than those before it; returns its mean error."""
    in_b = error(s.b, b_low, b_high)
    in_c = error(s.c, c_low, c_high)
    in_cd = error(s.cd, cd_low, cd_high)
    in_d = error(s.d, d, d)
    mean = 0.25 * (in_b + in_c + in_cd + in_d)
    quality = 1.0 - mean / tolerance
    if max(max(in_b, in_c), max(in_cd, in_d)) <= tolerance and (s.kind == 0.0 or quality > s.quality):
        s.kind = kind
        s.quality = quality
    return mean


@kernel
def recognise(s: Shape, w: Swings, tolerance: float) -> float:
    """The kind of pattern of the last five swings, none of which stands on the one before; 0 for none."""
    xa = fabs(swing_value(w, 3) - swing_value(w, 4))
    ab = fabs(swing_value(w, 2) - swing_value(w, 3))
    bc = fabs(swing_value(w, 1) - swing_value(w, 2))
    cd = fabs(swing_value(w, 0) - swing_value(w, 1))
    xc = fabs(swing_value(w, 1) - swing_value(w, 4))
    s.kind = 0.0
    s.quality = 0.0
    s.b = ab / xa
    s.c = bc / ab
    s.cd = cd / bc
    s.d = fabs(swing_value(w, 0) - swing_value(w, 3)) / xa
    compare(s, 1.0, 0.618, 0.618, 0.382, 0.886, 1.13, 1.618, 0.786, tolerance)
    compare(s, 2.0, 0.382, 0.5, 0.382, 0.886, 1.618, 2.618, 0.886, tolerance)
    compare(s, 3.0, 0.786, 0.786, 0.382, 0.886, 1.618, 2.24, 1.27, tolerance)
    compare(s, 4.0, 0.382, 0.618, 0.382, 0.886, 2.24, 3.618, 1.618, tolerance)
    s.c = xc / xa
    s.d = cd / xc if xc > 0.0 else 0.0
    compare(s, 5.0, 0.382, 0.618, 1.272, 1.414, 1.272, 2.0, 0.786, tolerance)
    return s.kind


@kernel
def shortest(w: Swings) -> float:
    """The shortest of the four legs between the last five swings; missing until there are so many."""
    least = fabs(swing_value(w, 0) - swing_value(w, 1))
    for i in range(1, 4):
        least = min(least, fabs(swing_value(w, i) - swing_value(w, i + 1)))
    return least


@layer(
    42,
    "harmonic",
    domain="pattern",
    source="Gartley 1935; Carney 2010",
    pine="yes",
    warmup=lambda p: 2 * p.pivot,
    labels={"kind": ("none", "gartley", "bat", "butterfly", "crab", "cypher")},
)
def step(s: Memory, p: Params, high: Price, low: Price, close: Price, atr: Price) -> Out:
    top = pivot_high(s.highs, high, p.pivot)
    bottom = pivot_low(s.lows, low, p.pivot)
    fresh = take_pivots(s.swings, top, bottom, p.pivot)
    fired = 0.0
    if fresh and s.swings.count >= 5 and shortest(s.swings) >= atr:
        side = -s.swings.side
        end = swing_value(s.swings, 0)
        target = end + TARGET * (swing_value(s.swings, 3) - end)
        if side * (target - close) > 0.0 and recognise(s.shape, s.swings, p.tolerance) > 0.0:
            fired = side
            s.shown = s.shape.kind
    signal = live_on(s.live, fired, s.shape.quality, p.pivot)
    return Out(signal, s.live.quality, s.live.age, s.shown if signal != 0.0 else 0.0)
