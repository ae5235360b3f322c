"""The part of a step that some of its outputs need. What else it would keep in its memory stays as it was at first.

A statement is needed when it sets a local or a field of the memory that something needed reads; so is every return, and
every statement that holds a needed one. A field of the memory counts as a whole, with all that is nested in it, and a
kernel is called as it is or not at all. (M. Weiser, Program slicing, IEEE Transactions on Software Engineering
10, 1984; here without regard to the order of statements, which may keep more than is needed and never less.)
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection, Iterator
from functools import cache
from typing import Any, NamedTuple, TypeGuard

from stratoquant.graph.kernels import KernelSource, kernel_source
from stratoquant.graph.language import Layer, field_name

_Compound = ast.If | ast.For | ast.While


class Effects(NamedTuple):
    """What a kernel does to one of its arguments: the fields that it reads and sets, `.f`, and `.` for elements."""

    reads: set[str]
    writes: set[str]


def sliced_step(layer: Layer, ports: Collection[str]) -> ast.FunctionDef:
    """A new tree of the layer's step, reduced to what these outputs need; it returns them alone, in their order."""
    source = kernel_source(layer.step)
    tree = source.new_tree()
    names = [field_name(port) for port in layer.outputs]
    wanted = {field_name(port) for port in ports}
    for statement in ast.walk(tree):
        if isinstance(statement, ast.Return):
            assert isinstance(statement.value, ast.Call), "a step returns its output tuple"
            told = zip(statement.value.args, names, strict=False)
            statement.value.args = [value for value, name in told if name in wanted]
            statement.value.keywords = [k for k in statement.value.keywords if k.arg in wanted]
    tree.body = _Slice(source, tree, tree.args.args[0].arg if layer.state else "").of(tree.body)
    return tree


class _Slice:
    """Finds what is needed by going over the statements until nothing is added.

    memory: the argument whose fields are followed. A local is told by its name, a field of the memory as `.f`.
    """

    def __init__(self, source: KernelSource, tree: ast.FunctionDef, memory: str) -> None:
        self._calls = source.calls
        self._memory = memory
        self._needed: set[str] = set()
        self._stands_for: dict[str, set[str]] = {}  # a local that may be an array or a state of the memory
        for part in ast.walk(tree):
            if isinstance(part, ast.Assign) and isinstance(part.value, ast.Attribute | ast.IfExp):
                for target in part.targets:
                    if isinstance(target, ast.Name):
                        self._stands_for.setdefault(target.id, set()).update(self._fields(part.value))

    def of(self, body: list[ast.stmt]) -> list[ast.stmt]:
        known = -1
        while known < len(self._needed):
            known = len(self._needed)
            self._add_needs(body)
        return self._kept(body)

    def _add_needs(self, body: list[ast.stmt]) -> None:
        for statement in filter(self._is_needed, body):
            if _is_divisible(statement):
                self._needed |= self.reads(statement.iter if isinstance(statement, ast.For) else statement.test)
                self._add_needs(statement.body + statement.orelse)
            else:
                self._needed |= self.reads(statement)

    def _kept(self, body: list[ast.stmt]) -> list[ast.stmt]:
        kept = list(filter(self._is_needed, body))
        for statement in kept:
            if _is_divisible(statement):
                statement.body = self._kept(statement.body) or [ast.Pass()]
                statement.orelse = self._kept(statement.orelse)
        return kept

    def _is_needed(self, statement: ast.stmt) -> bool:
        """True when the statement, or one in it, returns or sets what is needed."""
        returns = any(isinstance(part, ast.Return) for part in ast.walk(statement))
        return returns or not self._needed.isdisjoint(self.writes(statement))

    def reads(self, node: ast.AST) -> set[str]:
        """The locals and fields that a statement or an expression reads."""
        found = {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}
        found |= self._fields(node)
        for touched, effects in self._handed_on(node):
            found |= _of_caller(touched, effects.reads | effects.writes)
        return found

    def writes(self, node: ast.AST) -> set[str]:
        """The locals and fields that a statement sets, itself or through a kernel."""
        found: set[str] = set()
        for part in ast.walk(node):
            if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store):
                found.add(part.id)
            elif isinstance(part, ast.Attribute | ast.Subscript) and isinstance(part.ctx, ast.Store):
                found |= self._fields(_without_indices(part))
        for touched, effects in self._handed_on(node):
            found |= _of_caller(touched, effects.writes)
        return found

    def _handed_on(self, node: ast.AST) -> Iterator[tuple[set[str], Effects]]:
        """For each argument of each call of a kernel: the fields in it, and what the kernel does to it."""
        for call in ast.walk(node):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in self._calls:
                for argument, effects in zip(call.args, argument_effects(self._calls[call.func.id]), strict=False):
                    yield self._fields(argument), effects

    def _fields(self, node: ast.AST) -> set[str]:
        """`.f` for each `s.f` in the node, and `.` for the memory itself."""
        found, whole = set(), 0
        for part in ast.walk(node):
            if isinstance(part, ast.Attribute) and self._is_memory(part.value):
                found.add(f".{part.attr}")
                whole -= 1
            elif isinstance(part, ast.Name) and isinstance(part.ctx, ast.Load):
                found |= self._stands_for.get(part.id, set())
                whole += self._is_memory(part)
        return found | ({"."} if whole else set())

    def _is_memory(self, node: ast.AST) -> bool:
        return isinstance(node, ast.Name) and node.id == self._memory


def _is_divisible(statement: ast.stmt) -> TypeGuard[_Compound]:
    """True when parts of a statement may be left out: not where one decides whether others run."""
    leaves = any(isinstance(part, ast.Break | ast.Continue) for part in ast.walk(statement))
    return isinstance(statement, _Compound) and not leaves


def _without_indices(node: ast.expr) -> ast.expr:
    """`s.f.g` of `s.f.g[i]`: what is set, without what is read to find the place."""
    while isinstance(node, ast.Subscript):
        node = node.value
    return node


def _of_caller(touched: set[str], fields: set[str]) -> set[str]:
    """The caller's fields of which a kernel touches these: all of a field, and of the memory itself those it names."""
    if not fields:
        return set()
    return (touched - {"."}) | (fields if "." in touched else set())


@cache
def argument_effects(function: Callable[..., Any]) -> tuple[Effects, ...]:
    """What a kernel does to each of its arguments, the kernels that it calls included."""
    source = kernel_source(function)
    slices = [_Slice(source, source.tree, argument.arg) for argument in source.tree.args.args]
    return tuple(Effects(_fields_of(s.reads(source.tree)), _fields_of(s.writes(source.tree))) for s in slices)


def _fields_of(names: set[str]) -> set[str]:
    return {name for name in names if name.startswith(".")}
