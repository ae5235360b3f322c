"""Where each local of a kernel is declared: Pine's names live in their block, Python's in the whole function."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import dataclass, field

Statements = list[ast.stmt]


@dataclass
class Places:
    """at: statements that are the declaration of the name that they assign. before: names to declare ahead of a
    statement, with a value that nobody reads. Statements are known by their identity."""

    at: set[int] = field(default_factory=set)
    before: dict[int, list[str]] = field(default_factory=dict)


def place(body: Statements, names: Iterable[str]) -> Places:
    """Places every name in the innermost block that holds all of its uses, and outside of a loop that carries it on."""
    places = Places()
    _place(body, sorted(names), places)
    return places


def _place(block: Statements, names: list[str], places: Places) -> None:
    inner: dict[int, tuple[Statements, list[str]]] = {}
    for name in names:
        using = [s for s in block if _uses(s, name)]
        if not using:
            continue
        first = using[0]
        home = _home(first, name) if len(using) == 1 else None
        if home is not None:
            inner.setdefault(id(home), (home, []))[1].append(name)
        elif _defines(first, name):
            places.at.add(id(first))
        else:
            places.before.setdefault(id(first), []).append(name)
    for home, held in inner.values():
        _place(home, held, places)


def _home(statement: ast.stmt, name: str) -> Statements | None:
    """The inner block in which the name can be declared, if it lives in one alone."""
    if isinstance(statement, ast.If):
        if _uses(statement.test, name):
            return None
        blocks = [b for b in (statement.body, statement.orelse) if any(_uses(s, name) for s in b)]
        return blocks[0] if len(blocks) == 1 else None
    if isinstance(statement, ast.For):
        return statement.body if not _uses(statement.iter, name) and _starts(statement.body, name) else None
    if isinstance(statement, ast.While):
        return statement.body if not _uses(statement.test, name) and _starts(statement.body, name) else None
    return None


def _starts(block: Statements, name: str) -> bool:
    """True when each pass through the block gives the name a value before it reads it."""
    for statement in block:
        if not _uses(statement, name):
            continue
        if _defines(statement, name):
            return True
        home = _home(statement, name)
        if home is not None:
            alone = not any(_uses(s, name) for s in block[block.index(statement) + 1 :])
            return alone and _starts(home, name)
        both = isinstance(statement, ast.If) and not _uses(statement.test, name)
        return both and _starts(statement.body, name) and _starts(statement.orelse, name)
    return False


def _defines(statement: ast.stmt, name: str) -> bool:
    """True for `name = value` with a value that does not read the name."""
    if not isinstance(statement, ast.Assign) or _uses(statement.value, name):
        return False
    return all(isinstance(t, ast.Name) and t.id == name for t in statement.targets)


def _uses(node: ast.AST, name: str) -> bool:
    return any(isinstance(n, ast.Name) and n.id == name for n in ast.walk(node))
