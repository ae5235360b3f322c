"""Pass 8: where everything lies in memory: structured records whose fields carry the wiring's own names."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from stratoquant.graph.language import Layer
from stratoquant.graph.layout import model_dtype, params_dtype, state_dtype
from stratoquant.graph.market import MARKET_EVENT
from stratoquant.graph.model import Binding, Constant, Graph, Node, PortRef, VectorOf, elements, kept_ports
from stratoquant.graph.passes.p3_types import is_per_symbol
from stratoquant.graph.passes.p6_warmup import WarmUp

Dtype = np.dtype[np.void]
SharedOrSymbol = tuple[list[Any], list[Any]]
_RECORDS: dict[Dtype, Dtype] = {}

LEAST_ROOM = 4
"""For so many symbols or fewer the records are the same, and so is the machine code."""


@dataclass(frozen=True)
class Column:
    """Where an output port lies among the doubles of its record. shared: one for all symbols."""

    name: str
    shared: bool
    start: int
    size: int


@dataclass(frozen=True)
class Layout:
    """The dtypes of a plan.

    state, edges: a record a symbol. portfolio, shared: one record. edges and shared hold doubles only. params: warm-up
    and values of every node. constants: the numbers that the wiring gives in place of ports. scratch: vectors gathered
    for one step. symbols: the most symbols that fit.
    """

    symbols: int
    state: Dtype
    portfolio: Dtype
    params: Dtype
    constants: Dtype
    edges: Dtype
    shared: Dtype
    scratch: Dtype
    slow_clocks: tuple[int, ...]
    columns: dict[str, Column]


def lay_out(graph: Graph, warmup: WarmUp, symbols: int) -> Layout:
    """Fixes every record. Capacities follow from parameters and the number of symbols, rounded to powers of two."""
    room = room_for(symbols)
    nodes = list(graph.nodes.values())
    slow = tuple(sorted({n.clock_ms for n in nodes} - {graph.clock_ms}))
    edges, shared = _edges(graph)
    return Layout(
        symbols=room,
        state=_record(
            [(n.key, _memory(n, room)) for n in nodes if not n.layer.portfolio]
            + [(f"market_{clock}", MARKET_EVENT) for clock in slow]
        ),
        portfolio=_record([(n.key, _memory(n, room)) for n in nodes if n.layer.portfolio]),
        params=_record([(n.key, _params(n.layer)) for n in nodes]),
        constants=_record([(name, np.float64) for name, _ in constants(graph)]),
        edges=_record(edges),
        shared=_record(shared),
        scratch=_record(list(_scratch(graph, room))),
        slow_clocks=slow,
        columns=port_columns(graph),
    )


def room_for(symbols: int) -> int:
    """How many symbols the records of a plan have room for."""
    return 1 << (max(symbols, LEAST_ROOM) - 1).bit_length()


def edge_field(key: str, port: str) -> str:
    """The field of an output port in the edge records, and the local name that the generated code gives it."""
    return f"{key}__{port}"


def delayed_ports(graph: Graph) -> list[PortRef]:
    """Each port that somebody reads a step late, once, in the order of the nodes."""
    bound = [b for node in graph.nodes.values() for b in node.inputs.values()] + list(graph.orders.values())
    late = {(ref.node, ref.port): ref for b in bound for ref in elements(b) if isinstance(ref, PortRef) and ref.delay}
    return list(late.values())


def constants(graph: Graph) -> Iterator[tuple[str, float]]:
    """Every number in the wiring that stands in place of a value, with the field that holds it."""
    bound = [(n.key, p, b) for n in graph.nodes.values() for p, b in n.inputs.items()]
    bound += [("orders", p, b) for p, b in graph.orders.items()]
    for key, port, binding in bound:
        for field, scalar in scalar_fields(key, port, binding):
            if isinstance(scalar, Constant):
                yield field, scalar.value
            elif isinstance(scalar, PortRef) and scalar.otherwise is not None:
                yield field, scalar.otherwise


def scalar_fields(key: str, port: str, binding: Binding) -> Iterator[tuple[str, Any]]:
    """The scalars of a binding, each with a name of its own."""
    if isinstance(binding, VectorOf):
        for i, scalar in enumerate(binding.elements):
            yield f"{key}__{port}__{i}", scalar
    else:
        yield f"{key}__{port}", binding


def _record(fields: list[Any]) -> Dtype:
    """Equal records are one object: numba knows a record again by identity, and compares whole dtypes otherwise."""
    dtype = np.dtype(fields or [("unused", np.float64)])
    return _RECORDS.setdefault(dtype, dtype)


def _memory(node: Node, room: int) -> Dtype:
    """outside: of a layer of the user's own, whether it used an index outside an array (0, 1 in this step, 2 noted),
    and at which time."""
    memory = state_dtype(node.layer.state, node.params, room) if node.layer.state else _record([])
    outside = [] if node.shipped else [("outside", np.int64, (2,))]
    return np.dtype([("steps", np.int64), ("memory", memory), *outside])


def _params(layer: Layer) -> Dtype:
    values = params_dtype(layer.params) if layer.params else _record([])
    model = [("model", model_dtype(layer.model))] if layer.model else []
    return np.dtype([("warmup", np.int64), ("values", values), *model])


def _field(name: str, size: int | None) -> tuple[Any, ...]:
    return (name, np.float64) if size is None else (name, np.float64, (size,))


def _edges(graph: Graph) -> SharedOrSymbol:
    fields: SharedOrSymbol = ([], [])
    for node in graph.nodes.values():
        for port, kind in kept_ports(graph, node).items():
            shared = node.layer.portfolio and not kind.per_symbol
            fields[shared].append(_field(edge_field(node.key, port), kind.size))
    for ref in delayed_ports(graph):
        if not is_per_symbol(graph, ref):
            size = graph.nodes[ref.node].layer.outputs[ref.port].size
            fields[True].append(_field(f"{edge_field(ref.node, ref.port)}__before", size))
    return fields


def port_columns(graph: Graph) -> dict[str, Column]:
    """Where each output that lies in memory lies, by NODE.port."""
    columns: dict[str, Column] = {}
    next_start = [0, 0]
    for node in graph.nodes.values():
        for port, kind in kept_ports(graph, node).items():
            shared = node.layer.portfolio and not kind.per_symbol
            name, size = f"{node.key}.{port}", kind.size or 1
            columns[name] = Column(name, shared, next_start[shared], size)
            next_start[shared] += size
    return columns


def _scratch(graph: Graph, room: int) -> Iterator[tuple[Any, ...]]:
    for node in graph.nodes.values():
        for port, binding in node.inputs.items():
            kind = node.layer.inputs[port]
            if kind.per_symbol:
                yield _field(edge_field(node.key, port), room)
            elif kind.size is not None and not _whole_vector(binding):
                yield _field(edge_field(node.key, port), kind.size)


def _whole_vector(binding: Binding) -> bool:
    return isinstance(binding, PortRef) and not binding.delay
