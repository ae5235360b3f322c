"""Machine code on disk: what is made again and what is not, and what a torn, foreign or missing file does."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from stratoquant.graph.kernel import build, entry, program, units
from stratoquant.graph.kernel.call import Call
from stratoquant.graph.kernel.entry import NativeEntry
from stratoquant.graph.kernel.llvm import worker
from stratoquant.graph.kernel.llvm.target import Machine, host
from stratoquant.graph.kernel.objects import ObjectStore
from stratoquant.graph.kernel.tiers import Tier
from stratoquant.graph.passes.p10_build import write_module
from tests.graph.kernel.comparing import module_text

_ROUNDS = "\n".join(f"        total = total * 0.5 + sin(total + {k}.0) / (x + {k}.0)" for k in range(60))
GROUP = f"""
@kernel
def group_{{number}}(xs):
    total = 0.0
    for k in range(len(xs)):
        x = xs[k]
{_ROUNDS}
    return total * {{factor}}
"""
ENTRY = """
@entry
def run(xs, out):
    out[0] = group_1(xs)
    out[1] = group_2(xs)
    return 0
"""


@pytest.fixture(autouse=True)
def small_units(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each group is a unit."""
    monkeypatch.setattr(units, "_LARGE", 400)


def text_of(factor: str = "1.0") -> str:
    groups = GROUP.format(number=1, factor="2.0") + GROUP.format(number=2, factor=factor)
    return module_text(groups + ENTRY)


def written(folder: Path, text: str, name: str = "module") -> NativeEntry:
    path = folder / f"{name}.py"
    path.write_text(text, encoding="utf-8")
    return NativeEntry(path)


def result(made: NativeEntry) -> list[float]:
    out = np.zeros(2)
    Call(made, (np.arange(1.0, 4.0), out))()
    return out.tolist()


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """How many units each build compiled."""
    counts: list[int] = []
    plain = build.compile_units

    def counting(texts: list[str], machine: Machine, tier: Tier) -> Iterator[build.Made]:
        counts.append(len(texts))
        return plain(texts, machine, tier)

    monkeypatch.setattr(program, "compile_units", counting)
    yield counts


def test_a_changed_group_is_the_only_one_that_is_compiled_again(tmp_path: Path, compiled: list[int]) -> None:
    first = result(written(tmp_path, text_of()))
    second = result(written(tmp_path, text_of("3.0"), "changed"))
    assert compiled == [3, 1]
    assert second == [first[0], first[1] * 3.0]


def test_a_warm_start_translates_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = result(written(tmp_path, text_of()))
    monkeypatch.setattr(entry, "translate", None)
    assert result(NativeEntry(tmp_path / "module.py")) == first


@pytest.mark.parametrize("damage", [b"", b"\x7fELF", None])
def test_a_torn_or_missing_object_is_made_again(tmp_path: Path, damage: bytes | None, compiled: list[int]) -> None:
    first = result(written(tmp_path, text_of()))
    path = next(tmp_path.glob("*.o"))
    if damage is None:
        path.unlink()
    else:
        path.write_bytes(damage + path.read_bytes()[len(damage) + 1 :])
    assert result(NativeEntry(tmp_path / "module.py")) == first
    assert compiled == [3, 1]


@pytest.mark.parametrize("damage", [b"", b"\xff\xfe", b"unknown", b"../../etc/passwd"])
def test_a_damaged_list_is_made_again(tmp_path: Path, damage: bytes, compiled: list[int]) -> None:
    first = result(written(tmp_path, text_of()))
    next(tmp_path.glob("*.units")).write_bytes(damage)
    assert result(NativeEntry(tmp_path / "module.py")) == first
    assert compiled == [3, 0]


def test_arguments_of_another_type_have_machine_code_of_their_own(tmp_path: Path) -> None:
    made = written(tmp_path, module_text("@entry\ndef run(a):\n    a[0] += a[0] // 2\n    return 0\n"))
    floats, ints = np.array([3.5]), np.array([7])
    Call(made, (floats,))()
    Call(made, (ints,))()
    assert (floats[0], ints[0]) == (4.5, 10)


def test_nothing_but_whole_files_is_left_in_the_folder(tmp_path: Path) -> None:
    result(written(tmp_path, text_of()))
    assert {path.suffix for path in tmp_path.iterdir()} == {".py", ".o", ".units", ".lock"}


