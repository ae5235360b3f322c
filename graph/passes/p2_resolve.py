"""Pass 2: words to things: nodes to layers, references to ports, parameters to their models; suggests near names."""

from __future__ import annotations

import re
import traceback
from collections.abc import Mapping
from keyword import iskeyword
from math import inf
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from stratoquant.graph.account import (
    CLOCK_PORTS,
    OPERATOR_PORTS,
    ORDER_PORTS,
    SHARED_ACCOUNT_PORTS,
    SYMBOL_ACCOUNT_PORTS,
    VENUE_PORTS,
)
from stratoquant.graph.clock import Clock, format_opening, read_clock, usual_origin
from stratoquant.graph.declaration import check_sizes
from stratoquant.graph.diagnostics import Diagnostic, Findings, Place, WiringError
from stratoquant.graph.kernels import place_of, short_path
from stratoquant.graph.language import Layer, Parameters
from stratoquant.graph.layer_check import check_layer
from stratoquant.graph.misplaced import misplaced_layer
from stratoquant.graph.model import Binding, Constant, Graph, Missing, Node, PortRef, Scalar, SourceRef, VectorOf
from stratoquant.graph.model_file import resolve_model
from stratoquant.graph.passes.p1_load import Document, NodeDocument, Placed, suggestion
from stratoquant.graph.registry import Registry
from stratoquant.graph.types import PortType

SOURCES = {
    "market": (),
    "account": (*SYMBOL_ACCOUNT_PORTS, *SHARED_ACCOUNT_PORTS),
    "clock": tuple(CLOCK_PORTS),
    "venue": tuple(VENUE_PORTS),
    "operator": tuple(OPERATOR_PORTS),
}
_TAKEN = (*SOURCES, "orders")
_KEY = re.compile(r"[A-Za-z][A-Za-z0-9]*(_[A-Za-z0-9]+)*")
_REFERENCE = re.compile(r"(\w+)\.(\w+)(?:@(-?\d+)(?:\s+else\s+(\S+))?)?")


def resolve(document: Document, registry: Registry, findings: Findings) -> Graph:
    """Resolves every name of the document; unknown ones become findings and stay out of the graph."""
    for folder in document.layer_folders:
        registry = _with_own_layers(registry, folder, findings)
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
        used_only=document.used_only,
        place=document.place,
        origins=resolver.origins(base),
    )


def _with_own_layers(registry: Registry, folder: Placed, findings: Findings) -> Registry:
    """Adds a folder of the user's; what would replace a layer that is there already is an error."""
    extended = registry.with_folder(folder.value)
    for clash in extended.clashes[len(registry.clashes) :]:
        message = f"{short_path(str(clash.file.absolute()))} takes `{clash.taken}`, which is the layer of {clash.by}"
        hint = "give the file a number and a name of its own, and declare the layer under them"
        findings.error("W048", message, folder.place, hint)
    return extended


