"""L58: price and its relative strength disagree about the last two swings.

Rule: pivots of strength `pivot` of high and low, and of rsi on both sides, are known that many bars late. On a bar that
    confirms one, the last two of price and the last two of rsi on that side are compared, when each two are at most
    `span` bars apart and the newer ones, and the older ones, at most `pivot` bars from each other. Highs: price rises
    and rsi falls: regular = -1; price falls and rsi rises: hidden = -1. Lows: price falls and rsi rises: regular = +1;
    price rises and rsi falls: hidden = +1. Highs and lows that tell opposite things on one bar tell nothing.
    strength = sqrt(a b), with a and b the sizes of the two moves as shares of the range of price, and of rsi, over the
    last span + 2 pivot + 1 bars. A signal lives for `span` bars; strength and age are those of the younger one, of
    regular where both are of one age; while none lives they are 0 and missing.
Note: the catalogue takes strength from the two slopes; both run over nearly the same bars, so that the moves tell the
    same.
"""

from math import sqrt
from typing import NamedTuple

from stratoquant.graph.language import Parameters, State, kernel, layer, param, sized
from stratoquant.graph.types import Bars, Price, Side, Unit
from stratoquant.layers.primitives.extremum import Highest, Lowest, slide_maximum
from stratoquant.layers.primitives.live import Live, live_on
from stratoquant.layers.primitives.pivot_pair import LastTwo, apart, keep_last_two, rise
from stratoquant.layers.primitives.pivots import PivotHigh, PivotLow, pivot_high, pivot_low
from stratoquant.layers.primitives.scalars import sign


class Params(Parameters):
    pivot: int = param(5, 2, 50, "bars on each side of a pivot")
    span: int = param(60, 10, 1000, "bars between two pivots that are compared, at most")


class Swings(State):
    high_pivot: PivotHigh
    low_pivot: PivotLow
    highs: LastTwo
    lows: LastTwo


class Extremes(State):
    tops: Highest
    bottoms: Lowest


class Memory(State):
    price: Swings = sized(lambda p: p.pivot)
    rsi: Swings = sized(lambda p: p.pivot)
    price_range: Extremes = sized(lambda p: p.span + 2 * p.pivot + 1)
    rsi_range: Extremes = sized(lambda p: p.span + 2 * p.pivot + 1)
    bar: float = 0.0
    regular: Live
    hidden: Live


class Out(NamedTuple):
    regular: Side
    hidden: Side
    strength: Unit
    age: Bars


@kernel
def width(s: Extremes, high: float, low: float, n: int) -> float:
    """Highest high less lowest low of the last n bars, or of those that there are."""
    return slide_maximum(s.tops, high, n) + slide_maximum(s.bottoms, -low, n)


@kernel
def opposed(price: LastTwo, rsi: LastTwo, pivot: int, span: int) -> float:
    """The direction of price when rsi went the other way between the same swings, else 0."""
    same = abs(price.step - rsi.step) <= pivot and abs(price.step_before - rsi.step_before) <= pivot
    near = apart(price) <= span and apart(rsi) <= span
    return sign(rise(price)) if same and near and rise(price) * rise(rsi) < 0.0 else 0.0


@kernel
def strength_of(price: LastTwo, rsi: LastTwo, price_range: float, rsi_range: float) -> float:
    """The geometric mean of both moves as shares of their ranges."""
    return sqrt(abs(rise(price)) / price_range * (abs(rise(rsi)) / rsi_range))


@layer(
    58,
    "divergence",
    domain="kinematics",
    source="Cardwell; Constance Brown 1999",
    pine="yes",
    warmup=lambda p: 2 * p.pivot,
)
def step(s: Memory, p: Params, high: Price, low: Price, rsi: Unit) -> Out:
    s.bar += 1.0
    reach = p.span + 2 * p.pivot + 1
    price_range = width(s.price_range, high, low, reach)
    rsi_range = width(s.rsi_range, rsi, rsi, reach)
    price_peaks = keep_last_two(s.price.highs, pivot_high(s.price.high_pivot, high, p.pivot), s.bar)
    rsi_peaks = keep_last_two(s.rsi.highs, pivot_high(s.rsi.high_pivot, rsi, p.pivot), s.bar)
    price_dips = keep_last_two(s.price.lows, pivot_low(s.price.low_pivot, low, p.pivot), s.bar)
    rsi_dips = keep_last_two(s.rsi.lows, pivot_low(s.rsi.low_pivot, rsi, p.pivot), s.bar)
    top = opposed(s.price.highs, s.rsi.highs, p.pivot, p.span) if price_peaks or rsi_peaks else 0.0
    bottom = opposed(s.price.lows, s.rsi.lows, p.pivot, p.span) if price_dips or rsi_dips else 0.0
    top_strength = strength_of(s.price.highs, s.rsi.highs, price_range, rsi_range) if top != 0.0 else 0.0
    bottom_strength = strength_of(s.price.lows, s.rsi.lows, price_range, rsi_range) if bottom != 0.0 else 0.0
    regular = -max(top, 0.0) - min(bottom, 0.0)
    hidden = min(top, 0.0) + max(bottom, 0.0)
    live_on(s.regular, regular, top_strength if regular < 0.0 else bottom_strength, p.span)
    live_on(s.hidden, hidden, top_strength if hidden < 0.0 else bottom_strength, p.span)
    strength = s.regular.quality
    age = s.regular.age
    if s.regular.side == 0.0 or s.hidden.age < age:
        strength = s.hidden.quality
        age = s.hidden.age
    return Out(s.regular.side, s.hidden.side, strength, age)
