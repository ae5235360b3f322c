"""Pass 5, dead nodes: what feeds no order, no record and no role. Orders themselves are checked in p5_gate."""

from __future__ import annotations

from stratoquant.graph.diagnostics import Findings
from stratoquant.graph.model import Graph, PortRef, elements
from stratoquant.graph.passes.p4_causality import wires


def check_liveness(graph: Graph, findings: Findings) -> Graph:
    """Returns the graph; each dead node is a warning.

    While there are errors, a node may be dead only because a name is misspelt, so dead nodes are not reported yet.
    """
    if findings.errors:
        return graph
    drawn = wires(graph, delayed=True)
    alive = order_nodes(graph) | {r.node for r in graph.record} | {r.node for r in graph.roles.values()}
    alive |= {key for key, node in graph.nodes.items() if node.layer.closed_loop and node.layer.domain == "execution"}
    alive = drawn.with_sources(alive)
    for key, node in graph.nodes.items():
        if key not in alive:
            findings.warning(
                "W040",
                f"{key} ({node.layer.name}) feeds no order, record or role",
                node.place,
                f"record one of its ports, `record: [{key}.{next(iter(node.layer.outputs))}]`, or drop it",
            )
    return graph


def order_nodes(graph: Graph) -> set[str]:
    """The nodes that `orders` reads directly."""
    return {ref.node for b in graph.orders.values() for ref in elements(b) if isinstance(ref, PortRef)}
