"""Test node: an opinion about the market, a side."""

from typing import NamedTuple

from stratoquant.graph.language import layer
from stratoquant.graph.types import Price, Side


class Out(NamedTuple):
    side: Side


@layer(None, "opinion", domain="pattern", source="test")
def step(price: Price, level: Price) -> Out:
    return Out(1.0 if price > level else -1.0)
