"""Replacing a folder: the old one or the new one is there at every instant, also when the writer is killed."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from stratoquant.runtime import folders
from stratoquant.runtime.errors import StratoError
from stratoquant.runtime.folders import write_folder

ROOT = Path(__file__).parents[2]
WRITER = """
import os, shutil, signal, sys
from pathlib import Path
from stratoquant.runtime import folders

target, calls, exchange = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3] == "exchange"
if not exchange:
    folders._exchange = lambda one, other: False

def deadly(function):
    def call(*arguments, **keywords):
        global calls
        if calls == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        calls -= 1
        return function(*arguments, **keywords)
    return call

with folders.write_folder(target, ("a", "b")) as part:
    (part / "b").write_text("new")
    Path.rename, shutil.rmtree = deadly(Path.rename), deadly(shutil.rmtree)
    folders._exchange = deadly(folders._exchange)
"""


def umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_a_folder_takes_the_place_of_one_that_holds_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "run"
    target.mkdir(mode=0o750)
    (target / "a").write_text("old")
    with write_folder(target, ("a", "b")) as part:
        (part / "b").write_text("new")
        assert (target / "a").read_text() == "old"
    assert [(p.name, p.read_text()) for p in target.iterdir()] == [("b", "new")]
    assert target.stat().st_mode & 0o077 == 0o777 & ~umask() & 0o077
    with pytest.raises(KeyboardInterrupt), write_folder(target, ("b",)) as part:
        (part / "b").write_text("half")
        raise KeyboardInterrupt
    assert [(p.name, p.read_text()) for p in target.iterdir()] == [("b", "new")]
    assert [p.name for p in tmp_path.iterdir()] == ["run"]


@pytest.mark.parametrize("when", ["before", "meanwhile"])
def test_a_folder_of_something_else_stays(tmp_path: Path, when: str) -> None:
    target = tmp_path / "run"
    target.mkdir()
    if when == "before":
        (target / "mine").write_text("")
    with pytest.raises(StratoError, match=r"F007 .*it holds mine"), write_folder(target, ("a",)):
        assert when == "meanwhile"
        (target / "mine").write_text("")
    assert [p.name for p in target.iterdir()] == ["mine"]
    assert [p.name for p in tmp_path.iterdir()] == ["run"]


def test_a_file_is_not_replaced_by_a_folder_and_a_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(StratoError, match=r"F006 .*a file is in the way"), write_folder(tmp_path / "file", ()):
        pass
    assert (tmp_path / "file").read_text() == "mine"
    (tmp_path / "run").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "run")
    with write_folder(tmp_path / "link", ()) as part:
        (part / "a").write_text("new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "run" / "a").read_text() == "new"


@pytest.mark.parametrize("calls", range(4))
@pytest.mark.parametrize("way", ["exchange", "two renames"])
def test_a_writer_that_is_killed_leaves_the_old_folder_or_the_new_one(tmp_path: Path, way: str, calls: int) -> None:
    target = tmp_path / "run"
    target.mkdir()
    (target / "a").write_text("old")
    done = subprocess.run(
        [sys.executable, "-c", WRITER, str(target), str(calls), way], cwd=ROOT, env=os.environ, check=False
    )
    assert done.returncode in (0, -signal.SIGKILL)
    if way == "exchange":
        assert [p.name for p in target.iterdir()] in (["a"], ["b"])
    with write_folder(target, ("a", "b")) as part:
        assert [(p.name, p.read_text()) for p in target.iterdir()] in ([("a", "old")], [("b", "new")])
        (part / "a").write_text("third")
    assert [(p.name, p.read_text()) for p in target.iterdir()] == [("a", "third")]
    assert [p.name for p in tmp_path.iterdir()] == ["run"]


def test_where_folders_cannot_swap_names_they_are_renamed_in_turn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folders, "_exchange", lambda one, other: False)
    for text in ("one", "two"):
        with write_folder(tmp_path / "run", ("a",)) as part:
            (part / "a").write_text(text)
    assert (tmp_path / "run" / "a").read_text() == "two"
    assert [p.name for p in tmp_path.iterdir()] == ["run"]


def test_what_a_living_writer_fills_is_not_cleared_up(tmp_path: Path) -> None:
    with write_folder(tmp_path / "run", ("a",)) as slow:
        (slow / "a").write_text("slow")
        with write_folder(tmp_path / "run", ("a",)) as quick:
            (quick / "a").write_text("quick")
        assert (tmp_path / "run" / "a").read_text() == "quick"
        assert (slow / "a").read_text() == "slow"
    assert (tmp_path / "run" / "a").read_text() == "slow"
    assert [p.name for p in tmp_path.iterdir()] == ["run"]


def test_a_full_disk_under_polars_is_said_of_the_folder(tmp_path: Path) -> None:
    full = pytest.raises(StratoError, match=r"F004 cannot write .*run: disk full")
    with full, write_folder(tmp_path / "run", ()) as part:
        (part / "a.parquet").symlink_to("/dev/full")
        pl.DataFrame({"a": range(100_000)}).write_parquet(part / "a.parquet")
    assert list(tmp_path.iterdir()) == []


def test_another_files_error_is_not_blamed_on_the_folder(tmp_path: Path) -> None:
    with pytest.raises(OSError) as caught, write_folder(tmp_path / "deep" / "run", ()):
        Path("/dev/null/x").read_text()
    assert caught.value.errno == errno.ENOTDIR and caught.value.filename == "/dev/null/x"
