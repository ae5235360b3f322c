"""Attacks on memory: a user's own layer that leaves its arrays changes nothing else, and ends a backtest by name."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from stratoquant.graph.diagnostics import WiringError
from stratoquant.graph.passes.p10_build import backend
from stratoquant.graph.plan import Plan, compile_plan
from stratoquant.graph.session import Session
from stratoquant.runtime.data.synthetic import synthetic_market
from stratoquant.runtime.venue import SIMULATED, VenueSettings
from tests.graph.findings import Desk, desk
from tests.graph.test_own_ranges import SHARED, WIRING, run

__all__ = ["desk"]

pytestmark = pytest.mark.skipif(backend() == "numba", reason="the reference backend checks no index")

ATTACKER = '''\
"""A layer that writes where its parameter says."""

from typing import NamedTuple

from stratoquant.graph.language import Array, Parameters, State, array, kernel, layer, param
from stratoquant.graph.types import Price, Real


class Params(Parameters):
    at: int = param(1, -1000000000, 1000000000, "index")


class Memory(State):
    bars: int = 0
    all: Array = array(4)


class Out(NamedTuple):
    value: Real


@kernel
def put(values: Array, at: int, x: float) -> float:
    values[at] = x
    return values[at]


@layer(None, "mine", domain="pattern", source="test")
def step(s: Memory, p: Params, x: Price) -> Out:
    s.bars += 1
    value = 0.0
    if s.bars == 100:
        WRITE
    return Out(0.0 if value == value else 1.0)
'''
WRITES = {
    "element": "s.all[p.at] = 1e9",
    "changed element": "s.all[p.at] += 1e9",
    "kernel": "value = put(s.all, p.at, 1e9)",
    "read": "value = s.all[p.at]",
}
BEYOND = (-1, 4, -3, 20, 1000, 10**6, -(10**6), 10**9)
GUARDED_ORDERS = """\
stratoquant: 1
name: attack
clock: 1m
include: [minimal_risk.yaml]
nodes:
  mine: {inputs: {x: L0.close}, params: {at: INDEX}}
  L0: {inputs: {raw: market, now: clock.time}}
  fast: {layer: sma, inputs: {close: L0.close}, params: {window: 5}}
  slow: {layer: sma, inputs: {close: L0.close}, params: {window: 40}}
  signal: {layer: crossover, inputs: {fast: fast.value, slow: slow.value}}
layers: [own]
record: [mine.value]
"""
RISK = Path(__file__).parents[2] / "specs/minimal_risk.yaml"


def attacked(desk: Desk, write: str, index: int) -> Session:
    """A run over 400 bars in which the layer writes in the 100th."""
    desk.write({"own/blocks/mine.py": ATTACKER.replace("WRITE", write), "minimal_risk.yaml": RISK.read_bytes()})
    checked = desk.check(GUARDED_ORDERS.replace("INDEX", str(index)))
    assert checked.sound, "\n".join(map(str, checked.findings))
    plan = compile_plan(checked, SIMULATED, ["AAA", "BBB"])
    session = Session(plan, VenueSettings(), cash=100_000.0)
    for block in synthetic_market(plan.symbols, 400, 1, 60_000).blocks(400):
        session.run(block.times, block.events)
    return session


def others(session: Session) -> dict[str, bytes]:
    """All memory but that of the layer itself."""
    memory = session.snapshot()
    parts = {name: record.tobytes() for name, record in memory.items() if name not in ("state", "edges", "scratch")}
    for name in ("state", "edges", "scratch"):
        fields = [field for field in memory[name].dtype.names if not field.startswith("mine")]
        parts |= {f"{name}.{field}": memory[name][field].tobytes() for field in fields}
    return parts


@pytest.mark.parametrize("write", WRITES.values(), ids=list(WRITES))
def test_nothing_else_changes(write: str, desk: Desk) -> None:
    calm = attacked(desk, write, 2)
    assert calm.outside() is None
    assert int(calm.wallet["sequence"][0]) > 0, "a run without orders shows nothing about the account"
    for index in BEYOND:
        session = attacked(desk, write, index)
        found = session.outside()
        assert found is not None, index
        assert (found.node, found.symbol, found.time) == ("mine", "AAA", 1_704_067_200_000 + 99 * 60_000)
        assert others(session) == others(calm), index
        assert not session.state["mine"]["memory"]["all"].any(), "what is written outside is dropped"


@pytest.mark.parametrize("index", ["int(x * 1e300)", "int(1e300)", "1 << (p.at + 100)", "int(0.0 * x / (x - x))"])
def test_an_index_that_llvm_leaves_undefined(index: str, desk: Desk) -> None:
    """Not even an index of no defined value gets past the check; one that falls into the array is no violation."""
    calm = attacked(desk, "s.all[p.at] = 1e9", 2)
    session = attacked(desk, f"s.all[{index}] = 1e9", 2)
    assert others(session) == others(calm)


def test_what_is_read_outside_is_missing(desk: Desk) -> None:
    session = attacked(desk, "value = s.all[p.at]\n        s.all[0] = value", -1)
    assert np.isnan(session.state["mine"]["memory"]["all"][:, 0]).all()


def plan_of(desk: Desk, layer: str, wiring: str) -> Plan:
    desk.write({"own/blocks/mine.py": layer})
    checked = desk.check(wiring)
    assert checked.sound, "\n".join(map(str, checked.findings))
    return compile_plan(checked, SIMULATED, ["AAA", "BBB"])


def test_backtest_ends_with_the_layer_by_name(desk: Desk, tmp_path: Path) -> None:
    layer = ATTACKER.replace("WRITE", "s.all[p.at] = x")
    plan = plan_of(desk, layer, WIRING.replace("mine: {", "mine: {params: {at: -1}, "))
    with pytest.raises(WiringError) as stopped:
        run(plan, tmp_path)
    (found,) = stopped.value.findings
    assert (found.code, found.message) == (
        "K017",
        "mine for AAA uses an index outside its array at 2024-01-01 01:39 UTC",
    )
    assert found.place.file == "own/blocks/mine.py"
    assert layer.splitlines()[found.place.line - 1].startswith("def step(")


def test_portfolio_layer(desk: Desk, tmp_path: Path) -> None:
    layer = SHARED.replace("x[0]", "x[s.bars]").replace("s.bars // 100", "0")
    with pytest.raises(WiringError) as stopped:
        run(plan_of(desk, layer, WIRING), tmp_path)
    (found,) = stopped.value.findings
    assert (found.code, found.message) == ("K017", "mine uses an index outside its array at 2024-01-01 00:01 UTC")


def test_shipped_layers_are_not_checked(desk: Desk) -> None:
    own = plan_of(desk, ATTACKER.replace("WRITE", "s.all[p.at] = x"), WIRING)
    assert "guarded(node.outside, mine, node.memory, settings.values, x)" in own.text
    shipped = plan_of(desk, ATTACKER, WIRING.split("  mine:")[0] + "record: [feed.close]\n")
    assert "guarded" not in shipped.text and "outside" not in shipped.text
