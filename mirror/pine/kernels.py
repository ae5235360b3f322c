"""Kernels as Pine functions: rewritten, typed, and written out statement by statement."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, get_type_hints

from stratoquant.graph.kernels import KernelSource, kernel_source, short_path
from stratoquant.graph.language import Parameters
from stratoquant.graph.types import port_type
from stratoquant.mirror.pine import helpers
from stratoquant.mirror.pine.expressions import Callee, Expressions
from stratoquant.mirror.pine.facts import Facts, assigned, when_false, when_true
from stratoquant.mirror.pine.kinds import Kind, Kinds
from stratoquant.mirror.pine.names import safe
from stratoquant.mirror.pine.placing import Places, place
from stratoquant.mirror.pine.rewrites import Fresh, UntranslatableError, rewritten
from stratoquant.mirror.pine.syntax import (
    FALSE,
    FLOATS,
    NA,
    Assign,
    Binary,
    Block,
    Break,
    Call,
    Continue,
    Declare,
    Do,
    Expr,
    Forever,
    If,
    Literal,
    Loop,
    Name,
    Statement,
    integer,
)
from stratoquant.mirror.pine.types import field_types, scalar_or_record


class NoPineFormError(Exception):
    """A kernel that cannot be translated. place: file:line:column."""

    def __init__(self, kernel: str, place: str, message: str, hint: str) -> None:
        super().__init__(f"{place}: kernel {kernel}: {message}; {hint}")
        self.kernel, self.place, self.message, self.hint = kernel, place, message, hint


@dataclass(frozen=True)
class Translated:
    """The parts of a function. result: its last line."""

    parameters: tuple[tuple[str, Kind], ...]
    body: Block
    result: Expr


def translate(
    function: Callable[..., Any],
    need: Callable[[Callable[..., Any]], Callee],
    type_name: Callable[[type], str],
    outputs: dict[str, Expr | None] | None = None,
) -> Translated:
    """Translates one kernel. outputs: for a layer's step, where each element of what it returns goes; None for one
    that nobody reads.

    need: places a called kernel in the script. type_name: places a state or parameters type. Raises NoPineFormError.
    """
    source = kernel_source(function)
    try:
        return _Writer(source, need, type_name, outputs).write()
    except UntranslatableError as problem:
        line, column = getattr(problem.node, "lineno", 0), getattr(problem.node, "col_offset", 0) + 1
        where = f"{short_path(source.file)}:{line}:{column}"
        raise NoPineFormError(function.__name__, where, problem.message, problem.hint) from None


def parameter_kinds(function: Callable[..., Any]) -> dict[str, Kind]:
    """What each parameter stands for. Raises UntranslatableError for one without a form in Pine."""
    hints = get_type_hints(function, include_extras=True)
    kinds: dict[str, Kind] = {}
    for name in inspect.signature(function).parameters:
        try:
            kinds[name] = scalar_or_record(hints[name])
        except (KeyError, TypeError):
            message = f"the parameter {name} has no type that Pine has"
            raise UntranslatableError(message, "annotate it", kernel_source(function).tree) from None
    return kinds


def lower_bounds(parameters: dict[str, Kind]) -> dict[str, float]:
    """The least that a field of parameters can be, by its text; whole arguments are counts of bars, and at least 1."""
    bounds = {name: 1.0 for name, kind in parameters.items() if kind == "int"}
    for name, kind in parameters.items():
        if isinstance(kind, type) and issubclass(kind, Parameters):
            for field, declared in kind.model_fields.items():
                bounds |= {f"{name}.{field}": float(m.ge) for m in declared.metadata if hasattr(m, "ge")}
    return bounds


def return_kind(function: Callable[..., Any]) -> str | None:
    """The type of a kernel's result; None when it is no number or bool."""
    hint = get_type_hints(function).get("return")
    return hint.__name__ if hint in (float, int, bool) else None


