"""Checks a layer's step, and every kernel below it, against the language: its syntax, then its kinds of values."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from graph.diagnostics import Diagnostic, Findings
from graph.kernel_checker import check_kinds
from graph.kernels import kernel_source, reachable, short_path
from graph.language import Layer
from graph.subset import SubsetChecker


def check_kernels(layer: Layer, findings: Findings) -> None:
    """Adds what is wrong with a layer's kernels."""
    for source in reachable(layer.step):
        findings.extend(_found(source.function, layer if source.function is layer.step else None))


@cache
def _found(function: Callable[..., Any], layer: Layer | None) -> tuple[Diagnostic, ...]:
    """The findings of one kernel; many layers call the same ones. layer: where it is a layer's step."""
    source = kernel_source(function)
    findings = Findings()
    known = {*source.calls, *source.constants, *([layer.output.__name__] if layer else [])}
    SubsetChecker(source.tree, short_path(source.file), known, findings).check()
    check_kinds(source, layer, findings)
    return tuple(findings.sorted())
