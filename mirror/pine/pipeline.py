"""A cut graph in Pine: its layers, one object that holds every node, and one function that steps them in order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from stratoquant.graph.account import bars_in_clock
from stratoquant.graph.aggregate import aggregate
from stratoquant.graph.clock import format_clock
from stratoquant.graph.compiler import Checked
from stratoquant.graph.language import Layer
from stratoquant.graph.model import Binding, Constant, Graph, Missing, Node, PortRef, Scalar, SourceRef, VectorOf
from stratoquant.graph.passes.p8_layout import delayed_ports, scalar_fields
from stratoquant.mirror.pine import helpers
from stratoquant.mirror.pine.account import tester_value, venue_value
from stratoquant.mirror.pine.cut import Cut, inside
from stratoquant.mirror.pine.knobs import Knobs, knobs
from stratoquant.mirror.pine.library import GRAPH, SEEK, SERIES, TAKE_STEP, Library
from stratoquant.mirror.pine.names import safe
from stratoquant.mirror.pine.nodes import PineLayer, add_layer, own_arguments, warmup
from stratoquant.mirror.pine.syntax import (
    FLOATS,
    NA,
    Assign,
    Binary,
    Block,
    Call,
    Choice,
    Declare,
    Do,
    Expr,
    Field,
    Function,
    If,
    Name,
    Statement,
    TypeDef,
    integer,
    number,
)
from stratoquant.mirror.pine.types import BOOK_ROOM, EVENT, EVENT_FIELDS, first_value, floats, model_value, vector_size

CLOCK = Name("int", "CLOCK")


@dataclass
class Pipeline:
    """The part of a script that computes. instances: the statements that make every node at the first bar.

    embedded: ports whose values come from an exported run.
    """

    checked: Checked
    cut: Cut
    library: Library
    instances: list[Statement] = field(default_factory=list)
    inputs: list[Declare] = field(default_factory=list)
    layers: dict[Layer, PineLayer] = field(default_factory=dict)
    embedded: tuple[str, ...] = ()

    @property
    def graph(self) -> Graph:
        assert self.checked.graph is not None
        return self.checked.graph

    def order(self) -> list[Node]:
        """The nodes of the chart in the order of the plan's steps."""
        assert self.checked.schedule is not None
        return [
            self.graph.nodes[key]
            for stage in self.checked.schedule.stages
            for key in stage.nodes
            if key in self.cut.nodes
        ]

    def slow_clocks(self) -> list[int]:
        return sorted({node.clock_ms for node in self.order()} - {self.graph.clock_ms})

    def port(self, name: str) -> Expr:
        """What reads NODE.port after a step, at global scope."""
        node, port = name.split(".")
        return Field("float", self.node(node, Name(GRAPH, "graph")), safe(port))

    def node(self, key: str, graph: Expr) -> Expr:
        """The object of a node."""
        return Field(self.layers[self.graph.nodes[key].layer].type, graph, node_name(key))


def build_pipeline(
    checked: Checked, cut: Cut, embedded: Sequence[str] = (), add_series: Callable[[Library], None] = lambda _: None
) -> Pipeline:
    """Translates every layer of the cut. Raises NoPineFormError for one that cannot be.

    add_series: writes what an exported series needs, wanted where there is one.
    """
    pipeline = Pipeline(checked, cut, Library(), embedded=tuple(embedded))
    add_series(pipeline.library)
    layers = pipeline.layers
    turned: dict[str, Knobs] = {}
    for node in pipeline.order():
        if node.layer not in layers:
            layers[node.layer] = add_layer(node.layer, pipeline.library, _vectors_read(pipeline, node.layer))
        turned[node.key] = knobs(node, node_name(node.key))
        pipeline.inputs += turned[node.key].declarations
    fields = _graph_fields(pipeline, layers)
    pipeline.library.add_type(
        TypeDef(GRAPH, tuple((n, kind) for n, kind, _ in fields), "Every node, and what passes between bars.")
    )
    _instances(pipeline, layers, turned, fields)
    pipeline.library.need(aggregate)
    pipeline.library.add_function(_step_function(pipeline, layers, turned))
    return pipeline


