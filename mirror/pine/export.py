"""From a checked wiring to the text of a script that TradingView accepts, and what had to be left out of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from graph.compiler import Checked
from graph.model import Graph
from mirror.pine import lint, shown
from mirror.pine.cut import Cut, cut, only
from mirror.pine.kernels import NoPineFormError
from mirror.pine.limits import LABELS, PLOTS, Usage, measure
from mirror.pine.pipeline import Pipeline, build_pipeline
from mirror.pine.printing import script_text
from mirror.pine.script import assemble, probe
from mirror.pine.syntax import TRUE, Call, Script, integer, text
from runtime.errors import StratoError


@dataclass(frozen=True)
class Export:
    """text: the script. shown: the ports that it plots. dropped: those that did not fit, with the reason."""

    text: str
    shown: tuple[str, ...]
    dropped: tuple[tuple[str, str], ...]
    cut: Cut
    usage: Usage


def default_ports(graph: Graph) -> list[str]:
    """The ports that have a role, then those that are recorded: the order in which they stay when not all fit."""
    return list(dict.fromkeys(f"{ref.node}.{ref.port}" for ref in (*graph.roles.values(), *graph.record)))


def chart_ports(checked: Checked, asked: Sequence[str] = ()) -> tuple[list[str], list[tuple[str, str]]]:
    """The scalar ports to show, and those that a chart cannot have, with the reason. Raises StratoError."""
    graph = _graph(checked)
    found = cut(graph)
    if not found.nodes:
        reasons = ", ".join(f"{key} {reason}" for key, reason in list(found.left_out.items())[:3])
        raise StratoError(
            f"{graph.file}: nothing in it can be translated: {reasons}", "wire layers that need bars alone", "M001"
        )
    inside, outside = [], []
    for port in asked or default_ports(graph):
        node, name = _known(graph, port)
        kind = graph.nodes[node].layer.outputs[name]
        if node in found.left_out:
            outside.append((port, found.left_out[node]))
        elif kind.size is not None:
            outside.append((port, "it is a vector"))
        else:
            inside.append(port)
    if asked and outside:
        listed = "; ".join(f"{port}: {reason}" for port, reason in outside)
        raise StratoError(
            f"{graph.file}: not on a chart: {listed}", "choose ports of layers that need bars alone", "M002"
        )
    if not inside:
        raise StratoError(
            f"{graph.file}: none of its roles and recorded ports can be on a chart", "name some with --ports", "M001"
        )
    return inside, outside


def computed_ports(checked: Checked) -> list[str]:
    """Every scalar port that a chart can compute, in the order of the steps."""
    graph = _graph(checked)
    assert checked.schedule is not None
    inside = cut(graph).nodes
    keys = [key for stage in checked.schedule.stages for key in stage.nodes if key in inside]
    return [f"{k}.{port}" for k in keys for port, kind in graph.nodes[k].layer.outputs.items() if kind.size is None]


def export(checked: Checked, ports: Sequence[str]) -> Export:
    """The script that shows as many of `ports`, from the first on, as TradingView's limits allow."""
    graph = _graph(checked)
    keep, dropped = list(ports), []
    while keep:
        script, pipeline = _indicator(checked, keep)
        written = script_text(script)
        usage = measure(script, written)
        over = usage.exceeded()
        if not over:
            lint.check(script)
            return Export(written, tuple(keep), tuple(dropped), pipeline.cut, usage)
        count = max(usage.plots - PLOTS, 1)
        dropped += [(port, over[0]) for port in keep[-count:]]
        keep = keep[:-count]
    raise StratoError(
        f"{graph.file}: no port of it fits into one script: {dropped[-1][1]}", "mirror a smaller wiring", "M003"
    )


def probe_text(checked: Checked, ports: Sequence[str]) -> str:
    """A script for an interpreter, which has no limits: it plots every port of the list and nothing else."""
    script = probe(_pipeline(checked, ports), ports)
    lint.check(script)
    return script_text(script)


def _indicator(checked: Checked, ports: Sequence[str]) -> tuple[Script, Pipeline]:
    pipeline = _pipeline(checked, ports)
    named = (
        ("shorttitle", text(pipeline.graph.name)),
        ("overlay", TRUE),
        ("max_labels_count", integer(LABELS)),
    )
    head = Call("void", "indicator", (text(f"StratoQuant {pipeline.graph.name}"),), named)
    lines = [*shown.plots(pipeline, ports), *shown.decorations(pipeline, ports)]
    return assemble(pipeline, head, _title(pipeline), lines), pipeline


def _pipeline(checked: Checked, ports: Sequence[str]) -> Pipeline:
    graph = _graph(checked)
    try:
        return build_pipeline(checked, only(graph, cut(graph), ports))
    except NoPineFormError as problem:
        raise StratoError(
            f"{problem.place}: kernel {problem.kernel}: {problem.message}", problem.hint, "M004"
        ) from None


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
