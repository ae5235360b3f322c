"""Divides a program into units of machine code: texts that are compiled apart from each other and cached by content.

A unit is the entry, or a large function that the entry calls: a stage or a group of the loop. It holds what it calls.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from stratoquant.graph.kernel.call import Argument
from stratoquant.graph.kernel.llvm.arithmetic import declarations
from stratoquant.graph.kernel.llvm.entrance import entrance_text, parameter_marks
from stratoquant.graph.kernel.llvm.function import FunctionText, write_function
from stratoquant.graph.kernel.llvm.values import declaration
from stratoquant.graph.kernel.nodes import Function

_LARGE = 1500  # lines of LLVM IR, with all that is called; what is smaller is left to the entry's unit, to be inlined


class Unit(NamedTuple):
    """name: of its first function. text: LLVM IR."""

    name: str
    text: str


def divide(functions: Sequence[Function], arguments: Sequence[Argument]) -> list[Unit]:
    """functions: a program, the entry last. arguments: the types of the entry's arguments."""
    entry = functions[-1]
    texts = {function: write_function(function) for function in functions[:-1]}
    texts[entry] = write_function(entry, parameter_marks(entry))
    lines = {function: text.body.count("\n") for function, text in texts.items()}
    roots = [entry]
    for function in entry.calls:
        if not function.inline and sum(lines[f] for f in _needed(function, ())) >= _LARGE:
            roots.append(function)
    return [_unit(root, [r for r in roots if r is not root], texts, arguments) for root in roots]


def _needed(function: Function, apart: Sequence[Function]) -> list[Function]:
    """The function and all that it calls, itself or through others, without those that are apart; callees first."""
    found: dict[Function, None] = {}

    def visit(current: Function) -> None:
        if current in found or current in apart:
            return
        for called in current.calls:
            visit(called)
        found[current] = None

    visit(function)
    return list(found)


def _unit(
    root: Function, others: Sequence[Function], texts: dict[Function, FunctionText], arguments: Sequence[Argument]
) -> Unit:
    held = _needed(root, others)
    called = {c for function in held for c in function.calls}
    is_entry = root is next(reversed(texts))
    parts = [declaration(other) for other in others if other in called]
    parts += [texts[function].defined("" if function is root else "linkonce_odr") for function in held]
    if is_entry:
        parts.append(entrance_text(root, arguments))
    parts += declarations({name for function in held for name in texts[function].externals})
    return Unit(root.name, "\n".join(parts))
