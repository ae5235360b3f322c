"""Reads expressions of a kernel, syntax trees to typed nodes: names, fields, elements. What has no type is refused."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Protocol

from stratoquant.graph.diagnostics import suggestion
from stratoquant.graph.kernel.declared import MarketRecord
from stratoquant.graph.kernel.faults import Faults
from stratoquant.graph.kernel.guard import OUTSIDE, OUTSIDE_TYPE
from stratoquant.graph.kernel.nodes import (
    Cast,
    Constant,
    Expression,
    Field,
    Function,
    Item,
    Keep,
    Make,
    Part,
    Place,
    Variable,
)
from stratoquant.graph.kernel.scope import Local, Scope
from stratoquant.graph.kernel.syntax import refused
from stratoquant.graph.kernel.types import (
    BOOL,
    FLOAT,
    INT,
    NOTHING,
    UNKNOWN,
    Array,
    Number,
    Record,
    Tuple,
    Type,
    array,
    join,
    tuple_of,
)
from stratoquant.graph.kernel.values import KnownValues
from stratoquant.graph.language import Model, Parameters

INDEX = "an index"


class Names(Protocol):
    """What the names in a kernel stand for. tuples: the fields of each output tuple."""

    @property
    def constants(self) -> Mapping[str, float]: ...

    @property
    def tuples(self) -> Mapping[str, tuple[str, ...]]: ...

    def parameters(self, name: str) -> Mapping[str, Type] | None:
        """Those of a kernel with their declared types, UNKNOWN where any will do; None for a name that is no kernel."""

    def calls_itself(self, name: str) -> bool:
        """True for a kernel that calls this one, itself or through others."""

    def typed(self, name: str, arguments: tuple[Type, ...], *, guarded: bool = False) -> Function:
        """The typed function of a kernel for the types of its arguments."""


def place_of(node: ast.expr | ast.stmt) -> Place:
    return Place(node.lineno, node.col_offset + 1)


def unknown(node: ast.expr | ast.stmt) -> Expression:
    """Stands in for what was refused."""
    return Variable(UNKNOWN, "", place_of(node))


class Expressions:
    """The expressions of one kernel. scope: the locals at the present point; the reader of statements moves it.
    calls: the kernels called so far. lacked: locals that were read before they had a value.

    guarded: its indices are checked when it runs. values: numbers that are known from the text; None where they have
    been looked at before.
    """

    def __init__(
        self,
        tree: ast.FunctionDef,
        names: Names,
        faults: Faults,
        *,
        guarded: bool = False,
        values: KnownValues | None = None,
    ) -> None:
        self.scope: Scope = {}
        self.calls: dict[Function, None] = {}
        self.lacked: set[str] = set()
        self.faults = faults
        self._tree = tree
        self._names = names
        self._guarded = guarded
        self._values = values
        self._kept = 0
        self._arguments = {argument.arg for argument in tree.args.args}
        self._readers = self._table()

    def _table(self) -> dict[type[ast.expr], Callable[..., Expression]]:
        """What reads each kind of expression."""
        return {
            ast.Constant: self._constant,
            ast.Name: self._name,
            ast.Attribute: self._attribute,
            ast.Subscript: self._subscript,
            ast.Tuple: self._tuple,
        }

    def read(self, node: ast.expr) -> Expression:
        reader = self._readers.get(type(node))
        return self.refuse_syntax("K003", node) if reader is None else reader(node)

    def number(self, node: ast.expr, *, whole: str = "") -> Expression:
        """An expression that must be a number. whole: what an int is needed for, if one is."""
        value = self.read(node)
        if isinstance(value.type, Number):
            if whole and value.type is not INT:
                self.refuse_fraction(node, value.type, whole)
            return self.cast(value, INT) if whole and value.type is FLOAT else value
        if value.type is not UNKNOWN:
            message = f"`{ast.unparse(node)}` is {value.type}, where a number is needed"
            self.faults.refuse("K011", node, message, _instead(node, value.type))
        return Constant(INT, 0, place_of(node))  # what is not known may be whole: nothing is refused for it

    def refuse_fraction(self, node: ast.expr, kind: Number, whole: str) -> None:
        text = ast.unparse(node)
        if kind is FLOAT:
            message = f"{whole} is a whole number, but `{text}` may have a fraction"
            self.faults.refuse("K011", node, message, f"write `int({text})`")
        elif whole == INDEX:
            message = f"{whole} is a whole number, but `{text}` is a truth value"
            self.faults.doubt("K011", node, message, f"write `int({text})`")

    def cast(self, value: Expression, wanted: Type) -> Expression:
        """The value as another type, which has room for it."""
        if value.type is wanted:
            return value
        if isinstance(value, Constant) and wanted is FLOAT:
            return Constant(FLOAT, float(value.value), value.place)
        return Cast(wanted, value, value.place)

    def keep(self, value: Expression) -> tuple[Expression, Expression]:
        """A value that is needed twice: what computes it, and what reads it again."""
        if isinstance(value, Constant | Variable):
            return value, value
        self._kept += 1
        name = f"${self._kept}"
        return Keep(value.type, name, value, value.place), Variable(value.type, name, value.place)

    def same(self, one: Expression, other: Expression) -> tuple[Expression, Expression, Type | None]:
        """Two values as their common type; None when there is none."""
        kind = join(one.type, other.type)
        return (one, other, None) if kind is None else (self.cast(one, kind), self.cast(other, kind), kind)

    def refuse_syntax(self, code: str, node: ast.expr | ast.stmt, part: ast.AST | None = None) -> Expression:
        """part: of the node, that is not in the language, where it is not the node itself."""
        self.faults.refuse(code, node, *refused(part or node, code))
        return unknown(node)

    def _known(self, node: ast.expr) -> frozenset[float]:
        """Numbers that an expression is known to be on some path."""
        return frozenset() if self._values is None else self._values.of(node)

    def _constant(self, node: ast.Constant) -> Expression:
        if not isinstance(node.value, int | float):
            self.faults.refuse("K003", node, f"the constant {node.value!r} is no number", "use numbers only")
            return unknown(node)
        return self._number(node.value, node, str(node.value), f"write it as `{float(node.value):.0e}`")

    def _number(self, value: float, node: ast.expr, text: str, hint: str) -> Constant:
        if isinstance(value, int) and not -(2**63) <= value < 2**63:
            self.faults.refuse("K011", node, f"{text} does not fit 64 bits", hint)
            return Constant(INT, 0, place_of(node))
        kind = BOOL if isinstance(value, bool) else INT if isinstance(value, int) else FLOAT
        return Constant(kind, value, place_of(node))

    @cached_property
    def _stores(self) -> frozenset[str]:
        if self._values is not None:
            return self._values.stores
        names = (n for n in ast.walk(self._tree) if isinstance(n, ast.Name))
        return frozenset(n.id for n in names if isinstance(n.ctx, ast.Store))

    def _name(self, node: ast.Name) -> Expression:
        local = self.scope.get(node.id)
        if local is not None and local.certain:
            return Variable(local.type, node.id, place_of(node))
        hint = f"assign `{node.id}` first, on every path that leads here"
        if local is not None:
            self.faults.doubt("K013", node, f"`{node.id}` may be read before it has a value", hint)
            self.scope[node.id] = Local(local.type)
            return Variable(local.type, node.id, place_of(node))
        if node.id in self._stores:
            self.lacked.add(node.id)
            self.faults.refuse("K013", node, f"`{node.id}` is read before it has a value", hint)
            self.scope[node.id] = Local(UNKNOWN)
            return unknown(node)
        if node.id in self._names.constants:
            value = self._names.constants[node.id]
            return self._number(value, node, f"`{node.id}`", "write it with a decimal point")
        if self._names.parameters(node.id) is None:
            hint = "pass it in, or make it a number in capitals at module level"
            self.faults.refuse("K006", node, f"`{node.id}` is no argument, local, constant or kernel", hint)
        else:
            self.faults.refuse("K011", node, f"`{node.id}` is a kernel, where a value is needed", "call it")
        return unknown(node)

    def _attribute(self, node: ast.Attribute) -> Expression:
        root: ast.expr = node
        while isinstance(root, ast.Attribute | ast.Subscript):
            root = root.value
        if not (isinstance(root, ast.Name) and root.id in self._arguments):
            message = f"`{ast.unparse(node)}`: only fields of an argument can be read"
            self.faults.refuse("K007", node, message, "read s.field or p.field")
            return unknown(node)
        return self._field(node, self.read(node.value))

    def _field(self, node: ast.Attribute, held: Expression) -> Expression:
        text = ast.unparse(node.value)
        if not isinstance(held.type, Record):
            if held.type is not UNKNOWN:
                message = f"`{text}` is {held.type} and has no fields"
                self.faults.refuse("K010", node, message, "remove the dot and what follows it")
            return unknown(node)
        fields = held.type.fields
        if node.attr not in fields:
            hint = suggestion(node.attr, fields) or f"its fields are {', '.join(fields) or 'none'}"
            message = f"{_owner(held.type)} `{text}` has no field `{node.attr}`"
            self.faults.refuse("K010", node, message, hint)
            return unknown(node)
        return Field(fields[node.attr].type, held, node.attr, place_of(node))

    def _subscript(self, node: ast.Subscript) -> Expression:
        held = self.read(node.value)
        if isinstance(node.slice, ast.Slice):
            return self.refuse_syntax("K003", node, node.slice)
        return self._item(node, held)

    def _item(self, node: ast.Subscript, held: Expression) -> Expression:
        nodes = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        indices = tuple(self.cast(self.number(index, whole=INDEX), INT) for index in nodes)
        for index in nodes:
            if isinstance(index, ast.UnaryOp) and isinstance(index.op, ast.USub):
                self.faults.doubt("K009", node, f"`{ast.unparse(node)}` counts from the end", "count from the front")
        if isinstance(held.type, Tuple):
            return self._part(node, held, indices[0])
        if not isinstance(held.type, Array):
            if held.type is not UNKNOWN:
                message = f"`{ast.unparse(node.value)}` is {held.type} and has no elements"
                self.faults.refuse("K011", node, message, "remove the brackets, or declare it as an Array")
            return unknown(node)
        left = held.type.rank - len(nodes)
        if left < 0:
            message = f"`{ast.unparse(node)}` has {len(nodes)} indices for {held.type.rank}"
            self.faults.refuse("K011", node, message, "give one index")
            return unknown(node)
        self._check_inside(node, held.type)
        kind = array(held.type.element, left) if left else held.type.element
        outside = Variable(OUTSIDE_TYPE, OUTSIDE, place_of(node)) if self._guarded else None
        return Item(kind, held, indices, place_of(node), outside)

    def _check_inside(self, node: ast.Subscript, kind: Array) -> None:
        if self._values is None or isinstance(node.slice, ast.UnaryOp):  # K009 counts from the end
            return
        if any(i < 0 or (kind.length is not None and i >= kind.length) for i in self._known(node.slice)):
            held = f"has the elements 0 to {kind.length - 1}" if kind.length is not None else "begins at 0"
            message = f"`{ast.unparse(node)}` is outside the array, which {held}"
            self.faults.doubt("K017", node, message, "correct the index")

    def _part(self, node: ast.Subscript, held: Expression, index: Expression) -> Expression:
        assert isinstance(held.type, Tuple)
        if not isinstance(index, Constant) or not 0 <= index.value < len(held.type.parts):
            message = f"`{ast.unparse(node)}`: the position in several values is a number from 0 on that is written out"
            self.faults.refuse("K011", node, message, f"write a number from 0 to {len(held.type.parts) - 1}")
            return unknown(node)
        return Part(held.type.parts[int(index.value)], held, int(index.value), place_of(node))

    def _tuple(self, node: ast.Tuple) -> Expression:
        parts = tuple(self.read(part) for part in node.elts)
        for part, value in zip(node.elts, parts, strict=True):
            if value.type is NOTHING:
                message = f"`{ast.unparse(part)}` is {value.type}, where a value is needed"
                self.faults.refuse("K011", part, message, "let the kernel return a number")
        return Make(tuple_of(tuple(part.type for part in parts)), parts, place_of(node))


def _owner(record: Record) -> str:
    declared = record.declared or object
    if issubclass(declared, Parameters):
        return "the parameter set"
    if issubclass(declared, Model):
        return "the model"
    return "the market event" if declared is MarketRecord else "the memory"


def _instead(node: ast.expr, kind: Type) -> str:
    text = ast.unparse(node)
    if isinstance(kind, Array):
        return f"read an element of it: `{text}[k]`"
    if isinstance(kind, Record):
        names = [name for name, field in kind.fields.items() if isinstance(field.type, Number)]
        return f"read a field of it: `{text}.{names[0]}`" if names else "read a field of it"
    return "let the kernel return a number" if kind is NOTHING else "use a number"
