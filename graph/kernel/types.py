"""The types of the intermediate representation: numbers, records, arrays and tuples.

A type is one object: equal types are identical, and compare and hash by identity. Records come from numpy dtypes, or
from declarations, which know no layout. `key` is equal for equal types in any process; `str` names a type in a message.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from stratoquant.graph.language import remembered


@dataclass(frozen=True, eq=False)
class Number:
    """A float (IEEE double), an int (64 bits, wraps around) or a bool. rank: the order in which they widen."""

    key: str
    rank: int

    def __str__(self) -> str:
        return ("a truth value", "a whole number", "a number")[self.rank]


BOOL = Number("bool", 0)
INT = Number("int", 1)
FLOAT = Number("float", 2)


@dataclass(frozen=True, eq=False)
class Other:
    """No value that can be computed with."""

    key: str
    words: str

    def __str__(self) -> str:
        return self.words


NOTHING = Other("nothing", "nothing")
"""What a kernel without a `return` gives."""
UNKNOWN = Other("unknown", "a value of a kind that is not known")
MIXED = Other("mixed", "an array or a record on one path and something else on another")


@dataclass(frozen=True, eq=False)
class Record:
    """Named fields in memory, by name. A value of this type is the address of one. key: a hash of the layout.

    declared: the class that declares it, where it comes from one. fixed: what it belongs to, if it is only read.
    """

    size: int
    fields: dict[str, Field]
    key: str
    declared: type | None = None
    fixed: str = ""

    def __str__(self) -> str:
        return "a record" if self.declared is None else f"a record ({self.declared.__name__})"


@dataclass(frozen=True, eq=False)
class Array:
    """Elements in memory, in C order. A value of this type is an address and a length per axis.

    length: of the first axis, where a declaration tells it. fixed: what it belongs to, if it is only read.
    """

    element: Number | Record
    rank: int
    length: int | None = None
    fixed: str = ""

    @property
    def key(self) -> str:
        return f"{self.element.key}x{self.rank}"

    def __str__(self) -> str:
        return "an array"


@dataclass(frozen=True, eq=False)
class Tuple:
    """Several values. names: those of a layer's outputs, empty for a plain tuple."""

    parts: tuple[Type, ...]
    names: tuple[str, ...]

    @property
    def key(self) -> str:
        return f"({' '.join(self.names)}:{' '.join(part.key for part in self.parts)})"

    def __str__(self) -> str:
        return "the outputs of a step" if self.names else f"{len(self.parts)} values"


Type = Number | Other | Record | Array | Tuple


@dataclass(frozen=True)
class Field:
    """A field of a record. lengths: of an array that lies in the record."""

    offset: int
    type: Number | Record | Array
    lengths: tuple[int, ...] = ()


def array(element: Number | Record, rank: int, length: int | None = None, fixed: str = "") -> Array:
    return _array(element, rank, length, fixed)


@cache
def _array(element: Number | Record, rank: int, length: int | None, fixed: str) -> Array:
    return Array(element, rank, length, fixed)


@cache
def tuple_of(parts: tuple[Type, ...], names: tuple[str, ...] = ()) -> Tuple:
    return Tuple(parts, names)


@remembered
def type_of(dtype: np.dtype[Any]) -> Number | Record:
    """The type of an element. Raises TypeError for a dtype that the language does not have."""
    if dtype.fields is None:
        if dtype == np.float64:
            return FLOAT
        if dtype == np.int64:
            return INT
        raise TypeError(f"a kernel has no elements of {dtype}; use float64, int64 or a record of them")
    fields = {name: _field(entry[0], entry[1]) for name, entry in dtype.fields.items()}
    layout = ";".join(f"{name}@{f.offset}:{f.lengths}{f.type.key}" for name, f in fields.items())
    return _record(dtype.itemsize, layout, tuple(fields.items()))


@cache
def _record(size: int, layout: str, fields: tuple[tuple[str, Field], ...]) -> Record:
    return Record(size, dict(fields), hashlib.sha256(f"{size};{layout}".encode()).hexdigest()[:12])


def _field(dtype: np.dtype[Any], offset: int) -> Field:
    if dtype.subdtype is None:
        return Field(offset, type_of(dtype))
    element, lengths = dtype.subdtype
    return Field(offset, array(type_of(element), len(lengths)), lengths)


def size_of(element: Number | Record) -> int:
    """Bytes of an element."""
    return element.size if isinstance(element, Record) else 8


def join(one: Type, other: Type) -> Type | None:
    """The type that holds the values of both; None when there is none."""
    if one is other:
        return one
    if one is UNKNOWN or other is UNKNOWN:
        return UNKNOWN
    if isinstance(one, Number) and isinstance(other, Number):
        return max(one, other, key=lambda number: number.rank)
    if isinstance(one, Tuple) and isinstance(other, Tuple):
        if one.names != other.names or len(one.parts) != len(other.parts):
            return None
        parts = [join(a, b) for a, b in zip(one.parts, other.parts, strict=True)]
        return None if None in parts else tuple_of(tuple(p for p in parts if p is not None), one.names)
    if isinstance(one, Array) and isinstance(other, Array) and (one.element, one.rank) == (other.element, other.rank):
        return array(
            one.element, one.rank, one.length if one.length == other.length else None, one.fixed or other.fixed
        )
    if isinstance(one, Record) and isinstance(other, Record) and one.declared is not None is not other.declared:
        return (one if one.fixed else other) if one.declared is other.declared else None
    return None
