"""The intermediate representation as text for people: every type, cast, load and store is written out.

load a.b[i]         a number read from memory          i as float     a conversion
store a.b[i] = x    a number written to memory         if, while, for  as in Python
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from stratoquant.graph.kernel.nodes import (
    Binary,
    Block,
    Break,
    Call,
    Cast,
    Choose,
    Compare,
    Constant,
    Continue,
    Do,
    Expression,
    Field,
    For,
    Function,
    If,
    Item,
    Keep,
    Length,
    Logic,
    Make,
    Math,
    Part,
    Place,
    Prefix,
    Return,
    Set,
    Statement,
    Store,
    Unary,
    Variable,
    While,
)
from stratoquant.graph.kernel.types import Array, Number, Record, Tuple, Type

_INDENT = "    "
LineOf = Callable[[Place], str]


def print_function(
    function: Function, line_of: LineOf, name_of: Callable[[Function], str], told: Sequence[str] = ()
) -> str:
    """line_of: what stands before a statement, such as the line of its source. told: lines below the heading."""
    parameters = ", ".join(f"{name}: {type_name(kind)}" for name, kind in function.parameters)
    head = f"{name_of(function)}({parameters}) -> {type_name(function.result)}"
    printed = _Printer(name_of)
    body = [("" if place is None else line_of(place), text) for place, text in printed.block(function.body, 0)]
    width = max((len(line) for line, _ in body), default=0)
    return "\n".join([head, *told, *(f"{line:>{width}} | {text}" for line, text in body)])


def type_name(kind: Type) -> str:
    """A type in full: the fields of a record, the parts of a tuple."""
    if isinstance(kind, Record):
        fields = (f"{name}: {_field_type(field.type, field.lengths)}" for name, field in kind.fields.items())
        return f"{{{', '.join(fields)}}}"
    if isinstance(kind, Array):
        return _field_type(kind, ("",) * kind.rank)
    if isinstance(kind, Tuple):
        names = kind.names or ("",) * len(kind.parts)
        parts = (f"{name}: {type_name(t)}" if name else type_name(t) for name, t in zip(names, kind.parts, strict=True))
        return f"({', '.join(parts)})"
    return kind.key


def _field_type(kind: Type, lengths: Sequence[int | str]) -> str:
    if isinstance(kind, Array):
        return f"{type_name(kind.element)}[{', '.join(map(str, lengths))}]"
    return type_name(kind)


class _Printer:
    """Writes nodes. name_of: the name of a kernel that is called."""

    def __init__(self, name_of: Callable[[Function], str]) -> None:
        self._name_of = name_of

    def block(self, block: Block, depth: int) -> Iterator[tuple[Place | None, str]]:
        """Lines of text, each with the place that it comes from."""
        for statement in block:
            for part, text in self._statement(statement):
                if isinstance(part, list):
                    yield from self.block(part, depth + 1)
                else:
                    yield part, _INDENT * depth + text

    def _statement(self, node: Statement) -> Iterator[tuple[Block | Place | None, str]]:
        """The lines of a statement, and the blocks in it in their places."""
        match node:
            case Set(name, value, place):
                yield place, f"{name}: {type_name(value.type)} = {self._value(value)}"
            case Store(target, value, place):
                yield place, f"store {self._address(target)} = {self._value(value)}"
            case Do(call, place):
                yield place, self._value(call)
            case If(condition, body, otherwise, place):
                yield place, f"if {self._value(condition)}:"
                yield from _inner(body)
                if otherwise:
                    yield None, "else:"
                    yield otherwise, ""
            case While(condition, body, at_end, place):
                yield place, f"while {self._value(condition)}:"
                yield from _inner(body)
                yield from _at_end(at_end)
            case For(name, start, stop, step, body, at_end, place):
                limits = f"{self._value(start)} to {self._value(stop)} step {self._value(step)}"
                yield place, f"for {name}: int from {limits}:"
                yield from _inner(body)
                yield from _at_end(at_end)
            case Break(place):
                yield place, "break"
            case Continue(place):
                yield place, "continue"
            case Return(None, place):
                yield place, "return"
            case Return(value, place) if value is not None:
                yield place, f"return {self._value(value)}"

    def _value(self, node: Expression) -> str:
        """An expression; what reads a number from memory says `load`."""
        match node:
            case Constant(_, value):
                return repr(value)
            case Variable(_, name):
                return name
            case Field() | Item():
                return f"load {self._address(node)}" if isinstance(node.type, Number) else self._address(node)
            case Prefix(_, array, count):
                return f"{self._address(array)}[:{self._value(count)}]"
            case Length(array, axis):
                return f"length({self._address(array)}{f', {axis}' if axis else ''})"
            case Make(kind, parts):
                names = kind.names or ("",) * len(parts)
                written = zip(names, map(self._value, parts), strict=True)
                return f"({', '.join(f'{name}: {part}' if name else part for name, part in written)})"
            case Part(_, value, index):
                names = value.type.names if isinstance(value.type, Tuple) else ()
                return f"{self._operand(value)}.{names[index] if names else index}"
            case Cast(kind, value):
                return f"{self._operand(value)} as {type_name(kind)}"
            case Keep(kind, name, value):
                return f"({name}: {type_name(kind)} = {self._value(value)})"
            case Choose(_, condition, yes, no):
                return f"{self._operand(yes)} if {self._operand(condition)} else {self._operand(no)}"
            case Call(_, function, arguments):
                return f"call {self._name_of(function)}({', '.join(map(self._value, arguments))})"
            case Math(_, name, arguments):
                return f"{name}({', '.join(map(self._value, arguments))})"
        return self._operation(node)

    def _operation(self, node: Unary | Binary | Compare | Logic) -> str:
        match node:
            case Unary(_, operator, value):
                inner = self._operand(value)
                return f"{operator} {inner}" if operator.isalpha() else f"{operator}{inner}"
            case Binary(_, ("min" | "max") as name, left, right):
                return f"{name}({self._value(left)}, {self._value(right)})"
            case Binary(_, operator, left, right) | Compare(operator, left, right) | Logic(operator, left, right):
                return f"{self._operand(left)} {operator} {self._operand(right)}"

    def _address(self, node: Expression) -> str:
        """A record, an array, or where a number lies."""
        match node:
            case Field(_, record, name):
                return f"{self._address(record)}.{name}"
            case Item(_, array, indices, _, outside):
                checked = "" if outside is None else " checked"
                return f"{self._address(array)}[{', '.join(map(self._value, indices))}{checked}]"
        return self._value(node)

    def _operand(self, node: Expression) -> str:
        text = self._value(node)
        alone = isinstance(node, Variable | Keep | Make | Length | Math | Call | Field | Item | Part)
        alone = alone or (isinstance(node, Constant) and not text.startswith("-"))
        return text if alone or (isinstance(node, Binary) and node.operator in ("min", "max")) else f"({text})"


def _inner(body: Block) -> Iterator[tuple[Block | None, str]]:
    yield (body, "") if body else (None, f"{_INDENT}nothing")


def _at_end(block: Block) -> Iterator[tuple[Block | None, str]]:
    if block:
        yield None, "at end:"
        yield block, ""
