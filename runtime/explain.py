"""Why an order was made, or what stopped it: the values at one step, along the wires that lead to the order."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass

from stratoquant.graph.account import ORDER_COMMANDS, ORDER_PORTS, SHARED_ACCOUNT_PORTS
from stratoquant.graph.language import BOUND
from stratoquant.graph.model import Constant, Graph, Missing, Node, PortRef, SourceRef, elements
from stratoquant.graph.session import Session
from stratoquant.graph.types import PortType

_IN_WORDS = {"side": {-1.0: "short", 0.0: "flat", 1.0: "long"}, "flag": {0.0: "no", 1.0: "yes"}}
_PLACE = re.compile(r"\{(\w+)\}")


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
    """order: the values at the order ports. verdict: in a sentence. story: what the layers on the way say, in the order
    of the data, and then what caused each veto. readings: nearest to the order first."""

    order: tuple[Value, ...]
    verdict: str
    story: tuple[str, ...]
    readings: tuple[Reading, ...]


def explain(session: Session, symbol: int) -> Explanation:
    """Reads the present values of a session that has just stepped, for one symbol of its plan."""
    graph = session.plan.graph
    order = tuple(_order_values(session, graph, symbol))
    readings = tuple(_readings(session, graph, symbol))
    return Explanation(order, _verdict(session, graph, symbol), tuple(_story(session, readings, symbol)), readings)


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
    """What came of the step: what left, or the first thing that stood in the way."""
    gate = graph.gate
    if gate is None:
        return "the wiring makes no orders"
    masks = _masks(session, gate, symbol)
    if any(math.isnan(mask.number) for mask in masks):
        return "no decision: the risk gate has not decided yet, or one of its inputs is missing at this bar"
    left = _left(session, symbol)
    vetoes = "; ".join(mask.words for mask in masks if mask.number)
    if vetoes:
        return f"stopped or limited by: {vetoes}" + (f"; {left}" if left else "")
    return left or _nothing_left(session, graph, gate, symbol)


def _masks(session: Session, node: Node, symbol: int) -> list[Value]:
    """The outputs of a node that are sets of reasons."""
    ports = [port for port, kind in node.layer.outputs.items() if kind.edge.name == "bitmask"]
    values = [float(session.value(f"{node.key}.{port}", symbol)[0]) for port in ports]
    return [named_value(session.plan.graph, node, port, x) for port, x in zip(ports, values, strict=True)]


def _left(session: Session, symbol: int) -> str:
    """What left the graph, after the border; empty when nothing did."""
    order = session.orders[symbol]
    command = ORDER_COMMANDS[0 if math.isnan(order["command"]) else int(order["command"])]
    if command == "cancel":
        return "the working order was called off" if session.accounts["working"][symbol] else ""
    asks = command != "keep" and order["valid"] != 0.0 and abs(order["side"]) > 0.0 and order["qty"] > 0.0
    return f"an order left: {'buy' if order['side'] > 0.0 else 'sell'} {order['qty']:.6g}" if asks else ""


def _nothing_left(session: Session, graph: Graph, gate: Node, symbol: int) -> str:
    """Why no order left although the gate vetoed nothing."""
    for node in graph.nodes.values():
        if node.layer.role == "governor" and float(session.value(f"{node.key}.trade", symbol)[0]) != 1.0:
            reasons = "; ".join(mask.words for mask in _masks(session, node, symbol) if mask.number)
            return f"no order: trading is stopped{f' by: {reasons}' if reasons else ''}"
    if "side" in gate.inputs and _input(session, gate, "side", symbol).number == 0.0:
        return "no order: nothing was proposed"
    if float(session.value(f"{gate.key}.{BOUND}", symbol)[0]) > 0.0 and _approves(session, gate, symbol):
        return "no order: what the gate decided did not leave; see `valid`, `qty` and `command` below"
    return "no order: the position is what the gate decided"


def _approves(session: Session, gate: Node, symbol: int) -> bool:
    return "approved" in gate.layer.outputs and float(session.value(f"{gate.key}.approved", symbol)[0]) == 1.0


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


def _story(session: Session, readings: tuple[Reading, ...], symbol: int) -> Iterator[str]:
    """A sentence for each node that has words, and one for each cause of a veto of the gate or the governor."""
    graph = session.plan.graph
    on_the_way = {reading.node for reading in readings}
    in_order = [key for stage in session.plan.schedule.stages for key in stage.nodes if key in on_the_way]
    for key in in_order:
        node = graph.nodes[key]
        if node.layer.says:
            yield f"{key} {node.layer.name}: {_told(session, node, symbol)}"
    for key in in_order:
        node = graph.nodes[key]
        for port, names in node.layer.labels.items():
            if node.layer.causes and node.layer.outputs[port].edge.name == "bitmask":
                yield from _causes(session, node, port, names, symbol)


def _told(session: Session, node: Node, symbol: int) -> str:
    def value(match: re.Match[str]) -> str:
        port = match[1]
        if port in node.layer.outputs:
            number = float(session.value(f"{node.key}.{port}", symbol)[0])
            return _written(named_value(session.plan.graph, node, port, number), node.layer.outputs[port])
        return _written(_input(session, node, port, symbol), node.layer.inputs[port])

    return _PLACE.sub(value, node.layer.says)


def _causes(session: Session, node: Node, port: str, names: tuple[str, ...], symbol: int) -> Iterator[str]:
    mask = float(session.value(f"{node.key}.{port}", symbol)[0])
    set_bits = [name for bit, name in enumerate(names) if not math.isnan(mask) and int(mask) >> bit & 1]
    for name in set_bits:
        inputs = node.layer.causes.get(name) or missing_inputs(session, node, symbol)
        values = "; ".join(str(_input(session, node, i, symbol)) for i in inputs)
        yield f"{node.key} {port} {name!r}, from {values or 'its own memory'}"


def missing_inputs(session: Session, node: Node, symbol: int) -> tuple[str, ...]:
    """The wired inputs of a node that have no value at this step."""
    wired = [n for n, b in node.inputs.items() if not isinstance(b, Missing)]
    return tuple(n for n in wired if math.isnan(_input(session, node, n, symbol).number))


def _input(session: Session, node: Node, port: str, symbol: int) -> Value:
    """What a node read at an input; of a value one step late the present one is all that is left, and is not told."""
    binding = node.inputs[port]
    number = math.nan
    if isinstance(binding, Constant):
        number = binding.value
    elif isinstance(binding, PortRef) and not binding.delay:
        source = session.plan.graph.nodes[binding.node]
        number = float(session.value(f"{binding.node}.{binding.port}", symbol)[0])
        return named_value(session.plan.graph, source, binding.port, number)
    elif isinstance(binding, SourceRef) and binding.group == "account":
        shared = binding.port in SHARED_ACCOUNT_PORTS
        number = float(session.wallet[binding.port][0] if shared else session.accounts[binding.port][symbol])
    return Value(f"{binding}" if not isinstance(binding, Constant) else f"{port} (constant)", number)


def _written(value: Value, kind: PortType) -> str:
    """A value inside a sentence, in words where there are some."""
    if math.isnan(value.number):
        return "missing"
    names = _IN_WORDS.get(kind.edge.name, {})
    return value.words or names.get(value.number) or f"{value.number + 0.0:.4g}"


def _values(session: Session, graph: Graph, node: Node, symbol: int) -> tuple[Value, ...]:
    values = []
    for port, kind in node.layer.outputs.items():
        if kind.size is None:
            number = float(session.value(f"{node.key}.{port}", symbol)[0])
            values.append(named_value(graph, node, port, number))
    return tuple(values)
