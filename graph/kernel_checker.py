"""Kinds in a kernel: every field exists, numbers are numbers, calls have their arguments, names have values.

What passes here and through graph.subset has a type in machine code. A kernel is checked once, with the kinds that its
annotations declare; what it returns is found for the kinds of each call.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from copy import copy
from functools import cache
from typing import Any

from graph.diagnostics import Findings, Place, suggestion
from graph.kernel_flow import Local, Locals, Loop, is_endless, merged, runs_at_least_once
from graph.kernel_kinds import (
    BOOL,
    FLOAT,
    INT,
    MIXED,
    NOTHING,
    OUTPUTS,
    UNKNOWN,
    Elements,
    Group,
    Kind,
    MarketRecord,
    Number,
    Record,
    argument_kinds,
    describe,
    fields_of,
    joined,
)
from graph.kernel_values import KnownValues
from graph.kernels import KernelSource, kernel_source, short_path
from graph.language import Layer, Model, Parameters, field_name
from graph.slicing import argument_effects
from graph.subset import MATH_CONSTANTS, MATH_FUNCTIONS
from graph.types import PortType

_TWO_ARGUMENTS = {"atan2", "copysign", "hypot", "ldexp", "pow"}
_TRUTHS = {"isfinite", "isinf", "isnan"}
_WHOLE = {"ceil", "floor", "trunc"}
_COUNTS = {"abs": (1, 1), "float": (1, 1), "float_bits": (1, 1), "int": (1, 1), "len": (1, 1), "range": (1, 3)}
_BITWISE = (ast.BitAnd, ast.BitOr, ast.BitXor, ast.LShift, ast.RShift)
_LARGEST_WHOLE = 2**63 - 1
_INDEX = "an index"


def check_kinds(source: KernelSource, layer: Layer | None, findings: Findings) -> None:
    """Adds what is wrong with the kinds of a kernel. layer: where the kernel is a layer's step."""
    kinds = argument_kinds(source.function)
    _Checker(source, kinds, layer, findings).run()


@cache
def returned(function: Callable[..., Any], kinds: tuple[Kind, ...]) -> Kind:
    """What a kernel gives back when its arguments are of these kinds."""
    source = kernel_source(function)
    names = argument_kinds(function)
    return _Checker(source, dict(zip(names, kinds, strict=True)), None, Findings()).run()


