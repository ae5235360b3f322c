"""Pass 9, the inner half: the steps of one stage as lines of Python."""

from __future__ import annotations

from graph.account import SHARED_ACCOUNT_PORTS
from graph.clock import format_clock
from graph.kernels import NO_WRAPPERS
from graph.language import field_name
from graph.model import Binding, Constant, Graph, Missing, Node, PortRef, SourceRef, VectorOf
from graph.passes.p3_types import is_per_symbol
from graph.passes.p7_schedule import Stage
from graph.passes.p8_layout import Layout, edge_field, kept_ports, scalar_fields

# What a stage function takes, and what the loop gives it: state, edges, shared edges, scratch, parameters, constants,
# account, wallet, ... of one symbol; a portfolio stage takes the records of all symbols.
STAGE_ARGUMENTS = "s, e, h, x, p, c, a, w, event, time, now, control"
PORTFOLIO_ARGUMENTS = "b, edges, h, x, p, c, accounts, w, now, control"
STAGE_VALUES = "state[i], edges[i], h, x, p, c, accounts[i], w, events[t, i], times[t], now, flags"
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
    lines: Lines, stage: Stage, graph: Graph, layout: Layout, steps: dict[str, str], aggregate_name: str
) -> None:
    base = frozenset(key for key in stage.nodes if graph.nodes[key].clock_ms == graph.clock_ms)
    reader = Reader(graph, base)
    lines.add(
        0,
        "",
        "",
        f'@njit(error_model="numpy", {NO_WRAPPERS})',
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
        _step(lines, depth, node, steps[key], reader, "s", graph)
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


def _step(lines: Lines, depth: int, node: Node, step: str, reader: Reader, memory: str, graph: Graph) -> None:
    """Writes the step of a symbol node: taken when every required input is valid, silent while it warms up."""
    arguments, conditions = _arguments(node, memory), []
    for port, binding in node.inputs.items():
        kind, field = node.layer.inputs[port], edge_field(node.key, port)
        vector = kind.size is not None
        text = f"x.{field}" if vector and not _passes_whole(binding) else reader.scalar(node, field, binding)
        arguments.append(text)
        if not kind.optional and kind.edge.name != "market_event":
            conditions.append(f"{'any_valid' if vector else 'valid'}({text})")
    kept = kept_ports(graph, node)
    scalars = [p for p, kind in kept.items() if kind.size is None]
    vectors = [p for p, kind in kept.items() if kind.size is not None]
    names = {p: edge_field(node.key, p) for p in kept}
    if scalars:
        lines.add(depth, " = ".join(names[p] for p in scalars) + " = nan")
    for p in vectors:
        lines.add(depth, f"clear_vector(e.{names[p]})")
    conditions = list(dict.fromkeys(c for c in conditions if not c.startswith("valid(c.")))
    body = depth
    if conditions:
        lines.add(depth, f"if {' and '.join(conditions)}:")
        body += 1
    lines.add(body, f"o = {step}({', '.join(arguments)})")
    lines.add(body, f"if speaks({memory}.{node.key}, p.{node.key}.warmup):")
    lines.add(body + 1, *(f"{names[p]} = o.{field_name(p)}" for p in scalars))
    lines.add(body + 1, *(f"copy_vector(e.{names[p]}, o.{field_name(p)})" for p in vectors))
    lines.add(depth, *(f"e.{names[p]} = {names[p]}" for p in scalars))


def _arguments(node: Node, memory: str) -> list[str]:
    arguments = [f"{memory}.{node.key}.memory"] if node.layer.state else []
    arguments += [f"p.{node.key}.values"] if node.layer.params else []
    return arguments + ([f"p.{node.key}.model"] if node.layer.model else [])


def portfolio_stage(lines: Lines, stage: Stage, graph: Graph, layout: Layout, steps: dict[str, str]) -> None:
    reader = Reader(graph, frozenset())
    lines.add(
        0,
        "",
        "",
        f'@njit(error_model="numpy", {NO_WRAPPERS})',
        f"def stage_{stage.number}({PORTFOLIO_ARGUMENTS}{clock_flags(layout)}):",
    )
    lines.add(1, "symbols = len(edges)")
    for key in stage.nodes:
        node = graph.nodes[key]
        depth = _open_step(lines, node, graph)
        _portfolio_step(lines, depth, node, steps[key], reader, graph)
    lines.add(1, "return 0")


def _portfolio_step(lines: Lines, depth: int, node: Node, step: str, reader: Reader, graph: Graph) -> None:
    arguments, conditions, gathered = _arguments(node, "b"), [], []
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
    lines.add(depth + 1, f"if speaks(b.{node.key}, p.{node.key}.warmup):", "    spoke = True")
    for p, kind in kept.items():
        if p in each:
            lines.add(depth + 2, "for i in range(symbols):", f"    edges[i].{names[p]} = o.{field_name(p)}[i]")
        elif kind.size is not None:
            lines.add(depth + 2, f"copy_vector(h.{names[p]}, o.{field_name(p)})")
        else:
            lines.add(depth + 2, f"h.{names[p]} = o.{field_name(p)}")
    lines.add(depth, "if not spoke:")
    for p, kind in kept.items():
        if p in each:
            lines.add(depth + 1, "for i in range(symbols):", f"    edges[i].{names[p]} = nan")
        else:
            lines.add(depth + 1, f"clear_vector(h.{names[p]})" if kind.size is not None else f"h.{names[p]} = nan")
