"""money_flow_index: the share of the money traded that came with a rising typical price.

Rule: typical = (high + low + close) / 3; flow = typical volume; value = sum of the flows of bars whose typical price
    rose / sum of those of bars on which it moved, over the last `window` bars, and 1/2 where none moved. A change
    below 1e-12 of the price is rounding, and no move.
"""

from math import nan
from typing import NamedTuple

from stratoquant.graph.language import Parameters, State, layer, param, sized
from stratoquant.graph.types import Price, Qty, Unit
from stratoquant.layers.primitives.rolling import RollingPair, rolling_pair

ROUNDING = 1e-12


class Params(Parameters):
    window: int = param(14, 1, 5000, "bars of the sums")


class Memory(State):
    typical: float = nan
    flows: RollingPair = sized(lambda p: p.window)


class Out(NamedTuple):
    value: Unit


@layer(
    None,
    "money_flow_index",
    domain="block",
    source="Quong and Soudack 1989",
    oracle="TA-Lib MFI",
    pine="yes",
    warmup=lambda p: p.window,
)
def step(s: Memory, p: Params, high: Price, low: Price, close: Price, volume: Qty) -> Out:
    typical = (high + low + close) / 3.0
    before = s.typical
    s.typical = typical
    risen = nan
    if before > 0.0:
        flow = typical * volume
        still = ROUNDING * typical
        rising = flow if typical - before > still else 0.0
        falling = flow if before - typical > still else 0.0
        risen = rolling_pair(s.flows, rising, falling, p.window)
    moved = risen + s.flows.second
    return Out(risen / moved if moved > 0.0 else 0.5)
