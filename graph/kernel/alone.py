"""Reads a kernel from its own source: typed functions with places in its file, and the faults in it.

A kernel is typed once for each combination of types that it is called with, whatever wiring it stands in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache, cached_property
from typing import Any

from stratoquant.graph.diagnostics import Diagnostic
from stratoquant.graph.kernel.calls import Calls
from stratoquant.graph.kernel.declared import declared_types
from stratoquant.graph.kernel.faults import FoundFaults
from stratoquant.graph.kernel.nodes import Function
from stratoquant.graph.kernel.statements import StatementReader
from stratoquant.graph.kernel.types import Type
from stratoquant.graph.kernel.values import KnownValues
from stratoquant.graph.kernel.words import MATH_CONSTANTS
from stratoquant.graph.kernels import KernelSource, kernel_source, reachable, short_path
from stratoquant.graph.language import Layer, field_name


def faults_of(function: Callable[..., Any], layer: Layer | None = None) -> list[Diagnostic]:
    """What is wrong with a kernel for the types that it declares. layer: where it is a layer's step."""
    source = kernel_source(function)
    faults = FoundFaults(source.tree.name, short_path(source.file))
    plain = source.tree.args
    if plain.defaults or plain.vararg or plain.kwarg or plain.kwonlyargs or plain.posonlyargs:
        message = "a kernel takes plain positional arguments"
        faults.refuse("K001", source.tree, message, "drop defaults, *, **")
    _read(source, tuple(declared_types(function).values()), faults, layer)
    return faults.found


@cache
def typed_kernel(function: Callable[..., Any], arguments: tuple[Type, ...]) -> Function:
    """A kernel for these types of its arguments. What is wrong with it is not told here."""
    source = kernel_source(function)
    return _read(source, arguments, FoundFaults(source.tree.name, source.file), None)


class _Names:
    """What the names in one kernel stand for."""

    def __init__(self, source: KernelSource, layer: Layer | None) -> None:
        self.tuples = {layer.output.__name__: tuple(map(field_name, layer.outputs))} if layer else {}
        self._source = source

    @cached_property
    def constants(self) -> Mapping[str, float]:
        return self._source.constants | MATH_CONSTANTS

    def parameters(self, name: str) -> Mapping[str, Type] | None:
        return declared_types(self._source.calls[name]) if name in self._source.calls else None

    def calls_itself(self, name: str) -> bool:
        return _reaches(self._source.calls[name], self._source.function)

    def typed(self, name: str, arguments: tuple[Type, ...], *, guarded: bool = False) -> Function:
        return typed_kernel(self._source.calls[name], arguments)


@cache
def _reaches(caller: Callable[..., Any], called: Callable[..., Any]) -> bool:
    return any(source.function is called for source in reachable(caller))


def _read(source: KernelSource, arguments: tuple[Type, ...], faults: FoundFaults, layer: Layer | None) -> Function:
    names = _Names(source, layer)
    known = KnownValues(source.tree, names.constants)
    ports = {field_name(port): kind for port, kind in layer.outputs.items()} if layer else {}
    returns = f"{layer.output.__name__}({', '.join(ports)})" if layer else ""
    before, expected = faults.count(), None
    while True:
        values = Calls(source.tree, names, faults, values=known, ports=ports)
        reader = StatementReader(source.tree, values, names.constants, arguments, expected=expected, returns=returns)
        body = reader.read()
        if not reader.results_differ or expected is not None:
            break
        expected = reader.result
        faults.forget(before)
    parameters = tuple(zip(declared_types(source.function), arguments, strict=True))
    name = source.function.__name__
    return Function(name, name, parameters, reader.result, body, calls=list(values.calls))