def node_name(key: str) -> str:
    """The name of a node in the script: l14 for L14, dmi_5m as it is."""
    return safe(key.lower())


def series_name(port: str) -> str:
    """The name of an exported series in the script."""
    return f"series_{port.replace('.', '_').lower()}"


def bar_name(clock: int) -> str:
    return f"bar_{format_clock(clock)}"


def _vectors_read(pipeline: Pipeline, layer: Layer) -> set[str]:
    """Vector outputs of a layer that a node of the chart reads whole."""
    found = set()
    for node in pipeline.order():
        for _, ref in node.references():
            source = pipeline.graph.nodes[ref.node]
            if (
                source.layer is layer
                and layer.outputs[ref.port].size
                and inside(pipeline.graph, pipeline.cut.nodes, frozenset(), ref)
            ):
                found.add(ref.port)
    return found


def _late(pipeline: Pipeline) -> list[PortRef]:
    """Ports of the chart that somebody on the chart reads a step late."""
    names = {
        (ref.node, ref.port)
        for node in pipeline.order()
        for _, ref in node.references()
        if ref.delay and ref.node in pipeline.cut.nodes
    }
    return [ref for ref in delayed_ports(pipeline.graph) if (ref.node, ref.port) in names]


def _late_name(ref: PortRef) -> str:
    return f"{node_name(ref.node)}_{ref.port}_before"


def _gathered_name(node: Node, port: str) -> str:
    return f"{node_name(node.key)}_{port}"


def _gathered(pipeline: Pipeline) -> list[tuple[Node, str, int]]:
    """Vector inputs that are put together from scalars, or that are missing."""
    found = []
    for node in pipeline.order():
        for port, binding in node.inputs.items():
            size = vector_size(node.layer.inputs[port])
            if size is not None and not _passes_whole(pipeline, binding):
                found.append((node, port, size))
    return found


def _passes_whole(pipeline: Pipeline, binding: Binding) -> bool:
    """True for a vector on the chart; a scalar that feeds a port per symbol is gathered."""
    if not isinstance(binding, PortRef) or not inside(pipeline.graph, pipeline.cut.nodes, frozenset(), binding):
        return False
    return pipeline.graph.nodes[binding.node].layer.outputs[binding.port].size is not None


def _graph_fields(pipeline: Pipeline, layers: dict[Layer, PineLayer]) -> list[tuple[str, str, Expr]]:
    """Name, type and first value of each field of the graph object."""
    event = _new_event()
    fields: list[tuple[str, str, Expr]] = [
        (node_name(n.key), layers[n.layer].type, Name(layers[n.layer].type, f"node_{node_name(n.key)}"))
        for n in pipeline.order()
    ]
    fields += [("event", EVENT, event), ("nothing", EVENT, event), ("now", "float", NA)]
    fields += [(bar_name(clock), EVENT, event) for clock in pipeline.slow_clocks()]
    fields += [(_gathered_name(n, port), FLOATS, floats(size, float("nan"))) for n, port, size in _gathered(pipeline)]
    for ref in _late(pipeline):
        size = pipeline.graph.nodes[ref.node].layer.outputs[ref.port].size
        fields.append(
            (_late_name(ref), "float" if size is None else FLOATS, NA if size is None else floats(size, float("nan")))
        )
    fields += [(series_name(port), SERIES, Name(SERIES, series_name(port))) for port in pipeline.embedded]
    return fields


def _new_event() -> Call:
    values = tuple(floats(BOOK_ROOM, float("nan")) if kind == FLOATS else NA for kind in EVENT_FIELDS.values())
    return Call(EVENT, f"{EVENT}.new", values)


