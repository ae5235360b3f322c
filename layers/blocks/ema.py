"""ema: the exponential moving average of the close.

Rule: value = value[1] + 2 / (window + 1) (close - value[1]), seeded with the mean of the first `window` closes.
"""

from typing import NamedTuple

from stratoquant.graph.language import Parameters, State, layer, param
from stratoquant.graph.types import Price
from stratoquant.layers.primitives.averages import Smoothed, ewm


class Params(Parameters):
    window: int = param(50, 1, 5000, "bars of the mean")


class Memory(State):
    mean: Smoothed


class Out(NamedTuple):
    value: Price


@layer(None, "ema", domain="block", source="standard", oracle="TA-Lib EMA", pine="yes", warmup=lambda p: p.window - 1)
def step(s: Memory, p: Params, close: Price) -> Out:
    return Out(ewm(s.mean, close, p.window))
