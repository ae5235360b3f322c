"""The optimised build behind a run: what it keeps, what ends it, and that no process outlives the run."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stratoquant.graph.kernel import behind, build, entry, program, units
from stratoquant.graph.kernel.call import Call
from stratoquant.graph.kernel.entry import NativeEntry
from stratoquant.graph.kernel.llvm import worker
from stratoquant.graph.kernel.llvm.target import Machine
from stratoquant.graph.kernel.tiers import Tier, quick_pays
from tests.graph.kernel.test_objects import result, text_of, written

UNITS = 3


@pytest.fixture(autouse=True)
def quick_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small programs have two tiers, a unit per group and a worker per unit."""
    monkeypatch.setattr(units, "_LARGE", 400)
    monkeypatch.setattr(entry, "quick_pays", bool)
    monkeypatch.setattr(build, "_ENOUGH", 1)
    monkeypatch.setattr(build, "_processors", lambda: 2)


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[Tier, int]]]:
    """The tier and the number of units of each build."""
    builds: list[tuple[Tier, int]] = []

    def watched(plain: Callable[..., Iterator[build.Made]]) -> Callable[..., Iterator[build.Made]]:
        def compile_(texts: list[str], machine: Machine, tier: Tier, *rest: Any) -> Iterator[build.Made]:
            builds.append((tier, len(texts)))
            return plain(texts, machine, tier, *rest)

        return compile_

    for name in ("compile_units", "compile_behind"):
        monkeypatch.setattr(program, name, watched(getattr(build, name)))
    yield builds


class Stuck(worker.Worker):
    """Starts, and never compiles anything."""

    def __init__(self, machine: Machine) -> None:
        super().__init__(machine)
        os.kill(self._process.pid, signal.SIGSTOP)


def test_the_code_is_replaced_once_the_optimised_is_made(tmp_path: Path, compiled: list[tuple[Tier, int]]) -> None:
    made = written(tmp_path, text_of())
    out = np.zeros(2)
    call = Call(made, (np.arange(1.0, 4.0), out))
    call()
    first = out.tolist()
    made.finish()
    assert compiled == [(Tier.QUICK, UNITS), (Tier.OPTIMISED, UNITS)]
    entered = made._entered[tuple(call._types)]
    assert len(entered._loaded) == 2
    call()
    assert out.tolist() == first


def test_the_next_start_uses_what_was_optimised(tmp_path: Path, compiled: list[tuple[Tier, int]]) -> None:
    made = written(tmp_path, text_of())
    first = result(made)
    made.finish()
    compiled.clear()
    assert result(NativeEntry(tmp_path / "module.py")) == first
    assert compiled == []


def test_only_changed_units_are_made_quick(tmp_path: Path, compiled: list[tuple[Tier, int]]) -> None:
    made = written(tmp_path, text_of())
    first = result(made)
    made.finish()
    changed = written(tmp_path, text_of("3.0"), "changed")
    assert result(changed) == [first[0], first[1] * 3.0]
    changed.finish()
    assert compiled[2:] == [(Tier.QUICK, 1), (Tier.OPTIMISED, 1)]


def test_a_small_program_is_optimised_at_once() -> None:
    assert not quick_pays(["x" * 1000] * 100)
    assert quick_pays(["x" * 1000] * 1000)


def test_a_build_ends_with_the_last_use_of_its_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = written(tmp_path, text_of())
    monkeypatch.setattr(build, "_processors", lambda: 1)
    monkeypatch.setattr(build, "Worker", Stuck)
    result(made)
    (running,) = made._builds
    assert not running._ended.is_set()
    del made
    running.wait()
    assert not list(tmp_path.glob("*.units"))


def test_a_build_waits_for_that_of_another_process(tmp_path: Path, compiled: list[tuple[Tier, int]]) -> None:
    made = written(tmp_path, text_of())
    with made._store.lock(name_of(made)):
        first = result(made)
        other = written(tmp_path, text_of(), "other")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(entry, "quick_pays", lambda _: False)
            assert result(other) == first
    made.finish()
    assert compiled == [(Tier.QUICK, UNITS), (Tier.OPTIMISED, UNITS), (Tier.OPTIMISED, 0)]


def name_of(made: NativeEntry) -> str:
    types = ((np.dtype("f8"), 1), (np.dtype("f8"), 1))
    return entry.list_name(made._module.stem, types)


def test_a_failing_build_is_reported_and_the_run_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> Iterator[build.Made]:
        raise RuntimeError("no such instruction")
        yield

    monkeypatch.setattr(program, "compile_behind", broken)
    made = written(tmp_path, text_of())
    with pytest.warns(behind.TierWarning, match="slower machine code: .*no such instruction"):
        first = result(made)
        made.finish()
    assert result(made) == first


