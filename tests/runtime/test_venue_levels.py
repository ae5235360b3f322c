"""One hand-made market a rule: stops, targets and orders that only reduce a position."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.runtime.venue_rules import FLAT, LIMIT, STOP, free, rejected, run, told


def test_stop_is_taken_before_the_target() -> None:
    bracket = {"step": 0, "side": 1, "qty": 1, "stop_price": 95.0, "take_price": 105.0}
    assert told(run([FLAT, FLAT, (100, 110, 90, 100)], bracket))[1:] == [(2, -1.0, 95.0, "stop")]
    assert told(run([FLAT, FLAT, (100, 110, 96, 100)], bracket))[1:] == [(2, -1.0, 105.0, "take")]
    short = {"step": 0, "side": -1, "qty": 1, "stop_price": 105.0, "take_price": 95.0}
    assert told(run([FLAT, FLAT, (100, 110, 90, 100)], short))[1:] == [(2, 1.0, 105.0, "stop")]
    assert told(run([FLAT, FLAT, (100, 104, 90, 100)], short))[1:] == [(2, 1.0, 95.0, "take")]


@pytest.mark.parametrize(("side", "touched"), [(1, "stop"), (1, "take"), (-1, "stop"), (-1, "take")])
def test_levels_act_on_a_touch(side: int, touched: str) -> None:
    bracket = {"step": 0, "side": side, "qty": 1, "stop_price": 100.0 - side * 5, "take_price": 100.0 + side * 5}
    price = bracket[f"{touched}_price"]
    rows = [FLAT, FLAT, (100, max(100.0, price), min(100.0, price), 100)]
    assert told(run(rows, bracket))[1:] == [(2, -side, price, touched)]


def test_gap_through_a_stop_fills_at_the_open() -> None:
    bracket = {"step": 0, "side": 1, "qty": 1, "stop_price": 95.0}
    assert told(run([FLAT, FLAT, (90, 92, 88, 91)], bracket))[1:] == [(2, -1.0, 90.0, "stop")]


def test_open_beyond_the_target_is_certain() -> None:
    bracket = {"step": 0, "side": 1, "qty": 1, "stop_price": 95.0, "take_price": 105.0}
    rows = [FLAT, FLAT, (107, 108, 90, 91)]
    assert told(run(rows, bracket))[1:] == [(2, -1.0, 107.0, "take")]
    assert told(run(rows, bracket, settings=free(own_price=1)))[1:] == [(2, -1.0, 105.0, "take")]


def test_bracket_acts_in_the_bar_of_the_entry() -> None:
    bracket = {"step": 0, "side": 1, "qty": 1, "stop_price": 99.5, "take_price": 105.0}
    assert told(run([FLAT, FLAT], bracket)) == [(1, 1.0, 100.0, "signal"), (1, -1.0, 99.5, "stop")]


def test_entry_inside_a_bar_is_judged_by_what_is_certain() -> None:
    limit = {"step": 0, "side": 1, "qty": 1, "kind": LIMIT, "price": 98.0, "stop_price": 95.0, "take_price": 102.0}
    high_may_be_earlier = (100, 103, 97, 100)
    assert told(run([FLAT, high_may_be_earlier], limit)) == [(1, 1.0, 98.0, "signal")]
    closes_beyond = (100, 103, 97, 102.5)
    assert told(run([FLAT, closes_beyond], limit))[1:] == [(1, -1.0, 102.0, "take")]
    falls_on = (100, 103, 94, 100)
    assert told(run([FLAT, falls_on], limit))[1:] == [(1, -1.0, 95.0, "stop")]
    stop = {"step": 0, "side": 1, "qty": 1, "kind": STOP, "price": 102.0, "stop_price": 98.0, "take_price": 104.0}
    assert told(run([FLAT, (100, 105, 99, 103)], stop))[1:] == [(1, -1.0, 104.0, "take")]
    assert told(run([FLAT, (100, 105, 97, 103)], stop))[1:] == [(1, -1.0, 98.0, "stop")]


def test_levels_belong_to_the_order_that_turns_the_position() -> None:
    """The stop of a short must not close the long that stands until the short's limit is filled."""
    rows = [FLAT, FLAT, FLAT, (100, 106, 99, 100), (100, 111, 99, 100)]
    r = run(
        rows,
        {"step": 0, "side": 1, "qty": 1, "stop_price": 90.0},
        {"step": 1, "side": -1, "qty": 2, "kind": LIMIT, "price": 105.0, "stop_price": 110.0},
    )
    assert told(r)[1:] == [(3, -2.0, 105.0, "signal"), (4, 1.0, 110.0, "stop")]
    assert r.watched["stop_price"][1:4, 0].tolist() == [90.0, 90.0, 110.0]


