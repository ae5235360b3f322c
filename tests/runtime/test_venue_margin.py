"""One hand-made market a rule: margin, leverage, funding, liquidation and the close at the end."""

from __future__ import annotations

import numpy as np
import pytest

from stratoquant.runtime.venue.records import REJECTS
from tests.runtime.venue_driver import MINUTE, bars, no_orders, order, simulate
from tests.runtime.venue_rules import FLAT, LIMIT, STOP, free, run, told


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


def test_close_out_at_the_last_close() -> None:
    r = run([FLAT, FLAT], {"step": 0, "side": 1, "qty": 2}, settings=free(half_spread=10.0), finish=True)
    assert told(r)[1:] == [(1, -2.0, pytest.approx(99.9), "end")]
    assert r.wallet["equity"] == r.wallet["cash"]


def test_what_is_held_past_the_last_bar_is_closed_at_the_last_close() -> None:
    rows = [FLAT, FLAT, None, None]
    r = run(rows, {"step": 0, "side": 1, "qty": 2}, settings=free(half_spread=10.0, taker_fee=5.0), ends=MINUTE)
    assert told(r)[1:] == [(2, -2.0, pytest.approx(99.9), "end")]
    assert r.wallet["equity"] == r.wallet["cash"]
    assert r.equity[1] > r.equity[2] == r.equity[3]


def test_a_market_that_does_not_tell_its_volume_fills_whole_without_impact_and_one_without_trades_is_counted() -> None:
    silent = [(100.0, 101.0, 99.0, 100.0 + k % 2, 0.0) for k in range(40)]
    told_settings = free(participation=0.1, impact=0.7, half_spread=10.0)
    order_ = {"step": 30, "side": 1, "qty": 5}
    unknown = run(silent, order_, settings=told_settings, untold=1.0)
    assert told(unknown) == [(31, 5.0, pytest.approx(100.1), "signal")]
    assert unknown.accounts["unmet"][0] == 0
    quiet = run(silent, order_, settings=told_settings)
    assert told(quiet) == []
    assert quiet.accounts["unmet"][0] == 9