def _instances(
    pipeline: Pipeline, layers: dict[Layer, PineLayer], turned: dict[str, Knobs], fields: list[tuple[str, str, Expr]]
) -> None:
    """The objects that live on from bar to bar."""
    names = pipeline.library.type_names
    for node in pipeline.order():
        kind, knob = layers[node.layer], turned[node.key]
        values: list[Expr] = [first_value(node.layer.state, names, knob.largest)] if node.layer.state else []
        if node.layer.params:
            record = names[node.layer.params]
            values.append(Call(record, f"{record}.new", tuple(knob.params.values())))
        if node.model:
            values.append(model_value(node.model, node.layer, names))
        values += [integer(0), warmup(node.layer, knob.params)]
        for port, written in kind.outputs.items():
            size = node.layer.outputs[port].size
            values.append(NA if written == "float" else floats(size or 0, float("nan")))
        made = Call(kind.type, f"{kind.type}.new", tuple(values))
        pipeline.instances.append(Declare(kind.type, f"node_{node_name(node.key)}", made, kept=True))
    whole = Call(GRAPH, f"{GRAPH}.new", tuple(value for _, _, value in fields))
    pipeline.instances.append(Declare(GRAPH, "graph", whole, kept=True))


def _step_function(pipeline: Pipeline, layers: dict[Layer, PineLayer], turned: dict[str, Knobs]) -> Function:
    """One base step over all nodes: `event` is the bar, or nothing where the chart has no bar at `now`."""
    reader = _Reader(pipeline, turned)
    lines: list[Statement] = []
    for port in pipeline.embedded:
        exported = Field(SERIES, Name(GRAPH, "g"), series_name(port))
        lines.append(Do(Call("float", SEEK, (exported, Name("float", "now")))))
    for clock in pipeline.slow_clocks():
        lines += _slow_bar(pipeline, clock)
    for node in pipeline.order():
        own = own_arguments(layers[node.layer], reader.node(node.key))
        call = Do(Call("int", layers[node.layer].function, (*own, *reader.arguments(node, lines))))
        slow = node.clock_ms != pipeline.graph.clock_ms
        lines.append(If(_closes(node.clock_ms), (call,)) if slow else call)
    for ref in _late(pipeline):
        target, value = reader.late(ref), reader.port(ref)
        if target.type == FLOATS:
            lines.append(Do(Call("int", pipeline.library.need(helpers.copy_into).name, (target, value))))
        else:
            lines.append(Assign(target, value))
    parameters = (("g", GRAPH), ("event", EVENT), ("now", "float"))
    return Function(
        TAKE_STEP, parameters, tuple(lines), integer(0), "One step of the whole graph, in the order of the plan."
    )


def _starts(clock: int) -> Name:
    return Name("bool", f"starts_{format_clock(clock)}")


def _closes(clock: int) -> Name:
    return Name("bool", f"closes_{format_clock(clock)}")


def _slow_bar(pipeline: Pipeline, clock: int) -> Block:
    """A slower bar grows out of the chart's own bars; it never asks TradingView for another timeframe."""
    now, length = Name("float", "now"), integer(clock)
    origin = pipeline.graph.origins[clock]

    def into(time: Expr) -> Expr:
        since = Binary("float", "-", time, integer(origin)) if origin else time
        return Binary("float", "%", since, length)

    start = Binary("bool", "==", into(now), integer(0))
    end = Binary("bool", "==", into(Binary("float", "+", now, CLOCK)), integer(0))
    opened = Binary("float", "-", now, into(now))
    fold = pipeline.library.need(aggregate).name
    bar = Field(EVENT, Name(GRAPH, "g"), bar_name(clock))
    arguments = (bar, Name(EVENT, "event"), opened, _starts(clock), _closes(clock))
    return (
        Declare("bool", _starts(clock).id, start),
        Declare("bool", _closes(clock).id, end),
        Do(Call("float", fold, arguments)),
    )


