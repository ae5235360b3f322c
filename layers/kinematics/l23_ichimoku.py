"""L23: Ichimoku: the middles of three ranges, the cloud between two of them, and on which side the close stands.

Rule: mid(n) = (hh(high, n) + ll(low, n)) / 2; tenkan = mid(tenkan), kijun = mid(kijun). The cloud that is thrown ahead
    lies between (tenkan + kijun) / 2 and mid(span); span_a and span_b are the edges thrown `kijun` bars ago, which
    stand over this bar. inside = 1 when the close lies between them, edges included. bias = mean of the signs of
    tenkan - kijun; close - kijun; close against the cloud over this bar (0 inside); the cloud thrown ahead by this
    bar, its first edge less its second; close - close[kijun], which is the lagging span.
Note: the catalogue does not name the five signs; these are the usual five. TradingView throws the cloud one bar less
    far.
"""

from typing import NamedTuple

from stratoquant.graph.language import Parameters, State, kernel, layer, param, sized
from stratoquant.graph.types import Flag, Price, Score
from stratoquant.layers.primitives.ring import Ring, back, push
from stratoquant.layers.primitives.rolling_range import RollingRange, rolling_range
from stratoquant.layers.primitives.scalars import sign


class Params(Parameters):
    tenkan: int = param(9, 2, 200, "bars of the turning line")
    kijun: int = param(26, 3, 500, "bars of the base line, and of the shift of the cloud")
    span: int = param(52, 5, 1000, "bars of the slow edge of the cloud")


class Memory(State):
    tenkan: RollingRange = sized(lambda p: p.tenkan)
    kijun: RollingRange = sized(lambda p: p.kijun)
    span: RollingRange = sized(lambda p: p.span)
    edges_a: Ring = sized(lambda p: p.kijun)
    edges_b: Ring = sized(lambda p: p.kijun)
    closes: Ring = sized(lambda p: p.kijun)


class Out(NamedTuple):
    tenkan: Price
    kijun: Price
    span_a: Price
    span_b: Price
    bias: Score
    inside: Flag


@kernel
def middle(s: RollingRange, high: float, low: float, n: int) -> float:
    """Half way between the highest high and the lowest low of the last n bars."""
    rolling_range(s, high, low, n)
    return 0.5 * (s.upper + s.lower)


@layer(
    23,
    "ichimoku",
    domain="kinematics",
    source="Hosoda 1969",
    pine="yes",
    warmup=lambda p: max(p.tenkan, p.kijun, p.span) - 1 + p.kijun,
)
def step(s: Memory, p: Params, high: Price, low: Price, close: Price) -> Out:
    tenkan = middle(s.tenkan, high, low, p.tenkan)
    kijun = middle(s.kijun, high, low, p.kijun)
    ahead_a = push(s.edges_a, 0.5 * (tenkan + kijun))
    ahead_b = push(s.edges_b, middle(s.span, high, low, p.span))
    push(s.closes, close)
    span_a = back(s.edges_a, p.kijun)
    span_b = back(s.edges_b, p.kijun)
    side = 0.0
    if close > max(span_a, span_b):
        side = 1.0
    elif close < min(span_a, span_b):
        side = -1.0
    lagging = sign(close - back(s.closes, p.kijun))
    bias = (sign(tenkan - kijun) + sign(close - kijun) + side + sign(ahead_a - ahead_b) + lagging) / 5.0
    return Out(tenkan, kijun, span_a, span_b, bias, 1.0 if side == 0.0 else 0.0)
