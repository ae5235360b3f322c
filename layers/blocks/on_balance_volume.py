"""on_balance_volume: volume summed with the sign of the close's change.

Rule: value = volume on the first bar; then value[1] + volume after a higher close, - volume after a lower one.
"""

from math import isnan, nan
from typing import NamedTuple

from stratoquant.graph.language import State, layer
from stratoquant.graph.types import Price, Qty, SignedQty
from stratoquant.layers.primitives.scalars import sign


class Memory(State):
    close: float = nan
    value: float = 0.0


class Out(NamedTuple):
    value: SignedQty


@layer(None, "on_balance_volume", domain="block", source="Granville 1963", oracle="TA-Lib OBV", pine="yes")
def step(s: Memory, close: Price, volume: Qty) -> Out:
    s.value += volume if isnan(s.close) else sign(close - s.close) * volume
    s.close = close
    return Out(s.value)
