"""Test node: a signal under the name that minimal_risk.yaml reads."""

from typing import NamedTuple

from graph.language import layer
from graph.types import Side


class Out(NamedTuple):
    side: Side


@layer(None, "follow", domain="pattern", source="test")
def step(direction: Side) -> Out:
    return Out(direction)