class _Reader:
    """Writes what a node reads, inside the step function."""

    def __init__(self, pipeline: Pipeline, turned: dict[str, Knobs]) -> None:
        self._pipeline = pipeline
        self._turned = turned

    def node(self, key: str) -> Expr:
        return self._pipeline.node(key, Name(GRAPH, "g"))

    def port(self, ref: PortRef) -> Expr:
        size = self._pipeline.graph.nodes[ref.node].layer.outputs[ref.port].size
        return Field("float" if size is None else FLOATS, self.node(ref.node), safe(ref.port))

    def late(self, ref: PortRef) -> Expr:
        size = self._pipeline.graph.nodes[ref.node].layer.outputs[ref.port].size
        return Field("float" if size is None else FLOATS, Name(GRAPH, "g"), _late_name(ref))

    def arguments(self, node: Node, lines: list[Statement]) -> list[Expr]:
        """The arguments of a node's step; vectors are gathered into `lines` first."""
        found: list[Expr] = []
        for port, binding in node.inputs.items():
            kind = node.layer.inputs[port]
            if vector_size(kind) is None:
                (field_name, scalar), *_ = scalar_fields(node.key, port, binding)
                found.append(self._scalar(node, field_name, scalar))
            elif _passes_whole(self._pipeline, binding) and isinstance(binding, PortRef):
                found.append(self.late(binding) if binding.delay else self.port(binding))
            else:
                each = isinstance(binding, VectorOf) or kind.per_symbol
                found.append(self._gather(node, port, scalar_fields(node.key, port, binding) if each else [], lines))
        return found

    def _gather(self, node: Node, port: str, elements: Iterable[tuple[str, Scalar]], lines: list[Statement]) -> Expr:
        target = Field(FLOATS, Name(GRAPH, "g"), _gathered_name(node, port))
        for k, (field_name, scalar) in enumerate(elements):
            value = self._scalar(node, field_name, scalar)
            if value != NA:  # the vector is missing throughout at the start
                lines.append(Do(Call("void", "array.set", (target, integer(k), value))))
        return target

    def _scalar(self, node: Node, field_name: str, scalar: Binding) -> Expr:
        if isinstance(scalar, Constant):
            return self._turned[node.key].constants[field_name]
        if isinstance(scalar, SourceRef):
            return self._source(node, scalar)
        if isinstance(scalar, PortRef):
            return self._read(scalar)
        assert isinstance(scalar, Missing)
        return NA

    def _read(self, ref: PortRef) -> Expr:
        name = f"{ref.node}.{ref.port}"
        if name in self._pipeline.embedded:
            return Field("float", Field(SERIES, Name(GRAPH, "g"), series_name(name)), "now")
        if not inside(self._pipeline.graph, self._pipeline.cut.nodes, frozenset(), ref):
            return NA if ref.otherwise is None else number(ref.otherwise)
        if not ref.delay:
            return self.port(ref)
        if ref.otherwise is None:
            return self.late(ref)
        return Choice("float", Call("bool", "na", (self.late(ref),)), number(ref.otherwise), self.late(ref))

    def _source(self, node: Node, ref: SourceRef) -> Expr:
        slow = node.clock_ms != self._pipeline.graph.clock_ms
        if ref.group == "market":
            return Field(EVENT, Name(GRAPH, "g"), bar_name(node.clock_ms)) if slow else Name(EVENT, "event")
        if ref.group == "venue":
            return venue_value(ref)
        if ref.group != "clock":
            value = tester_value(ref) if self._pipeline.cut.strategy else None
            return NA if value is None else value
        if ref.port.startswith("bars_"):
            return number(bars_in_clock(ref.port, node.clock_ms))
        close = Binary("float", "+", Name("float", "now"), CLOCK)
        if ref.port == "close_time":
            return close
        return Binary("float", "-", close, integer(node.clock_ms)) if slow else Name("float", "now")
