"""The one exception of this package."""

from __future__ import annotations

from stratoquant.graph.kernel.nodes import Place


class KernelTypeError(TypeError):
    """A kernel that has no machine code for the types of its arguments."""

    def __init__(self, kernel: str, message: str, place: Place) -> None:
        super().__init__(f"{message}\nin kernel {kernel}, module.py, line {place.line}")
