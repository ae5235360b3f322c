"""Pass 3: every wire joins a port to one that it may feed: edge type, vector size, presence, clock and scope."""

from __future__ import annotations

from dataclasses import replace

from stratoquant.graph.account import (
    CLOCK_PORTS,
    OPERATOR_PORTS,
    ORDER_PORTS,
    SHARED_ACCOUNT_PORTS,
    SYMBOL_ACCOUNT_PORTS,
    VENUE_PORTS,
)
from stratoquant.graph.clock import Clock, format_clock, format_opening
from stratoquant.graph.diagnostics import Findings
from stratoquant.graph.model import (
    Binding,
    Constant,
    Graph,
    Missing,
    Node,
    PortRef,
    Scalar,
    SourceRef,
    VectorOf,
    elements,
)
from stratoquant.graph.passes.p2_resolve import fitting_outputs
from stratoquant.graph.types import PER_BAR, PortType, edge

MARKET = edge("market_event")


def check_types(graph: Graph, findings: Findings) -> Graph:
    """Returns the graph; every wire that does not fit is a finding that names both its ends."""
    for node in graph.nodes.values():
        _check_clock(node, graph, findings)
        for name, binding in node.inputs.items():
            port = node.layer.inputs[name]
            _check_binding(f"{node.key}.{name}", port, binding, node.layer.portfolio, graph, findings)
            _check_time_basis(node, name, graph, findings)
    for name, binding in graph.orders.items():
        _check_binding(f"orders.{name}", ORDER_PORTS[name], binding, False, graph, findings)
    return graph


def source_type(graph: Graph, ref: PortRef | SourceRef) -> PortType:
    """The type at the producing end of a wire."""
    if isinstance(ref, PortRef):
        return graph.nodes[ref.node].layer.outputs[ref.port]
    if ref.group == "market":
        return MARKET
    return (SYMBOL_ACCOUNT_PORTS | SHARED_ACCOUNT_PORTS | CLOCK_PORTS | OPERATOR_PORTS | VENUE_PORTS)[ref.port]


def is_per_symbol(graph: Graph, ref: PortRef | SourceRef) -> bool:
    """True when the producing end has one value a symbol, False when it has one for all."""
    if isinstance(ref, SourceRef):
        return ref.group == "market" or (ref.group == "account" and ref.port in SYMBOL_ACCOUNT_PORTS)
    layer = graph.nodes[ref.node].layer
    return not layer.portfolio or layer.outputs[ref.port].per_symbol


def _check_clock(node: Node, graph: Graph, findings: Findings) -> None:
    if graph.clock_ms and node.clock_ms % graph.clock_ms:
        base = format_clock(graph.clock_ms)
        message = f"{node.key}: the clock {format_clock(node.clock_ms)} is no multiple of the base clock {base}"
        findings.error("W025", message, node.place, f"use a multiple of {base}, or a faster base clock")
    elif graph.clock_ms and (graph.origins[node.clock_ms] - graph.origins[graph.clock_ms]) % graph.clock_ms:
        own, base = (format_opening(Clock(ms, graph.origins[ms])) for ms in (node.clock_ms, graph.clock_ms))
        message = f"{node.key}: bars of {own} do not open with a bar of the base clock {base}"
        findings.error("W025", message, node.place, "let it open where a bar of the base clock opens")


def _check_time_basis(node: Node, name: str, graph: Graph, findings: Findings) -> None:
    """A number per bar of one clock is none per bar of another: four times as long a bar moves twice as far."""
    port, own = node.layer.inputs[name], node.clock_ms
    if port.edge.name not in PER_BAR:
        return
    for ref in elements(node.inputs[name]):
        if not isinstance(ref, PortRef) or not port.accepts(source_type(graph, ref)):
            continue  # a constant says nothing of its time, and what is of another kind is told already
        clock_ms = graph.nodes[ref.node].clock_ms
        if clock_ms == own:
            continue
        clocks = format_clock(own), format_clock(clock_ms)
        message = (
            f"{node.key}.{name} takes a {port.edge.name} per bar of {clocks[0]}, but {ref} is per bar of {clocks[1]}"
        )
        beside = {n.key: n.layer for n in graph.nodes.values() if n.clock_ms == own and n is not node}
        fits = fitting_outputs(port, beside)
        fix = f"wire {', '.join(fits[:3])}" if fits else f"wire a {port.edge.name} of a node with `clock: {clocks[0]}`"
        findings.error("W020", message, ref.place, fix)


