"""Reads an emitted module into typed functions, from its entry downwards. Types come from the entry's arguments.

A kernel is typed once for each combination of types that it is called with.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

from stratoquant.graph.kernel.emitted import EmittedExpressions
from stratoquant.graph.kernel.errors import KernelTypeError
from stratoquant.graph.kernel.expressions import place_of
from stratoquant.graph.kernel.faults import RaisedFaults
from stratoquant.graph.kernel.guard import OUTSIDE, OUTSIDE_TYPE
from stratoquant.graph.kernel.nodes import Function
from stratoquant.graph.kernel.source import ModuleSource
from stratoquant.graph.kernel.statements import StatementReader
from stratoquant.graph.kernel.types import UNKNOWN, Type


def read_program(source: ModuleSource, arguments: Sequence[Type]) -> list[Function]:
    """The typed functions that the entry needs, callees first; the entry is the last."""
    program = _Program(source)
    program.typed(source.entry, tuple(arguments))
    return list(program.functions.values())


class _Program:
    """The functions read so far, by name and types of their arguments."""

    def __init__(self, source: ModuleSource) -> None:
        self.functions: dict[tuple[str, tuple[Type, ...], bool], Function] = {}
        self.constants, self.tuples = source.constants, source.tuples
        self._source = source
        self._open: list[str] = []
        self._parameters: dict[str, dict[str, Type]] = {}

    def parameters(self, name: str) -> Mapping[str, Type] | None:
        if name not in self._source.functions:
            return None
        if name not in self._parameters:
            self._parameters[name] = {a.arg: UNKNOWN for a in self._source.functions[name].args.args}
        return self._parameters[name]

    def calls_itself(self, name: str) -> bool:
        return name in self._open

    def typed(self, name: str, arguments: tuple[Type, ...], *, guarded: bool = False) -> Function:
        known = self.functions.get((name, arguments, guarded))
        if known is not None:
            return known
        tree = self._source.functions[name]
        if len(arguments) != len(tree.args.args):
            message = f"it takes {len(tree.args.args)} arguments, and is called with {len(arguments)}"
            raise KernelTypeError(name, message, place_of(tree))
        self._open.append(name)
        function = self._read(name, arguments, guarded)
        self._open.pop()
        self.functions[name, arguments, guarded] = function
        return function

    def _read(self, name: str, arguments: tuple[Type, ...], guarded: bool) -> Function:
        tree = self._source.functions[name]
        values = EmittedExpressions(tree, self, RaisedFaults(name), guarded=guarded)
        reader = StatementReader(tree, values, self.constants, arguments)
        body = reader.read()
        if reader.results_differ:
            values = EmittedExpressions(tree, self, RaisedFaults(name), guarded=guarded)
            reader = StatementReader(tree, values, self.constants, arguments, expected=reader.result)
            body = reader.read()
        parameters = tuple(zip((a.arg for a in tree.args.args), arguments, strict=True))
        symbol, calls = _symbol(name, arguments), list(values.calls)
        if guarded:
            symbol, parameters = f"{symbol}.guarded", ((OUTSIDE, OUTSIDE_TYPE), *parameters)
        return Function(name, symbol, parameters, reader.result, body, guarded=guarded, calls=calls)


def _symbol(name: str, arguments: tuple[Type, ...]) -> str:
    """Depends on nothing else in the module, so that equal kernels of two modules are equal text."""
    return f"{name}.{hashlib.sha256('|'.join(kind.key for kind in arguments).encode()).hexdigest()[:8]}"
