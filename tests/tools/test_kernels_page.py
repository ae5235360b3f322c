"""docs/kernels.md: each command on it prints what stands below it, and the source on it is the layer's."""

from __future__ import annotations

import inspect
import re
import shlex

import pytest

from stratoquant.layers import catalogue
from tests.tools.shell import ROOT, Shell, shell

__all__ = ["shell"]

PAGE = (ROOT / "docs" / "kernels.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```console\n\$ stratoquant (.*?)\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize(("command", "shown"), BLOCKS, ids=[command for command, _ in BLOCKS])
def test_a_command_prints_what_the_page_shows(
    command: str, shown: str, shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    assert shell.run(*shlex.split(command)) == 0, shell.err
    expected = [".*".join(map(re.escape, line.split("..."))) for line in shown.splitlines()]
    pattern = "\n".join(expected).replace("\n.*\n", "\n(?:.*\n)*?").removeprefix(".*\n").removesuffix("\n.*")
    assert re.search(f"^{pattern}$", shell.out, re.MULTILINE), shell.out


def test_the_page_runs_commands() -> None:
    assert len(BLOCKS) >= 4


def test_the_source_is_that_of_the_layer() -> None:
    step = inspect.getsource(catalogue().get("crossover").step)
    assert step in PAGE


def test_each_file_that_is_named_exists() -> None:
    named = re.findall(r"`([a-z_]+/[\w/]*(?:\.py|/))`", PAGE)
    assert len(named) >= 8 and [name for name in named if not (ROOT / name).exists()] == []
