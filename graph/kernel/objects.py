"""Objects on disk: one file per unit, named by what made it, and one list per program of the units that it needs.

A file is written beside its place and moved there, so a reader finds all of it or nothing; it begins with the hash of
its content, and one that does not match counts as missing.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from stratoquant.graph.cache import CacheWarning

_HASH = 32
_MOST_BYTES = 1 << 30
_KEPT = (".o", ".units", ".py")
_GLANCE = 0.05  # s between two looks at whether a lock is free


class ObjectStore:
    """A folder of objects and lists. What cannot be kept is reported by a warning."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self, key: str) -> bytes | None:
        """The object of a unit; None when there is none, or not a whole one."""
        path = self._folder / f"{key}.o"
        try:
            held = path.read_bytes()
        except OSError:
            return None
        mark_used(path)
        content = held[_HASH:]
        return content if hashlib.sha256(content).digest() == held[:_HASH] else None

    def write(self, key: str, content: bytes, *, quietly: bool = False) -> bool:
        """True when it is kept."""
        return self._put(self._folder / f"{key}.o", hashlib.sha256(content).digest() + content, quietly)

    def read_list(self, name: str) -> list[bytes] | None:
        """The objects of a program; None when one of them is missing."""
        try:
            keys = (self._folder / f"{name}.units").read_text(encoding="ascii").split()
        except (OSError, UnicodeDecodeError):
            return None
        mark_used(self._folder / f"{name}.units")
        objects = [self.read(key) for key in keys]
        known = [content for content in objects if content is not None]
        return known if known and len(known) == len(objects) else None

    def write_list(self, name: str, keys: Sequence[str]) -> bool:
        """True when it is kept."""
        return self._put(self._folder / f"{name}.units", "\n".join(keys).encode("ascii"))

    def has_list(self, prefix: str) -> bool:
        return any(self._folder.glob(f"{prefix}*.units"))

    @contextmanager
    def lock(self, name: str, stopped: Callable[[], bool] | None = None) -> Iterator[None]:
        """Held by the one process that builds a program; others wait for it, or until they are stopped, and then go on
        without. Also without a lock where none can be made."""
        try:
            file = (self._folder / f"{name}.lock").open("wb")
        except OSError:
            yield
            return
        with file:
            if stopped is None:
                fcntl.flock(file, fcntl.LOCK_EX)
            else:
                _lock_unless(file, stopped)
            yield

    def trim(self) -> None:
        """Removes what was used longest ago while there is more than a gigabyte of objects, lists and modules."""
        files = []
        for path in (path for path in self._folder.iterdir() if path.suffix in _KEPT):
            try:
                status = path.stat()
            except OSError:
                continue
            files.append((status.st_mtime, status.st_size, path))
        total = sum(size for _, size, _ in files)
        for _, size, path in sorted(files):
            if total <= _MOST_BYTES:
                break
            path.unlink(missing_ok=True)
            total -= size

    def _put(self, path: Path, content: bytes, quietly: bool = False) -> bool:
        part = None
        try:
            with tempfile.NamedTemporaryFile(dir=self._folder, suffix=".part", delete=False) as part:
                part.write(content)
            Path(part.name).replace(path)
        except OSError as problem:
            if part is not None:
                Path(part.name).unlink(missing_ok=True)
            if quietly:
                return False
            reason = (problem.strerror or str(problem)).lower()
            message = f"machine code cannot be kept in {self._folder}: {reason}; each run compiles again until it can"
            warnings.warn(message, CacheWarning, stacklevel=2)
            return False
        return True


def mark_used(path: Path) -> None:
    """What is used lately is kept. A folder that can only be read keeps all."""
    with suppress(OSError):
        os.utime(path)


def _lock_unless(file: IO[bytes], stopped: Callable[[], bool]) -> None:
    while not stopped():
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(_GLANCE)
        else:
            return
