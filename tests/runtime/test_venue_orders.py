"""One hand-made market a rule: when an order fills, at what price, and what it costs."""

from __future__ import annotations

import numpy as np
import pytest

from tests.runtime.venue_driver import MINUTE, bars, no_orders, order, simulate
from tests.runtime.venue_rules import FLAT, LIMIT, STOP, free, rejected, run, told


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


def test_limits_go_to_the_passive_tick_and_triggers_to_the_far_one() -> None:
    dip = (100, 104, 96, 100)
    up = run([FLAT, dip], {"step": 0, "side": 1, "qty": 1, "kind": STOP, "price": 101.2}, tick=0.5)
    down = run([FLAT, dip], {"step": 0, "side": -1, "qty": 1, "kind": STOP, "price": 98.7}, tick=0.5)
    assert told(up) + told(down) == [(1, 1.0, 101.5, "signal"), (1, -1.0, 98.5, "signal")]
    buy = run([FLAT, dip], {"step": 0, "side": 1, "qty": 1, "kind": LIMIT, "price": 98.7}, tick=0.5)
    sell = run([FLAT, dip], {"step": 0, "side": -1, "qty": 1, "kind": LIMIT, "price": 101.2}, tick=0.5)
    assert told(buy) + told(sell) == [(1, 1.0, 98.5, "signal"), (1, -1.0, 101.5, "signal")]
