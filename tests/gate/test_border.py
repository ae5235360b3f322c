"""The border of a plan: what it lets out, cuts, keeps back and calls off, and that it stands in every mode."""

from __future__ import annotations

from math import inf, nan
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from stratoquant.graph.account import ORDER_COMMANDS, ORDER_PORTS
from stratoquant.graph.border import HELD_BACK, NO_LIMITS, Limits, open_border, release
from stratoquant.graph.market import missing_events
from stratoquant.graph.plan import compile_plan
from stratoquant.graph.session import Session
from stratoquant.runtime.venue import SIMULATED, VenueSettings
from tests.account_loop.loop import SYMBOLS
from tests.gate.__main__ import checked_mutant
from tests.gate.mutants import Mutant

PLACE, KEEP, REPLACE, CANCEL = (float(k) for k in range(len(ORDER_COMMANDS)))
PRICE = 100.0
DAY = 86_400_000.0


class Desk:
    """An account of one symbol at the border. Quantities are signed as the account has them."""

    def __init__(self, held: float = 0.0, buying: float = 0.0, selling: float = 0.0, **limits: float | str) -> None:
        self.account = SimpleNamespace(
            position=held, buying=buying, selling=selling, mark=PRICE, lot=0.0, min_notional=0.0,
            open_orders=1.0 if buying + selling else 0.0, working=buying - selling, reducing=0.0,
            reach=PRICE * max(held + buying, selling - held),
        )  # fmt: skip
        self.wallet = SimpleNamespace(equity=10_000.0)
        self.limits = Limits.model_validate(NO_LIMITS.in_words() | limits)
        self.border = SimpleNamespace(
            day=nan, day_equity=nan, reach=0.0, time=nan, sent=0.0, held_back=[0.0] * len(HELD_BACK)
        )
        self.order: Any = SimpleNamespace(**dict.fromkeys(ORDER_PORTS, nan))
        self.now = 0.0

    def send(self, side: float, qty: float, bound: float, **ports: float) -> tuple[float, float]:
        """Quantity and command that leave, at latency."""
        open_border([self.account], self.wallet, self.limits, self.border, self.now)
        asked = dict.fromkeys(ORDER_PORTS, nan) | {"side": side, "qty": qty} | ports
        lasting = self.account.buying if side > 0.0 else self.account.selling
        release(self.account, self.wallet, self.limits, self.border, self.order, bound, lasting, **asked)
        command = PLACE if np.isnan(self.order.command) else self.order.command
        return self.order.qty, command

    def why(self) -> dict[str, float]:
        return {name: n for name, n in zip(HELD_BACK, self.border.held_back, strict=True) if n}


def test_what_fits_passes_untouched() -> None:
    desk = Desk()
    assert desk.send(1.0, 5.0, 5.0, price=99.0, kind=1.0, ttl=3.0, stop_price=90.0) == (5.0, PLACE)
    assert (desk.order.price, desk.order.kind, desk.order.ttl, desk.order.stop_price) == (99.0, 1.0, 3.0, 90.0)
    assert desk.why() == {}


def test_an_order_is_cut_to_the_room_beside_what_can_still_fill() -> None:
    desk = Desk(2.0, buying=1.0)
    assert desk.send(1.0, 5.0, 4.0) == (1.0, PLACE)
    assert desk.why() == {"bound": 1}


def test_a_purchase_and_a_sale_are_never_set_off_against_each_other() -> None:
    assert Desk(2.0, buying=2.0, selling=3.0).send(1.0, 5.0, 4.0)[1] == KEEP
    assert Desk(2.0, selling=3.0).send(1.0, 5.0, 4.0) == (2.0, PLACE)


def test_a_replacement_without_room_calls_its_predecessor_off() -> None:
    desk = Desk(buying=4.0)
    assert desk.send(1.0, 4.0, 4.0, command=REPLACE)[1] == CANCEL


def test_an_order_without_room_is_not_sent() -> None:
    desk = Desk(buying=4.0)
    assert desk.send(1.0, 4.0, 4.0)[1] == KEEP


def test_what_was_sent_under_a_larger_bound_is_called_off() -> None:
    desk = Desk(1.0, buying=4.0)
    assert desk.send(0.0, 0.0, 3.0, command=KEEP)[1] == CANCEL
    assert desk.why() == {"called_off": 1}
    assert Desk(1.0, buying=4.0).send(0.0, 0.0, 5.0, command=KEEP)[1] == KEEP
    assert Desk(5.0).send(0.0, 0.0, 3.0, command=KEEP)[1] == KEEP  # nothing works: L4 shrinks it by an order


def test_a_missing_bound_allows_no_growth_and_calls_nothing_off() -> None:
    assert Desk(buying=4.0).send(1.0, 1.0, nan, command=PLACE)[1] == KEEP
    assert Desk(3.0).send(-1.0, 3.0, nan) == (3.0, PLACE)


@given(
    position=st.floats(-50, 50).filter(lambda x: x != 0.0),
    pending=st.floats(0, 50),
    bound=st.sampled_from([0.0, 1.0, 100.0, nan]),
    equity=st.sampled_from([1.0, 10_000.0]),
    flag=st.sampled_from([1.0, nan]),
)
def test_closing_is_always_possible(position: float, pending: float, bound: float, equity: float, flag: float) -> None:
    """Whatever is under way, however tight the limits: an order that closes leaves whole, and only reduces."""
    tight = dict.fromkeys(("position", "gross", "order", "collar", "day_loss"), 1e-6) | {"orders_per_minute": 1e-6}
    desk = Desk(position, pending, pending, **tight)
    desk.wallet.equity = equity
    side = -1.0 if position > 0.0 else 1.0
    assert desk.send(side, abs(position), bound, reduce_only=flag, price=1.0, kind=1.0) == (abs(position), PLACE)
    assert desk.order.reduce_only == 1.0


