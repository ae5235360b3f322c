"""atr: Wilder's average true range in quote currency.

Rule: TR = max(high, close[1]) - min(low, close[1]), high - low on the first bar; atr = rma(TR, window).
    Missing when nothing has moved at all (atr = 0), because a price is above 0.
"""

from typing import NamedTuple

from stratoquant.graph.language import Parameters, State, layer, param
from stratoquant.graph.types import Price
from stratoquant.layers.primitives.ranges import AverageTrueRange, average_true_range
from stratoquant.layers.primitives.scalars import positive


class Params(Parameters):
    window: int = param(14, 1, 5000, "bars of Wilder's average")


class Memory(State):
    range: AverageTrueRange


class Out(NamedTuple):
    atr: Price


@layer(
    None,
    "atr",
    domain="block",
    source="Wilder 1978",
    oracle="TradingView ta.atr",
    pine="yes",
    warmup=lambda p: p.window - 1,
)
def step(s: Memory, p: Params, high: Price, low: Price, close: Price) -> Out:
    return Out(positive(average_true_range(s.range, high, low, close, p.window)))
