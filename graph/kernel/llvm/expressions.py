"""Expressions as LLVM instructions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from stratoquant.graph.kernel.llvm.arithmetic import binary, compare, mathematics
from stratoquant.graph.kernel.llvm.elements import guarded_item, item
from stratoquant.graph.kernel.llvm.values import constant, number, registers, result
from stratoquant.graph.kernel.llvm.writer import Registers, Writer
from stratoquant.graph.kernel.nodes import (
    Binary,
    Call,
    Cast,
    Choose,
    Compare,
    Constant,
    Expression,
    Field,
    Item,
    Keep,
    Length,
    Logic,
    Make,
    Math,
    Part,
    Prefix,
    Unary,
    Variable,
)
from stratoquant.graph.kernel.types import BOOL, FLOAT, INT, Number, Record, Tuple, Type


class ExpressionWriter:
    """Writes expressions of one function; `of` gives the registers that hold the value.

    guarded: the function is to do nothing undefined, whatever its numbers. LLVM may take it that nobody branches on a
    poison value, and then drops the checks of indices; so none is made.
    """

    def __init__(self, writer: Writer, *, guarded: bool = False) -> None:
        self._out = writer
        self._guarded = guarded
        self._writers: dict[type[Any], Callable[[Any], Registers]] = {
            Constant: lambda node: (constant(node),),
            Variable: lambda node: self._out.get(node.name, node.type),
            Field: self._read,
            Item: self._read,
            Prefix: self._prefix,
            Length: lambda node: (self.of(node.array)[1 + node.axis],),
            Make: lambda node: tuple(register for part in node.parts for register in self.of(part)),
            Part: self._part,
            Cast: lambda node: self._cast(self.of(node.value), node.value.type, node.type),
            Unary: lambda node: (self._unary(node),),
            Binary: lambda node: (self._binary(node),),
            Compare: lambda node: (compare(self._out, node, self.one(node.left), self.one(node.right)),),
            Logic: self._logic,
            Choose: self._choose,
            Keep: self._keep,
            Call: self._call,
            Math: lambda node: (mathematics(self._out, node.name, [self.one(a) for a in node.arguments]),),
        }

    def of(self, node: Expression) -> Registers:
        return self._writers[type(node)](node)

    def one(self, node: Expression) -> str:
        """The register of a number."""
        (register,) = self.of(node)
        return register

    def branch(self, condition: Expression, yes: str, no: str) -> None:
        """Ends the block by a jump to one of two labels; tests no more of the condition than it needs."""
        if isinstance(condition, Logic):
            (middle,) = self._out.labels(1)
            if condition.operator == "and":
                self.branch(condition.left, middle, no)
            else:
                self.branch(condition.left, yes, middle)
            self._out.place(middle)
            self.branch(condition.right, yes, no)
        elif isinstance(condition, Unary) and condition.operator == "not":
            self.branch(condition.value, no, yes)
        elif isinstance(condition, Constant):
            self._out.jump(yes if condition.value else no)
        else:
            self._out.branch(self.one(condition), yes, no)

    def address(self, node: Field | Item) -> Registers:
        """Where a field or an element lies; of an array its lengths too."""
        if isinstance(node, Field):
            record = node.record.type
            assert isinstance(record, Record)
            field = record.fields[node.name]
            (base,) = self.of(node.record)
            place = self._out.value(f"getelementptr inbounds i8, ptr {base}, i64 {field.offset}")
            return (place, *map(str, field.lengths))
        array, indices = self.of(node.array), [self.one(index) for index in node.indices]
        if node.outside is not None:
            return guarded_item(self._out, node, array, indices, self._out.get(node.outside.name, node.outside.type)[0])
        return item(self._out, node, array, indices)

    def _read(self, node: Field | Item) -> Registers:
        where = self.address(node)
        if isinstance(node.type, Number):
            return (self._out.value(f"load {number(node.type)}, ptr {where[0]}, align 8"),)
        return where

    def _prefix(self, node: Prefix) -> Registers:
        base, length = self.of(node.array)
        count = self.one(node.count)
        below = self._out.value(f"icmp slt i64 {count}, 0")
        from_end = self._out.value(f"add i64 {count}, {length}")
        count = self._out.value(f"select i1 {below}, i64 {from_end}, i64 {count}")
        negative = self._out.value(f"icmp slt i64 {count}, 0")
        count = self._out.value(f"select i1 {negative}, i64 0, i64 {count}")
        above = self._out.value(f"icmp sgt i64 {count}, {length}")
        return base, self._out.value(f"select i1 {above}, i64 {length}, i64 {count}")

    def _part(self, node: Part) -> Registers:
        whole = node.tuple.type
        assert isinstance(whole, Tuple)
        first = sum(len(registers(part)) for part in whole.parts[: node.index])
        count = len(registers(node.type))
        if isinstance(node.tuple, Variable):
            return self._out.get(node.tuple.name, whole, first, count)
        return self.of(node.tuple)[first : first + count]

    def _cast(self, value: Registers, kind: Type, goal: Type) -> Registers:
        if kind is goal:
            return value
        if isinstance(kind, Tuple) and isinstance(goal, Tuple):
            cast: list[str] = []
            for part, wanted in zip(kind.parts, goal.parts, strict=True):
                count = len(registers(part))
                cast += self._cast(value[:count], part, wanted)
                value = value[count:]
            return tuple(cast)
        assert isinstance(kind, Number) and isinstance(goal, Number)
        (register,) = value
        if goal is BOOL:
            test = "fcmp une double" if kind is FLOAT else "icmp ne i64"
            return (self._out.value(f"{test} {register}, {'0.0' if kind is FLOAT else '0'}"),)
        instructions = {(INT, FLOAT): "sitofp", (BOOL, FLOAT): "uitofp", (BOOL, INT): "zext", (FLOAT, INT): "fptosi"}
        cast_ = self._out.value(f"{instructions[kind, goal]} {number(kind)} {register} to {number(goal)}")
        return (self._defined(cast_) if kind is FLOAT else cast_,)

    def _defined(self, whole: str) -> str:
        """An int that may be poison: of a float out of range, or of a shift by 64 bits or more."""
        return self._out.value(f"freeze i64 {whole}") if self._guarded else whole

    def _binary(self, node: Binary) -> str:
        value = binary(self._out, node, self.one(node.left), self._right(node))
        return self._defined(value) if node.operator in ("<<", ">>") else value

    def _unary(self, node: Unary) -> str:
        value = self.one(node.value)
        if node.operator == "not":
            return self._out.value(f"xor i1 {value}, true")
        if node.operator == "bits":
            return self._out.value(f"bitcast double {value} to i64")
        if node.operator == "~":
            return self._out.value(f"xor i64 {value}, -1")
        if node.type is FLOAT:
            return self._out.value(f"fsub double -0.0, {value}")
        return self._out.value(f"sub i64 0, {value}")

    def _right(self, node: Binary) -> str:
        """A written exponent is multiplied out, and is no register."""
        if node.operator == "**" and isinstance(node.right, Constant) and node.right.type is INT:
            return str(node.right.value)
        return self.one(node.right)

    def _logic(self, node: Logic) -> Registers:
        other, end = self._out.labels(2)
        left = self.one(node.left)
        decided = self._out.block
        if node.operator == "and":
            self._out.branch(left, other, end)
        else:
            self._out.branch(left, end, other)
        self._out.place(other)
        right = self.one(node.right)
        tested = self._out.block
        self._out.jump(end)
        self._out.place(end)
        return (self._out.phi("i1", ("false" if node.operator == "and" else "true", decided), (right, tested)),)

    def _choose(self, node: Choose) -> Registers:
        yes, no, end = self._out.labels(3)
        self.branch(node.condition, yes, no)
        values: list[tuple[Registers, str]] = []
        for label, side in ((yes, node.yes), (no, node.no)):
            self._out.place(label)
            value = self.of(side)
            values.append((value, self._out.block))
            self._out.jump(end)
        self._out.place(end)
        (one, from_one), (other, from_other) = values
        kinds = registers(node.type)
        return tuple(
            self._out.phi(kind, (a, from_one), (b, from_other)) for kind, a, b in zip(kinds, one, other, strict=True)
        )

    def _keep(self, node: Keep) -> Registers:
        value = self.of(node.value)
        self._out.set(node.name, node.type, value)
        return value

    def _call(self, node: Call) -> Registers:
        arguments = ", ".join(_typed(self.of(argument), argument.type) for argument in node.arguments)
        kind = result(node.type)
        called = f"call {kind} @{node.function.symbol}({arguments})"
        count = len(registers(node.type))
        if count == 0:
            self._out.do(called)
            return ()
        register = self._out.value(called)
        if count == 1:
            return (register,)
        return tuple(self._out.value(f"extractvalue {kind} {register}, {k}") for k in range(count))


def _typed(value: Sequence[str], kind: Type) -> str:
    return ", ".join(f"{register} {part}" for register, part in zip(registers(kind), value, strict=True))
