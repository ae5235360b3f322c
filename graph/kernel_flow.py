"""What is known at each place of a kernel: the kind of every local, and whether it has a value on every path.

Branches join and loops are gone through until nothing changes. What an expression is, and what of it is a fault, is
the business of graph.kernel_checker.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field

from graph.kernel_kinds import Kind, joined


@dataclass(frozen=True)
class Local:
    """A local at one place. certain: it has been assigned on every path that leads here."""

    kind: Kind
    certain: bool = True


Locals = dict[str, Local]
"""By name. None in place of it: no path leads here."""


@dataclass
class Loop:
    """Where `break` and `continue` leave off."""

    breaks: list[Locals] = field(default_factory=list)
    continues: list[Locals] = field(default_factory=list)


def merged(*paths: Locals | None) -> Locals | None:
    """The locals where several paths meet."""
    open_paths = [path for path in paths if path is not None]
    if not open_paths:
        return None
    result = dict(open_paths[0])
    for path in open_paths[1:]:
        for name in {*result, *path}:
            one, other = result.get(name), path.get(name)
            if one is None or other is None:
                there = one or other
                assert there is not None
                result[name] = Local(there.kind, certain=False)
            else:
                result[name] = Local(joined(one.kind, other.kind), one.certain and other.certain)
    return result


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
