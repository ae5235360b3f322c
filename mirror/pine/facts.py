"""What is known not to be 0, so that Pine's own division says the same as Python's."""

from __future__ import annotations

import ast

from mirror.pine.kinds import Kinds


class Facts:
    """Texts of expressions that are not 0 where the translation stands, learnt from the tests around it."""

    def __init__(self, kinds: Kinds, constants: dict[str, float], positive_fields: set[str]) -> None:
        self._kinds = kinds
        self._constants = constants
        self._positive_fields = positive_fields
        self._known: list[set[str]] = [set()]

    def learn(self, texts: set[str]) -> None:
        """Adds what holds until `forget`."""
        self._known.append(texts)

    def forget(self) -> None:
        self._known.pop()

    def divisor_is_safe(self, node: ast.expr) -> bool:
        """True when the divisor cannot be 0."""
        return self._positive(node) or any(ast.unparse(node) in known for known in self._known)

    def _positive(self, node: ast.expr) -> bool:
        """True for what is above 0. A whole number that divides is a count of bars, and above 0 by convention."""
        if isinstance(node, ast.Constant | ast.Name):
            value = node.value if isinstance(node, ast.Constant) else self._constants.get(node.id)
            if isinstance(value, int | float):
                return value > 0.0
        if isinstance(node, ast.Name):
            return self._kinds.of(node) == "int" or node.id in ("pi", "tau")
        if isinstance(node, ast.Attribute):
            return self._kinds.of(node) == "int" or ast.unparse(node) in self._positive_fields
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Mult | ast.Pow):
            return self._positive(node.left) and self._positive(node.right)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            if node.func.id == "exp":
                return True
            return node.func.id in ("float", "sqrt") and self._positive(node.args[0])
        return False


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
