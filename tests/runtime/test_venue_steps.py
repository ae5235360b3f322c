"""Ticks, lots and touches at the venue: no rounding moves an order, and none makes it miss a price."""

from __future__ import annotations

from math import inf, nextafter
from typing import Any

import numpy as np
import pytest

from tests.runtime.venue_rules import LIMIT, STOP, free, run, told

DEEP = 1e6  # volume


def market(*prices: tuple[float, float, float, float]) -> list[Any]:
    return [(*row, DEEP) for row in prices]


@pytest.mark.parametrize(
    ("limit", "tick"), [(60000.02, 0.01), (60000.02, 0.0001), (620000.07, 0.01), (16777217e-4, 0.0001)]
)
def test_a_limit_on_the_tick_fills_at_its_price(limit: float, tick: float) -> None:
    """Of two-decimal prices near 60,000, 8 % lie where dividing by a tick of 0.0001 errs by more than 1e-9."""
    high = limit + 10.0
    rows = market((high,) * 4, (high,) * 4, (high, high, limit, high))
    r = run(rows, {"step": 0, "side": 1, "qty": 1, "kind": LIMIT, "price": limit}, tick=tick, lot=0.0001)
    assert told(r) == [(2, 1.0, limit, "signal")]


@pytest.mark.parametrize(("qty", "lot"), [(5000.0003, 0.0001), (123456789.01, 0.01), (0.3, 0.1)])
def test_a_quantity_in_lots_fills_whole(qty: float, lot: float) -> None:
    r = run(market((1, 1, 1, 1), (1, 1, 1, 1)), {"step": 0, "side": 1, "qty": qty}, settings=free(), lot=lot)
    assert r.fills["qty"].tolist() == [qty]


def test_parts_of_an_order_add_up_to_whole_lots() -> None:
    """7 lots of 0.1 in bars that have room for 3: 0.7 - 0.3 - 0.3 is 0.10000000000000009 in doubles."""
    rows = [(100, 100, 100, 100, 3.0)] * 6
    buy, sell = {"step": 0, "side": 1, "qty": 0.7}, {"step": 3, "side": -1, "qty": 0.7}
    r = run(rows, buy, sell, settings=free(participation=0.1), lot=0.1)
    assert r.watched["working"][:, 0].tolist() == [0.0, 0.4, 0.1, 0.0, -0.4, -0.1]
    assert r.watched["position"][:, 0].tolist() == [0.0, 0.3, 0.6, 0.7, 0.4, 0.1]


def test_a_close_above_the_largest_order_is_cut_to_whole_lots_of_it() -> None:
    rows = [(100, 100, 100, 100, DEEP)] * 4
    buys = [{"step": t, "side": 1, "qty": 5.0} for t in (0, 1)]
    close = {"step": 2, "side": -1, "qty": 10, "reduce_only": 1}
    assert told(run(rows, *buys, close, lot=0.1, max_qty=5.05))[-1] == (3, -5.0, 100.0, "signal")


def off_by_a_rounding(level: float, towards: float) -> float:
    """The level as arithmetic may leave it: a few doubles away."""
    for _ in range(3):
        level = nextafter(level, towards)
    return level


LOW, HIGH = 98.7, 101.3


@pytest.mark.parametrize("side", [1.0, -1.0])
def test_every_kind_of_price_is_touched_by_the_same_rule(side: float) -> None:
    """A limit, a trigger, a protective stop and a target that lie three doubles outside the bar that touches them."""
    quiet, bar = (100.0, 100.5, 99.5, 100.0), (100.0, HIGH, LOW, 100.0)
    below, above = off_by_a_rounding(LOW, -inf), off_by_a_rounding(HIGH, inf)
    against, along = (below, above) if side > 0 else (above, below)
    limit = run(market(quiet, bar), {"step": 0, "side": side, "qty": 1, "kind": LIMIT, "price": against})
    assert told(limit) == [(1, side, against, "signal")]
    stop = run(market(quiet, bar), {"step": 0, "side": side, "qty": 1, "kind": STOP, "price": along})
    assert told(stop) == [(1, side, along, "signal")]
    for port, level, reason in (("stop_price", against, "stop"), ("take_price", along, "take")):
        opens = {"step": 0, "side": side, "qty": 1, port: level}
        assert told(run(market(quiet, quiet, bar), opens))[1:] == [(2, -side, level, reason)], reason


@pytest.mark.parametrize("side", [1.0, -1.0])
def test_an_open_that_is_a_rounding_short_of_a_price_reaches_it(side: float) -> None:
    quiet, bar = (100.0, 100.2, 99.8, 100.0), (98.7, 98.7, 98.7, 98.7)
    level = off_by_a_rounding(98.7, side * inf)
    trigger = run(market(quiet, bar), {"step": 0, "side": side, "qty": 1, "kind": STOP, "price": level})
    assert told(trigger) == [(1, side, 98.7, "signal")]
    level = off_by_a_rounding(98.7, -side * inf)
    taker = {"step": 0, "side": side, "qty": 1, "kind": LIMIT, "price": level}
    assert run(market(quiet, bar), taker).fills["maker"].tolist() == [0]
    assert len(run(market(quiet, bar), taker | {"post_only": 1}).fills) == 0


def test_a_tenth_of_a_tick_short_is_no_touch() -> None:
    quiet, bar = (100.0, 100.5, 99.5, 100.0), (100.0, HIGH, LOW, 100.0)
    for ports in ({"kind": LIMIT, "price": LOW - 1e-9}, {"kind": STOP, "price": HIGH + 1e-9}):
        assert told(run(market(quiet, bar), {"step": 0, "side": 1, "qty": 1, **ports})) == []
    for ports in ({"stop_price": LOW - 1e-9}, {"take_price": HIGH + 1e-9}):
        assert len(told(run(market(quiet, quiet, bar), {"step": 0, "side": 1, "qty": 1, **ports}))) == 1


@pytest.mark.parametrize("price", [100.3, 60000.02])
def test_trading_through_by_a_tick_is_measured_in_whole_ticks(price: float) -> None:
    """One tick below the limit is one tick, however the two doubles are subtracted."""
    tick = 0.0001
    settings = free(limit_through=1)
    buy = {"step": 0, "side": 1, "qty": 1, "kind": LIMIT, "price": price}
    rest = (price + 1,) * 4
    for lows, filled in ((price, []), (np.round(price - tick, 4), [(2, 1.0, price, "signal")])):
        rows = market(rest, rest, (price + 1, price + 1, float(lows), price + 1))
        assert told(run(rows, buy, settings=settings, tick=tick)) == filled
