"""The types that declarations give: of a kernel's arguments by their annotations, and of the fields of records.

Where records lie in memory is not known here, nor how long an array is whose length depends on parameters.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from stratoquant.graph.kernel.types import BOOL, FLOAT, INT, UNKNOWN, Field, Number, Record, Type, array
from stratoquant.graph.kernel.types import Array as FieldArray
from stratoquant.graph.language import PER_SYMBOL, Array, Model, Parameters, State, StateField, remembered, state_fields
from stratoquant.graph.market import BOOK_LEVELS, LADDERS, SCALARS
from stratoquant.graph.types import EdgeType, Vector, port_type


class MarketRecord:
    """Stands for the record of graph.market."""


_FIXED: Mapping[type, str] = {Parameters: "parameters", Model: "fitted numbers", MarketRecord: "inputs"}


@remembered
def declared_types(function: Callable[..., Any]) -> dict[str, Type]:
    """By argument of a kernel; unknown for one without an annotation."""
    hints = get_type_hints(function, include_extras=True)
    names = function.__code__.co_varnames[: function.__code__.co_argcount]
    return {name: _annotated(hints.get(name, Any)) for name in names}


def _annotated(hint: Any) -> Type:
    plain = {float: FLOAT, int: INT, bool: BOOL}.get(hint) if isinstance(hint, type) else None
    if plain is not None:
        return plain
    if hint == Array or hint is Vector or get_origin(hint) is get_origin(Vector):
        return array(FLOAT, 1)
    if isinstance(hint, type) and issubclass(hint, State | Parameters):
        return record_of(hint, next((word for base, word in _FIXED.items() if issubclass(hint, base)), ""))
    if get_origin(hint) is Annotated and any(isinstance(m, EdgeType) for m in get_args(hint)):
        port = port_type(hint)
        if port.edge.name == "market_event":
            return record_of(MarketRecord, _FIXED[MarketRecord])
        return array(FLOAT, 1, port.size, "inputs") if port.size is not None or port.per_symbol else FLOAT
    return UNKNOWN


def record_of(declared: type, fixed: str) -> Record:
    """declared: a State, a Model, a Parameters or MarketRecord. fixed: what it belongs to, if it is only read."""
    return _record((declared, fixed))


@remembered
def _record(key: tuple[type, str]) -> Record:
    declared, fixed = key
    fields: dict[str, Field]
    if issubclass(declared, Parameters):
        fields = {n: Field(0, INT if f.annotation is int else FLOAT) for n, f in declared.model_fields.items()}
    elif issubclass(declared, State):
        fields = {f.name: Field(0, _field(f, fixed)) for f in state_fields(declared)}
    else:
        ladder = Field(0, array(FLOAT, 1, BOOK_LEVELS, fixed))
        fields = dict.fromkeys(SCALARS, Field(0, FLOAT)) | dict.fromkeys(LADDERS, ladder)
    return Record(0, fields, f"{declared.__module__}.{declared.__qualname__}", declared, fixed)


def _field(field: StateField, fixed: str) -> Number | Record | FieldArray:
    if field.kind == "array":
        capacity = field.sizing.capacity
        length = capacity if isinstance(capacity, int) and capacity != PER_SYMBOL else None
        return array(FLOAT, 1, length, fixed)
    if field.kind == "state":
        assert field.state is not None
        return record_of(field.state, fixed)
    return INT if field.kind == "int" else FLOAT
