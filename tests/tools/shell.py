"""Runs the command line inside a test, in a folder of its own that holds a good, a warned and a bad wiring."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from stratoquant.tools.cli import app
from stratoquant.tools.entry import run

ROOT = Path(__file__).parents[2]
GOOD = "stratoquant: 1\nclock: 1m\nnodes:\n  L14: {inputs: {close: 100}}\nrecord: [L14.rsi]\n"
WARNED = GOOD.replace("record: [L14.rsi]\n", "")
BAD = GOOD.replace("close: 100", "clse: 100")


class Shell:
    """Runs `stratoquant` in a folder of its own."""

    def __init__(self, capture: pytest.CaptureFixture[str]) -> None:
        self._capture = capture
        self.out = ""
        self.err = ""

    def run(self, *arguments: str) -> int:
        code = run(app, "stratoquant", arguments)
        self.out, self.err = self._capture.readouterr()
        return code


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    monkeypatch.chdir(tmp_path)
    for name, text in (("good.yaml", GOOD), ("warned.yaml", WARNED), ("bad.yaml", BAD)):
        Path(name).write_text(text, encoding="utf-8")
    return Shell(capsys)


def environment() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
