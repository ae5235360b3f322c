"""What is known of numbers - not 0, never below 0 - so that Pine's own `/` and `%` say the same as Python's."""

from __future__ import annotations

import ast
from math import inf, pi, tau

from stratoquant.mirror.pine.kinds import Kinds, assignments


class Facts:
    """Texts of expressions that are not 0 where the translation stands, learnt from the tests around it; and the locals
    of a kernel that are never below 0.

    bounds: texts of parameters that have a lower bound, and the bound; 1 for a kernel's own whole arguments, which are
    counts by convention. body: the kernel's statements.
    """

    def __init__(
        self, kinds: Kinds, constants: dict[str, float], bounds: dict[str, float], body: list[ast.stmt]
    ) -> None:
        self._constants = constants
        self._bounds = {"pi": pi, "tau": tau} | bounds
        self._known: list[set[str]] = [set()]
        self._counts: set[str] = set()
        self._settle(kinds, body)

    def _settle(self, kinds: Kinds, body: list[ast.stmt]) -> None:
        """Finds the largest set of whole locals such that nothing is assigned to one of them that could be below 0."""
        loops = [n for s in body for n in ast.walk(s) if isinstance(n, ast.For)]
        values = assignments(body) + [(n.target, _first_turn(n)) for n in loops]
        named = [(t.id, value) for t, value in values if isinstance(t, ast.Name) and kinds.names[t.id] == "int"]
        self._counts, before = {name for name, _ in named}, {""}
        while self._counts != before:
            before = self._counts
            self._counts = before - {name for name, value in named if not self.never_negative(value)}

    def learn(self, texts: set[str]) -> None:
        """Adds what holds until `forget`."""
        self._known.append(texts)

    def forget(self) -> None:
        self._known.pop()

    def divisor_is_safe(self, node: ast.expr) -> bool:
        """True when the divisor cannot be 0."""
        return self._positive(node) or any(ast.unparse(node) in known for known in self._known)

    def never_negative(self, node: ast.expr) -> bool:
        """True for what is put together, without a minus, from what is not below 0. A missing value counts as well."""
        if isinstance(node, ast.Name) and node.id in self._counts:
            return True
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod):
            return self._positive(node.right)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Mult | ast.FloorDiv | ast.Div):
            return self.never_negative(node.left) and self.never_negative(node.right)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            one = node.func.id in ("float", "int") and self.never_negative(node.args[0])
            return one or node.func.id in ("len", "fabs", "sqrt", "exp")
        return self._least(node) >= 0.0

    def _positive(self, node: ast.expr) -> bool:
        """True for what is above 0."""
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            left, right = node.left, node.right
            return (self._positive(left) and self.never_negative(right)) or (
                self.never_negative(left) and self._positive(right)
            )
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult | ast.Pow):
            return self._positive(node.left) and self._positive(node.right)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            one = node.func.id in ("float", "sqrt") and self._positive(node.args[0])
            return one or node.func.id in ("exp", "len")
        return self._least(node) > 0.0

    def _least(self, node: ast.expr) -> float:
        """What a constant is, or a parameter is at least."""
        value = node.value if isinstance(node, ast.Constant) else None
        if isinstance(node, ast.Name | ast.Attribute):
            text = ast.unparse(node)
            value = self._constants.get(text, self._bounds.get(text))
        return float(value) if isinstance(value, int | float) else -inf


def _first_turn(loop: ast.For) -> ast.expr:
    """What a loop's counter begins with."""
    over = loop.iter
    return over.args[0] if isinstance(over, ast.Call) and len(over.args) > 1 else ast.Constant(0)


def when_true(test: ast.expr) -> set[str]:
    """Texts that are not 0 where the test holds: `x > 0`, `x < 0`, `x != 0`, and all of those joined by `and`."""
    if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And):
        return set().union(*map(when_true, test.values))
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        return when_false(test.operand)
    return _compared(test, (ast.Gt, ast.Lt, ast.NotEq))


def when_false(test: ast.expr) -> set[str]:
    """Texts that are not 0 where the test does not hold: `x == 0`, and all of those joined by `or`."""
    if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.Or):
        return set().union(*map(when_false, test.values))
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        return when_true(test.operand)
    return _compared(test, (ast.Eq,))


def _compared(test: ast.expr, operators: tuple[type[ast.cmpop], ...]) -> set[str]:
    if not isinstance(test, ast.Compare) or len(test.ops) != 1 or not isinstance(test.ops[0], operators):
        return set()
    right = test.comparators[0]
    if isinstance(right, ast.Constant) and isinstance(right.value, int | float):
        zero = right.value == 0.0
        above = right.value > 0.0 and isinstance(test.ops[0], ast.Gt)
        if zero or above:
            return {ast.unparse(test.left)}
    return set()


def assigned(body: list[ast.stmt]) -> set[str]:
    """Names that a block assigns to."""
    return {n.id for s in body for n in ast.walk(s) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
