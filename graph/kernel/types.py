"""The types of the intermediate representation: numbers, records, arrays and tuples.

A type is one object: equal types are identical, and compare and hash by identity. Records come from numpy dtypes.
`key` is equal for equal types in any process; `str` names a type in a message.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from graph.language import remembered


@dataclass(frozen=True, eq=False)
class Number:
    """A float (IEEE double), an int (64 bits, wraps around) or a bool. rank: the order in which they widen."""

    key: str
    rank: int

    def __str__(self) -> str:
        return f"an {self.key}" if self is INT else f"a {self.key}"


BOOL = Number("bool", 0)
INT = Number("int", 1)
FLOAT = Number("float", 2)


@dataclass(frozen=True, eq=False)
class Nothing:
    """What a kernel without a `return` gives."""

    key = "nothing"

    def __str__(self) -> str:
        return "nothing"


NOTHING = Nothing()


@dataclass(frozen=True, eq=False)
class Record:
    """Named fields in memory, by name. A value of this type is the address of one. key: a hash of the layout."""

    size: int
    fields: dict[str, Field]
    key: str

    def __str__(self) -> str:
        return "a record"


@dataclass(frozen=True, eq=False)
class Array:
    """Elements in memory, in C order. A value of this type is an address and a length per axis."""

    element: Number | Record
    rank: int

    @property
    def key(self) -> str:
        return f"{self.element.key}x{self.rank}"

    def __str__(self) -> str:
        return f"an array of {'records' if isinstance(self.element, Record) else f'{self.element.key}s'}"


@dataclass(frozen=True, eq=False)
class Tuple:
    """Several values. names: those of a layer's outputs, empty for a plain tuple."""

    parts: tuple[Type, ...]
    names: tuple[str, ...]

    @property
    def key(self) -> str:
        return f"({' '.join(self.names)}:{' '.join(part.key for part in self.parts)})"

    def __str__(self) -> str:
        return f"a tuple of {len(self.parts)}"


Type = Number | Nothing | Record | Array | Tuple


@dataclass(frozen=True)
class Field:
    """A field of a record. lengths: of an array that lies in the record."""

    offset: int
    type: Number | Record | Array
    lengths: tuple[int, ...] = ()


@cache
def array(element: Number | Record, rank: int) -> Array:
    return Array(element, rank)


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
    if isinstance(one, Number) and isinstance(other, Number):
        return max(one, other, key=lambda number: number.rank)
    if isinstance(one, Tuple) and isinstance(other, Tuple):
        if one.names != other.names or len(one.parts) != len(other.parts):
            return None
        parts = [join(a, b) for a, b in zip(one.parts, other.parts, strict=True)]
        return None if None in parts else tuple_of(tuple(p for p in parts if p is not None), one.names)
    return None