def test_what_cannot_be_kept_runs_and_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("stratoquant.graph.kernel.objects.tempfile.NamedTemporaryFile", full)
    with pytest.warns(UserWarning, match="machine code cannot be kept in .*: no space left on device"):
        first = result(written(tmp_path, text_of()))
    monkeypatch.undo()
    assert not list(tmp_path.glob("*.units"))
    assert result(NativeEntry(tmp_path / "module.py")) == first


def test_what_was_used_longest_ago_is_removed_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = ObjectStore(tmp_path)
    for number, key in enumerate(("a", "b", "c")):
        store.write(key, bytes(100))
        os.utime(tmp_path / f"{key}.o", (number, number))
    assert store.read("a") is not None
    monkeypatch.setattr("stratoquant.graph.kernel.objects._MOST_BYTES", 300)
    store.trim()
    assert sorted(path.stem for path in tmp_path.iterdir()) == ["a", "c"]


def test_a_cache_that_can_only_be_read_is_warm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in an image that was built with its plans."""

    def refuse(*_: object, **__: object) -> None:
        raise OSError(30, "Read-only file system")

    first = result(written(tmp_path, text_of()))
    monkeypatch.setattr("stratoquant.graph.kernel.objects.os.utime", refuse)
    monkeypatch.setattr(entry, "translate", None)
    assert result(NativeEntry(tmp_path / "module.py")) == first


def test_modules_and_lists_count_for_the_bound_and_are_removed_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STRATOQUANT_CACHE", str(tmp_path))
    for number, name in enumerate(("old", "used", "new")):
        write_module(name, "x" * 100)
        os.utime(tmp_path / f"{name}.py", (number, number))
    (tmp_path / "old.units").write_text("a")
    os.utime(tmp_path / "old.units", (0, 0))
    (tmp_path / "foreign.txt").write_bytes(bytes(1000))
    write_module("used", "x" * 100)
    monkeypatch.setattr("stratoquant.graph.kernel.objects._MOST_BYTES", 100)
    ObjectStore(tmp_path).trim()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["foreign.txt", "used.py"]


@pytest.mark.parametrize("tier", Tier)
@pytest.mark.parametrize("behind", [False, True])
def test_units_are_compiled_in_workers_and_give_the_same_objects(
    behind: bool, tier: Tier, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = texts_of_units()
    here = made(texts, tier)
    monkeypatch.setattr(build, "_ENOUGH", 1)
    monkeypatch.setattr(build, "_processors", lambda: 3)
    started: list[worker.Worker] = []

    class Watched(worker.Worker):
        def __init__(self, machine: Machine) -> None:
            super().__init__(machine)
            started.append(self)

    monkeypatch.setattr(build, "Worker", Watched)
    assert made(texts, tier, behind=behind) == here
    assert len(started) == (3 if behind else 2)


@pytest.mark.parametrize("behind", [False, True])
def test_a_worker_that_dies_leaves_its_units_to_this_process(behind: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = texts_of_units()
    monkeypatch.setattr(build, "_ENOUGH", 1)
    monkeypatch.setattr(build, "_processors", lambda: 3)
    monkeypatch.setattr(worker.sys, "executable", "/bin/false")
    assert len(made(texts, Tier.OPTIMISED, behind=behind)) == 3


def texts_of_units() -> list[str]:
    return [unit.text for unit in entry.translate(text_of(), ((np.dtype("f8"), 1), (np.dtype("f8"), 1)))]


def made(texts: list[str], tier: Tier, *, behind: bool = False) -> dict[int, bytes]:
    """The objects of units by position, none of them twice."""
    if behind:
        objects = list(build.compile_behind(texts, host(), tier, lambda: False))
    else:
        objects = list(build.compile_units(texts, host(), tier))
    assert len(dict(objects)) == len(objects)
    return dict(objects)


_BUILDER = """
import sys
from pathlib import Path
import numpy as np
from stratoquant.graph.kernel import entry, program, units
from stratoquant.graph.kernel.call import Call
units._LARGE = 400
plain = program.compile_units
def watched(texts, *rest):
    print(len(texts), end="")
    return plain(texts, *rest)
program.compile_units = watched
out = np.zeros(2)
Call(entry.NativeEntry(Path(sys.argv[1])), (np.arange(1.0, 4.0), out))()
"""


def test_of_two_builders_one_compiles_and_the_other_waits(tmp_path: Path) -> None:
    path = tmp_path / "module.py"
    path.write_text(text_of(), encoding="utf-8")
    command = [sys.executable, "-c", _BUILDER, str(path)]
    builders = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    said = sorted(builder.communicate()[0] for builder in builders)
    assert [builder.returncode for builder in builders] == [0, 0]
    assert said[0] in ("", "0") and said[1] == "3"
