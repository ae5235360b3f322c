"""Records in memory: the dtype of a layer's state and parameters, and their first values.

The fields carry the layers' own names, so a snapshot is readable and can be migrated by name.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from stratoquant.graph.language import PER_SYMBOL, Capacity, Model, Parameters, Sizing, State, state_fields

Record = npt.NDArray[np.void]


def capacity_for(window: int) -> int:
    """The power of two that holds `window` values and the one that leaves."""
    return 1 << max(int(window), 1).bit_length()


def state_dtype(state: type[State], params: Parameters | None, symbols: int, capacity: int = 0) -> np.dtype[np.void]:
    """The record of a state. capacity: elements of the arrays that leave their size to the enclosing state."""
    fields: list[tuple[Any, ...]] = []
    for f in state_fields(state):
        if f.kind == "float":
            fields.append((f.name, np.float64))
        elif f.kind == "int":
            fields.append((f.name, np.int64))
        elif f.kind == "array":
            fields.append((f.name, np.float64, (array_size(f.sizing, params, symbols, capacity),)))
        else:
            assert f.state is not None
            inner = nested_capacity(f.sizing, params, symbols, capacity)
            fields.append((f.name, state_dtype(f.state, params, symbols, inner)))
    return np.dtype(fields or [("unused", np.int64)])


def array_size(sizing: Sizing, params: Parameters | None, symbols: int, inherited: int) -> int:
    """Elements of an array field."""
    if sizing.capacity is None:
        if not inherited:
            raise TypeError("an array without a size needs sized(...) on the state that holds it")
        return inherited
    if isinstance(sizing.capacity, int) and sizing.capacity != PER_SYMBOL:
        return sizing.capacity
    return _window(sizing.capacity, params, symbols)


def nested_capacity(sizing: Sizing, params: Parameters | None, symbols: int, inherited: int) -> int:
    """Elements of the arrays inside a nested state that leave their size to it."""
    return inherited if sizing.capacity is None else _window(sizing.capacity, params, symbols)


def _window(capacity: Capacity, params: Parameters | None, symbols: int) -> int:
    if capacity == PER_SYMBOL:
        return symbols
    window = capacity(params) if callable(capacity) else capacity
    assert window is not None
    return capacity_for(int(window))


def write_first_values(state: type[State], record: Record) -> None:
    """Sets every field of a record, or of an array of records, to its declared first value."""
    for f in state_fields(state):
        if f.kind in ("float", "int"):
            record[f.name] = f.default
        elif f.kind == "array":
            record[f.name] = f.sizing.fill
        else:
            assert f.state is not None
            write_first_values(f.state, record[f.name])


@cache
def params_dtype(params: type[Parameters]) -> np.dtype[np.void]:
    """The record of a layer's parameters: int64 where the declaration says int, else float64."""
    kinds = {name: np.int64 if f.annotation is int else np.float64 for name, f in params.model_fields.items()}
    return np.dtype(list(kinds.items()) or [("unused", np.int64)])


def model_dtype(model: type[Model]) -> np.dtype[np.void]:
    """The record of a layer's fitted numbers."""
    return state_dtype(model, None, 1)


def model_sizes(model: type[Model]) -> dict[str, int]:
    """How many numbers each field of a model holds."""
    return {f.name: array_size(f.sizing, None, 1, 0) for f in state_fields(model)}


def write_params(params: Parameters, record: Record) -> None:
    for name in type(params).model_fields:
        record[name] = getattr(params, name)
