"""Pass 2: words to things: nodes to layers, references to ports, parameters to their models; suggests near names."""

from __future__ import annotations

import re
from typing import Any

from pydantic import ValidationError

from graph.account import CLOCK_PORTS, OPERATOR_PORTS, ORDER_PORTS, SHARED_ACCOUNT_PORTS, SYMBOL_ACCOUNT_PORTS
from graph.clock import parse_clock
from graph.diagnostics import Findings, Place
from graph.kernels import check_kernels
from graph.language import Layer, Parameters
from graph.model import Binding, Constant, Graph, Missing, Node, PortRef, Scalar, SourceRef, VectorOf
from graph.passes.p1_load import Document, NodeDocument, Placed, suggestion
from graph.registry import Registry

SOURCES = {
    "market": (),
    "account": (*SYMBOL_ACCOUNT_PORTS, *SHARED_ACCOUNT_PORTS),
    "clock": tuple(CLOCK_PORTS),
    "operator": tuple(OPERATOR_PORTS),
}
_KEY = re.compile(r"[A-Za-z][A-Za-z0-9]*(_[A-Za-z0-9]+)*")
_REFERENCE = re.compile(r"(\w+)\.(\w+)(?:@(-?\d+)(?:\s+else\s+(\S+))?)?")


def resolve(document: Document, registry: Registry, findings: Findings) -> Graph:
    """Resolves every name of the document; unknown ones become findings and stay out of the graph."""
    for folder in document.layer_folders:
        registry = registry.with_folder(folder)
    resolver = _Resolver(document, registry, findings)
    base = resolver.clock(document.clock) if document.clock.value else 0
    layers = {key: layer for key, node in document.nodes.items() if (layer := resolver.layer(node)) is not None}
    resolver.layers = layers
    nodes = {key: resolver.node(document.nodes[key], layer, base) for key, layer in layers.items()}
    return Graph(
        name=document.name,
        file=document.file,
        clock_ms=base,
        symbols=document.symbols,
        nodes=nodes,
        orders=resolver.orders(),
        record=tuple(ref for placed in document.record if (ref := resolver.recorded(placed)) is not None),
        roles={n: ref for n, placed in document.roles.items() if (ref := resolver.recorded(placed)) is not None},
        place=document.place,
    )


