"""The border of a plan: the last check of an order before it leaves the compiled step, in a backtest and live.

Nothing that a wiring says reaches around it. An order is cut to what the gate's decision allows, with everything that
can still fill counted, and to the limits of the account, which are settings and no part of a wiring. What is cut to
nothing is not sent. An order that only reduces the position passes uncut, so closing is always possible.

**The gate's bound.** position + all purchases that can still fill <= bound, and all sales likewise; a purchase and a
sale are never set off against each other. An order that has been replaced or called off can still fill until the venue
has the word: it counts until then. Where a replacement has no room beside its predecessor, the predecessor is called
off first. Orders that were sent under a larger bound are called off as soon as the bound is smaller.

**The account's limits.** See `Limits`. They hold back growth alone. Equity, prices and the day are those of the step.
"""

from __future__ import annotations

from math import fabs, inf, isfinite, isnan, nan
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from stratoquant.graph.account import ORDER_COMMANDS, ORDER_PORTS
from stratoquant.graph.language import Array, Parameters, State, array, kernel
from stratoquant.graph.steps import on_grid

OFF = "off"
ROUNDING = 1e-9
DAY_MS = 86_400_000.0
MINUTE_MS = 60_000.0

PLACE = float(ORDER_COMMANDS.index("place"))
KEEP = float(ORDER_COMMANDS.index("keep"))
REPLACE = float(ORDER_COMMANDS.index("replace"))
CANCEL = float(ORDER_COMMANDS.index("cancel"))

HELD_BACK = ("bound", "position", "gross", "order", "collar", "rate", "day_loss", "called_off")
"""Why an order was cut, kept back or called off, by its place in `Border.held_back`."""
BY_BOUND = HELD_BACK.index("bound")
BY_POSITION = HELD_BACK.index("position")
BY_GROSS = HELD_BACK.index("gross")
BY_ORDER = HELD_BACK.index("order")
BY_COLLAR = HELD_BACK.index("collar")
BY_RATE = HELD_BACK.index("rate")
BY_DAY_LOSS = HELD_BACK.index("day_loss")
CALLED_OFF = HELD_BACK.index("called_off")


def _read_limit(value: Any) -> Any:
    """`off` is no limit. Only the word is: a limit that is infinite by accident is a mistake."""
    if value == OFF:
        return inf
    if isinstance(value, bool) or (isinstance(value, int | float) and not isfinite(value)):
        raise ValueError(f"write a number, or `{OFF}` for no limit")
    return value


Limit = Annotated[float, Field(gt=0.0, allow_inf_nan=True), BeforeValidator(_read_limit)]


def _limit(default: float, meaning: str) -> Any:
    return Field(default, description=meaning)


class Limits(Parameters):
    """What the account may do, whatever the wiring says. Each is a number, or `off`."""

    position: Limit = _limit(1.0, "largest position of a symbol, as a share of equity")
    gross: Limit = _limit(3.0, "largest sum of all positions, as a share of equity")
    order: Limit = _limit(1.0, "largest value of one order, as a share of equity")
    collar: Limit = _limit(0.1, "farthest limit or trigger price from the last close, as a share of it")
    orders_per_minute: Limit = _limit(120.0, "orders of all symbols together")
    day_loss: Limit = _limit(0.2, "loss since the first step of the UTC day at which growth ends, as a share")

    def in_words(self) -> dict[str, float | str]:
        """The limits as the settings write them."""
        return {name: OFF if value == inf else value for name, value in self.model_dump().items()}


NO_LIMITS = Limits.model_validate(dict.fromkeys(Limits.model_fields, OFF))


class Order(State):
    """What leaves the graph for one symbol at one step: the order ports, after the border."""

    __annotations__ = dict.fromkeys(ORDER_PORTS, float)


class Border(State):
    """What the border remembers, one record for all symbols."""

    day: float = nan
    day_equity: float = nan  # at the first step of the day
    reach: float = 0.0  # sum over symbols of |exposure| if everything that can still fill did
    time: float = nan  # of the step before
    sent: float = 0.0  # orders that count against the rate; it leaks at that rate
    held_back: Array = array(len(HELD_BACK))  # how often, see HELD_BACK


@kernel
def open_border(accounts: Any, wallet: Any, limits: Any, border: Any, now: float) -> float:
    """Begins a step: the day, the rate, and what the account reaches before the first order of the step."""
    if not border.day <= now < border.day + DAY_MS:  # the remainder is dear, and due once a day
        border.day = now - now % DAY_MS
        border.day_equity = wallet.equity
    if now > border.time and isfinite(limits.orders_per_minute):
        border.sent = max(border.sent - (now - border.time) / MINUTE_MS * limits.orders_per_minute, 0.0)
    border.time = now
    border.reach = 0.0
    for i in range(len(accounts)):
        border.reach += fabs(accounts[i].reach)
    return 0.0


@kernel
def note(border: Any, reason: int) -> float:
    border.held_back[reason] += 1.0
    return 0.0


@kernel
def reduces(account: Any, order: Any, reduce_only: float) -> bool:
    """True for an order that cannot do more than make the position smaller."""
    held = -account.position if order.side > 0.0 else account.position
    return reduce_only > 0.0 or (held > 0.0 and order.qty <= held * (1.0 + ROUNDING))


