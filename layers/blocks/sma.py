"""sma: the simple moving average of the close.

Rule: value = mean of the last `window` closes, this one included.
"""

from typing import NamedTuple

from stratoquant.graph.language import Parameters, State, layer, param, sized
from stratoquant.graph.types import Price
from stratoquant.layers.primitives.rolling import RollingMean, rolling_mean


class Params(Parameters):
    window: int = param(20, 1, 5000, "bars of the mean")


class Memory(State):
    mean: RollingMean = sized(lambda p: p.window)


class Out(NamedTuple):
    value: Price


@layer(None, "sma", domain="block", source="standard", oracle="TA-Lib SMA", pine="yes", warmup=lambda p: p.window - 1)
def step(s: Memory, p: Params, close: Price) -> Out:
    return Out(rolling_mean(s.mean, close, p.window))
