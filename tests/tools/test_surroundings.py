"""The commands where the disk is full or the locale knows ASCII alone: what is wrong is said, and nothing breaks."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import polars as pl
import pytest

from stratoquant.runtime.data.synthetic import synthesise
from tests.tools.shell import ROOT, Shell, environment, shell

__all__ = ["shell"]

COMMAND = [sys.executable, "-c", "from stratoquant.tools.launch import stratoquant; stratoquant()"]
CROSS = ROOT / "specs" / "sma_cross.yaml"
ASCII = {"LC_ALL": "POSIX", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}


def run(*arguments: object, cwd: Path = ROOT, **variables: str) -> subprocess.CompletedProcess[bytes]:
    command = [*COMMAND, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, cwd=cwd, env=environment() | variables, check=False)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of one megabyte."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("mounting a file system needs the rights of root")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def test_results_that_find_no_room_leave_none(small_disk: Path) -> None:
    done = run("backtest", CROSS, "--bars", 40_000, "-o", small_disk / "out")
    assert done.returncode == 3
    assert f"error: F004 cannot write {small_disk / 'out'}: disk full" in done.stderr.decode()
    assert b"Traceback" not in done.stderr
    assert list(small_disk.iterdir()) == []


def test_bars_that_find_no_room_leave_those_that_were_there(small_disk: Path, tmp_path: Path) -> None:
    synthesise(("AAA",), 100, 1).write_parquet(tmp_path / "few.parquet")
    synthesise(("AAA",), 40_000, 1).write_parquet(tmp_path / "many.parquet")
    for command in (
        ("data", "synth", small_disk / "made"),
        ("data", "import", tmp_path / "many.parquet", small_disk / "made"),
    ):
        done = run(*command)
        assert done.returncode == 3 and b"disk full" in done.stderr and b"Traceback" not in done.stderr
        assert list(small_disk.iterdir()) == []
    assert run("data", "import", tmp_path / "few.parquet", small_disk / "bars").returncode == 0
    [file] = (small_disk / "bars").iterdir()
    before = file.read_bytes()
    assert run("data", "import", tmp_path / "many.parquet", small_disk / "bars").returncode == 3
    assert list((small_disk / "bars").iterdir()) == [file] and file.read_bytes() == before


def test_machine_code_that_finds_no_room_runs_all_the_same(small_disk: Path, tmp_path: Path) -> None:
    """The modules are in the cache, their machine code was removed, and the disk has filled up since."""
    cache = small_disk / "plans"
    command = ("backtest", CROSS, "--bars", 1000, "-o", tmp_path / "out")
    assert run(*command, STRATOQUANT_CACHE=str(cache)).returncode == 0
    for path in [*cache.glob("*.o"), *cache.glob("*.units")]:
        path.unlink()
    with suppress(OSError), (small_disk / "filled").open("wb", buffering=0) as filler:
        while filler.write(bytes(1024)):
            pass
    done = run(*command, STRATOQUANT_CACHE=str(cache))
    assert done.returncode == 0, done.stderr.decode()
    warned = [line for line in done.stderr.decode().splitlines() if line.startswith("warning: ")]
    assert len(warned) == 1 and "cannot be kept in" in warned[0] and "no space left" in warned[0]
    assert (tmp_path / "out" / "report.html").exists()
    left = [p.name for p in cache.rglob("*") if p.is_file()]
    assert not [name for name in left if ".part" in name or ".tmp." in name]


@pytest.mark.parametrize("command", ["layers", "check specs/sma_cross.yaml", "backtest specs/sma_cross.yaml --json"])
def test_output_that_finds_no_room_ends_with_one_message(command: str, tmp_path: Path) -> None:
    words = [*COMMAND, *command.split(), *(["-o", str(tmp_path / "out")] if "backtest" in command else [])]
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(words, stdout=full, stderr=subprocess.PIPE, cwd=ROOT, env=environment(), check=False)
    assert done.returncode == 3
    assert done.stderr.decode().splitlines()[-2:] == [
        "error: the output: no space left on device",
        "  fix: Free some space and run again.",
    ]
    assert b"Traceback" not in done.stderr


def test_a_cache_without_any_room_is_named(small_disk: Path, tmp_path: Path) -> None:
    with (small_disk / "filled").open("wb", buffering=0) as file, pytest.raises(OSError):
        while True:
            file.write(bytes(4096))
    done = run("backtest", CROSS, "--bars", 1000, "-o", tmp_path / "out", STRATOQUANT_CACHE=str(small_disk / "plans"))
    assert done.returncode in (1, 3)
    assert str(small_disk / "plans") in done.stderr.decode() and b"no space left" in done.stderr
    assert b"fix: " in done.stderr and b"Traceback" not in done.stderr
    assert not list(small_disk.rglob("*.part"))
    assert not (tmp_path / "out").exists()


@pytest.fixture
def odd_folder(tmp_path: Path) -> Path:
    """A folder, a wiring and bars whose names are not ASCII."""
    folder = tmp_path / "füñ趋"
    folder.mkdir()
    text = CROSS.read_text(encoding="utf-8").replace("minimal_risk.yaml", str(ROOT / "specs" / "minimal_risk.yaml"))
    (folder / "тренд.yaml").write_text(text.replace("name: sma_cross", "name: тренд"), encoding="utf-8")
    synthesise(("BTCUSDT",), 1000, 1).write_parquet(folder / "BTCUSDT.parquet")
    return folder


@pytest.mark.parametrize("variables", [ASCII, {"PYTHONIOENCODING": "ascii"}], ids=["POSIX", "ascii output"])
def test_names_beyond_ascii_work_in_any_locale(odd_folder: Path, variables: dict[str, str]) -> None:
    wiring, out = odd_folder / "тренд.yaml", odd_folder / "прогон"
    for command in (
        ("check", wiring),
        ("graph", wiring),
        ("backtest", wiring, "--data", odd_folder, "-o", out),
        ("data", "info", odd_folder),
        ("data", "import", odd_folder / "BTCUSDT.parquet", odd_folder / "зал"),
        ("mirror", "json", out),
        ("mirror", "pine", wiring, "-o", odd_folder / "скрипт.pine"),
    ):
        done = run(*command, cwd=odd_folder, **variables)
        assert done.returncode == 0, (command, done.stderr.decode())
        assert b"Traceback" not in done.stderr
        assert done.stdout.isascii()
    assert {"прогон", "прогон.jsonl", "зал", "скрипт.pine"} <= {p.name for p in odd_folder.iterdir()}
    assert pl.read_parquet(odd_folder / "зал" / "BTCUSDT_1m.parquet").height > 900
    absent = run("check", odd_folder / "нет.yaml", **variables)
    assert absent.returncode == 3 and b"Traceback" not in absent.stderr


def test_a_path_that_is_no_text_is_wrong_usage(shell: Shell, tmp_path: Path) -> None:
    assert shell.run("data", "info", os.fsdecode(b"bad\xff.parquet")) == 2
    assert shell.err.startswith(r"usage: b'bad\xff.parquet' is no UTF-8 text")
    (tmp_path / os.fsdecode(b"bad\xff.parquet")).write_bytes(b"")
    assert shell.run("data", "info", str(tmp_path)) == 3
    assert "D001" in shell.err and "Rename the file" in shell.err and "Traceback" not in shell.err
