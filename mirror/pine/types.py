"""The types of a script: what a kernel's values are in Pine, and the user-defined types of states and parameters."""

from __future__ import annotations

from typing import Annotated, Any, get_args, get_origin

from stratoquant.graph.language import Layer, Parameters, State, StateField, state_fields
from stratoquant.graph.layout import array_size, nested_capacity
from stratoquant.graph.market import LADDERS, SCALARS
from stratoquant.graph.model_file import ModelFile
from stratoquant.graph.types import EdgeType, PortType, Vector
from stratoquant.mirror.pine.names import safe
from stratoquant.mirror.pine.syntax import FLOATS, NA, Call, Expr, Literal, TypeDef, integer, number

EVENT = "MarketEvent"
EVENT_FIELDS = {**dict.fromkeys(SCALARS, "float"), **dict.fromkeys(LADDERS, FLOATS)}
BOOK_ROOM = 1  # levels of the book of an event: a chart has none, so that one missing level says all


def vector_size(port: PortType) -> int | None:
    """The elements of a port in a script, None for a scalar: what has a value per symbol has one, the chart's."""
    return 1 if port.per_symbol else port.size


def scalar_or_record(hint: Any) -> str | type:
    """What an annotation stands for: a word of Pine, or the State or Parameters class itself.

    Raises TypeError for an annotation that has no form in Pine.
    """
    if hint in (float, int, bool):
        return str(hint.__name__)
    if isinstance(hint, type) and issubclass(hint, State | Parameters):
        return hint
    if hint is Any:
        return EVENT
    if get_origin(hint) is Annotated:
        base, *metadata = get_args(hint)
        edges = [m for m in metadata if isinstance(m, EdgeType)]
        if edges and edges[0].name == "market_event":
            return EVENT
        return FLOATS if base is Vector else "float"
    raise TypeError(f"{hint!r} has no form in Pine")


def field_types(owner: type) -> dict[str, str | type]:
    """The fields of a State or Parameters class with what they stand for."""
    if issubclass(owner, Parameters):
        return {n: "int" if f.annotation is int else "float" for n, f in owner.model_fields.items()}
    return {f.name: FLOATS if f.kind == "array" else (f.state or f.kind) for f in state_fields(owner)}


def type_definition(name: str, owner: type, names: dict[type, str]) -> TypeDef:
    """The user-defined type of a State or Parameters class; names: those of the types inside it."""
    fields = field_types(owner).items()
    return TypeDef(name, tuple((safe(n), kind if isinstance(kind, str) else names[kind]) for n, kind in fields))


def first_value(state: type[State], names: dict[type, str], params: Parameters | None, capacity: int = 0) -> Call:
    """The expression that makes a state as it stands before the first step, as graph.layout lays it out.

    params: those that size the arrays.
    """
    values = tuple(_first_of(f, names, params, capacity) for f in state_fields(state))
    return Call(names[state], f"{names[state]}.new", values)


def _first_of(f: StateField, names: dict[type, str], params: Parameters | None, capacity: int) -> Expr:
    if f.kind == "int":
        return integer(int(f.default))
    if f.kind == "float":
        return real(f.default)
    if f.kind == "array":
        return floats(array_size(f.sizing, params, 1, capacity), f.sizing.fill)
    assert f.state is not None
    return first_value(f.state, names, params, nested_capacity(f.sizing, params, 1, capacity))


def model_value(file: ModelFile, layer: Layer, names: dict[type, str]) -> Call:
    """The expression that holds the numbers of a fitted layer."""
    assert layer.model is not None
    fields = (tuple(real(x) for x in file.values[f.name]) for f in state_fields(layer.model))
    values = tuple(Call(FLOATS, "array.from", numbers) for numbers in fields)
    return Call(names[layer.model], f"{names[layer.model]}.new", values)


def floats(size: int, fill: float) -> Call:
    """A new array."""
    return Call(FLOATS, "array.new<float>", (integer(size), real(fill)))


def real(value: float) -> Expr:
    """A float literal; missing and infinite values as the script writes them."""
    if value != value:
        return NA
    if value in (float("inf"), float("-inf")):
        return Literal("float", "INFINITY" if value > 0 else "-INFINITY")
    return number(float(value))
