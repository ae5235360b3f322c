"""What the compiler says of a generated module, as a finding at the line of the kernel that it is about.

The check finds what is wrong with a kernel before anything is compiled; this is for what it cannot know.
"""

from __future__ import annotations

import re

from stratoquant.graph.diagnostics import Diagnostic, Place, WiringError
from stratoquant.graph.kernel_text import Emitted, statements_of
from stratoquant.graph.kernels import short_path
from stratoquant.graph.model import Graph
from stratoquant.graph.passes.p9_emit import PRELUDE_NAMES
from stratoquant.graph.passes.p9_kernels import collect_kernels
from stratoquant.graph.venue import Venue

_LINE = re.compile(r"\.py\"?(?:, line | \()(\d+)")
_NOTED_BY_COMPILER = ("Failed in ", "During: ")


def compile_error(graph: Graph, venue: Venue, text: str, problem: Exception) -> WiringError | None:
    """A finding in place of what the compiler raised for a module; None where it is about no line of a kernel.

    text: the module. The compiler names its lines from the innermost outwards.
    """
    kernels = collect_kernels(graph, venue, PRELUDE_NAMES).kernels
    for line in map(int, _LINE.findall(str(problem))):
        for kernel in kernels:
            first = text[: text.index(f"\n{kernel.text}\n") + 1].count("\n") + 1
            if first <= line < first + kernel.text.count("\n") + 1:
                return WiringError([_finding(kernel, line - first + 1, problem)])
    return None


def _finding(kernel: Emitted, line: int, problem: Exception) -> Diagnostic:
    lines = str(problem).splitlines()
    reason = next((one.strip() for one in lines if one.strip() and not one.startswith(_NOTED_BY_COMPILER)), "")
    return Diagnostic(
        "K019",
        f"kernel {kernel.source.tree.name}: no machine code can be made for this line: {reason}",
        _place(kernel, line),
        "give every argument of the kernels that it calls a type, such as `x: float`, and check again",
    )


def _place(kernel: Emitted, line: int) -> Place:
    """Where the statement at a line of the kernel's generated text stands in its file."""
    pairs = [(g, o) for g, o in statements_of(kernel) if g.lineno <= line]
    nearest = max(pairs, key=lambda pair: pair[0].lineno)[1]
    source = kernel.source
    shift = source.tree.lineno - source.new_tree().lineno
    return Place(short_path(source.file), nearest.lineno + shift, nearest.col_offset + 1)
