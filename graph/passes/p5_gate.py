"""Pass 5, the gate: no order without the risk gate, whatever is wired, overridden or added.

Every port of an order is an output of the one gate, or of a shipped execution layer that declares it for that port and
that the gate dominates: every path by which a value can reach the order leads through the gate. Of an execution layer
only the inputs count that it declares as DECISION; its other inputs choose time and price within what was decided, and
must not come from a signal. Inputs whose
origin is declared (graph.origin) accept nothing else, so that the gate and what follows it see the account, the
operator and the market as they are. A layer of the user's own is a signal, whatever domain it declares.
"""

from __future__ import annotations

from collections.abc import Iterator

from stratoquant.graph.diagnostics import Findings
from stratoquant.graph.digraph import Digraph
from stratoquant.graph.model import Binding, Constant, Graph, Missing, Node, PortRef, SourceRef, elements
from stratoquant.graph.origin import Origin
from stratoquant.graph.passes.p4_causality import wires

SIGNALS = frozenset({"kinematics", "pattern", "fusion", "meta", "rl", "block"})
"""Domains whose outputs are opinions about the market."""

GOVERNED = ("trade", "close_only", "flatten", "scale")
OUTSIDE = "outside"
LEGAL_CONSTANTS = {
    "valid": (1.0,),
    "post_only": (0.0, 1.0),
    "kind": (0.0,),
    "ttl": None,  # any number of bars
    "command": (0.0,),
}
"""Order ports that may be a number: those that neither enlarge an order nor hold back one that closes."""


def check_gate(graph: Graph, findings: Findings) -> Graph:
    """Returns the graph; every way around the gate is an error."""
    for node in graph.nodes.values():
        if node.shipped:
            _check_origins(node, graph, findings)
    if not graph.orders:
        return graph
    gates = [node for node in graph.nodes.values() if node.layer.role == "gate"]
    for gate in gates:
        _check_governed(gate, graph, findings)
    if len(gates) > 1:
        _refuse_second_gate(gates, findings)
    elif not findings.errors or gates:
        _check_orders(graph, gates[0] if gates else None, findings)
    return graph


def dominators(graph: Graph) -> dict[str, list[str]]:
    """By order port that is wired to a node: the nodes that every path to it leads through, the first one first."""
    flow = _flow(graph)
    wired = {port: binding.node for port, binding in graph.orders.items() if isinstance(binding, PortRef)}
    chains = {target: flow.dominators(OUTSIDE, target)[1:] for target in dict.fromkeys(wired.values())}
    return {port: chains[target] for port, target in wired.items() if chains[target]}  # pass 4 reports the others


def _is_execution(node: Node) -> bool:
    return node.shipped and node.layer.domain == "execution"


def _is_signal(node: Node) -> bool:
    return not node.shipped or node.layer.domain in SIGNALS


def _flow(graph: Graph) -> Digraph:
    """How a value can come to a node: from another node, or from outside (sources, constants, values of the step
    before). Of an execution layer only the inputs that carry the gate's decision count."""
    flow = Digraph([OUTSIDE, *graph.nodes])
    for node in graph.nodes.values():
        carrying = [p for p in node.inputs if not _is_execution(node) or _origin(node, p).decision]
        bound = [s for port in carrying for s in elements(node.inputs[port]) if not isinstance(s, Missing)]
        inner = {s.node for s in bound if isinstance(s, PortRef) and not s.delay}
        for before in sorted(inner):
            flow.add(before, node.key)
        if not bound or any(not isinstance(s, PortRef) or s.delay for s in bound):
            flow.add(OUTSIDE, node.key)
    return flow


def _origin(node: Node, port: str) -> Origin:
    return node.layer.origins.get(port, Origin())


def _check_orders(graph: Graph, gate: Node | None, findings: Findings) -> None:
    chains = dominators(graph)
    for port, binding in graph.orders.items():
        if findings.blames(binding.place) or isinstance(binding, Missing):
            continue
        if isinstance(binding, Constant):
            legal = LEGAL_CONSTANTS.get(port, ())
            if legal is not None and binding.value not in legal:
                _refuse_source(port, binding, findings)
        elif not isinstance(binding, PortRef) or binding.delay:
            _refuse_source(port, binding, findings)
        elif port in chains:
            _check_order(port, binding, chains[port], gate, graph, findings)
    _check_signals(graph, findings)
    for key in sorted({key for chain in chains.values() for key in chain}):
        _check_base_clock(graph.nodes[key], graph, findings)


def _check_order(
    port: str, ref: PortRef, chain: list[str], gate: Node | None, graph: Graph, findings: Findings
) -> None:
    node = graph.nodes[ref.node]
    if not node.shipped or node.layer.sends.get(port) != ref.port:
        _refuse_source(port, ref, findings)
    elif gate is None or gate.key not in chain:
        _report_way_around(port, ref, gate, graph, findings)


