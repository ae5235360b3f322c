"""Pass 9: the graph as one Python module that a person can read, run over a block of bars or over a single one.

The module holds the text of every kernel, one function a stage, and `run`. Nothing in it depends on the values of
parameters, constants or windows; those come in records.
"""

from __future__ import annotations

from graph.account import BALANCES, ORDER_PORTS, SHARED_ACCOUNT_PORTS
from graph.aggregate import aggregate
from graph.clock import format_clock
from graph.kernels import KernelText, used_math
from graph.language import field_name
from graph.model import Binding, Constant, Graph, Missing, Node, PortRef, SourceRef, VectorOf
from graph.passes.p3_types import is_per_symbol
from graph.passes.p7_schedule import Schedule, Stage
from graph.passes.p8_layout import Layout, delayed_ports, edge_field, scalar_fields
from graph.venue import Venue

RUN_ARGUMENTS = (
    "times",
    "events",
    "state",
    "portfolio",
    "edges",
    "edge_values",
    "shared",
    "shared_values",
    "scratch",
    "params",
    "constants",
    "accounts",
    "wallets",
    "settings",
    "fills",
    "control",
    "columns",
    "recorded",
    "shared_columns",
    "shared_recorded",
    "balances",
    "bounds",
    "shared_bounds",
)
_STAGE_ARGUMENTS = "s, e, h, x, p, c, a, w, event, time, now, control"
_PORTFOLIO_ARGUMENTS = "b, edges, h, x, p, c, accounts, w, now, control"
_STAGE_VALUES = "state[i], edges[i], h, x, p, c, accounts[i], w, events[t, i], times[t], now, flags"
_PORTFOLIO_VALUES = "b, edges, h, x, p, c, accounts, w, now, flags"

_PRELUDE = '''
@njit
def valid(x):
    return x == x


@njit
def any_valid(values):
    for k in range(len(values)):
        if values[k] == values[k]:
            return True
    return False


@njit
def given(x, otherwise):
    return x if x == x else otherwise


@njit
def speaks(node, warmup):
    node.steps += 1
    return node.steps > warmup


@njit
def copy_vector(target, source):
    for k in range(len(target)):
        target[k] = source[k]


@njit
def clear_vector(target):
    for k in range(len(target)):
        target[k] = nan


@njit
def audit(values, bounds, control, now, symbol):
    """Adds every value to the digest and keeps the first one that leaves its port's range."""
    digest = control.digest
    for k in range(len(values)):
        x = values[k]
        digest = (digest ^ np.float64(x).view(np.int64)) * 1099511628211
        digest ^= digest >> 29
        if x == x and not (bounds[k, 0] <= x <= bounds[k, 1] and (bounds[k, 2] == 0.0 or x == floor(x))):
            if control.violations == 0:
                control.violation_time = now
                control.violation_symbol = symbol
                control.violation_column = k
                control.violation_value = x
            control.violations += 1
    control.digest = digest
'''


class _Lines:
    """Text with indentation."""

    def __init__(self) -> None:
        self._lines: list[str] = []

    def add(self, depth: int, *lines: str) -> None:
        self._lines += ["    " * depth + line for line in lines]

    def text(self) -> str:
        return "\n".join(self._lines)


def emit(graph: Graph, schedule: Schedule, layout: Layout, venue: Venue) -> str:
    """The source of the module. The same graph always gives the same text."""
    kernels = KernelText()
    steps = {node.key: kernels.add_layer(node.layer) for node in graph.nodes.values()}
    calls = {f: kernels.add_function(f) for f in (venue.meet_market, venue.settle, venue.place, aggregate)}
    lines = _Lines()
    for stage in schedule.stages:
        if stage.portfolio:
            _portfolio_stage(lines, stage, graph, layout, steps)
        else:
            _symbol_stage(lines, stage, graph, layout, steps, calls[aggregate])
    _run(lines, graph, schedule, layout, venue, {f.__name__: name for f, name in calls.items()})
    body = f"{kernels.text()}\n{_PRELUDE}{lines.text()}\n"
    names = ", ".join(sorted({*used_math(body), "floor", "nan"}))
    head = f'"""The compiled step of the wiring `{graph.name}`; generated, not to be edited."""'
    imports = (
        f"from collections import namedtuple\nfrom math import {names}\n\nimport numpy as np\nfrom numba import njit"
    )
    return f"{head}\n\n{imports}\n\nCLOCK = {graph.clock_ms}  # ms\n\n\n{body}"


