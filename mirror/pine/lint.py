"""Checks what no offline interpreter checks: names, types, arity and shapes, as TradingView's compiler would.

A finding is a defect of the translator, not of a user's wiring: `check` raises, and no such script is written.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from stratoquant.mirror.pine.account import NAMES
from stratoquant.mirror.pine.declarations import declared_names
from stratoquant.mirror.pine.names import RESERVED
from stratoquant.mirror.pine.printing import script_text
from stratoquant.mirror.pine.syntax import (
    FLOATS,
    NUMBERS,
    Assign,
    Binary,
    Block,
    Break,
    Call,
    Choice,
    Comment,
    Continue,
    Declare,
    Do,
    Expr,
    Field,
    Forever,
    Function,
    If,
    Literal,
    Loop,
    Name,
    Script,
    Statement,
    Unary,
    expressions,
    integer,
    walk,
)
from stratoquant.runtime.errors import StratoError

NUMBER = "number"  # int or float
_BUILTINS: dict[str, tuple[tuple[str, ...], str]] = {
    **{
        f"math.{n}": (("float",), "float")
        for n in ("log", "log10", "exp", "sqrt", "sin", "cos", "tan", "asin", "acos", "atan")
    },
    **{f"math.{n}": (("float",), "int") for n in ("floor", "ceil", "round")},
    "math.pow": (("float", "float"), "float"),
    "math.abs": ((NUMBER,), NUMBER),
    "math.min": ((NUMBER, NUMBER), NUMBER),
    "math.max": ((NUMBER, NUMBER), NUMBER),
    "na": (("float",), "bool"),
    "int": ((NUMBER,), "int"),
    "float": ((NUMBER,), "float"),
    "array.get": ((FLOATS, "int"), "float"),
    "array.set": ((FLOATS, "int", "float"), "void"),
    "array.size": ((FLOATS,), "int"),
    "array.new<float>": (("int", "float"), FLOATS),
    "timeframe.in_seconds": ((), "int"),
    "array.push": ((FLOATS, "float"), "void"),
}
TEXTS = "array<string>"
_OF_TEXTS = {"array.get": ((TEXTS, "int"), "string"), "array.size": ((TEXTS,), "int")}
_GLOBALS = {
    **dict.fromkeys(("open", "high", "low", "close", "volume"), "float"),
    **dict.fromkeys(NAMES, "float"),
    **dict.fromkeys(("time", "bar_index"), "int"),
    **dict.fromkeys(("barstate.isconfirmed", "barstate.islast", "barstate.isfirst"), "bool"),
}
_NAME = re.compile(r"[a-z_][a-zA-Z0-9_]*|[A-Z][A-Z0-9_]*")


class PineDefectError(StratoError):
    """The translator made something that TradingView would refuse."""


def check(script: Script) -> None:
    """Raises PineDefectError with every defect in the computing part of a script; of drawings, names alone are looked
    into."""
    names, found = reserved_names(script_text(script)), _Lint(script).run()
    if names or found:
        lines = "\n".join(f"  {line}" for line in (*names, *found))
        code = "M007" if names else "M008"
        raise PineDefectError(
            f"TradingView would refuse the script:\n{lines}", "internal error; please report it", code
        )


def reserved_names(script: str) -> list[str]:
    """A line of text for each name that a script declares although Pine or an interpreter keeps it for itself."""
    return [
        f"line {d.line}: {d.name} is reserved and cannot be a {d.place}"
        for d in declared_names(script)
        if d.name in RESERVED
    ]


class _Lint:
    def __init__(self, script: Script) -> None:
        self._script = script
        self._types = {t.name: dict(t.fields) for t in script.types}
        self._functions: dict[str, Function] = {}
        self._globals: dict[str, str] = dict(_GLOBALS)
        self._found: list[str] = []
        self._where = "the head"
        self._tests: list[Expr] = []  # of the branches around a statement

    def run(self) -> list[str]:
        self._definitions()
        self._block(self._script.constants, [self._globals], frozenset())
        for function in self._script.functions:
            self._function(function)
        self._where = "the main part"
        self._block(self._script.main, [self._globals], frozenset())
        for name in self._functions.keys() & self._globals.keys():
            self._say(f"{name} is declared twice, as a function and as a variable")
        return self._found

    def _say(self, message: str) -> None:
        self._found.append(f"{self._where}: {message}")

    def _definitions(self) -> None:
        known = {"int", "float", "bool", "string", FLOATS}
        for definition in self._script.types:
            self._where = f"type {definition.name}"
            if definition.name in known:
                self._say("defined twice")
            for name, kind in definition.fields:
                if kind not in known:
                    self._say(f"the field {name} has the type {kind}, which is not defined before it")
                self._name(name)
            if len({n for n, _ in definition.fields}) < len(definition.fields):
                self._say("two fields of one name")
            known.add(definition.name)

    def _name(self, name: str) -> None:
        if not _NAME.fullmatch(name):
            self._say(f"{name} cannot be a name")

    def _function(self, function: Function) -> None:
        self._where = f"function {function.name}"
        self._name(function.name)
        if function.name in self._functions:
            self._say("defined twice")
        for name, _ in function.parameters:
            self._name(name)
        parameters = dict(function.parameters)
        if len(parameters) < len(function.parameters):
            self._say("two parameters of one name")
        scopes = [self._globals, parameters, {}]
        self._block(function.body, scopes, frozenset(parameters))
        self._type(function.result, scopes)
        self._functions[function.name] = function

    def _block(self, block: Iterable[Statement], scopes: list[dict[str, str]], fixed: frozenset[str]) -> None:
        """fixed: names that may not be assigned to."""
        for statement in block:
            self._statement(statement, scopes, fixed)

    def _inner(self, block: Block, scopes: list[dict[str, str]], fixed: frozenset[str]) -> None:
        if not any(not isinstance(s, Comment) for s in block):
            self._say("a block without a line")
        self._block(block, [*scopes, {}], fixed)

    def _statement(self, statement: Statement, scopes: list[dict[str, str]], fixed: frozenset[str]) -> None:
        if self._is_drawing(statement):
            return
        if isinstance(statement, Declare):
            self._name(statement.name)
            if statement.name in scopes[-1]:
                self._say(f"{statement.name} is declared twice")
            self._fits(statement.value, statement.type, scopes, f"{statement.name}")
            scopes[-1][statement.name] = statement.type
        elif isinstance(statement, Assign):
            self._assign(statement, scopes, fixed)
        elif isinstance(statement, Do):
            self._type(statement.value, scopes)
        elif isinstance(statement, If):
            self._fits(statement.test, "bool", scopes, "the condition")
            self._tests.append(statement.test)
            self._inner(statement.body, scopes, fixed)
            self._tests.pop()
            if statement.orelse:
                self._inner(statement.orelse, scopes, fixed)
        elif isinstance(statement, Loop):
            for bound in (statement.first, statement.last):
                self._fits(bound, "int", scopes, "a bound")
            if not _counts_up(statement, self._tests):
                self._say(f"the loop over {statement.name} may count down: Pine does when the last is below the first")
            self._name(statement.name)
            self._inner(statement.body, [*scopes, {statement.name: "int"}], fixed | {statement.name})
        elif isinstance(statement, Forever):
            self._inner(statement.body, scopes, fixed)
        elif not isinstance(statement, Comment | Break | Continue):
            self._say(f"{statement!r} is no statement")

    def _is_drawing(self, statement: Statement) -> bool:
        """Plots, labels, tables and inputs: their arguments have types of their own, which are not modelled."""
        calls = [e.function for x in expressions(statement) for e in walk(x) if isinstance(e, Call)]
        drawing = any(c.split(".")[0] in _DRAWN for c in calls)
        if drawing and isinstance(statement, Declare):
            self._name(statement.name)
            if statement.name in self._globals:
                self._say(f"{statement.name} is declared twice")
            self._globals[statement.name] = statement.type
        return drawing

    def _assign(self, statement: Assign, scopes: list[dict[str, str]], fixed: frozenset[str]) -> None:
        target = statement.target
        if isinstance(target, Name):
            if target.id in fixed:
                self._say(f"{target.id} is a parameter or counts a loop, and is assigned to")
            own = scopes[1:] if self._where.startswith("function") else scopes
            if not any(target.id in s for s in own):
                self._say(f"{target.id} is not declared here, and is assigned to")
        elif not isinstance(target, Field):
            self._say("only names and fields can be assigned to")
        self._fits(statement.value, self._type(target, scopes), scopes, "an assignment")

    def _fits(self, value: Expr, wanted: str, scopes: list[dict[str, str]], what: str) -> None:
        kind = self._type(value, scopes)
        if isinstance(value, Literal) and value.text == "na" and wanted in NUMBERS:
            return
        if wanted == NUMBER and kind in NUMBERS:
            return
        if kind != wanted and not (kind == "int" and wanted == "float"):
            self._say(f"{what} is {kind}, not {wanted}")

    def _type(self, expr: Expr, scopes: list[dict[str, str]]) -> str:
        """The type found from the leaves up, which must be the one that the expression claims."""
        found = self._infer(expr, scopes)
        if found != expr.type and not (found == "int" and expr.type == "float") and "?" not in (found, expr.type):
            self._say(f"an expression claims to be {expr.type} and is {found}")
        return found

    def _infer(self, expr: Expr, scopes: list[dict[str, str]]) -> str:
        if isinstance(expr, Literal):
            return expr.type
        if isinstance(expr, Name):
            for scope in reversed(scopes):
                if expr.id in scope:
                    return scope[expr.id]
            self._say(f"{expr.id} is read before it is declared")
            return "?"
        if isinstance(expr, Field):
            owner = self._type(expr.owner, scopes)
            fields = self._types.get(owner, {})
            if expr.name not in fields:
                self._say(f"{owner} has no field {expr.name}")
            return fields.get(expr.name, "?")
        if isinstance(expr, Unary):
            self._fits(
                expr.operand, "bool" if expr.operator == "not" else NUMBER, scopes, f"the operand of {expr.operator}"
            )
            return "bool" if expr.operator == "not" else self._type(expr.operand, scopes)
        if isinstance(expr, Binary):
            return self._binary(expr, scopes)
        if isinstance(expr, Choice):
            self._fits(expr.test, "bool", scopes, "the condition")
            return self._common(expr.yes, expr.no, scopes)
        assert isinstance(expr, Call)
        return self._call(expr, scopes)

    def _binary(self, expr: Binary, scopes: list[dict[str, str]]) -> str:
        if expr.operator in ("and", "or"):
            for side in (expr.left, expr.right):
                self._fits(side, "bool", scopes, f"a side of {expr.operator}")
            return "bool"
        if expr.operator in ("==", "!=", "<", "<=", ">", ">="):
            kinds = {self._type(expr.left, scopes), self._type(expr.right, scopes)}
            equal = expr.operator in ("==", "!=") and kinds in ({"bool"}, {"string"})
            if not (kinds <= set(NUMBERS) or equal):
                self._say(f"{expr.operator} between {' and '.join(sorted(kinds))}")
            return "bool"
        for side in (expr.left, expr.right):
            self._fits(side, NUMBER, scopes, f"a side of {expr.operator}")
        kinds = {self._type(expr.left, scopes), self._type(expr.right, scopes)}
        return "float" if expr.operator == "/" or "float" in kinds else "int"

    def _common(self, one: Expr, other: Expr, scopes: list[dict[str, str]]) -> str:
        kinds = {self._type(one, scopes), self._type(other, scopes)}
        if len(kinds) == 1:
            return kinds.pop()
        if kinds <= set(NUMBERS):
            return "float"
        self._say(f"the two sides of a choice are {' and '.join(sorted(kinds))}")
        return "?"

    def _call(self, expr: Call, scopes: list[dict[str, str]]) -> str:
        if expr.function.endswith(".new") and expr.function[:-4] in self._types:
            wanted, result = tuple(self._types[expr.function[:-4]].values()), expr.function[:-4]
        elif expr.function in self._functions:
            function = self._functions[expr.function]
            wanted, result = tuple(kind for _, kind in function.parameters), expr.type
        elif expr.function in _OF_TEXTS and self._type(expr.arguments[0], scopes) == TEXTS:
            wanted, result = _OF_TEXTS[expr.function]
        elif expr.function == "array.from":
            wanted, result = ("float",) * max(len(expr.arguments), 1), FLOATS
        elif expr.function in _BUILTINS:
            wanted, result = _BUILTINS[expr.function]
        else:
            self._say(f"{expr.function} is not defined before its call")
            return "?"
        if len(expr.arguments) != len(wanted) or expr.named:
            self._say(f"{expr.function} takes {len(wanted)} arguments by position, not {len(expr.arguments)}")
        for argument, kind in zip(expr.arguments, wanted, strict=False):
            self._fits(argument, kind, scopes, f"an argument of {expr.function}")
        if result == NUMBER:
            kinds = {self._type(a, scopes) for a in expr.arguments}
            result = "int" if kinds == {"int"} else "float"
        return result


def _counts_up(loop: Loop, tests: Iterable[Expr]) -> bool:
    """True when the last cannot be below the first: both are numbers, or a test around the loop says so."""
    first, last = loop.first, loop.last
    if isinstance(first, Literal) and isinstance(last, Literal):
        return int(first.text) <= int(last.text)
    end = last.left if isinstance(last, Binary) and last.operator == "-" and last.right == integer(1) else None
    return any(
        isinstance(test, Binary)
        and test.operator == ">"
        and ((test.left, test.right) == (end, first) or (test.left == last and first == _next(test.right)))
        for test in tests
    )


def _next(expr: Expr) -> Expr:
    """The whole number after a literal one."""
    return integer(int(expr.text) + 1) if isinstance(expr, Literal) and expr.type == "int" else expr


_DRAWN = frozenset(
    [
        "alert",
        "alertcondition",
        "barcolor",
        "bgcolor",
        "color",
        "fill",
        "hline",
        "indicator",
        "input",
        "label",
        "line",
        "plot",
        "plotshape",
        "runtime",
        "str",
        "strategy",
        "table",
    ]
)
