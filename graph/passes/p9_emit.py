"""Pass 9: the graph as one Python module that a person can read, run over a block of bars or over a single one.

The module holds the text of every kernel, a function a stage or group, and `run`. Nothing in it depends on the values
of parameters, constants or windows; those come in records.
"""

from __future__ import annotations

import re

from stratoquant.graph.account import BALANCES, ORDER_PORTS
from stratoquant.graph.aggregate import aggregate
from stratoquant.graph.border import open_border, release
from stratoquant.graph.kernel_text import imports
from stratoquant.graph.language import BOUND
from stratoquant.graph.market import SCALARS
from stratoquant.graph.model import Graph, SourceRef, elements, kept_ports
from stratoquant.graph.passes.p3_types import is_per_symbol
from stratoquant.graph.passes.p7_schedule import Schedule
from stratoquant.graph.passes.p8_layout import delayed_ports, edge_field, port_columns
from stratoquant.graph.passes.p9_kernels import kernels_of
from stratoquant.graph.passes.p9_steps import (
    AHEAD_VALUES,
    NEXT_ROW,
    PORTFOLIO_VALUES,
    STAGE_VALUES,
    Lines,
    Reader,
    ahead_group,
    portfolio_stage,
    slow_bars,
    step_function,
    symbol_stage,
)
from stratoquant.graph.venue import Venue

RUN_ARGUMENTS = (
    "times",
    "events",
    "market",
    "market_values",
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
    "limits",
    "border",
    "orders",
    "fills",
    "control",
    "spans",
    "recorded",
    "shared_spans",
    "shared_recorded",
    "balances",
    "bounds",
    "shared_bounds",
)

_BAR_FIELDS = len(SCALARS)

_PRELUDE = '''
@kernel
def valid(x):
    return x == x


@kernel
def both_valid(x, y):
    return (x == x) & (y == y)  # one instruction, where `and` is a jump more


@kernel
def any_valid(values):
    for k in range(len(values)):
        if values[k] == values[k]:
            return True
    return False


@kernel
def given(x, otherwise):
    return x if x == x else otherwise


@kernel
def copy_vector(target, source):
    for k in range(len(target)):
        target[k] = source[k]


@kernel
def clear_vector(target):
    for k in range(len(target)):
        target[k] = nan


@kernel
def copy_spans(target, source, spans):
    """spans: rows of first place in the target, first place in the source, length."""
    for k in range(len(spans)):
        to = spans[k, 0]
        start = spans[k, 1]
        for n in range(spans[k, 2]):
            target[to + n] = source[start + n]


@kernel
def note_range(x, k, bounds, control, now, symbol):
    """Keeps the first value that leaves its port's range."""
    if x == x and not (bounds[k, 0] <= x <= bounds[k, 1] and (bounds[k, 2] == 0.0 or x == floor(x))):
        if control.violations == 0:
            control.violation_time = now
            control.violation_symbol = symbol
            control.violation_column = k
            control.violation_value = x
        control.violations += 1


@kernel
def watch(values, first, end, bounds, control, now, symbol):
    """Watches the ranges of some columns."""
    for k in range(first, end):
        note_range(values[k], k, bounds, control, now, symbol)


@kernel
def audit(values, bounds, control, now, symbol):
    """Adds every value to the digest and watches every range."""
    digest = control.digest
    for k in range(len(values)):
        x = values[k]
        digest = (digest ^ np.float64(x).view(np.int64)) * 1099511628211
        digest ^= (digest >> 29) & 0x7FFFFFFFF
        note_range(x, k, bounds, control, now, symbol)
    control.digest = digest
'''
_NOTE_OUTSIDE = '''

@kernel
def note_outside(outside, time):
    """Keeps the time of the first step of a node that used an index outside an array."""
    if outside[0] == 1:
        outside[0] = 2
        outside[1] = time
'''
PRELUDE_NAMES = frozenset(re.findall(r"^def (\w+)", _PRELUDE + _NOTE_OUTSIDE, re.MULTILINE)) | {"run"}