def _report_way_around(port: str, ref: PortRef, gate: Node | None, graph: Graph, findings: Findings) -> None:
    """At the wire by which something other than the gate's decision first enters an execution layer."""
    path = _way_around(graph, gate, ref.node)
    entered = next((k for k, key in enumerate(path) if k and _is_execution(graph.nodes[key])), None)
    place = ref.place
    if entered is not None:
        node, before = graph.nodes[path[entered]], path[entered - 1]
        wires_in = [b for p, b in node.inputs.items() if _origin(node, p).decision]
        place = next((b.place for b in wires_in if before in _producers(b)), ref.place)
    if not findings.blames(place):
        findings.error(
            "W042",
            f"an order can be made without the risk gate: {' -> '.join(path)} -> orders.{port}",
            place,
            "let the proposal go through L4 (risk_manager), and feed the order from what follows it",
        )


def _producers(binding: Binding) -> set[str]:
    return {s.node if isinstance(s, PortRef) and not s.delay else OUTSIDE for s in elements(binding)}


def _refuse_source(port: str, binding: Binding, findings: Findings) -> None:
    legal = LEGAL_CONSTANTS.get(port, ())
    numbers = "any number" if legal is None else " or ".join(f"{x:g}" for x in legal)
    findings.error(
        "W044",
        f"`orders.{port}` is {binding}, which is no output of the risk gate or of an execution layer behind it",
        binding.place,
        "wire it to an output of L4 (risk_manager) or of a shipped execution layer behind it"
        + (f", or give {numbers}" if numbers else ""),
    )


def _way_around(graph: Graph, gate: Node | None, target: str) -> list[str]:
    """The shortest path from outside to a node that does not lead through the gate."""
    flow = _flow(graph)
    path = flow.part(key for key in flow if gate is None or key != gate.key).shortest_path(OUTSIDE, target)
    assert path is not None, "the gate is no dominator"
    return path


def _check_signals(graph: Graph, findings: Findings) -> None:
    """No signal reaches an order but through the gate, not even to choose its time or price."""
    drawn = wires(graph, delayed=True)
    open_paths = drawn.part(key for key, node in graph.nodes.items() if node.layer.role != "gate")
    position = {key: i for i, key in enumerate(graph.nodes)}
    ordering = {b.node for b in graph.orders.values() if isinstance(b, PortRef) and not findings.blames(b.place)}
    for target in sorted(ordering & set(open_paths)):
        around = [key for key in open_paths.with_sources([target]) - {target} if _is_signal(graph.nodes[key])]
        if around:
            first = min(around, key=position.__getitem__)
            path = " -> ".join([*(open_paths.shortest_path(first, target) or ()), "orders"])
            own = "" if graph.nodes[first].shipped else " (a layer of your own counts as a signal)"
            findings.error(
                "W042",
                f"a signal reaches an order without the risk gate: {path}{own}",
                graph.nodes[first].place,
                "let the proposal go through L4 (risk_manager), and feed the order from what follows it",
            )


def _check_base_clock(node: Node, graph: Graph, findings: Findings) -> None:
    """A gate that steps now and then would bound the orders of now by the account of then."""
    behind = node.layer.role == "gate" or _is_execution(node)
    if behind and graph.clock_ms and node.clock_ms != graph.clock_ms:
        message = (
            f"{node.key} ({node.layer.name}) does not step at every bar, so its orders would be of an older account"
        )
        findings.error("W049", message, node.place, "remove its `clock`; proposals may step on slower clocks")


def _refuse_second_gate(gates: list[Node], findings: Findings) -> None:
    for gate in gates[1:]:
        message = f"{gate.key} is a second risk gate beside {gates[0].key}; each would bound the account alone"
        findings.error("W049", message, gate.place, f"remove it, and let its proposals go through {gates[0].key}")


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


def _check_origins(node: Node, graph: Graph, findings: Findings) -> None:
    for port, origin in node.layer.origins.items():
        for scalar in elements(node.inputs[port]):
            told = findings.blames(scalar.place) or (isinstance(scalar, Missing) and scalar.unresolved)
            if not told and not _fits(scalar, origin, graph):
                findings.error(
                    "W045",
                    f"{node.key}.{port} is {scalar}, but {node.layer.key} ({node.layer.name}) takes {origin} there",
                    scalar.place,
                    f"wire it to {' or '.join(_meant(origin, graph))}",
                )


def _fits(scalar: Binding, origin: Origin, graph: Graph) -> bool:
    if isinstance(scalar, Missing):
        return origin.absent
    if not origin.ports:
        return not origin.decision or (isinstance(scalar, PortRef) and not scalar.delay)
    if isinstance(scalar, Constant):
        return scalar.value in origin.constants
    if isinstance(scalar, SourceRef):
        return str(scalar) in origin.ports
    if not isinstance(scalar, PortRef) or scalar.delay:
        return False
    node = graph.nodes[scalar.node]
    same_step = node.clock_ms == graph.clock_ms
    return node.shipped and same_step and f"{node.layer.key}.{scalar.port}" in origin.ports


def _meant(origin: Origin, graph: Graph) -> Iterator[str]:
    """What may be wired there, by the names of this wiring's nodes where it has them."""
    if not origin.ports:
        decided = "an output of L4 (risk_manager) or of an execution layer behind it"
        yield decided if origin.decision else "a port or a number"
    for port in origin.ports:
        layer, _, output = port.partition(".")
        placed = [n.key for n in graph.nodes.values() if n.layer.key == layer and n.clock_ms == graph.clock_ms]
        yield f"{placed[0]}.{output}" if placed else port
    yield from (f"{number:g}" for number in origin.constants)


__all__ = ["check_gate", "dominators"]
