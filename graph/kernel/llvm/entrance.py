"""The function that Python calls: it loads an entry's arguments from one table of words, and calls the entry."""

from __future__ import annotations

from collections.abc import Sequence

from stratoquant.graph.kernel.call import ADDRESS_WORD, OVERLAPPING, READ_ONLY, WORDS_BEFORE_SHAPE, Argument, words_of
from stratoquant.graph.kernel.llvm.values import registers
from stratoquant.graph.kernel.nodes import Function
from stratoquant.graph.kernel.types import Array, Record

ENTRANCE = "entrance"
_WORD = 8


def entrance_text(entry: Function, arguments: Sequence[Argument]) -> str:
    """LLVM IR of `int64 entrance(address)`."""
    lines = [f"define i64 @{ENTRANCE}(ptr %words) nounwind {{"]
    values: list[str] = []
    start = 0
    for (_, kind), argument in zip(entry.parameters, arguments, strict=True):
        first = start + (ADDRESS_WORD if isinstance(kind, Array) else 0)
        assert not isinstance(kind, Array) or WORDS_BEFORE_SHAPE == ADDRESS_WORD + 1  # lengths follow the address
        for position, register in enumerate(registers(kind)):
            name = f"{len(values)}"
            lines.append(f"  %at{name} = getelementptr inbounds i8, ptr %words, i64 {_WORD * (first + position)}")
            lines.append(f"  %value{name} = load {register}, ptr %at{name}, align 8")
            values.append(f"{register} %value{name}")
        start += words_of(argument)
    lines.append(f"  %result = call i64 @{entry.symbol}({', '.join(values)})")
    return "\n".join([*lines, "  ret i64 %result", "}", ""])


def parameter_marks(entry: Function) -> dict[str, str]:
    """What LLVM may know of an entry's arguments: which overlap no other, and that a record of what is only read is
    there. It then reads parameters, and divides by them, once a block instead of once a bar."""
    marks = {}
    for name, kind in entry.parameters:
        if isinstance(kind, Array) and name not in OVERLAPPING:
            there = name in READ_ONLY and isinstance(kind.element, Record)
            size = kind.element.size if isinstance(kind.element, Record) else 0
            marks[name] = f"noalias dereferenceable({size})" if there else "noalias"
    return marks
