"""Where the elements of arrays lie: at an index that is taken as it is, or at one that is checked."""

from __future__ import annotations

from collections.abc import Sequence

from stratoquant.graph.kernel.llvm.writer import Registers, Writer
from stratoquant.graph.kernel.nodes import Item
from stratoquant.graph.kernel.types import FLOAT, Array, Number, size_of


def item(out: Writer, node: Item, array: Registers, indices: Sequence[str]) -> Registers:
    """The address of an element; of an array its lengths too. array: the registers of the array that it is in."""
    held = node.array.type
    assert isinstance(held, Array)
    base, *lengths = array
    place = indices[0]
    for axis in range(1, held.rank):
        place = out.value(f"mul i64 {place}, {lengths[axis]}")
        if axis < len(indices):
            place = out.value(f"add i64 {place}, {indices[axis]}")
    element = f"[{size_of(held.element)} x i8]"
    return out.value(f"getelementptr inbounds {element}, ptr {base}, i64 {place}"), *lengths[len(indices) :]


def guarded_item(out: Writer, node: Item, array: Registers, indices: Sequence[str], noted: str) -> Registers:
    """The same where every index is in its axis; else memory apart that holds nothing, or an empty array, and 1 is
    written to `noted`, unless it holds something."""
    within = ""
    for index, length in zip(indices, array[1:], strict=False):
        below = out.value(f"icmp ult i64 {index}, {length}")  # a negative index is a large one
        within = out.value(f"and i1 {within}, {below}") if within else below
    inside, outside, end = out.labels(3)
    out.branch(within, inside, outside)
    out.place(inside)
    address, *lengths = item(out, node, array, indices)
    out.jump(end)
    out.place(outside)
    before = out.value(f"load i64, ptr {noted}, align 8")
    none = out.value(f"icmp eq i64 {before}, 0")
    out.do(f"store i64 {out.value(f'select i1 {none}, i64 1, i64 {before}')}, ptr {noted}, align 8")
    apart = _nothing(out, node, array[0])
    out.jump(end)
    out.place(end)
    ends = (out.phi("i64", (length, inside), ("0", outside)) for length in lengths)
    return out.phi("ptr", (address, inside), (apart, outside)), *ends


def _nothing(out: Writer, node: Item, base: str) -> str:
    """Memory of the function's own that holds a missing element; of an empty array any address will do."""
    if isinstance(node.type, Number):
        apart = out.room()
        missing = "double 0x7FF8000000000000" if node.type is FLOAT else "i64 0"
        out.do(f"store {missing}, ptr {apart}, align 8")
        return apart
    assert isinstance(node.type, Array), "memory, parameters and models hold numbers and arrays of them"
    return base
