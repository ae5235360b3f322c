"""What runs ahead of the account and of other symbols: nothing that must wait, and all that need not."""

from __future__ import annotations

from pathlib import Path

import networkx as nx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stratoquant.graph.compiler import Checked, checked_or_raise
from stratoquant.graph.passes.p4_causality import wires
from stratoquant.graph.passes.p7_schedule import reads_account, slow_readers
from stratoquant.graph.plan import compile_plan
from stratoquant.runtime.venue import SIMULATED
from tests.graph.plans import checked, registry
from tests.graph.random_wirings import wirings

MASTER = Path(__file__).parents[2] / "specs" / "wiring_master.yaml"
FEED = "  {key}: {{layer: feed, clock: {clock}, inputs: {{raw: market}}}}\n"


def assert_runs_ahead_only_what_may(sound: Checked) -> None:
    graph, schedule = sound.graph, sound.schedule
    assert graph is not None and schedule is not None
    order = [key for stage in schedule.stages for key in stage.nodes]
    assert sorted(order) == sorted(graph.nodes)
    assert all(order.index(a) < order.index(b) for a, b in wires(graph).edges)
    group = {key: number for number, keys in enumerate(schedule.ahead) for key in keys}
    assert order[: len(group)] == [key for keys in schedule.ahead for key in keys]
    for key in group:
        assert not graph.nodes[key].layer.portfolio
        assert key not in schedule.closed_loop
    for before, after in wires(graph, delayed=True).edges:  # over the bars of a chunk, a late read is a read
        if after in group:
            assert before in group
            assert group[before] <= group[after]


def assert_waits_only_what_must(sound: Checked) -> None:
    graph, schedule = sound.graph, sound.schedule
    assert graph is not None and schedule is not None
    ahead = {key for keys in schedule.ahead for key in keys}
    waiting = set(graph.nodes) - ahead
    late = nx.DiGraph(list(wires(graph, delayed=True).edges))
    late.add_nodes_from(graph.nodes)
    together = {key for keys in slow_readers(graph).values() if waiting.intersection(keys) for key in keys}
    for key in waiting:
        must = graph.nodes[key].layer.portfolio or reads_account(graph.nodes[key]) or key in together
        assert must or waiting & nx.ancestors(late, key), key


@settings(max_examples=200, deadline=None)
@given(text=wirings(30))
def test_what_runs_ahead_reads_nothing_that_waits(text: str) -> None:
    sound = checked(text)
    assert_runs_ahead_only_what_may(sound)
    assert_waits_only_what_must(sound)


@settings(max_examples=50, deadline=None)
@given(clocks=st.lists(st.sampled_from(["1m", "5m", "15m"]), min_size=30, max_size=30))
def test_the_bars_of_a_slow_clock_are_read_in_one_group(clocks: list[str]) -> None:
    feeds = "".join(FEED.format(key=f"f{i}", clock=clock) for i, clock in enumerate(clocks))
    sound = checked(f"stratoquant: 1\nname: feeds\nclock: 1m\nnodes:\n{feeds}record: []\n")
    assert sound.schedule is not None
    for clock in {"5m", "15m"} & set(clocks):
        keys = {f"f{i}" for i, c in enumerate(clocks) if c == clock}
        assert sum(bool(keys & set(group)) for group in sound.schedule.ahead) == 1


@pytest.mark.parametrize("key", ["L0", "bars_1h", "L14", "L3", "L65", "L73"])
def test_the_signals_of_the_master_wiring_run_ahead(key: str) -> None:
    schedule = checked_or_raise(MASTER, registry()).schedule
    assert schedule is not None
    assert any(key in group for group in schedule.ahead)
    assert len(schedule.ahead) > 1


def test_a_signal_that_a_wiring_lets_read_the_account_waits_for_it() -> None:
    """It was not made for the account, so only the wiring tells."""
    feed = "  feed: {layer: feed, inputs: {raw: market}}\n"
    own = "  own: {layer: smooth, inputs: {x: account.leverage}}\n  more: {layer: smooth, inputs: {x: own.mean}}\n"
    sound = checked(f"stratoquant: 1\nname: own\nclock: 1m\nnodes:\n{feed}{own}record: [more.mean, feed.close]\n")
    assert sound.schedule is not None
    assert sound.schedule.closed_loop == {"own", "more"} and sound.schedule.ahead == (("feed",),)
    compile_plan(sound, SIMULATED, ("A",))
