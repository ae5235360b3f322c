"""The graph once its words are resolved: nodes, and what feeds each of their inputs. Immutable."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from stratoquant.graph.diagnostics import Place
from stratoquant.graph.language import BOUND, Layer, Parameters
from stratoquant.graph.model_file import ModelFile
from stratoquant.graph.types import PortType


@dataclass(frozen=True)
class PortRef:
    """An output of a node. delay: 1 reads the value of the base step before; `otherwise` replaces a missing one."""

    node: str
    port: str
    place: Place
    delay: int = 0
    otherwise: float | None = None

    def __str__(self) -> str:
        if not self.delay:
            return f"{self.node}.{self.port}"
        value = "none" if self.otherwise is None else f"{self.otherwise:g}"
        return f"{self.node}.{self.port}@-1 else {value}"


@dataclass(frozen=True)
class SourceRef:
    """A value from outside the graph. group: market, account, clock, venue or operator."""

    group: str
    port: str
    place: Place

    def __str__(self) -> str:
        return f"{self.group}.{self.port}" if self.port else self.group


@dataclass(frozen=True)
class Constant:
    """A number written in place of a port. It is data: changing it compiles nothing."""

    value: float
    place: Place

    def __str__(self) -> str:
        return f"{self.value:g}"


@dataclass(frozen=True)
class Missing:
    """`none`, or an optional input that is not wired. written: the wiring says `none` in so many words. unresolved: the
    wiring names something that is not there, which has a finding of its own."""

    place: Place
    written: bool = False
    unresolved: bool = False

    def __str__(self) -> str:
        return "none"


@dataclass(frozen=True)
class VectorOf:
    """Ports gathered into one vector."""

    elements: tuple[Scalar, ...]
    place: Place

    def __str__(self) -> str:
        return f"[{', '.join(str(e) for e in self.elements)}]"


Scalar = PortRef | SourceRef | Constant | Missing
Binding = Scalar | VectorOf


@dataclass(frozen=True)
class Node:
    """A layer placed in the graph. clock_ms: the length of the bars on whose close it steps. shipped: False for a layer
    of the user's own."""

    key: str
    layer: Layer
    shipped: bool
    clock_ms: int
    params: Parameters | None
    model: ModelFile | None
    inputs: dict[str, Binding]
    place: Place

    def references(self) -> Iterator[tuple[str, PortRef]]:
        """Every node output that this node reads, with the input that reads it."""
        for port, binding in self.inputs.items():
            for ref in elements(binding):
                if isinstance(ref, PortRef):
                    yield port, ref


@dataclass(frozen=True)
class Graph:
    """A wiring whose every name is known. Nodes stand in the order of the files.

    used_only: outputs that nothing reads are not computed. origins: when the bars of each clock open, by the clock's
    length; milliseconds from 0 to before that length.
    """

    name: str
    file: str
    clock_ms: int
    symbols: tuple[str, ...]
    nodes: dict[str, Node]
    orders: dict[str, Binding]
    record: tuple[PortRef, ...]
    roles: dict[str, PortRef]
    used_only: bool
    place: Place
    origins: Mapping[int, int]

    @cached_property
    def read(self) -> frozenset[tuple[str, str]]:
        """Node and port of every output that a node or an order reads, that is recorded, or that is a role, and the
        gate's bound."""
        bound = [b for node in self.nodes.values() for b in node.inputs.values()] + list(self.orders.values())
        refs = [ref for b in bound for ref in elements(b) if isinstance(ref, PortRef)]
        read = {(ref.node, ref.port) for ref in (*refs, *self.record, *self.roles.values())}
        return frozenset(read | ({(self.gate.key, BOUND)} if self.gate else set()))

    @cached_property
    def gate(self) -> Node | None:
        """The gate of a wiring with orders. There is one: pass 5 refuses any other number."""
        gates = [node for node in self.nodes.values() if node.layer.role == "gate"]
        return gates[0] if gates and self.orders else None


def elements(binding: Binding) -> tuple[Scalar, ...]:
    """The scalars of a binding."""
    return binding.elements if isinstance(binding, VectorOf) else (binding,)


def kept_ports(graph: Graph, node: Node) -> dict[str, PortType]:
    """The outputs of a node that lie in memory: what somebody reads or records, and by default every other scalar."""
    outputs, scalars = node.layer.outputs, not graph.used_only
    return {p: kind for p, kind in outputs.items() if (node.key, p) in graph.read or (kind.size is None and scalars)}


def told_ports(graph: Graph, layer: Layer) -> set[str]:
    """The outputs that the step of a layer returns in a plan: all of them, or those that one of its nodes keeps."""
    if not graph.used_only:
        return set(layer.outputs)
    nodes = [node for node in graph.nodes.values() if node.layer is layer]
    return {port for node in nodes for port in kept_ports(graph, node)} or set(layer.outputs)
