"""Text of a Pine syntax tree: one statement a line, four spaces a level, brackets only where they are needed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from stratoquant.mirror.pine.syntax import (
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
    TypeDef,
    Unary,
)

_BINDING = {
    "or": 1,
    "and": 2,
    "==": 3,
    "!=": 3,
    "<": 4,
    ">": 4,
    "<=": 4,
    ">=": 4,
    "+": 5,
    "-": 5,
    "*": 6,
    "/": 6,
    "%": 6,
}
_CHOICE, _UNARY, _ATOM = 0, 7, 8


def script_text(script: Script) -> str:
    """The whole script; two prints of equal scripts are equal."""
    blocks = ["\n".join(["//@version=6", *(f"// {line}".rstrip() for line in script.title)]), expr_text(script.head)]
    blocks.append("\n".join(_lines(script.constants, 0)))
    blocks += [type_text(t) for t in script.types]
    blocks += [function_text(f) for f in script.functions]
    blocks.append("\n".join(_lines(script.main, 0)))
    return "\n\n".join(b for b in blocks if b) + "\n"


def type_text(definition: TypeDef) -> str:
    head = [*_comment(definition.comment), f"type {definition.name}"]
    return "\n".join([*head, *(f"    {kind} {name}" for name, kind in definition.fields)])


def function_text(function: Function) -> str:
    arguments = ", ".join(f"{kind} {name}" for name, kind in function.parameters)
    head = [*_comment(function.comment), f"{function.name}({arguments}) =>"]
    return "\n".join([*head, *_lines(function.body, 1), *_last_lines(function.result)])


def _last_lines(result: Expr) -> list[str]:
    """The value of a function. A line that begins with a sign or a bracket may be read as part of the one before."""
    written = expr_text(result)
    if written[0] not in "-(":
        return [f"    {written}"]
    return [f"    {result.type} returned_value = {written}", "    returned_value"]


def _comment(text: str) -> list[str]:
    return [f"// {line}".rstrip() for line in text.splitlines()]


def _lines(block: Iterable[Statement], depth: int) -> Iterator[str]:
    for statement in block:
        yield from _statement(statement, depth)


def _statement(statement: Statement, depth: int) -> Iterator[str]:
    pad = "    " * depth
    if isinstance(statement, Comment):
        yield f"{pad}// {statement.text}" if statement.text else ""
    elif isinstance(statement, Declare):
        yield f"{pad}{'var ' if statement.kept else ''}{statement.type} {statement.name} = {expr_text(statement.value)}"
    elif isinstance(statement, Assign):
        yield pad + _assignment(statement)
    elif isinstance(statement, Do):
        yield pad + expr_text(statement.value)
    elif isinstance(statement, If):
        yield from _if(statement, depth, "if")
    elif isinstance(statement, Loop):
        yield f"{pad}for {statement.name} = {expr_text(statement.first)} to {expr_text(statement.last)}"
        yield from _lines(statement.body, depth + 1)
    elif isinstance(statement, Forever):
        yield f"{pad}while true"
        yield from _lines(statement.body, depth + 1)
    elif isinstance(statement, Break | Continue):
        yield pad + type(statement).__name__.lower()
    else:
        raise TypeError(f"no text for {statement!r}")


def _assignment(statement: Assign) -> str:
    target, value = statement.target, statement.value
    if isinstance(value, Binary) and value.operator in ("+", "-", "*", "/") and value.left == target:
        return f"{expr_text(target)} {value.operator}= {expr_text(value.right)}"
    return f"{expr_text(target)} := {expr_text(value)}"


def _if(statement: If, depth: int, word: str) -> Iterator[str]:
    pad = "    " * depth
    yield f"{pad}{word} {expr_text(statement.test)}"
    yield from _lines(statement.body, depth + 1)
    orelse: Block = statement.orelse
    if len(orelse) == 1 and isinstance(orelse[0], If):
        yield from _if(orelse[0], depth, "else if")
    elif orelse:
        yield f"{pad}else"
        yield from _lines(orelse, depth + 1)


def expr_text(expr: Expr) -> str:
    return _expr(expr, _CHOICE)


def _expr(expr: Expr, outside: int) -> str:
    """The text of an expression that stands beside an operator which binds as strongly as `outside`."""
    written, binding = _bare(expr)
    return f"({written})" if binding < outside else written


def _bare(expr: Expr) -> tuple[str, int]:
    if isinstance(expr, Literal):
        return expr.text, _UNARY if expr.text.startswith("-") else _ATOM
    if isinstance(expr, Name):
        return expr.id, _ATOM
    if isinstance(expr, Field):
        return f"{_expr(expr.owner, _ATOM)}.{expr.name}", _ATOM
    if isinstance(expr, Unary):
        space = " " if expr.operator == "not" else ""
        return f"{expr.operator}{space}{_expr(expr.operand, _ATOM)}", _UNARY
    if isinstance(expr, Binary):
        binding = _BINDING[expr.operator]
        return f"{_expr(expr.left, binding)} {expr.operator} {_expr(expr.right, binding + 1)}", binding
    if isinstance(expr, Choice):
        return f"{_expr(expr.test, 1)} ? {_expr(expr.yes, 1)} : {_expr(expr.no, 1)}", _CHOICE
    if isinstance(expr, Call):
        arguments = [expr_text(a) for a in expr.arguments] + [f"{name} = {expr_text(v)}" for name, v in expr.named]
        return f"{expr.function}({', '.join(arguments)})", _ATOM
    raise TypeError(f"no text for {expr!r}")