def test_levels_move_and_go_with_the_position() -> None:
    r = run(
        [FLAT] * 5,
        {"step": 0, "side": 1, "qty": 1, "stop_price": 90.0},
        {"step": 1, "stop_price": 92.0},
        {"step": 3, "side": -1, "qty": 1},
    )
    assert np.array_equal(r.watched["stop_price"][:, 0], [np.nan, 90.0, 92.0, 92.0, np.nan], equal_nan=True)


def test_working_order_against_the_position_meets_before_a_farther_stop() -> None:
    """Long at 100: the price falls through a limit that adds at 97 and then to the stop at 95, which closes both."""
    rows = [FLAT, FLAT, (100, 101, 94, 96)]
    r = run(
        rows,
        {"step": 0, "side": 1, "qty": 1, "stop_price": 95.0},
        {"step": 1, "side": 1, "qty": 1, "kind": LIMIT, "price": 97.0},
    )
    assert told(r)[1:] == [(2, 1.0, 97.0, "signal"), (2, -2.0, 95.0, "stop")]
    assert r.watched["fill_qty"][2, 0] == 3.0
    assert r.watched["fill_price"][2, 0] == pytest.approx((97.0 + 2 * 95.0) / 3)


@pytest.mark.parametrize(
    ("price", "fills"),
    [(105.0, [(2, -2.0, 105.0, "signal")]), (115.0, [(2, -1.0, 110.0, "take"), (2, -2.0, 115.0, "signal")])],
)
def test_of_target_and_order_the_nearer_is_first(price: float, fills: list[Any]) -> None:
    rows = [FLAT, FLAT, (100, 120, 99, 118)]
    r = run(
        rows,
        {"step": 0, "side": 1, "qty": 1, "take_price": 110.0},
        {"step": 1, "side": -1, "qty": 2, "kind": LIMIT, "price": price},
    )
    assert told(r)[1:] == fills


def test_reduce_only_is_clipped_and_never_opens() -> None:
    r = run([FLAT] * 3, {"step": 0, "side": 1, "qty": 1}, {"step": 1, "side": -1, "qty": 5, "reduce_only": 1})
    assert told(r)[1:] == [(2, -1.0, 100.0, "signal")]
    nothing = run([FLAT] * 2, {"step": 0, "side": -1, "qty": 5, "reduce_only": 1})
    assert told(nothing) == [] and rejected(nothing) == "reduce_only"


def test_reduce_only_is_clipped_to_what_is_left_when_it_arrives() -> None:
    r = run(
        [FLAT] * 6,
        {"step": 0, "side": 1, "qty": 2},
        {"step": 2, "side": -1, "qty": 1},
        {"step": 3, "side": -1, "qty": 2, "reduce_only": 1},
        settings=free(latency_bars=1),
    )
    assert told(r)[1:] == [(4, -1.0, 100.0, "signal"), (5, -1.0, 100.0, "signal")]


def test_rounding_leaves_no_dust() -> None:
    r = run(
        [FLAT] * 4,
        {"step": 0, "side": 1, "qty": 0.1},
        {"step": 1, "side": 1, "qty": 0.2},
        {"step": 2, "side": -1, "qty": 0.3},
        lot=0.1,
    )
    assert r.watched["position"][2, 0] == 0.3 != 0.1 + 0.2
    assert r.watched["position"][3, 0] == 0.0
    assert r.fills["qty"].tolist() == [0.1, 0.2, 0.3]


def test_rounding_leaves_no_dust_without_a_lot() -> None:
    orders = [{"step": t, "side": side, "qty": qty} for t, (side, qty) in enumerate([(1, 0.1), (1, 0.2), (-1, 0.3)])]
    r = run([FLAT] * 4, *orders)
    assert r.watched["position"][:, 0].tolist() == [0.0, 0.1, 0.1 + 0.2, 0.0]


def test_reduce_only_order_goes_when_a_stop_has_closed_the_position() -> None:
    rows = [FLAT, FLAT, (100, 101, 94, 95), (95, 120, 94, 118)]
    r = run(
        rows,
        {"step": 0, "side": 1, "qty": 1, "stop_price": 95.0},
        {"step": 1, "side": -1, "qty": 1, "reduce_only": 1, "kind": LIMIT, "price": 110.0},
    )
    assert told(r)[1:] == [(2, -1.0, 95.0, "stop")]
    assert r.watched["open_orders"][2, 0] == 0


@pytest.mark.parametrize("after", [93.0, 98.0])
def test_stop_too_large_for_the_bar_is_finished_at_the_next_open(after: float) -> None:
    rows = [FLAT] * 3 + [(100, 101, 94, 95, 1000.0), (after, after, after, after, 1000.0)]
    r = run(rows, {"step": 0, "side": 1, "qty": 150, "stop_price": 95.0}, settings=free(participation=0.1))
    assert told(r)[2:] == [(3, -100.0, 95.0, "stop"), (4, -50.0, after, "stop")]
