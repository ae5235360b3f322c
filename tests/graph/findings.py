"""Checks wirings given as text, for tests on findings. Files lie in a folder of their own, which is the current one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from stratoquant.graph.compiler import Checked, check
from stratoquant.graph.diagnostics import Diagnostic, Severity
from stratoquant.layers import catalogue

BLOCKS = Path(__file__).parent
HEAD = "stratoquant: 1\nclock: 1m\n"


class Desk:
    """A folder with wirings."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._registry = catalogue().with_package("tests.graph", BLOCKS)

    def write(self, files: Mapping[str, str | bytes]) -> None:
        for name, content in files.items():
            path = self._folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())

    def check(self, text: str, **settings: float) -> Checked:
        self.write({"w.yaml": text})
        return check(Path("w.yaml"), self._registry, settings)

    def errors(self, text: str, **settings: float) -> list[Diagnostic]:
        return [f for f in self.check(text, **settings).findings if f.severity is Severity.ERROR]

    def only_error(self, text: str, **settings: float) -> Diagnostic:
        found = self.errors(text, **settings)
        assert len(found) == 1, "\n".join(map(str, found)) or "no error was found"
        return found[0]


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.chdir(tmp_path)
    return Desk(tmp_path)
