"""L20: the channel of the bars before this one, and the bar that leaves it.

Rule: upper = highest high, lower = lowest low of the `window` bars before this one. position = (close - lower) /
    (upper - lower) held in 0..1, 0.5 for a channel without width. breakout = +1 above upper, -1 below lower, else 0.
    age = bars since the last breakout, missing before the first.
"""

from math import isnan, nan
from typing import NamedTuple

from stratoquant.graph.language import Parameters, State, layer, param, sized
from stratoquant.graph.types import Bars, Price, Side, Unit
from stratoquant.layers.primitives.rolling_range import RollingRange, rolling_range
from stratoquant.layers.primitives.scalars import bars_since, clip


class Params(Parameters):
    window: int = param(55, 2, 5000, "bars of the channel")


class Memory(State):
    range: RollingRange = sized(lambda p: p.window)
    age: float = nan


class Out(NamedTuple):
    upper: Price
    lower: Price
    position: Unit
    breakout: Side
    age: Bars


@layer(
    20,
    "donchian",
    domain="kinematics",
    source="Donchian 1960; Dennis 1983",
    oracle="TA-Lib MAX/MIN shifted by 1",
    pine="yes",
    warmup=lambda p: p.window,
)
def step(s: Memory, p: Params, high: Price, low: Price, close: Price) -> Out:
    upper = s.range.upper
    lower = s.range.lower
    rolling_range(s.range, high, low, p.window)
    if isnan(upper):
        return Out(nan, nan, nan, nan, nan)
    width = upper - lower
    position = clip((close - lower) / width, 0.0, 1.0) if width > 0.0 else 0.5
    breakout = 0.0
    if close > upper:
        breakout = 1.0
    elif close < lower:
        breakout = -1.0
    s.age = bars_since(s.age, breakout != 0.0)
    return Out(upper, lower, position, breakout, s.age)
