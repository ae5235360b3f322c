"""Pass 9, the inner half: the steps of one stage as lines of Python."""

from __future__ import annotations

from graph.account import SHARED_ACCOUNT_PORTS
from graph.clock import format_clock
from graph.language import field_name
from graph.model import Binding, Constant, Graph, Missing, Node, PortRef, SourceRef, VectorOf, kept_ports
from graph.passes.p3_types import is_per_symbol
from graph.passes.p7_schedule import Stage
from graph.passes.p8_layout import Layout, edge_field, scalar_fields

# What a stage function takes, and what the loop gives it: state, edges, shared edges, scratch, parameters, constants,
# account, wallet, ... of one symbol; a portfolio stage takes the records of all symbols.
STAGE_ARGUMENTS = "s, e, h, x, p, c, a, w, event, time, now, control"
PORTFOLIO_ARGUMENTS = "b, edges, h, x, p, c, accounts, w, now, control"
STAGE_VALUES = "state[i], edges[i], h, x, p, c, accounts[i], w, market[i], times[t], now, flags"
PORTFOLIO_VALUES = "b, edges, h, x, p, c, accounts, w, now, flags"


class Lines:
    """Text with indentation."""

    def __init__(self) -> None:
        self._lines: list[str] = []

    def add(self, depth: int, *lines: str) -> None:
        self._lines += ["    " * depth + line for line in lines]

    def text(self) -> str:
        return "\n".join(self._lines)


class Reader:
    """Writes the expression that reads a binding inside one stage."""

    def __init__(self, graph: Graph, local: frozenset[str]) -> None:
        self._graph = graph
        self._local = local

    def scalar(self, node: Node, field: str, binding: Binding) -> str:
        if isinstance(binding, Constant):
            return f"c.{field}"
        if isinstance(binding, Missing):
            return "nan"
        if isinstance(binding, SourceRef):
            return self._source(node, binding)
        assert isinstance(binding, PortRef)
        return self._port(binding, field)

    def _port(self, ref: PortRef, field: str) -> str:
        name = edge_field(ref.node, ref.port)
        if not ref.delay and ref.node in self._local and self._size(ref) is None:
            return name
        place = f"e.{name}" if is_per_symbol(self._graph, ref) else f"h.{name}"
        if not ref.delay:
            return place
        return f"{place}__before" if ref.otherwise is None else f"given({place}__before, c.{field})"

    def _size(self, ref: PortRef) -> int | None:
        return self._graph.nodes[ref.node].layer.outputs[ref.port].size

    def _source(self, node: Node, ref: SourceRef) -> str:
        slow = node.clock_ms != self._graph.clock_ms
        if ref.group == "market":
            return f"s.market_{node.clock_ms}" if slow else "event"
        if ref.group == "account":
            return f"w.{ref.port}" if ref.port in SHARED_ACCOUNT_PORTS else f"a.{ref.port}"
        if ref.group == "operator":
            return f"control.{ref.port}"
        close = "now + CLOCK"
        if ref.port == "close_time":
            return close
        return f"{close} - {node.clock_ms}.0" if slow else "now"


def symbol_stage(
    lines: Lines, stage: Stage, graph: Graph, layout: Layout, steps: dict[str, str], aggregate_name: str, alone: bool
) -> None:
    """alone: the only stage. It is inlined, so that what parameters alone decide is computed once a block of bars; many
    stages in one function take LLVM too long."""
    base = frozenset(key for key in stage.nodes if graph.nodes[key].clock_ms == graph.clock_ms)
    reader = Reader(graph, base)
    for key in stage.nodes:
        _step_function(lines, graph.nodes[key], steps[key], graph)
    lines.add(
        0,
        "",
        "",
        "@inlined" if alone else "@kernel",
        f"def stage_{stage.number}({STAGE_ARGUMENTS}{clock_flags(layout)}):",
    )
    if stage.number == 0:
        for clock in layout.slow_clocks:
            opens = f"float(time - time % {clock})"
            lines.add(1, f"{aggregate_name}(s.market_{clock}, event, {opens}, starts_{clock}, closes_{clock})")
    for key in stage.nodes:
        node = graph.nodes[key]
        depth = _open_step(lines, node, graph)
        _gather_vectors(lines, depth, node, reader)
        _take_step(lines, depth, node, reader, graph)
    lines.add(1, "return 0")


