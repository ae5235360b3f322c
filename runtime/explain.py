"""Why an order was made, or what stopped it: the values at one step, along the wires that lead to the order."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from graph.account import ORDER_PORTS
from graph.model import Constant, Graph, Node, PortRef, elements
from graph.session import Session


@dataclass(frozen=True)
class Value:
    """A port at one step. words: its names where it counts classes or bits, else empty."""

    port: str
    number: float
    words: str = ""

    def __str__(self) -> str:
        number = "missing" if math.isnan(self.number) else f"{self.number:.6g}"
        return f"{self.port} = {number}" + (f" ({self.words})" if self.words else "")


@dataclass(frozen=True)
class Reading:
    """A node on the way to the order: what it said, and which nodes it read. steps: wires between it and the order."""

    node: str
    layer: str
    domain: str
    values: tuple[Value, ...]
    reads: tuple[str, ...]
    steps: int


@dataclass(frozen=True)
class Explanation:
    """order: the values at the order ports. verdict: in a sentence. readings: nearest to the order first."""

    order: tuple[Value, ...]
    verdict: str
    readings: tuple[Reading, ...]


def explain(session: Session, symbol: int) -> Explanation:
    """Reads the present values of a session that has just stepped, for one symbol of its plan."""
    graph = session.plan.graph
    order = tuple(_order_values(session, graph, symbol))
    readings = tuple(_readings(session, graph, symbol))
    return Explanation(order, _verdict(session, graph, symbol), readings)


def named_value(graph: Graph, node: Node, port: str, number: float) -> Value:
    """A value with the names that its layer declares for classes or bits."""
    names = node.layer.labels.get(port, ())
    words = ""
    if names and not math.isnan(number):
        if node.layer.outputs[port].edge.name == "bitmask":
            words = ", ".join(name for bit, name in enumerate(names) if int(number) >> bit & 1) or "none"
        elif 0 <= int(number) < len(names):
            words = names[int(number)]
    return Value(f"{node.key}.{port}", number, words)


def _order_values(session: Session, graph: Graph, symbol: int) -> Iterator[Value]:
    for port in ORDER_PORTS:
        binding = graph.orders.get(port)
        if isinstance(binding, PortRef):
            yield Value(f"{port} <- {binding}", float(session.value(f"{binding.node}.{binding.port}", symbol)[0]))
        elif isinstance(binding, Constant):
            yield Value(port, binding.value)


def _verdict(session: Session, graph: Graph, symbol: int) -> str:
    gates = [n for n in graph.nodes.values() if n.layer.role == "gate"]
    if not gates:
        return "the wiring makes no orders"
    masks = [p for p, kind in gates[0].layer.outputs.items() if kind.edge.name == "bitmask"]
    values = [named_value(graph, gates[0], p, float(session.value(f"{gates[0].key}.{p}", symbol)[0])) for p in masks]
    if any(math.isnan(v.number) for v in values):
        return "no decision: the risk gate has not spoken yet, or one of its inputs is missing at this bar"
    reasons = [v.words for v in values if v.number]
    return f"stopped or limited by: {'; '.join(reasons)}" if reasons else "nothing stood in the way"


def _readings(session: Session, graph: Graph, symbol: int) -> Iterator[Reading]:
    seen: set[str] = set()
    level = [r.node for b in graph.orders.values() for r in elements(b) if isinstance(r, PortRef)]
    if not level:
        level = [ref.node for ref in graph.roles.values()]
    steps = 1
    while level:
        following: list[str] = []
        for key in dict.fromkeys(level):
            if key not in seen:
                seen.add(key)
                node = graph.nodes[key]
                reads = tuple(dict.fromkeys(ref.node for _, ref in node.references()))
                yield Reading(
                    key, node.layer.name, node.layer.domain, _values(session, graph, node, symbol), reads, steps
                )
                following += reads
        level, steps = following, steps + 1


def _values(session: Session, graph: Graph, node: Node, symbol: int) -> tuple[Value, ...]:
    values = []
    for port, kind in node.layer.outputs.items():
        if kind.size is None:
            number = float(session.value(f"{node.key}.{port}", symbol)[0])
            values.append(named_value(graph, node, port, number))
    return tuple(values)
