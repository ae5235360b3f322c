"""The master wiring tells in words why it traded and what stopped it, with the values that it had."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from stratoquant.graph.compiler import checked_or_raise
from stratoquant.graph.plan import compile_plan
from stratoquant.graph.session import Session
from stratoquant.layers import catalogue
from stratoquant.runtime.data.synthetic import synthetic_market
from stratoquant.runtime.explain import Explanation, explain
from stratoquant.runtime.venue import SIMULATED, VenueSettings

FORCED = Path(__file__).with_name("forced_master.yaml")
SYMBOLS = ("BTCUSDT", "ETHUSDT", "XRPUSDT")


@cache
def explanations() -> tuple[Explanation, Explanation]:
    """Of the first step whose target is a new position, and of the first one that a veto stopped, over all symbols."""
    checked = checked_or_raise(FORCED, catalogue())
    plan = compile_plan(checked, SIMULATED, SYMBOLS)
    market = synthetic_market(SYMBOLS, 20_000, 1, 60_000)
    session = Session(plan, VenueSettings(), cash=100_000.0)
    traded = stopped = None
    for block in market.blocks():
        for bar in range(len(block.times)):
            session.step(int(block.times[bar]), block.events[bar])
            for i in range(len(SYMBOLS)):
                target, veto = (session.value(f"L4.{port}", i)[0] for port in ("target", "veto"))
                if traded is None and target != 0.0 and session.accounts["position"][i] == 0.0 and veto == 0.0:
                    traded = explain(session, i)
                if stopped is None and veto > 0.0 and veto % 2.0 == 0.0:  # bit 0: an input is missing, as in warm-up
                    stopped = explain(session, i)
                if traded and stopped:
                    return traded, stopped
    raise AssertionError("the built-in market gives no trade, or no veto")


def sentence(found: Explanation, start: str) -> str:
    matching = [line for line in found.story if line.startswith(start)]
    assert len(matching) == 1, found.story
    return matching[0]


def test_a_trade_is_told_from_the_regime_to_the_order() -> None:
    traded, _ = explanations()
    assert traded.verdict.startswith("an order left: ")
    keys = [line.split()[0] for line in traded.story]
    assert keys.index("L1") < keys.index("L3") < keys.index("L4") < keys.index("L5")
    side = "long" if "proposed long" in sentence(traded, "L4 risk_manager") else "short"
    assert f"proposed {side}, held 0" in sentence(traded, "L4 risk_manager")
    assert "vetoes: none" in sentence(traded, "L4 risk_manager")
    assert sentence(traded, "L3 fusion:").startswith(f"L3 fusion: {side}: edge ")
    assert "may trade: yes; must be flat: no" in sentence(traded, "L95 safety_governor:")
    assert sentence(traded, "L5 execution_bridge:").startswith(f"L5 execution_bridge: intent: open; side {side}")


def test_a_veto_is_told_with_what_caused_it() -> None:
    _, stopped = explanations()
    assert stopped.verdict.startswith("stopped or limited by: ")
    reasons = stopped.verdict.removeprefix("stopped or limited by: ").split(";")[0].split(", ")
    gate = next(r for r in stopped.readings if r.node == "L4")
    told = {v.port: v for v in gate.values}
    assert told["L4.veto"].words == ", ".join(reasons)
    for reason in reasons:
        assert "from L" in sentence(stopped, f"L4 veto {reason!r}")


@pytest.mark.parametrize("which", [0, 1])
def test_a_number_in_a_sentence_is_that_of_the_readings(which: int) -> None:
    """A sentence formats to four digits what the table below it has in full."""
    found = explanations()[which]
    edge = next(v.number for r in found.readings if r.node == "L3" for v in r.values if v.port == "L3.edge")
    assert f"edge {edge:.4g}," in sentence(found, "L3 fusion:")
    assert sum(line.startswith("L") for line in found.story) == len(found.story)
