"""The typed program of one layer: its step and all that it calls, with the places in their own files."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from stratoquant.graph.kernel.guard import GUARDED, OUTSIDE_TYPE
from stratoquant.graph.kernel.nodes import Function, Place
from stratoquant.graph.kernel.read import read_program
from stratoquant.graph.kernel.source import parse_module
from stratoquant.graph.kernel.types import FLOAT, Type, array, type_of
from stratoquant.graph.kernel_text import Emitted, KernelText, imports, source_lines
from stratoquant.graph.kernels import short_path
from stratoquant.graph.language import Layer, Parameters
from stratoquant.graph.layout import model_dtype, params_dtype, state_dtype
from stratoquant.graph.market import MARKET_EVENT
from stratoquant.graph.types import PortType


@dataclass(frozen=True)
class LayerProgram:
    """functions: callees first, the step is the last."""

    functions: tuple[Function, ...]
    _kernels: dict[str, Emitted]
    _lines: dict[int, int]

    def file_of(self, function: Function) -> str:
        """Empty for a kernel that stands in no file."""
        kernel = self._kernels.get(function.name)
        return "" if kernel is None else short_path(kernel.source.file)

    def line_of(self, place: Place) -> int | None:
        """The line of a node in the file of its kernel."""
        return self._lines.get(place.line)


def layer_program(
    layer: Layer,
    params: Parameters | None,
    symbols: int,
    ports: Collection[str] = (),
    *,
    guarded: bool = False,
) -> LayerProgram:
    """params: those that size the memory. symbols: how many a portfolio layer has room for. ports: the outputs that are
    told, all of them by default. guarded: with every index checked, as layers of the user's own run."""
    texts = KernelText(frozenset({"run"}))
    step = texts.add_layer(layer, ports)
    records = _records(layer, params, symbols)
    arguments = {**records, **{f"input_{name}": _input(port) for name, port in layer.inputs.items()}}
    names, kinds = ", ".join(arguments), list(arguments.values())
    call = f"{GUARDED}(outside, {step}, {names})" if guarded else f"{step}({names})"
    entry = f"@entry\ndef run({'outside, ' if guarded else ''}{names}):\n    return {call}\n"
    body = f"{texts.text()}\n\n\n{entry}"
    text = f"{imports(body)}\n\n\n{body}"
    functions = read_program(parse_module(text), [*([OUTSIDE_TYPE] if guarded else []), *kinds])[:-1]
    lines: dict[int, int] = {}
    kernels = {}
    for kernel in texts.kernels:
        first = text[: text.index(f"\n{kernel.text}\n") + 1].count("\n") + 1
        lines |= {first + generated - 1: line for generated, line in source_lines(kernel).items()}
        kernels[texts.name_of(kernel.source.function)] = kernel
    return LayerProgram(tuple(functions), kernels, lines)


def _records(layer: Layer, params: Parameters | None, symbols: int) -> dict[str, Type]:
    """By argument, in the order of a step's."""
    records: dict[str, Type] = {}
    if layer.state is not None:
        records["s"] = type_of(state_dtype(layer.state, params, symbols))
    if layer.params is not None:
        records["p"] = type_of(params_dtype(layer.params))
    if layer.model is not None:
        records["m"] = type_of(model_dtype(layer.model))
    return records


def _input(port: PortType) -> Type:
    if port.edge.name == "market_event":
        return type_of(MARKET_EVENT)
    return array(FLOAT, 1) if port.size is not None or port.per_symbol else FLOAT
