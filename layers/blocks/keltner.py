"""keltner: the exponential mean of the close with bands of so many average ranges.

Rule: middle = ewm(close, window); upper, lower = middle +- k atr(range). A lower band at or below 0 is missing.
"""

from typing import NamedTuple

from stratoquant.graph.language import Parameters, State, layer, param
from stratoquant.graph.types import Price
from stratoquant.layers.primitives.averages import Smoothed, ewm
from stratoquant.layers.primitives.ranges import AverageTrueRange, average_true_range
from stratoquant.layers.primitives.scalars import positive


class Params(Parameters):
    window: int = param(20, 1, 5000, "bars of the middle")
    range: int = param(10, 1, 5000, "bars of the average range")
    k: float = param(2, 0, 20, "average ranges from the middle to a band")


class Memory(State):
    mean: Smoothed
    range: AverageTrueRange


class Out(NamedTuple):
    upper: Price
    middle: Price
    lower: Price


@layer(
    None,
    "keltner",
    domain="block",
    source="Keltner 1960; Raschke 1995",
    oracle="TA-Lib EMA and ATR",
    pine="yes",
    warmup=lambda p: max(p.window, p.range) - 1,
)
def step(s: Memory, p: Params, high: Price, low: Price, close: Price) -> Out:
    middle = ewm(s.mean, close, p.window)
    reach = p.k * average_true_range(s.range, high, low, close, p.range)
    return Out(middle + reach, middle, positive(middle - reach))
