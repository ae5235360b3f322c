"""L22: Hull's average, whose lag the difference of two weighted averages takes away, and where it turns.

Rule: hma = wma(2 wma(c, n // 2) - wma(c, n), round(sqrt n)) with n = window; slope = (hma - hma[1]) / hma[1]. turn = +1
    on the bar on which slope rises above 0, -1 on which it falls below 0, else 0.
Note: the change is taken relative to the average, so that it compares across symbols. After a fall to less than half
    the average can pass 0; it is missing there.
"""

from math import isnan, nan, sqrt
from typing import NamedTuple

from stratoquant.graph.language import Parameters, State, layer, param, sized
from stratoquant.graph.types import Price, Real, Side
from stratoquant.layers.primitives.scalars import crossing, nearest_whole, positive
from stratoquant.layers.primitives.weighted import Weighted, weighted_mean


class Params(Parameters):
    window: int = param(34, 4, 1000, "bars of the longest weighted average")


class Memory(State):
    half: Weighted = sized(lambda p: p.window // 2)
    whole: Weighted = sized(lambda p: p.window)
    smooth: Weighted = sized(lambda p: round(p.window**0.5))
    hma: float = nan
    slope: float = nan


class Out(NamedTuple):
    hma: Price
    slope: Real
    turn: Side


@layer(
    22,
    "hull_average",
    domain="kinematics",
    source="Hull 2005",
    oracle="TA-Lib WMA composed",
    pine="yes",
    warmup=lambda p: p.window + round(p.window**0.5) - 2,
)
def step(s: Memory, p: Params, close: Price) -> Out:
    half = weighted_mean(s.half, close, p.window // 2)
    whole = weighted_mean(s.whole, close, p.window)
    hma = positive(weighted_mean(s.smooth, 2.0 * half - whole, int(nearest_whole(sqrt(float(p.window))))))
    slope = (hma - s.hma) / s.hma
    turn = nan if isnan(s.slope + slope) else crossing(s.slope, slope)
    s.hma = hma
    s.slope = slope
    return Out(hma, slope, turn)
