"""Kinds in a kernel: every field exists, numbers are numbers, calls have their arguments, names have values.

What passes here and through graph.subset has a type in machine code. A kernel is checked once, with the kinds that its
annotations declare; what it returns is found for the kinds of each call.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from copy import copy
from functools import cache
from typing import Any

from graph.diagnostics import Findings
from graph.kernel_calls import Calls
from graph.kernel_flow import Local, Locals, Loop, is_endless, merged, runs_at_least_once
from graph.kernel_kinds import (
    INT,
    MIXED,
    NOTHING,
    OUTPUTS,
    UNKNOWN,
    Elements,
    Group,
    Kind,
    Number,
    Record,
    argument_kinds,
    describe,
    joined,
)
from graph.kernels import KernelSource, kernel_source
from graph.language import Layer, field_name


def check_kinds(source: KernelSource, layer: Layer | None, findings: Findings) -> None:
    """Adds what is wrong with the kinds of a kernel. layer: where the kernel is a layer's step."""
    kinds = argument_kinds(source.function)
    _Checker(source, kinds, layer, findings).run()


@cache
def returned(function: Callable[..., Any], kinds: tuple[Kind, ...]) -> Kind:
    """What a kernel gives back when its arguments are of these kinds."""
    source = kernel_source(function)
    names = argument_kinds(function)
    return _Checker(source, dict(zip(names, kinds, strict=True)), None, Findings()).run()


