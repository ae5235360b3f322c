"""slope: the slope of the least squares line through the last closes.

Rule: value = sum (t - mean t)(close - mean close) / sum (t - mean t)^2 over the last `window` bars, per bar.
"""

from typing import NamedTuple

from stratoquant.graph.language import Parameters, State, layer, param, sized
from stratoquant.graph.types import Price, Real
from stratoquant.layers.primitives.regression import RollingSlope, rolling_slope


class Params(Parameters):
    window: int = param(30, 2, 5000, "bars of the line")


class Memory(State):
    line: RollingSlope = sized(lambda p: p.window)


class Out(NamedTuple):
    value: Real


@layer(
    None,
    "slope",
    domain="block",
    source="standard",
    oracle="TA-Lib LINEARREG_SLOPE",
    pine="yes",
    warmup=lambda p: p.window - 1,
)
def step(s: Memory, p: Params, close: Price) -> Out:
    return Out(rolling_slope(s.line, close, p.window))
