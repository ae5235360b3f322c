"""Lines of one LLVM function: instructions, labels and the slots of its locals. Knows nothing of the nodes."""

from __future__ import annotations

from collections.abc import Sequence

from stratoquant.graph.kernel.llvm.values import registers
from stratoquant.graph.kernel.types import Type

Registers = tuple[str, ...]
"""The registers, or written numbers, that hold one value."""


class Writer:
    """is_open: whether an instruction can follow; not after a branch, until the next label. externals: the names of
    the functions outside the module that are called."""

    def __init__(self) -> None:
        self.is_open = True
        self.block = "entry"
        self.externals: set[str] = set()
        self._slots: dict[tuple[str, Type], Registers] = {}
        self._allocations: list[str] = []
        self._lines: list[str] = []
        self._count = 0
        self._rooms = 0

    def text(self) -> str:
        return "\n".join(["entry:", *self._allocations, *self._lines])

    def value(self, instruction: str) -> str:
        """Adds an instruction that gives a value; returns its register."""
        self._count += 1
        self._lines.append(f"  %v{self._count} = {instruction}")
        return f"%v{self._count}"

    def do(self, instruction: str) -> None:
        self._lines.append(f"  {instruction}")

    def end(self, instruction: str) -> None:
        """Adds what ends the present block."""
        self._lines.append(f"  {instruction}")
        self.is_open = False

    def jump(self, label: str) -> None:
        self.end(f"br label %{label}")

    def branch(self, condition: str, yes: str, no: str) -> None:
        self.end(f"br i1 {condition}, label %{yes}, label %{no}")

    def labels(self, count: int) -> list[str]:
        """New names for blocks."""
        self._count += count
        return [f"b{self._count - k}" for k in range(count)]

    def place(self, label: str) -> None:
        """Begins a block."""
        self._lines.append(f"{label}:")
        self.block, self.is_open = label, True

    def phi(self, kind: str, first: tuple[str, str], second: tuple[str, str]) -> str:
        """One of two values, by the block that led here."""
        return self.value(f"phi {kind} [ {first[0]}, %{first[1]} ], [ {second[0]}, %{second[1]} ]")

    def slot(self, name: str, kind: Type) -> Registers:
        """Where a variable lies; LLVM makes registers of it."""
        known = self._slots.get((name, kind))
        if known is None:
            held = registers(kind)
            first = len(self._allocations)
            known = self._slots[name, kind] = tuple(f"%s{first + k}" for k in range(len(held)))
            self._allocations += [f"  %s{first + k} = alloca {register}" for k, register in enumerate(held)]
        return known

    def room(self) -> str:
        """The address of a number of the function's own."""
        self._rooms += 1
        self._allocations.append(f"  %r{self._rooms} = alloca i64, align 8")
        return f"%r{self._rooms}"

    def set(self, name: str, kind: Type, value: Sequence[str]) -> None:
        for register, part, place in zip(registers(kind), value, self.slot(name, kind), strict=True):
            self.do(f"store {register} {part}, ptr {place}")

    def get(self, name: str, kind: Type, first: int = 0, count: int | None = None) -> Registers:
        """A variable's registers, or `count` of them from the first."""
        held, places = registers(kind), self.slot(name, kind)
        if count is None and len(held) == 1:
            return (self.value(f"load {held[0]}, ptr {places[0]}"),)
        end = None if count is None else first + count
        parts = zip(held[first:end], places[first:end], strict=True)
        return tuple(self.value(f"load {register}, ptr {place}") for register, place in parts)

    def call(self, kind: str, name: str, arguments: str) -> str:
        """Adds a call of a function outside the module."""
        self.externals.add(name)
        return self.value(f"call {kind} @{name}({arguments})")
