"""Pass 9, the inner half: the steps of one stage as lines of Python."""

from __future__ import annotations

from collections.abc import Sequence

from stratoquant.graph.account import SHARED_ACCOUNT_PORTS, bars_in_clock
from stratoquant.graph.clock import format_clock
from stratoquant.graph.language import field_name
from stratoquant.graph.model import Binding, Constant, Graph, Missing, Node, PortRef, SourceRef, VectorOf, kept_ports
from stratoquant.graph.passes.p3_types import is_per_symbol
from stratoquant.graph.passes.p7_schedule import Stage, slow_readers
from stratoquant.graph.passes.p8_layout import edge_field, scalar_fields

# What a function takes, and what the loop gives it. A symbol stage: state, edges, edges a bar before, shared edges,
# scratch, parameters, constants, account, wallet, ... of one symbol. A portfolio stage: the records of all symbols. A
# group that runs ahead: one symbol's state, and the edges and events of several bars.
STAGE_ARGUMENTS = "s, e, before, h, x, p, c, a, w, event, time, now, control"
PORTFOLIO_ARGUMENTS = "b, edges, row, last, h, x, p, c, accounts, w, time, now, control"
AHEAD_ARGUMENTS = "s, edges, i, last, x, p, c, market, times, done, bars, control"
STAGE_VALUES = "state[i], edges[row, i], edges[last, i], h, x, p, c, accounts[i], w, market[n, i], time, now, flags"
PORTFOLIO_VALUES = "b, edges, row, last, h, x, p, c, accounts, w, time, now, flags"
AHEAD_VALUES = "state[i], edges, i, last, x, p, c, market, times, done, bars, flags"

_USED_IN_STEP = frozenset(
    (
        "node",
        "settings",
        "e",
        "o",
        "float",
        "nan",
        "valid",
        "both_valid",
        "any_valid",
        "clear_vector",
        "copy_vector",
        "guarded",
    )
)

NEXT_ROW = "row = last + 1 if last + 1 < len(edges) else 0"
"""Every bar writes a row of the edges; the row of the bar before is what ports read late are read from."""


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

    def scalar(self, clock_ms: int, field: str, binding: Binding) -> str:
        """clock_ms: of the node that reads."""
        if isinstance(binding, Constant):
            return f"c.{field}"
        if isinstance(binding, Missing):
            return "nan"
        if isinstance(binding, SourceRef):
            return self._source(clock_ms, binding)
        assert isinstance(binding, PortRef)
        return self.late(binding, field) if binding.delay else self._port(binding)

    def late(self, ref: PortRef, field: str, element: str = "") -> str:
        """What a port, or an element of it, said the bar before."""
        name = edge_field(ref.node, ref.port)
        place = (f"before.{name}" if is_per_symbol(self._graph, ref) else f"h.{name}__before") + element
        return place if ref.otherwise is None else f"given({place}, c.{field})"

    def _port(self, ref: PortRef) -> str:
        name = edge_field(ref.node, ref.port)
        if ref.node in self._local and self._size(ref) is None:
            return name
        return f"e.{name}" if is_per_symbol(self._graph, ref) else f"h.{name}"

    def _size(self, ref: PortRef) -> int | None:
        return self._graph.nodes[ref.node].layer.outputs[ref.port].size

    def _source(self, clock_ms: int, ref: SourceRef) -> str:
        slow = clock_ms != self._graph.clock_ms
        if ref.group == "market":
            return f"s.market_{clock_ms}" if slow else "event"
        if ref.group == "account":
            return f"w.{ref.port}" if ref.port in SHARED_ACCOUNT_PORTS else f"a.{ref.port}"
        if ref.group in ("venue", "operator"):
            return f"control.{ref.port}"
        if ref.port.startswith("bars_"):
            return repr(bars_in_clock(ref.port, clock_ms))
        close = "now + CLOCK"
        if ref.port == "close_time":
            return close
        return f"{close} - {clock_ms}.0" if slow else "now"


def symbol_stage(lines: Lines, nodes: Sequence[str], number: int, graph: Graph, slow_bars: dict[str, str]) -> None:
    """Writes the function that steps these nodes over one bar of one symbol. slow_bars: see `slow_bars`."""
    lines.add(0, "", "", "@kernel", f"def stage_{number}({STAGE_ARGUMENTS}):")
    _steps(lines, 1, nodes, graph, slow_bars)
    lines.add(1, "return 0")


