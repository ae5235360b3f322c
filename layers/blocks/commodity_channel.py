"""commodity_channel: how far the typical price stands from its mean, in mean distances.

Rule: typical = (high + low + close) / 3; value = (typical - mean) / (0.015 mean |typical - mean|) over the last
    `window` bars, and 0 where they are all equal.
"""

from typing import NamedTuple

from stratoquant.graph.language import Array, Parameters, State, array, layer, param, sized
from stratoquant.graph.types import Price, Real
from stratoquant.layers.primitives.rolling import RollingMean, rolling_mean
from stratoquant.layers.primitives.sums import total_distance

LAMBERT = 0.015  # by which most values lie within 100 of 0


class Params(Parameters):
    window: int = param(20, 2, 1000, "bars of the mean")


class Memory(State):
    prices: Array = array(lambda p: p.window)
    next: int = 0
    mean: RollingMean = sized(lambda p: p.window)


class Out(NamedTuple):
    value: Real


@layer(
    None,
    "commodity_channel",
    domain="block",
    source="Lambert 1980",
    oracle="TA-Lib CCI",
    pine="yes",
    warmup=lambda p: p.window - 1,
)
def step(s: Memory, p: Params, high: Price, low: Price, close: Price) -> Out:
    typical = (high + low + close) / 3.0
    s.prices[s.next] = typical
    s.next = s.next + 1 if s.next + 1 < p.window else 0
    mean = rolling_mean(s.mean, typical, p.window)
    spread = total_distance(s.prices, p.window, mean) * (LAMBERT / p.window)
    return Out((typical - mean) / spread if spread > 1e-12 * mean else 0.0)
