"""The types of a function's locals at a point of it, and how they meet where control flow joins.

A name takes the type of what was assigned last. Where paths meet on which it has different numbers, it goes on as the
wider one, and each path ends with a conversion. Types that have no common one leave a name that nothing may read.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from graph.kernel.nodes import Block, Cast, Place, Set, Variable
from graph.kernel.types import NOTHING, Type, join

Scope = dict[str, Type]
"""Type by name. NOTHING: the paths that met here disagree."""


class Jump(NamedTuple):
    """The end of a path: the scope there, and the block whose last statement leaves it, if one does."""

    scope: Scope
    block: Block
    jumps: bool


def meet(scopes: Sequence[Scope]) -> Scope:
    """The scope after several paths. A name that only some of them set is set in it."""
    met = dict(scopes[0])
    for scope in scopes[1:]:
        for name, kind in scope.items():
            known = met.get(name)
            if known is None:
                met[name] = kind
            elif known is not kind:
                met[name] = join(known, kind) or NOTHING
    return met


def convert(end: Jump, wanted: Scope, place: Place) -> None:
    """Adds, at the end of a path, what brings its locals to the types of the scope where it leads."""
    casts: Block = []
    for name, kind in end.scope.items():
        goal = wanted.get(name, kind)
        if goal is not kind and goal is not NOTHING:
            casts.append(Set(name, Cast(goal, Variable(kind, name, place), place), place))
    at = len(end.block) - end.jumps
    end.block[at:at] = casts