@kernel
def grown(account: Any, side: float, lasting: float, qty: float) -> float:
    """|position| on a side when `qty` and all else that can still fill there has filled."""
    return float(max(side * account.position + lasting + qty, 0.0))


@kernel
def refused(account: Any, wallet: Any, limits: Any, border: Any, price: float) -> int:
    """Which limit keeps any growth back, an index into HELD_BACK; -1 for none."""
    reason = -1
    if wallet.equity <= border.day_equity * (1.0 - limits.day_loss):
        reason = BY_DAY_LOSS
    elif not account.mark > 0.0 or (not isnan(price) and not fabs(price / account.mark - 1.0) <= limits.collar):
        reason = BY_COLLAR
    elif border.sent + 1.0 > limits.orders_per_minute:
        reason = BY_RATE
    return reason


@kernel
def room_for(
    account: Any, wallet: Any, limits: Any, border: Any, side: float, qty: float, price: float, lasting: float,
    bound: float,
) -> float:  # fmt: skip
    """The part of an order that may be sent; notes the limit that cut it."""
    value = account.mark if isnan(price) else max(account.mark, price)
    before = grown(account, side, lasting, 0.0)
    closing = max(-side * account.position - lasting, 0.0)
    reason = BY_BOUND
    room = closing + max(bound - before, 0.0)
    others = border.reach - fabs(account.reach)
    for k in range(3):
        most = limits.position * wallet.equity
        if k == 1:
            most = limits.gross * wallet.equity - others
        part = closing + max(most / value - before, 0.0)
        if k == 2:
            part = closing + limits.order * wallet.equity / value
        if part < room * (1.0 - ROUNDING):
            room = part
            reason = BY_POSITION + k
    if qty > room * (1.0 + ROUNDING):
        note(border, reason)
        qty = room
    return qty


@kernel
def cut(account: Any, order: Any, qty: float) -> float:
    """Makes an order smaller, down to nothing where the rest is less than the venue takes."""
    left = on_grid(qty, account.lot, -1.0)
    order.qty = left if left * account.mark >= account.min_notional else 0.0
    return 0.0


@kernel
def hold_back(account: Any, wallet: Any, limits: Any, border: Any, order: Any, bound: float, lasting: float) -> float:
    """Cuts an order that can make the position larger; what is left counts against rate and gross."""
    side = 1.0 if order.side > 0.0 else -1.0
    reason = refused(account, wallet, limits, border, order.price)
    if reason >= 0:
        note(border, reason)
        cut(account, order, min(order.qty, max(-side * account.position - lasting, 0.0)))
    else:
        room = room_for(account, wallet, limits, border, side, order.qty, order.price, lasting, bound)
        if room < order.qty:
            cut(account, order, room)
    if order.qty > 0.0:
        border.sent += 1.0
        border.reach += max(grown(account, side, lasting, order.qty) * account.mark - fabs(account.reach), 0.0)
    return 0.0


@kernel
def call_off_excess(account: Any, border: Any, order: Any, bound: float) -> float:
    """Calls the working order off when what can still fill on its side leads beyond the bound. An order that
    closes stays: it takes the place of what was sent before it, and calling it off would take nothing back."""
    above = grown(account, 1.0, account.buying, 0.0) > max(bound, account.position) * (1.0 + ROUNDING)
    below = grown(account, -1.0, account.selling, 0.0) > max(bound, -account.position) * (1.0 + ROUNDING)
    grows = account.reducing == 0.0
    if grows and ((above and account.working > 0.0) or (below and account.working < 0.0)):
        order.command = CANCEL
        note(border, CALLED_OFF)
    return 0.0


@kernel
def release(
    account: Any, wallet: Any, limits: Any, border: Any, order: Any, bound: float, lasting: float, side: float,
    qty: float, price: float, valid: float, reduce_only: float, post_only: float, kind: float, ttl: float,
    command: float, stop_price: float, take_price: float,
) -> float:  # fmt: skip
    """Lets one symbol's order out: writes to `order` what the order ports say, held to the bound and the limits.

    bound: of the gate's decision, quantity; NaN allows no growth. lasting: quantity on the order's side that can still
    fill after it is sent.
    """
    order.side = side
    order.qty = qty
    order.price = price
    order.valid = valid
    order.reduce_only = reduce_only
    order.post_only = post_only
    order.kind = kind
    order.ttl = ttl
    order.command = command
    order.stop_price = stop_price
    order.take_price = take_price
    places = isnan(command) or command == PLACE
    asks = (places or command == REPLACE) and valid != 0.0 and fabs(side) > 0.0 and qty > 0.0
    most = 0.0 if isnan(bound) else bound
    if asks and not reduces(account, order, reduce_only):
        hold_back(account, wallet, limits, border, order, most, lasting)
    if asks and not order.qty > 0.0:
        order.command = KEEP if places else CANCEL
        asks = False
    elif asks and reduces(account, order, reduce_only):
        order.reduce_only = 1.0
    if not asks and command != CANCEL and not isnan(bound):
        call_off_excess(account, border, order, most)
    return 0.0
