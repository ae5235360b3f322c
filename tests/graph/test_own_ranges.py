"""Outputs of a user's own layers in a run: the first that leaves its port's range ends a backtest, and is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from stratoquant.graph.diagnostics import WiringError
from stratoquant.graph.plan import Plan, compile_plan
from stratoquant.runtime.backtest import RunSettings, run_backtest
from stratoquant.runtime.data.synthetic import synthetic_market
from stratoquant.runtime.venue import SIMULATED, VenueSettings
from tests.graph.bad_wirings import FEED
from tests.graph.findings import Desk, desk
from tests.tools.test_cli import Shell, shell

__all__ = ["desk", "shell"]

LAYER = '''\
"""A layer."""

from typing import NamedTuple

from stratoquant.graph.language import State, layer
from stratoquant.graph.types import PerSymbol, Price, Real, Side, Vec


class Memory(State):
    bars: int = 0


class Out(NamedTuple):
    value: Real
    side: Side


@layer(None, "mine", domain="pattern", source="test")
def step(s: Memory, x: Price) -> Out:
    s.bars += 1
    return Out(x, s.bars // 100)
'''
STEP_AT = "own/blocks/mine.py:19:1"
WIRING = FEED + "  mine: {inputs: {x: feed.close}}\nlayers: [own]\nrecord: [mine.value]\n"
DIVISION = LAYER.replace("Out(x, s.bars // 100)", "Out(1.0 / (150 - s.bars), 0.0)")
FRACTION = LAYER.replace("Out(x, s.bars // 100)", "Out(x, s.bars // 7 / 2.0)")
VECTOR = LAYER.replace("bars: int = 0", "bars: int = 0\n    all: Array = array(3)").replace(
    "import State", "import Array, State, array"
)
VECTOR = VECTOR.replace("value: Real", "value: Vec[3, Price]").replace(
    "return Out(x, s.bars // 100)",
    "s.all[0] = x\n    s.all[1] = x\n    s.all[2] = 60.0 - s.bars\n    return Out(s.all, 0)",
)
SHARED = LAYER.replace('source="test"', 'source="test", scope="portfolio"').replace("x: Price", "x: PerSymbol[Price]")
SHARED = SHARED.replace("Out(x, ", "Out(x[0], ")


def compiled(desk: Desk, layer: str, wiring: str = WIRING) -> Plan:
    desk.write({"own/blocks/mine.py": layer})
    checked = desk.check(wiring)
    assert checked.sound, "\n".join(map(str, checked.findings))
    return compile_plan(checked, SIMULATED, ["AAA", "BBB"])


def run(plan: Plan, folder: Path) -> None:
    (folder / "run").mkdir()
    run_backtest(plan, synthetic_market(plan.symbols, 400, 1, 60_000), RunSettings(VenueSettings()), folder / "run")


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (LAYER, "mine.side of AAA is 2 at 2024-01-01 03:19 UTC, but a side is -1 to 1, whole"),
        (DIVISION, "mine.value of AAA is inf at 2024-01-01 02:29 UTC, but a real is any finite number"),
        (FRACTION, "mine.side of AAA is 0.5 at 2024-01-01 00:06 UTC, but a side is -1 to 1, whole"),
        (VECTOR, "mine.value of AAA is 0 at 2024-01-01 00:59 UTC, but a price is > 0"),
        (SHARED, "mine.side is 2 at 2024-01-01 03:19 UTC, but a side is -1 to 1, whole"),
    ],
    ids=["integer division", "division by 0", "fraction", "vector", "shared"],
)
def test_value_out_of_range(layer: str, message: str, desk: Desk, tmp_path: Path) -> None:
    plan = compiled(desk, layer)
    with pytest.raises(WiringError) as stopped:
        run(plan, tmp_path)
    (found,) = stopped.value.findings
    assert (found.code, found.message) == ("K015", message)
    assert found.place.file == "own/blocks/mine.py"
    assert layer.splitlines()[found.place.line - 1].startswith("def step(")


def test_values_in_range(desk: Desk, tmp_path: Path) -> None:
    run(compiled(desk, LAYER.replace("s.bars // 100", "s.bars // 1000")), tmp_path)


def test_shipped_layers_are_not_watched(desk: Desk) -> None:
    own = compiled(desk, LAYER)
    shipped = compiled(desk, LAYER, FEED + "record: [feed.close]\n")
    assert " watch(edge_values" in own.text
    assert " watch(edge_values" not in shipped.text


def test_command_names_it_and_leaves_nothing(shell: Shell) -> None:
    Path("own/blocks").mkdir(parents=True)
    Path("own/blocks/mine.py").write_text(LAYER)
    text = WIRING.replace("feed: {inputs: {raw: market}}", "L0: {inputs: {raw: market, now: clock.time}}")
    Path("w.yaml").write_text(text.replace("feed.close", "L0.close"))
    assert shell.run("backtest", "w.yaml", "--symbols", "AAA", "--bars", "400") == 1
    assert f"{STEP_AT}: error K015: mine.side of AAA is 2 at 2024-01-01 03:19 UTC" in shell.err
    assert "Traceback" not in shell.err
    assert not Path("runs").exists() or list(Path("runs").iterdir()) == []
