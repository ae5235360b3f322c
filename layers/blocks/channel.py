"""channel: the highest high and the lowest low of the last bars, this one included.

Rule: upper, lower = hh(high, window), ll(low, window); position = (close - lower) / (upper - lower), 1/2 where the two
    are equal. Williams' %R is 100 (position - 1).
"""

from typing import NamedTuple

from stratoquant.graph.language import Parameters, State, layer, param, sized
from stratoquant.graph.types import Price, Unit
from stratoquant.layers.primitives.rolling_range import RollingRange, rolling_range
from stratoquant.layers.primitives.scalars import clip


class Params(Parameters):
    window: int = param(20, 1, 5000, "bars of the channel")


class Memory(State):
    range: RollingRange = sized(lambda p: p.window)


class Out(NamedTuple):
    upper: Price
    lower: Price
    position: Unit


@layer(
    None,
    "channel",
    domain="block",
    source="Donchian 1960; Williams 1973",
    oracle="TA-Lib MAX, MIN, WILLR",
    pine="yes",
    warmup=lambda p: p.window - 1,
)
def step(s: Memory, p: Params, high: Price, low: Price, close: Price) -> Out:
    width = rolling_range(s.range, high, low, p.window)
    position = clip((close - s.range.lower) / width, 0.0, 1.0) if width > 0.0 else 0.5
    return Out(s.range.upper, s.range.lower, position)
