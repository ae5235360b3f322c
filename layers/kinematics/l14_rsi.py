"""L14: Wilder's relative strength index as a share.

Rule: gain and loss are the Wilder averages, over `window` bars, of the rises and falls of the close;
    rsi = gain / (gain + loss), and 0.5 when nothing ever moved; centred = 2 rsi - 1; slope = rsi - rsi[1].
"""

from typing import NamedTuple

from stratoquant.graph.language import Parameters, State, layer, param
from stratoquant.graph.types import Price, Real, Score, Unit
from stratoquant.layers.primitives.strength import RelativeStrength, relative_strength


class Params(Parameters):
    window: int = param(14, 2, 500, "bars of Wilder's average")


class Memory(State):
    strength: RelativeStrength


class Out(NamedTuple):
    rsi: Unit
    centred: Score
    slope: Real


@layer(14, "rsi", domain="kinematics", source="Wilder 1978", oracle="TA-Lib RSI", pine="yes", warmup=lambda p: p.window)
def step(s: Memory, p: Params, close: Price) -> Out:
    before = s.strength.value
    rsi = relative_strength(s.strength, close, p.window)
    return Out(rsi, 2.0 * rsi - 1.0, rsi - before)
