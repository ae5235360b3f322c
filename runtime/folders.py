"""Replacing a folder as a whole: a reader finds the old one or the new one, whenever the writer dies."""

from __future__ import annotations

import ctypes
import errno
import glob
import os
import secrets
import shutil
import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import lock_descriptor

from stratoquant.runtime.errors import StratoError
from stratoquant.runtime.files import FILE_CODES, refused_as_error

_NO_EXCHANGE = (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EXDEV)
_EXCHANGE = {"linux": ("renameat2", 2), "darwin": ("renameatx_np", 2)}  # a function of libc and its flag
_HERE = {"linux": -100, "darwin": -2}  # AT_FDCWD


@contextmanager
def write_folder(path: str | os.PathLike[str], known: Collection[str]) -> Iterator[Path]:
    """Yield a new folder beside `path` to fill; it takes the name `path` when the block ends without an exception.

    known: the names that a folder which stands there may hold, for it is removed; one that holds anything else is
    refused. On any exception, Ctrl-C included, what was written is removed and the old folder stays as it was. Folders
    above are made, and what an earlier writer left that died is cleared up. What the operating system refuses is
    raised as a StratoError.
    """
    target = Path(path).resolve()
    with refused_as_error(target):
        _clear_up(target)
        _refuse_foreign(target, known)
        target.parent.mkdir(parents=True, exist_ok=True)
        part, held = _new_part(target)
        try:
            yield part
            _refuse_foreign(target, known)
            _replace(target, part)
        finally:
            shutil.rmtree(part, ignore_errors=True)
            os.close(held)


def _new_part(target: Path) -> tuple[Path, int]:
    """A new folder beside the target, and a descriptor that locks it for as long as this process lives."""
    while True:
        part = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
        part.mkdir()
        held = os.open(part, os.O_RDONLY)
        if _lock(held) is not False and part.exists():  # else another process took it for abandoned and removes it
            return part, held
        os.close(held)


def _lock(descriptor: int) -> bool | None:
    """Whether the lock was free and is ours now; None where the file system has no locks."""
    try:
        return lock_descriptor(descriptor, blocking=False)
    except OSError:
        return None


def _clear_up(target: Path) -> None:
    """What writers of the target left that died: the old folder gets its name back, all else is removed."""
    mark = f".{glob.escape(target.name)}.????????"
    for old in target.parent.glob(f"{mark}.old"):
        if _is_abandoned(old.with_suffix(".part")):
            if target.exists():
                shutil.rmtree(old, ignore_errors=True)
            else:
                old.rename(target)
    for part in target.parent.glob(f"{mark}.part"):
        if part.is_dir() and _is_abandoned(part):
            shutil.rmtree(part, ignore_errors=True)


def _is_abandoned(part: Path) -> bool:
    """True when no living process fills or holds the folder."""
    try:
        descriptor = os.open(part, os.O_RDONLY)
    except FileNotFoundError:
        return True
    try:
        return _lock(descriptor) is True
    finally:
        os.close(descriptor)


def _replace(target: Path, part: Path) -> None:
    """Give the new folder the name of the target; an old one is left under the name `part`, or removed."""
    if not target.exists():
        part.rename(target)
    elif not _exchange(part, target):
        old = part.with_suffix(".old")
        try:
            target.rename(old)  # a writer that dies here leaves no target; the next one brings the old folder back
            part.rename(target)
            shutil.rmtree(old, ignore_errors=True)
        finally:
            if old.exists() and not target.exists():
                old.rename(target)


def _exchange(one: Path, other: Path) -> bool:
    """Let two folders swap their names in one step; False where the system or the file system cannot."""
    name, flag = _EXCHANGE.get(sys.platform, ("", 0))
    function = getattr(ctypes.CDLL(None, use_errno=True), name, None) if name else None
    if function is None:
        return False
    here = _HERE[sys.platform]
    if function(here, os.fsencode(one), here, os.fsencode(other), flag) == 0:
        return True
    number = ctypes.get_errno()
    if number in _NO_EXCHANGE:
        return False
    raise OSError(number, os.strerror(number), str(other))


def _refuse_foreign(folder: Path, known: Collection[str]) -> None:
    if folder.exists() and not folder.is_dir():
        raise OSError(errno.EEXIST, os.strerror(errno.EEXIST))
    foreign = sorted({entry.name for entry in folder.iterdir()} - set(known)) if folder.exists() else []
    if foreign:
        page = FILE_CODES["F007"]
        names = ", ".join(foreign[:3]) + (f" and {len(foreign) - 3} more" if len(foreign) > 3 else "")
        raise StratoError(f"cannot replace {folder}: {page.title}: it holds {names}", page.fix, page.code)