class _Checker(ast.NodeVisitor):
    """Goes through one kernel. Expressions give their kind; statements change what is known of the locals."""

    def __init__(self, source: KernelSource, kinds: dict[str, Kind], layer: Layer | None, findings: Findings) -> None:
        self._source = source
        self._layer = layer
        self._findings = findings
        self._constants = source.constants | MATH_CONSTANTS
        self._values = KnownValues(source.tree, self._constants)
        self._locals: Locals | None = {name: Local(kind) for name, kind in kinds.items()}
        self._loops: list[Loop] = []
        self._returned: Kind | None = None
        self._rehearsals = 0  # in a loop whose kinds are not settled, nothing is reported

    def run(self) -> Kind:
        """The kind of what the kernel returns."""
        self._block(self._source.tree.body)
        if self._locals is not None:
            if self._layer is not None or self._returned not in (None, NOTHING):
                hint = "end the function with a `return`"
                self._report("K014", self._source.tree, "a path ends without returning a value", hint)
            self._returned = self._returned or NOTHING
        return self._returned or NOTHING

    # Statements

    def _block(self, body: list[ast.stmt]) -> None:
        for statement in body:
            if self._locals is None:
                return
            self.visit(statement)

    def visit_Assign(self, node: ast.Assign) -> None:
        kind = self._kind(node.value)
        for target in node.targets:
            self._store(target, kind, node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self._store(node.target, self._kind(node.value), node)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        kind = self._arithmetic(node, _loaded(node.target), node.op, node.value)
        self._store(node.target, kind, node)

    def visit_Expr(self, node: ast.Expr) -> None:
        if not (isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)):
            self._kind(node.value)

    def visit_Return(self, node: ast.Return) -> None:
        kind = NOTHING if node.value is None else self._kind(node.value)
        if self._layer is not None and kind is not OUTPUTS and kind is not UNKNOWN:
            outputs = f"{self._layer.output.__name__}({', '.join(map(field_name, self._layer.outputs))})"
            self._report("K014", node, "a step returns its outputs", f"write `return {outputs}`")
        elif self._layer is not None and not isinstance(node.value, ast.Call):
            self._report("K014", node, "the outputs are made where they are returned", "write `return Out(...)`")
        else:
            self._returned = kind if self._returned is None else joined(self._returned, kind)
            if self._returned is MIXED:
                self._report("K014", node, "returns another kind of value than before", "return numbers on every path")
        self._locals = None

    def visit_If(self, node: ast.If) -> None:
        self._number(node.test)
        before = None if self._locals is None else dict(self._locals)
        self._block(node.body)
        then, self._locals = self._locals, before
        self._block(node.orelse)
        self._locals = merged(then, self._locals)

    def visit_For(self, node: ast.For) -> None:
        if isinstance(node.iter, ast.Call):
            self._arguments_of_range(node.iter)
        self._loop(node, node.target)

    def visit_While(self, node: ast.While) -> None:
        self._loop(node, None)

    def visit_Break(self, node: ast.Break) -> None:
        if self._loops and self._locals is not None:
            self._loops[-1].breaks.append(self._locals)
        self._locals = None

    def visit_Continue(self, node: ast.Continue) -> None:
        if self._loops and self._locals is not None:
            self._loops[-1].continues.append(self._locals)
        self._locals = None

    def _loop(self, node: ast.For | ast.While, target: ast.expr | None) -> None:
        head = self._locals
        settled = False
        while not settled:
            self._rehearsals += 1
            after = merged(head, *self._turn(node, target, head)[0])
            self._rehearsals -= 1
            settled, head = after == head, after
        ends, breaks = self._turn(node, target, head)
        stays = [] if is_endless(node) else ends if runs_at_least_once(node, self._constants) else [head]
        self._locals = merged(*stays, *breaks)
        if not is_endless(node):
            self._block(node.orelse)

    def _turn(
        self, node: ast.For | ast.While, target: ast.expr | None, head: Locals | None
    ) -> tuple[list[Locals | None], list[Locals]]:
        """Goes once through a loop; returns what is known where a turn ends, and at each `break`."""
        self._loops.append(Loop())
        self._locals = None if head is None else dict(head)
        if isinstance(node, ast.While):
            self._number(node.test)
        elif isinstance(target, ast.Name) and self._locals is not None:
            self._locals[target.id] = Local(INT)
        self._block(node.body)
        loop = self._loops.pop()
        return [self._locals, *loop.continues], loop.breaks

    def _store(self, target: ast.expr, kind: Kind, node: ast.stmt) -> None:
        if isinstance(target, ast.Name):
            if kind in (NOTHING, OUTPUTS):
                hint = "let the kernel return a number" if kind is NOTHING else "write `return Out(...)`"
                self._report("K011", node, f"`{target.id}` would be {describe(kind)}", hint)
                kind = UNKNOWN
            if self._locals is not None:
                self._locals[target.id] = Local(kind)
        elif isinstance(target, ast.Tuple):
            self._unpack(target, kind, node)
        else:
            self._store_part(target, kind, node)

    def _unpack(self, target: ast.Tuple, kind: Kind, node: ast.stmt) -> None:
        members: tuple[Kind, ...] = (UNKNOWN,) * len(target.elts)
        if isinstance(kind, Group) and len(kind.members) == len(members):
            members = kind.members
        elif kind is not UNKNOWN:
            message = f"{describe(kind)} cannot be taken apart into {len(members)}"
            self._report("K012", node, message, "name as many as there are values")
        for element, member in zip(target.elts, members, strict=True):
            self._store(element, member, node)

    def _store_part(self, target: ast.expr, kind: Kind, node: ast.stmt) -> None:
        """A field, or an element of an array."""
        there = self._kind(target)
        written = ast.unparse(target)
        held = target.value if isinstance(target, ast.Subscript | ast.Attribute) else target
        owner = self._quiet(held)
        if isinstance(owner, Elements | Record) and owner.fixed:
            hint = "keep the value in the memory s"
            self._report("K008", target, f"`{written}`: {owner.fixed} cannot be written", hint)
        elif isinstance(there, Elements | Record):
            hint = f"set its elements: `{written}[k] = ...`" if isinstance(there, Elements) else "set its fields"
            self._report("K011", target, f"`{written}` is {describe(there)} and cannot be replaced", hint)
        elif isinstance(there, Number) and not isinstance(kind, Number) and kind is not UNKNOWN:
            hint = "set it to a number" if kind is not NOTHING else "let the kernel return a number"
            self._report("K011", node, f"`{written}` is {describe(there)}, but the value is {describe(kind)}", hint)

    # Expressions

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
                message = f"{whole} is a whole number, but `{ast.unparse(node)}` is {describe(kind)}"
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

    # Calls

    def visit_Call(self, node: ast.Call) -> Kind:
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if self._layer is not None and name == self._layer.output.__name__:
            self._outputs(node, self._layer)
            return OUTPUTS
        if name in self._source.calls:
            return self._kernel_call(node, self._source.calls[name])
        if name == "range":
            self._report("K011", node, "range(...) stands in a `for` only", "write `for k in range(...)`")
            return UNKNOWN
        if name in MATH_FUNCTIONS or name in _COUNTS or name in ("max", "min"):
            return self._builtin(node, name)
        for argument in (*node.args, *(k.value for k in node.keywords)):
            self._kind(argument)
        return UNKNOWN

    def _arguments_of_range(self, call: ast.Call) -> None:
        self._counted(call, "range", *_COUNTS["range"])
        for argument in call.args:
            self._number(argument, whole="a bound of range")

    def _builtin(self, node: ast.Call, name: str) -> Kind:
        usual = (2, 2) if name in _TWO_ARGUMENTS else (1, 1)
        least, most = (2, 99) if name in ("max", "min") else _COUNTS.get(name, usual)
        self._counted(node, name, least, most)
        if name == "len":
            kinds = [self._kind(argument) for argument in node.args]
            if kinds and not isinstance(kinds[0], Elements | Group) and kinds[0] is not UNKNOWN:
                message = f"`{ast.unparse(node.args[0])}` is {describe(kinds[0])} and has no length"
                self._report("K011", node, message, "len(...) counts the elements of an Array or a Vec")
            return INT
        whole = "the second argument of ldexp" if name == "ldexp" else ""
        ranks = [self._number(a, whole=whole if n == 1 else "").rank for n, a in enumerate(node.args)]
        if name in _TRUTHS:
            return BOOL
        if name in _WHOLE or name in ("int", "float_bits"):
            return INT
        return Number(max([*ranks, INT.rank])) if name in ("abs", "max", "min") else FLOAT

    def _kernel_call(self, node: ast.Call, function: Callable[..., Any]) -> Kind:
        expected = argument_kinds(function)
        name = ast.unparse(node.func)
        if not self._counted(node, name, len(expected), len(expected)):
            for argument in (*node.args, *(k.value for k in node.keywords)):
                self._kind(argument)
            return UNKNOWN
        given = [self._argument(a, kind, name) for a, kind in zip(node.args, expected.values(), strict=True)]
        fixed = [n for n, kind in enumerate(given) if isinstance(kind, Elements | Record) and kind.fixed]
        for n in fixed:
            if argument_effects(function)[n].writes:
                message = f"`{name}` writes to `{ast.unparse(node.args[n])}`: {_fixed(given[n])} cannot be written"
                self._report("K008", node.args[n], message, "keep the value in the memory s")
        return returned(function, tuple(given))

    def _argument(self, node: ast.expr, expected: Kind, name: str) -> Kind:
        """The kind of an argument, which must fit the one that the kernel declares."""
        if isinstance(expected, Number):
            whole = f"this argument of `{name}`" if expected == INT else ""
            return self._number(node, whole=whole)
        kind = self._kind(node)
        fits = kind is UNKNOWN or expected is UNKNOWN or _fits(kind, expected)
        if not fits:
            message = f"`{name}` takes {describe(expected)} here, but `{ast.unparse(node)}` is {describe(kind)}"
            self._report("K011", node, message, f"give it {describe(expected)}")
        return kind if fits and kind is not UNKNOWN else expected

    def _counted(self, node: ast.Call, name: str, least: int, most: int) -> bool:
        """Whether a call has as many arguments as it takes, all by position."""
        takes = str(least) if least == most else f"{least} or more" if most > 3 else f"{least} to {most}"
        if node.keywords:
            message = f"`{name}` is given an argument by name"
            self._report("K012", node, message, "give the arguments by position")
        elif not least <= len(node.args) <= most:
            message = f"`{name}` takes {takes} argument{'' if takes == '1' else 's'}, not {len(node.args)}"
            self._report("K012", node, message, _signature(self._source.calls.get(name), name))
        else:
            return True
        return False

    def _outputs(self, node: ast.Call, layer: Layer) -> None:
        """The call that makes a step's outputs."""
        ports = {field_name(port): kind for port, kind in layer.outputs.items()}
        name = layer.output.__name__
        given = dict(zip(ports, node.args, strict=False))
        for keyword in node.keywords:
            field = keyword.arg or ""
            if field not in ports:
                hint = suggestion(field, ports) or f"its fields are {', '.join(ports)}"
                self._report("K010", keyword.value, f"`{name}` has no field `{field}`", hint)
            elif field in given:
                self._report("K012", keyword.value, f"`{name}` is given `{field}` twice", "give each output once")
            else:
                given[field] = keyword.value
        missing = [field for field in ports if field not in given]
        if len(node.args) > len(ports):
            message = f"`{name}` takes {len(ports)} values, not {len(node.args)}"
            self._report("K012", node, message, f"its fields are {', '.join(ports)}")
        elif missing and not any(k.arg not in ports for k in node.keywords):
            message = f"`{name}` is not given {', '.join(f'`{field}`' for field in missing)}"
            self._report("K012", node, message, f"give a value for each of {', '.join(ports)}")
        for field, value in given.items():
            self._output(field, value, ports[field])

    def _output(self, field: str, value: ast.expr, port: PortType) -> None:
        if port.size is None and not port.per_symbol:
            if self._number(value) == BOOL:
                message = f"the output `{field}` is a truth value, where a number is needed"
                self._report("K011", value, message, f"write `1.0 if {ast.unparse(value)} else 0.0`")
            wrong = sorted(v for v in self._values.of(value) if v == v and not port.edge.admits(v))
            if wrong:
                message = f"the output `{field}` is {wrong[0]:g}, but a {port.edge.name} is {port.edge.range_text()}"
                self._report("K015", value, message, "keep it in that range, or declare the output as Real")
            return
        kind = self._kind(value)
        if not isinstance(kind, Elements):
            if kind is not UNKNOWN:
                message = f"the output `{field}` is an array, but the value is {describe(kind)}"
                self._report("K011", value, message, "keep an Array in the memory and return it")
        elif port.size is not None and kind.size is not None and kind.size < port.size:
            message = f"the output `{field}` has {port.size} elements, but the array has {kind.size}"
            self._report("K017", value, message, f"declare it as `array({port.size})`")

    def _report(self, code: str, node: ast.expr | ast.stmt, message: str, hint: str) -> None:
        if not self._rehearsals:
            place = Place(short_path(self._source.file), node.lineno, node.col_offset + 1)
            self._findings.error(code, f"kernel {self._source.tree.name}: {message}", place, hint)


def _loaded(target: ast.expr) -> ast.expr:
    """The expression that reads what a target sets."""
    read = copy(target)
    read.ctx = ast.Load()  # type: ignore[attr-defined]
    return read


def _fits(kind: Kind, expected: Kind) -> bool:
    if isinstance(kind, Record) and isinstance(expected, Record):
        return issubclass(kind.declared, expected.declared)
    return type(kind) is type(expected)


def _fixed(kind: Kind) -> str:
    """What an array or a record belongs to that is only read."""
    return kind.fixed if isinstance(kind, Elements | Record) else ""


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


def _signature(function: Callable[..., Any] | None, name: str) -> str:
    if function is None:
        return "correct the arguments"
    return f"it is declared as `{name}({', '.join(argument_kinds(function))})`"
