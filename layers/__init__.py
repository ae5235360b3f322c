"""The numbered nodes, a folder a domain, a file a layer, and the blocks and primitives that they are made of."""

from functools import cache
from pathlib import Path

from stratoquant.graph.registry import Registry

COSTS = Path(__file__).parent / "costs.json"
"""Nanoseconds a step of each layer, as `python -m stratoquant.tools.bench --only layers --keep` found them."""


@cache
def catalogue() -> Registry:
    """Every layer of this package."""
    return Registry.of_package(__name__, Path(__file__).parent)
