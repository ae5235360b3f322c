"""L54: the smoothed price, the length of the cycle in it, where in the cycle it stands, and whether there is none.

Rule: x = (high + low) / 2. smooth = Ehlers' SuperSmoother of x, two poles at `cutoff` bars. For the cycle x is averaged
    with weights 4, 3, 2, 1 and taken apart by his Hilbert transformer, whose gain follows the last period, into
    in-phase I and quadrature Q; each is turned by a quarter and added to the other, averaged (0.2), and multiplied by
    its value of the bar before (homodyne), again averaged (0.2): the angle of the product is that of one bar. raw =
    2 pi / angle, held within 0.67 to 1.5 of the last value and 6 to 50 bars, then averaged (0.2), and once more (0.33)
    for period. phase = angle of (I, Q) in radians, -pi..pi, which falls as the cycle goes on. trend_mode = 1 where raw
    was held: the phase does not run at the speed of the period.
Note: Ehlers counts bars of held phase before he speaks of a trend; the catalogue asks for the instability alone. Where
    the products fall below the rounding of price, 1e-12 of it, there is no cycle: period stays, phase = trend_mode = 0.
    It starts from a market that has always stood at the first price, with a period of 6.
"""

from math import atan, cos, exp, isnan, nan, pi, sqrt
from typing import NamedTuple

from stratoquant.graph.language import Parameters, State, kernel, layer, param, sized
from stratoquant.graph.types import Bars, Flag, Price, Real
from stratoquant.layers.primitives.ring import Ring, back, push
from stratoquant.layers.primitives.scalars import clip, positive

SHORTEST = 6.0
LONGEST = 50.0
ROUNDING = 1e-12
REACH = 9  # bars back that the transformer looks: 3 for the delay of I and 6 of its own


class Params(Parameters):
    cutoff: int = param(10, 4, 100, "bars of the shortest wave that the smoother lets pass")


class Memory(State):
    prices: Ring = sized(REACH)
    means: Ring = sized(REACH)
    swings: Ring = sized(REACH)
    quarters: Ring = sized(REACH)
    filtered: float = nan
    filtered_before: float = nan
    i2: float = 0.0
    q2: float = 0.0
    re: float = 0.0
    im: float = 0.0
    quick: float = 6.0
    period: float = 6.0


class Out(NamedTuple):
    smooth: Price
    period: Bars
    phase: Real
    trend_mode: Flag


@kernel
def quarter_turn(x: Ring, delay: int, gain: float) -> float:
    """Ehlers' Hilbert transformer of a series `delay` bars ago."""
    outer = back(x, delay) - back(x, delay + 6)
    inner = back(x, delay + 2) - back(x, delay + 4)
    return (0.0962 * outer + 0.5769 * inner) * gain


@kernel
def angle(x: float, y: float) -> float:
    """The angle of the point (x, y) in -pi..pi; 0 for the origin."""
    if x > 0.0:
        result = atan(y / x)
    elif x < 0.0:
        result = atan(y / x) + (pi if y >= 0.0 else -pi)
    elif y > 0.0:
        result = 0.5 * pi
    elif y < 0.0:
        result = -0.5 * pi
    else:
        result = 0.0
    return result


@kernel
def super_smoother(s: Memory, x: float, before: float, cutoff: int) -> float:
    """Two poles, and the mean of two values against the wave of two bars."""
    decay = exp(-sqrt(2.0) * pi / cutoff)
    first = 2.0 * decay * cos(sqrt(2.0) * pi / cutoff)
    second = -decay * decay
    filtered = (1.0 - first - second) * 0.5 * (x + before) + first * s.filtered + second * s.filtered_before
    s.filtered_before = s.filtered
    s.filtered = filtered
    return filtered


@layer(
    54,
    "cycle",
    domain="kinematics",
    source="Ehlers 2001, 2013",
    oracle="TA-Lib HT_DCPERIOD, 5% after burn-in",
    pine="yes",
    warmup=lambda _: 32,
)
def step(s: Memory, p: Params, high: Price, low: Price) -> Out:
    x = 0.5 * (high + low)
    if isnan(s.filtered):
        s.filtered = x
        s.filtered_before = x
        for _ in range(REACH + 1):
            push(s.prices, x)
            push(s.means, x)
    smooth = super_smoother(s, x, back(s.prices, 0), p.cutoff)
    push(s.prices, x)
    weighted = 4.0 * x + 3.0 * back(s.prices, 1) + 2.0 * back(s.prices, 2) + back(s.prices, 3)
    push(s.means, weighted / 10.0)
    gain = 0.075 * s.quick + 0.54
    push(s.swings, quarter_turn(s.means, 0, gain))
    q1 = push(s.quarters, quarter_turn(s.swings, 0, gain))
    i1 = back(s.swings, 3)
    i2 = 0.2 * (i1 - quarter_turn(s.quarters, 0, gain)) + 0.8 * s.i2
    q2 = 0.2 * (q1 + quarter_turn(s.swings, 3, gain)) + 0.8 * s.q2
    s.re = 0.2 * (i2 * s.i2 + q2 * s.q2) + 0.8 * s.re
    s.im = 0.2 * (i2 * s.q2 - q2 * s.i2) + 0.8 * s.im
    s.i2 = i2
    s.q2 = q2
    least = (ROUNDING * x) * (ROUNDING * x)
    raw = s.quick
    phase = 0.0
    if abs(s.re) > least and abs(s.im) > least:
        raw = 2.0 * pi / atan(s.im / s.re)
        phase = angle(i1, q1)
    held = clip(clip(raw, 0.67 * s.quick, 1.5 * s.quick), SHORTEST, LONGEST)
    s.quick = 0.2 * held + 0.8 * s.quick
    s.period = 0.33 * s.quick + 0.67 * s.period
    return Out(positive(smooth), s.period, phase, 1.0 if held != raw else 0.0)
