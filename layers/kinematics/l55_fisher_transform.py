"""L55: Ehlers' Fisher transform: the place of price in its range, bent so that turns stand out as peaks.

Rule: x = (high + low) / 2, place = (x - ll(x, window)) / (hh(x, window) - ll(x, window)), 0.5 where the range is flat.
    v = 0.66 (place - 0.5) + 0.67 v[1]; beyond +-0.99 it becomes +-0.999. fisher = ln((1 + v) / (1 - v)) / 2 + fisher[1]
    / 2; trigger = fisher[1]; both v and fisher start from 0. cross = +1 on the bar on which fisher rises above trigger,
    -1 on which it falls below it, else 0.
Note: the step from 0.99 to 0.999 is in the source and in TradingView's built-in.
"""

from math import isnan, log, nan
from typing import NamedTuple

from stratoquant.graph.language import Parameters, State, layer, param, sized
from stratoquant.graph.types import Price, Real, Side
from stratoquant.layers.primitives.rolling_range import RollingRange, rolling_range
from stratoquant.layers.primitives.scalars import crossing, sign


class Params(Parameters):
    window: int = param(10, 2, 500, "bars of the range")


class Memory(State):
    range: RollingRange = sized(lambda p: p.window)
    v: float = 0.0
    fisher: float = 0.0
    lead: float = nan


class Out(NamedTuple):
    fisher: Real
    trigger: Real
    cross: Side


@layer(55, "fisher_transform", domain="kinematics", source="Ehlers 2002", pine="yes", warmup=lambda p: p.window)
def step(s: Memory, p: Params, high: Price, low: Price) -> Out:
    x = 0.5 * (high + low)
    width = rolling_range(s.range, x, x, p.window)
    if isnan(width):
        return Out(nan, nan, nan)
    place = (x - s.range.lower) / width if width > 0.0 else 0.5
    s.v = 0.66 * (place - 0.5) + 0.67 * s.v
    if abs(s.v) > 0.99:
        s.v = 0.999 * sign(s.v)
    trigger = s.fisher
    s.fisher = 0.5 * log((1.0 + s.v) / (1.0 - s.v)) + 0.5 * trigger
    before = s.lead
    s.lead = s.fisher - trigger
    return Out(s.fisher, trigger, nan if isnan(before) else crossing(before, s.lead))
