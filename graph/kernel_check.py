"""Checks a layer's step, and every kernel below it, against the kernel language."""

from __future__ import annotations

from functools import cache

from graph.diagnostics import Findings
from graph.kernel.alone import faults_of
from graph.kernels import reachable
from graph.language import Layer


def check_kernels(layer: Layer, findings: Findings) -> None:
    """Adds what is wrong with a layer's kernels. What passes has a type in machine code."""
    for source in reachable(layer.step):
        findings.extend(_found(source.function, layer if source.function is layer.step else None))


_found = cache(faults_of)
"""Many layers call the same kernels."""
