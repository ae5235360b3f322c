"""The cut: which nodes of a graph a chart can compute from its own bars, and what crosses into them from the rest."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from stratoquant.graph.model import Binding, Constant, Graph, Missing, Node, PortRef, SourceRef, VectorOf, elements
from stratoquant.mirror.pine.account import tester_value
from stratoquant.mirror.pine.reasons import ACCOUNT, BOOK, INPUT, Reason, is_book, own_reason


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
    """nodes: what the chart computes, in any order. left_out: reason by node.

    strategy: the tester's account stands for the account.
    """

    nodes: frozenset[str]
    left_out: dict[str, Reason]
    crossings: tuple[Crossing, ...]
    strategy: bool = False


def cut(graph: Graph, embedded: frozenset[str] = frozenset(), *, strategy: bool = False) -> Cut:
    """Finds the largest part that needs bars and `embedded` ports (NODE.port) alone; in a strategy, the tester's
    account as well."""
    left_out = {
        key: reason for key, node in graph.nodes.items() if (reason := own_reason(graph, node, strategy=strategy))
    }
    while True:
        found = {
            key: reason
            for key, node in graph.nodes.items()
            if key not in left_out and (reason := _missing_input(graph, node, left_out, embedded, strategy))
        }
        if not found:
            break
        left_out |= found
    nodes = frozenset(graph.nodes) - left_out.keys()
    return Cut(nodes, left_out, tuple(_crossings(graph, nodes, embedded, strategy)), strategy)


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
    return Cut(kept, whole.left_out, crossings, whole.strategy)


def _missing_input(
    graph: Graph, node: Node, left_out: dict[str, Reason], embedded: frozenset[str], strategy: bool
) -> Reason | None:
    for port, binding in node.inputs.items():
        if node.layer.inputs[port].optional:
            continue
        scalars = elements(binding)
        gone = [s for s in scalars if not available(graph, s, left_out, embedded, strategy=strategy)]
        if gone and len(gone) == len(scalars):
            return _gone(graph, port, gone[0], strategy)
    return None


def _gone(graph: Graph, port: str, source: Binding, strategy: bool) -> Reason:
    """Why a required input is missing."""
    if isinstance(source, PortRef) and is_book(graph, source):
        return Reason(BOOK, f"its input {port} is the order book ({source}), which a chart does not have")
    if isinstance(source, SourceRef):
        who = "the strategy tester does not show" if strategy else "only a strategy has"
        return Reason(ACCOUNT, f"its input {port} is {source}, which {who}")
    return Reason(INPUT, f"its input {port} comes from {source}, which is left out")


def first_cause(graph: Graph, part: Cut, key: str) -> str:
    """The node because of which a node is left out: itself, or one that it reads from, however far away."""
    seen: set[str] = set()
    todo = [key]
    while todo:
        found = todo.pop(0)
        if part.left_out[found].kind != INPUT:
            return found
        seen.add(found)
        todo += [r.node for _, r in graph.nodes[found].references() if r.node in part.left_out and r.node not in seen]
    return key


def available(
    graph: Graph, scalar: Binding, left_out: Collection[str], embedded: frozenset[str], *, strategy: bool = False
) -> bool:
    """True when a value can be had on a chart."""
    if isinstance(scalar, PortRef):
        if f"{scalar.node}.{scalar.port}" in embedded:
            return True
        return scalar.node not in left_out and not is_book(graph, scalar)
    if isinstance(scalar, SourceRef):
        chart = scalar.group == "market" or scalar.group in ("clock", "venue")
        return chart or (strategy and tester_value(scalar) is not None)
    return isinstance(scalar, Constant | Missing)


def inside(
    graph: Graph, nodes: frozenset[str], embedded: frozenset[str], scalar: Binding, *, strategy: bool = False
) -> bool:
    """True when a reader on the chart gets this value, False when it is switched off."""
    return available(graph, scalar, frozenset(graph.nodes) - nodes, embedded, strategy=strategy)


def _crossings(graph: Graph, nodes: frozenset[str], embedded: frozenset[str], strategy: bool) -> list[Crossing]:
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
                elif not inside(graph, nodes, embedded, scalar, strategy=strategy):
                    found.append(Crossing(source, f"{key}.{port}", embedded=False))
    return found
