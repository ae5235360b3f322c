"""One hand-made market a rule: what the simulated venue does with an order, a level, a bar that is missing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from graph.account import FILL_REASONS
from runtime.venue import FRICTIONLESS, VenueSettings
from runtime.venue.records import REJECTS
from tests.runtime.venue_driver import MINUTE, Outcome, bars, no_orders, order, simulate

FLAT = (100.0, 101.0, 99.0, 100.0, 1000.0)
MARKET, LIMIT, STOP = 0, 1, 2


def free(**changes: float) -> VenueSettings:
    """A venue without friction, but for the changes."""
    return FRICTIONLESS.model_copy(update=changes)


def run(rows: list[Any], *orders: dict[str, Any], settings: VenueSettings = FRICTIONLESS, **more: Any) -> Outcome:
    """Orders are given as {"step": ..., "side": ..., "qty": ..., any port}."""
    script = no_orders(len(rows))
    for ports in orders:
        order(script, **{"side": np.nan, "qty": np.nan} | ports)
    return simulate(bars(*rows), script, settings, **more)


def told(outcome: Outcome) -> list[tuple[int, float, float, str]]:
    """step, signed quantity, price, reason of every fill."""
    return [
        (int(f["time"]) // MINUTE, float(f["side"] * f["qty"]), float(f["price"]), FILL_REASONS[f["reason"]])
        for f in outcome.fills
    ]


def rejected(outcome: Outcome) -> str:
    return REJECTS[outcome.accounts["reject_reason"][0]]


def test_market_order_fills_at_the_next_open() -> None:
    r = run([FLAT, (102, 103, 101, 102), FLAT], {"step": 0, "side": 1, "qty": 2})
    assert told(r) == [(1, 2.0, 102.0, "signal")]
    assert r.fills["decision_time"][0] == 0
    assert r.equity.tolist() == [1e6, 1e6, 1e6 - 4.0]


def test_costs_of_taker_and_maker() -> None:
    fees = free(taker_fee=10.0, maker_fee=-1.0, half_spread=5.0)
    r = run(
        [FLAT, FLAT, FLAT],
        {"step": 0, "side": 1, "qty": 2},
        {"step": 1, "side": -1, "qty": 2, "kind": LIMIT, "price": 101.0},
        settings=fees,
    )
    assert told(r) == [(1, 2.0, 100.05, "signal"), (2, -2.0, 101.0, "signal")]
    assert r.fills["fee"].tolist() == pytest.approx([2 * 100.05 * 1e-3, -2 * 101.0 * 1e-4])
    assert r.fills["slippage"].tolist() == pytest.approx([0.1, 0.0])
    assert r.fills["maker"].tolist() == [0, 1]


def test_slippage_in_ticks() -> None:
    r = run([FLAT, FLAT], {"step": 0, "side": -1, "qty": 1}, settings=free(slippage_ticks=3), tick=0.5)
    assert told(r) == [(1, -1.0, 98.5, "signal")]


def test_square_root_impact_grows_with_the_root_of_the_quantity() -> None:
    rows = [(100, 101, 99, 100 + k % 2, 1000.0) for k in range(50)]
    prices = [
        run(rows, {"step": 40, "side": 1, "qty": q}, settings=free(impact=1.0, volatility_window=10)).fills["price"][0]
        for q in (10.0, 40.0)
    ]
    assert (prices[1] - 100.0) / (prices[0] - 100.0) == pytest.approx(2.0)
    sigma = 0.01  # every bar moves by about one percent
    assert prices[0] == pytest.approx(100.0 * (1 + sigma * np.sqrt(10.0 / 1000.0)), rel=1e-5)


def test_impact_forgets_what_is_older_than_its_window() -> None:
    rows = [(100, 100, 100, 100, 10.0), (100, 110, 100, 110, 10.0), (110, 110, 99, 99, 4000.0), (99, 99, 99, 99, 1.0)]
    r = run(rows, {"step": 2, "side": 1, "qty": 40.0}, settings=free(impact=2.0, volatility_window=1))
    assert r.fills["price"][0] == pytest.approx(99.0 * (1 + 2.0 * 0.1 * np.sqrt(40.0 / 4000.0)))


def test_book_is_walked_and_what_it_does_not_hold_waits() -> None:
    events = bars(FLAT, FLAT, FLAT)
    for t in (1, 2):
        events["bid_px"][t, 0, :2], events["bid_qty"][t, 0, :2] = (99.0, 98.0), (1.0, 1.0)
        events["ask_px"][t, 0, :2], events["ask_qty"][t, 0, :2] = (101.0, 103.0), (1.0, 2.0)
    script = no_orders(3)
    order(script, 0, 1, 4.0)
    r = simulate(events, script, free(half_spread=77.0))
    assert told(r) == [(1, 3.0, pytest.approx((101 + 2 * 103) / 3), "signal"), (2, 1.0, 101.0, "signal")]


def test_participation_fills_in_parts_and_in_lots() -> None:
    r = run([FLAT] * 5, {"step": 0, "side": 1, "qty": 250}, settings=free(participation=0.1055), lot=10.0)
    assert told(r) == [(1, 100.0, 100.0, "signal"), (2, 100.0, 100.0, "signal"), (3, 50.0, 100.0, "signal")]
    assert r.watched["working"][:, 0].tolist() == [0.0, 150.0, 50.0, 0.0, 0.0]


def test_bar_without_volume_fills_nothing_under_a_cap() -> None:
    rows = [FLAT, (100, 100, 100, 100, 0.0), FLAT]
    r = run(rows, {"step": 0, "side": 1, "qty": 1}, settings=free(participation=0.5))
    assert told(r) == [(2, 1.0, 100.0, "signal")]


@pytest.mark.parametrize("latency", [0, 1, 5])
def test_latency_delays_orders(latency: int) -> None:
    rows = [(100 + t, 101 + t, 99 + t, 100 + t) for t in range(9)]
    r = run(rows, {"step": 1, "side": 1, "qty": 1}, settings=free(latency_bars=latency))
    assert told(r) == [(2 + latency, 1.0, 102.0 + latency, "signal")]
    assert r.accounts["latency_ms"][0] == latency * MINUTE


def test_latency_delays_a_cancel_and_a_replacement() -> None:
    resting = {"step": 0, "side": 1, "qty": 1, "kind": LIMIT, "price": 98.0}
    dip = (100, 101, 97, 100)
    cancelled = run([FLAT] * 3 + [dip], resting, {"step": 2, "command": 3}, settings=free(latency_bars=1))
    assert told(cancelled) == [(3, 1.0, 98.0, "signal")]
    assert cancelled.watched["open_orders"][:, 0].tolist() == [0, 1, 1, 0]  # called off, as far as the graph knows
    replaced = run(
        [FLAT] * 3 + [dip, dip],
        resting,
        {"step": 2, "side": 1, "qty": 5, "kind": LIMIT, "price": 97.5},
        settings=free(latency_bars=1),
    )
    assert told(replaced) == [(3, 1.0, 98.0, "signal"), (4, 5.0, 97.5, "signal")]
    in_time = run([FLAT] * 4 + [dip], resting, {"step": 2, "command": 3}, settings=free(latency_bars=1))
    assert told(in_time) == []


def test_latency_delays_levels() -> None:
    rows = [FLAT] * 5 + [(100, 101, 94, 100)] * 2
    buy = {"step": 0, "side": 1, "qty": 1}
    slow = run(rows, buy, {"step": 4, "stop_price": 95.0}, settings=free(latency_bars=1))
    assert told(slow)[1:] == [(6, -1.0, 95.0, "stop")]
    fast = run(rows, buy, {"step": 4, "stop_price": 95.0})
    assert told(fast)[1:] == [(5, -1.0, 95.0, "stop")]


def test_limit_fills_on_touch_or_only_when_traded_through() -> None:
    rows = [FLAT, (100, 101, 98, 100), (100, 101, 97.5, 100), (100, 101, 97, 100)]
    buy = {"step": 0, "side": 1, "qty": 1, "kind": LIMIT, "price": 98.0}
    assert told(run(rows, buy)) == [(1, 1.0, 98.0, "signal")]
    assert told(run(rows, buy, settings=free(limit_through=1), tick=0.5)) == [(2, 1.0, 98.0, "signal")]
    assert told(run(rows, buy, settings=free(limit_through=2), tick=0.5)) == [(3, 1.0, 98.0, "signal")]


def test_marketable_limit_takes_and_never_pays_more_than_its_price() -> None:
    buy = {"step": 0, "side": 1, "qty": 1, "kind": LIMIT, "price": 100.02}
    r = run([FLAT, FLAT], buy, settings=free(half_spread=1.0, slippage_ticks=1), tick=0.01)
    assert told(r) == [(1, 1.0, 100.02, "signal")]
    assert r.fills["maker"][0] == 0


def test_resting_limit_that_the_open_jumps_over() -> None:
    rows = [FLAT, FLAT, (95, 96, 94, 95)]
    buy = {"step": 0, "side": 1, "qty": 1, "kind": LIMIT, "price": 98.0}
    assert told(run(rows, buy)) == [(2, 1.0, 95.0, "signal")]
    assert told(run(rows, buy, settings=free(own_price=1))) == [(2, 1.0, 98.0, "signal")]


def test_post_only_is_refused_when_it_would_take() -> None:
    crossing = {"step": 0, "side": 1, "qty": 1, "kind": LIMIT, "price": 100.5, "post_only": 1}
    r = run([FLAT] * 3, crossing)
    assert told(r) == []
    assert r.watched["rejects"][:, 0].tolist() == [0, 1, 1]
    assert rejected(r) == "post_only"
    passive = run([FLAT] * 3, crossing | {"price": 99.5})
    assert told(passive) == [(1, 1.0, 99.5, "signal")]
    assert passive.fills["maker"][0] == 1


def test_stop_order_triggers_inside_the_bar_or_at_a_gap() -> None:
    buy = {"step": 0, "side": 1, "qty": 1, "kind": STOP, "price": 103.0}
    assert told(run([FLAT, FLAT, (100, 104, 99, 102)], buy)) == [(2, 1.0, 103.0, "signal")]
    assert told(run([FLAT, FLAT, (105, 106, 104, 105)], buy)) == [(2, 1.0, 105.0, "signal")]


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
    assert r.watched["position"][2, 0] == 0.1 + 0.2 != 0.3
    assert r.watched["position"][3, 0] == 0.0
    assert r.fills["qty"].tolist()[:2] == [0.1, 0.2]


def test_reduce_only_order_goes_when_a_stop_has_closed_the_position() -> None:
    rows = [FLAT, FLAT, (100, 101, 94, 95), (95, 120, 94, 118)]
    r = run(
        rows,
        {"step": 0, "side": 1, "qty": 1, "stop_price": 95.0},
        {"step": 1, "side": -1, "qty": 1, "reduce_only": 1, "kind": LIMIT, "price": 110.0},
    )
    assert told(r)[1:] == [(2, -1.0, 95.0, "stop")]
    assert r.watched["open_orders"][2, 0] == 0


def test_ttl_counts_bars_and_missing_bars() -> None:
    buy = {"step": 0, "side": 1, "qty": 1, "kind": LIMIT, "price": 98.0, "ttl": 2}
    dip = (100, 101, 97, 100)
    assert told(run([FLAT, FLAT, dip], buy)) == [(2, 1.0, 98.0, "signal")]
    assert told(run([FLAT, FLAT, FLAT, dip], buy)) == []
    assert told(run([FLAT, None, None, dip], buy)) == []


def test_orders_travel_while_there_is_no_bar() -> None:
    r = run([FLAT, None, None, (103, 104, 102, 103)], {"step": 0, "side": 1, "qty": 1}, settings=free(latency_bars=2))
    assert told(r) == [(3, 1.0, 103.0, "signal")]


def test_ttl_begins_when_the_order_arrives() -> None:
    rows = [FLAT] * 3 + [(100, 101, 97, 100), (100, 101, 90, 100)]
    buy = {"step": 0, "side": 1, "qty": 1, "kind": LIMIT, "ttl": 1}
    assert told(run(rows, buy | {"price": 98.0}, settings=free(latency_bars=2))) == [(3, 1.0, 98.0, "signal")]
    assert told(run(rows, buy | {"price": 95.0}, settings=free(latency_bars=2))) == []


def test_missing_bar_fills_nothing_and_keeps_the_value() -> None:
    r = run([FLAT, None, (103, 104, 102, 103), None], {"step": 0, "side": 1, "qty": 1})
    assert told(r) == [(2, 1.0, 103.0, "signal")]
    assert r.equity.tolist() == [1e6] * 4
    assert r.watched["held"][:, 0].tolist() == [0, 0, 0, 1]


def test_commands() -> None:
    buy = {"step": 0, "side": 1, "qty": 1, "kind": LIMIT, "price": 98.0}
    dip = (100, 101, 90, 100)
    kept = run([FLAT, FLAT, dip], buy, {"step": 1, "side": 1, "qty": 7, "kind": LIMIT, "price": 95.0, "command": 1})
    assert told(kept) == [(2, 1.0, 98.0, "signal")]
    replaced = run([FLAT, FLAT, dip], buy, {"step": 1, "side": 1, "qty": 7, "kind": LIMIT, "price": 95.0, "command": 2})
    assert told(replaced) == [(2, 7.0, 95.0, "signal")]
    cancelled = run([FLAT, FLAT, dip], buy, {"step": 1, "command": 3, "valid": 0})
    assert told(cancelled) == []
    not_sent = run([FLAT, FLAT, dip], buy, {"step": 1, "side": 1, "qty": 7, "valid": 0})
    assert told(not_sent) == [(2, 1.0, 98.0, "signal")]


@pytest.mark.parametrize(
    ("reason", "rules", "ports"),
    [
        ("lot", {"lot": 1.0}, {"qty": 0.5}),
        ("min_notional", {"min_notional": 50.0}, {"qty": 0.4}),
        ("max_qty", {"max_qty": 10.0}, {"qty": 11.0}),
        ("price", {}, {"qty": 1.0, "kind": LIMIT}),
        ("leverage", {}, {"qty": 201.0}),
    ],
)
def test_refusals_are_counted_until_an_order_is_accepted(
    reason: str, rules: dict[str, float], ports: dict[str, float]
) -> None:
    bad = {"side": 1} | ports
    r = run(
        [FLAT] * 5,
        {"step": 0} | bad,
        {"step": 1} | bad,
        {"step": 3, "side": 1, "qty": 1},
        settings=free(max_leverage=2.0),
        cash=10_000.0,
        **rules,
    )
    assert rejected(r) == reason
    assert r.watched["rejects"][:, 0].tolist() == [0, 1, 2, 2, 0]
    assert told(r) == [(4, 1.0, 100.0, "signal")]


def test_closing_is_never_refused() -> None:
    r = run(
        [FLAT, FLAT, (1, 1, 1, 1), (1, 1, 1, 1)],
        {"step": 0, "side": 1, "qty": 100},
        {"step": 2, "side": -1, "qty": 100},
        settings=free(max_leverage=1.0),
        cash=10_000.0,
        min_notional=1000.0,
        max_qty=100.0,
        lot=1.0,
    )
    assert told(r)[1:] == [(3, -100.0, 1.0, "signal")]


def test_turning_a_position_needs_no_more_margin_than_it_has() -> None:
    r = run(
        [FLAT] * 3,
        {"step": 0, "side": 1, "qty": 90},
        {"step": 1, "side": -1, "qty": 180},
        settings=free(max_leverage=1.0),
        cash=10_000.0,
    )
    assert told(r)[1:] == [(2, -180.0, 100.0, "signal")]


def test_leverage_counts_open_orders_of_all_symbols() -> None:
    events = np.repeat(bars(FLAT, FLAT, FLAT), 2, axis=1)
    script = no_orders(3, 2)
    for symbol in (0, 1):
        order(script, 0, 1, 60.0, symbol)
    r = simulate(events, script, free(max_leverage=1.0), cash=10_000.0)
    assert r.fills["symbol"].tolist() == [0]
    assert REJECTS[r.accounts["reject_reason"][1]] == "leverage"


def test_limits_go_to_the_passive_tick_and_triggers_to_the_far_one() -> None:
    dip = (100, 104, 96, 100)
    up = run([FLAT, dip], {"step": 0, "side": 1, "qty": 1, "kind": STOP, "price": 101.2}, tick=0.5)
    down = run([FLAT, dip], {"step": 0, "side": -1, "qty": 1, "kind": STOP, "price": 98.7}, tick=0.5)
    assert told(up) + told(down) == [(1, 1.0, 101.5, "signal"), (1, -1.0, 98.5, "signal")]
    buy = run([FLAT, dip], {"step": 0, "side": 1, "qty": 1, "kind": LIMIT, "price": 98.7}, tick=0.5)
    sell = run([FLAT, dip], {"step": 0, "side": -1, "qty": 1, "kind": LIMIT, "price": 101.2}, tick=0.5)
    assert told(buy) + told(sell) == [(1, 1.0, 98.5, "signal"), (1, -1.0, 101.5, "signal")]


def test_funding_is_paid_on_the_position_at_the_open() -> None:
    events = bars(FLAT, FLAT, (110, 111, 109, 110))
    events["funding_rate"][1:] = 0.001
    script = no_orders(3)
    order(script, 0, 1, 2.0)
    r = simulate(events, script, free(funding=1))
    assert r.accounts["funding"][0] == pytest.approx(2 * 110 * 0.001)  # nothing on the bar that opened it
    assert r.equity[2] == pytest.approx(1e6 + 2 * 10 - 0.22)
    order(script, 0, -1, 2.0)
    assert simulate(events, script, free(funding=1)).accounts["funding"][0] == pytest.approx(-0.22)
    assert simulate(events, script).accounts["funding"][0] == 0.0


@pytest.mark.parametrize(("side", "price"), [(1, 91.0), (-1, 109.0)])
def test_liquidation_at_the_price_where_the_margin_is_used_up(side: int, price: float) -> None:
    """10 x leverage with a maintenance margin of 1 %: 1000 + side * 100 * (p - 100) = 1 % of 100 p."""
    rows = [FLAT, FLAT, (100, 115, 85, 100)]
    r = run(rows, {"step": 0, "side": side, "qty": 100}, settings=free(maintenance=0.01), cash=1000.0)
    expected = (100.0 - side * 10.0) / (1.0 - side * 0.01)
    assert expected == pytest.approx(price, abs=0.2)
    assert told(r)[1:] == [(2, -side * 100.0, pytest.approx(expected), "liquidation")]
    assert r.wallet["liquidations"] == 1
    assert r.equity[-1] == pytest.approx(0.01 * 100.0 * expected)


def test_liquidation_at_the_open_of_a_gap_and_orders_called_off() -> None:
    rows = [FLAT, FLAT, (80, 81, 79, 80), FLAT]
    r = run(
        rows,
        {"step": 0, "side": 1, "qty": 100, "stop_price": 50.0},
        {"step": 1, "side": 1, "qty": 1, "kind": STOP, "price": 120.0},
        settings=free(maintenance=0.01),
        cash=1000.0,
    )
    assert told(r)[1:] == [(2, -100.0, 80.0, "liquidation")]
    assert r.equity[-1] == pytest.approx(-1000.0)
    assert r.watched["open_orders"][-1, 0] == 0


def test_nearer_stop_saves_from_liquidation() -> None:
    rows = [FLAT, FLAT, (100, 101, 85, 100)]
    r = run(rows, {"step": 0, "side": 1, "qty": 100, "stop_price": 95.0}, settings=free(maintenance=0.01), cash=1000.0)
    assert told(r)[1:] == [(2, -100.0, 95.0, "stop")]


def test_margin_of_one_symbol_counts_the_others() -> None:
    """A hedge in the second symbol pays for the loss of the first."""
    rows = [FLAT, FLAT, (90, 90, 89, 89.5), (89.5, 90, 89, 89.5)]
    script = no_orders(4, 2)
    order(script, 0, 1, 100.0, 0)
    order(script, 0, -1, 100.0, 1)
    events = np.repeat(bars(*rows), 2, axis=1)
    hedged = simulate(events[:, ::-1], script, free(maintenance=0.01), cash=2000.0)
    assert hedged.wallet["liquidations"] == 0
    order(script, 0, 1, 100.0, 1)
    assert simulate(events, script, free(maintenance=0.01), cash=2000.0).wallet["liquidations"] > 0


@pytest.mark.parametrize("busy", [False, True])
def test_margin_takes_the_symbols_before_at_their_new_closes(busy: bool) -> None:
    """Cash 1000 - 2 x 5000; the first symbol rises to 110, the second is closed where 1 % of all margin is left."""
    rise, fall = bars(FLAT, FLAT, (110, 110, 110, 110)), bars(FLAT, FLAT, (100, 100, 60, 70))
    script = no_orders(3, 2)
    order(script, 0, 1, 50.0, 0)
    order(script, 0, 1, 50.0, 1)
    if busy:
        order(script, 1, 1, 1.0, 0, kind=LIMIT, price=1.0)
    r = simulate(np.concatenate([rise, fall], axis=1), script, free(maintenance=0.01), cash=1000.0)
    expected = (0.01 * 5500.0 + 9000.0 - 5500.0) / (50.0 * 0.99)
    assert told(r)[2:] == [(2, -50.0, pytest.approx(expected), "liquidation")]


@pytest.mark.parametrize("after", [93.0, 98.0])
def test_stop_too_large_for_the_bar_is_finished_at_the_next_open(after: float) -> None:
    rows = [FLAT] * 3 + [(100, 101, 94, 95, 1000.0), (after, after, after, after, 1000.0)]
    r = run(rows, {"step": 0, "side": 1, "qty": 150, "stop_price": 95.0}, settings=free(participation=0.1))
    assert told(r)[2:] == [(3, -100.0, 95.0, "stop"), (4, -50.0, after, "stop")]


def test_close_out_at_the_last_close() -> None:
    r = run([FLAT, FLAT], {"step": 0, "side": 1, "qty": 2}, settings=free(half_spread=10.0), finish=True)
    assert told(r)[1:] == [(1, -2.0, pytest.approx(99.9), "end")]
    assert r.wallet["equity"] == r.wallet["cash"]