class _Reader:
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


def _symbol_stage(
    lines: _Lines, stage: Stage, graph: Graph, layout: Layout, steps: dict[str, str], aggregate_name: str
) -> None:
    base = frozenset(key for key in stage.nodes if graph.nodes[key].clock_ms == graph.clock_ms)
    reader = _Reader(graph, base)
    lines.add(
        0, "", "", '@njit(error_model="numpy")', f"def stage_{stage.number}({_STAGE_ARGUMENTS}{_closes(layout)}):"
    )
    if stage.number == 0:
        for clock in layout.slow_clocks:
            opens = f"float(time - time % {clock})"
            lines.add(1, f"{aggregate_name}(s.market_{clock}, event, {opens}, starts_{clock}, closes_{clock})")
    for key in stage.nodes:
        node = graph.nodes[key]
        depth = _open_step(lines, node, graph)
        _gather_vectors(lines, depth, node, reader)
        _step(lines, depth, node, steps[key], reader, "s")
    lines.add(1, "return 0")


def _closes(layout: Layout) -> str:
    """Arguments that tell whether a slow clock's bar starts or closes with this base bar."""
    return "".join(f", starts_{clock}, closes_{clock}" for clock in layout.slow_clocks)


def _open_step(lines: _Lines, node: Node, graph: Graph) -> int:
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


def _gather_vectors(lines: _Lines, depth: int, node: Node, reader: _Reader) -> None:
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


def _late_element(reader: _Reader, node: Node, port: str, binding: PortRef) -> str:
    whole = reader.scalar(node, edge_field(node.key, port), binding)
    return whole.replace("__before", "__before[k]", 1)


def _passes_whole(binding: Binding) -> bool:
    return isinstance(binding, PortRef) and not binding.delay


def _step(lines: _Lines, depth: int, node: Node, step: str, reader: _Reader, memory: str) -> None:
    """Writes the step of a symbol node: taken when every required input is valid, silent while it warms up."""
    arguments, conditions = _arguments(node, memory), []
    for port, binding in node.inputs.items():
        kind, field = node.layer.inputs[port], edge_field(node.key, port)
        vector = kind.size is not None
        text = f"x.{field}" if vector and not _passes_whole(binding) else reader.scalar(node, field, binding)
        arguments.append(text)
        if not kind.optional and kind.edge.name != "market_event":
            conditions.append(f"{'any_valid' if vector else 'valid'}({text})")
    scalars = [p for p, kind in node.layer.outputs.items() if kind.size is None]
    vectors = [p for p, kind in node.layer.outputs.items() if kind.size is not None]
    names = {p: edge_field(node.key, p) for p in node.layer.outputs}
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
    return arguments + ([f"p.{node.key}.values"] if node.layer.params else [])


def _portfolio_stage(lines: _Lines, stage: Stage, graph: Graph, layout: Layout, steps: dict[str, str]) -> None:
    reader = _Reader(graph, frozenset())
    lines.add(
        0, "", "", '@njit(error_model="numpy")', f"def stage_{stage.number}({_PORTFOLIO_ARGUMENTS}{_closes(layout)}):"
    )
    lines.add(1, "symbols = len(edges)")
    for key in stage.nodes:
        node = graph.nodes[key]
        depth = _open_step(lines, node, graph)
        _portfolio_step(lines, depth, node, steps[key], reader)
    lines.add(1, "return 0")


def _portfolio_step(lines: _Lines, depth: int, node: Node, step: str, reader: _Reader) -> None:
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
    names = {p: edge_field(node.key, p) for p in node.layer.outputs}
    each = [p for p, kind in node.layer.outputs.items() if kind.per_symbol]
    lines.add(depth, "spoke = False")
    lines.add(depth, f"if {' and '.join(conditions) or 'True'}:")
    lines.add(depth + 1, f"o = {step}({', '.join(arguments)})")
    lines.add(depth + 1, f"if speaks(b.{node.key}, p.{node.key}.warmup):", "    spoke = True")
    for p, kind in node.layer.outputs.items():
        if p in each:
            lines.add(depth + 2, "for i in range(symbols):", f"    edges[i].{names[p]} = o.{field_name(p)}[i]")
        elif kind.size is not None:
            lines.add(depth + 2, f"copy_vector(h.{names[p]}, o.{field_name(p)})")
        else:
            lines.add(depth + 2, f"h.{names[p]} = o.{field_name(p)}")
    lines.add(depth, "if not spoke:")
    for p, kind in node.layer.outputs.items():
        if p in each:
            lines.add(depth + 1, "for i in range(symbols):", f"    edges[i].{names[p]} = nan")
        else:
            lines.add(depth + 1, f"clear_vector(h.{names[p]})" if kind.size is not None else f"h.{names[p]} = nan")