def ahead_group(
    lines: Lines, nodes: Sequence[str], number: int, graph: Graph, slow_bars: dict[str, str], *, alone: bool
) -> None:
    """Writes the function that steps these nodes over several bars of one symbol.

    alone: there is no other function. It is inlined, so that what parameters alone decide is computed once a block of
    bars; much code in one function takes LLVM too long.
    """
    lines.add(0, "", "", "@inlined" if alone else "@kernel", f"def ahead_{number}({AHEAD_ARGUMENTS}):")
    lines.add(1, "for n in range(bars):")
    lines.add(2, NEXT_ROW, "e = edges[row, i]", "before = edges[last, i]")
    lines.add(2, "event = market[n, i]", "time = times[done + n]", "now = float(time)")
    _steps(lines, 2, nodes, graph, slow_bars)
    lines.add(2, "last = row")
    lines.add(1, "return 0")


def slow_bars(graph: Graph, order: Sequence[str], aggregate_name: str) -> dict[str, str]:
    """What makes the market's bars of each slow clock, by the first of the nodes that read them."""
    return {
        min(keys, key=order.index): _slow_bar(clock, graph, aggregate_name)
        for clock, keys in slow_readers(graph).items()
    }


def _slow_bar(clock: int, graph: Graph, aggregate_name: str) -> str:
    into = _into("time", clock, graph)
    return f"{aggregate_name}(s.market_{clock}, event, float(time - {into}), {into} == 0, {_closes(clock, graph)})"


def _into(time: str, clock: int, graph: Graph) -> str:
    """How far a time lies in its bar of a slow clock, ms."""
    origin = graph.origins[clock]
    return f"({time} - {origin}) % {clock}" if origin else f"{time} % {clock}"


def _closes(clock: int, graph: Graph) -> str:
    return f"{_into('(time + CLOCK)', clock, graph)} == 0"


def _steps(lines: Lines, depth: int, nodes: Sequence[str], graph: Graph, slow_bars: dict[str, str]) -> None:
    reader = Reader(graph, frozenset(key for key in nodes if graph.nodes[key].clock_ms == graph.clock_ms))
    for key in nodes:
        node = graph.nodes[key]
        if key in slow_bars:
            lines.add(depth, slow_bars[key])
        inner = _open_step(lines, depth, node, graph)
        _gather_vectors(lines, inner, node, reader)
        _take_step(lines, inner, node, reader, graph)
        if inner > depth:
            _keep_last(lines, depth, node, graph)


def _keep_last(lines: Lines, depth: int, node: Node, graph: Graph) -> None:
    """Writes what a node of a slow clock says between two closes: what it said before."""
    kept = kept_ports(graph, node)
    scalars = [edge_field(node.key, p) for p, kind in kept.items() if kind.size is None]
    vectors = [edge_field(node.key, p) for p, kind in kept.items() if kind.size is not None]
    if kept:
        lines.add(depth, "else:")
    if scalars:
        lines.add(depth + 1, f"{', '.join(f'e.{n}' for n in scalars)} = {', '.join(f'before.{n}' for n in scalars)}")
    lines.add(depth + 1, *(f"copy_vector(e.{n}, before.{n})" for n in vectors))


def _open_step(lines: Lines, depth: int, node: Node, graph: Graph) -> int:
    """Writes a node's heading; returns the depth of its body, deeper for a slow clock."""
    wired = ", ".join(f"{port}={_named(binding)}" for port, binding in node.inputs.items())
    clock = "" if node.clock_ms == graph.clock_ms else f" every {format_clock(node.clock_ms)}"
    lines.add(depth, f"# {node.key} {node.layer.name}{clock}: {wired}")
    if not clock:
        return depth
    lines.add(depth, f"if {_closes(node.clock_ms, graph)}:")
    return depth + 1


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
            element = reader.late(binding, edge_field(node.key, port), "[k]")
            lines.add(depth, f"for k in range({size}):", f"    {target}[k] = {element}")
            continue
        if isinstance(binding, Missing):
            lines.add(depth, f"clear_vector({target})")
            continue
        named = list(scalar_fields(node.key, port, binding))
        for k, (field, scalar) in enumerate(named):
            lines.add(depth, f"{target}[{k}] = {reader.scalar(node.clock_ms, field, scalar)}")
        if len(named) < size:
            lines.add(depth, f"for k in range({len(named)}, {size}):", f"    {target}[k] = nan")


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
    if not node.shipped:
        lines.add(depth, f"note_outside(s.{node.key}.outside, time)")


def _values(node: Node, reader: Reader) -> list[str]:
    """The expressions of a node's inputs, in the order of its ports."""
    values = []
    for port, binding in node.inputs.items():
        field = edge_field(node.key, port)
        gathered = node.layer.inputs[port].size is not None and not _passes_whole(binding)
        values.append(f"x.{field}" if gathered else reader.scalar(node.clock_ms, field, binding))
    return values


def _step_name(node: Node) -> str:
    return f"step_{node.key}"