def emit(graph: Graph, schedule: Schedule, venue: Venue) -> str:
    """The source of the module. The same graph always gives the same text."""
    kernels = kernels_of(graph, venue, PRELUDE_NAMES)
    steps, calls = kernels.steps, kernels.functions
    lines = Lines()
    order = tuple(key for stage in schedule.stages for key in stage.nodes)
    made = slow_bars(graph, order, calls[aggregate.__name__])
    for key in order:
        if not graph.nodes[key].layer.portfolio:
            step_function(lines, graph.nodes[key], steps[key], graph)
    for number, nodes in enumerate(schedule.ahead):
        ahead_group(lines, nodes, number, graph, made, alone=schedule.ahead == (order,))
    for stage in schedule.stages:
        if stage.portfolio:
            portfolio_stage(lines, stage, graph, steps)
        elif nodes := schedule.waiting(stage):
            symbol_stage(lines, nodes, stage.number, graph, made)
    _run(lines, graph, schedule, venue, calls)
    own = any(not node.shipped for node in graph.nodes.values())
    body = f"{kernels.text}\n{_PRELUDE}{_NOTE_OUTSIDE if own else ''}{lines.text()}\n"
    head = f'"""The compiled step of the wiring `{graph.name}`; generated, not to be edited."""'
    return f"{head}\n\n{imports(body)}\n\nCLOCK = {graph.clock_ms}  # ms\n\n\n{body}"


def _run(lines: Lines, graph: Graph, schedule: Schedule, venue: Venue, names: dict[str, str]) -> None:
    """Writes the loop over bars. It stops early when the fill log could overflow; the caller empties it and goes on."""
    lines.add(0, "", "", "@entry", f"def run({', '.join(RUN_ARGUMENTS)}):")
    lines.add(1, "symbols = len(state)", "fields = events.shape[2]", "b = portfolio[0]", "h = shared[0]")
    lines.add(1, "x = scratch[0]", "p = params[0]")
    lines.add(1, "c = constants[0]", "w = wallets[0]", "venue = settings[0]", "flags = control[0]", "last = flags.row")
    lines.add(1, "limit = limits[0]", "gauge = border[0]")
    lines.add(1, f"most_fills = symbols * {venue.fills_per_bar}  # in one bar")
    lines.add(1, "done = 0", "while done < len(times):")
    lines.add(2, f"bars = min(len(times) - done, {schedule.chunk}, (len(fills) - w.fills) // most_fills)")
    lines.add(2, "if bars <= 0:", "    return done", "for n in range(bars):", "    for i in range(symbols):")
    # In two loops, the first of a known length: one of unknown length becomes a call for each bar.
    lines.add(4, f"for k in range({_BAR_FIELDS}):", "    market_values[n, i, k] = events[done + n, i, k]")
    lines.add(4, f"for k in range({_BAR_FIELDS}, fields):", "    market_values[n, i, k] = events[done + n, i, k]")
    if schedule.ahead:
        lines.add(2, "for i in range(symbols):")
        lines.add(3, *(f"ahead_{number}({AHEAD_VALUES})" for number in range(len(schedule.ahead))))
    lines.add(2, "for n in range(bars):")
    lines.add(3, NEXT_ROW, "time = times[done + n]", "now = float(time)")
    if _uses_account(graph):
        _meet_market(lines, venue, names)
    for stage in schedule.stages:
        if stage.portfolio:
            lines.add(3, f"stage_{stage.number}({PORTFOLIO_VALUES})")
        elif schedule.waiting(stage):
            lines.add(3, "for i in range(symbols):", f"    stage_{stage.number}({STAGE_VALUES})")
    _release_orders(lines, graph, venue, names)
    _keep_late(lines, graph)
    _record_and_audit(lines)
    _watch_own_layers(lines, graph)
    lines.add(3, "last = row")
    if _uses_account(graph):
        lines.add(3, "if flags.simulate and w.equity <= 0.0:", "    flags.ruined = 1", "    flags.row = last")
        lines.add(4, "return done + n + 1")
    lines.add(2, "done += bars", "flags.row = last")
    lines.add(1, "return done")


def _uses_account(graph: Graph) -> bool:
    """Whether anything can change or see the account: without orders and readers the venue has nothing to do."""
    bound = [b for node in graph.nodes.values() for b in node.inputs.values()]
    read = any(isinstance(s, SourceRef) and s.group == "account" for b in bound for s in elements(b))
    return bool(graph.orders) or read


