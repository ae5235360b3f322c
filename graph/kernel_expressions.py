"""Kinds of expressions in a kernel, all but calls, and what of them is a fault."""

from __future__ import annotations

import ast

from graph.diagnostics import Findings, Place, suggestion
from graph.kernel_flow import Local, Locals
from graph.kernel_kinds import (
    BOOL,
    FLOAT,
    INT,
    MIXED,
    NOTHING,
    UNKNOWN,
    Elements,
    Group,
    Kind,
    MarketRecord,
    Number,
    Record,
    describe,
    fields_of,
    joined,
)
from graph.kernel_values import KnownValues
from graph.kernels import KernelSource, short_path
from graph.language import Layer, Model, Parameters
from graph.subset import MATH_CONSTANTS

_BITWISE = (ast.BitAnd, ast.BitOr, ast.BitXor, ast.LShift, ast.RShift)
_LARGEST_WHOLE = 2**63 - 1
_INDEX = "an index"


class Expressions(ast.NodeVisitor):
    """Goes through the expressions of one kernel; each visit gives a kind."""

    def __init__(self, source: KernelSource, kinds: dict[str, Kind], layer: Layer | None, findings: Findings) -> None:
        self._source = source
        self._layer = layer
        self._findings = findings
        self._constants = source.constants | MATH_CONSTANTS
        self._values = KnownValues(source.tree, self._constants)
        self._locals: Locals | None = {name: Local(kind) for name, kind in kinds.items()}
        self._rehearsals = 0  # in a loop whose kinds are not settled, nothing is reported

    def _kind(self, node: ast.expr) -> Kind:
        kind = self.visit(node)
        return UNKNOWN if kind is None else kind

    def _quiet(self, node: ast.expr) -> Kind:
        """The kind of what has been gone through already."""
        self._rehearsals += 1
        kind = self._kind(node)
        self._rehearsals -= 1
        return kind

    def _number(self, node: ast.expr, *, whole: str = "") -> Number:
        """An expression that must be a number. whole: what a whole number is needed for, if one is."""
        kind = self._kind(node)
        if isinstance(kind, Number):
            if (whole and kind.rank > INT.rank) or (whole == _INDEX and kind != INT):
                given = "is a truth value" if kind == BOOL else "may have a fraction"
                message = f"{whole} is a whole number, but `{ast.unparse(node)}` {given}"
                self._report("K011", node, message, f"write `int({ast.unparse(node)})`")
            return kind
        if kind is not UNKNOWN:
            message = f"`{ast.unparse(node)}` is {describe(kind)}, where a number is needed"
            self._report("K011", node, message, _instead(node, kind))
        return INT if whole else FLOAT

    def visit_Constant(self, node: ast.Constant) -> Kind:
        if isinstance(node.value, bool):
            return BOOL
        if isinstance(node.value, int):
            if node.value > _LARGEST_WHOLE:
                self._report("K011", node, f"{node.value} does not fit 64 bits", f"write it as `{node.value:.0e}`")
            return INT
        return FLOAT if isinstance(node.value, float) else UNKNOWN

    def visit_Name(self, node: ast.Name) -> Kind:
        assert self._locals is not None
        local = self._locals.get(node.id)
        if local is None and node.id not in self._values.stores:
            return self._constant_kind(node)
        if local is None or not local.certain:
            when = "may be read before it has a value" if local else "is read before it has a value"
            hint = f"assign `{node.id}` first, on every path that leads here"
            self._report("K013", node, f"`{node.id}` {when}", hint)
            self._locals[node.id] = Local(local.kind if local else UNKNOWN)
        return self._locals[node.id].kind

    def _constant_kind(self, node: ast.Name) -> Kind:
        value = self._constants.get(node.id)
        if value is None:
            return UNKNOWN
        if isinstance(value, int) and abs(value) > _LARGEST_WHOLE:
            self._report("K011", node, f"`{node.id}` does not fit 64 bits", "write it with a decimal point")
        return BOOL if isinstance(value, bool) else INT if isinstance(value, int) else FLOAT

    def visit_Attribute(self, node: ast.Attribute) -> Kind:
        record = self._kind(node.value)
        if not isinstance(record, Record):
            if record is not UNKNOWN:
                message = f"`{ast.unparse(node.value)}` is {describe(record)} and has no fields"
                self._report("K010", node, message, "remove the dot and what follows it")
            return UNKNOWN
        fields = fields_of(record)
        if node.attr not in fields:
            hint = suggestion(node.attr, fields) or f"its fields are {', '.join(fields) or 'none'}"
            message = f"{_owner(record)} `{ast.unparse(node.value)}` has no field `{node.attr}`"
            self._report("K010", node, message, hint)
            return UNKNOWN
        return fields[node.attr]

    def visit_Subscript(self, node: ast.Subscript) -> Kind:
        kind = self._kind(node.value)
        self._number(node.slice, whole=_INDEX)
        if isinstance(kind, Group):
            return _member(kind, self._values.of(node.slice))
        if not isinstance(kind, Elements):
            if kind is not UNKNOWN:
                message = f"`{ast.unparse(node.value)}` is {describe(kind)} and has no elements"
                self._report("K011", node, message, "remove the brackets, or declare it as an Array")
            return UNKNOWN
        size = kind.size
        outside = sorted(i for i in self._values.of(node.slice) if i < 0 or (size is not None and i >= size))
        if outside and not isinstance(node.slice, ast.UnaryOp):  # K009 counts from the end
            held = f"has the elements 0 to {size - 1}" if size is not None else "begins at 0"
            message = f"`{ast.unparse(node)}` is outside the array, which {held}"
            self._report("K017", node, message, "correct the index")
        return FLOAT

    def visit_BinOp(self, node: ast.BinOp) -> Kind:
        return self._arithmetic(node, node.left, node.op, node.right)

    def _arithmetic(self, node: ast.expr | ast.stmt, left: ast.expr, operator: ast.operator, right: ast.expr) -> Kind:
        if isinstance(operator, _BITWISE):
            ranks = [self._number(side, whole="an operand of a bitwise operator").rank for side in (left, right)]
            shifts = isinstance(operator, ast.LShift | ast.RShift)
            return INT if shifts else Number(min(max(ranks), INT.rank))
        rank = max(self._number(left).rank, self._number(right).rank)
        if isinstance(operator, ast.Div | ast.FloorDiv | ast.Mod) and 0.0 in self._values.of(right):
            self._report("K016", node, f"`{ast.unparse(right)}` is 0, and is divided by", "divide by another number")
        if any(
            isinstance(v, int) and abs(v) > _LARGEST_WHOLE for v in self._values.of_operation(left, operator, right)
        ):
            self._report(
                "K011", node, "the result does not fit 64 bits", "write one of the numbers with a decimal point"
            )
        return FLOAT if isinstance(operator, ast.Div) else Number(max(rank, INT.rank))

    def visit_UnaryOp(self, node: ast.UnaryOp) -> Kind:
        if isinstance(node.op, ast.Invert):
            return self._number(node.operand, whole="an operand of a bitwise operator")
        kind = self._number(node.operand)
        return BOOL if isinstance(node.op, ast.Not) else Number(max(kind.rank, INT.rank))

    def visit_BoolOp(self, node: ast.BoolOp) -> Kind:
        return Number(max(self._number(value).rank for value in node.values))

    def visit_Compare(self, node: ast.Compare) -> Kind:
        for side in (node.left, *node.comparators):
            self._number(side)
        return BOOL

    def visit_IfExp(self, node: ast.IfExp) -> Kind:
        self._number(node.test)
        kind = joined(self._kind(node.body), self._kind(node.orelse))
        if kind is MIXED:
            self._report("K011", node, "the two values differ in kind", "choose between two numbers")
        return kind

    def visit_Tuple(self, node: ast.Tuple) -> Kind:
        return Group(tuple(self._kind(element) for element in node.elts))

    def _report(self, code: str, node: ast.expr | ast.stmt, message: str, hint: str) -> None:
        if not self._rehearsals:
            place = Place(short_path(self._source.file), node.lineno, node.col_offset + 1)
            self._findings.error(code, f"kernel {self._source.tree.name}: {message}", place, hint)


def _member(group: Group, positions: frozenset[float]) -> Kind:
    position = next(iter(positions)) if len(positions) == 1 else -1
    return group.members[int(position)] if 0 <= position < len(group.members) else UNKNOWN


def _owner(record: Record) -> str:
    if issubclass(record.declared, Parameters):
        return "the parameter set"
    if issubclass(record.declared, Model):
        return "the model"
    return "the market event" if record.declared is MarketRecord else "the memory"


def _instead(node: ast.expr, kind: Kind) -> str:
    if isinstance(kind, Elements):
        return f"read an element of it: `{ast.unparse(node)}[k]`"
    if isinstance(kind, Record):
        names = [name for name, field in fields_of(kind).items() if isinstance(field, Number)]
        return f"read a field of it: `{ast.unparse(node)}.{names[0]}`" if names else "read a field of it"
    return "let the kernel return a number" if kind is NOTHING else "use a number"
