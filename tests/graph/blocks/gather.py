"""Test node: a vector in and a vector out."""

from math import isnan
from typing import NamedTuple

from stratoquant.graph.language import Array, State, array, layer
from stratoquant.graph.types import Count, Real, Vec


class Memory(State):
    sums: Array = array(4)


class Out(NamedTuple):
    sums: Vec[4, Real]
    present: Count


@layer(None, "gather", domain="data", source="test")
def step(s: Memory, values: Vec[4, Real]) -> Out:
    present = 0
    for k in range(len(values)):
        if not isnan(values[k]):
            present += 1
            s.sums[k] = 0.5 * s.sums[k] + values[k]
    return Out(s.sums, present)
