"""The drawing of a graph: every node and wire once, conversions named, texts that their readers accept."""

from __future__ import annotations

import json
import re

import pytest

from stratoquant.graph.drawing import Drawing, as_dot, as_listing, as_mermaid, draw
from tests.graph.bad_wirings import GATE, ORDERS, RISK
from tests.graph.findings import HEAD, Desk, desk

__all__ = ["desk"]

CLOCKS = HEAD + (
    "nodes:\n"
    "  late: {layer: mix, inputs: {a: slow.rsi, b: late.value@-1 else none}, params: {weight: 0.25}}\n"
    "  feed: {inputs: {raw: market}}\n"
    "  slow: {layer: L14, clock: 5m, inputs: {close: feed.close}}\n"
    "  gather: {inputs: {values: [feed.close, none, 3, late.value]}}\n"
    "record: [late.value, gather.sums]\n"
)


@pytest.fixture
def drawing(desk: Desk) -> Drawing:
    return draw(desk.check(CLOCKS))


def test_nodes_stand_in_the_order_of_their_steps(drawing: Drawing) -> None:
    assert [n["key"] for n in drawing["nodes"]] == ["feed", "slow", "late", "gather"]


def test_node(drawing: Drawing) -> None:
    assert drawing["nodes"][1] == {
        "key": "slow",
        "layer": "L14",
        "name": "rsi",
        "domain": "kinematics",
        "clock": "5m",
        "scope": "symbol",
        "stage": 0,
        "inputs": [{"port": "close", "type": "price", "source": "feed.close"}],
        "outputs": [
            {"port": "rsi", "type": "unit"},
            {"port": "centred", "type": "score"},
            {"port": "slope", "type": "real"},
        ],
        "params": {"window": 14},
    }


def test_every_kind_of_wire(drawing: Drawing) -> None:
    assert {(e["from"], e["to"], e["kind"]) for e in drawing["edges"]} == {
        ("feed.close", "slow.close", "sample"),
        ("slow.rsi", "late.a", "hold"),
        ("late.value", "late.b", "delay"),
        ("feed.close", "gather.values", "direct"),
        ("late.value", "gather.values", "direct"),
    }


def test_orders_are_drawn(desk: Desk) -> None:
    drawing = draw(desk.check(RISK + GATE + ORDERS))
    assert {"from": "gate.qty", "to": "orders.qty", "kind": "direct"} in drawing["edges"]
    assert {"port": "side", "source": "gate.side"} in drawing["orders"]
    assert '"gate" -> "orders";' in as_dot(drawing)
    assert "n_gate --> orders_" in as_mermaid(drawing)
    assert next(n for n in drawing["nodes"] if n["key"] == "governor")["scope"] == "portfolio"


def test_an_unsound_wiring_can_be_drawn(desk: Desk) -> None:
    drawing = draw(desk.check(HEAD + "nodes:\n  mix: {inputs: {a: mix.value}}\n"))
    assert drawing["edges"] == [{"from": "mix.value", "to": "mix.a", "kind": "direct"}]


def test_drawing_is_plain_data(drawing: Drawing) -> None:
    assert json.loads(json.dumps(drawing)) == drawing


def test_mermaid(drawing: Drawing) -> None:
    lines = as_mermaid(drawing).splitlines()
    assert lines[0] == "flowchart LR"
    assert sum(line.strip().startswith("subgraph") for line in lines) == lines.count("  end") == 2
    assert "  n_feed -->|sample| n_slow" in lines
    assert "  n_slow -->|hold| n_late" in lines
    assert "  n_late -.->|delay| n_late" in lines
    declared = set(re.findall(r"^ +(n_\w+)\[", as_mermaid(drawing), re.MULTILINE))
    assert set(re.findall(r"\bn_\w+", as_mermaid(drawing))) == declared


def test_dot(drawing: Drawing) -> None:
    text = as_dot(drawing)
    assert text.startswith('digraph "w" {') and text.endswith("}\n")
    assert text.count("{") == text.count("}")
    assert '"feed" -> "slow" [label="sample"];' in text


def test_listing(drawing: Drawing) -> None:
    text = as_listing(drawing)
    assert text.startswith("w: 4 nodes at 1m\n")
    assert "slow  rsi (L14)  [every 5m, window=14]" in text
    assert "close <- feed.close  (sample)" in text
    assert "a <- slow.rsi  (hold)" in text
    assert "b <- late.value@-1 else none" in text
