"""Writing files so that a reader finds the old content or the new, never a part. Knows nothing of what is written."""

from __future__ import annotations

import errno
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from stratoquant.runtime.errors import CodePage, StratoError

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
def refused_as_error(target: Path) -> Iterator[None]:
    """Turns what the operating system refuses inside the block into a StratoError that names `target`.

    An error that names a file elsewhere is left as it is.
    """
    try:
        yield
    except Exception as error:
        number = _number_of(error)
        named = error.filename if isinstance(error, OSError) else None
        if number is None or (named is not None and not _concerns(Path(os.fsdecode(named)), target)):
            raise
        raise _refused(target, number) from error


def _concerns(named: Path, target: Path) -> bool:
    return target.is_relative_to(named) or named.is_relative_to(target.parent)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a folder for the length of the block; another process that wants it waits. A lock ends with its process."""
    from filelock import FileLock

    file = folder / ".lock"
    with refused_as_error(folder):
        lock = FileLock(file)
        lock.acquire()
    try:
        yield
    finally:
        with suppress(OSError):
            file.unlink()  # while it is held, so that who waits for it notices and makes it again
        lock.release()


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
    """The system's error number when writing is what failed. An error that names another file is the caller's."""
    ours = not isinstance(error, OSError) or error.filename is None
    return _number_of(error) if ours or Path(os.fsdecode(error.filename)) in (part, part.parent) else None


def _number_of(error: BaseException) -> int | None:
    """The system's error number. Polars gives it in the text of exceptions of its own."""
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno
    from_polars = isinstance(error, OSError) or type(error).__module__.startswith("polars")
    found = _NUMBER_IN_TEXT.search(str(error)) if from_polars else None
    return int(found[1]) if found and int(found[1]) != errno.ENOENT else None


def _refused(target: Path, number: int) -> StratoError:
    page = FILE_CODES[_CODE_OF_ERRNO.get(number, "F009")]
    return StratoError(f"cannot write {target}: {page.title} ({os.strerror(number)})", page.fix, page.code)