def _check_binding(
    where: str, port: PortType, binding: Binding, portfolio: bool, graph: Graph, findings: Findings
) -> None:
    if isinstance(binding, VectorOf):
        _check_vector(where, port, binding, portfolio, graph, findings)
    elif isinstance(binding, Missing):
        if not port.optional and binding.written:
            findings.error(
                "W024",
                f"{where} is required and cannot be `none`",
                binding.place,
                f"wire a {port.edge.name} or a constant",
            )
    elif isinstance(binding, Constant):
        _check_constant(where, port, binding, findings)
    else:
        _check_wire(where, port, binding, portfolio, graph, findings)


def _check_vector(
    where: str, port: PortType, binding: VectorOf, portfolio: bool, graph: Graph, findings: Findings
) -> None:
    if port.size is None or portfolio:
        findings.error("W022", f"{where} takes one {port.edge.name}, not a list", binding.place, "wire one port")
        return
    if len(binding.elements) > port.size:
        findings.error(
            "W022",
            f"{where} takes {port.size} ports, the list has {len(binding.elements)}",
            binding.place,
            "shorten the list; a shorter one is filled up with none",
        )
    element = replace(port, size=None, optional=True)
    for i, scalar in enumerate(binding.elements):
        _check_binding(f"{where}[{i}]", element, scalar, False, graph, findings)


def _check_constant(where: str, port: PortType, constant: Constant, findings: Findings) -> None:
    if port.size is not None or port.edge.name == "market_event":
        findings.error("W022", f"{where} takes a {port}, not a number", constant.place, "wire a port")
    elif not port.edge.admits(constant.value):
        findings.error(
            "W021",
            f"{where}: {constant.value:g} is no {port.edge.name} ({port.edge.range_text()})",
            constant.place,
            "give a constant inside the port's range",
        )


def _check_wire(where: str, port: PortType, ref: Scalar, portfolio: bool, graph: Graph, findings: Findings) -> None:
    assert isinstance(ref, PortRef | SourceRef)
    source = source_type(graph, ref)
    if not port.accepts(source):
        message = f"{where} takes a {_plain(port)}, but {ref} is a {_plain(source)}"
        findings.error("W020", message, ref.place, _instead(port, ref, graph))
    if portfolio and not port.per_symbol and is_per_symbol(graph, ref):
        findings.error(
            "W023",
            f"{where} is one value for all symbols, but {ref} has one a symbol",
            ref.place,
            "wire an account.*, clock.*, venue.*, operator.* or shared portfolio port",
        )
    if isinstance(ref, PortRef) and ref.delay:
        if ref.otherwise is None and not port.optional and port.size is None:
            findings.error(
                "W024",
                f"{where} is required; `else none` would leave it missing",
                ref.place,
                "give the value that stands there before the first step",
            )
        elif ref.otherwise is not None and not port.edge.admits(ref.otherwise):
            findings.error(
                "W021",
                f"{where}: else {ref.otherwise:g} is no {port.edge.name} ({port.edge.range_text()})",
                ref.place,
                "give a value inside the port's range",
            )
    _check_event(where, port, ref, findings)


def _instead(port: PortType, ref: PortRef | SourceRef, graph: Graph) -> str:
    """What may be wired there: first of the node that was meant, then of any."""
    layers = {key: node.layer for key, node in graph.nodes.items()}
    if isinstance(ref, PortRef) and (own := fitting_outputs(port, {ref.node: layers[ref.node]}, ref.port)):
        return f"of {ref.node} these fit: {', '.join(own[:5])}"
    fits = fitting_outputs(port, layers, ref.port)
    return f"wire a {_plain(port)}" + (f", such as {', '.join(fits[:3])}" if fits else "")


def _check_event(where: str, port: PortType, ref: Scalar, findings: Findings) -> None:
    if port.edge.name == "market_event" and isinstance(ref, PortRef):
        findings.error("W027", f"{where} is fed by the market alone", ref.place, "write `market`")


def _plain(port: PortType) -> str:
    return str(replace(port, optional=False))