@given(
    position=st.floats(-9, 9), buying=st.floats(0, 9), selling=st.floats(0, 9), side=st.sampled_from([-1.0, 1.0]),
    qty=st.floats(0.01, 40), bound=st.floats(0, 9), share=st.sampled_from(["off", 0.02, 0.05]),
)  # fmt: skip
def test_nothing_leads_beyond_the_bound_or_the_limits(
    position: float, buying: float, selling: float, side: float, qty: float, bound: float, share: float | str
) -> None:
    desk = Desk(position, buying, selling, position=share)
    sent, command = desk.send(side, qty, bound)
    if command != PLACE or desk.order.reduce_only == 1.0:
        return
    most = min(bound, inf if share == "off" else share * 10_000.0 / PRICE)
    assert 0.0 < sent <= qty
    assert side * position + (buying if side > 0.0 else selling) + sent <= most * (1.0 + 3e-9)


@pytest.mark.parametrize(
    ("limits", "ports", "qty", "reason"),
    [
        ({"position": 0.2}, {}, 20.0, "position"),
        ({"order": 0.05}, {}, 5.0, "order"),
        ({"gross": 0.3}, {}, 30.0, "gross"),
        ({"collar": 0.05}, {"price": 106.0, "kind": 1.0}, 0.0, "collar"),
        ({"collar": 0.05}, {"price": 94.0, "kind": 2.0}, 0.0, "collar"),
    ],
)
def test_each_limit_holds_back_growth(limits: dict, ports: dict, qty: float, reason: str) -> None:
    desk = Desk(**limits)
    sent, command = desk.send(1.0, 90.0, 100.0, **ports)
    assert (sent if command == PLACE else 0.0) == pytest.approx(qty)
    assert desk.why() == {reason: 1}


def test_gross_counts_what_other_symbols_can_reach() -> None:
    desk = Desk(gross=0.5)
    other = SimpleNamespace(reach=-4_000.0)
    open_border([desk.account, other], desk.wallet, desk.limits, desk.border, 0.0)
    ports = dict.fromkeys(ORDER_PORTS, nan) | {"side": 1.0, "qty": 90.0}
    release(desk.account, desk.wallet, desk.limits, desk.border, desk.order, 100.0, 0.0, **ports)
    assert desk.order.qty == pytest.approx(10.0)


def test_orders_per_minute_are_those_of_any_minute() -> None:
    desk = Desk(orders_per_minute=2)
    assert [desk.send(1.0, 1.0, 9.0)[1] for _ in range(3)] == [PLACE, PLACE, KEEP]
    desk.now = 30_000.0
    assert [desk.send(1.0, 1.0, 9.0)[1] for _ in range(2)] == [PLACE, KEEP]


def test_a_loss_of_the_day_ends_growth_until_the_next_day() -> None:
    desk = Desk(day_loss=0.1)
    assert desk.send(1.0, 1.0, 9.0)[1] == PLACE
    desk.wallet.equity, desk.now = 9_000.0, DAY - 1.0
    assert desk.send(1.0, 1.0, 9.0)[1] == KEEP
    assert desk.why() == {"day_loss": 1}
    desk.now = DAY
    assert desk.send(1.0, 1.0, 9.0)[1] == PLACE


@pytest.mark.parametrize("written", [0, -1, inf, True, "none", nan])
def test_only_the_word_turns_a_limit_off(written: object) -> None:
    with pytest.raises(ValidationError):
        Limits.model_validate({"gross": written})
    assert Limits.model_validate({"gross": "off"}).gross == inf


@pytest.mark.parametrize("simulate", [True, False])
def test_the_border_stands_where_no_venue_is_simulated(simulate: bool) -> None:
    """Live, the account comes from outside and orders leave through the same border."""
    made = Mutant("small.yaml", 0, override={"L4": {"inputs": {"notional": 1e9, "allowed": 1e9}}})
    plan = compile_plan(checked_mutant(made), SIMULATED, SYMBOLS)
    session = Session(plan, VenueSettings(), cash=1000.0, limits=Limits(position=0.5), simulate=simulate)
    largest = 0.0
    for bar in range(300):
        events = missing_events(1, len(SYMBOLS))[0]
        for name in ("open", "high", "low", "close"):
            events[name] = PRICE
        events["time"], events["volume"], events["trades"] = bar * 3_600_000, 1e9, bar * 7919
        if not simulate:
            session.accounts["mark"] = PRICE
        session.step(bar * 3_600_000, events)
        sent = session.orders[session.orders["command"] != KEEP]
        growing = sent[(sent["reduce_only"] != 1.0) & (sent["valid"] == 1.0)]
        largest = max([largest, *growing["qty"]])
    assert largest == pytest.approx(0.5 * 1000.0 / PRICE, rel=0.02)


@pytest.mark.parametrize(
    ("working", "reducing", "called_off"), [(-5.0, 0.0, True), (-5.0, 1.0, False), (2.0, 0.0, False)]
)
def test_an_order_that_closes_is_not_called_off(working: float, reducing: float, called_off: bool) -> None:
    """A sale of 5 that was called off can still fill; what was sent behind it only closes, or buys."""
    desk = Desk(2.0, selling=5.0)
    desk.account.working, desk.account.reducing = working, reducing
    assert (desk.send(0.0, 0.0, 0.0, command=KEEP)[1] == CANCEL) == called_off