class _Resolver:
    """Looks names up and reports those that are not there."""

    def __init__(self, document: Document, registry: Registry, findings: Findings) -> None:
        self._document = document
        self._registry = registry
        self._findings = findings
        self._checked: set[str] = set()
        self.layers: dict[str, Layer] = {}

    def clock(self, placed: Placed) -> int:
        try:
            return parse_clock(placed.value)
        except ValueError as problem:
            self._findings.error("W026", str(problem), placed.place, "write a number and a unit: 1m, 15m, 4h, 1d")
            return 0

    def layer(self, node: NodeDocument) -> Layer | None:
        if not _KEY.fullmatch(node.key) or node.key in SOURCES:
            self._findings.error(
                "W019",
                f"`{node.key}` cannot be a node's name",
                node.place,
                "letters and digits, single underscores between; not " + ", ".join(SOURCES),
            )
        if node.layer not in self._registry:
            names = {self._registry.name(key): key for key in self._registry.keys()}  # noqa: SIM118
            by_name = f"write its key: `layer: {names[node.layer]}`" if node.layer in names else ""
            hint = by_name or suggestion(node.layer, self._registry.keys()) or "`stratoquant layers` lists them"
            self._findings.error("W010", f"unknown layer `{node.layer}`", node.place, hint)
            return None
        try:
            layer = self._registry.get(node.layer)
        except Exception as problem:
            self._findings.error(
                "W009", f"the layer `{node.layer}` cannot be read: {problem}", node.place, "correct the layer's file"
            )
            return None
        if node.layer not in self._checked:
            self._checked.add(node.layer)
            check_kernels(layer, self._findings)
        return layer

    def node(self, node: NodeDocument, layer: Layer, base: int) -> Node:
        for name, placed in node.inputs.items():
            if name not in layer.inputs:
                hint = suggestion(name, layer.inputs) or f"its inputs are {', '.join(layer.inputs)}"
                self._findings.error("W013", f"{node.key} ({layer.name}) has no input `{name}`", placed.place, hint)
        return Node(
            key=node.key,
            layer=layer,
            clock_ms=(self.clock(node.clock) or base) if node.clock else base,
            params=self._params(node, layer),
            inputs={name: self._input(node, layer, name) for name in layer.inputs},
            place=node.place,
        )

    def orders(self) -> dict[str, Binding]:
        placed_orders = self._document.orders
        for name, placed in placed_orders.items():
            if name not in ORDER_PORTS:
                hint = suggestion(name, ORDER_PORTS) or f"an order has {', '.join(ORDER_PORTS)}"
                self._findings.error("W013", f"an order has no port `{name}`", placed.place, hint)
        if not placed_orders:
            return {}
        bound: dict[str, Binding] = {}
        for name, port in ORDER_PORTS.items():
            if name in placed_orders:
                bound[name] = self.binding(placed_orders[name].value, placed_orders[name].place)
            else:
                bound[name] = Missing(self._document.place)
                if not port.optional:
                    self._findings.error(
                        "W016", f"`orders` lacks `{name}`", self._document.place, f"wire `{name}` in `orders`"
                    )
        return bound

    def recorded(self, placed: Placed) -> PortRef | None:
        bound = self.binding(placed.value, placed.place)
        if isinstance(bound, PortRef) and not bound.delay:
            return bound
        if not isinstance(bound, Missing):
            self._findings.error("W017", f"`{placed.value}` is no output of a node", placed.place, "write NODE.port")
        return None

    def binding(self, value: Any, place: Place) -> Binding:
        """What a value in the wiring stands for; a finding and Missing when it stands for nothing."""
        if isinstance(value, list):
            return VectorOf(tuple(self._scalar(v, place) for v in value), place)
        return self._scalar(value, place)

    def _input(self, node: NodeDocument, layer: Layer, name: str) -> Binding:
        if name in node.inputs:
            return self.binding(node.inputs[name].value, node.inputs[name].place)
        if not layer.inputs[name].optional:
            self._findings.error(
                "W016",
                f"{node.key} ({layer.name}) lacks its input `{name}`, a {layer.inputs[name]}",
                node.place,
                f"wire `{name}` to a port or give a constant",
            )
        return Missing(node.place)

    def _scalar(self, value: Any, place: Place) -> Scalar:
        if isinstance(value, bool | int | float):
            return Constant(float(value), place)
        if value is None or value == "none":
            return Missing(place, written=True)
        if isinstance(value, str):
            group, _, port = value.partition(".")
            if group in SOURCES:
                return self._source(group, port, place)
            match = _REFERENCE.fullmatch(value)
            if match:
                return self._port(match, place)
        self._findings.error(
            "W017", f"`{value}` is no reference", place, "write NODE.port, account.port, market, a number or none"
        )
        return Missing(place)

    def _source(self, group: str, port: str, place: Place) -> Scalar:
        ports = SOURCES[group]
        if (ports and port not in ports) or (not ports and port):
            hint = suggestion(port, ports) or (f"{group} has {', '.join(ports)}" if ports else f"write `{group}`")
            self._findings.error("W012", f"`{group}` has no port `{port}`", place, hint)
            return Missing(place)
        return SourceRef(group, port, place)

    def _port(self, match: re.Match[str], place: Place) -> Scalar:
        key, port, delay, otherwise = match.groups()
        if key not in self.layers:
            if key not in self._document.nodes:  # a node whose layer is unknown has its own finding
                hint = suggestion(key, self._document.nodes) or "place it under `nodes`"
                self._findings.error("W011", f"there is no node `{key}`", place, hint)
            return Missing(place)
        if port not in self.layers[key].outputs:
            outputs = self.layers[key].outputs
            hint = suggestion(port, outputs) or f"its outputs are {', '.join(outputs)}"
            self._findings.error("W012", f"{key} ({self.layers[key].name}) has no output `{port}`", place, hint)
            return Missing(place)
        if delay is None:
            return PortRef(key, port, place)
        return self._delayed(key, port, delay, otherwise, place)

    def _delayed(self, key: str, port: str, delay: str, otherwise: str | None, place: Place) -> Scalar:
        if delay != "-1":
            self._findings.error(
                "W031",
                f"the delay @{delay} is not possible",
                place,
                "only @-1, the step before, can be read; future values never",
            )
        elif otherwise is None:
            self._findings.error(
                "W031",
                f"`{key}.{port}@-1` does not say what stands there before there is a value",
                place,
                f"write `{key}.{port}@-1 else 0`, or `else none` for an optional input",
            )
        elif otherwise == "none":
            return PortRef(key, port, place, 1, None)
        else:
            try:
                return PortRef(key, port, place, 1, float(otherwise))
            except ValueError:
                self._findings.error("W017", f"`else {otherwise}` is no number", place, "write a number or none")
        return Missing(place)

    def _params(self, node: NodeDocument, layer: Layer) -> Parameters | None:
        known = layer.params.model_fields if layer.params else {}
        for name, placed in node.params.items():
            if name not in known:
                hint = suggestion(name, known) or (f"it has {', '.join(known)}" if known else "it has none")
                self._findings.error("W014", f"{node.key} ({layer.name}) has no parameter `{name}`", placed.place, hint)
        if layer.params is None:
            return None
        values = {n: placed.value for n, placed in node.params.items() if n in known}
        try:
            return layer.params(**values)
        except ValidationError as problem:
            for error in problem.errors():
                name = str(error["loc"][0])
                low, high = parameter_bounds(layer.params, name)
                kind = "whole number" if known[name].annotation is int else "number"
                self._findings.error(
                    "W015",
                    f"{node.key}.{name} = {values[name]!r}: a {kind} from {low:g} to {high:g}",
                    node.params[name].place,
                    f"the default is {known[name].default!r}",
                )
            return layer.params()


def parameter_bounds(params: type[Parameters], name: str) -> tuple[float, float]:
    """The inclusive bounds of a parameter."""
    metadata = params.model_fields[name].metadata
    low = next(m.ge for m in metadata if hasattr(m, "ge"))
    high = next(m.le for m in metadata if hasattr(m, "le"))
    return float(low), float(high)
