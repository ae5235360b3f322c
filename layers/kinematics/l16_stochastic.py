"""L16: where the close stands in the range of the last bars, smoothed, and its crossings of its own average.

Rule: raw = (c - ll(low, window)) / (hh(high, window) - ll(low, window)), 0.5 where the range is flat. k = mean of the
    last `smooth` raw values, d = mean of the last `signal` values of k; williams = 2 raw - 1. cross = +1 on the bar
    on which k rises above d, -1 on which it falls below d, else 0.
"""

from math import isnan, nan
from typing import NamedTuple

from stratoquant.graph.language import Parameters, State, layer, param, sized
from stratoquant.graph.types import Price, Score, Side, Unit
from stratoquant.layers.primitives.rolling import RollingMean, rolling_mean
from stratoquant.layers.primitives.rolling_range import RollingRange, rolling_range
from stratoquant.layers.primitives.scalars import clip, crossing


class Params(Parameters):
    window: int = param(14, 2, 1000, "bars of the range")
    smooth: int = param(3, 1, 100, "bars of the mean that makes it slow")
    signal: int = param(3, 1, 100, "bars of the mean that it crosses")


class Memory(State):
    range: RollingRange = sized(lambda p: p.window)
    slow: RollingMean = sized(lambda p: p.smooth)
    signal: RollingMean = sized(lambda p: p.signal)
    lead: float = nan


class Out(NamedTuple):
    k: Unit
    d: Unit
    williams: Score
    cross: Side


@layer(
    16,
    "stochastic",
    domain="kinematics",
    source="Lane 1984; Williams 1973",
    oracle="TA-Lib STOCH",
    pine="yes",
    warmup=lambda p: p.window + p.smooth + p.signal - 3,
)
def step(s: Memory, p: Params, high: Price, low: Price, close: Price) -> Out:
    width = rolling_range(s.range, high, low, p.window)
    raw = clip((close - s.range.lower) / width, 0.0, 1.0) if width > 0.0 else (nan if isnan(width) else 0.5)
    k = clip(rolling_mean(s.slow, raw, p.smooth), 0.0, 1.0)
    d = clip(rolling_mean(s.signal, k, p.signal), 0.0, 1.0)
    before = s.lead
    s.lead = k - d
    cross = nan if isnan(before) else crossing(before, s.lead)
    return Out(k, d, 2.0 * raw - 1.0, cross)
