"""The types of a kernel's expressions and locals, before anything is written."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping

from stratoquant.graph.kernel.words import MATH_CONSTANTS
from stratoquant.mirror.pine.rewrites import UntranslatableError
from stratoquant.mirror.pine.syntax import FLOATS, NUMBERS
from stratoquant.mirror.pine.types import EVENT, EVENT_FIELDS, field_types

Kind = str | type
Returns = Callable[[str], str | None]

_WHOLE_RESULT = ("floor", "ceil", "trunc")  # as numba has them


def assignments(body: list[ast.stmt]) -> list[tuple[ast.expr, ast.expr]]:
    """What is assigned to, and the value; that of `x += y` is x + y."""
    nodes = [n for s in body for n in ast.walk(s)]
    plain = [(t, n.value) for n in nodes if isinstance(n, ast.Assign) for t in n.targets]
    return plain + [(n.target, ast.BinOp(n.target, n.op, n.value)) for n in nodes if isinstance(n, ast.AugAssign)]


class Kinds:
    """Kinds of names and expressions in one kernel. names: parameters at first, all locals after `settle`.

    returns: the type that a called kernel returns, None for a name that is none. constants: numbers by name.
    """

    def __init__(self, names: Mapping[str, Kind], constants: Mapping[str, float], returns: Returns) -> None:
        self.names: dict[str, Kind] = dict(names)
        self._constants = constants
        self._returns = returns

    def settle(self, body: list[ast.stmt]) -> None:
        """Finds the type of every local: that of all that is assigned to it; int and float together are float."""
        assigns = assignments(body)
        loops = [n.target for s in body for n in ast.walk(s) if isinstance(n, ast.For)]
        for target in loops:
            assert isinstance(target, ast.Name)
            self.names[target.id] = "int"
        for _ in range(len(assigns) + 1):
            before = dict(self.names)
            for target, value in assigns:
                kind = self.of(value) if isinstance(target, ast.Name) else None
                if isinstance(target, ast.Name) and kind is not None:
                    self.names[target.id] = self._both(self.names.get(target.id), kind, target)
            if self.names == before:
                return

    def _both(self, one: Kind | None, other: Kind | None, node: ast.AST) -> Kind:
        if one is None or one == other:
            assert other is not None
            return other
        if other is None:
            return one
        if one in NUMBERS and other in NUMBERS:
            return "float"
        message = f"a value is {_word(one)} in one place and {_word(other)} in another"
        raise UntranslatableError(message, "give each its own name", node)

    def of(self, node: ast.expr) -> Kind | None:
        """The kind of an expression; None while a name in it is not known yet."""
        if isinstance(node, ast.Constant):
            return type(node.value).__name__
        if isinstance(node, ast.Name):
            return self._name(node)
        if isinstance(node, ast.Attribute):
            return self._field(node)
        if isinstance(node, ast.Subscript):
            return "float"
        if isinstance(node, ast.Compare | ast.BoolOp):
            return "bool"
        if isinstance(node, ast.UnaryOp):
            return "bool" if isinstance(node.op, ast.Not) else self.of(node.operand)
        if isinstance(node, ast.BinOp):
            return self._operation(node)
        if isinstance(node, ast.IfExp):
            return self._either([node.body, node.orelse], node)
        if isinstance(node, ast.Call):
            return self._call(node)
        raise UntranslatableError(f"`{ast.unparse(node)}` has no form in Pine", "use numbers, fields and calls", node)

    def _name(self, node: ast.Name) -> Kind | None:
        if node.id in self.names:
            return self.names[node.id]
        if node.id in self._constants:
            return type(self._constants[node.id]).__name__
        return "float" if node.id in MATH_CONSTANTS else None

    def _field(self, node: ast.Attribute) -> Kind | None:
        owner = self.of(node.value)
        if owner is None:
            return None
        fields: Mapping[str, Kind] = (
            EVENT_FIELDS if owner == EVENT else field_types(owner) if isinstance(owner, type) else {}
        )
        if node.attr not in fields:
            raise UntranslatableError(f"`{ast.unparse(node)}` is no field", "read a declared field", node)
        return fields[node.attr]

    def _operation(self, node: ast.BinOp) -> Kind | None:
        left, right = self.of(node.left), self.of(node.right)
        if left is None or right is None:
            return None
        if left not in NUMBERS or right not in NUMBERS:
            raise UntranslatableError(
                f"`{ast.unparse(node)}` counts with {_word(left if left not in NUMBERS else right)}",
                "write `1.0 if ... else 0.0` for a bool in arithmetic",
                node,
            )
        if isinstance(node.op, ast.Div) or "float" in (left, right):
            return "float"
        return "int"

    def _either(self, parts: list[ast.expr], node: ast.AST) -> Kind | None:
        kinds = [k for k in map(self.of, parts) if k is not None]
        kind: Kind | None = None
        for other in kinds:
            kind = self._both(kind, other, node)
        return kind

    def _call(self, node: ast.Call) -> Kind | None:
        assert isinstance(node.func, ast.Name)
        name = node.func.id
        if name == "len" or name == "int" or name in _WHOLE_RESULT:
            return "int"
        if name in ("isnan", "isfinite", "isinf"):
            return "bool"
        if name in ("abs", "min", "max"):
            return self._either(node.args, node)
        return self._returns(name) or "float"


def _word(kind: Kind) -> str:
    if isinstance(kind, type):
        return f"a {kind.__name__}"
    return "an array" if kind == FLOATS else f"a {kind}"