class _Resolver:
    """Looks names up and reports those that are not there."""

    def __init__(self, document: Document, registry: Registry, findings: Findings) -> None:
        self._document = document
        self._registry = registry
        self._findings = findings
        self._checked: set[str] = set()
        self._unsound: set[str] = set()
        self._said: dict[int, int] = {}
        self._lengths: set[int] = set()
        self.layers: dict[str, Layer] = {}

    def clock(self, placed: Placed) -> int:
        """The length of a clock; when its bars open is kept aside. One length has one opening in a wiring."""
        try:
            clock = read_clock(placed.value)
        except ValueError as problem:
            self._findings.error("W026", str(problem), placed.place, "write a number and a unit: 1m, 15m, 4h, 1d")
            return 0
        said = "@" in placed.value
        before = self._said.get(clock.ms) if said else None
        if before is not None and before != clock.origin:
            message = f"`{placed.value}` opens at another time than `{format_opening(Clock(clock.ms, before))}`"
            hint = "let all clocks of one length open at the same time"
            self._findings.error("W026", message, placed.place, hint)
        if said:
            self._said.setdefault(clock.ms, clock.origin)
        self._lengths.add(clock.ms)
        return clock.ms

    def origins(self, base: int) -> dict[int, int]:
        """When the bars of each clock open. One that does not say it opens where the base clock opens a bar."""
        late = (self._said.get(base, 0) - usual_origin(base)) % base if base else 0
        late = late - base if base and 2 * late > base and late > 12 * 3_600_000 else late
        return {ms: self._said.get(ms, (usual_origin(ms) + late) % ms) for ms in sorted(self._lengths) if ms}

    def layer(self, node: NodeDocument) -> Layer | None:
        """The layer of a node; None, with a finding, for one that cannot be used."""
        if node.key in self._document.broken:
            return None
        if not _KEY.fullmatch(node.key) or node.key in _TAKEN or iskeyword(node.key):
            self._findings.error(
                "W019",
                f"`{node.key}` cannot be a node's name",
                node.place,
                f"letters and digits, single underscores between; no word of Python and not {', '.join(_TAKEN)}",
            )
        if node.layer not in self._registry:
            names = {self._registry.name(key): key for key in self._registry.keys()}  # noqa: SIM118
            by_name = f"write its key: `layer: {names[node.layer]}`" if node.layer in names else ""
            folders = [placed.value for placed in self._document.layer_folders]
            misplaced = misplaced_layer(node.layer, folders, Path(node.layer_place.file).parent)
            words = [key for key in self._registry.keys() if not key[1:].isdigit()]  # noqa: SIM118
            near = "" if node.layer[1:].isdigit() else suggestion(node.layer, words)  # numbers are never near
            hint = by_name or misplaced or near or "`stratoquant layers` lists them"
            self._findings.error("W010", f"unknown layer `{node.layer}`", node.layer_place, hint)
            return None
        try:
            layer = self._registry.get(node.layer)
            if node.layer not in self._checked:
                self._checked.add(node.layer)
                if not check_layer(layer, self._findings):
                    self._unsound.add(node.layer)
            if node.layer in self._unsound:
                return None
        except (Exception, SystemExit) as problem:
            self._findings.extend([_unreadable(f"`{node.layer}` of node {node.key}", problem, node.place)])
            return None
        if layer.role and not self._registry.is_shipped(node.layer):
            message = f"{node.key} ({layer.name}) is a layer of your own and declares the role `{layer.role}`"
            hint = "remove `role`; the gate is L4 (risk_manager) and the governor L95 (safety_governor)"
            self._findings.error("W047", message, place_of(layer), hint)
            return None
        return layer

    def node(self, node: NodeDocument, layer: Layer, base: int) -> Node:
        for name, placed in node.inputs.items():
            if name not in layer.inputs:
                hint = suggestion(name, layer.inputs) or f"its inputs are {', '.join(layer.inputs)}"
                self._findings.error("W013", f"{node.key} ({layer.name}) has no input `{name}`", placed.key, hint)
        params = self._params(node, layer)
        check_sizes(layer, params, node.key, self._findings)
        return Node(
            key=node.key,
            layer=layer,
            shipped=self._registry.is_shipped(node.layer),
            clock_ms=(self.clock(node.clock) or base) if node.clock else base,
            params=params,
            model=resolve_model(node, layer, self._findings),
            inputs={name: self._input(node, layer, name) for name in layer.inputs},
            place=node.place,
        )

    def orders(self) -> dict[str, Binding]:
        placed_orders = self._document.orders
        for name, placed in placed_orders.items():
            if name not in ORDER_PORTS:
                hint = suggestion(name, ORDER_PORTS) or f"an order has {', '.join(ORDER_PORTS)}"
                self._findings.error("W013", f"an order has no port `{name}`", placed.key, hint)
        if not placed_orders:
            return {}
        bound: dict[str, Binding] = {}
        for name, port in ORDER_PORTS.items():
            if name in placed_orders:
                bound[name] = self.binding(placed_orders[name])
            else:
                place = self._document.orders_place
                bound[name] = Missing(place)
                if not port.optional:
                    hint = f"wire `{name}` to the {port.edge.name} that risk let through"
                    self._findings.error("W016", f"`orders` lacks `{name}`", place, hint)
        return bound

    def recorded(self, placed: Placed) -> PortRef | None:
        bound = self.binding(placed)
        if isinstance(bound, PortRef) and not bound.delay:
            return bound
        if not isinstance(bound, Missing) or bound.written:
            self._findings.error("W017", f"`{placed.value}` is no output of a node", placed.place, "write NODE.port")
        return None

    def binding(self, placed: Placed) -> Binding:
        """What a value in the wiring stands for; a finding and Missing when it stands for nothing."""
        if isinstance(placed.value, list):
            scalars = zip(placed.value, placed.items, strict=True)
            return VectorOf(tuple(self._scalar(v, place) for v, place in scalars), placed.place)
        return self._scalar(placed.value, placed.place)

    def _input(self, node: NodeDocument, layer: Layer, name: str) -> Binding:
        if name in node.inputs:
            return self.binding(node.inputs[name])
        port = layer.inputs[name]
        if not port.optional:
            fits = fitting_outputs(port, {k: one for k, one in self.layers.items() if k != node.key}, name)
            hint = f"`{name}: {fits[0]}` would fit" if fits else f"wire `{name}` to a {port} or give a constant"
            message = f"{node.key} ({layer.name}) lacks its input `{name}`, a {port}"
            self._findings.error("W016", message, node.place, hint)
        return Missing(node.place)

    def _scalar(self, value: Any, place: Place) -> Scalar:
        if isinstance(value, bool | int | float):
            return Constant(_as_float(value), place)
        if value is None or value == "none":
            return Missing(place, written=True)
        if isinstance(value, str):
            group, _, port = value.partition(".")
            if group in SOURCES:
                return self._source(group, port, place)
            match = _REFERENCE.fullmatch(value)
            if match:
                return self._port(match, place)
        self._findings.error("W017", f"`{value}` is no reference", place, self._spelled_out(value))
        return Missing(place, unresolved=True)

    def _spelled_out(self, value: Any) -> str:
        """The nearest thing to what was written in place of a reference."""
        if isinstance(value, str) and value in self.layers:
            outputs = self.layers[value].outputs
            return f"name its port as well: `{value}.{next(iter(outputs))}`; its outputs are {', '.join(outputs)}"
        if isinstance(value, str) and "@" in value:
            return "the step before is written `NODE.port@-1 else VALUE`"
        return "write NODE.port, account.port, market, a number or none"

    def _source(self, group: str, port: str, place: Place) -> Scalar:
        ports = SOURCES[group]
        if (ports and port not in ports) or (not ports and port):
            hint = suggestion(port, ports) or (f"{group} has {', '.join(ports)}" if ports else f"write `{group}`")
            self._findings.error("W012", f"`{group}` has no port `{port}`", place, hint)
            return Missing(place, unresolved=True)
        return SourceRef(group, port, place)

    def _port(self, match: re.Match[str], place: Place) -> Scalar:
        key, port, delay, otherwise = match.groups()
        if key not in self.layers:
            # a node whose layer is unknown, or a file that cannot be read, has a finding of its own
            if key not in self._document.nodes and self._document.complete:
                hint = suggestion(key, self._document.nodes) or "place it under `nodes`"
                self._findings.error("W011", f"there is no node `{key}`", place, hint)
            return Missing(place, unresolved=True)
        if port not in self.layers[key].outputs:
            outputs = self.layers[key].outputs
            hint = suggestion(port, outputs) or f"its outputs are {', '.join(outputs)}"
            self._findings.error("W012", f"{key} ({self.layers[key].name}) has no output `{port}`", place, hint)
            return Missing(place, unresolved=True)
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
        return Missing(place, unresolved=True)

    def _params(self, node: NodeDocument, layer: Layer) -> Parameters | None:
        known = layer.params.model_fields if layer.params else {}
        for name, placed in node.params.items():
            if name not in known:
                hint = suggestion(name, known) or (f"it has {', '.join(known)}" if known else "it has none")
                self._findings.error("W014", f"{node.key} ({layer.name}) has no parameter `{name}`", placed.key, hint)
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
                    f"{node.key}.{name} = {values[name]!r}, but it is a {kind} from {low:g} to {high:g}",
                    node.params[name].place,
                    f"the default is {known[name].default!r}: {known[name].description}",
                )
            return layer.params()


