"""Pass 6: how many base steps pass before a node's outputs, and the first order, can be relied on."""

from __future__ import annotations

from dataclasses import dataclass

from graph.model import Graph
from graph.passes.p4_causality import wires
from graph.passes.p5_liveness import order_nodes


@dataclass(frozen=True)
class WarmUp:
    """own: steps of its own clock that a node withholds. total: base steps before its outputs can all be relied on.

    orders: base steps before the first order can be made.
    """

    own: dict[str, int]
    total: dict[str, int]
    orders: int


def measure_warmup(graph: Graph) -> WarmUp:
    """The longest path of withheld steps, in base steps; wires of the step before do not count.

    A node counts its own steps from the first on which its required inputs are there; an optional input is needed for
    what depends on it, but holds up no step.
    """
    drawn = wires(graph)
    own = {key: int(node.layer.warmup(node.params)) for key, node in graph.nodes.items()}
    total: dict[str, int] = {}
    for key in drawn.sorted(list(graph.nodes).index):
        node = graph.nodes[key]
        ratio = node.clock_ms // graph.clock_ms
        required, optional = 0, 0
        for port, ref in node.references():
            if not ref.delay and node.layer.inputs[port].optional:
                optional = max(optional, total[ref.node])
            elif not ref.delay:
                required = max(required, total[ref.node])
        total[key] = max(required + own[key] * ratio, optional) + (ratio - 1)
    return WarmUp(own, total, max((total[key] for key in order_nodes(graph)), default=0))
