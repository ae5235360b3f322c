"""What a step may ask of the venue: an order, a cancel, new protective levels. Checks the rules; fills nothing."""

from math import fabs, floor, inf, isnan

from stratoquant.graph.language import kernel
from stratoquant.graph.steps import on_grid, snap
from stratoquant.runtime.venue.costs import SLACK, in_lots
from stratoquant.runtime.venue.messages import report_orders, send, set_levels, working_order
from stratoquant.runtime.venue.records import (
    CANCEL,
    LEVELS,
    MARKET,
    NO_LOT,
    NO_MARGIN,
    NO_PRICE,
    NO_SLOT,
    NOTHING_TO_REDUCE,
    STOP,
    TOO_LARGE,
    TOO_SMALL,
)

KEEP = 1
REPLACE = 2
CALL_OFF = 3
"""Commands; 0 places. Placing and replacing are one thing, for only one order of a symbol works at a time."""


@kernel
def place(
    account, wallet, settings, now, side, qty, price, valid, reduce_only, post_only, kind, ttl, command, stop_price,
    take_price,
):  # fmt: skip
    """Takes what the order ports of one symbol say in this step; NaN is a port that says nothing.

    Levels that come with an order that opens or turns the position belong to that order, and come into force when it
    does so. Any other levels move those of the position, or, while flat, those of the order that works.
    """
    order = 0 if isnan(command) else int(command)
    carried = False
    if order == CALL_OFF:
        cancel(account, wallet, settings, now)
    elif (order == 0 or order == REPLACE) and valid != 0.0 and fabs(side) > 0.0 and qty > 0.0:
        carried = offer(
            account, wallet, settings, now, 1.0 if side > 0.0 else -1.0, qty, price, reduce_only > 0.0,
            post_only > 0.0, MARKET if isnan(kind) else kind, ttl, stop_price, take_price,
        )  # fmt: skip
    if not carried and (stop_price == stop_price or take_price == take_price):
        move_levels(account, settings, now, stop_price, take_price)
    return 0.0


@kernel
def cancel(account, wallet, settings, now):
    """Calls the working order off; what fills before the word arrives is filled."""
    if working_order(account) >= 0:
        if settings.latency_bars == 0:
            account.messages = 0
        else:
            send(account, settings, now, CANCEL, 0.0, 0.0, 0.0)
        report_orders(account, wallet)
    return 0.0


@kernel
def move_levels(account, settings, now, stop, take):
    if account.position == 0.0:
        k = working_order(account)
        if k >= 0:
            account.message_stop[k] = stop if stop == stop else account.message_stop[k]
            account.message_take[k] = take if take == take else account.message_take[k]
    elif settings.latency_bars == 0:
        set_levels(account, stop, take, now)
    else:
        send(account, settings, now, LEVELS, account.position, stop, take)
    return 0.0


@kernel
def offer(account, wallet, settings, now, side, qty, price, reduce, post, kind, ttl, stop, take) -> bool:
    """Sends an order, or refuses it. True when the levels went with it."""
    held = max(-side * account.position, 0.0)
    asked = min(qty, held) if reduce or qty <= held * (1.0 + SLACK) else qty
    closes = asked <= held
    size = asked if asked == held else in_lots(asked, account.lot)
    if closes and account.max_qty > 0.0:
        size = min(size, in_lots(account.max_qty, account.lot))
    at = on_tick(price, side, kind, account.tick)
    reason = refusal(account, wallet, settings, side, size, account.mark if kind == MARKET else at, held, closes, kind)
    k = -1
    if reason == 0:
        if settings.latency_bars == 0:
            account.messages = 0
        k = send(account, settings, now, kind, side, stop, take)
        if k < 0:
            reason = NO_SLOT
    if reason != 0:
        account.rejects += 1.0
        account.reject_reason = reason
        return False
    wallet.sequence += 1
    account.message_sequence[k] = wallet.sequence
    account.message_qty[k] = size
    account.message_price[k] = at
    account.message_reduce[k] = 1.0 if reduce else 0.0
    account.message_post[k] = 1.0 if post else 0.0
    account.message_ttl[k] = inf if isnan(ttl) else max(ttl, 1.0) + settings.latency_bars
    account.message_opens[k] = 1.0 if account.position == 0.0 or (held > 0.0 and size > held) else 0.0
    report_orders(account, wallet)
    return True


@kernel
def on_tick(price: float, side: float, kind: float, tick: float) -> float:
    """The tick next to a price: a limit's on the passive side, a trigger's on the far side, where it acts later."""
    if kind == MARKET:
        return price
    return on_grid(snap(price, tick), tick, side if kind == STOP else -side)


@kernel
def refusal(account, wallet, settings, side, qty, at, held, closes, kind) -> int:
    """Why the venue does not take an order, an index into REJECTS; 0 when it does. What only closes is let through."""
    if closes and held == 0.0:
        return NOTHING_TO_REDUCE
    if not qty > 0.0:
        return NO_LOT
    if kind != floor(kind) or kind < MARKET or kind > STOP or (kind != MARKET and not at > 0.0):
        return NO_PRICE
    if closes:
        return 0
    if account.max_qty > 0.0 and qty > account.max_qty * (1.0 + SLACK):
        return TOO_LARGE
    if qty * at < account.min_notional * (1.0 - SLACK):
        return TOO_SMALL
    growth = max(qty - 2.0 * held, 0.0) * account.mark
    gross = wallet.gross + wallet.reserved - account.reserved + growth
    if settings.max_leverage > 0.0 and growth > 0.0 and gross > settings.max_leverage * wallet.equity * (1.0 + SLACK):
        return NO_MARGIN
    return 0
