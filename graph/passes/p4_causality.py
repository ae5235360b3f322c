"""Pass 4: nothing waits for itself: a cycle without a delay is refused, and the finding draws it."""

from __future__ import annotations

import networkx as nx

from graph.diagnostics import Findings
from graph.model import Graph


def wires(graph: Graph, *, delayed: bool = False) -> nx.DiGraph[str]:
    """The nodes and the wires between them, as networkx sees them; `delayed` adds the wires of the step before."""
    drawn: nx.DiGraph[str] = nx.DiGraph()
    drawn.add_nodes_from(graph.nodes)
    for node in graph.nodes.values():
        for port, ref in node.references():
            if delayed or not ref.delay:
                drawn.add_edge(ref.node, node.key, wire=f"{ref} -> {node.key}.{port}", place=ref.place)
    return drawn


def check_causality(graph: Graph, findings: Findings) -> Graph:
    """Returns the graph; each group of nodes that wait for one another is one finding."""
    drawn = wires(graph)
    for group in nx.strongly_connected_components(drawn):
        start = min(group, key=list(graph.nodes).index)
        if len(group) == 1 and not drawn.has_edge(start, start):
            continue
        cycle = nx.find_cycle(drawn.subgraph(group), start)
        picture = " -> ".join([*(edge[0] for edge in cycle), cycle[-1][1]])
        last = drawn.edges[cycle[-1][:2]]
        findings.error(
            "W030",
            f"these nodes wait for one another in the same step: {picture}",
            last["place"],
            f"read one of them a step late: `{last['wire'].split(' -> ')[0]}@-1 else VALUE`",
        )
    return graph
