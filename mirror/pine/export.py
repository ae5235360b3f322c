"""From a checked wiring to the text of a script that TradingView accepts, and what had to be left out of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches

from stratoquant.graph.compiler import Checked
from stratoquant.graph.model import Graph
from stratoquant.mirror.pine import lint, shown
from stratoquant.mirror.pine.cut import Crossing, Cut, cut, only
from stratoquant.mirror.pine.embedding import add_checks, add_series, declare, parity
from stratoquant.mirror.pine.kernels import NoPineFormError
from stratoquant.mirror.pine.limits import PLOTS, TOKENS, Usage, measure
from stratoquant.mirror.pine.pipeline import Pipeline, build_pipeline
from stratoquant.mirror.pine.printing import script_text
from stratoquant.mirror.pine.reasons import own_reason
from stratoquant.mirror.pine.script import assemble, probe
from stratoquant.mirror.pine.series import Exported, Packed, pack_within
from stratoquant.mirror.pine.strategy import account_plots, follow, head, no_orders, order_ports, own_orders, title
from stratoquant.mirror.pine.syntax import Script
from stratoquant.runtime.errors import StratoError

SPARE_TOKENS = 3_000  # left unused beside embedded series


@dataclass(frozen=True)
class Export:
    """text: the script. shown: the ports that it plots. dropped: those that did not fit, with the reason. embedded:
    ports that come from the run. checked: those that the script compares with the run, over `period`."""

    text: str
    shown: tuple[str, ...]
    dropped: tuple[tuple[str, str], ...]
    cut: Cut
    usage: Usage
    embedded: tuple[str, ...] = ()
    checked: tuple[str, ...] = ()
    period: tuple[int, int] | None = None


@dataclass(frozen=True)
class Chosen:
    """The scalar ports to show, those that a chart cannot have with the reason, and the ports that a run gives."""

    ports: tuple[str, ...]
    outside: tuple[tuple[str, str], ...]
    embedded: tuple[str, ...]
    cut: Cut


def default_ports(graph: Graph) -> list[str]:
    """The ports that have a role, then those that are recorded: the order in which they stay when not all fit."""
    return list(dict.fromkeys(f"{ref.node}.{ref.port}" for ref in (*graph.roles.values(), *graph.record)))


def choose(
    checked: Checked, asked: Sequence[str] = (), run: Mapping[str, Exported] | None = None, *, strategy: bool = False
) -> Chosen:
    """What a script of this wiring can show. Raises StratoError for ports that do not exist or cannot be had.

    strategy: with the tester's account, where it carries the wiring's own orders that far.
    """
    graph = _graph(checked)
    gone = {c.source for c in _needed_from_outside(graph)}
    embedded = tuple(sorted(gone & (run or {}).keys()))
    found = cut(graph, frozenset(embedded))
    if strategy and not no_orders(graph, with_account := cut(graph, frozenset(embedded), strategy=True)):
        found = with_account
    if not found.nodes:
        reasons = ", ".join(f"{key}: {reason}" for key, reason in list(found.left_out.items())[:3])
        message = f"{graph.file}: nothing in it can be translated: {reasons}"
        raise StratoError(message, "wire layers that need bars alone", "M001")
    inside, outside = [], []
    for port in asked or default_ports(graph):
        node, name = _known(graph, port)
        if node in found.left_out:
            outside.append((port, str(found.left_out[node])))
        elif graph.nodes[node].layer.outputs[name].size is not None:
            outside.append((port, "it is a vector"))
        else:
            inside.append(port)
    if asked and outside:
        listed = "; ".join(f"{port}: {reason}" for port, reason in outside)
        raise StratoError(
            f"{graph.file}: not on a chart: {listed}", "choose ports of layers that need bars alone", "M002"
        )
    if not inside:
        message = f"{graph.file}: none of its roles and recorded ports can be on a chart"
        raise StratoError(message, "name some with --ports", "M001")
    return Chosen(tuple(inside), tuple(outside), embedded, found)


def _needed_from_outside(graph: Graph) -> list[Crossing]:
    """Edges out of nodes that no chart can have by themselves into any that it could."""
    alone = {key for key, node in graph.nodes.items() if own_reason(graph, node)}
    return [
        Crossing(f"{ref.node}.{ref.port}", f"{key}.{port}", embedded=True)
        for key, node in graph.nodes.items()
        if key not in alone
        for port, ref in node.references()
        if ref.node in alone and graph.nodes[ref.node].layer.outputs[ref.port].size is None
    ]


def computed_ports(checked: Checked) -> list[str]:
    """Every scalar port that a chart can compute, in the order of the steps."""
    graph = _graph(checked)
    assert checked.schedule is not None
    inside = cut(graph).nodes
    keys = [key for stage in checked.schedule.stages for key in stage.nodes if key in inside]
    return [f"{k}.{port}" for k in keys for port, kind in graph.nodes[k].layer.outputs.items() if kind.size is None]


def export(
    checked: Checked, chosen: Chosen, run: Mapping[str, Exported] | None = None, *, strategy: bool = False
) -> Export:
    """The script that shows as many of the chosen ports, from the first on, as TradingView's limits allow."""
    keep, dropped = list(chosen.ports), []
    while keep:
        made = _written(checked, chosen, keep, run or {}, strategy=strategy)
        over = made.usage.exceeded()
        if not over:
            return replace(made, dropped=tuple(dropped))
        count = max(made.usage.plots - PLOTS, 1)
        dropped += [(port, over[0]) for port in keep[-count:]]
        keep = keep[:-count]
    message = f"{_graph(checked).file}: no port of it fits into one script: {dropped[-1][1]}"
    raise StratoError(message, "mirror a smaller wiring", "M003")


