"""The warm-up that is measured on a wiring is that of a run, wherever in the bars of slow clocks the run begins."""

from __future__ import annotations

import numpy as np
import pytest

from stratoquant.graph.passes.p6_warmup import measure_warmup
from stratoquant.graph.session import Session
from stratoquant.runtime.data.synthetic import synthetic_market
from tests.graph.null_venue import Settings
from tests.graph.plans import plan_of

CHAIN = """
stratoquant: 1
clock: 1m
symbols: [A]
nodes:
  L0: {inputs: {raw: market, now: clock.time}}
  hours: {layer: L0, clock: 1h, inputs: {raw: market, now: clock.time}}
  slow: {layer: sma, clock: 1h, inputs: {close: hours.close}, params: {window: 4}}
  slower: {layer: sma, clock: 1h, inputs: {close: slow.value}, params: {window: 3}}
  quarter: {layer: sma, clock: 15m, inputs: {close: slower.value}, params: {window: 5}}
  quick: {layer: sma, inputs: {close: quarter.value}, params: {window: 7}}
record: [quick.value]
"""
MINUTE = 60_000


@pytest.mark.parametrize("offset", [0, 1, 14, 15, 37, 45, 58, 59])
def test_the_first_value_of_every_node_comes_after_its_warm_up(offset: int) -> None:
    plan = plan_of(CHAIN, ("A",))
    market = synthetic_market(["A"], 1500, 1, MINUTE)
    market = market.between(market.start + offset * MINUTE)
    ports = ["slow.value", "slower.value", "quarter.value", "quick.value"]
    session = Session(plan, Settings(), cash=1000.0, record=ports, simulate=False)
    values = np.concatenate([session.run(b.times, b.events).symbols[:, 0].copy() for b in market.blocks()])
    first = [int(np.argmax(~np.isnan(values[:, k]))) for k in range(len(ports))]
    measured = measure_warmup(plan.graph, market.start).total
    assert first == [measured[port.split(".")[0]] for port in ports]
    assert measured["quick"] <= plan.warmup.total["quick"]


def test_a_clock_is_waited_for_once_however_many_of_its_nodes_follow_one_another() -> None:
    total = plan_of(CHAIN, ("A",)).warmup.total
    assert total["hours"] == 59 and total["slow"] == 59 + 3 * 60 and total["slower"] == 59 + 5 * 60
