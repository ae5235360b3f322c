"""The cut: which nodes of a graph a chart can compute from its own bars, and what crosses into them from the rest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from graph.model import Binding, Constant, Graph, Missing, Node, PortRef, SourceRef, VectorOf, elements

CHART_CLOCK_PORTS = ("time", "close_time")


@dataclass(frozen=True)
class Crossing:
    """An edge that leaves the part outside the chart and enters the part inside.

    embedded: fed from exported values; otherwise the input is switched off as missing.
    """

    source: str
    reader: str
    embedded: bool


@dataclass(frozen=True)
class Cut:
    """nodes: what the chart computes, in the order of the schedule is left to the caller. left_out: reason by node."""

    nodes: frozenset[str]
    left_out: dict[str, str]
    crossings: tuple[Crossing, ...]


def cut(graph: Graph, embedded: frozenset[str] = frozenset()) -> Cut:
    """Finds the largest part that needs bars and `embedded` ports (NODE.port) alone."""
    left_out = {key: reason for key, node in graph.nodes.items() if (reason := own_reason(node))}
    while True:
        found = {
            key: reason
            for key, node in graph.nodes.items()
            if key not in left_out and (reason := _missing_input(graph, node, left_out, embedded))
        }
        if not found:
            break
        left_out |= found
    nodes = frozenset(graph.nodes) - left_out.keys()
    return Cut(nodes, left_out, tuple(_crossings(graph, nodes, embedded)))


def only(graph: Graph, whole: Cut, ports: Sequence[str]) -> Cut:
    """The part of a cut that the given ports (NODE.port) need, directly or through others, late reads included."""
    needed: set[str] = set()
    todo = [port.split(".")[0] for port in ports]
    while todo:
        key = todo.pop()
        if key in whole.nodes and key not in needed:
            needed.add(key)
            todo += [ref.node for _, ref in graph.nodes[key].references()]
    kept = frozenset(needed)
    crossings = tuple(c for c in whole.crossings if c.reader.split(".")[0] in kept)
    return Cut(kept, whole.left_out, crossings)


def own_reason(node: Node) -> str:
    """Why a layer by itself has no place on a chart; empty when it has one."""
    layer = node.layer
    if layer.portfolio:
        return "sees every symbol at once"
    if layer.pine not in ("yes", "source"):
        return "needs more than bars"
    return ""


def _missing_input(graph: Graph, node: Node, left_out: dict[str, str], embedded: frozenset[str]) -> str:
    for port, binding in node.inputs.items():
        if node.layer.inputs[port].optional:
            continue
        scalars = elements(binding)
        gone = [s for s in scalars if not available(graph, s, left_out, embedded)]
        if gone and len(gone) == len(scalars):
            return f"its input {port} comes from {gone[0]}"
    return ""


def available(graph: Graph, scalar: Binding, left_out: dict[str, str], embedded: frozenset[str]) -> bool:
    """True when a value can be had on a chart."""
    if isinstance(scalar, PortRef):
        if f"{scalar.node}.{scalar.port}" in embedded:
            return True
        return scalar.node not in left_out and not is_book(graph, scalar)
    if isinstance(scalar, SourceRef):
        return scalar.group == "market" or (scalar.group == "clock" and scalar.port in CHART_CLOCK_PORTS)
    return isinstance(scalar, Constant | Missing)


def is_book(graph: Graph, ref: PortRef) -> bool:
    """True for the vectors of the market's door: a chart has no order book."""
    layer = graph.nodes[ref.node].layer
    return layer.pine == "source" and layer.outputs[ref.port].size is not None


def inside(graph: Graph, nodes: frozenset[str], embedded: frozenset[str], scalar: Binding) -> bool:
    """True when a reader on the chart gets this value, False when it is switched off."""
    return available(graph, scalar, dict.fromkeys(frozenset(graph.nodes) - nodes, ""), embedded)


def _crossings(graph: Graph, nodes: frozenset[str], embedded: frozenset[str]) -> list[Crossing]:
    found = []
    for key in graph.nodes:
        if key not in nodes:
            continue
        for port, binding in graph.nodes[key].inputs.items():
            for scalar in binding.elements if isinstance(binding, VectorOf) else (binding,):
                source = f"{scalar.node}.{scalar.port}" if isinstance(scalar, PortRef) else str(scalar)
                if isinstance(scalar, Missing | Constant):
                    continue
                if source in embedded:
                    found.append(Crossing(source, f"{key}.{port}", embedded=True))
                elif not inside(graph, nodes, embedded, scalar):
                    found.append(Crossing(source, f"{key}.{port}", embedded=False))
    return found
