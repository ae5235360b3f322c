"""Test node: a signal under the name that minimal_risk.yaml reads."""

from typing import NamedTuple

from stratoquant.graph.language import layer
from stratoquant.graph.types import Side


class Out(NamedTuple):
    side: Side


@layer(None, "follow", domain="pattern", source="test")
def step(direction: Side) -> Out:
    return Out(direction)
