"""The folder of compiled plans. Code is imported from it, so no other user may be able to write there."""

from __future__ import annotations

import os
import stat
import tempfile
from contextlib import suppress
from pathlib import Path

from stratoquant.graph.diagnostics import Diagnostic, Place, WiringError


class CacheWarning(UserWarning):
    """Something cannot be kept in the cache; what needs it goes on without."""


_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH
_OTHERS_ENTER = stat.S_IXGRP | stat.S_IXOTH
_CHOOSE = "set STRATOQUANT_CACHE to a folder of your own"


def cache_folder() -> Path:
    """Where compiled plans are kept: $STRATOQUANT_CACHE, else the user's cache folder."""
    chosen = os.environ.get("STRATOQUANT_CACHE")
    if chosen:
        return Path(chosen)
    home = os.environ.get("XDG_CACHE_HOME") or str(Path("~/.cache").expanduser())
    return Path(home) / "stratoquant" / "plans"


def private_folder() -> Path:
    """The cache folder, made if need be, or a folder of the user's own in the temporary one where none can be made.

    Raises WiringError when none can be made, or when another user can write to it.
    """
    chosen = cache_folder()
    refused: OSError | None = None
    for folder in (chosen, Path(tempfile.gettempdir()) / f"stratoquant-{os.getuid()}"):
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as problem:
            refused = refused or problem
            continue
        if os.access(folder, os.W_OK) or _has_plans(folder):
            _refuse_shared(folder)
            return folder
    reason = f": {refused.strerror.lower()}" if refused is not None and refused.strerror else ""
    raise _error("B002", f"compiled plans cannot be kept in {chosen}{reason}", chosen, _CHOOSE)


def check_file(path: Path) -> None:
    """Raises WiringError when another user wrote, or can write, a file that is to be imported."""
    found = path.lstat()
    if not stat.S_ISREG(found.st_mode) or not _is_own(found) or found.st_mode & _OTHERS_WRITE:
        raise _error("B001", f"the compiled plan {path} is not yours alone", path, f"remove it: `rm {path}`")


def _has_plans(folder: Path) -> bool:
    """True for a folder that can only be read and holds plans, as in an image that was built with them."""
    with suppress(OSError):
        return any(folder.glob("*.py"))
    return False


def _refuse_shared(folder: Path) -> None:
    """Refuses a folder of another user, one that another user can write to, and one that another user can replace."""
    found = folder.stat()
    if not _is_own(found) or not _is_own(folder.lstat()):  # a link has an owner of its own
        raise _error("B001", f"the folder of compiled plans {folder} belongs to another user", folder, _CHOOSE)
    parts = (folder, folder / "__pycache__")  # machine code lies in the second
    for part in parts if found.st_mode & _OTHERS_ENTER else ():
        if part.exists() and part.stat().st_mode & _OTHERS_WRITE:
            message = f"other users can write to {part}, from which compiled plans are run"
            hint = f"run `chmod -R go-w {folder}` if all that it holds is yours, or {_CHOOSE}"
            raise _error("B001", message, folder, hint)
    for parent in folder.resolve().parents:
        mode = parent.stat().st_mode
        if mode & stat.S_IWOTH and not mode & stat.S_ISVTX:
            message = f"other users can replace {folder}: all may write to {parent}"
            raise _error("B001", message, folder, f"run `chmod o-w {parent}`, or {_CHOOSE}")


def _is_own(found: os.stat_result) -> bool:
    return found.st_uid in (os.getuid(), 0)


def _error(code: str, message: str, path: Path, hint: str) -> WiringError:
    return WiringError([Diagnostic(code, message, Place(str(path), 0, 0), hint)])
