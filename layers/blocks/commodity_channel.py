"""commodity_channel: how far the typical price stands from its mean, in mean distances.

Rule: typical = (high + low + close) / 3; value = (typical - mean) / (0.015 mean |typical - mean|) over the last
    `window` bars, and 0 where they are all equal.
"""

from math import fabs
from typing import NamedTuple

from graph.language import Parameters, State, layer, param, sized
from graph.types import Price, Real
from layers.primitives.ring import Ring, back, push
from layers.primitives.rolling import RollingMean, rolling_mean

LAMBERT = 0.015  # by which most values lie within 100 of 0


class Params(Parameters):
    window: int = param(20, 2, 1000, "bars of the mean")


class Memory(State):
    prices: Ring = sized(lambda p: p.window)
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
    push(s.prices, typical)
    mean = rolling_mean(s.mean, typical, p.window)
    distance = 0.0
    for k in range(p.window):
        distance += fabs(back(s.prices, k) - mean)
    spread = LAMBERT * distance / p.window
    return Out((typical - mean) / spread if spread > 1e-12 * mean else 0.0)
