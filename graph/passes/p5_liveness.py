"""Pass 5: what leads nowhere, and whether any path from an opinion to an order slips past risk.

Opinions are the outputs of the domains below. Context (data, regime, microstructure) may reach an order directly, to
price or slice it. An opinion reaches an order only through the gate, the one layer that turns proposals into targets,
and the gate obeys a governor.
"""

from __future__ import annotations

import networkx as nx

from graph.diagnostics import Findings
from graph.model import Graph, Node, PortRef, elements
from graph.passes.p4_causality import wires

OPINIONS = frozenset({"kinematics", "pattern", "fusion", "meta", "rl", "block"})
GOVERNED = ("trade", "close_only", "flatten", "scale")
GUARDED = ("side", "qty")


def check_liveness(graph: Graph, findings: Findings) -> Graph:
    """Returns the graph; dead nodes are warnings, a way around risk is an error.

    While there are errors, a node may be dead only because a name is misspelt, so dead nodes are not told yet.
    """
    drawn = wires(graph, delayed=True)
    if not findings.errors:
        _check_dead(graph, drawn, findings)
    if graph.orders:
        _check_gate(graph, drawn, findings)
        for node in graph.nodes.values():
            if node.layer.role == "gate":
                _check_governed(node, graph, findings)
    return graph


def order_nodes(graph: Graph, ports: tuple[str, ...] | None = None) -> set[str]:
    """The nodes that `orders` reads directly, all or only at some ports."""
    bound = [b for name, b in graph.orders.items() if ports is None or name in ports]
    return {ref.node for b in bound for ref in elements(b) if isinstance(ref, PortRef)}


def _check_dead(graph: Graph, drawn: nx.DiGraph[str], findings: Findings) -> None:
    wanted = order_nodes(graph) | {r.node for r in graph.record} | {r.node for r in graph.roles.values()}
    wanted |= {key for key, node in graph.nodes.items() if node.layer.closed_loop and node.layer.domain == "execution"}
    alive = set(wanted)
    for key in wanted:
        alive |= nx.ancestors(drawn, key)
    for key, node in graph.nodes.items():
        if key not in alive:
            findings.warning(
                "W040",
                f"{key} ({node.layer.name}) feeds no order, record or role",
                node.place,
                f"record one of its ports, `record: [{key}.{next(iter(node.layer.outputs))}]`, or drop it",
            )


def _check_gate(graph: Graph, drawn: nx.DiGraph[str], findings: Findings) -> None:
    gates = {key for key, node in graph.nodes.items() if node.layer.role == "gate"}
    open_paths = drawn.subgraph(set(graph.nodes) - gates)
    for target in sorted(order_nodes(graph) - gates):
        around = [k for k in nx.ancestors(open_paths, target) | {target} if graph.nodes[k].layer.domain in OPINIONS]
        if around:
            first = min(around, key=list(graph.nodes).index)
            path = " -> ".join([*nx.shortest_path(open_paths, first, target), "orders"])
            findings.error(
                "W042",
                f"an order can be made without the risk gate: {path}",
                graph.nodes[first].place,
                "let the proposal go through L4 (risk_manager), and feed the order from there",
            )
    for name in GUARDED:
        reached = order_nodes(graph, (name,))
        behind = reached | {a for key in reached for a in nx.ancestors(drawn, key)}
        if not behind & gates and not findings.blames(graph.orders[name].place):
            findings.error(
                "W044",
                f"`orders.{name}` does not come from a risk gate",
                graph.orders[name].place,
                "wire it behind L4 (risk_manager)",
            )


def _check_governed(gate: Node, graph: Graph, findings: Findings) -> None:
    for port in GOVERNED:
        binding = gate.inputs.get(port)
        if binding is None or findings.blames(binding.place):
            continue
        governed = isinstance(binding, PortRef) and graph.nodes[binding.node].layer.role == "governor"
        if not governed or (isinstance(binding, PortRef) and (binding.delay or binding.port != port)):
            findings.error(
                "W043",
                f"{gate.key}.{port} is {binding}, not the governor's `{port}` of this step",
                binding.place,
                f"wire it to L95.{port} (safety_governor)",
            )
