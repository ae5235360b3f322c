"""A layer that is left out of a script is left out for its true reason, which has a kind and a sentence."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from stratoquant.graph.compiler import checked_or_raise
from stratoquant.graph.model import Graph
from stratoquant.layers import catalogue
from stratoquant.mirror.pine.cut import cut
from stratoquant.mirror.pine.reasons import (
    ACCOUNT,
    BOOK,
    DECLARED,
    INPUT,
    MODEL,
    NO_FORM,
    NOT_DECLARED,
    PORTFOLIO,
    Reason,
    own_reason,
)

SPECS = Path(__file__).parents[3] / "specs"
OWN_LAYER = '''"""own: a layer."""

from typing import NamedTuple

from stratoquant.graph.language import layer
from stratoquant.graph.types import Notional, Price, Vec


class Out(NamedTuple):
    value: Price


@layer(None, "own", domain="block", source="test"{declared})
def step(x: {port}) -> Out:
    return Out({value})
'''
WIRING = """stratoquant: 1
name: own
clock: 1m
symbols: [AAA]
layers: [own]
nodes:
  L0: {{inputs: {{raw: market, now: clock.time}}}}
  own: {{inputs: {{x: {source}}}}}
  reader: {{layer: slope, inputs: {{close: own.value}}}}
record: [own.value, reader.value]
"""
PLAIN = {"declared": "", "port": "Price", "value": "x", "source": "L0.close"}
OF_EQUITY = {"port": "Notional", "source": "account.equity"}
OF_BITS = {"value": "float(int(x) ^ 3)"}
CASES = {
    "pine= is not given": ({}, NOT_DECLARED, 'does not declare pine="yes", although its kernel can be translated'),
    "pine is no": ({"declared": ', pine="no"'}, DECLARED, 'declares pine="no"'),
    "bit operators": (OF_BITS, NO_FORM, "own.py:15:22: kernel step: bit operators"),
    "bit operators, declared": (OF_BITS | {"declared": ', pine="no"'}, NO_FORM, "bit operators have no form"),
    "the book": (
        {"port": "Vec[10, Price]", "value": "x[0]", "source": "L0.bid_px"},
        BOOK,
        "reads the order book (L0.bid_px), which a chart does not have",
    ),
    "the account": (OF_EQUITY, ACCOUNT, "needs the account, which only a strategy has"),
    "all symbols": (
        OF_EQUITY | {"declared": ', scope="portfolio"'},
        PORTFOLIO,
        "has portfolio scope; a chart has one symbol",
    ),
}


def graph_of(path: Path) -> Graph:
    checked = checked_or_raise(path, catalogue())
    assert checked.graph is not None
    return checked.graph


@pytest.mark.parametrize("name", CASES)
def test_the_true_reason_is_given(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written, kind, words = CASES[name]
    values = PLAIN | written
    monkeypatch.chdir(tmp_path)
    Path("own/blocks").mkdir(parents=True)
    Path("own/blocks/own.py").write_text(OWN_LAYER.format(**values), encoding="utf-8")
    Path("wiring.yaml").write_text(WIRING.format(**values), encoding="utf-8")
    left_out = cut(graph_of(Path("wiring.yaml"))).left_out
    assert left_out["own"].kind == kind and words in left_out["own"].text
    assert left_out["reader"] == Reason(INPUT, "its input close comes from own.value, which is left out")


def test_a_fitted_model_is_a_reason() -> None:
    graph = graph_of(SPECS / "bars_only.yaml")
    node = next(n for n in graph.nodes.values() if n.layer.model is not None)
    assert own_reason(graph, node) is None
    undeclared = replace(node, layer=replace(node.layer, pine="no"))
    reason = own_reason(graph, undeclared)
    assert reason is not None and reason.kind == MODEL


def test_the_reasons_of_the_master_wiring() -> None:
    left_out = cut(graph_of(SPECS / "wiring_master.yaml")).left_out
    kinds = {key: reason.kind for key, reason in left_out.items()}
    assert {kinds[key] for key in ("L8", "L9")} == {BOOK}
    assert {kinds[key] for key in ("L4", "L5", "L6", "L76", "L78", "L96", "L90")} == {ACCOUNT}
    assert {kinds[key] for key in ("L75", "L79", "L80", "L81", "L83", "L84", "L86", "L93", "L94", "L95")} == {PORTFOLIO}
    assert {kinds[key] for key in ("L70", "L71", "L72")} == {NOT_DECLARED}, "they have no model yet"
    assert not any("more than bars" in reason.text for reason in left_out.values())


def test_in_a_strategy_the_account_is_no_reason() -> None:
    cross = graph_of(SPECS / "sma_cross.yaml")
    assert {"L4", "L5", "L79", "L80", "L95", "L96"} <= cut(cross).left_out.keys()
    assert not cut(cross, strategy=True).left_out
    left_out = cut(graph_of(SPECS / "wiring_master.yaml"), strategy=True).left_out
    assert left_out["L81"] == Reason(PORTFOLIO, "outputs allowed per symbol; a chart has one symbol")
    assert left_out["L6"].kind == ACCOUNT
    assert "account.realised, which the strategy tester does not show" in left_out["L6"].text
