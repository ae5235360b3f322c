"""Expressions of a rewritten kernel in Pine. Comparisons stay exact although Pine's own allow 1e-10 either way."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any, Protocol

from stratoquant.graph.kernel.words import MATH_CONSTANTS
from stratoquant.mirror.pine import helpers
from stratoquant.mirror.pine.facts import Facts, when_false, when_true
from stratoquant.mirror.pine.kinds import Kinds
from stratoquant.mirror.pine.names import safe
from stratoquant.mirror.pine.rewrites import UntranslatableError
from stratoquant.mirror.pine.syntax import (
    FALSE,
    TRUE,
    Binary,
    Call,
    Choice,
    Expr,
    Field,
    Literal,
    Name,
    Unary,
    integer,
    number,
)
from stratoquant.mirror.pine.types import real

SCALE = Name("float", "EXACT")
"""A difference of doubles times this is 0 or beyond Pine's tolerance: it is exact down to 1e-210 and up to 1e108."""

_ARITHMETIC = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.Mod: "%"}
_COMPARISON = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!="}
_SAME_IN_PINE = ("acos", "asin", "atan", "cos", "exp", "log", "log10", "pow", "sin", "sqrt", "tan")
_HELPERS = {
    "sinh": helpers.hyperbolic_sine,
    "cosh": helpers.hyperbolic_cosine,
    "erf": helpers.error_function,
    "erfc": helpers.error_function_complement,
    "expm1": helpers.exp_minus_one,
    "log1p": helpers.log_of_one_plus,
    "hypot": helpers.square_root_of_squares,
    "ldexp": helpers.times_power_of_two,
}


class Callee(Protocol):
    """A translated kernel: its name in the script, the types of its parameters and of its result."""

    name: str
    parameters: tuple[tuple[str, str], ...]
    returns: str


