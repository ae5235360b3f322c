"""Reads operations on numbers: arithmetic, comparisons, `and` and `or`, choices, with Python's conversions."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable
from functools import reduce

from stratoquant.graph.kernel.expressions import Expressions, place_of, unknown
from stratoquant.graph.kernel.nodes import Binary, Choose, Compare, Constant, Expression, Logic, Place, Unary
from stratoquant.graph.kernel.types import BOOL, FLOAT, INT, Number, join

BINARY: dict[type[ast.operator], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.Mod: "%",
    ast.FloorDiv: "//",
    ast.Pow: "**",
    ast.BitAnd: "&",
    ast.BitOr: "|",
    ast.BitXor: "^",
    ast.LShift: "<<",
    ast.RShift: ">>",
}
_COMPARE: dict[type[ast.cmpop], str] = {
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Eq: "==",
    ast.NotEq: "!=",
}
_FOLDED: dict[str, Callable[[float, float], float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "%": operator.mod,
    "//": operator.floordiv,
    "**": operator.pow,
}
_WHOLE = frozenset({"&", "|", "^", "<<", ">>"})
_OPERAND = "an operand of a bitwise operator"
_NO_MEMBERS = (ast.In, ast.NotIn, ast.Is, ast.IsNot)


class Operations(Expressions):
    """Adds operations to the expressions."""

    def _table(self) -> dict[type[ast.expr], Callable[..., Expression]]:
        return super()._table() | {
            ast.UnaryOp: self._unary,
            ast.BinOp: lambda node: self.operation(node, node.left, node.op, node.right),
            ast.Compare: self._compare,
            ast.BoolOp: self._logic,
            ast.IfExp: self._choose,
        }

    def condition(self, node: ast.expr) -> Expression:
        """An expression of which only the truth matters."""
        if isinstance(node, ast.BoolOp):
            word = "and" if isinstance(node.op, ast.And) else "or"
            parts = [self.condition(value) for value in node.values]
            return reduce(lambda left, right: Logic(word, left, right, left.place), parts)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            return Unary(BOOL, "not", self.condition(node.operand), place_of(node))
        return self.cast(self.number(node), BOOL)

    def operation(
        self,
        node: ast.expr | ast.stmt,
        left: ast.expr,
        operator: ast.operator,
        right: ast.expr,
        present: Expression | None = None,
    ) -> Expression:
        """Arithmetic. present: the left value, where it has been read."""
        sign = BINARY.get(type(operator))
        if sign is None:
            return self.refuse_syntax("K003", node, operator)
        folded = _folded(node, sign) if isinstance(node, ast.BinOp) else None
        if folded is not None and not self._overflows(folded):
            return self._number(folded, left, "", "")
        whole = _OPERAND if sign in _WHOLE else ""
        if present is None:
            present = self.number(left, whole=whole)
        elif whole and present.type is FLOAT:
            self.refuse_fraction(left, FLOAT, whole)
            present = self.cast(present, INT)
        value = self.number(right, whole=whole)
        self._check_operation(node, left, operator, right)
        return self.binary(sign, present, value, place_of(node))

    def _check_operation(
        self, node: ast.expr | ast.stmt, left: ast.expr, operator: ast.operator, right: ast.expr
    ) -> None:
        if self._values is None:
            return
        if isinstance(operator, ast.Div | ast.FloorDiv | ast.Mod) and 0.0 in self._known(right):
            message = f"`{ast.unparse(right)}` is 0, and is divided by"
            self.faults.doubt("K016", node, message, "divide by another number")
        if any(map(self._overflows, self._values.of_operation(left, operator, right))):
            hint = "write one of the numbers with a decimal point"
            self.faults.refuse("K011", node, "the result does not fit 64 bits", hint)

    @staticmethod
    def _overflows(value: float) -> bool:
        return isinstance(value, int) and not -(2**63) <= value < 2**63

    def binary(self, sign: str, left: Expression, right: Expression, place: Place) -> Expression:
        """An operation on two numbers, with the conversions that Python's rules for them ask for."""
        kind = join(left.type, right.type)
        assert isinstance(kind, Number)
        if sign in _WHOLE:
            kind = kind if sign in "&|^" else INT
        elif sign == "**" and left.type is FLOAT and right.type is INT:
            return Binary(FLOAT, sign, left, right, place)
        elif sign == "/":
            kind = FLOAT
        elif kind is BOOL:
            kind = INT
        return Binary(kind, sign, self.cast(left, kind), self.cast(right, kind), place)

    def _unary(self, node: ast.UnaryOp) -> Expression:
        place = place_of(node)
        if isinstance(node.op, ast.Not):
            return self.condition(node)
        if isinstance(node.op, ast.Invert):
            return Unary(INT, "~", self.cast(self.number(node.operand, whole=_OPERAND), INT), place)
        value = self.number(node.operand)
        kind = FLOAT if value.type is FLOAT else INT
        if isinstance(node.op, ast.UAdd):
            return self.cast(value, kind)
        if isinstance(node.operand, ast.Constant) and isinstance(value, Constant):
            return self._number(-value.value, node, "", "")
        return Unary(kind, "-", self.cast(value, kind), place)

    def _compare(self, node: ast.Compare) -> Expression:
        """A chain evaluates each value once, and none after the first comparison that fails."""
        if any(isinstance(sign, _NO_MEMBERS) for sign in node.ops):
            hint = "compare numbers with == or <"
            self.faults.refuse("K003", node, "`in` and `is` are not in the language", hint)
            for side in (node.left, *node.comparators):
                self.read(side)
            return unknown(node)
        left, place = self.number(node.left), place_of(node)
        result: Expression | None = None
        for position, (sign, operand) in enumerate(zip(node.ops, node.comparators, strict=True)):
            right = again = self.number(operand)
            if position + 1 < len(node.ops):
                right, again = self.keep(right)
            one, other, _ = self.same(left, right)
            link = Compare(_COMPARE[type(sign)], one, other, place)
            result, left = link if result is None else Logic("and", result, link, place), again
        assert result is not None
        return result

    def _logic(self, node: ast.BoolOp) -> Expression:
        """`and` and `or` of numbers give one of the numbers."""
        before = self.faults.count()
        values = [self.number(value) for value in node.values]
        if all(value.type is BOOL for value in values):
            self.faults.forget(before)  # the same ones are found again
            return self.condition(node)
        result = values[-1]
        for value in reversed(values[:-1]):
            first, again = self.keep(value)
            yes, no = (result, again) if isinstance(node.op, ast.And) else (again, result)
            one, other, _ = self.same(yes, no)
            result = Choose(one.type, self.cast(first, BOOL), one, other, place_of(node))
        return result

    def _choose(self, node: ast.IfExp) -> Expression:
        condition = self.condition(node.test)
        yes, no, kind = self.same(self.read(node.body), self.read(node.orelse))
        if kind is None:
            self.faults.refuse("K011", node, "the two values differ in kind", "choose between two numbers")
            return unknown(node)
        return Choose(kind, condition, yes, no, place_of(node))


def _folded(node: ast.expr, sign: str = "") -> float | int | None:
    """The value of an operation on written numbers, computed as Python computes it when it compiles a function; None
    for anything else."""
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        return node.value
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        value = _folded(node.operand)
        return None if value is None else -value
    if isinstance(node, ast.BinOp) and type(node.op) in BINARY:
        left, right = _folded(node.left), _folded(node.right)
        fold = _FOLDED.get(sign or BINARY[type(node.op)])
        if left is not None and right is not None and fold is not None:
            try:
                return fold(left, right)
            except ArithmeticError:
                return None
    return None
