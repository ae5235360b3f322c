"""Checks a layer's step, and every kernel below it, against the kernel language."""

from __future__ import annotations

from functools import cache

from stratoquant.graph.diagnostics import Findings
from stratoquant.graph.kernel.alone import faults_of
from stratoquant.graph.kernels import reachable
from stratoquant.graph.language import Layer


def check_kernels(layer: Layer, findings: Findings) -> None:
    """Adds what is wrong with a layer's kernels. What passes has a type in machine code."""
    for source in reachable(layer.step):
        findings.extend(_found(source.function, layer if source.function is layer.step else None))


_found = cache(faults_of)
"""Many layers call the same kernels."""
