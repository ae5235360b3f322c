"""Mutated wirings: those that the check accepts keep every order within what the gate and the account allow.

`python -m tests.gate` does the same with ten thousand wirings and two hundred runs.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from stratoquant.graph.border import NO_LIMITS, Limits
from stratoquant.graph.passes.p5_gate import dominators
from stratoquant.graph.plan import compile_plan
from stratoquant.graph.venue import Venue
from stratoquant.runtime.venue import SIMULATED
from tests.account_loop.loop import SYMBOLS
from tests.gate.__main__ import check_many, checked_mutant, run_many
from tests.gate.attack import Attack
from tests.gate.mutants import Mutant
from tests.graph.null_venue import nothing_outlasts

WIRINGS = 400


@pytest.fixture(scope="module")
def accepted() -> list[Mutant]:
    return check_many(WIRINGS, quiet=True)


def test_some_mutants_are_accepted_and_the_gate_dominates_their_orders(accepted: list[Mutant]) -> None:
    assert WIRINGS * 0.05 < len(accepted) < WIRINGS * 0.5
    for made in accepted:
        graph = checked_mutant(made).graph
        assert graph is not None
        chains = dominators(graph)
        assert {"side", "qty"} <= chains.keys()
        assert all("L4" in chain for chain in chains.values()), (made, chains)


@pytest.mark.slow
def test_accepted_mutants_hold_every_bound(accepted: list[Mutant]) -> None:
    seen = run_many(accepted, runs=20, structures=4, bars=1000)
    assert sum(run.orders for run in seen) > 500
    assert sum(run.held_back for run in seen) > 50


def attack(made: Mutant, venue: Venue, latency: int, limits: Limits) -> Attack:
    return Attack(compile_plan(checked_mutant(made), venue, SYMBOLS), 1, latency, limits)


def test_without_the_border_orders_add_up() -> None:
    """The watch sees what the border prevents: here a border that is not told what can still fill."""
    blind = replace(SIMULATED, outlasting=nothing_outlasts)
    sizes = {"L4": {"inputs": {"notional": 20_000, "allowed": 20_000}}, "L5": {"inputs": {"working": 0}}}
    made = Mutant("small.yaml", 0, override=sizes)
    attack(made, SIMULATED, 3, NO_LIMITS).run(400)
    with pytest.raises(AssertionError, match="bound"):
        attack(made, blind, 3, NO_LIMITS).run(400)


def test_without_the_limits_a_size_is_taken_from_the_wiring() -> None:
    made = Mutant("small.yaml", 0, override={"L4": {"inputs": {"notional": 4_000_000, "allowed": 4_000_000}}})
    unlimited = attack(made, SIMULATED, 0, NO_LIMITS)
    unlimited.limits = Limits()
    with pytest.raises(AssertionError, match="position"):
        unlimited.run(400)


def test_limits_of_the_account_hold_whatever_the_wiring_says() -> None:
    made = Mutant("small.yaml", 0, override={"L4": {"inputs": {"notional": 4_000_000, "allowed": 4_000_000}}})
    plan = compile_plan(checked_mutant(made), SIMULATED, SYMBOLS)
    seen = Attack(plan, 5, 0, Limits(position=0.2, gross=0.5, order=0.1)).run(600)
    assert seen.orders > 20 and seen.held_back > 20
    assert np.isfinite(seen.position)
