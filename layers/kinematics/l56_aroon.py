"""L56: how long ago the highest high and the lowest low of the last bars stood.

Rule: among the last window + 1 bars, up = 1 - bars since the highest high / window, down = 1 - bars since the lowest
    low / window; of equal extremes the latest counts. oscillator = up - down.
"""

from typing import NamedTuple

from stratoquant.graph.language import Parameters, State, layer, param, sized
from stratoquant.graph.types import Price, Score, Unit
from stratoquant.layers.primitives.extremum import Highest, Lowest, highest, lowest


class Params(Parameters):
    window: int = param(25, 2, 2000, "bars that the oldest extreme may be away")


class Memory(State):
    highs: Highest = sized(lambda p: p.window + 1)
    lows: Lowest = sized(lambda p: p.window + 1)


class Out(NamedTuple):
    up: Unit
    down: Unit
    oscillator: Score


@layer(
    56,
    "aroon",
    domain="kinematics",
    source="Chande 1995",
    oracle="TA-Lib AROON",
    pine="yes",
    warmup=lambda p: p.window,
)
def step(s: Memory, p: Params, high: Price, low: Price) -> Out:
    highest(s.highs, high, p.window + 1)
    lowest(s.lows, low, p.window + 1)
    up = 1.0 - s.highs.age / p.window
    down = 1.0 - s.lows.age / p.window
    return Out(up, down, up - down)