def clock_flags(layout: Layout) -> str:
    """Arguments that tell whether a slow clock's bar starts or closes with this base bar."""
    return "".join(f", starts_{clock}, closes_{clock}" for clock in layout.slow_clocks)


def _open_step(lines: Lines, node: Node, graph: Graph) -> int:
    """Writes a node's heading; returns the depth of its body, deeper for a slow clock."""
    wired = ", ".join(f"{port}={_named(binding)}" for port, binding in node.inputs.items())
    clock = "" if node.clock_ms == graph.clock_ms else f" every {format_clock(node.clock_ms)}"
    lines.add(1, f"# {node.key} {node.layer.name}{clock}: {wired}")
    if not clock:
        return 1
    lines.add(1, f"if closes_{node.clock_ms}:")
    return 2


def _named(binding: Binding) -> str:
    """A binding for a comment; numbers are data and stay out of the text."""
    if isinstance(binding, VectorOf):
        return f"[{', '.join(_named(e) for e in binding.elements)}]"
    if isinstance(binding, Constant):
        return "constant"
    return f"{binding.node}.{binding.port}@-1" if isinstance(binding, PortRef) and binding.delay else str(binding)


def _gather_vectors(lines: Lines, depth: int, node: Node, reader: Reader) -> None:
    for port, binding in node.inputs.items():
        size = node.layer.inputs[port].size
        if size is None or _passes_whole(binding):
            continue
        target = f"x.{edge_field(node.key, port)}"
        if isinstance(binding, PortRef):
            element = _late_element(reader, node, port, binding)
            lines.add(depth, f"for k in range({size}):", f"    {target}[k] = {element}")
            continue
        if isinstance(binding, Missing):
            lines.add(depth, f"clear_vector({target})")
            continue
        named = list(scalar_fields(node.key, port, binding))
        for k, (field, scalar) in enumerate(named):
            lines.add(depth, f"{target}[{k}] = {reader.scalar(node, field, scalar)}")
        if len(named) < size:
            lines.add(depth, f"for k in range({len(named)}, {size}):", f"    {target}[k] = nan")


def _late_element(reader: Reader, node: Node, port: str, binding: PortRef) -> str:
    whole = reader.scalar(node, edge_field(node.key, port), binding)
    return whole.replace("__before", "__before[k]", 1)


def _passes_whole(binding: Binding) -> bool:
    return isinstance(binding, PortRef) and not binding.delay


def _take_step(lines: Lines, depth: int, node: Node, reader: Reader, graph: Graph) -> None:
    """Writes the call that steps a symbol node and keeps what it says."""
    records = [f"s.{node.key}", f"p.{node.key}", "e"]
    call = f"{_step_name(node)}({', '.join([*records, *_values(node, reader)])})"
    scalars = [edge_field(node.key, p) for p, kind in kept_ports(graph, node).items() if kind.size is None]
    if not scalars:
        lines.add(depth, call)
    elif node.clock_ms != graph.clock_ms:
        lines.add(depth, f"{', '.join(f'e.{name}' for name in scalars)} = {call}")
    else:
        lines.add(depth, f"{', '.join(scalars)} = {call}", *(f"e.{name} = {name}" for name in scalars))


def _values(node: Node, reader: Reader) -> list[str]:
    """The expressions of a node's inputs, in the order of its ports."""
    values = []
    for port, binding in node.inputs.items():
        field = edge_field(node.key, port)
        gathered = node.layer.inputs[port].size is not None and not _passes_whole(binding)
        values.append(f"x.{field}" if gathered else reader.scalar(node, field, binding))
    return values


def _step_name(node: Node) -> str:
    return f"step_{node.key}"


def _step_function(lines: Lines, node: Node, step: str, graph: Graph) -> None:
    """Writes one node's step: taken when every required input is valid, silent while it warms up."""
    ports = {port: field_name(port) for port in node.inputs}
    lines.add(
        0, "", "", "@inlined", f"def {_step_name(node)}({', '.join(['node', 'settings', 'e', *ports.values()])}):"
    )
    kept = kept_ports(graph, node)
    scalars = [field_name(p) for p, kind in kept.items() if kind.size is None]
    vectors = {edge_field(node.key, p): field_name(p) for p, kind in kept.items() if kind.size is not None}
    lines.add(1, *(f"clear_vector(e.{name})" for name in vectors))
    depth = 1
    if needed := _conditions(node, ports):
        lines.add(depth, f"if {' and '.join(needed)}:")
        depth += 1
    arguments = [*_records(node, "node", "settings"), *ports.values()]
    lines.add(depth, f"o = {step}({', '.join(arguments)})")
    lines.add(depth, "if node.steps < settings.warmup:", "    node.steps += 1", "else:")
    lines.add(depth + 1, *(f"copy_vector(e.{name}, o.{field})" for name, field in vectors.items()))
    lines.add(depth + 1, f"return {', '.join(f'float(o.{name})' for name in scalars) or '0'}")
    lines.add(1, f"return {', '.join(['nan'] * len(scalars)) or '0'}")


