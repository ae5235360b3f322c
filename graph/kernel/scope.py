"""What is known of a function's locals at a point of it, and how they meet where control flow joins.

A name takes the type of what was assigned last. Where paths meet on which it has different numbers, it goes on as the
wider one, and each path ends with a conversion. Types that have no common one leave a name that nothing may read.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from stratoquant.graph.kernel.nodes import Block, Cast, Place, Set, Variable
from stratoquant.graph.kernel.types import MIXED, Type, join


class Local(NamedTuple):
    """certain: it has a value on every path that leads here."""

    type: Type
    certain: bool = True


Scope = dict[str, Local]
"""By name."""


class Jump(NamedTuple):
    """The end of a path: the scope there, and the block whose last statement leaves it, if one does."""

    scope: Scope
    block: Block
    jumps: bool


def meet(scopes: Sequence[Scope]) -> Scope:
    """The scope after several paths. A name that only some of them set is set in it, but not for certain."""
    met = dict(scopes[0])
    for scope in scopes[1:]:
        for name, local in scope.items():
            known = met.get(name)
            if known is None:
                met[name] = Local(local.type, certain=False)
            elif known != local:
                met[name] = Local(join(known.type, local.type) or MIXED, known.certain and local.certain)
        for name in met.keys() - scope.keys():
            met[name] = Local(met[name].type, certain=False)
    return met


def convert(end: Jump, wanted: Scope, place: Place) -> None:
    """Adds, at the end of a path, what brings its locals to the types of the scope where it leads."""
    casts: Block = []
    for name, (kind, _) in end.scope.items():
        goal = wanted[name].type if name in wanted else kind
        if goal is not kind and goal is not MIXED:
            casts.append(Set(name, Cast(goal, Variable(kind, name, place), place), place))
    at = len(end.block) - end.jumps
    end.block[at:at] = casts


def runs_at_least_once(loop: ast.For | ast.While, constants: Mapping[str, float]) -> bool:
    """True when a loop over range(...) with known bounds is not empty, or a `while` begins with a true constant."""
    if isinstance(loop, ast.While):
        return is_endless(loop)
    bounds = [_constant(a, constants) for a in loop.iter.args] if isinstance(loop.iter, ast.Call) else []
    if not 1 <= len(bounds) <= 3 or any(b is None for b in bounds) or bounds[2:] == [0]:
        return False
    return len(range(*(int(b) for b in bounds if b is not None))) > 0


def is_endless(loop: ast.For | ast.While) -> bool:
    """True for `while True`, which only a `break` or a `return` leaves."""
    return isinstance(loop, ast.While) and isinstance(loop.test, ast.Constant) and bool(loop.test.value)


def _constant(node: ast.expr, constants: Mapping[str, float]) -> float | None:
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        value = _constant(node.operand, constants)
        return None if value is None else -value
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        return node.value
    return constants.get(node.id) if isinstance(node, ast.Name) else None
