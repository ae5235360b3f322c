"""Kinds of values in the kernel language: numbers, arrays, records with fields. Knows no syntax."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from graph.language import PER_SYMBOL, Array, Model, Parameters, State, remembered, state_fields
from graph.market import BOOK_LEVELS, LADDERS, SCALARS
from graph.types import EdgeType, Vector, port_type


@dataclass(frozen=True)
class Number:
    """A number. rank: 0 truth value, 1 whole number, 2 fraction; arithmetic gives the higher of two."""

    rank: int


@dataclass(frozen=True)
class Elements:
    """An array of floats. size: None where it is not known here. fixed: what it belongs to, if it is only read."""

    size: int | None = None
    fixed: str = ""


class MarketRecord:
    """Stands for the record of graph.market."""


@dataclass(frozen=True)
class Record:
    """A set of named fields. declared: a State, a Model, a Parameters or MarketRecord. fixed: as in Elements."""

    declared: type
    fixed: str = ""


@dataclass(frozen=True)
class Group:
    """Several values in one: a tuple."""

    members: tuple[Kind, ...]


@dataclass(frozen=True)
class Other:
    """No value that can be computed with."""

    text: str


Kind = Number | Elements | Record | Group | Other

BOOL, INT, FLOAT = Number(0), Number(1), Number(2)
UNKNOWN = Other("a value of a kind that is not known")
NOTHING = Other("nothing")
MIXED = Other("an array or a record on one path and something else on another")
OUTPUTS = Other("the outputs of a step")

_FIXED = {Parameters: "parameters", Model: "fitted numbers", MarketRecord: "inputs"}


def describe(kind: Kind) -> str:
    """A kind in words."""
    match kind:
        case Number(rank):
            return ("a truth value", "a whole number", "a number")[rank]
        case Elements():
            return "an array"
        case Record(declared):
            return f"a record ({declared.__name__})"
        case Group(members):
            return f"{len(members)} values"
        case Other(text):
            return text


def joined(one: Kind, other: Kind) -> Kind:
    """What a value is that is of one kind on one path and of the other on another."""
    if one == other:
        return one
    if UNKNOWN in (one, other):
        return UNKNOWN
    match one, other:
        case Number(rank), Number(second):
            return Number(max(rank, second))
        case Elements(size, fixed), Elements(second_size, second_fixed):
            return Elements(size if size == second_size else None, fixed or second_fixed)
        case Record(declared, fixed), Record(second_declared, second_fixed) if declared is second_declared:
            return Record(declared, fixed or second_fixed)
        case Group(members), Group(seconds) if len(members) == len(seconds):
            return Group(tuple(map(joined, members, seconds)))
    return MIXED


def fields_of(record: Record) -> dict[str, Kind]:
    """The fields of a record and their kinds."""
    fields = _fields(record.declared)
    return {name: _frozen(kind, record.fixed) for name, kind in fields.items()} if record.fixed else fields


@remembered
def _fields(declared: type) -> dict[str, Kind]:
    if issubclass(declared, Parameters):
        return {n: INT if f.annotation is int else FLOAT for n, f in declared.model_fields.items()}
    if issubclass(declared, State):
        return {f.name: _field_kind(f.kind, f.sizing.capacity, f.state) for f in state_fields(declared)}
    market: dict[str, Kind] = dict.fromkeys(SCALARS, FLOAT)
    return market | dict.fromkeys(LADDERS, Elements(BOOK_LEVELS))


def _field_kind(kind: str, capacity: Any, state: type[State] | None) -> Kind:
    if kind == "array":
        return Elements(capacity if isinstance(capacity, int) and capacity != PER_SYMBOL else None)
    if kind == "state":
        assert state is not None
        return Record(state)
    return INT if kind == "int" else FLOAT


def _frozen(kind: Kind, fixed: str) -> Kind:
    match kind:
        case Elements(size):
            return Elements(size, fixed)
        case Record(declared):
            return Record(declared, fixed)
    return kind


@remembered
def argument_kinds(function: Callable[..., Any]) -> dict[str, Kind]:
    """The kinds that a kernel's annotations declare, by argument; unknown for an argument without one."""
    hints = get_type_hints(function, include_extras=True)
    names = function.__code__.co_varnames[: function.__code__.co_argcount]
    return {name: _annotated(hints.get(name, Any)) for name in names}


def _annotated(hint: Any) -> Kind:
    plain = {float: FLOAT, int: INT, bool: BOOL}.get(hint) if isinstance(hint, type) else None
    if plain is not None:
        return plain
    if hint == Array or hint is Vector or get_origin(hint) is get_origin(Vector):
        return Elements()
    if isinstance(hint, type) and issubclass(hint, State | Parameters):
        return Record(hint, next((word for base, word in _FIXED.items() if issubclass(hint, base)), ""))
    if get_origin(hint) is Annotated and any(isinstance(m, EdgeType) for m in get_args(hint)):
        port = port_type(hint)
        if port.edge.name == "market_event":
            return Record(MarketRecord, _FIXED[MarketRecord])
        return Elements(port.size, "inputs") if port.size is not None or port.per_symbol else FLOAT
    return UNKNOWN
