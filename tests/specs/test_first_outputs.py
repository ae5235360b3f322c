"""No node of the master wiring is silent for longer than its warm-up says, and none waits for a proposal to warm up."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest

from stratoquant.graph.compiler import Checked, checked_or_raise
from stratoquant.graph.passes.p4_causality import wires
from stratoquant.graph.plan import compile_plan
from stratoquant.graph.session import Session
from stratoquant.layers import catalogue
from stratoquant.runtime.venue import SIMULATED, VenueSettings
from tests.layers.real_data import real_market

MASTER = Path(__file__).parents[2] / "specs" / "wiring_master.yaml"
SYMBOLS = ["BTCUSDT", "ETHUSDT", "XRPUSDT"]
BARS = 2_400
SLACK = 60
"""Bars that a market without a book and recorded trades adds: L10 averages volume over 60 bars, L59 returns over 30."""
LATE = {
    "L28": "reads L21.bandwidth_rank, a rank among 250 values",
}
BOOK = ("L8", "L9")  # these bars have none


@cache
def first_outputs() -> tuple[Checked, dict[str, int]]:
    """The checked wiring, and the first bar on which each port has a value for every symbol; BARS for never."""
    checked = checked_or_raise(MASTER, catalogue())
    assert checked.graph is not None
    market = real_market(SYMBOLS, "2021-04-21", BARS)
    plan = compile_plan(checked, SIMULATED, market.symbols)
    ports = [
        f"{key}.{name}"
        for key, node in checked.graph.nodes.items()
        for name, kind in node.layer.outputs.items()
        if kind.size is None and f"{key}.{name}" in plan.layout.columns
    ]
    session = Session(plan, VenueSettings(), cash=1e5, record=tuple(ports))
    blocks = [session.run(block.times, block.events) for block in market.blocks(BARS)]
    own = np.concatenate([b.symbols for b in blocks])
    shared = np.concatenate([b.shared for b in blocks])
    known = {False: ~np.isnan(own).all(axis=1), True: ~np.isnan(shared)}
    place = {False: 0, True: 0}
    first = {}
    for column in session.recorded_columns:
        there = known[column.shared][:, place[column.shared]]
        first[column.name] = int(np.argmax(there)) if there.any() else BARS
        place[column.shared] += column.size
    return checked, first


def of_node(first: dict[str, int], key: str) -> list[int]:
    return [bar for port, bar in first.items() if port.split(".")[0] == key]


def test_every_node_has_an_output_when_its_warm_up_is_over() -> None:
    checked, first = first_outputs()
    assert checked.graph is not None and checked.warmup is not None
    late = {}
    for key in checked.graph.nodes:
        if (bars := of_node(first, key)) and min(bars) > checked.warmup.total[key] + SLACK:
            late[key] = (min(bars), checked.warmup.total[key])
    assert set(late) - {*LATE, *BOOK} == set(), late


@pytest.mark.parametrize("key", ["L83", "L84"])
def test_what_is_learned_from_returns_does_not_wait_for_a_proposal(key: str) -> None:
    """Its warm-up runs while nothing is proposed yet, so that it is over by then."""
    checked, first = first_outputs()
    assert checked.warmup is not None
    assert max(of_node(first, "L75")) < BARS
    learned = min(of_node(first, key))
    assert learned <= checked.warmup.own[key] + SLACK < max(of_node(first, "L75"))


def test_nothing_after_a_proposal_adds_a_warm_up_of_its_own() -> None:
    """All that stands between a proposal and its order has its outputs when the first proposal comes."""
    checked, first = first_outputs()
    assert checked.graph is not None and checked.warmup is not None
    drawn = wires(checked.graph)
    after, ahead = set(), ["L75"]
    while ahead:
        key = ahead.pop()
        after |= {key}
        ahead += [other for other in checked.graph.nodes if key in drawn.before(other) and other not in after]
    assert {"L81", "L83", "L4", "L5"} <= after
    proposed = max(of_node(first, "L75"))
    silent = {p: bar for p, bar in first.items() if p.split(".")[0] in after and proposed + SLACK < bar < BARS}
    assert not silent, silent
    assert proposed <= checked.warmup.orders + SLACK
