"""rolling_vwap: the mean price of the last bars, weighted by their volume.

Rule: typical = (high + low + close) / 3; value = sum typical volume / sum volume over the last `window` bars, and
    typical where nothing was traded in them.
"""

from typing import NamedTuple

from stratoquant.graph.language import Parameters, State, layer, param, sized
from stratoquant.graph.types import Price, Qty
from stratoquant.layers.primitives.rolling import RollingPair, rolling_pair


class Params(Parameters):
    window: int = param(60, 1, 5000, "bars of the mean")


class Memory(State):
    sums: RollingPair = sized(lambda p: p.window)


class Out(NamedTuple):
    value: Price


@layer(
    None,
    "rolling_vwap",
    domain="block",
    source="standard",
    oracle="TA-Lib VWMA of TYPPRICE",
    pine="yes",
    warmup=lambda p: p.window - 1,
)
def step(s: Memory, p: Params, high: Price, low: Price, close: Price, volume: Qty) -> Out:
    typical = (high + low + close) / 3.0
    turnover = rolling_pair(s.sums, typical * volume, volume, p.window)
    traded = s.sums.second
    return Out(turnover / traded if traded > 0.0 else typical)
