"""Pass 4: nothing waits for itself: a cycle without a delay is refused, and the finding draws it."""

from __future__ import annotations

from stratoquant.graph.diagnostics import Findings
from stratoquant.graph.digraph import Digraph
from stratoquant.graph.model import Graph


def wires(graph: Graph, *, delayed: bool = False) -> Digraph:
    """The nodes and the wires between them; `delayed` adds the wires of the step before."""
    drawn = Digraph(graph.nodes)
    for node in graph.nodes.values():
        for _, ref in node.references():
            if delayed or not ref.delay:
                drawn.add(ref.node, node.key)
    return drawn


def check_causality(graph: Graph, findings: Findings) -> Graph:
    """Returns the graph; each group of nodes that wait for one another is one finding."""
    drawn = wires(graph)
    for group in drawn.loops():
        cycle = drawn.shortest_path(group[0], group[0])
        if cycle is None:
            continue
        refs = (ref for _, ref in graph.nodes[cycle[-1]].references())
        *_, last = (ref for ref in refs if ref.node == cycle[-2] and not ref.delay)
        findings.error(
            "W030",
            f"these nodes wait for one another in the same step: {' -> '.join(cycle)}",
            last.place,
            f"read one of them a step late: `{last}@-1 else VALUE`",
        )
    return graph
