"""A small typed syntax tree of Pine v6: what the generator writes, and no more.

A type is a word: `int`, `float`, `bool`, `string`, `array<float>`, the name of a user-defined type, or `void`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

FLOATS = "array<float>"
NUMBERS = ("int", "float")


@dataclass(frozen=True)
class Expr:
    """An expression. type: the type of its value."""

    type: str


@dataclass(frozen=True)
class Literal(Expr):
    """A number, `true`, `false`, `na` or a quoted text, as it is written."""

    text: str


@dataclass(frozen=True)
class Name(Expr):
    id: str


@dataclass(frozen=True)
class Field(Expr):
    owner: Expr
    name: str


@dataclass(frozen=True)
class Unary(Expr):
    """operator: `-` or `not`."""

    operator: str
    operand: Expr


@dataclass(frozen=True)
class Binary(Expr):
    operator: str
    left: Expr
    right: Expr


@dataclass(frozen=True)
class Choice(Expr):
    """`test ? yes : no`."""

    test: Expr
    yes: Expr
    no: Expr


@dataclass(frozen=True)
class Call(Expr):
    """A call of a function of ours or of Pine's. named: arguments given by name, after the positional ones."""

    function: str
    arguments: tuple[Expr, ...] = ()
    named: tuple[tuple[str, Expr], ...] = ()


@dataclass(frozen=True)
class Statement:
    pass


Block = tuple[Statement, ...]


@dataclass(frozen=True)
class Comment(Statement):
    text: str


@dataclass(frozen=True)
class Declare(Statement):
    """`type name = value`; `kept` writes `var`: the value is made on the first bar and lives on."""

    type: str
    name: str
    value: Expr
    kept: bool = False


@dataclass(frozen=True)
class Assign(Statement):
    """`target := value`. target: a Name or a Field."""

    target: Expr
    value: Expr


@dataclass(frozen=True)
class Do(Statement):
    """An expression for its effect."""

    value: Expr


@dataclass(frozen=True)
class If(Statement):
    test: Expr
    body: Block
    orelse: Block = ()


@dataclass(frozen=True)
class Loop(Statement):
    """`for name = first to last`, both included; never entered when last < first only if the writer guards it."""

    name: str
    first: Expr
    last: Expr
    body: Block


@dataclass(frozen=True)
class Forever(Statement):
    """`while true`; ends by Break."""

    body: Block


@dataclass(frozen=True)
class Break(Statement):
    pass


@dataclass(frozen=True)
class Continue(Statement):
    pass


@dataclass(frozen=True)
class TypeDef:
    """A user-defined type. fields: name and type, in order."""

    name: str
    fields: tuple[tuple[str, str], ...]
    comment: str = ""


@dataclass(frozen=True)
class Function:
    """A function; its last line is `result`. parameters: name and type."""

    name: str
    parameters: tuple[tuple[str, str], ...]
    body: Block
    result: Expr
    comment: str = ""


@dataclass
class Script:
    """A whole script. main: the statements at global scope, after types, functions and constants."""

    head: Call
    title: list[str] = field(default_factory=list)
    constants: list[Statement] = field(default_factory=list)
    types: list[TypeDef] = field(default_factory=list)
    functions: list[Function] = field(default_factory=list)
    main: list[Statement] = field(default_factory=list)


def children(statement: Statement) -> tuple[Block, ...]:
    """The blocks inside a statement."""
    if isinstance(statement, If):
        return (statement.body, statement.orelse)
    if isinstance(statement, Loop | Forever):
        return (statement.body,)
    return ()


def expressions(statement: Statement) -> tuple[Expr, ...]:
    """The expressions that stand in a statement itself, those of inner blocks left out."""
    if isinstance(statement, Declare | Do):
        return (statement.value,)
    if isinstance(statement, Assign):
        return (statement.target, statement.value)
    if isinstance(statement, If):
        return (statement.test,)
    if isinstance(statement, Loop):
        return (statement.first, statement.last)
    return ()


def parts(expr: Expr) -> tuple[Expr, ...]:
    """The expressions directly inside an expression."""
    if isinstance(expr, Field):
        return (expr.owner,)
    if isinstance(expr, Unary):
        return (expr.operand,)
    if isinstance(expr, Binary):
        return (expr.left, expr.right)
    if isinstance(expr, Choice):
        return (expr.test, expr.yes, expr.no)
    if isinstance(expr, Call):
        return (*expr.arguments, *(value for _, value in expr.named))
    return ()


def walk(expr: Expr) -> Iterator[Expr]:
    """An expression and all below it."""
    yield expr
    for part in parts(expr):
        yield from walk(part)


def number(value: float) -> Literal:
    """A literal of a whole or broken number: the shortest text that reads back as the same double."""
    if isinstance(value, int):
        return Literal("int", str(value))
    return Literal("float", repr(float(value)).replace("e+", "e"))


def text(value: str) -> Literal:
    """A quoted text. Raises ValueError for what cannot stand in one line of a script."""
    if any(ord(c) < 32 for c in value):
        raise ValueError(f"{value!r} holds a control character")
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return Literal("string", f'"{escaped}"')


TRUE = Literal("bool", "true")
FALSE = Literal("bool", "false")
NA = Literal("float", "na")


def integer(value: int) -> Literal:
    return Literal("int", str(value))