def _meet_market(lines: Lines, venue: Venue, names: dict[str, str]) -> None:
    lines.add(3, "if flags.simulate:", "    for i in range(symbols):")
    lines.add(5, f"if not {names[venue.passes_quietly.__name__]}(accounts[i], w, venue, market[n, i]):")
    lines.add(6, f"{names[venue.meet_market.__name__]}(accounts[i], w, venue, market[n, i], now, i, fills)")
    lines.add(4, f"{names[venue.settle.__name__]}(accounts, w, venue)")


def _release_orders(lines: Lines, graph: Graph, venue: Venue, names: dict[str, str]) -> None:
    """Writes how orders leave: through the border, in every mode; and on to the venue, where one is simulated."""
    if not graph.orders:
        return
    assert graph.gate is not None, "pass 5 lets no orders through without a gate"
    reader = Reader(graph, frozenset())
    ports = [reader.scalar(graph.clock_ms, f"orders__{port}", graph.orders[port]) for port in ORDER_PORTS]
    side = ports[list(ORDER_PORTS).index("side")]
    lines.add(3, f"{names[open_border.__name__]}(accounts, w, limit, gauge, now)", "for i in range(symbols):")
    lines.add(4, "e = edges[row, i]", "before = edges[last, i]", "a = accounts[i]", "o = orders[i]")
    lines.add(4, f"lasting = {names[venue.outlasting.__name__]}(a, venue, {side})")
    bound = f"e.{edge_field(graph.gate.key, BOUND)}"
    lines.add(4, f"{names[release.__name__]}(a, w, limit, gauge, o, {bound}, lasting, {', '.join(ports)})")
    sent = ", ".join(f"o.{port}" for port in ORDER_PORTS)
    lines.add(4, "if flags.simulate:", f"    {names[venue.place.__name__]}(a, w, venue, now, {sent})")


def _keep_late(lines: Lines, graph: Graph) -> None:
    """Writes what keeps this bar's value of every shared port that is read a step late; a symbol's have their rows."""
    for ref in delayed_ports(graph):
        name = edge_field(ref.node, ref.port)
        if is_per_symbol(graph, ref):
            continue
        if graph.nodes[ref.node].layer.outputs[ref.port].size is None:
            lines.add(3, f"h.{name}__before = h.{name}")
        else:
            lines.add(3, f"copy_vector(h.{name}__before, h.{name})")


def _record_and_audit(lines: Lines) -> None:
    lines.add(
        3, "t = done + n", "for i in range(symbols):", "    copy_spans(recorded[t, i], edge_values[row, i], spans)"
    )
    lines.add(3, "copy_spans(shared_recorded[t], shared_values[0], shared_spans)")
    lines.add(3, *(f"balances[t, {k}] = w.{name}" for k, name in enumerate(BALANCES[:-1])))
    lines.add(3, "funding = 0.0", "for i in range(symbols):", "    funding += accounts[i].funding")
    lines.add(3, f"balances[t, {len(BALANCES) - 1}] = funding")
    lines.add(3, "if flags.audit:", "    for i in range(symbols):")
    lines.add(5, "audit(edge_values[row, i], bounds, flags, now, i)")
    lines.add(4, "audit(shared_values[0], shared_bounds, flags, now, -1)")


def _watch_own_layers(lines: Lines, graph: Graph) -> None:
    """Writes what watches the ranges of the user's own layers; shipped ones keep theirs, which their tests show."""
    own = [node.key for node in graph.nodes.values() if not node.shipped]
    symbol, shared = ([span for key in own if (span := _span(graph, key, of_all))] for of_all in (False, True))
    if symbol or shared:
        lines.add(3, "else:")
    if symbol:
        lines.add(4, "for i in range(symbols):")
        lines.add(5, *(f"watch(edge_values[row, i], {a}, {b}, bounds, flags, now, i)" for a, b in symbol))
    lines.add(4, *(f"watch(shared_values[0], {a}, {b}, shared_bounds, flags, now, -1)" for a, b in shared))


def _span(graph: Graph, key: str, shared: bool) -> tuple[int, int] | None:
    """First column and end of the outputs of a node that each symbol has, or of those that are shared."""
    names = [f"{key}.{port}" for port in kept_ports(graph, graph.nodes[key])]
    found = [column for name, column in port_columns(graph).items() if name in names and column.shared == shared]
    return (found[0].start, found[-1].start + found[-1].size) if found else None