@dataclass
class _Writer:
    source: KernelSource
    need: Callable[[Callable[..., Any]], Callee]
    type_name: Callable[[type], str]
    outputs: dict[str, Expr | None] | None

    def write(self) -> Translated:
        parameters = parameter_kinds(self.source.function)
        names = {kind: self.type_name(kind) for kind in self._records(parameters)}
        tree = rewritten(self.source.tree, self._is_total)
        self.fresh = Fresh(tree)
        kinds = Kinds(parameters, self.source.constants, self._returns)
        kinds.settle(tree.body)
        facts = Facts(kinds, self.source.constants, lower_bounds(parameters), tree.body)
        self.write_expr = Expressions(
            kinds, self.source.constants, self.source.calls, self.need, facts, self._whole_inputs(), names
        )
        self.kinds = kinds
        last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Return) else None
        value = last.value if isinstance(last, ast.Return) else None
        self.places = self._places(tree.body, value)
        body, result = tuple(self._lines(tree.body)), self._result(value)
        if self.outputs is not None and value is not None and self._is_outputs(value):
            body = (*body, *self.hand_over(value))
        return Translated(tuple((safe(n), k) for n, k in parameters.items()), body, result)

    def _result(self, value: ast.expr | None) -> Expr:
        """The last line of the function. A step hands its outputs over and returns nothing that counts."""
        if value is None or self.outputs is not None:
            return integer(0)
        if return_kind(self.source.function) == "bool":
            return self.write_expr.condition(value)
        return self.write_expr.translate(value)

    def _records(self, parameters: dict[str, Kind]) -> list[type]:
        """The types of parameters and of all states inside them."""
        found: list[type] = []
        todo = [k for k in parameters.values() if isinstance(k, type)]
        while todo:
            kind = todo.pop()
            if kind not in found:
                found.append(kind)
                todo += [k for k in field_types(kind).values() if isinstance(k, type)]
        return found

    def _is_total(self, name: str) -> bool:
        """A function of numbers alone that subscripts nothing: evaluating it in vain changes and breaks nothing."""
        if name not in self.source.calls:
            return True
        function = self.source.calls[name]
        if any(kind not in ("float", "int", "bool") for kind in parameter_kinds(function).values()):
            return False
        inner = kernel_source(function)
        return not any(isinstance(n, ast.Subscript) for n in ast.walk(inner.tree))

    def _returns(self, name: str) -> str | None:
        return return_kind(self.source.calls[name]) if name in self.source.calls else None

    def _whole_inputs(self) -> set[str]:
        """Ports whose values are whole by their edge type."""
        if self.outputs is None:
            return set()
        hints = get_type_hints(self.source.function, include_extras=True)
        found = set()
        for name in inspect.signature(self.source.function).parameters:
            try:
                kind = port_type(hints[name])
            except TypeError:
                continue
            if kind.edge.whole and kind.size is None:
                found.add(name)
        return found

    def _places(self, body: list[ast.stmt], last: ast.expr | None) -> Places:
        loops = {
            n.target.id for s in body for n in ast.walk(s) if isinstance(n, ast.For) and isinstance(n.target, ast.Name)
        }
        names = assigned(body) - set(parameter_kinds(self.source.function)) - loops
        if self.outputs is not None and isinstance(last, ast.Name):
            names.discard(last.id)  # the outputs themselves, which are handed over where they are made
        tail: list[ast.stmt] = [] if last is None else [ast.Expr(last)]
        return place([*body, *tail], names)

    def block(self, body: list[ast.stmt]) -> Block:
        """A block inside another, which must hold a line."""
        return tuple(self._lines(body)) or (Do(integer(0)),)

    def _lines(self, body: list[ast.stmt]) -> list[Statement]:
        lines: list[Statement] = []
        for statement in body:
            lines += [self._declaration(n, statement) for n in self.places.before.get(id(statement), [])]
            lines += self._statement(statement)
        return lines

    def _declaration(self, name: str, node: ast.AST) -> Declare:
        kind = self._local_type(name, node)
        value: Expr = FALSE if kind == "bool" else integer(0) if kind == "int" else NA
        return Declare(kind, safe(name), value)

    def _local_type(self, name: str, node: ast.AST) -> str:
        kind = self.kinds.names.get(name)
        if kind is None:
            raise UntranslatableError(f"`{name}` has no type that is known", "assign a number to it", node)
        return kind if isinstance(kind, str) else self.type_name(kind)

    def _statement(self, statement: ast.stmt) -> list[Statement]:
        method = getattr(self, f"_{type(statement).__name__.lower()}", None)
        if method is None:
            word = type(statement).__name__.lower()
            raise UntranslatableError(
                f"`{word}` has no form in Pine", "write it with if, for, while and assignments", statement
            )
        written: list[Statement] = method(statement)
        return written

    def _pass(self, statement: ast.Pass) -> list[Statement]:
        return []

    def _break(self, statement: ast.Break) -> list[Statement]:
        return [Break()]

    def _continue(self, statement: ast.Continue) -> list[Statement]:
        return [Continue()]

    def _expr(self, statement: ast.Expr) -> list[Statement]:
        return [Do(self.write_expr.translate(statement.value))]

    def _return(self, statement: ast.Return) -> list[Statement]:
        raise UntranslatableError("a return in the middle was not rewritten", "return at the end", statement)

    def _assign(self, statement: ast.Assign) -> list[Statement]:
        if self.outputs is not None and self._is_outputs(statement.value):
            return self.hand_over(statement.value)
        lines: list[Statement] = []
        for target in statement.targets:
            lines.append(self._store(target, statement.value, declares=id(statement) in self.places.at))
        return lines

    def _is_outputs(self, value: ast.expr) -> bool:
        names = (value.func.id,) if isinstance(value, ast.Call) and isinstance(value.func, ast.Name) else ()
        return bool(names) and names[0] not in self.source.calls and names[0] == self._output_name()

    def _output_name(self) -> str:
        hint = get_type_hints(self.source.function).get("return")
        return getattr(hint, "__name__", "")

    def hand_over(self, value: ast.expr) -> list[Statement]:
        """Writes the elements of a step's output to where they go."""
        assert isinstance(value, ast.Call) and self.outputs is not None
        lines: list[Statement] = []
        for argument, target in zip(value.args, self.outputs.values(), strict=True):
            if target is None:
                continue
            written = self.write_expr.translate(argument)
            if target.type == FLOATS:
                lines.append(Do(self.write_expr.call(helpers.copy_into, target, written)))
            else:
                lines.append(Assign(target, written))
        return lines

    def _store(self, target: ast.expr, value: ast.expr, *, declares: bool) -> Statement:
        if isinstance(target, ast.Name):
            kind = self._local_type(target.id, target)
            written = self._value_for(value, kind)
            if declares:
                return Declare(kind, safe(target.id), written)
            return Assign(Name(kind, safe(target.id)), written)
        if isinstance(target, ast.Attribute):
            field = self.write_expr.translate(target)
            if field.type not in ("int", "float"):
                raise UntranslatableError("only numbers can be assigned to a field", "copy element by element", target)
            return Assign(field, self._value_for(value, field.type))
        if isinstance(target, ast.Subscript):
            place = self.write_expr.translate(target.value), self.write_expr.as_type(target.slice, "int")
            return Do(Call("void", "array.set", (*place, self.write_expr.translate(value))))
        raise UntranslatableError(f"`{ast.unparse(target)}` cannot be assigned to", "assign one value a line", target)

    def _value_for(self, value: ast.expr, kind: str) -> Expr:
        return self.write_expr.condition(value) if kind == "bool" else self.write_expr.as_type(value, kind)

    def _if(self, statement: ast.If) -> list[Statement]:
        test = self.write_expr.condition(statement.test)
        body = self._branch(statement.body, when_true(statement.test))
        orelse = self._branch(statement.orelse, when_false(statement.test)) if statement.orelse else ()
        return [If(test, body, orelse)]

    def _branch(self, body: list[ast.stmt], known: set[str]) -> Block:
        """A branch knows what its test found of locals that it leaves alone."""
        locals_left_alone = {n for n in known if n.isidentifier() and n not in assigned(body)}
        self.write_expr.facts.learn(locals_left_alone)
        lines = self.block(body)
        self.write_expr.facts.forget()
        return lines

    def _while(self, statement: ast.While) -> list[Statement]:
        return [Forever(self.block(statement.body))]

    def _for(self, statement: ast.For) -> list[Statement]:
        """Pine counts down when the last is below the first, and may look at the last again on each turn."""
        assert isinstance(statement.iter, ast.Call) and isinstance(statement.target, ast.Name)
        bounds = statement.iter.args
        if len(bounds) == 3:
            raise UntranslatableError(
                "a step in range() has no form in Pine", "count up by one and compute the index", statement
            )
        first = self.write_expr.translate(bounds[0]) if len(bounds) == 2 else integer(0)
        end = self.write_expr.as_type(bounds[-1], "int")
        lines: list[Statement] = []
        if not _is_fixed(bounds[-1], statement.body):
            name = self.fresh.name(f"end_of_{statement.target.id}")
            lines.append(Declare("int", name, end))
            end = Name("int", name)
        last = integer(int(end.text) - 1) if isinstance(end, Literal) else Binary("int", "-", end, integer(1))
        loop = Loop(safe(statement.target.id), first, last, self.block(statement.body))
        if _surely_runs(bounds):
            return [*lines, loop]
        return [*lines, If(Binary("bool", ">", end, first), (loop,))]


def _is_fixed(bound: ast.expr, body: list[ast.stmt]) -> bool:
    """True for what no turn of the loop can change: numbers, parameters, and locals that it leaves alone."""
    if isinstance(bound, ast.Attribute):
        return isinstance(bound.value, ast.Name) and bound.value.id == "p"
    return isinstance(bound, ast.Constant) or (isinstance(bound, ast.Name) and bound.id not in assigned(body))


def _surely_runs(bounds: list[ast.expr]) -> bool:
    values = [b.value for b in bounds if isinstance(b, ast.Constant)]
    return len(values) == len(bounds) and values[-1] > (values[0] if len(values) == 2 else 0)
