"""Runs one layer alone over arrays, compiled and cached as a plan is, for tests against oracles."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cache
from importlib.metadata import version
from typing import Any

import numpy as np

from graph.kernels import KernelText, used_math
from graph.language import Layer, field_name
from graph.layout import model_dtype, params_dtype, state_dtype, write_first_values, write_params
from graph.market import MARKET_EVENT
from graph.passes.p10_build import build
from tests.layers.models import shipped_model


@cache
def _compiled(layer: Layer) -> Any:
    texts = KernelText()
    step = texts.add_layer(layer)
    arguments = [a for a, there in (("s[0]", layer.state), ("p[0]", layer.params), ("m[0]", layer.model)) if there]
    arguments += [f"inputs_{n}[t]" for n in layer.inputs]
    required = [
        f"missing(inputs_{n}[t])" if t.size is None and not t.per_symbol else f"all_missing(inputs_{n}[t])"
        for n, t in layer.inputs.items()
        if not t.optional and t.edge.name != "market_event"
    ]
    parameters = ", ".join(
        ["s", "p", "m", "warmup", *(f"inputs_{n}" for n in layer.inputs), *(f"out_{n}" for n in layer.outputs)]
    )
    lines = [f"def run({parameters}):", "    steps = 0", f"    for t in range(len(out_{next(iter(layer.outputs))})):"]
    lines += [f"        if {' or '.join(required) or 'False'}:", "            continue"]
    lines += [f"        o = {step}({', '.join(arguments)})", "        steps += 1", "        if steps > warmup:"]
    for n, t in layer.outputs.items():
        if t.size is None and not t.per_symbol:
            lines.append(f"            out_{n}[t] = o.{field_name(n)}")
        else:
            lines += [
                f"            for k in range(out_{n}.shape[1]):",
                f"                out_{n}[t, k] = o.{field_name(n)}[k]",
            ]
    helpers = (
        "def missing(x):\n    return x != x\n",
        "def all_missing(x):\n    for k in range(len(x)):\n        if x[k] == x[k]:\n            return False\n"
        "    return True\n",
    )
    text = texts.text() + "\n\n" + "\n".join(f"@njit\n{h}" for h in helpers)
    source = (
        f"from collections import namedtuple\nfrom math import {', '.join(used_math(text) or ['pi'])}\n\n"
        f"import numpy as np\nfrom numba import njit\n\n\n{text}\n\n@njit(error_model='numpy', cache=True)\n"
        + "\n".join(lines)
        + "\n"
    )
    digest = hashlib.sha256("\x00".join((source, version("numba"), version("numpy"))).encode()).hexdigest()[:16]
    return build(f"layer_{layer.identifier}_{digest}", source)


def run_layer(
    layer: Layer,
    inputs: dict[str, Any],
    params: dict[str, float] | None = None,
    symbols: int = 1,
    model: dict[str, Sequence[float]] | None = None,
) -> dict[str, np.ndarray]:
    """Steps `layer` over the inputs; returns one array a port, NaN where the step was not taken or is in warm-up.

    inputs: per port an array of shape (bars,), of (bars, size) for a vector, of (bars, symbols) for a per-symbol port
    of a portfolio layer, or a number that stays the same. An optional port that is left out is missing. A market event
    is an array of graph.market.MARKET_EVENT records, one a bar, and never counts as missing.
    """
    return run_with_state(layer, inputs, params, symbols, model=model)[0]


def run_with_state(
    layer: Layer,
    inputs: dict[str, Any],
    params: dict[str, float] | None = None,
    symbols: int = 1,
    sized_for: dict[str, float] | None = None,
    model: dict[str, Sequence[float]] | None = None,
) -> tuple[dict[str, np.ndarray], np.void]:
    """As `run_layer`, and the layer's memory after the last bar.

    sized_for: other parameters that size the memory, so that several sets share one compilation. model: the numbers of
    a fitted layer; without them those that the tree ships.
    """
    bars = max(np.shape(v)[0] for v in inputs.values() if np.ndim(v))
    columns = []
    for name, port in layer.inputs.items():
        assert name in inputs or port.optional, f"{layer.key} needs the input {name}"
        if port.edge.name == "market_event":
            columns.append(np.ascontiguousarray(inputs[name], dtype=MARKET_EVENT))
            continue
        width = port.size or (symbols if port.per_symbol else None)
        shape = (bars,) if width is None else (bars, width)
        value = inputs.get(name, np.nan)
        columns.append(np.ascontiguousarray(np.broadcast_to(np.asarray(value, dtype=np.float64), shape)))
    settings = layer.params(**(params or {})) if layer.params else None
    state = np.zeros(1, np.dtype([("unused", "i8")]))
    if layer.state:
        sizes = layer.params(**sized_for) if layer.params and sized_for is not None else settings
        state = np.zeros(1, state_dtype(layer.state, sizes, symbols))
        write_first_values(layer.state, state)
    record = np.zeros(1, params_dtype(layer.params) if layer.params else np.dtype([("unused", "i8")]))
    if settings is not None:
        write_params(settings, record)
    fitted = np.zeros(1, model_dtype(layer.model) if layer.model else np.dtype([("unused", "i8")]))
    shipped = shipped_model(layer)
    for name, numbers in (model or (shipped.values if shipped else {})).items():
        fitted[name] = numbers
    outputs = {}
    for name, port in layer.outputs.items():
        width = port.size or (symbols if port.per_symbol else None)
        outputs[name] = np.full((bars,) if width is None else (bars, width), np.nan)
    _compiled(layer)(state, record, fitted, layer.warmup(settings), *columns, *outputs.values())
    return outputs, state[0]
