"""rate_of_change: how much the close has changed over some bars.

Rule: value = close / close[window] - 1.
"""

from typing import NamedTuple

from stratoquant.graph.language import Parameters, State, layer, param, sized
from stratoquant.graph.types import Price, Real
from stratoquant.layers.primitives.ring import Ring, back, push


class Params(Parameters):
    window: int = param(10, 1, 5000, "bars between the two closes")


class Memory(State):
    closes: Ring = sized(lambda p: p.window)


class Out(NamedTuple):
    value: Real


@layer(
    None,
    "rate_of_change",
    domain="block",
    source="standard",
    oracle="TA-Lib ROCP",
    pine="yes",
    warmup=lambda p: p.window,
)
def step(s: Memory, p: Params, close: Price) -> Out:
    push(s.closes, close)
    return Out(close / back(s.closes, p.window) - 1.0)
