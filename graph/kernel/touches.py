"""What a function reads and writes in memory: paths from its parameters, such as `s.gain.value` or `s.recent[]`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, fields

from stratoquant.graph.kernel.nodes import (
    Block,
    Call,
    Choose,
    Expression,
    Field,
    Function,
    Item,
    Keep,
    Length,
    Prefix,
    Set,
    Statement,
    Store,
    Variable,
)
from stratoquant.graph.kernel.types import Array, Number, Record

Paths = dict[str, None]
_PATH = re.compile(r"([^.\[]+)(.*)")


@dataclass(frozen=True)
class Touches:
    """Paths in the order in which they are first touched."""

    reads: Paths = field(default_factory=dict)
    writes: Paths = field(default_factory=dict)


def touches(function: Function) -> Touches:
    """With what the kernels that it calls touch."""
    walk = _Walk({name: {name: None} for name, _ in function.parameters})
    walk.block(function.body)
    return walk.found


class _Walk:
    """aliases: what the variables that hold an address may stand for."""

    def __init__(self, aliases: dict[str, Paths]) -> None:
        self.found = Touches()
        self._aliases = aliases

    def block(self, block: Block) -> None:
        for statement in block:
            if isinstance(statement, Set) and isinstance(statement.value.type, Record | Array):
                self._aliases.setdefault(statement.name, {}).update(self._paths(statement.value))
            if isinstance(statement, Store):
                self.found.writes.update(self._paths(statement.target))
                self._parts(statement.target)
                self._node(statement.value)
            else:
                self._parts(statement)

    def _parts(self, node: Statement | Expression) -> None:
        for part in (getattr(node, f.name) for f in fields(node)):
            if isinstance(part, list):
                self.block(part)
            for value in part if isinstance(part, tuple) else (part,):
                if isinstance(value, Expression):
                    self._node(value)

    def _node(self, node: Expression) -> None:
        if isinstance(node, Call):
            self._call(node)
        elif isinstance(node, Field | Item) and isinstance(node.type, Number):
            self.found.reads.update(self._paths(node))
        self._parts(node)

    def _call(self, node: Call) -> None:
        called = touches(node.function)
        parameters = (name for name, _ in node.function.parameters)
        given = {
            name: self._paths(argument)
            for name, argument in zip(parameters, node.arguments, strict=True)
            if isinstance(argument.type, Record | Array)
        }
        for theirs, ours in ((called.reads, self.found.reads), (called.writes, self.found.writes)):
            ours.update(_replaced(theirs, given))

    def _paths(self, node: Expression) -> Paths:
        """Where an address may point."""
        match node:
            case Variable(_, name):
                return self._aliases.get(name, {})
            case Field(_, record, name):
                return {f"{path}.{name}": None for path in self._paths(record)}
            case Item(_, array):
                return {f"{path}[]": None for path in self._paths(array)}
            case Choose(_, _, yes, no):
                return self._paths(yes) | self._paths(no)
            case Prefix(_, array) | Length(array) | Keep(_, _, array):
                return self._paths(array)
        return {}


def _replaced(paths: Iterable[str], given: dict[str, Paths]) -> Paths:
    """A callee's paths as its caller sees them."""
    found: Paths = {}
    for path in paths:
        root, rest = _PATH.fullmatch(path).groups()  # type: ignore[union-attr]
        found.update({held + rest: None for held in given[root]})
    return found
