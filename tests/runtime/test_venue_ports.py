"""The ports of the clock and of the venue say in a step what the clock and the settings of the run are."""

from __future__ import annotations

import numpy as np
import pytest

from stratoquant.graph.account import VENUE_PORTS
from stratoquant.graph.market import missing_events
from stratoquant.graph.plan import compile_plan
from stratoquant.graph.session import Session
from stratoquant.runtime.venue import SIMULATED, VenueSettings
from tests.graph.plans import checked, plan_of
from tests.graph.plans import registry as all_layers

MINUTE = 60_000
HOUR_BARS = 60
SOURCES = """\
stratoquant: 1
clock: 1m
nodes:
  fast: {layer: gather, inputs: {values: [clock.bars_per_day, clock.bars_per_year, venue.taker_fee, venue.maker_fee]}}
  slow: {layer: gather, clock: 1h, inputs: {values: [clock.bars_per_day, clock.bars_per_year, venue.impact]}}
  rest: {layer: gather, inputs: {values: [venue.half_spread, venue.maintenance]}}
record: [fast.sums, slow.sums, rest.sums]
"""
RULES = VenueSettings(taker_fee=3.25, maker_fee=-0.5, half_spread=1.75, impact=0.4, maintenance=0.01)


def bars(session: Session, first: int, count: int) -> None:
    session.run(np.arange(first, first + count) * MINUTE, missing_events(count, 1))


@pytest.mark.parametrize("backend", ["llvm", "numba"])
def test_ports_of_clock_and_venue(backend: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRATOQUANT_BACKEND", backend)
    session = Session(compile_plan(checked(SOURCES), SIMULATED, ("A",)), RULES, cash=1000.0)
    bars(session, 0, 1)
    assert session.value("fast.sums").tolist() == [1440.0, 365.25 * 1440.0, 3.25, -0.5]
    assert session.value("rest.sums")[:2].tolist() == [1.75, 0.01]
    assert np.isnan(session.value("slow.sums")).all()
    bars(session, 1, HOUR_BARS - 1)
    assert session.value("slow.sums")[:3].tolist() == [24.0, 365.25 * 24.0, 0.4]


def test_a_step_of_one_bar_sees_them_too() -> None:
    session = Session(compile_plan(checked(SOURCES), SIMULATED, ("A",)), RULES, cash=1000.0)
    session.step(0, missing_events(1, 1)[0])
    assert session.value("fast.sums").tolist() == [1440.0, 365.25 * 1440.0, 3.25, -0.5]


def test_a_venue_that_does_not_tell_leaves_its_ports_missing() -> None:
    plan = plan_of(SOURCES, ("A",))
    session = Session(plan, plan.venue.settings(), cash=1000.0)
    bars(session, 0, 1)
    assert session.value("fast.sums")[:2].tolist() == [1440.0, 365.25 * 1440.0]
    assert np.isnan(session.value("rest.sums")).all()


def test_every_port_of_the_venue_is_a_rule_of_the_simulated_one() -> None:
    assert set(VENUE_PORTS) <= set(VenueSettings.model_fields)


def test_no_layer_of_the_master_restates_the_venue_or_the_clock() -> None:
    """A parameter of that name would be a copy that can differ from what the run charges."""
    registry = all_layers()
    facts = {*VENUE_PORTS, "bars_per_day", "bars_per_year", "fee", "fees"}
    copies = {
        f"{key}.{name}"
        for key in registry.keys()  # noqa: SIM118
        if registry.get(key).params is not None
        for name in registry.get(key).params.model_fields
        if name in facts
    }
    assert not copies
