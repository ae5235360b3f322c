"""Ctrl-C at any moment from the first import on: exit code 130, one line, no traceback."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from stratoquant.tools.exit_codes import ExitCode
from stratoquant.tools.launch import _INTERRUPTED
from tests.tools.shell import ROOT, environment

AT = """
import os, signal, sys
from importlib.abc import MetaPathFinder
from stratoquant.tools.launch import stratoquant

class Pressed(MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == module:
            os.kill(os.getpid(), signal.SIGINT)

module = sys.argv[1]
sys.argv[1:] = ["check", "specs/sma_cross.yaml"]
sys.meta_path.insert(0, Pressed())
stratoquant()
"""

LOST = """
import sys, time
from stratoquant.tools.launch import _start

class Dropped:
    def __del__(self):
        raise KeyboardInterrupt

def command():
    try:
        Dropped()
        for _ in range(3000):
            time.sleep(0.01)
    except KeyboardInterrupt:
        return 130
    return 0

_start(lambda: command)
"""


def listen_to_ctrl_c() -> None:
    """A shell without job control starts its children deaf to Ctrl-C; a user's terminal does not."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def run(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", program, *arguments]
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=environment(),
        preexec_fn=listen_to_ctrl_c,
        check=False,
    )


@pytest.mark.parametrize(
    "module",
    [
        *("stratoquant.tools.cli", "typer", "stratoquant.tools.entry", "yaml"),
        *("stratoquant.graph.compiler", "pydantic", "stratoquant.layers"),
    ],
)
def test_an_interrupted_import_ends_with_one_line(module: str) -> None:
    done = run(AT, module)
    assert done.returncode == ExitCode.INTERRUPTED
    assert done.stderr == _INTERRUPTED.decode()
    assert done.stdout == ""


def test_an_interrupt_that_python_drops_still_interrupts() -> None:
    done = run(LOST)
    assert (done.returncode, done.stderr) == (ExitCode.INTERRUPTED, "")


def test_the_commands_start_where_ctrl_c_is_taken_care_of() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert 'stratoquant = "stratoquant.tools.launch:stratoquant"' in text
    assert 'wiring_check = "stratoquant.tools.launch:wiring_check"' in text