def _run(lines: _Lines, graph: Graph, schedule: Schedule, layout: Layout, venue: Venue, names: dict[str, str]) -> None:
    """Writes the loop over bars. It stops early when the fill log could overflow; the caller empties it and goes on."""
    lines.add(0, "", "", '@njit(error_model="numpy", cache=True)', f"def run({', '.join(RUN_ARGUMENTS)}):")
    lines.add(1, "symbols = events.shape[1]", "b = portfolio[0]", "h = shared[0]", "x = scratch[0]", "p = params[0]")
    lines.add(1, "c = constants[0]", "w = wallets[0]", "venue = settings[0]", "flags = control[0]")
    lines.add(1, "for t in range(len(times)):")
    lines.add(2, f"if w.fills + symbols * {venue.fills_per_bar} > len(fills):", "    return t")
    for clock in layout.slow_clocks:
        lines.add(2, f"starts_{clock} = times[t] % {clock} == 0", f"closes_{clock} = (times[t] + CLOCK) % {clock} == 0")
    lines.add(2, "now = float(times[t])", "if flags.simulate:", "    for i in range(symbols):")
    lines.add(4, f"{names[venue.meet_market.__name__]}(accounts[i], w, venue, events[t, i], now, i, fills)")
    lines.add(3, f"{names[venue.settle.__name__]}(accounts, w, venue)")
    for stage in schedule.stages:
        if stage.portfolio:
            lines.add(2, f"stage_{stage.number}({_PORTFOLIO_VALUES}{_closes(layout)})")
        else:
            lines.add(2, "for i in range(symbols):")
            lines.add(3, f"stage_{stage.number}({_STAGE_VALUES}{_closes(layout)})")
    _place_orders(lines, graph, names[venue.place.__name__])
    _keep_late(lines, graph)
    _record_and_audit(lines)
    lines.add(1, "return len(times)")


def _place_orders(lines: _Lines, graph: Graph, place: str) -> None:
    if not graph.orders:
        return
    reader = _Reader(graph, frozenset())
    sink = Node("orders", next(iter(graph.nodes.values())).layer, graph.clock_ms, None, {}, graph.place)
    values = [reader.scalar(sink, f"orders__{port}", graph.orders[port]) for port in ORDER_PORTS]
    lines.add(
        2, "if flags.simulate:", "    for i in range(symbols):", "        e = edges[i]", "        a = accounts[i]"
    )
    lines.add(4, f"{place}(a, w, venue, now, {', '.join(values)})")


def _keep_late(lines: _Lines, graph: Graph) -> None:
    """Writes what keeps this step's value of every port that is read a step late."""
    for ref in delayed_ports(graph):
        name = edge_field(ref.node, ref.port)
        size = graph.nodes[ref.node].layer.outputs[ref.port].size
        depth, record = 2, "h"
        if is_per_symbol(graph, ref):
            lines.add(2, "for i in range(symbols):", "    e = edges[i]")
            depth, record = 3, "e"
        if size is None:
            lines.add(depth, f"{record}.{name}__before = {record}.{name}")
        else:
            lines.add(depth, f"copy_vector({record}.{name}__before, {record}.{name})")


def _record_and_audit(lines: _Lines) -> None:
    lines.add(2, "for i in range(symbols):", "    for k in range(len(columns)):")
    lines.add(4, "recorded[t, i, k] = edge_values[i, columns[k]]")
    lines.add(
        2, "for k in range(len(shared_columns)):", "    shared_recorded[t, k] = shared_values[0, shared_columns[k]]"
    )
    lines.add(2, *(f"balances[t, {k}] = w.{name}" for k, name in enumerate(BALANCES[:-1])))
    lines.add(2, "funding = 0.0", "for i in range(symbols):", "    funding += accounts[i].funding")
    lines.add(2, f"balances[t, {len(BALANCES) - 1}] = funding")
    lines.add(2, "if flags.audit:", "    for i in range(symbols):")
    lines.add(4, "audit(edge_values[i], bounds, flags, now, i)")
    lines.add(3, "audit(shared_values[0], shared_bounds, flags, now, -1)")
