"""Test node: the rank of each symbol, and the mean over all of them (portfolio)."""

from math import isnan, nan
from typing import NamedTuple

from stratoquant.graph.language import PER_SYMBOL, Array, State, array, layer
from stratoquant.graph.types import PerSymbol, Real


class Memory(State):
    share: Array = array(PER_SYMBOL)
    total: float = 0.0


class Out(NamedTuple):
    share: PerSymbol[Real]
    mean: Real


@layer(None, "place", domain="data", source="test", scope="portfolio")
def step(s: Memory, x: PerSymbol[Real], scale: Real) -> Out:
    total = 0.0
    count = 0
    for i in range(len(x)):
        if not isnan(x[i]):
            total += x[i]
            count += 1
    s.total = 0.99 * s.total + total
    for i in range(len(x)):
        s.share[i] = nan if isnan(x[i]) else x[i] - scale * total / count
    return Out(s.share, s.total)