_RUN = """
import os, signal, sys, time
from pathlib import Path
import numpy as np
from stratoquant.graph.kernel import build, entry, units
from stratoquant.graph.kernel.call import Call
from tests.graph.kernel.test_behind import Stuck
from stratoquant.graph.kernel.llvm import worker

folder = Path(sys.argv[1])
build._ENOUGH = 1
units._LARGE = 400
entry.quick_pays = bool
build._processors = lambda: 1  # the quick tier without workers
made = entry.NativeEntry(folder / "module.py")
build._processors = lambda: 2
pids = []
class Watched({base}):
    def __init__(self, machine):
        super().__init__(machine)
        pids.append(self._process.pid)
        (folder / "pids").write_text(" ".join(map(str, pids)))
out = np.zeros(2)
plain, entry.optimise_behind = entry.optimise_behind, lambda *rest: begin(*rest)
def begin(*rest):
    build.Worker = Watched
    return plain(*rest)
Call(made, (np.arange(1.0, 4.0), out))()
def wait_for(pattern, count=1):
    while len(list(folder.glob(pattern))) < count:
        time.sleep(0.001)
{then}
"""


def started(folder: Path, then: str, base: str = "worker.Worker") -> subprocess.Popen[str]:
    """A process that runs on quick code, with workers behind it, and then does what is given."""
    (folder / "module.py").write_text(text_of(), encoding="utf-8")
    code = _RUN.format(then=then, base=base)
    return subprocess.Popen(
        [sys.executable, "-c", code, str(folder)], stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def workers_of(folder: Path) -> list[int]:
    return [int(pid) for pid in (folder / "pids").read_text().split()]


def is_running(pid: int) -> bool:
    """A process that has ended, and that nobody has asked about, does not run."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_the_end_of_a_short_run_ends_the_build(tmp_path: Path) -> None:
    """The workers would never end by themselves."""
    run = started(tmp_path, "wait_for('pids')", base="Stuck")
    said = run.communicate()
    assert (run.returncode, *said) == (0, "", "")
    assert not any(map(is_running, workers_of(tmp_path)))
    assert not list(tmp_path.glob("*.part"))


def test_an_error_ends_the_build(tmp_path: Path) -> None:
    run = started(tmp_path, "wait_for('pids')\nraise SystemExit('bad bars')", base="Stuck")
    said = run.communicate()
    assert (run.returncode, *said) == (1, "", "bad bars\n")
    assert not any(map(is_running, workers_of(tmp_path)))


def test_an_interrupt_ends_the_build_and_leaves_no_process(tmp_path: Path) -> None:
    run = started(tmp_path, "wait_for('pids')\nprint('up', flush=True)\ntime.sleep(600)", base="Stuck")
    assert run.stdout is not None and run.stdout.readline() == "up\n"
    run.send_signal(signal.SIGINT)
    _, said = run.communicate()
    assert run.returncode == -signal.SIGINT
    assert said.count("Traceback") == 1 and said.endswith("KeyboardInterrupt\n")
    assert not any(map(is_running, workers_of(tmp_path)))


def test_workers_are_not_interrupted_by_a_terminal(tmp_path: Path) -> None:
    run = started(tmp_path, "wait_for('pids')\nprint(*(os.getpgid(p) for p in (0, *pids)))", base="Stuck")
    ours, *theirs = run.communicate()[0].split()
    assert theirs and ours not in theirs


def test_what_was_made_before_a_run_was_killed_is_used(tmp_path: Path, compiled: list[tuple[Tier, int]]) -> None:
    run = started(tmp_path, "wait_for('*.o')\nos.kill(os.getpid(), signal.SIGKILL)")
    run.communicate()
    assert run.returncode == -signal.SIGKILL
    while any(map(is_running, workers_of(tmp_path))):
        time.sleep(0.01)  # they end by themselves, or this test does not
    kept = len(list(tmp_path.glob("*.o")))
    again = NativeEntry(tmp_path / "module.py")
    first = result(again)
    again.finish()
    assert kept and compiled == ([(Tier.QUICK, UNITS - kept), (Tier.OPTIMISED, UNITS - kept)] if kept < UNITS else [])
    whole = tmp_path / "whole"
    whole.mkdir()
    assert result(written(whole, text_of())) == first == result(again)


def test_a_fork_has_no_part_in_the_build(tmp_path: Path) -> None:
    then = """
import warnings
warnings.simplefilter("ignore", DeprecationWarning)  # advice against forks
wait_for('pids', 1)
while len(pids) < 2:
    time.sleep(0.001)
child = os.fork()
if not child:
    made.finish()
    sys.exit(0)
print(os.waitpid(child, 0)[1], made._builds[0]._ended.is_set())
print(*(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] for pid in pids))
"""
    run = started(tmp_path, then, base="Stuck")
    said, problems = run.communicate()
    assert (run.returncode, problems) == (0, "")
    assert said == "0 False\nT T\n"
