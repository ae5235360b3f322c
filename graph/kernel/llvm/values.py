"""How values of the intermediate representation look in LLVM: a value is a few registers, each of a simple type."""

from __future__ import annotations

import struct
from functools import cache

from stratoquant.graph.kernel.nodes import Constant, Function
from stratoquant.graph.kernel.types import BOOL, FLOAT, INT, NOTHING, Array, Number, Record, Tuple, Type

_NUMBERS = {FLOAT: "double", INT: "i64", BOOL: "i1"}


def number(kind: Number) -> str:
    """LLVM's type for a number."""
    return _NUMBERS[kind]


@cache
def registers(kind: Type) -> tuple[str, ...]:
    """LLVM's types of the registers that hold a value: of an array its address and lengths, of a tuple its parts'."""
    if isinstance(kind, Number):
        return (_NUMBERS[kind],)
    if isinstance(kind, Record):
        return ("ptr",)
    if isinstance(kind, Array):
        return ("ptr", *["i64"] * kind.rank)
    if isinstance(kind, Tuple):
        return tuple(register for part in kind.parts for register in registers(part))
    assert kind is NOTHING
    return ()


def result(kind: Type) -> str:
    """LLVM's type of a function's result."""
    parts = registers(kind)
    if not parts:
        return "void"
    return parts[0] if len(parts) == 1 else f"{{ {', '.join(parts)} }}"


def constant(node: Constant) -> str:
    """A number as LLVM reads it; a float by its bits."""
    if node.type is FLOAT:
        bits: int = struct.unpack("<Q", struct.pack("<d", node.value))[0]
        return f"0x{bits:016X}"
    return str(int(node.value)) if node.type is INT else str(bool(node.value)).lower()


def declaration(function: Function) -> str:
    """A function that another unit defines."""
    kinds = [register for _, kind in function.parameters for register in registers(kind)]
    return f"declare {result(function.result)} @{function.symbol}({', '.join(kinds)}) nounwind"
