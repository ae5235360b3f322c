"""A program in units: their keys, the objects that the store has of them, and the making of those that it lacks."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from pathlib import Path

from stratoquant.graph.kernel.build import Made, compile_behind, compile_units
from stratoquant.graph.kernel.llvm.target import host, machine_key
from stratoquant.graph.kernel.objects import ObjectStore
from stratoquant.graph.kernel.tiers import Tier
from stratoquant.graph.kernel.units import Unit


class Program:
    """name: of its list in the store. Only optimised objects are kept there."""

    def __init__(self, name: str, units: Sequence[Unit], store: ObjectStore) -> None:
        self._name = name
        self._texts = [unit.text for unit in units]
        self._keys = [hashlib.sha256(f"{maker()}\x00{text}".encode()).hexdigest() for text in self._texts]
        self._store = store
        self._objects: list[bytes | None] = [None] * len(units)
        self._is_kept = True
        self._read()

    def lacking(self) -> list[str]:
        """The texts of the units without an optimised object."""
        return [text for text, content in zip(self._texts, self._objects, strict=True) if content is None]

    def quick(self) -> list[bytes]:
        """Its objects, of the quick tier where there is no optimised one."""
        objects, lacking = list(self._objects), self._lacking()
        for position, content in compile_units(self.lacking(), host(), Tier.QUICK):
            objects[lacking[position]] = content
        return [content for content in objects if content is not None]

    def optimised(self) -> list[bytes]:
        """Its objects. Where another process makes them already, this one waits for it."""
        with self._store.lock(self._name):
            self._read()
            return self._finished(compile_units(self.lacking(), host(), Tier.OPTIMISED))

    def optimised_behind(self, stopped: Callable[[], bool]) -> list[bytes] | None:
        """The same without this process; None where it was stopped first. What was made until then is in the store."""
        with self._store.lock(self._name, stopped):
            self._read()
            objects = self._finished(compile_behind(self.lacking(), host(), Tier.OPTIMISED, stopped))
            return objects if len(objects) == len(self._keys) else None

    def _finished(self, made: Iterable[Made]) -> list[bytes]:
        """Keeps objects as they are made; all of them, if the last was made."""
        lacking = self._lacking()
        for position, content in made:
            self._objects[lacking[position]] = content
            self._is_kept &= self._store.write(self._keys[lacking[position]], content)
        objects = [content for content in self._objects if content is not None]
        if len(objects) == len(self._keys) and self._is_kept:
            self._store.write_list(self._name, self._keys)
            self._store.trim()
        return objects

    def _lacking(self) -> list[int]:
        return [position for position, content in enumerate(self._objects) if content is None]

    def _read(self) -> None:
        """Takes what the store has by now."""
        for position in self._lacking():
            self._objects[position] = self._store.read(self._keys[position])


@cache
def maker() -> str:
    """Equal where the same text gives the same object: processor, LLVM, options and the source of this package."""
    files = sorted(Path(__file__).parent.rglob("*.py"))
    source = hashlib.sha256(b"\x00".join(file.read_bytes() for file in files)).hexdigest()
    return f"{source} {machine_key(host())}"
