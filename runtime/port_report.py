"""What the ports, branches and nodes of a run were like, beside what is declared of its layers. Prints nothing."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from stratoquant.graph.observation import Branch
from stratoquant.runtime.effects import Effect
from stratoquant.runtime.port_figures import PortFigures

LEAST_REACHED = 100
"""Of a condition that was reached less often, one cannot tell whether a branch is dead."""

Declared = Callable[[str, str], str]
"""The reason that is declared for a kind of finding (silent, constant, saturated, branch, effect) and a name."""


@dataclass(frozen=True)
class BranchFigures:
    """true, false: how often the condition held, and how often not. guard: it asks only whether a number is missing,
    infinite or zero, as before a division."""

    branch: Branch
    true: int
    false: int
    guard: bool

    @property
    def reached(self) -> int:
        return self.true + self.false

    @property
    def dead(self) -> bool:
        """Whether there is code that was never run although its condition was often reached."""
        if self.guard or self.reached < LEAST_REACHED:
            return False
        has_code = self.branch.arms
        return (has_code[0] and not self.true) or (has_code[1] and not self.false)

    @property
    def name(self) -> str:
        return f"{self.branch.layer} {self.branch.condition}"


@dataclass(frozen=True)
class PortReport:
    """effects: None where they were not measured. bars: of the run, holes included."""

    name: str
    symbols: tuple[str, ...]
    bars: int
    start_ms: int
    end_ms: int
    target: tuple[str, ...]
    ports: tuple[PortFigures, ...]
    branches: tuple[BranchFigures, ...]
    effects: tuple[Effect, ...] | None

    def findings(self, declared: Declared) -> dict[str, list[Any]]:
        """By kind, worst first, what no layer declares."""
        return {k: [one for name, one in found if not declared(k, name)] for k, found in self._found().items()}

    def declared(self, declared: Declared) -> dict[str, list[tuple[str, str]]]:
        """By kind, name and reason of what was found as declared."""
        found = self._found().items()
        return {kind: [(n, why) for n, _ in named if (why := declared(kind, n))] for kind, named in found}

    def _found(self) -> dict[str, list[tuple[str, Any]]]:
        saturated = sorted((p for p in self.ports if p.saturated), key=lambda p: -(p.near_bound or 0.0))
        dead = sorted((b for b in self.branches if b.dead), key=lambda b: -b.reached)
        return {
            "saturated": [(p.name, p) for p in saturated],
            "silent": [(p.name, p) for p in self.ports if p.silent],
            "constant": [(p.name, p) for p in self.ports if p.constant],
            "branch": [(b.name, b) for b in dead],
            "effect": [(e.layer, e) for e in self.effects or () if not e.changed],
        }


def branch_figures(branches: Sequence[Branch], counts: Sequence[Sequence[int]]) -> tuple[BranchFigures, ...]:
    """counts: how often each condition held, and how often not."""
    pairs = zip(branches, counts, strict=True)
    return tuple(BranchFigures(branch, int(n[0]), int(n[1]), is_guard(branch.condition)) for branch, n in pairs)


def is_guard(condition: str) -> bool:
    """Whether a condition asks only whether numbers are missing, infinite or zero."""
    return _guards(ast.parse(condition.strip(), mode="eval").body)


def _guards(node: ast.expr) -> bool:
    if isinstance(node, ast.BoolOp):
        return all(_guards(value) for value in node.values)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        return _guards(node.operand)
    if isinstance(node, ast.Call):
        return isinstance(node.func, ast.Name) and node.func.id in ("isnan", "isfinite", "isinf")
    return isinstance(node, ast.Compare) and any(_is_edge(side) for side in (node.left, *node.comparators))


def _is_edge(value: ast.expr) -> bool:
    if isinstance(value, ast.Name):
        return value.id == "inf"
    return isinstance(value, ast.Constant) and value.value == 0.0


def as_data(report: PortReport, declared: Declared) -> dict[str, Any]:
    """The whole report as JSON can carry it."""
    return {
        "name": report.name,
        "symbols": list(report.symbols),
        "bars": report.bars,
        "start": report.start_ms,
        "end": report.end_ms,
        "target": list(report.target),
        "ports": [_port(p, declared) for p in report.ports],
        "branches": [_branch(b, declared) for b in report.branches],
        "effects": None
        if report.effects is None
        else [asdict(e) | _reason("effect", e.layer, not e.changed, declared) for e in report.effects],
    }


def _port(port: PortFigures, declared: Declared) -> dict[str, Any]:
    kinds = {kind: bool(getattr(port, kind)) for kind in ("silent", "constant", "saturated")}
    why = next((reason for kind, holds in kinds.items() if holds and (reason := declared(kind, port.name))), None)
    return asdict(port) | kinds | {"declared": why}


def _branch(figures: BranchFigures, declared: Declared) -> dict[str, Any]:
    branch = figures.branch
    return {
        "layer": branch.layer,
        "file": branch.place.file,
        "line": branch.place.line,
        "condition": branch.condition,
        "true": figures.true,
        "false": figures.false,
        "guard": figures.guard,
        "dead": figures.dead,
    } | _reason("branch", figures.name, figures.dead, declared)


def _reason(kind: str, name: str, holds: bool, declared: Declared) -> dict[str, Any]:
    return {"declared": (declared(kind, name) or None) if holds else None}
