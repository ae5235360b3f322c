"""The entry of an emitted module as machine code made by LLVM: from the store when it is there, else translated."""

from __future__ import annotations

import ctypes
import gc
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from threading import Lock

from graph.kernel.build import compile_units
from graph.kernel.call import Argument, Enter, signature_text
from graph.kernel.inlining import mark_inlined
from graph.kernel.llvm.entrance import ENTRANCE
from graph.kernel.llvm.target import Loaded, host, machine_key
from graph.kernel.objects import ObjectStore
from graph.kernel.read import read_program
from graph.kernel.source import parse_module
from graph.kernel.types import FLOAT, INT, Type, array, type_of
from graph.kernel.units import Unit, divide


class NativeEntry:
    """The entry of a module. module: its file, whose name tells its content."""

    def __init__(self, module: Path) -> None:
        self._module = module
        self._store = ObjectStore(module.parent)
        self._entered: dict[tuple[Argument, ...], tuple[Loaded, Enter]] = {}
        self._loading = Lock()

    def enter(self, arguments: tuple[Argument, ...]) -> Enter:
        """The machine code for these types of arguments, loaded once: a second copy that took the place of the first
        would free code in which another thread may be."""
        with self._loading:
            if arguments not in self._entered:
                loaded = Loaded(self._objects(arguments))
                enter = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_void_p)(loaded.address(ENTRANCE))
                self._entered[arguments] = loaded, enter
            return self._entered[arguments][1]

    def _objects(self, arguments: tuple[Argument, ...]) -> list[bytes]:
        name = f"{built_name(self._module.stem)}.{_short(signature_text(arguments))}"
        objects = self._store.read_list(name)
        if objects is None:
            with self._store.lock(name):
                objects = self._store.read_list(name) or self._make(name, arguments)
        return objects

    def _make(self, name: str, arguments: tuple[Argument, ...]) -> list[bytes]:
        units = translate(self._module.read_text(encoding="utf-8"), arguments)
        keys = [hashlib.sha256(f"{_maker()}\x00{unit.text}".encode()).hexdigest() for unit in units]
        held = [self._store.read(key) for key in keys]
        lacking = [position for position, content in enumerate(held) if content is None]
        made = compile_units([units[position].text for position in lacking], host())
        for position, content in zip(lacking, made, strict=True):
            held[position] = content
        if all(self._store.write(keys[position], content) for position, content in zip(lacking, made, strict=True)):
            self._store.write_list(name, keys)
            self._store.trim()
        return [content for content in held if content is not None]


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


def built_name(module: str) -> str:
    """What the list of a module's units is called, without the types of the entry's arguments."""
    return f"{module}.{_short(_maker())}"


@cache
def _maker() -> str:
    """Equal where the same text gives the same object: processor, LLVM, options and the source of this package."""
    files = sorted(Path(__file__).parent.rglob("*.py"))
    source = hashlib.sha256(b"\x00".join(file.read_bytes() for file in files)).hexdigest()
    return f"{source} {machine_key(host())}"


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
