"""Kinds of calls in a kernel: of kernels, of functions of math, of the built-ins and of a step's output tuple."""

from __future__ import annotations

import ast
from abc import abstractmethod
from collections.abc import Callable
from typing import Any

from graph.diagnostics import suggestion
from graph.kernel_expressions import Expressions
from graph.kernel_kinds import (
    BOOL,
    FLOAT,
    INT,
    OUTPUTS,
    UNKNOWN,
    Elements,
    Group,
    Kind,
    Number,
    Record,
    argument_kinds,
    describe,
)
from graph.language import Layer, field_name
from graph.slicing import argument_effects
from graph.subset import MATH_FUNCTIONS
from graph.types import PortType

_TWO_ARGUMENTS = {"atan2", "copysign", "hypot", "ldexp", "pow"}
_TRUTHS = {"isfinite", "isinf", "isnan"}
_WHOLE = {"ceil", "floor", "trunc"}
_COUNTS = {"abs": (1, 1), "float": (1, 1), "float_bits": (1, 1), "int": (1, 1), "len": (1, 1), "range": (1, 3)}


class Calls(Expressions):
    """Adds calls to the expressions."""

    @abstractmethod
    def _returned_by(self, function: Callable[..., Any], kinds: tuple[Kind, ...]) -> Kind:
        """What a kernel gives back for arguments of these kinds."""

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
        if name == "float" and ranks == [BOOL.rank]:
            text = ast.unparse(node.args[0])
            self._report("K011", node, f"`{text}` is a truth value, not a number", f"write `1.0 if {text} else 0.0`")
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
        return self._returned_by(function, tuple(given))

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


def _fits(kind: Kind, expected: Kind) -> bool:
    if isinstance(kind, Record) and isinstance(expected, Record):
        return issubclass(kind.declared, expected.declared)
    return type(kind) is type(expected)


def _fixed(kind: Kind) -> str:
    """What an array or a record belongs to that is only read."""
    return kind.fixed if isinstance(kind, Elements | Record) else ""


def _signature(function: Callable[..., Any] | None, name: str) -> str:
    if function is None:
        return "correct the arguments"
    return f"it is declared as `{name}({', '.join(argument_kinds(function))})`"