def step_function(lines: Lines, node: Node, step: str, graph: Graph) -> None:
    """Writes one node's step: taken when every required input is valid, silent while it warms up."""
    ports = _argument_names(node, step)
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
    lines.add(depth, f"o = {_call(node, step, 'node', arguments)}")
    lines.add(depth, "if node.steps < settings.warmup:", "    node.steps += 1", "else:")
    lines.add(depth + 1, *(f"copy_vector(e.{name}, o.{field})" for name, field in vectors.items()))
    lines.add(depth + 1, f"return {', '.join(f'float(o.{name})' for name in scalars) or '0'}")
    lines.add(1, f"return {', '.join(['nan'] * len(scalars)) or '0'}")


def _call(node: Node, step: str, record: str, arguments: Sequence[str]) -> str:
    """The call of a layer's step. The indices of a layer of the user's own are checked when it runs: shipped layers
    keep to their arrays, which their tests show. record: the node's."""
    if node.shipped:
        return f"{step}({', '.join(arguments)})"
    return f"guarded({', '.join([f'{record}.outside', step, *arguments])})"


def _argument_names(node: Node, step: str) -> dict[str, str]:
    """What each input is called in the function of a node's step: as its port, unless the function uses that name."""
    names: dict[str, str] = {}
    for port in node.inputs:
        name = field_name(port)
        while name in _USED_IN_STEP or name == step or name in names.values():
            name += "_"
        names[port] = name
    return names


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


def portfolio_stage(lines: Lines, stage: Stage, graph: Graph, steps: dict[str, str]) -> None:
    reader = Reader(graph, frozenset())
    lines.add(0, "", "", "@kernel", f"def stage_{stage.number}({PORTFOLIO_ARGUMENTS}):")
    lines.add(1, "symbols = edges.shape[1]")
    for key in stage.nodes:
        node = graph.nodes[key]
        depth = _open_step(lines, 1, node, graph)
        _portfolio_step(lines, depth, node, steps[key], reader, graph)
        each = [edge_field(key, p) for p, kind in kept_ports(graph, node).items() if kind.per_symbol]
        if depth > 1 and each:
            lines.add(1, "else:", "    for i in range(symbols):")
            lines.add(3, *(f"edges[row, i].{name} = edges[last, i].{name}" for name in each))
    lines.add(1, "return 0")


def _portfolio_step(lines: Lines, depth: int, node: Node, step: str, reader: Reader, graph: Graph) -> None:
    arguments, conditions, gathered = _records(node, f"b.{node.key}", f"p.{node.key}"), [], []
    for port, binding in node.inputs.items():
        kind, field = node.layer.inputs[port], edge_field(node.key, port)
        text = reader.scalar(node.clock_ms, field, binding)
        if kind.per_symbol:
            gathered.append(f"x.{field}[i] = {text}")
            text = f"x.{field}[:symbols]"
        arguments.append(text)
        if not kind.optional:
            conditions.append(f"{'any_valid' if kind.per_symbol else 'valid'}({text})")
    if gathered:
        lines.add(depth, "for i in range(symbols):", "    e = edges[row, i]", "    before = edges[last, i]")
        lines.add(depth + 1, "a = accounts[i]", *gathered)
    kept = kept_ports(graph, node)
    names = {p: edge_field(node.key, p) for p in kept}
    each = [p for p, kind in kept.items() if kind.per_symbol]
    lines.add(depth, "spoke = False")
    lines.add(depth, f"if {' and '.join(conditions) or 'True'}:")
    lines.add(depth + 1, f"o = {_call(node, step, f'b.{node.key}', arguments)}")
    if not node.shipped:
        lines.add(depth + 1, f"note_outside(b.{node.key}.outside, time)")
    lines.add(depth + 1, f"if b.{node.key}.steps < p.{node.key}.warmup:", f"    b.{node.key}.steps += 1")
    lines.add(depth + 1, "else:", "    spoke = True")
    for p, kind in kept.items():
        if p in each:
            lines.add(depth + 2, "for i in range(symbols):", f"    edges[row, i].{names[p]} = o.{field_name(p)}[i]")
        elif kind.size is not None:
            lines.add(depth + 2, f"copy_vector(h.{names[p]}, o.{field_name(p)})")
        else:
            lines.add(depth + 2, f"h.{names[p]} = o.{field_name(p)}")
    if kept:
        lines.add(depth, "if not spoke:")
    for p, kind in kept.items():
        if p in each:
            lines.add(depth + 1, "for i in range(symbols):", f"    edges[row, i].{names[p]} = nan")
        else:
            lines.add(depth + 1, f"clear_vector(h.{names[p]})" if kind.size is not None else f"h.{names[p]} = nan")
