"""A layer alone over arrays, as a function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from stratoquant.graph.alone import prepare
from stratoquant.graph.language import Layer
from stratoquant.layers import catalogue


def layer(key: str) -> Callable[..., dict[str, Any]]:
    """A layer or a block as a function of its inputs and parameters, by keyword.

    `sq.layer("L14")(close=x, window=21)` gives {"rsi": ..., "centred": ..., "slope": ...}, arrays as long as the
    inputs, NaN where the layer warms up or an input is missing. An input is an array of shape (bars,), or (bars, size)
    for a vector, a Series of polars or pandas, or a number that stays the same; Series in give Series out, with the
    index of the first. Raises KeyError for an unknown layer, and TypeError for an unknown keyword or a missing input.
    """
    known = catalogue()
    if key not in known:
        raise KeyError(f"{key} is no layer; `stratoquant layers` lists them")
    found = known.get(key)

    def run(**given: Any) -> dict[str, Any]:
        return _run(found, given)

    run.__name__, run.__doc__ = found.name, found.step.__doc__ or found.name
    return run


def _run(found: Layer, given: dict[str, Any]) -> dict[str, Any]:
    parameters = set(found.params.model_fields) if found.params else set()
    if unknown := sorted(given.keys() - found.inputs.keys() - parameters):
        raise TypeError(f"{found.key} takes {', '.join((*found.inputs, *sorted(parameters)))}, not {unknown[0]}")
    if missing := [n for n, port in found.inputs.items() if not port.optional and n not in given]:
        raise TypeError(f"{found.key} needs {', '.join(missing)}")
    inputs = {name: given[name] for name in found.inputs if name in given}
    prepared = prepare(
        found, {n: _array(x) for n, x in inputs.items()}, {n: given[n] for n in parameters if n in given}
    )
    prepared.run()
    like = next((x for x in inputs.values() if hasattr(x, "to_numpy")), None)
    return {name: _like(values, like, name) for name, values in prepared.outputs.items()}


def _array(value: Any) -> Any:
    return (
        value.to_numpy()
        if hasattr(value, "to_numpy")
        else np.asarray(value, dtype=np.float64)
        if np.ndim(value)
        else value
    )


def _like(values: np.ndarray, like: Any, name: str) -> Any:
    """The values as the library of an input has them; those of a vector stay an array."""
    if like is None or values.ndim > 1:
        return values
    if type(like).__module__.startswith("pandas"):
        return type(like)(values, index=like.index, name=name)
    return type(like)(name, values)
