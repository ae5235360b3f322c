"""The queue between a decision and the market: messages travel, arrive, rest, age and end; oldest first.

Only one order works at a time: one that arrives takes the place of the one before it. It lies in slot 0.
"""

from math import fabs

from stratoquant.graph.language import kernel
from stratoquant.graph.steps import reaches
from stratoquant.runtime.venue.costs import touch_distance
from stratoquant.runtime.venue.records import (
    CANCEL,
    FRESH,
    LEVELS,
    LIMIT,
    RESTING,
    SLOTS,
    STOP,
    TRAVELLING,
    WOULD_TAKE,
)


@kernel
def copy_message(account, target: int, source: int):
    account.message_kind[target] = account.message_kind[source]
    account.message_state[target] = account.message_state[source]
    account.message_wait[target] = account.message_wait[source]
    account.message_age[target] = account.message_age[source]
    account.message_ttl[target] = account.message_ttl[source]
    account.message_time[target] = account.message_time[source]
    account.message_sequence[target] = account.message_sequence[source]
    account.message_side[target] = account.message_side[source]
    account.message_qty[target] = account.message_qty[source]
    account.message_price[target] = account.message_price[source]
    account.message_reduce[target] = account.message_reduce[source]
    account.message_post[target] = account.message_post[source]
    account.message_opens[target] = account.message_opens[source]
    account.message_stop[target] = account.message_stop[source]
    account.message_take[target] = account.message_take[source]
    return 0.0


@kernel
def drop_message(account, slot: int):
    for k in range(slot + 1, account.messages):
        copy_message(account, k - 1, k)
    account.messages -= 1
    return 0.0


@kernel
def drop_older(account, slot: int):
    """Takes out what is older than the message in `slot`, which then lies in slot 0."""
    if slot > 0:
        for k in range(slot, account.messages):
            copy_message(account, k - slot, k)
        account.messages -= slot
    return 0.0


@kernel
def send(account, settings, now: float, kind: float, side: float, stop: float, take: float) -> int:
    """Puts a message on its way; returns its slot, or -1 when the queue is full. The caller fills in the order."""
    if account.messages >= SLOTS:
        return -1
    k = account.messages
    account.messages += 1
    account.message_kind[k] = kind
    account.message_state[k] = TRAVELLING
    account.message_wait[k] = settings.latency_bars
    account.message_age[k] = 0.0
    account.message_time[k] = now
    account.message_side[k] = side
    account.message_stop[k] = stop
    account.message_take[k] = take
    return k


@kernel
def is_order(account, k: int) -> bool:
    return account.message_kind[k] <= STOP


@kernel
def working_order(account) -> int:
    """Slot of the newest order, unless a cancel is on its way behind it; -1 when there is none."""
    k = account.messages - 1
    while k >= 0 and account.message_kind[k] == LEVELS:
        k -= 1
    return k if k >= 0 and is_order(account, k) else -1


@kernel
def at_market(account) -> bool:
    """True when an order works at the venue."""
    return account.messages > 0 and account.message_state[0] != TRAVELLING


@kernel
def set_levels(account, stop: float, take: float, decided: float):
    """Moves the protective levels; a level that is missing stays where it is."""
    if stop == stop:
        account.stop_price = stop
        account.level_time = decided
    if take == take:
        account.take_price = take
        account.level_time = decided
    return 0.0


@kernel
def arrive(account, settings, event):
    """Lets messages whose time has come take effect, in the order in which they were sent."""
    k = 0
    while k < account.messages:
        if account.message_wait[k] > 0.0:
            account.message_wait[k] -= 1.0
            k += 1
        elif account.message_state[k] != TRAVELLING:
            account.message_state[k] = RESTING
            k += 1
        elif account.message_kind[k] == CANCEL:
            drop_older(account, k + 1)
            k = 0
        elif account.message_kind[k] == LEVELS:
            if account.position * account.message_side[k] > 0.0:
                set_levels(account, account.message_stop[k], account.message_take[k], account.message_time[k])
            drop_message(account, k)
        else:
            drop_older(account, k)
            k = 0
            if take_in(account, settings, event):
                k = 1
            else:
                drop_message(account, k)
    return 0.0


@kernel
def take_in(account, settings, event) -> bool:
    """An order arrives in slot 0. True when it works from now on, False when it is refused."""
    delay = settings.latency_bars
    account.latency_ms = (event.time - account.message_time[0]) * delay / (delay + 1.0)
    if account.message_opens[0] == 0.0 and account.position != 0.0:
        set_levels(account, account.message_stop[0], account.message_take[0], account.message_time[0])
    if account.message_post[0] == 1.0 and crosses(account, settings, event):
        account.rejects += 1.0
        account.reject_reason = WOULD_TAKE
        return False
    account.rejects = 0.0
    account.message_state[0] = FRESH
    return True


@kernel
def crosses(account, settings, event) -> bool:
    """True when the limit order in slot 0 would trade at once against the other side of the market at the open."""
    side = account.message_side[0]
    touch = event.open * (1.0 + side * touch_distance(settings, event))
    return account.message_kind[0] == LIMIT and reaches(touch, account.message_price[0], -side)


@kernel
def is_done(account, k: int) -> bool:
    idle = account.message_reduce[k] == 1.0 and account.message_side[k] * account.position >= 0.0
    return account.message_qty[k] <= 0.0 or (idle and account.message_state[k] != TRAVELLING)


@kernel
def pass_time(account):
    """One step older: an order ends when it is filled, has nothing left to reduce, or has outlived its time."""
    k = 0
    while k < account.messages:
        account.message_age[k] += 1.0
        if is_order(account, k) and (is_done(account, k) or account.message_age[k] >= account.message_ttl[k]):
            drop_message(account, k)
        else:
            k += 1
    return 0.0


@kernel
def report_fillable(account):
    """Sums what can still fill: every order until the venue knows better, whatever has been sent behind it."""
    account.buying = 0.0
    account.selling = 0.0
    for k in range(account.messages):
        if is_order(account, k) and account.message_reduce[k] == 0.0:
            if account.message_side[k] > 0.0:
                account.buying += account.message_qty[k]
            else:
                account.selling += account.message_qty[k]
    return 0.0


@kernel
def outlasting(account, settings, side: float) -> float:
    """Quantity on a side that can still fill after one more order is sent: without latency that order replaces it."""
    if settings.latency_bars == 0:
        return 0.0
    return account.buying if side > 0.0 else account.selling


@kernel
def report_orders(account, wallet):
    """Brings the account's ports on open orders, and the margin they reserve, up to date."""
    k = working_order(account)
    before = account.reserved
    account.reserved = 0.0
    account.working = 0.0
    account.reducing = 0.0
    account.open_orders = 0.0
    account.open_age = 0.0
    report_fillable(account)
    if k >= 0:
        account.working = account.message_side[k] * account.message_qty[k]
        account.reducing = account.message_reduce[k]
        account.open_orders = 1.0
        account.open_age = account.message_age[k]
        growth = fabs(account.position + account.working) - fabs(account.position)
        if growth > 0.0 and account.mark > 0.0 and account.message_reduce[k] == 0.0:
            account.reserved = growth * account.mark
    wallet.reserved += account.reserved - before
    return 0.0


@kernel
def wait_for_bar(account, wallet):
    """A step without a bar: messages travel and age, nothing arrives; a position is held on."""
    if account.messages > 0:
        for k in range(account.messages):
            account.message_wait[k] = max(account.message_wait[k] - 1.0, 0.0)
        pass_time(account)
        report_orders(account, wallet)
    if account.position != 0.0:
        account.held += 1.0
    return 0.0
