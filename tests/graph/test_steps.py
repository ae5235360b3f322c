"""Whole steps: against Python's decimal arithmetic and ccxt's rounding, over every size that a double resolves."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal, localcontext
from math import inf, isnan, nan, nextafter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stratoquant.graph.steps import MOST_STEPS, on_grid, reaches, snap
from stratoquant.runtime.venue.costs import in_lots
from stratoquant.runtime.venue.orders import on_tick
from stratoquant.runtime.venue.records import LIMIT, MARKET, STOP
from tests.ccxt_rounding import NO_PADDING, TICK_SIZE, TRUNCATE, decimal_to_precision

STEPS = st.sampled_from(
    ["1e-18", "1e-10", "1e-8", "0.0001", "0.00025", "0.001", "0.005", "0.01", "0.05", "0.1", "0.25", "0.5", "1", "5",
     "10", "250"]
)  # fmt: skip
SIDES = (-1.0, 1.0)


def multiple(n: int, step: str) -> float:
    """The double nearest to n steps."""
    with localcontext(prec=60):
        return float(n * Decimal(step))


@settings(max_examples=2000, deadline=None)
@given(st.integers(1, 2**46), STEPS)
def test_a_multiple_of_the_step_stays(n: int, step: str) -> None:
    """Whoever rounds it, and to whatever side: L96's rounding and the venue's."""
    x, size = multiple(n, step), float(step)
    assert [on_grid(x, size, way) for way in (-1.0, 0.0, 1.0)] == [x] * 3
    assert in_lots(x, size) == snap(x, size) == x
    assert [on_tick(x, side, kind, size) for side in SIDES for kind in (MARKET, LIMIT, STOP)] == [x] * 6


@settings(max_examples=2000, deadline=None)
@given(st.floats(1e-9, 1e9), STEPS)
def test_any_number_goes_to_the_multiple_that_decimals_give(x: float, step: str) -> None:
    size = Decimal(step)
    with localcontext(prec=60):
        steps = Decimal(repr(x)) / size
        below = int(steps.to_integral_value(ROUND_FLOOR))
        above = int(steps.to_integral_value(ROUND_CEILING))
    if above >= 2**46:
        return
    down, up = on_grid(x, float(step), -1.0), on_grid(x, float(step), 1.0)
    assert (down, up) == (multiple(below, step), multiple(above, step))
    assert on_grid(x, float(step), 0.0) in (down, up)
    for rounded in (down, up):  # what L96 made of it passes through the venue as it is
        assert in_lots(rounded, float(step)) == rounded
        assert {on_tick(rounded, side, kind, float(step)) for side in SIDES for kind in (LIMIT, STOP)} == {rounded}


@settings(max_examples=1000, deadline=None)
@given(st.floats(0.5, 1e12), st.sampled_from([1e-8, 0.0001, 0.01, 0.1, 0.5, 1, 10]))
def test_quantities_are_cut_as_ccxt_cuts_them(lots: float, lot: float) -> None:
    qty = lots * lot
    if abs(lots - round(lots)) < 2e-6 or lots > 1e9:  # rounding, which ccxt does not forgive
        return
    assert in_lots(qty, lot) == float(decimal_to_precision(qty, TRUNCATE, lot, TICK_SIZE, NO_PADDING))


@pytest.mark.parametrize(
    ("x", "tick"),
    [(60000.02, 0.0001), (620000.07, 0.01), (5000.0003, 0.0001), (100000.0001, 0.0001), (16777217e-4, 0.0001)],
)
def test_prices_of_more_than_two_to_the_24_steps(x: float, tick: float) -> None:
    """Dividing by the tick errs by more than a billionth of it here."""
    assert on_tick(x, 1.0, LIMIT, tick) == in_lots(x, tick) == x
    above, below = nextafter(x, inf), nextafter(x, 0.0)
    assert on_grid(above, tick, -1.0) == on_grid(below, tick, 1.0) == x
    assert on_grid(below, tick, -1.0) == pytest.approx(x - tick, rel=1e-15)


def test_the_venue_forgives_what_arithmetic_leaves() -> None:
    """A price or a quantity that was computed is a rounding off its step; it must not cost a whole one."""
    assert 60000.02 + 0.1 < 60000.12 and 0.7 - 0.4 < 0.3
    assert on_tick(60000.02 + 0.1, 1.0, LIMIT, 0.01) == on_tick(60000.02 + 0.1, -1.0, STOP, 0.01) == 60000.12
    assert on_tick(nextafter(101497.35, inf), 1.0, STOP, 0.01) == 101497.35
    assert in_lots(0.7 - 0.4, 0.1) == 0.3
    assert in_lots(0.29, 0.1) == 0.2


def test_what_has_no_steps_stays() -> None:
    for x in (0.1, 7.0, inf, 1e300):
        for step in (0.0, nan, -1.0, 1e-30):
            assert on_grid(x, step, -1.0) == snap(x, step) == x
    assert isnan(on_grid(nan, 0.1, 0.0)) and isnan(snap(nan, 0.1))
    assert on_grid(MOST_STEPS + 0.25, 1.0, -1.0) == MOST_STEPS + 0.25
    assert on_grid(7.0, 5e-324, -1.0) == 7.0


def test_only_rounding_is_snapped() -> None:
    assert snap(0.1 + 0.2, 0.1) == snap(0.7 - 0.4, 0.1) == 0.3
    assert snap(1000.3 - 1000.0, 0.1) == 0.3
    assert snap(-0.1 - 0.2, 0.1) == -0.3
    assert snap(1e-17, 0.1) == 0.0
    assert (snap(0.03, 0.1), snap(0.30001, 0.1)) == (0.03, 0.30001)


@pytest.mark.parametrize("level", [1e-9, 1.1324600000000002, 60000.02])
def test_a_touch_is_missed_by_no_rounding_and_made_by_nothing_more(level: float) -> None:
    for side in SIDES:
        short = level
        for _ in range(4):
            short = nextafter(short, -side * inf)
        assert reaches(level, level, side) and reaches(short, level, side)
        assert reaches(level * (1.0 + side * 0.1), level, side)
        assert not reaches(level * (1.0 - side * 1e-11), level, side)
    assert not reaches(1.0, nan, 1.0) and not reaches(1.0, inf, 1.0) and not reaches(1.0, -inf, -1.0)
