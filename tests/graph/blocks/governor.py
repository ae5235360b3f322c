"""Test node: a governor, one for all symbols."""

from typing import NamedTuple

from stratoquant.graph.language import layer
from stratoquant.graph.types import Flag, Unit


class Out(NamedTuple):
    trade: Flag
    close_only: Flag
    flatten: Flag
    scale: Unit


@layer(
    None,
    "governor",
    domain="risk",
    source="test",
    scope="portfolio",
    loop="closed",
    role="governor",
    origins={"kill": "operator.kill"},
)
def step(kill: Flag, quality: Unit) -> Out:
    return Out(1.0 - kill, 0.0, kill, quality)
