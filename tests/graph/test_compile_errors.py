"""What only the compiler can know of a user's kernel: a finding at the kernel's line, and no traceback."""

from __future__ import annotations

from pathlib import Path

import pytest

from stratoquant.graph.diagnostics import WiringError
from stratoquant.graph.plan import compile_plan
from stratoquant.graph.session import Session
from stratoquant.runtime.venue import SIMULATED, VenueSettings
from tests.graph.bad_wirings import FEED
from tests.graph.findings import Desk, desk
from tests.tools.test_cli import Shell, shell

__all__ = ["desk", "shell"]

LAYER = '''\
"""A layer."""

from typing import NamedTuple

from stratoquant.graph.language import Array, State, array, kernel, layer
from stratoquant.graph.types import Price, Real


class Memory(State):
    recent: Array = array(4)


class Out(NamedTuple):
    value: Real
    twice: Real


@kernel
def doubled(x):
    """A kernel whose argument has no type."""
    # a comment, which the generated module does not have
    again: float = 2.0

    return x[0] * again


@layer(None, "mine", domain="pattern", source="test")
def step(s: Memory, x: Price) -> Out:
    # a comment

    if x > 1.0:
        s.recent[0] = x
    twice = doubled(
        x,
    )
    return Out(x, twice)
'''
WIRING = FEED + "  mine: {inputs: {x: feed.close}}\nlayers: [own]\nrecord: [mine.value, mine.twice]\n"


@pytest.mark.parametrize("outputs", ["all", "used"])
def test_kernel_without_types(outputs: str, desk: Desk) -> None:
    desk.write({"own/blocks/mine.py": LAYER})
    checked = desk.check(f"{WIRING}outputs: {outputs}\n")
    assert checked.sound, "\n".join(map(str, checked.findings))
    with pytest.raises(WiringError) as refused:
        Session(compile_plan(checked, SIMULATED, ["AAA"]), VenueSettings(), cash=1e5).prepare()
    (found,) = refused.value.findings
    line = next(n for n, text in enumerate(LAYER.splitlines(), 1) if "return x[0] * again" in text)
    assert (found.code, str(found.place)) == ("K019", f"own/blocks/mine.py:{line}:5")
    assert found.message.startswith("kernel doubled: no machine code can be made for this line: ")
    fixed = LAYER.replace("doubled(x):", "doubled(x: Array) -> float:")
    desk.write({"other/blocks/mine.py": fixed})
    assert desk.only_error(WIRING.replace("own", "other")).code == "K011"  # once it has a type, the check finds it


def test_command_has_no_traceback(shell: Shell) -> None:
    Path("own/blocks").mkdir(parents=True)
    Path("own/blocks/mine.py").write_text(LAYER)
    text = WIRING.replace("feed: {inputs: {raw: market}}", "L0: {inputs: {raw: market, now: clock.time}}")
    Path("w.yaml").write_text(text.replace("feed.close", "L0.close"))
    assert shell.run("check", "w.yaml") == 0
    assert shell.run("backtest", "w.yaml", "--symbols", "AAA", "--bars", "400") == 1
    assert "error K019: kernel doubled: " in shell.err
    assert "Traceback" not in shell.err
