"""Atomic writes: the old file or the new, and a clear error for each thing the system can refuse."""

import errno
import os
from pathlib import Path

import polars as pl
import pytest

from stratoquant.runtime import files
from stratoquant.runtime.errors import StratoError
from stratoquant.runtime.files import FILE_CODES, write_atomically, write_bytes, write_text


def leftovers(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir() if p.suffix == ".part")


def test_text_and_bytes_arrive_whole(tmp_path: Path) -> None:
    write_text(tmp_path / "a.txt", "façade\n")
    write_bytes(tmp_path / "b.bin", b"\x00\xff")
    assert (tmp_path / "a.txt").read_bytes() == "façade\n".encode()
    assert (tmp_path / "b.bin").read_bytes() == b"\x00\xff"
    assert leftovers(tmp_path) == []


@pytest.mark.parametrize("stop", [ValueError("half way"), KeyboardInterrupt()])
def test_an_exception_half_way_leaves_the_old_file(tmp_path: Path, stop: BaseException) -> None:
    target = tmp_path / "a.txt"
    target.write_text("old")
    with pytest.raises(type(stop)), write_atomically(target) as part:
        part.write_text("new, but not all of")
        raise stop
    assert target.read_text() == "old"
    assert leftovers(tmp_path) == []


def test_a_reader_sees_the_old_content_until_the_end(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    target.write_text("old")
    with write_atomically(target) as part:
        part.write_text("new")
        assert target.read_text() == "old"
        assert part.parent == tmp_path
    assert target.read_text() == "new"


@pytest.mark.parametrize(
    ("number", "code", "title"),
    [
        (errno.ENOSPC, "F004", "disk full"),
        (errno.EROFS, "F003", "read-only"),
        (errno.EACCES, "F002", "no permission"),
        (errno.EIO, "F009", "cannot write"),
    ],
)
@pytest.mark.parametrize("step", ["open", "replace"])
def test_what_the_system_refuses_is_said_plainly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, code: str, title: str, step: str
) -> None:
    target = tmp_path / "a.txt"
    target.write_text("old")

    def refuse(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(*{"open": (files.os, "open"), "replace": (Path, "replace")}[step], refuse)
    with pytest.raises(StratoError) as caught:
        write_text(target, "new")
    assert caught.value.code == code
    assert str(target) in caught.value.message
    assert title in caught.value.message
    assert caught.value.hint == FILE_CODES[code].fix
    assert target.read_text() == "old"
    assert leftovers(tmp_path) == []


def test_a_full_disk_under_polars_is_recognised(tmp_path: Path) -> None:
    target = tmp_path / "a.parquet"
    with pytest.raises(StratoError, match=r"F004 cannot write .*disk full"), write_atomically(target) as part:
        part.unlink()
        part.symlink_to("/dev/full")
        pl.DataFrame({"a": range(100_000)}).write_parquet(part)
    assert list(tmp_path.iterdir()) == []


def test_missing_folder_and_folder_in_the_way(tmp_path: Path) -> None:
    with pytest.raises(StratoError, match=r"F001 .*no such folder"):
        write_text(tmp_path / "deep" / "a.txt", "")
    with pytest.raises(StratoError, match=r"F005 .*a folder is in the way"):
        write_text(tmp_path, "")


def test_another_files_error_is_not_blamed_on_the_target(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), write_atomically(tmp_path / "a.txt"):
        (tmp_path / "source").read_text()
    assert list(tmp_path.iterdir()) == []


def test_rights_and_symbolic_links_are_kept(tmp_path: Path) -> None:
    target, link = tmp_path / "a.txt", tmp_path / "link"
    target.write_text("old")
    target.chmod(0o640)
    link.symlink_to(target)
    write_text(link, "new")
    assert link.is_symlink()
    assert target.read_text() == "new"
    assert target.stat().st_mode & 0o777 == 0o640
