"""One layer alone over arrays, compiled and cached as a plan is. For tests, benchmarks and notebooks; no wiring."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from stratoquant.graph.derived import derived
from stratoquant.graph.kernel.call import Call, Entry
from stratoquant.graph.kernel_text import KernelText, imports
from stratoquant.graph.language import Layer, field_name
from stratoquant.graph.layout import model_dtype, params_dtype, state_dtype, write_first_values, write_params
from stratoquant.graph.market import MARKET_EVENT
from stratoquant.graph.passes.p10_build import backend, build, fingerprint
from stratoquant.graph.types import PortType

Arrays = dict[str, npt.NDArray[Any]]
_NOTHING = np.dtype([("unused", "i8")])
_HELPERS = """@kernel
def missing(x):
    return x != x


@kernel
def all_missing(x):
    for k in range(len(x)):
        if x[k] == x[k]:
            return False
    return True
"""


@dataclass(frozen=True)
class Prepared:
    """A layer with its records and inputs, ready to run. outputs: one array a port, NaN where no step was taken or it
    warmed up. memory: the layer's state, one record."""

    layer: Layer
    memory: npt.NDArray[np.void]
    outputs: Arrays
    _arguments: tuple[Any, ...]

    def run(self) -> None:
        """Steps over every bar, from the memory as it stands."""
        self._call()

    @cached_property
    def _call(self) -> Callable[[], int]:
        return Call(_compiled(self.layer, backend()), self._arguments)


def prepare(
    layer: Layer,
    inputs: Mapping[str, Any],
    params: Mapping[str, float] | None = None,
    symbols: int = 1,
    sized_for: Mapping[str, float] | None = None,
    model: Mapping[str, Sequence[float]] | None = None,
) -> Prepared:
    """Lays out a layer's memory and inputs.

    inputs: per port an array of shape (bars,), of (bars, size) for a vector, of (bars, symbols) for a per-symbol port
    of a portfolio layer, or a number that stays the same. An optional port that is left out is missing. A market event
    is an array of graph.market.MARKET_EVENT records, one a bar, never missing. sized_for: other parameters that size
    the memory, so that several sets share one compilation. model: the numbers of a fitted layer.
    Raises ValueError for a required input or a model that is not there.
    """
    bars = max(np.shape(v)[0] for v in inputs.values() if np.ndim(v))
    columns = [_column(layer, name, port, inputs, bars, symbols) for name, port in layer.inputs.items()]
    settings = layer.params(**(params or {})) if layer.params else None
    memory = np.zeros(1, _NOTHING)
    if layer.state:
        sizes = layer.params(**sized_for) if layer.params and sized_for is not None else settings
        memory = np.zeros(1, state_dtype(layer.state, sizes, symbols))
        write_first_values(layer.state, memory)
    record = np.zeros(1, params_dtype(layer.params) if layer.params else _NOTHING)
    if settings is not None:
        write_params(settings, record)
    fitted = np.zeros(1, model_dtype(layer.model) if layer.model else _NOTHING)
    if layer.model and model is None:
        raise ValueError(f"{layer.key} was fitted to data; give its model")
    for name, numbers in (model or {}).items():
        fitted[name] = numbers
    outputs = {}
    for name, port in layer.outputs.items():
        width = _width(port, symbols)
        outputs[name] = np.full((bars,) if width is None else (bars, width), np.nan)
    arguments = (memory, record, fitted, layer.warmup(settings), *columns, *outputs.values())
    return Prepared(layer, memory, outputs, arguments)


def _width(port: PortType, symbols: int) -> int | None:
    return port.size or (symbols if port.per_symbol else None)


def _column(
    layer: Layer, name: str, port: PortType, inputs: Mapping[str, Any], bars: int, symbols: int
) -> npt.NDArray[Any]:
    if name not in inputs and not port.optional:
        raise ValueError(f"{layer.key} needs the input {name}")
    if port.edge.name == "market_event":
        return np.ascontiguousarray(inputs[name], dtype=MARKET_EVENT)
    width = _width(port, symbols)
    shape = (bars,) if width is None else (bars, width)
    value = np.asarray(inputs.get(name, np.nan), dtype=np.float64)
    return np.ascontiguousarray(np.broadcast_to(value, shape))


@cache
def _compiled(layer: Layer, maker: str) -> Entry:
    """maker: the backend, so that each has an entry of its own."""
    source = derived("alone", [layer], (), lambda: _module_text(layer))
    return build(f"layer_{layer.identifier}_{fingerprint(source)}", source)


def _module_text(layer: Layer) -> str:
    texts = KernelText()
    step = texts.add_layer(layer)
    arguments = [a for a, there in (("s[0]", layer.state), ("p[0]", layer.params), ("m[0]", layer.model)) if there] + [
        f"inputs_{n}[t]" for n in layer.inputs
    ]
    lines = [_heading(layer), "    steps = 0", f"    for t in range(len(out_{next(iter(layer.outputs))})):"]
    if lacking := _lacking(layer):
        lines += [f"        if {' or '.join(lacking)}:", "            continue"]
    lines += [f"        o = {step}({', '.join(arguments)})", "        steps += 1", "        if steps > warmup:"]
    for n, port in layer.outputs.items():
        if _width(port, 1) is None:
            lines.append(f"            out_{n}[t] = o.{field_name(n)}")
        else:
            lines += [
                f"            for k in range(out_{n}.shape[1]):",
                f"                out_{n}[t, k] = o.{field_name(n)}[k]",
            ]
    lines.append("    return steps")
    body = "\n".join([texts.text(), "", "", _HELPERS, "", "@entry", *lines, ""])
    return f"{imports(body)}\n\n\n{body}"


def _heading(layer: Layer) -> str:
    ports = [*(f"inputs_{n}" for n in layer.inputs), *(f"out_{n}" for n in layer.outputs)]
    return f"def run({', '.join(['s', 'p', 'm', 'warmup', *ports])}):"


def _lacking(layer: Layer) -> list[str]:
    """The conditions under which a step is not taken."""
    return [
        f"{'missing' if _width(port, 1) is None else 'all_missing'}(inputs_{n}[t])"
        for n, port in layer.inputs.items()
        if not port.optional and port.edge.name != "market_event"
    ]