def fitting_outputs(port: PortType, layers: Mapping[str, Layer], name: str = "") -> list[str]:
    """NODE.port of the outputs that may feed a port, those of the same name first; `market` for the market event."""
    if port.edge.name == "market_event":
        return ["market"]
    fits = [(key, out) for key, one in layers.items() for out, kind in one.outputs.items() if port.accepts(kind)]
    return [f"{key}.{out}" for key, out in sorted(fits, key=lambda fit: fit[1] != name)]


def read_layer(key: str, registry: Registry) -> Layer:
    """A layer by its key. Raises WiringError for a file of the user's own that declares none."""
    try:
        return registry.get(key)
    except (Exception, SystemExit) as problem:
        place = Place(short_path(str(registry.file(key).absolute())))
        raise WiringError([_unreadable(f"`{key}`", problem, place)]) from problem


def _unreadable(layer: str, problem: BaseException, place: Place) -> Diagnostic:
    """The finding on a layer's file that cannot be imported, at the line of it that failed, else at a place."""
    reason = str(problem) or type(problem).__name__
    if isinstance(problem, SyntaxError):
        reason = f"Python syntax: {problem.msg}"
    elif not isinstance(problem, TypeError):
        reason = f"{type(problem).__name__}: {reason}"
    hint = "correct the layer's file; `stratoquant new layer` shows the shape of one"
    return Diagnostic("W009", f"the layer {layer} cannot be read: {reason}", _raised_at(problem) or place, hint)


def _as_float(value: float) -> float:
    try:
        return float(value)
    except OverflowError:
        return inf


def _raised_at(problem: BaseException) -> Place | None:
    """The line of a layer's file in which importing it failed."""
    if isinstance(problem, SyntaxError) and problem.filename:
        return Place(short_path(problem.filename), problem.lineno or 1, problem.offset or 1)
    own = Path(__file__).parent.parent
    frames = traceback.extract_tb(problem.__traceback__)
    theirs = [f for f in frames if f.filename.endswith(".py") and not Path(f.filename).is_relative_to(own)]
    if not theirs or theirs[-1].lineno is None:
        return None
    return Place(short_path(theirs[-1].filename), theirs[-1].lineno, (theirs[-1].colno or 0) + 1)


def parameter_bounds(params: type[Parameters], name: str) -> tuple[float, float]:
    """The inclusive bounds of a parameter."""
    metadata = params.model_fields[name].metadata
    low = next(m.ge for m in metadata if hasattr(m, "ge"))
    high = next(m.le for m in metadata if hasattr(m, "le"))
    return float(low), float(high)
