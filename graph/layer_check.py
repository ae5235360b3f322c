"""Checks a layer by itself: its declaration, then its kernels. A layer found sound is not checked again while neither
its code nor the checks change."""

from __future__ import annotations

from stratoquant.graph.declaration import check_declaration
from stratoquant.graph.derived import recall, remember
from stratoquant.graph.diagnostics import Findings
from stratoquant.graph.kernel_check import check_kernels
from stratoquant.graph.language import Layer

_SOUND = "sound"


def check_layer(layer: Layer, findings: Findings) -> bool:
    """Adds what is wrong with a layer; returns whether its declaration is sound."""
    if recall(_SOUND, [layer]) is not None:
        return True
    found = Findings()
    declared = check_declaration(layer, found)
    if declared:
        check_kernels(layer, found)
    if not found.sorted():
        remember(_SOUND, [layer], "")
    findings.extend(found.sorted())
    return declared