def _conditions(node: Node, names: dict[str, str]) -> list[str]:
    """What must hold of a node's inputs for a step to be taken; names: what each is called where it is asked."""
    kinds = node.layer.inputs
    asked = [p for p in names if not (kinds[p].optional or kinds[p].edge.name == "market_event")]
    asked = [p for p in asked if not isinstance(node.inputs[p], Constant)]
    scalars = [names[p] for p in asked if kinds[p].size is None]
    pairs = [f"both_valid({one}, {other})" for one, other in zip(scalars[::2], scalars[1::2], strict=False)]
    last = [f"valid({scalars[-1]})"] if len(scalars) % 2 else []
    return [*pairs, *last, *(f"any_valid({names[p]})" for p in asked if kinds[p].size is not None)]


def _records(node: Node, memory: str, params: str) -> list[str]:
    """The records that a layer's step takes before its inputs."""
    parts = {
        f"{memory}.memory": node.layer.state,
        f"{params}.values": node.layer.params,
        f"{params}.model": node.layer.model,
    }
    return [name for name, there in parts.items() if there]


def portfolio_stage(lines: Lines, stage: Stage, graph: Graph, layout: Layout, steps: dict[str, str]) -> None:
    reader = Reader(graph, frozenset())
    lines.add(
        0,
        "",
        "",
        "@kernel",
        f"def stage_{stage.number}({PORTFOLIO_ARGUMENTS}{clock_flags(layout)}):",
    )
    lines.add(1, "symbols = len(edges)")
    for key in stage.nodes:
        node = graph.nodes[key]
        depth = _open_step(lines, node, graph)
        _portfolio_step(lines, depth, node, steps[key], reader, graph)
    lines.add(1, "return 0")


def _portfolio_step(lines: Lines, depth: int, node: Node, step: str, reader: Reader, graph: Graph) -> None:
    arguments, conditions, gathered = _records(node, f"b.{node.key}", f"p.{node.key}"), [], []
    for port, binding in node.inputs.items():
        kind, field = node.layer.inputs[port], edge_field(node.key, port)
        text = reader.scalar(node, field, binding)
        if kind.per_symbol:
            gathered.append(f"x.{field}[i] = {text}")
            text = f"x.{field}[:symbols]"
        arguments.append(text)
        if not kind.optional:
            conditions.append(f"{'any_valid' if kind.per_symbol else 'valid'}({text})")
    if gathered:
        lines.add(depth, "for i in range(symbols):", "    e = edges[i]", "    a = accounts[i]")
        lines.add(depth + 1, *gathered)
    kept = kept_ports(graph, node)
    names = {p: edge_field(node.key, p) for p in kept}
    each = [p for p, kind in kept.items() if kind.per_symbol]
    lines.add(depth, "spoke = False")
    lines.add(depth, f"if {' and '.join(conditions) or 'True'}:")
    lines.add(depth + 1, f"o = {step}({', '.join(arguments)})")
    lines.add(depth + 1, f"if b.{node.key}.steps < p.{node.key}.warmup:", f"    b.{node.key}.steps += 1")
    lines.add(depth + 1, "else:", "    spoke = True")
    for p, kind in kept.items():
        if p in each:
            lines.add(depth + 2, "for i in range(symbols):", f"    edges[i].{names[p]} = o.{field_name(p)}[i]")
        elif kind.size is not None:
            lines.add(depth + 2, f"copy_vector(h.{names[p]}, o.{field_name(p)})")
        else:
            lines.add(depth + 2, f"h.{names[p]} = o.{field_name(p)}")
    if kept:
        lines.add(depth, "if not spoke:")
    for p, kind in kept.items():
        if p in each:
            lines.add(depth + 1, "for i in range(symbols):", f"    edges[i].{names[p]} = nan")
        else:
            lines.add(depth + 1, f"clear_vector(h.{names[p]})" if kind.size is not None else f"h.{names[p]} = nan")
