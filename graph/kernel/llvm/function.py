"""A function of the intermediate representation as LLVM IR."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from stratoquant.graph.kernel.llvm.expressions import ExpressionWriter
from stratoquant.graph.kernel.llvm.values import number, registers, result
from stratoquant.graph.kernel.llvm.writer import Writer
from stratoquant.graph.kernel.nodes import (
    Block,
    Break,
    Constant,
    Continue,
    Do,
    For,
    Function,
    If,
    Return,
    Set,
    Store,
    While,
)
from stratoquant.graph.kernel.types import INT, Number


class FunctionText(NamedTuple):
    """externals: the functions outside the module that it calls."""

    signature: str
    body: str
    externals: frozenset[str]
    inline: bool

    def defined(self, linkage: str = "linkonce_odr") -> str:
        mark = "alwaysinline nounwind" if self.inline else "nounwind"
        return f"define {linkage} {self.signature} {mark} {{\n{self.body}\n}}\n"


def write_function(function: Function, marks: dict[str, str] | None = None) -> FunctionText:
    """marks: attributes of parameters that are addresses, by name."""
    writer = Writer()
    declared = []
    for name, kind in function.parameters:
        held = registers(kind)
        names = [f"%{name}.{k}" for k in range(len(held))]
        mark = (marks or {}).get(name, "")
        declared += [f"{r} {mark} {n}" if r == "ptr" and mark else f"{r} {n}" for r, n in zip(held, names, strict=True)]
        writer.set(name, kind, names)
    _StatementWriter(writer, function).block(function.body)
    if writer.is_open:
        writer.end("unreachable")
    signature = f"{result(function.result)} @{function.symbol}({', '.join(declared)})"
    return FunctionText(signature, writer.text(), frozenset(writer.externals), function.inline)


class _StatementWriter:
    def __init__(self, writer: Writer, function: Function) -> None:
        self._out = writer
        self._values = ExpressionWriter(writer, guarded=function.guarded)
        self._function = function
        self._loops: list[tuple[str, str]] = []  # labels: of the next round, of the end
        self._counters = 0
        self._add = "add" if function.guarded else "add nsw"  # nsw: overflow is poison
        self._writers: dict[type[Any], Callable[[Any], None]] = {
            Set: self._set,
            Store: self._store,
            Do: self._do,
            If: self._if,
            While: self._while,
            For: self._for,
            Break: lambda node: self._out.jump(self._loops[-1][1]),
            Continue: lambda node: self._out.jump(self._loops[-1][0]),
            Return: self._return,
        }

    def block(self, statements: Block) -> None:
        for statement in statements:
            self._writers[type(statement)](statement)

    def _set(self, node: Set) -> None:
        self._out.set(node.name, node.value.type, self._values.of(node.value))

    def _store(self, node: Store) -> None:
        kind = node.value.type
        assert isinstance(kind, Number)
        value = self._values.one(node.value)
        self._out.do(f"store {number(kind)} {value}, ptr {self._values.address(node.target)[0]}, align 8")

    def _do(self, node: Do) -> None:
        self._values.of(node.call)

    def _if(self, node: If) -> None:
        yes, no, end = self._out.labels(3)
        self._values.branch(node.condition, yes, no if node.otherwise else end)
        self._out.place(yes)
        self.block(node.body)
        goes_on = self._out.is_open or not node.otherwise
        if self._out.is_open:
            self._out.jump(end)
        if node.otherwise:
            self._out.place(no)
            self.block(node.otherwise)
            goes_on |= self._out.is_open
            if self._out.is_open:
                self._out.jump(end)
        if goes_on:
            self._out.place(end)

    def _while(self, node: While) -> None:
        head, body, finish, end = self._out.labels(4)
        self._out.jump(head)
        self._out.place(head)
        self._values.branch(node.condition, body, finish)
        self._round(body, node.body, head, end)
        if self._out.is_open:
            self._out.jump(head)
        self._end(finish, node.at_end, end)

    def _for(self, node: For) -> None:
        head, body, following, finish, end = self._out.labels(5)
        self._counters += 1
        counter = f"#{self._counters}"
        start, stop, step = (self._values.one(limit) for limit in (node.start, node.stop, node.step))
        self._out.set(counter, INT, (start,))
        self._out.jump(head)
        self._out.place(head)
        (present,) = self._out.get(counter, INT)
        self._out.branch(self._goes_on(node, present, stop, step), body, finish)
        self._out.place(body)
        self._out.set(node.name, INT, (present,))
        self._round("", node.body, following, end)
        if self._out.is_open:
            self._out.jump(following)
        self._out.place(following)
        (present,) = self._out.get(counter, INT)
        self._out.set(counter, INT, (self._out.value(f"{self._add} i64 {present}, {step}"),))
        self._out.jump(head)
        self._end(finish, node.at_end, end)

    def _goes_on(self, node: For, present: str, stop: str, step: str) -> str:
        below, above = f"icmp slt i64 {present}, {stop}", f"icmp sgt i64 {present}, {stop}"
        if isinstance(node.step, Constant) and node.step.value:
            return self._out.value(below if node.step.value > 0 else above)
        up, down = (self._out.value(f"icmp {test} i64 {step}, 0") for test in ("sgt", "slt"))
        rises = self._out.value(f"and i1 {up}, {self._out.value(below)}")
        falls = self._out.value(f"and i1 {down}, {self._out.value(above)}")
        return self._out.value(f"or i1 {rises}, {falls}")

    def _round(self, label: str, body: Block, following: str, end: str) -> None:
        """The body of a loop. label: where it begins, empty when it has begun."""
        if label:
            self._out.place(label)
        self._loops.append((following, end))
        self.block(body)
        self._loops.pop()

    def _end(self, finish: str, at_end: Block, end: str) -> None:
        self._out.place(finish)
        self.block(at_end)
        self._out.jump(end)
        self._out.place(end)

    def _return(self, node: Return) -> None:
        if node.value is None:
            self._out.end("ret void")
            return
        value, kinds, kind = self._values.of(node.value), registers(node.value.type), result(node.value.type)
        if len(kinds) == 1:
            self._out.end(f"ret {kind} {value[0]}")
            return
        whole = "poison"
        for index, (register, part) in enumerate(zip(kinds, value, strict=True)):
            whole = self._out.value(f"insertvalue {kind} {whole}, {register} {part}, {index}")
        self._out.end(f"ret {kind} {whole}")