def probe_text(checked: Checked, ports: Sequence[str]) -> str:
    """A script for an interpreter, which has no limits: it plots every port of the list and nothing else."""
    graph = _graph(checked)
    script = probe(_pipeline(checked, only(graph, cut(graph), ports), ()), ports)
    lint.check(script)
    return script_text(script)


def _written(
    checked: Checked, chosen: Chosen, ports: Sequence[str], run: Mapping[str, Exported], *, strategy: bool
) -> Export:
    """One script with these ports; series of the run take what room the rest leaves."""
    graph = _graph(checked)
    part = only(graph, chosen.cut, (*ports, *(order_ports(graph) if chosen.cut.strategy else ())))
    crossing = sorted({c.source for c in part.crossings if c.embedded})
    compared = [p for p in ports if p in run and is_whole(graph, p)]
    bare = _script(checked, part, ports, [], [], strategy=strategy)
    left = TOKENS - SPARE_TOKENS - measure(bare, script_text(bare)).tokens
    packed = pack_within([run[p] for p in (*crossing, *compared)], graph.clock_ms, max(left // 2, 0))
    given, own = packed[: len(crossing)], packed[len(crossing) :]
    script = _script(checked, part, ports, given, own, strategy=strategy) if packed else bare
    lint.check(script)
    written = script_text(script)
    period = (packed[0].first + graph.clock_ms, packed[0].end) if packed else None
    return Export(
        written,
        tuple(ports),
        (),
        part,
        measure(script, written),
        tuple(p.port for p in given),
        tuple(p.port for p in own),
        period,
    )


def _script(
    checked: Checked,
    part: Cut,
    ports: Sequence[str],
    given: Sequence[Packed],
    own: Sequence[Packed],
    *,
    strategy: bool,
) -> Script:
    pipeline = _pipeline(checked, part, [p.port for p in given])
    if given or own:
        if not given:
            add_series(pipeline.library)
        add_checks(pipeline.library)
    lines = [*shown.plots(pipeline, ports), *shown.decorations(pipeline, ports), *parity(pipeline, own)]
    if part.strategy:
        lines += [*account_plots(), *own_orders(pipeline)]
    elif strategy:
        lines += follow(pipeline)
    exported = [line for p in (*given, *own) for line in declare(p)]
    notes = [*_title(pipeline), *(title(pipeline) if strategy else [])]
    return assemble(pipeline, head(pipeline, strategy=strategy), notes, lines, exported)


def is_whole(graph: Graph, port: str) -> bool:
    """True for a port of sides, flags, labels or counts."""
    node, name = port.split(".")
    return graph.nodes[node].layer.outputs[name].edge.whole


def _pipeline(checked: Checked, part: Cut, embedded: Sequence[str]) -> Pipeline:
    try:
        return build_pipeline(checked, part, embedded, add_series if embedded else lambda _: None)
    except NoPineFormError as problem:
        message = f"{problem.place}: kernel {problem.kernel}: {problem.message}"
        raise StratoError(message, problem.hint, "M004") from None


def _title(pipeline: Pipeline) -> list[str]:
    graph = pipeline.graph
    lines = [f"StratoQuant mirror of the wiring {graph.name}: the nodes below are its kernels, translated."]
    lines.append("Closed bars only; comparisons are exact (differences times 1e200 against Pine's tolerance of 1e-10).")
    if pipeline.cut.left_out:
        lines.append("Left out: " + ", ".join(sorted(pipeline.cut.left_out)) + ".")
    off = sorted({f"{c.reader} (from {c.source})" for c in pipeline.cut.crossings if not c.embedded})
    if off:
        lines.append("Switched off, as missing: " + ", ".join(off) + ".")
    return lines


def _graph(checked: Checked) -> Graph:
    assert checked.graph is not None
    return checked.graph


def _known(graph: Graph, port: str) -> tuple[str, str]:
    """Splits NODE.port. Raises StratoError with the nearest name for one that does not exist."""
    names = [f"{key}.{name}" for key, node in graph.nodes.items() for name in node.layer.outputs]
    if port not in names:
        near = get_close_matches(port, names, n=1)
        raise StratoError(
            f"{graph.file}: no port {port}", f"did you mean {near[0]}?" if near else "write NODE.port", "M005"
        )
    node, name = port.split(".")
    return node, name
