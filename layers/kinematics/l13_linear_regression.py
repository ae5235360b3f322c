"""L13: a straight line through the logarithm of the last closes.

Rule: least squares of ln c on time over the window. slope per bar; r2 the share of variance it explains, 0 where
    nothing varies; z = (ln c - line) / sd of the residuals, 0 where they are all 0; forecast = exp(line one bar
    ahead).
Note: a residual spread below 1e-9 of a log price is rounding, and counts as 0.
"""

from math import exp, isnan, log, nan
from typing import NamedTuple

from stratoquant.graph.language import Parameters, State, layer, param, sized
from stratoquant.graph.types import Price, Real, Sigma, Unit
from stratoquant.layers.primitives.regression import LineFit, line_fit

ROUNDING = 1e-9


class Params(Parameters):
    window: int = param(30, 3, 2000, "bars of the line")


class Memory(State):
    line: LineFit = sized(lambda p: p.window)


class Out(NamedTuple):
    slope: Real
    r2: Unit
    z: Sigma
    forecast: Price


@layer(
    13,
    "linear_regression",
    domain="kinematics",
    source="standard",
    oracle="numpy polyfit on each window, 1e-8 after a million bars",
    pine="yes",
    warmup=lambda p: p.window - 1,
)
def step(s: Memory, p: Params, close: Price) -> Out:
    level = log(close)
    slope = line_fit(s.line, level, p.window)
    deviation = s.line.deviation
    z = (level - s.line.level) / deviation if deviation > ROUNDING else (nan if isnan(deviation) else 0.0)
    forecast = exp(s.line.level + slope) if abs(s.line.level + slope) < 700.0 else nan
    return Out(slope, s.line.r2, z, forecast)
