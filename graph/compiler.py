"""The compiler's front door: `check` reads and checks a wiring, `compile_plan` turns a checked one into a plan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from stratoquant.graph.diagnostics import Diagnostic, Findings, Severity, WiringError
from stratoquant.graph.model import Graph
from stratoquant.graph.passes.p1_load import load
from stratoquant.graph.passes.p2_resolve import resolve
from stratoquant.graph.passes.p3_types import check_types
from stratoquant.graph.passes.p4_causality import check_causality
from stratoquant.graph.passes.p5_gate import check_gate
from stratoquant.graph.passes.p5_liveness import check_liveness
from stratoquant.graph.passes.p6_warmup import WarmUp, measure_warmup
from stratoquant.graph.passes.p7_schedule import Schedule, schedule
from stratoquant.graph.registry import Registry


@dataclass(frozen=True)
class Checked:
    """What checking found. graph, warmup and schedule are None when an error stands in the way of them."""

    findings: tuple[Diagnostic, ...]
    graph: Graph | None = None
    warmup: WarmUp | None = None
    schedule: Schedule | None = None

    @property
    def sound(self) -> bool:
        return all(f.severity is not Severity.ERROR for f in self.findings)


def check(path: Path, registry: Registry, settings: Mapping[str, float] | None = None) -> Checked:
    """Runs the passes up to the schedule; compiles nothing and imports no compiler. Never raises for a bad wiring.

    settings: parameters set from outside, as {"L14.window": 21}.
    """
    findings = Findings()
    document = load(path, findings, settings)
    if document is None:
        return Checked(tuple(findings.sorted()))
    graph = resolve(document, registry, findings)
    if not graph.nodes and not findings.errors:
        findings.error("W007", "the wiring places no node", graph.place, "add nodes under `nodes`")
    graph = check_types(graph, findings)
    graph = check_causality(graph, findings)
    if document.broken or not document.complete:  # what is missing may be what makes an order safe
        return Checked(tuple(findings.sorted()), graph)
    graph = check_gate(graph, findings)
    graph = check_liveness(graph, findings)
    if findings.errors:
        return Checked(tuple(findings.sorted()), graph)
    return Checked(tuple(findings.sorted()), graph, measure_warmup(graph), schedule(graph))


def checked_or_raise(path: Path, registry: Registry, settings: Mapping[str, float] | None = None) -> Checked:
    """Like `check`, but raises WiringError with every finding when there is an error."""
    result = check(path, registry, settings)
    if not result.sound:
        raise WiringError(result.findings)
    return result
