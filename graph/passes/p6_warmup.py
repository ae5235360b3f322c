"""Pass 6: how many base steps pass before a node's outputs, and the first order, can be relied on."""

from __future__ import annotations

from dataclasses import dataclass

from graph.model import Graph
from graph.passes.p4_causality import wires
from graph.passes.p5_liveness import order_nodes


@dataclass(frozen=True)
class WarmUp:
    """own: steps of its own clock that a node withholds. total: base steps before it speaks, its inputs included.

    orders: base steps before the first order can be made.
    """

    own: dict[str, int]
    total: dict[str, int]
    orders: int


def measure_warmup(graph: Graph) -> WarmUp:
    """The longest path of withheld steps, in base steps; wires of the step before do not count."""
    drawn = wires(graph)
    own = {key: int(node.layer.warmup(node.params)) for key, node in graph.nodes.items()}
    total: dict[str, int] = {}
    for key in drawn.sorted(list(graph.nodes).index):
        ratio = graph.nodes[key].clock_ms // graph.clock_ms
        before = max((total[p] for p in drawn.before(key)), default=0)
        total[key] = before + own[key] * ratio + (ratio - 1)
    return WarmUp(own, total, max((total[key] for key in order_nodes(graph)), default=0))
