"""Test node: two inputs, one of them optional, and a running total."""

from math import isnan
from typing import NamedTuple

from stratoquant.graph.language import Parameters, State, layer, param
from stratoquant.graph.types import Opt, Real


class Params(Parameters):
    weight: float = param(0.5, -2, 2, "share of b")


class Memory(State):
    total: float = 0.0


class Out(NamedTuple):
    value: Real
    total: Real


@layer(None, "mix", domain="data", source="test")
def step(s: Memory, p: Params, a: Real, b: Opt[Real]) -> Out:
    value = a if isnan(b) else a + p.weight * (b - a)
    s.total = 0.9 * s.total + value
    return Out(value, s.total)
