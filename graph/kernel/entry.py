"""The entry of an emitted module as machine code made by LLVM: from the store when it is there, else translated."""

from __future__ import annotations

import gc
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock

from stratoquant.graph.kernel.behind import Build, optimise_behind
from stratoquant.graph.kernel.call import Argument, MachineCode, signature_text
from stratoquant.graph.kernel.code import NativeCode
from stratoquant.graph.kernel.inlining import mark_inlined
from stratoquant.graph.kernel.objects import ObjectStore
from stratoquant.graph.kernel.program import Program, maker
from stratoquant.graph.kernel.read import read_program
from stratoquant.graph.kernel.source import parse_module
from stratoquant.graph.kernel.tiers import quick_pays
from stratoquant.graph.kernel.types import FLOAT, INT, Type, array, type_of
from stratoquant.graph.kernel.units import Unit, divide


class NativeEntry:
    """The entry of a module. module: its file, whose name tells its content."""

    def __init__(self, module: Path) -> None:
        self._module = module
        self._store = ObjectStore(module.parent)
        self._entered: dict[tuple[Argument, ...], NativeCode] = {}
        self._builds: list[Build] = []
        self._loading = Lock()

    def enter(self, arguments: tuple[Argument, ...]) -> MachineCode:
        """The machine code for these types of arguments, loaded once for all threads."""
        with self._loading:
            if arguments not in self._entered:
                self._entered[arguments] = self._load(arguments)
            return self._entered[arguments]

    def finish(self) -> None:
        """Waits until the machine code is the best there will be."""
        for build in self._builds:
            build.wait()

    def _load(self, arguments: tuple[Argument, ...]) -> NativeCode:
        name = list_name(self._module.stem, arguments)
        objects = self._store.read_list(name)
        if objects is not None:
            return NativeCode(objects)
        program = Program(name, translate(self._module.read_text(encoding="utf-8"), arguments), self._store)
        if not quick_pays(program.lacking()):
            return NativeCode(program.optimised())
        code = NativeCode(program.quick())
        self._builds.append(optimise_behind(program, code))
        return code


def translate(text: str, arguments: tuple[Argument, ...]) -> list[Unit]:
    """The units of an emitted module for these types of arguments, as LLVM IR."""
    with _no_collection():
        return _translated(text, arguments)


def _translated(text: str, arguments: tuple[Argument, ...]) -> list[Unit]:
    source = parse_module(text)
    functions = read_program(source, [_type(argument) for argument in arguments])
    mark_inlined(functions, source)
    return divide(functions, arguments)


def _type(argument: Argument) -> Type:
    if isinstance(argument, type):
        return INT if argument is int else FLOAT
    dtype, axes = argument
    return array(type_of(dtype), axes)


def list_name(module: str, arguments: tuple[Argument, ...]) -> str:
    """What the list of a module's units is called."""
    return f"{built_name(module)}.{_short(signature_text(arguments))}"


def built_name(module: str) -> str:
    """The same without the types of the entry's arguments."""
    return f"{module}.{_short(maker())}"


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@contextmanager
def _no_collection() -> Iterator[None]:
    """Python does not look for garbage meanwhile: nodes are many, and none is garbage."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