class _Checker(Calls):
    """Goes through one kernel. Statements change what is known of the locals."""

    def __init__(self, source: KernelSource, kinds: dict[str, Kind], layer: Layer | None, findings: Findings) -> None:
        super().__init__(source, kinds, layer, findings)
        self._loops: list[Loop] = []
        self._returned: Kind | None = None

    def run(self) -> Kind:
        """The kind of what the kernel returns."""
        self._block(self._source.tree.body)
        if self._locals is not None:
            if self._layer is not None or self._returned not in (None, NOTHING):
                hint = "end the function with a `return`"
                self._report("K014", self._source.tree, "a path ends without returning a value", hint)
            self._returned = self._returned or NOTHING
        return self._returned or NOTHING

    def _block(self, body: list[ast.stmt]) -> None:
        for statement in body:
            if self._locals is None:
                return
            self.visit(statement)

    def visit_Assign(self, node: ast.Assign) -> None:
        kind = self._kind(node.value)
        for target in node.targets:
            self._store(target, kind, node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self._store(node.target, self._kind(node.value), node)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        kind = self._arithmetic(node, _loaded(node.target), node.op, node.value)
        self._store(node.target, kind, node)

    def visit_Expr(self, node: ast.Expr) -> None:
        if not (isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)):
            self._kind(node.value)

    def visit_Return(self, node: ast.Return) -> None:
        kind = NOTHING if node.value is None else self._kind(node.value)
        if self._layer is not None and kind is not OUTPUTS and kind is not UNKNOWN:
            outputs = f"{self._layer.output.__name__}({', '.join(map(field_name, self._layer.outputs))})"
            self._report("K014", node, "a step returns its outputs", f"write `return {outputs}`")
        elif self._layer is not None and not isinstance(node.value, ast.Call):
            self._report("K014", node, "the outputs are made where they are returned", "write `return Out(...)`")
        else:
            self._returned = kind if self._returned is None else joined(self._returned, kind)
            if self._returned is MIXED:
                self._report("K014", node, "returns another kind of value than before", "return numbers on every path")
        self._locals = None

    def visit_If(self, node: ast.If) -> None:
        self._number(node.test)
        before = None if self._locals is None else dict(self._locals)
        self._block(node.body)
        then, self._locals = self._locals, before
        self._block(node.orelse)
        self._locals = merged(then, self._locals)

    def visit_For(self, node: ast.For) -> None:
        if isinstance(node.iter, ast.Call):
            self._arguments_of_range(node.iter)
        self._loop(node, node.target)

    def visit_While(self, node: ast.While) -> None:
        self._loop(node, None)

    def visit_Break(self, node: ast.Break) -> None:
        if self._loops and self._locals is not None:
            self._loops[-1].breaks.append(self._locals)
        self._locals = None

    def visit_Continue(self, node: ast.Continue) -> None:
        if self._loops and self._locals is not None:
            self._loops[-1].continues.append(self._locals)
        self._locals = None

    def _loop(self, node: ast.For | ast.While, target: ast.expr | None) -> None:
        head = self._locals
        settled = False
        while not settled:
            self._rehearsals += 1
            after = merged(head, *self._turn(node, target, head)[0])
            self._rehearsals -= 1
            settled, head = after == head, after
        ends, breaks = self._turn(node, target, head)
        stays = [] if is_endless(node) else ends if runs_at_least_once(node, self._constants) else [head]
        self._locals = merged(*stays, *breaks)
        if not is_endless(node):
            self._block(node.orelse)

    def _turn(
        self, node: ast.For | ast.While, target: ast.expr | None, head: Locals | None
    ) -> tuple[list[Locals | None], list[Locals]]:
        """Goes once through a loop; returns what is known where a turn ends, and at each `break`."""
        self._loops.append(Loop())
        self._locals = None if head is None else dict(head)
        if isinstance(node, ast.While):
            self._number(node.test)
        elif isinstance(target, ast.Name) and self._locals is not None:
            self._locals[target.id] = Local(INT)
        self._block(node.body)
        loop = self._loops.pop()
        return [self._locals, *loop.continues], loop.breaks

    def _store(self, target: ast.expr, kind: Kind, node: ast.stmt) -> None:
        if isinstance(target, ast.Name):
            if kind in (NOTHING, OUTPUTS):
                hint = "let the kernel return a number" if kind is NOTHING else "write `return Out(...)`"
                self._report("K011", node, f"`{target.id}` would be {describe(kind)}", hint)
                kind = UNKNOWN
            if self._locals is not None:
                self._locals[target.id] = Local(kind)
        elif isinstance(target, ast.Tuple):
            self._unpack(target, kind, node)
        else:
            self._store_part(target, kind, node)

    def _unpack(self, target: ast.Tuple, kind: Kind, node: ast.stmt) -> None:
        members: tuple[Kind, ...] = (UNKNOWN,) * len(target.elts)
        if isinstance(kind, Group) and len(kind.members) == len(members):
            members = kind.members
        elif kind is not UNKNOWN:
            message = f"{describe(kind)} cannot be taken apart into {len(members)}"
            self._report("K012", node, message, "name as many as there are values")
        for element, member in zip(target.elts, members, strict=True):
            self._store(element, member, node)

    def _store_part(self, target: ast.expr, kind: Kind, node: ast.stmt) -> None:
        """A field, or an element of an array."""
        there = self._kind(target)
        written = ast.unparse(target)
        held = target.value if isinstance(target, ast.Subscript | ast.Attribute) else target
        owner = self._quiet(held)
        if isinstance(owner, Elements | Record) and owner.fixed:
            hint = "keep the value in the memory s"
            self._report("K008", target, f"`{written}`: {owner.fixed} cannot be written", hint)
        elif isinstance(there, Elements | Record):
            hint = f"set its elements: `{written}[k] = ...`" if isinstance(there, Elements) else "set its fields"
            self._report("K011", target, f"`{written}` is {describe(there)} and cannot be replaced", hint)
        elif isinstance(there, Number) and not isinstance(kind, Number) and kind is not UNKNOWN:
            hint = "set it to a number" if kind is not NOTHING else "let the kernel return a number"
            self._report("K011", node, f"`{written}` is {describe(there)}, but the value is {describe(kind)}", hint)

    def _returned_by(self, function: Callable[..., Any], kinds: tuple[Kind, ...]) -> Kind:
        return returned(function, kinds)


def _loaded(target: ast.expr) -> ast.expr:
    """The expression that reads what a target sets."""
    read = copy(target)
    read.ctx = ast.Load()  # type: ignore[attr-defined]
    return read
