"""The capital of a run reaches the layers that ask for it, and nothing that the wiring says itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from stratoquant.graph.compiler import Checked, checked_or_raise
from stratoquant.graph.identity import wiring_digest
from stratoquant.layers import catalogue
from stratoquant.runtime.capital import with_capital
from tests.layers.single import run_layer
from tests.layers.test_microstructure import VENUE, books

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


def test_l10_costs_the_same_in_every_currency() -> None:
    """Prices and capital in a unit worth 2^20 times as much: the same order, the same cost."""
    book = books(3, 100)
    flat = {"sigma": np.full(100, 1e-3), "volume": np.linspace(1.0, 50.0, 100), **VENUE}
    close = 100.0 + np.arange(100.0)
    prices = {name: book[name] * 2.0**-20 for name in ("bid_px", "ask_px")}
    for ladders, scaled in (({}, {}), (book, book | prices)):
        ours = run_layer(catalogue().get("L10"), {**ladders, **flat, "close": close}, {"capital": 2.0**17})
        theirs = run_layer(catalogue().get("L10"), {**scaled, **flat, "close": close * 2.0**-20}, {"capital": 0.125})
        for name, values in ours.items():
            np.testing.assert_allclose(values, theirs[name], rtol=1e-12, err_msg=name)
        assert (ours["buy"][60:] > 0.0).all()
