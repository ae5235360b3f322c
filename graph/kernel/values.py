"""Values in a kernel that are known from its text alone, such as `-5.0`, `LIMIT` or each branch of `a if x else b`."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from operator import add, mul, sub, truediv

_MOST = 16


class KnownValues:
    """Finds the numbers that an expression can be. constants: numbers by name that are the same everywhere.

    stores: the names that the function assigns.
    """

    def __init__(self, function: ast.FunctionDef, constants: Mapping[str, float]) -> None:
        self._constants = constants
        parts = list(ast.walk(function))
        stores = [n.id for n in parts if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]
        self.stores = frozenset(stores)
        single = [n for n in parts if isinstance(n, ast.Assign) and len(n.targets) == 1]
        named = {n.targets[0].id: n.value for n in single if isinstance(n.targets[0], ast.Name)}
        self._locals = {name: value for name, value in named.items() if stores.count(name) == 1}
        self._own = {*stores, *(a.arg for a in function.args.args)}

    def of(self, node: ast.expr, without: frozenset[str] = frozenset()) -> frozenset[float]:
        """The numbers that an expression is known to be on some path; none of them is ruled out by a test around it.

        without: names of which nothing is known here.
        """
        match node:
            case ast.Constant(value=int() | float() as value):
                return frozenset((value,))
            case ast.Name(id=name) if name not in without:
                if name in self._locals:
                    return self.of(self._locals[name], without | {name})
                known = name in self._constants and name not in self._own
                return frozenset((self._constants[name],)) if known else frozenset()
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return frozenset(-v for v in self.of(operand, without))
            case ast.UnaryOp(op=ast.UAdd(), operand=operand):
                return self.of(operand, without)
            case ast.BinOp(left=left, op=operator, right=right):
                return self.of_operation(left, operator, right, without)
            case ast.IfExp(test=test, body=body, orelse=orelse):
                tested = without | {n.id for n in ast.walk(test) if isinstance(n, ast.Name)}
                return self.of(body, tested) | self.of(orelse, tested)
        return frozenset()

    def of_operation(
        self, left: ast.expr, operator: ast.operator, right: ast.expr, without: frozenset[str] = frozenset()
    ) -> frozenset[float]:
        """The numbers that arithmetic on two expressions is known to give on some path."""
        compute = _ARITHMETIC.get(type(operator))
        lefts, rights = self.of(left, without), self.of(right, without)
        if compute is None or len(lefts) * len(rights) > _MOST:
            return frozenset()
        return frozenset(v for a in lefts for b in rights if (v := _result(compute, a, b)) is not None)


def _power(base: float, exponent: float) -> float:
    """A power of moderate size."""
    if abs(exponent) > _MOST_DIGITS:
        raise OverflowError
    result: float = base**exponent
    return result


def _result(compute: Callable[[float, float], float], one: float, other: float) -> float | None:
    try:
        value = compute(one, other)
    except (ArithmeticError, ValueError):
        return None
    return value if isinstance(value, int | float) else None


_MOST_DIGITS = 1000
_ARITHMETIC: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: add,
    ast.Sub: sub,
    ast.Mult: mul,
    ast.Div: truediv,
    ast.Pow: _power,
}
