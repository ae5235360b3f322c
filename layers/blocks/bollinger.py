"""bollinger: the mean of the close with bands of so many standard deviations.

Rule: middle = mean of the last `window` closes; upper, lower = middle +- k sd, sd their population standard deviation,
    which is deviation. A lower band at or below 0 is missing.
"""

from math import sqrt
from typing import NamedTuple

from stratoquant.graph.language import Parameters, State, layer, param, sized
from stratoquant.graph.types import Price, Real
from stratoquant.layers.primitives.rolling import RollingMoments, rolling_moments
from stratoquant.layers.primitives.scalars import positive


class Params(Parameters):
    window: int = param(20, 2, 5000, "bars of the mean")
    k: float = param(2, 0, 20, "standard deviations from the middle to a band")


class Memory(State):
    closes: RollingMoments = sized(lambda p: p.window)


class Out(NamedTuple):
    upper: Price
    middle: Price
    lower: Price
    deviation: Real


@layer(
    None,
    "bollinger",
    domain="block",
    source="Bollinger 2001",
    oracle="TA-Lib BBANDS, STDDEV",
    pine="yes",
    warmup=lambda p: p.window - 1,
)
def step(s: Memory, p: Params, close: Price) -> Out:
    middle = rolling_moments(s.closes, close, p.window)
    deviation = sqrt(s.closes.variance)
    return Out(middle + p.k * deviation, middle, positive(middle - p.k * deviation), deviation)
