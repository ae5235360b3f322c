"""What code is, as one short word, found without parsing it: the text of its module and of all that the module uses.

Two pieces of code with the same word behave alike, so what follows from code alone can be kept under its word.
"""

from __future__ import annotations

import hashlib
import inspect
import sys
from collections.abc import Callable
from dataclasses import fields
from functools import cache
from pathlib import Path
from types import BuiltinFunctionType, CodeType, FunctionType, ModuleType
from typing import Any, NamedTuple

import numpy as np
import pydantic

from stratoquant.graph.language import Layer
from stratoquant.graph.venue import Venue

_OWN = __package__ or ""
_FIXED = sys.stdlib_module_names | {"numpy", "pydantic", "pydantic_core"}
"""Packages that `compiler_content` stands for, by their version or their text."""


class _Module(NamedTuple):
    """own: a word for its text and for the values of its globals. uses: the modules that these come from."""

    own: str
    uses: frozenset[str]


@cache
def compiler_content() -> str:
    """A word for this package with the Python and the packages below it: for all that reads, checks and emits code."""
    folder = Path(__file__).parent
    files = sorted(folder.rglob("*.py"))
    named = (f"{file.relative_to(folder)}\x00{_hash(file.read_bytes())}" for file in files)
    return _hash("\x00".join((sys.version, np.__version__, pydantic.VERSION, *named)).encode())


def content_of(code: Layer | Callable[..., Any]) -> str | None:
    """A word for a layer or a function of a module, for all modules that it reaches, and for this package. None where
    there is none: its module has no source file or a value that another process would not know again, or it was made
    inside a function."""
    function = code.step if isinstance(code, Layer) else code
    module = sys.modules.get(function.__module__)
    if not _is_of(module, function) or vars(module).get(function.__name__) is not code:
        return None
    reached: dict[str, str] = {}
    waiting = [function.__module__]
    while waiting:
        name = waiting.pop()
        if name in reached or name.partition(".")[0] in _FIXED or f"{name}.".startswith(f"{_OWN}."):
            continue
        module = sys.modules.get(name)
        found = None if module is None else _module(module)
        if found is None:
            return None
        reached[name] = found.own
        waiting += found.uses
    parts = (f"{name}\x00{own}" for name, own in sorted(reached.items()))
    return _hash("\x00".join((compiler_content(), function.__module__, function.__name__, *parts)).encode())


def is_as_imported(function: Callable[..., Any]) -> bool:
    """False where the file of a function was changed after it was imported, so that its text is not what runs."""
    module = sys.modules.get(function.__module__)
    return module is not None and function.__code__ in _codes_of(module)


@cache
def _module(module: ModuleType) -> _Module | None:
    source = _source(module)
    if source is None:
        return None
    named = {name: value for name, value in sorted(vars(module).items()) if not name.startswith("__")}
    try:
        found = [_value(value) for value in named.values()]
    except Exception:  # what a user's object does when it is looked at
        return None
    if None in found:
        return None
    words = (f"{name}={word}" for name, value in zip(named, found, strict=True) for word, _ in value or ())
    uses = frozenset(used for value in found for _, used in value or ()) - {"", module.__name__}
    return _Module(_hash("\x00".join((_hash(source), *words)).encode()), uses)


def _value(value: Any) -> list[tuple[str, str]] | None:
    """What a global is: words, each with the module that tells the rest. None where they would not tell."""
    value = inspect.unwrap(value)
    if isinstance(value, ModuleType):
        return [("", value.__name__)]
    if isinstance(value, FunctionType) and not _is_of(sys.modules.get(value.__module__), value):
        return None
    if isinstance(value, type | FunctionType | BuiltinFunctionType):
        return [(f"{value.__module__}.{value.__qualname__}", value.__module__)]
    if isinstance(value, Layer | Venue):
        parts = [_value(getattr(value, f.name)) for f in fields(value)]
        return None if None in parts else [word for part in parts for word in part or ()]
    if isinstance(value, int | float):  # whatever a class of its own says of it
        return [((float if isinstance(value, float) else int).__repr__(value), "")]
    written = str(sorted(map(repr, value))) if isinstance(value, set | frozenset) else repr(value)
    return None if " at 0x" in written else [(written, "")]


def _is_of(module: ModuleType | None, function: Callable[..., Any]) -> bool:
    """False where another module has taken the name of the function's own."""
    return module is not None and vars(module) is function.__globals__


@cache
def _codes_of(module: ModuleType) -> frozenset[CodeType]:
    """What the source of a module compiles to, if its file still holds it."""
    source = _source(module)
    if source is None or source != _read(module):
        return frozenset()
    codes, waiting = set(), [compile(source, str(module.__file__), "exec", dont_inherit=True)]
    while waiting:
        code = waiting.pop()
        codes.add(code)
        waiting += [part for part in code.co_consts if isinstance(part, CodeType)]
    return frozenset(codes)


@cache
def _source(module: ModuleType) -> bytes | None:
    """The source as it was when it was first asked for."""
    return _read(module)


def _read(module: ModuleType) -> bytes | None:
    file = getattr(module, "__file__", None)
    if file is None or not file.endswith(".py"):
        return None
    try:
        return Path(file).read_bytes()
    except OSError:
        return None


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
