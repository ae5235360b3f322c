"""The folder of compiled plans: code is imported from it, so no other user may be able to write there."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

from stratoquant.graph.cache import cache_folder, private_folder
from stratoquant.graph.diagnostics import WiringError
from stratoquant.graph.passes.p10_build import write_module

MODULE = "def run():\n    return 7\n"


@pytest.fixture
def chosen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("STRATOQUANT_CACHE", str(tmp_path / "plans"))
    return tmp_path / "plans"


@pytest.fixture
def no_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache folder that cannot be made, and a temporary folder of the test's own; returns the latter."""
    (tmp_path / "file").write_text("")
    (tmp_path / "temporary").mkdir(mode=0o700)
    monkeypatch.delenv("STRATOQUANT_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    return tmp_path / "temporary"


def give_away(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes a folder, or a link, that of another user."""
    if os.getuid() == 0:
        os.chown(folder, 12345, -1, follow_symlinks=False)
    else:
        monkeypatch.setattr(os, "getuid", lambda: folder.lstat().st_uid + 1)


def refusal(folder: Path) -> str:
    with pytest.raises(WiringError) as refused:
        private_folder()
    (finding,) = refused.value.findings
    assert finding.code == "B001"
    assert finding.place.file == str(folder)
    assert finding.hint
    return finding.message


def test_new_folder_is_closed_to_others(chosen: Path) -> None:
    assert private_folder() == cache_folder() == chosen
    assert chosen.stat().st_mode & 0o077 == 0
    assert write_module("one", MODULE).read_text() == MODULE
    assert [path.name for path in chosen.glob("*.py*")] == ["one.py"]


def test_folder_that_others_can_read_is_used(chosen: Path) -> None:
    chosen.mkdir(mode=0o755)
    assert private_folder() == chosen


@pytest.mark.parametrize("mode", [0o770, 0o757, 0o777])
def test_folder_that_others_can_write(mode: int, chosen: Path) -> None:
    chosen.mkdir()
    chosen.chmod(mode)
    assert "other users can write to" in refusal(chosen)
    with pytest.raises(WiringError):
        write_module("one", MODULE)
    assert list(chosen.iterdir()) == []


def test_machine_code_that_others_can_write(chosen: Path) -> None:
    (chosen / "__pycache__").mkdir(parents=True)
    chosen.chmod(0o755)
    (chosen / "__pycache__").chmod(0o777)
    assert "__pycache__" in refusal(chosen)


def test_folder_that_others_can_replace(chosen: Path) -> None:
    chosen.mkdir(mode=0o700)
    chosen.parent.chmod(0o777)
    assert "other users can replace" in refusal(chosen)


def test_folder_of_another_user(chosen: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen.mkdir(mode=0o700)
    give_away(chosen, monkeypatch)
    assert "belongs to another user" in refusal(chosen)


def test_link_of_another_user(chosen: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (chosen.parent / "elsewhere").mkdir(mode=0o700)
    chosen.symlink_to(chosen.parent / "elsewhere")
    give_away(chosen, monkeypatch)
    assert "belongs to another user" in refusal(chosen)


def test_module_that_others_can_write(chosen: Path) -> None:
    path = write_module("one", MODULE)
    path.chmod(0o666)
    with pytest.raises(WiringError, match="is not yours alone"):
        write_module("one", MODULE)


def test_module_that_is_a_link(chosen: Path) -> None:
    chosen.mkdir(mode=0o700)
    (chosen.parent / "other.py").write_text("def run():\n    return 8\n")
    (chosen / "one.py").symlink_to(chosen.parent / "other.py")
    with pytest.raises(WiringError, match="is not yours alone"):
        write_module("one", MODULE)


def test_without_a_cache_folder(no_home: Path) -> None:
    folder = private_folder()
    assert folder.parent == no_home
    assert folder.stat().st_mode & 0o077 == 0
    assert private_folder() == folder


def test_without_a_cache_folder_another_user_was_there_first(no_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = no_home / f"stratoquant-{os.getuid()}"
    folder.mkdir(mode=0o777)
    if os.getuid() == 0:
        give_away(folder, monkeypatch)
        assert "belongs to another user" in refusal(folder)
    folder.chmod(0o777)
    refusal(folder)


def test_nowhere_to_write(no_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(no_home.parent / "file"))
    with pytest.raises(WiringError) as refused:
        private_folder()
    assert [f.code for f in refused.value.findings] == ["B002"]


def test_nothing_half_written_is_left(chosen: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(OSError, match="No space left"):
        write_module("one", MODULE)
    assert list(chosen.iterdir()) == []