class Expressions:
    """Translates expressions of one kernel. need: gives a kernel its place in the script."""

    def __init__(
        self,
        kinds: Kinds,
        constants: dict[str, float],
        calls: dict[str, Callable[..., Any]],
        need: Callable[[Callable[..., Any]], Callee],
        facts: Facts,
        whole: set[str],
        names: dict[type, str],
    ) -> None:
        self.kinds = kinds
        self._constants = constants
        self._calls = calls
        self._need = need
        self.facts = facts
        self._whole = whole
        self._names = names

    def type_of(self, node: ast.expr) -> str:
        kind = self.kinds.of(node)
        if kind is None:
            raise UntranslatableError(f"`{ast.unparse(node)}` is read before it has a value", "assign it first", node)
        return kind if isinstance(kind, str) else self._names[kind]

    def translate(self, node: ast.expr) -> Expr:
        method = getattr(self, f"_{type(node).__name__.lower()}", None)
        if method is None:
            raise UntranslatableError(
                f"`{ast.unparse(node)}` has no form in Pine", "use numbers, fields and calls", node
            )
        translated: Expr = method(node)
        return translated

    def condition(self, node: ast.expr) -> Expr:
        """A bool; a number counts as true when it is not 0."""
        if self.type_of(node) == "bool":
            return self.translate(node)
        return self._compared(node, ast.NotEq(), ast.copy_location(ast.Constant(0), node))

    def as_type(self, node: ast.expr, wanted: str) -> Expr:
        """The value for a place of a type; a number with a fraction loses it in a place for whole ones."""
        value = self.translate(node)
        return Call("int", "int", (value,)) if wanted == "int" and value.type == "float" else value

    def call(self, function: Callable[..., Any], *arguments: Expr) -> Call:
        """A call of a kernel that the translation itself needs."""
        callee = self._need(function)
        return Call(callee.returns, callee.name, arguments)

    def _constant(self, node: ast.Constant) -> Expr:
        if isinstance(node.value, bool):
            return TRUE if node.value else FALSE
        assert isinstance(node.value, int | float)
        return number(node.value)

    def _name(self, node: ast.Name) -> Expr:
        if node.id in self._constants and node.id not in self.kinds.names:
            return self._constant(ast.Constant(self._constants[node.id]))
        if node.id in MATH_CONSTANTS and node.id not in self.kinds.names:
            return real(MATH_CONSTANTS[node.id])
        return Name(self.type_of(node), safe(node.id))

    def _attribute(self, node: ast.Attribute) -> Expr:
        return Field(self.type_of(node), self.translate(node.value), safe(node.attr))

    def _subscript(self, node: ast.Subscript) -> Expr:
        return Call("float", "array.get", (self.translate(node.value), self.as_type(node.slice, "int")))

    def _unaryop(self, node: ast.UnaryOp) -> Expr:
        if isinstance(node.op, ast.Not):
            return Unary("bool", "not", self.condition(node.operand))
        if isinstance(node.op, ast.UAdd):
            return self.translate(node.operand)
        value = self.translate(node.operand)
        if isinstance(value, Literal) and value.text not in ("na", "INFINITY") and not value.text.startswith("-"):
            return Literal(value.type, f"-{value.text}")
        return Unary(value.type, "-", value)

    def _boolop(self, node: ast.BoolOp) -> Expr:
        word = "and" if isinstance(node.op, ast.And) else "or"
        first, *later = map(self.condition, node.values)
        for value in later:
            first = Binary("bool", word, first, value)
        return first

    def _binop(self, node: ast.BinOp) -> Expr:
        return self.binary(node.left, node.op, node.right, node)

    def binary(self, left: ast.expr, op: ast.operator, right: ast.expr, node: ast.AST) -> Expr:
        """Arithmetic. In Pine `/` of whole numbers is not whole, and `%` keeps the sign of what is divided."""
        a, b = self.translate(left), self.translate(right)
        kind = "int" if a.type == b.type == "int" else "float"
        if isinstance(op, ast.Pow):
            power = Call("float", "math.pow", (a, b))
            return Call("int", "int", (power,)) if kind == "int" else power
        if isinstance(op, ast.Div):
            return Binary("float", "/", a, b) if self.facts.divisor_is_safe(right) else self.call(helpers.divided, a, b)
        if isinstance(op, ast.FloorDiv):
            floor = Call("int", "math.floor", (Binary("float", "/", a, b),))
            return floor if kind == "int" else Binary("float", "+", floor, number(0.0))
        if isinstance(op, ast.BitAnd):
            return self._masked(left, right, node)
        if isinstance(op, ast.Mod):
            return self._rest(left, a, b, kind)
        if type(op) not in _ARITHMETIC:
            raise UntranslatableError("bit operators have no form in Pine", "count with powers of two instead", node)
        return Binary(kind, _ARITHMETIC[type(op)], a, b)

    def _rest(self, left: ast.expr, a: Expr, b: Expr, kind: str) -> Expr:
        """Python's `%` keeps the sign of the divisor, Pine's that of what is divided."""
        rest = Binary(kind, "%", a, b)
        if kind == "int":
            return rest if self.facts.never_negative(left) else self.call(helpers.modulo, a, b)
        return self.call(helpers.signed_rest, a, b, rest)

    def _masked(self, left: ast.expr, right: ast.expr, node: ast.AST) -> Expr:
        """`x & (len(a) - 1)` is x modulo the size of an array, which is a power of two; no other mask has a form."""
        sized = right.left if isinstance(right, ast.BinOp) and isinstance(right.op, ast.Sub) else None
        if isinstance(sized, ast.Call) and isinstance(sized.func, ast.Name) and sized.func.id == "len":
            return self._rest(left, self.translate(left), self.translate(sized), "int")
        raise UntranslatableError("bit operators have no form in Pine", "count with powers of two instead", node)

    def _compare(self, node: ast.Compare) -> Expr:
        if len(node.ops) != 1:
            raise UntranslatableError("a chain of comparisons was not taken apart", "join comparisons with `and`", node)
        return self._compared(node.left, node.ops[0], node.comparators[0])

    def _compared(self, left: ast.expr, op: ast.cmpop, right: ast.expr) -> Expr:
        """Exact where Pine's comparison is not: on the difference, scaled beyond the tolerance. `!=` is true for na."""
        word = _COMPARISON[type(op)]
        a, b = self.translate(left), self.translate(right)
        if isinstance(op, ast.NotEq) and "bool" not in (a.type, b.type):
            return Unary("bool", "not", self._compared(left, ast.Eq(), right))
        if "bool" in (a.type, b.type) or (self._is_whole(left, a) and self._is_whole(right, b)):
            return Binary("bool", word, a, b)
        zero = isinstance(b, Literal) and b.text in ("0.0", "0")
        difference = a if zero else Binary("float", "-", a, b)
        return Binary("bool", word, Binary("float", "*", difference, SCALE), integer(0))

    def _is_whole(self, node: ast.expr, value: Expr) -> bool:
        if value.type == "int":
            return True
        if isinstance(node, ast.UnaryOp):
            node = node.operand
        if isinstance(node, ast.Name) and node.id in self._whole:
            return True
        constant = node.value if isinstance(node, ast.Constant) else None
        if isinstance(node, ast.Name) and node.id not in self.kinds.names:
            constant = self._constants.get(node.id)
        return isinstance(constant, int | float) and constant == int(constant)

    def _ifexp(self, node: ast.IfExp) -> Expr:
        test = self.condition(node.test)
        self.facts.learn(when_true(node.test))
        yes = self.translate(node.body)
        self.facts.forget()
        self.facts.learn(when_false(node.test))
        no = self.translate(node.orelse)
        self.facts.forget()
        kind = "float" if {yes.type, no.type} == {"int", "float"} else yes.type
        return Choice(kind, test, yes, no)

    def _call(self, node: ast.Call) -> Expr:
        assert isinstance(node.func, ast.Name)
        name = node.func.id
        if node.keywords:
            raise UntranslatableError("arguments by name have no form in Pine", "give them by position", node)
        if name in self._calls:
            return self._kernel(name, node)
        method = getattr(self, f"_call_{name}", None)
        if method is not None:
            called: Expr = method(node)
            return called
        arguments = tuple(map(self.translate, node.args))
        if name in _SAME_IN_PINE:
            return Call("float", f"math.{name}", arguments)
        if name in _HELPERS:
            return self.call(_HELPERS[name], *arguments)
        raise UntranslatableError(
            f"`{name}` has no form in Pine", 'declare the layer pine="no" or write it otherwise', node
        )

    def _kernel(self, name: str, node: ast.Call) -> Expr:
        callee = self._need(self._calls[name])
        arguments = []
        for argument, (_, wanted) in zip(node.args, callee.parameters, strict=True):
            value = self.condition(argument) if wanted == "bool" else self.translate(argument)
            if wanted == "int" and value.type == "float":
                raise UntranslatableError(
                    f"`{ast.unparse(argument)}` has a fraction, `{name}` takes a whole number",
                    "make it int(...)",
                    argument,
                )
            arguments.append(value)
        return Call(callee.returns, callee.name, tuple(arguments))

    def _call_isnan(self, node: ast.Call) -> Expr:
        return Call("bool", "na", (self.translate(node.args[0]),))

    def _call_isfinite(self, node: ast.Call) -> Expr:
        size = Call("float", "math.abs", (self.translate(node.args[0]),))
        return Binary("bool", "<", size, Name("float", "INFINITY"))

    def _call_isinf(self, node: ast.Call) -> Expr:
        size = Call("float", "math.abs", (self.translate(node.args[0]),))
        return Binary("bool", ">=", size, Name("float", "INFINITY"))

    def _call_len(self, node: ast.Call) -> Expr:
        return Call("int", "array.size", (self.translate(node.args[0]),))

    def _call_float(self, node: ast.Call) -> Expr:
        return Call("float", "float", (self.translate(node.args[0]),))

    def _call_int(self, node: ast.Call) -> Expr:
        value = self.translate(node.args[0])
        return value if value.type == "int" else Call("int", "int", (value,))

    _call_trunc = _call_int

    def _call_floor(self, node: ast.Call) -> Expr:
        return Call("int", "math.floor", (self.translate(node.args[0]),))

    def _call_round(self, node: ast.Call) -> Expr:
        return Call("int", "math.round", (self.translate(node.args[0]),))

    def _call_ceil(self, node: ast.Call) -> Expr:
        return Call("int", "math.ceil", (self.translate(node.args[0]),))

    def _call_abs(self, node: ast.Call) -> Expr:
        value = self.translate(node.args[0])
        return Call(value.type, "math.abs", (value,))

    _call_fabs = _call_abs

    def _call_min(self, node: ast.Call) -> Expr:
        return self._extreme(node, "math.min", helpers.minimum)

    def _call_max(self, node: ast.Call) -> Expr:
        return self._extreme(node, "math.max", helpers.maximum)

    def _extreme(self, node: ast.Call, whole: str, helper: Callable[..., Any]) -> Expr:
        """Pine's own for whole numbers; for others one that knows what Python does with a missing value."""
        first, *later = map(self.translate, node.args)
        for value in later:
            if first.type == value.type == "int":
                first = Call("int", whole, (first, value))
            else:
                first = self.call(helper, first, value)
        return first
