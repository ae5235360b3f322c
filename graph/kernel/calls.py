"""Reads calls in a kernel: of kernels, of functions of math, of the built-ins and of a step's output tuple."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from functools import reduce

from stratoquant.graph.diagnostics import suggestion
from stratoquant.graph.kernel.expressions import Names, place_of, unknown
from stratoquant.graph.kernel.faults import Faults
from stratoquant.graph.kernel.guard import OUTSIDE, OUTSIDE_TYPE
from stratoquant.graph.kernel.mathematics import FORMS, GIVE_INT, TEST
from stratoquant.graph.kernel.nodes import (
    Binary,
    Call,
    Choose,
    Compare,
    Constant,
    Expression,
    Length,
    Make,
    Math,
    Place,
    Unary,
    Variable,
)
from stratoquant.graph.kernel.operations import Operations
from stratoquant.graph.kernel.touches import touches
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
    tuple_of,
)
from stratoquant.graph.kernel.values import KnownValues
from stratoquant.graph.kernel.words import BUILTINS
from stratoquant.graph.types import PortType

_COUNTS = {"abs": (1, 1), "float": (1, 1), "float_bits": (1, 1), "int": (1, 1), "len": (1, 1), "range": (1, 3)}
_COUNTS |= {"max": (2, 99), "min": (2, 99), "ldexp": (2, 2), "pow": (2, 2)}
_COUNTS |= {name: (form.arguments, form.arguments) for name, form in FORMS.items()}
_LARGE = 3


class Calls(Operations):
    """Adds calls to the expressions. ports: the outputs of a layer by field, where the kernel is a layer's step."""

    def __init__(
        self,
        tree: ast.FunctionDef,
        names: Names,
        faults: Faults,
        *,
        guarded: bool = False,
        values: KnownValues | None = None,
        ports: Mapping[str, PortType] | None = None,
    ) -> None:
        super().__init__(tree, names, faults, guarded=guarded, values=values)
        self._ports = ports or {}

    def _table(self) -> dict[type[ast.expr], Callable[..., Expression]]:
        return super()._table() | {ast.Call: self._call}

    def limits(self, call: ast.Call) -> list[Expression]:
        """The arguments of range(...)."""
        self._counted(call, "range")
        return [self.cast(self.number(argument, whole="a bound of range"), INT) for argument in call.args]

    def _call(self, node: ast.Call) -> Expression:
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        hidden = name in self.scope or (self._values is not None and name in self._values.stores)
        if name in self._names.tuples and not hidden:
            return self._outputs(node, self._names.tuples[name])
        parameters = None if hidden else self._names.parameters(name)
        if parameters is not None:
            return self._kernel(node, name, parameters)
        if hidden or name not in _COUNTS:
            message = f"`{ast.unparse(node.func)}` may not be called here"
            hint = "call a kernel, a function of math, or " + ", ".join(sorted(BUILTINS))
            self.faults.refuse("K005", node, message, hint)
        elif name == "range":
            self.faults.refuse("K011", node, "range(...) stands in a `for` only", "write `for k in range(...)`")
        else:
            return self._builtin(node, name)
        return self._refused(node)

    def _refused(self, node: ast.Call) -> Expression:
        """Reads the arguments of a call that has been refused."""
        for argument in (*node.args, *(k.value for k in node.keywords)):
            self.read(argument)
        return unknown(node)

    def _counted(self, node: ast.Call, name: str, parameters: Mapping[str, Type] | None = None) -> bool:
        """Whether a call has as many arguments as it takes, all by position."""
        least, most = _COUNTS[name] if parameters is None else (len(parameters), len(parameters))
        if node.keywords:
            message = f"`{name}` is given an argument by name"
            self.faults.refuse("K012", node, message, "give the arguments by position")
            return False
        if least <= len(node.args) <= most:
            return True
        takes = str(least) if least == most else f"{least} or more" if most > _LARGE else f"{least} to {most}"
        message = f"`{name}` takes {takes} argument{'' if takes == '1' else 's'}, not {len(node.args)}"
        hint = "correct the arguments" if parameters is None else f"it is declared as `{name}({', '.join(parameters)})`"
        self.faults.refuse("K012", node, message, hint)
        return False

    def _kernel(self, node: ast.Call, name: str, parameters: Mapping[str, Type]) -> Expression:
        if self._names.calls_itself(name):
            self.faults.refuse("K005", node, f"`{name}` calls this kernel, so that neither would end", "write a loop")
            return self._refused(node)
        if not self._counted(node, name, parameters):
            return self._refused(node)
        arguments = [self._argument(a, kind, name) for a, kind in zip(node.args, parameters.values(), strict=True)]
        outside = Variable(OUTSIDE_TYPE, OUTSIDE, place_of(node)) if self._guarded else None
        call = self.call_kernel(node, name, arguments, outside)
        self._check_written(node, name, call)
        return call

    def call_kernel(
        self, node: ast.expr, name: str, arguments: Sequence[Expression], outside: Expression | None
    ) -> Call:
        """outside: where the kernel notes an index outside an array; None for one that checks none."""
        kinds = tuple(argument.type for argument in arguments)
        function = self._names.typed(name, kinds, guarded=outside is not None)
        self.calls[function] = None
        return Call(function.result, function, (*([] if outside is None else [outside]), *arguments), place_of(node))

    def _check_written(self, node: ast.Call, name: str, call: Call) -> None:
        """A kernel may write to no array or record that is only read."""
        fixed = {
            parameter: (given, value.type.fixed)
            for (parameter, _), given, value in zip(call.function.parameters, node.args, call.arguments, strict=False)
            if isinstance(value.type, Array | Record) and value.type.fixed
        }
        written = {path.partition(".")[0].partition("[")[0] for path in touches(call.function).writes} if fixed else ()
        for parameter, (given, owner) in fixed.items():
            if parameter in written:
                message = f"`{name}` writes to `{ast.unparse(given)}`: {owner} cannot be written"
                self.faults.doubt("K008", given, message, "keep the value in the memory s")

    def _argument(self, node: ast.expr, expected: Type, name: str) -> Expression:
        """An argument, which must fit what the kernel declares."""
        if isinstance(expected, Number):
            return self.number(node, whole=f"this argument of `{name}`" if expected is INT else "")
        value = self.read(node)
        if expected is UNKNOWN or _fits(value.type, expected):
            return value
        if value.type is not UNKNOWN:
            message = f"`{name}` takes {expected} here, but `{ast.unparse(node)}` is {value.type}"
            self.faults.refuse("K011", node, message, f"give it {expected}")
        return Variable(expected, "", place_of(node))

    def _builtin(self, node: ast.Call, name: str) -> Expression:
        place = place_of(node)
        counted = self._counted(node, name)
        if name == "len":
            return self._length(node) if counted else self._refused(node)
        whole = "the second argument of ldexp" if name == "ldexp" else ""
        arguments = [self.number(a, whole=whole if n == 1 else "") for n, a in enumerate(node.args)]
        if not counted:
            return Constant(INT if name in ("int", "float_bits", *GIVE_INT) else FLOAT, 0, place)
        first = arguments[0]
        if name == "float" and first.type is BOOL:
            text = ast.unparse(node.args[0])
            message = f"`{text}` is a truth value, not a number"
            self.faults.doubt("K011", node, message, f"write `1.0 if {text} else 0.0`")
        if name in ("float", "int"):
            return self.cast(first, FLOAT if name == "float" else INT)
        if name == "float_bits":
            return Unary(INT, "bits", self.cast(first, FLOAT), place)
        if name in ("min", "max"):
            return self._extreme(name, arguments, place)
        if name == "abs" and first.type is not FLOAT:
            value, again = self.keep(self.cast(first, INT))
            negative = Compare("<", value, Constant(INT, 0, place), place)
            return Choose(INT, negative, Unary(INT, "-", again, place), again, place)
        return self._mathematics(node, "fabs" if name == "abs" else name, arguments)

    def _length(self, node: ast.Call) -> Expression:
        held = self.read(node.args[0])
        if isinstance(held.type, Array):
            return Length(held, 0, place_of(node))
        if isinstance(held.type, Tuple):
            return Constant(INT, len(held.type.parts), place_of(node))
        if held.type is not UNKNOWN:
            message = f"`{ast.unparse(node.args[0])}` is {held.type} and has no length"
            self.faults.refuse("K011", node, message, "len(...) counts the elements of an Array or a Vec")
        return Constant(INT, 0, place_of(node))

    def _mathematics(self, node: ast.Call, name: str, arguments: Sequence[Expression]) -> Expression:
        place = place_of(node)
        if name == "pow":
            return self.binary("**", arguments[0], arguments[1], place)
        if name == "ldexp":
            value, power = arguments
            return Math(FLOAT, name, (self.cast(value, FLOAT), self.cast(power, INT)), place)
        kind = BOOL if FORMS[name].kind == TEST else FLOAT
        result = Math(kind, name, tuple(self.cast(argument, FLOAT) for argument in arguments), place)
        return self.cast(result, INT) if name in GIVE_INT else result

    def _outputs(self, node: ast.Call, names: tuple[str, ...]) -> Expression:
        """The call that makes a step's outputs."""
        name = ast.unparse(node.func)
        given = dict(zip(names, node.args, strict=False))
        for keyword in node.keywords:
            field = keyword.arg or ""
            if field not in names:
                hint = suggestion(field, names) or f"its fields are {', '.join(names)}"
                self.faults.refuse("K010", keyword.value, f"`{name}` has no field `{field}`", hint)
            elif field in given:
                message = f"`{name}` is given `{field}` twice"
                self.faults.refuse("K012", keyword.value, message, "give each output once")
            else:
                given[field] = keyword.value
        missing = [field for field in names if field not in given]
        if len(node.args) > len(names):
            message = f"`{name}` takes {len(names)} values, not {len(node.args)}"
            self.faults.refuse("K012", node, message, f"its fields are {', '.join(names)}")
        elif missing and all(k.arg in names for k in node.keywords):
            message = f"`{name}` is not given {', '.join(f'`{field}`' for field in missing)}"
            self.faults.refuse("K012", node, message, f"give a value for each of {', '.join(names)}")
        parts = tuple(self._output(f, given[f]) if f in given else unknown(node) for f in names)
        return Make(tuple_of(tuple(part.type for part in parts), names), parts, place_of(node))

    def _output(self, field: str, node: ast.expr) -> Expression:
        port = self._ports.get(field)
        if port is None:
            return self.read(node)
        if port.size is None and not port.per_symbol:
            value = self.number(node)
            if value.type is BOOL:
                message = f"the output `{field}` is a truth value, where a number is needed"
                self.faults.doubt("K011", node, message, f"write `1.0 if {ast.unparse(node)} else 0.0`")
            wrong = sorted(v for v in self._known(node) if v == v and not port.edge.admits(v))
            if wrong:
                message = f"the output `{field}` is {wrong[0]:g}, but a {port.edge.name} is {port.edge.range_text()}"
                self.faults.doubt("K015", node, message, "keep it in that range, or declare the output as Real")
            return value
        value = self.read(node)
        if not isinstance(value.type, Array):
            if value.type is not UNKNOWN:
                message = f"the output `{field}` is an array, but the value is {value.type}"
                self.faults.refuse("K011", node, message, "keep an Array in the memory and return it")
        elif port.size is not None and value.type.length is not None and value.type.length < port.size:
            message = f"the output `{field}` has {port.size} elements, but the array has {value.type.length}"
            self.faults.doubt("K017", node, message, f"declare it as `array({port.size})`")
        return value

    def _extreme(self, name: str, arguments: Sequence[Expression], place: Place) -> Expression:
        """All of them as one type first: what is compared is what is given."""
        kind = max(
            (value.type for value in arguments if isinstance(value.type, Number)), key=lambda number: number.rank
        )
        return reduce(lambda a, b: Binary(kind, name, a, b, place), (self.cast(value, kind) for value in arguments))


def _fits(kind: Type, expected: Type) -> bool:
    if isinstance(kind, Record) and isinstance(expected, Record):
        return kind.declared is not None and issubclass(kind.declared, expected.declared or object)
    return type(kind) is type(expected) and kind is not NOTHING and kind is not UNKNOWN
