"""The capital of a run reaches the layers that ask for it, and nothing that the wiring says itself."""

from __future__ import annotations

from pathlib import Path

from graph.compiler import Checked, checked_or_raise
from graph.identity import wiring_digest
from layers import catalogue
from runtime.capital import with_capital

MASTER = Path(__file__).resolve().parents[2] / "specs" / "wiring_master.yaml"


def capital(checked: Checked) -> float:
    assert checked.graph is not None
    return float(checked.graph.nodes["L10"].params.capital)  # type: ignore[union-attr]


def test_a_run_sets_the_capital_and_a_wiring_keeps_its_own() -> None:
    plain = checked_or_raise(MASTER, catalogue())
    assert capital(plain) == 100_000.0
    assert capital(with_capital(plain, 1)) == 1.0
    assert capital(with_capital(checked_or_raise(MASTER, catalogue(), {"L10.capital": 7.0}), 1.0)) == 7.0


def test_nothing_else_of_a_wiring_changes() -> None:
    plain = checked_or_raise(MASTER, catalogue())
    changed = with_capital(plain, 1.0)
    assert plain.graph is not None and changed.graph is not None
    assert {k for k, node in changed.graph.nodes.items() if node != plain.graph.nodes[k]} == {"L10"}
    assert wiring_digest(with_capital(plain, 100_000).graph) == wiring_digest(plain.graph)  # type: ignore[arg-type]
    assert (changed.warmup, changed.schedule, changed.findings) == (plain.warmup, plain.schedule, plain.findings)
