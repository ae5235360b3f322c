"""Reads expressions of a kernel: syntax trees to typed nodes."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Sequence
from functools import reduce
from typing import NoReturn, Protocol

from graph.kernel.errors import KernelTypeError
from graph.kernel.guard import GUARDED, OUTSIDE, OUTSIDE_TYPE
from graph.kernel.mathematics import FORMS, GIVE_INT, TEST
from graph.kernel.nodes import (
    Binary,
    Call,
    Cast,
    Choose,
    Compare,
    Constant,
    Expression,
    Field,
    Function,
    Item,
    Keep,
    Length,
    Logic,
    Make,
    Math,
    Part,
    Place,
    Prefix,
    Unary,
    Variable,
)
from graph.kernel.scope import Scope
from graph.kernel.source import ModuleSource
from graph.kernel.types import BOOL, FLOAT, INT, NOTHING, Array, Number, Record, Tuple, Type, array, join, tuple_of

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


class Kernels(Protocol):
    """Gives the typed function of a kernel for the types of its arguments."""

    def typed(self, name: str, arguments: tuple[Type, ...], *, guarded: bool = False) -> Function: ...


def place_of(node: ast.expr | ast.stmt) -> Place:
    return Place(node.lineno, node.col_offset + 1)


class ExpressionReader:
    """Reads the expressions of one kernel. scope: the locals at the present point; the reader of statements moves it.
    calls: the kernels called so far. guarded: its indices are checked when it runs."""

    def __init__(self, kernel: str, source: ModuleSource, kernels: Kernels, *, guarded: bool = False) -> None:
        self.scope: Scope = {}
        self.calls: dict[Function, None] = {}
        self._kernel = kernel
        self._source = source
        self._kernels = kernels
        self._kept = 0
        self._guarded = guarded
        self._readers: dict[type[ast.expr], Callable[..., Expression]] = {
            ast.Constant: self._constant,
            ast.Name: self._name,
            ast.Attribute: self._attribute,
            ast.Subscript: self._subscript,
            ast.Tuple: self._tuple,
            ast.UnaryOp: self._unary,
            ast.BinOp: self._binary_operation,
            ast.Compare: self._compare,
            ast.BoolOp: self._logic,
            ast.IfExp: self._choose,
            ast.Call: self._call,
        }

    def read(self, node: ast.expr) -> Expression:
        reader = self._readers.get(type(node))
        if reader is None:
            self.refuse(f"`{ast.unparse(node)}` is not in the kernel language", place_of(node))
        return reader(node)

    def condition(self, node: ast.expr) -> Expression:
        """An expression of which only the truth matters."""
        if isinstance(node, ast.BoolOp):
            word = "and" if isinstance(node.op, ast.And) else "or"
            parts = [self.condition(value) for value in node.values]
            return reduce(lambda left, right: Logic(word, left, right, left.place), parts)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            return Unary(BOOL, "not", self.condition(node.operand), place_of(node))
        return self.cast(self.read(node), BOOL)

    def whole(self, node: ast.expr) -> Expression:
        """An expression that counts or indexes."""
        value = self.read(node)
        if value.type is not INT and value.type is not BOOL:
            self.refuse(f"`{ast.unparse(node)}` is {value.type}; only an int counts or indexes", value.place)
        return self.cast(value, INT)

    def cast(self, value: Expression, wanted: Type) -> Expression:
        if value.type is wanted:
            return value
        if isinstance(value, Constant) and wanted is FLOAT:
            return Constant(FLOAT, float(value.value), value.place)
        between_numbers = isinstance(value.type, Number) and isinstance(wanted, Number)
        if not between_numbers and join(value.type, wanted) is not wanted:
            self.refuse(f"{value.type} where {wanted} is needed", value.place)
        return Cast(wanted, value, value.place)

    def binary(self, sign: str, left: Expression, right: Expression, place: Place) -> Expression:
        """An operation on two numbers, with the conversions that Python's rules for them ask for."""
        for side in (left, right):
            if not isinstance(side.type, Number):
                self.refuse(f"`{sign}` of {side.type}", place)
        kind = join(left.type, right.type)
        assert isinstance(kind, Number)
        if sign in _WHOLE:
            if kind is FLOAT:
                self.refuse(f"`{sign}` of a float", place)
            kind = kind if sign in "&|^" else INT
        elif sign == "**" and left.type is FLOAT and right.type is INT:
            return Binary(FLOAT, sign, left, right, place)
        elif sign == "/":
            kind = FLOAT
        elif kind is BOOL:
            kind = INT
        return Binary(kind, sign, self.cast(left, kind), self.cast(right, kind), place)

    def same(self, values: Sequence[Expression], place: Place) -> list[Expression]:
        """The values as their common type."""
        kind = values[0].type
        for value in values[1:]:
            common = join(kind, value.type)
            if common is None:
                self.refuse(f"{value.type} where {kind} is needed", place)
            kind = common
        return [self.cast(value, kind) for value in values]

    def keep(self, value: Expression) -> tuple[Expression, Expression]:
        """A value that is needed twice: what computes it, and what reads it again."""
        if isinstance(value, Constant | Variable):
            return value, value
        self._kept += 1
        name = f"${self._kept}"
        return Keep(value.type, name, value, value.place), Variable(value.type, name, value.place)

    def refuse(self, message: str, place: Place) -> NoReturn:
        raise KernelTypeError(self._kernel, message, place)

    def _constant(self, node: ast.Constant) -> Expression:
        return self._number(node.value, place_of(node))

    def _number(self, value: object, place: Place) -> Constant:
        if isinstance(value, bool):
            return Constant(BOOL, value, place)
        if isinstance(value, int):
            if not -(2**63) <= value < 2**63:
                self.refuse(f"{value} does not fit into 64 bits", place)
            return Constant(INT, value, place)
        if not isinstance(value, float):
            self.refuse(f"the constant {value!r} is no number", place)
        return Constant(FLOAT, value, place)

    def _name(self, node: ast.Name) -> Expression:
        place, kind = place_of(node), self.scope.get(node.id)
        if kind is NOTHING:
            self.refuse(f"`{node.id}` has different types on the paths that lead here", place)
        if kind is not None:
            return Variable(kind, node.id, place)
        if node.id not in self._source.constants:
            self.refuse(f"`{node.id}` is read before it is set", place)
        return self._number(self._source.constants[node.id], place)

    def _attribute(self, node: ast.Attribute) -> Expression:
        held, place = self.read(node.value), place_of(node)
        if isinstance(held.type, Tuple) and node.attr in held.type.names:
            index = held.type.names.index(node.attr)
            return Part(held.type.parts[index], held, index, place)
        if not isinstance(held.type, Record) or node.attr not in held.type.fields:
            self.refuse(f"`{ast.unparse(node)}`: {held.type} has no `{node.attr}`", place)
        return Field(held.type.fields[node.attr].type, held, node.attr, place)

    def _subscript(self, node: ast.Subscript) -> Expression:
        place = place_of(node)
        if isinstance(node.value, ast.Attribute) and node.value.attr == "shape":
            axis = self.read(node.slice)
            assert isinstance(axis, Constant)
            return Length(self._array(node.value.value), int(axis.value), place)
        held = self.read(node.value)
        if isinstance(held.type, Tuple):
            index = self.read(node.slice)
            if not isinstance(index, Constant) or not 0 <= index.value < len(held.type.parts):
                self.refuse(f"`{ast.unparse(node)}`: a tuple is indexed by a number in it", place)
            return Part(held.type.parts[int(index.value)], held, int(index.value), place)
        if not isinstance(held.type, Array):
            self.refuse(f"`{ast.unparse(node)}`: {held.type} has no elements", place)
        if isinstance(node.slice, ast.Slice):
            if node.slice.lower or node.slice.step or node.slice.upper is None or held.type.rank != 1:
                self.refuse(f"`{ast.unparse(node)}`: only the first elements, `a[:n]`, can be taken", place)
            return Prefix(held.type, held, self.whole(node.slice.upper), place)
        nodes = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        left = held.type.rank - len(nodes)
        if left < 0:
            self.refuse(f"`{ast.unparse(node)}`: {len(nodes)} indices for {held.type.rank} axes", place)
        kind = array(held.type.element, left) if left else held.type.element
        return Item(kind, held, tuple(self.whole(index) for index in nodes), place, self._outside(place))

    def _array(self, node: ast.expr) -> Expression:
        held = self.read(node)
        if not isinstance(held.type, Array):
            self.refuse(f"`{ast.unparse(node)}` is {held.type} and has no length", held.place)
        return held

    def _tuple(self, node: ast.Tuple) -> Expression:
        parts = tuple(self.read(part) for part in node.elts)
        return Make(tuple_of(tuple(part.type for part in parts)), parts, place_of(node))

    def _unary(self, node: ast.UnaryOp) -> Expression:
        place = place_of(node)
        if isinstance(node.op, ast.Not):
            return self.condition(node)
        value = self.read(node.operand)
        if not isinstance(value.type, Number):
            self.refuse(f"`{ast.unparse(node)}` of {value.type}", place)
        kind = value.type if value.type is FLOAT else INT
        if isinstance(node.op, ast.UAdd):
            return self.cast(value, kind)
        if isinstance(node.op, ast.Invert):
            return Unary(INT, "~", self.cast(self.whole(node.operand), INT), place)
        if isinstance(node.operand, ast.Constant) and isinstance(value, Constant):
            return self._number(-value.value, place)
        return Unary(kind, "-", self.cast(value, kind), place)

    def _binary_operation(self, node: ast.BinOp) -> Expression:
        sign, place = BINARY.get(type(node.op)), place_of(node)
        if sign is None:
            self.refuse(f"`{ast.unparse(node)}` is not in the kernel language", place)
        folded = _folded(node, sign)
        if folded is not None:
            return self._number(folded, place)
        return self.binary(sign, self.read(node.left), self.read(node.right), place)

    def _compare(self, node: ast.Compare) -> Expression:
        """A chain evaluates each value once, and none after the first comparison that fails."""
        left, place = self.read(node.left), place_of(node)
        result: Expression | None = None
        for position, (kind, operand) in enumerate(zip(node.ops, node.comparators, strict=True)):
            right = again = self.read(operand)
            if position + 1 < len(node.ops):
                right, again = self.keep(right)
            if not (isinstance(left.type, Number) and isinstance(right.type, Number)):
                self.refuse(f"`{ast.unparse(node)}` compares {left.type} with {right.type}", place)
            one, other = self.same((left, right), place)
            link = Compare(_COMPARE[type(kind)], one, other, place)
            result, left = link if result is None else Logic("and", result, link, place), again
        assert result is not None
        return result

    def _logic(self, node: ast.BoolOp) -> Expression:
        """`and` and `or` of numbers give one of the numbers."""
        values = [self.read(value) for value in node.values]
        if all(value.type is BOOL for value in values):
            return self.condition(node)
        result = values[-1]
        for value in reversed(values[:-1]):
            first, again = self.keep(value)
            yes, no = (result, again) if isinstance(node.op, ast.And) else (again, result)
            one, other = self.same((yes, no), place_of(node))
            result = Choose(one.type, self.cast(first, BOOL), one, other, place_of(node))
        return result

    def _choose(self, node: ast.IfExp) -> Expression:
        condition = self.condition(node.test)
        yes, no = self.same((self.read(node.body), self.read(node.orelse)), place_of(node))
        return Choose(yes.type, condition, yes, no, place_of(node))

    def _call(self, node: ast.Call) -> Expression:
        place = place_of(node)
        if isinstance(node.func, ast.Attribute):  # np.float64(x).view(np.int64), as float_bits is emitted
            if node.func.attr != "view" or not isinstance(node.func.value, ast.Call):
                self.refuse(f"`{ast.unparse(node.func)}` may not be called here", place)
            return Unary(INT, "bits", self.cast(self.read(node.func.value.args[0]), FLOAT), place)
        assert isinstance(node.func, ast.Name)
        name = node.func.id
        if name in self._source.tuples:
            return self._make_output(node, self._source.tuples[name])
        if name == GUARDED:  # guarded(outside, kernel, arguments)
            outside, kernel, *rest = node.args
            assert isinstance(kernel, ast.Name)
            return self._call_kernel(kernel.id, [self.read(a) for a in rest], place, self.read(outside))
        arguments = [self.read(argument) for argument in node.args]
        if name in self._source.functions:
            return self._call_kernel(name, arguments, place, self._outside(place))
        return self._builtin(name, arguments, place)

    def _call_kernel(self, name: str, arguments: list[Expression], place: Place, outside: Expression | None) -> Call:
        """outside: where the kernel notes an index outside an array; None for one that checks none."""
        guarded = outside is not None
        function = self._kernels.typed(name, tuple(argument.type for argument in arguments), guarded=guarded)
        self.calls[function] = None
        return Call(function.result, function, (*([] if outside is None else [outside]), *arguments), place)

    def _outside(self, place: Place) -> Variable | None:
        return Variable(OUTSIDE_TYPE, OUTSIDE, place) if self._guarded else None

    def _make_output(self, node: ast.Call, names: tuple[str, ...]) -> Expression:
        named = {keyword.arg: keyword.value for keyword in node.keywords}
        nodes = [*node.args, *(named[name] for name in names[len(node.args) :])]
        parts = tuple(self.read(part) for part in nodes)
        return Make(tuple_of(tuple(part.type for part in parts), names), parts, place_of(node))

    def _builtin(self, name: str, arguments: list[Expression], place: Place) -> Expression:
        first = arguments[0]
        if name == "len":
            if not isinstance(first.type, Array):
                self.refuse(f"{first.type} has no length", place)
            return Length(first, 0, place)
        for argument in arguments:
            if not isinstance(argument.type, Number):
                self.refuse(f"`{name}` of {argument.type}", place)
        if name in ("float", "int"):
            return self.cast(first, FLOAT if name == "float" else INT)
        if name in ("min", "max"):
            values = self.same(arguments, place)
            kind = values[0].type
            assert isinstance(kind, Number)
            return reduce(lambda left, right: Binary(kind, name, left, right, place), values)
        if name == "abs" and first.type is not FLOAT:
            value, again = self.keep(self.cast(first, INT))
            negative = Compare("<", value, Constant(INT, 0, place), place)
            return Choose(INT, negative, Unary(INT, "-", again, place), again, place)
        return self._mathematics("fabs" if name == "abs" else name, arguments, place)

    def _mathematics(self, name: str, arguments: list[Expression], place: Place) -> Expression:
        if name == "pow":
            base, power = arguments
            return self.binary("**", base, power, place)
        if name == "ldexp":
            value, power = arguments
            return Math(FLOAT, name, (self.cast(value, FLOAT), self.cast(power, INT)), place)
        if name not in FORMS:
            self.refuse(f"`{name}` is no kernel, output tuple or function of math", place)
        form = FORMS[name]
        if len(arguments) != form.arguments:
            self.refuse(f"`{name}` takes {form.arguments} arguments, not {len(arguments)}", place)
        kind = BOOL if form.kind == TEST else FLOAT
        result = Math(kind, name, tuple(self.cast(argument, FLOAT) for argument in arguments), place)
        return self.cast(result, INT) if name in GIVE_INT else result


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
