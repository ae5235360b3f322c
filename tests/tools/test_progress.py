"""Progress lines: a step is printed as it begins, a long one again, and never too many."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from stratoquant.tools.progress import LEAST, PULSE, Progress, progress
from tests.tools.shell import GOOD, environment


class Lines(list[str]):
    """Collects lines, at a time that the test sets."""

    now = 100.0

    def work(self) -> Progress:
        return Progress("a.yaml", self.append, lambda: self.now)


def test_a_step_is_printed_as_it_begins() -> None:
    lines = Lines()
    work = lines.work()
    work.step("compiling")
    lines.now += 65.0
    work.step("running")
    assert lines == ["a.yaml: compiling (0 s)", "a.yaml: running (65 s)"]


def test_a_long_step_is_printed_again_and_again() -> None:
    lines = Lines()
    work = lines.work()
    work.step("compiling")
    for _ in range(30):
        lines.now += 1.0
        work.pulse()
    assert lines[1:] == [f"a.yaml: compiling ({n} s)" for n in (10, 20, 30)]
    assert PULSE == 10.0


def test_short_steps_are_left_out_and_the_result_never() -> None:
    lines = Lines()
    work = lines.work()
    for number in range(100):
        work.step(f"cut {number}")
        lines.now += LEAST / 10.0
    work.end("proven")
    work.end("proven again")
    assert [line.split(": ")[1] for line in lines] == [
        *(f"cut {n} ({n * LEAST / 10.0:.0f} s)" for n in range(0, 100, 10)),
        "proven (20 s)",
        "proven again (20 s)",
    ]


def test_the_pulse_beats_while_the_block_runs_and_ends_with_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import threading

    monkeypatch.setattr("stratoquant.tools.progress.PULSE", 0.001)
    beats = threading.Event()
    monkeypatch.setattr(Progress, "pulse", lambda self: beats.set())
    threads = threading.active_count()
    with progress("a.yaml") as told:
        told.step("compiling")
        assert beats.wait(600)
    assert threading.active_count() == threads
    assert capsys.readouterr().err == "a.yaml: compiling (0 s)\n"


def test_prove_prints_the_steps_of_each_wiring_to_stderr_alone(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / f"{name}.yaml").write_text(f"name: {name}\n{GOOD}", encoding="utf-8")
    code = "from stratoquant.tools.wiring_check import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, "--prove", "one.yaml", "two.yaml"],
        cwd=tmp_path, env=environment() | {"STRATOQUANT_CACHE": os.fspath(tmp_path)}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0
    assert done.stdout == "one.yaml: sound, 1 node\ntwo.yaml: sound, 1 node\n"
    lines = done.stderr.splitlines()
    for name in ("one", "two"):
        own = [line for line in lines if line.startswith(f"{name}.yaml: ")]
        assert own[0].startswith(f"{name}.yaml: compiling the plan, or loading it from the cache (")
        assert own[-1].startswith(f"{name}.yaml: proven causal (")
