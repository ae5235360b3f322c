"""Marks what machine code takes into its callers: what is marked `inlined`, and every kernel that one of those needs.

A layer's step stands in one place, and its outputs need not pass through memory there. What a step calls is small and
often takes parts of the step's memory; apart from it, the addresses would be passed on at every call.
"""

from __future__ import annotations

from collections.abc import Sequence

from stratoquant.graph.kernel.nodes import Function
from stratoquant.graph.kernel.source import ModuleSource


def mark_inlined(functions: Sequence[Function], source: ModuleSource) -> None:
    """Sets `inline` of the functions of a program. A kernel that is called below a step is inlined everywhere."""
    waiting = [function for function in functions if source.marks[function.name] == "inlined"]
    names = {function.name for function in waiting}
    while waiting:
        for called in waiting.pop().calls:
            if called.name not in names:
                names.add(called.name)
                waiting += [function for function in functions if function.name == called.name]
    for function in functions:
        function.inline = function.name in names
