"""A run that covers the period on which a model was fitted says so."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from stratoquant.graph.clock import parse_time
from stratoquant.graph.compiler import checked_or_raise
from stratoquant.graph.model import Graph
from stratoquant.layers import catalogue
from stratoquant.runtime.data.market import Market, market_from
from stratoquant.runtime.data.synthetic import synthesise
from stratoquant.runtime.in_sample import check_models

SPECS = Path(__file__).parents[2] / "specs"
HOUR = 3_600_000


@pytest.fixture(scope="module")
def graph() -> Graph:
    graph = checked_or_raise(SPECS / "wiring_master.yaml", catalogue()).graph
    assert graph is not None
    return graph


def market(start: str, hours: int, symbol: str = "BTCUSDT") -> Market:
    table = synthesise([symbol], hours, 1, HOUR)
    shift = parse_time(start) - table["time"][0]
    return market_from(table.with_columns(time=table["time"] + shift), clock_ms=HOUR)


def fitted(graph: Graph, **made: str | None) -> Graph:
    """The graph with other facts of its model's fit."""
    nodes = {}
    for key, node in graph.nodes.items():
        if node.model is not None:
            facts = {k: v for k, v in (node.model.made | made).items() if v is not None}
            node = replace(node, model=replace(node.model, made=facts))
        nodes[key] = node
    return replace(graph, nodes=nodes)


FROM, UNTIL = "2021-04-21 00:00 UTC", "2021-05-10 00:00 UTC"


@pytest.mark.parametrize(
    ("start", "hours", "share"),
    [("2021-05-01", 9 * 24, "100%"), ("2021-05-05", 20 * 24, "25%"), ("2021-05-10", 100, None)],
)
def test_the_share_of_a_run_that_the_model_has_seen_is_said(
    graph: Graph, start: str, hours: int, share: str | None
) -> None:
    found = check_models(fitted(graph, **{"from": FROM, "until": UNTIL}), market(start, hours))
    assert [f.code for f in found] == ([] if share is None else ["D047"])
    assert all(f"{share} of this run" in f.detail and "BTCUSDT" in f.detail for f in found)


def test_other_symbols_of_the_same_time_count_as_well(graph: Graph) -> None:
    [found] = check_models(fitted(graph, **{"from": FROM, "until": UNTIL}), market("2021-05-01", 100, "NEOUSDT"))
    assert "other symbols" in found.detail


def test_a_model_without_a_period_has_nothing_out_of_sample(graph: Graph) -> None:
    [found] = check_models(fitted(graph, until=None), market("2026-01-01", 100))
    assert "does not say" in found.detail


def test_a_wiring_without_models_has_no_finding() -> None:
    graph = checked_or_raise(SPECS / "sma_cross.yaml", catalogue()).graph
    assert graph is not None
    assert check_models(graph, market("2021-05-01", 100)) == []
