"""Writing files so that a reader finds the old content or the new, never a part. Knows nothing of what is written."""

from __future__ import annotations

import errno
import os
import re
import secrets
import shutil
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from runtime.errors import CodePage, StratoError

FILE_CODES = {
    page.code: page
    for page in (
        CodePage(
            "F001", "no such folder", "The folder that the file should go to does not exist.", "Create the folder."
        ),
        CodePage(
            "F002",
            "no permission",
            "The user that runs the program may not write there.",
            "Write to another folder, or change the rights of this one.",
        ),
        CodePage(
            "F003", "read-only", "The file system is mounted read-only.", "Write to a folder on another file system."
        ),
        CodePage(
            "F004", "disk full", "The disk, or the quota on it, has no room left.", "Free some space and run again."
        ),
        CodePage("F005", "a folder is in the way", "The name belongs to a folder.", "Choose another file name."),
        CodePage("F006", "a file is in the way", "The name of the folder belongs to a file.", "Choose another folder."),
        CodePage(
            "F007",
            "a folder of something else",
            "A folder is replaced whole, and this one holds what the command did not write.",
            "Name another folder, or move away what is named here.",
        ),
        CodePage(
            "F009",
            "cannot write",
            "The operating system refused; its own words are in the message.",
            "Put right what they name.",
        ),
    )
}

_CODE_OF_ERRNO = {
    errno.ENOENT: "F001",
    errno.ENOTDIR: "F001",
    errno.EACCES: "F002",
    errno.EPERM: "F002",
    errno.EROFS: "F003",
    errno.ENOSPC: "F004",
    errno.EDQUOT: "F004",
    errno.EISDIR: "F005",
    errno.EEXIST: "F006",
}
_NUMBER_IN_TEXT = re.compile(r"\(os error (\d+)\)")


@contextmanager
def write_atomically(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a new file beside `path` to write to; it takes the name `path` when the block ends without an exception.

    On any exception, Ctrl-C included, what was written is removed and the old file stays as it was. What the operating
    system refuses is raised as a StratoError.
    """
    target = Path(path).resolve()  # a symbolic link keeps pointing where it did
    part = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    try:
        _create(target, part)
        yield part
        _settle(part)
        part.replace(target)
        _settle(target.parent)
    except BaseException as error:
        with suppress(OSError):
            part.unlink()
        number = _errno(error, part)
        if number is None:
            raise
        raise _refused(target, number) from error


@contextmanager
def write_folder(path: str | os.PathLike[str], known: Collection[str]) -> Iterator[Path]:
    """Yield a new folder beside `path` to fill; it takes the name `path` when the block ends without an exception.

    known: the names that a folder which stands there may hold, for it is removed; one that holds anything else is
    refused. On any exception, Ctrl-C included, what was written is removed and the old folder stays as it was. Folders
    above are made. What the operating system refuses is raised as a StratoError.
    """
    target = Path(path).resolve()
    part, old = (target.with_name(f".{target.name}.{secrets.token_hex(4)}.{end}") for end in ("part", "old"))
    try:
        with refused_as_error(target):
            _refuse_foreign(target, known)
            target.parent.mkdir(parents=True, exist_ok=True)
            part.mkdir()
            yield part
            _refuse_foreign(target, known)
            if target.exists():
                target.rename(old)
            part.rename(target)
            shutil.rmtree(old, ignore_errors=True)
    finally:
        if old.exists() and not target.exists():
            old.rename(target)
        shutil.rmtree(part, ignore_errors=True)


def _refuse_foreign(folder: Path, known: Collection[str]) -> None:
    if folder.exists() and not folder.is_dir():
        raise OSError(errno.EEXIST, os.strerror(errno.EEXIST))
    foreign = sorted({entry.name for entry in folder.iterdir()} - set(known)) if folder.exists() else []
    if foreign:
        page = FILE_CODES["F007"]
        names = ", ".join(foreign[:3]) + (f" and {len(foreign) - 3} more" if len(foreign) > 3 else "")
        raise StratoError(f"cannot replace {folder}: {page.title}: it holds {names}", page.fix, page.code)


@contextmanager
def refused_as_error(target: Path) -> Iterator[None]:
    """Turns what the operating system refuses inside the block into a StratoError that names `target`."""
    try:
        yield
    except OSError as error:
        if error.errno is None:
            raise
        raise _refused(target, error.errno) from error


def write_text(path: str | os.PathLike[str], text: str) -> None:
    with write_atomically(path) as part:
        part.write_text(text, encoding="utf-8", newline="\n")


def write_bytes(path: str | os.PathLike[str], content: bytes) -> None:
    with write_atomically(path) as part:
        part.write_bytes(content)


def _create(target: Path, part: Path) -> None:
    if target.is_dir():
        raise OSError(errno.EISDIR, os.strerror(errno.EISDIR))
    os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
    with suppress(FileNotFoundError):
        part.chmod(target.stat().st_mode & 0o777)


def _settle(path: Path) -> None:
    """Wait until the disk has it: a name that survives a power cut must not point to an empty file."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # some network file systems cannot
            raise
    finally:
        os.close(handle)


def _errno(error: BaseException, part: Path) -> int | None:
    """The system's error number when writing is what failed, else None.

    Polars gives the number in the text of exceptions of its own. An error that names another file is the caller's.
    """
    if isinstance(error, OSError) and error.errno is not None:
        ours = error.filename is None or Path(os.fsdecode(error.filename)) in (part, part.parent)
        return error.errno if ours else None
    from_polars = isinstance(error, OSError) or type(error).__module__.startswith("polars")
    found = _NUMBER_IN_TEXT.search(str(error)) if from_polars else None
    return int(found[1]) if found and int(found[1]) != errno.ENOENT else None


def _refused(target: Path, number: int) -> StratoError:
    page = FILE_CODES[_CODE_OF_ERRNO.get(number, "F009")]
    return StratoError(f"cannot write {target}: {page.title} ({os.strerror(number)})", page.fix, page.code)
