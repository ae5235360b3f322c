"""Test node: an exponential mean with a warm-up."""

from typing import NamedTuple

from stratoquant.graph.language import Parameters, State, layer, param, sized
from stratoquant.graph.types import Real
from stratoquant.layers.primitives.averages import Smoothed, ewm
from stratoquant.layers.primitives.ring import Ring, back, push


class Params(Parameters):
    window: int = param(5, 1, 100, "bars")


class Memory(State):
    mean: Smoothed
    ring: Ring = sized(lambda p: p.window)
    count: int = 0


class Out(NamedTuple):
    mean: Real
    old: Real


@layer(None, "smooth", domain="data", source="test", warmup=lambda p: p.window)
def step(s: Memory, p: Params, x: Real) -> Out:
    push(s.ring, x)
    return Out(ewm(s.mean, x, p.window), back(s.ring, p.window - 1))
