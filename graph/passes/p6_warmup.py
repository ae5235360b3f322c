"""Pass 6: how many base steps pass before a node's outputs, and orders, can be relied on."""

from __future__ import annotations

from dataclasses import dataclass

from stratoquant.graph.model import Graph
from stratoquant.graph.passes.p4_causality import wires
from stratoquant.graph.passes.p5_liveness import order_nodes


@dataclass(frozen=True)
class WarmUp:
    """own: steps of its own clock that a node withholds. total: base steps before its outputs can all be relied on.

    orders: the base steps before orders have all that they read. earliest: of a run that begins where it needs least,
    just before the bars of slow clocks close.
    """

    own: dict[str, int]
    total: dict[str, int]
    orders: int
    earliest: int


def measure_warmup(graph: Graph, start_ms: int | None = None) -> WarmUp:
    """The longest path of withheld steps, in base steps; wires of the step before do not count.

    A node counts its own steps from the first on which its required inputs are there; an optional input is needed for
    what depends on it, but holds up no step. start_ms: open of the run's first bar, which decides when the first bar of
    a slow clock closes. Without it all slow bars begin there, and every path takes longest.
    """
    own = {key: int(node.layer.warmup(node.params)) for key, node in graph.nodes.items()}
    steps = {ms: 0 if start_ms is None else (start_ms - graph.origins[ms]) // graph.clock_ms for ms in graph.origins}
    total = _totals(graph, own, steps)
    return WarmUp(own, total, _orders(graph, total), _orders(graph, _totals(graph, own, dict.fromkeys(steps, -1))))


def _totals(graph: Graph, own: dict[str, int], steps: dict[int, int]) -> dict[str, int]:
    """steps: by clock, how many base steps after the open of one of its bars the run begins."""
    total: dict[str, int] = {}
    for key in wires(graph).sorted(list(graph.nodes).index):
        node = graph.nodes[key]
        ratio = node.clock_ms // graph.clock_ms
        needed = {True: 0, False: 0}
        for port, ref in node.references():
            if not ref.delay:
                kind = node.layer.inputs[port].optional
                needed[kind] = max(needed[kind], total[ref.node])
        # each then waits for the next close of the node's own clock
        optional, required = (n + -(steps[node.clock_ms] + n + 1) % ratio for n in (needed[True], needed[False]))
        total[key] = max(required + own[key] * ratio, optional)
    return total


def _orders(graph: Graph, total: dict[str, int]) -> int:
    return max((total[key] for key in order_nodes(graph)), default=0)
