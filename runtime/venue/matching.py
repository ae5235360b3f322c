"""How the working order meets a bar, at its open and inside it. It lies in slot 0 of the account's messages."""

from math import isnan, nan

from stratoquant.graph.language import kernel
from stratoquant.graph.steps import reaches, snap
from stratoquant.runtime.venue.costs import fillable, has_book, ladder_depth, taker_price
from stratoquant.runtime.venue.ledger import DUST, post_fill
from stratoquant.runtime.venue.messages import at_market, crosses, set_levels
from stratoquant.runtime.venue.records import AGGRESSIVE, BY_SIGNAL, FRESH, LIMIT, MARKET, PASSIVE, STOP


@kernel
def take(account, wallet, settings, event, side, wanted, reference, bound, reason, decided) -> float:
    """Trades against the market while it stands at `reference`, no worse than `bound` (NaN: at any price).

    Returns the quantity, which the bar's room and the depth of a recorded book limit.
    """
    offered = account.room
    if has_book(event):
        if side > 0.0:
            offered = min(offered, ladder_depth(event.ask_px, event.ask_qty))
        else:
            offered = min(offered, ladder_depth(event.bid_px, event.bid_qty))
    qty = fillable(account, wanted, offered)
    if qty > 0.0:
        price = taker_price(account, settings, event, side, qty, reference)
        if side * (price - bound) > 0.0:
            price = bound
        account.room -= qty
        post_fill(account, wallet, side, qty, price, reference, settings.taker_fee, AGGRESSIVE, reason, decided)
    return qty


@kernel
def provide(account, wallet, settings, side, wanted, price, reason, decided) -> float:
    """Lets the market trade against a resting price. Returns the quantity, which the bar's room limits."""
    qty = fillable(account, wanted, account.room)
    if qty > 0.0:
        account.room -= qty
        post_fill(account, wallet, side, qty, price, price, settings.maker_fee, PASSIVE, reason, decided)
    return qty


@kernel
def fill_order(account, wallet, settings, event, reference, bound, maker):
    """Fills the working order as far as it goes: passively at `reference`, or against the market standing there."""
    side = account.message_side[0]
    before = account.position
    wanted = account.message_qty[0]
    if account.message_reduce[0] == 1.0:
        wanted = min(wanted, max(-side * before, 0.0))
        account.message_qty[0] = wanted
    if wanted > 0.0:
        decided = account.message_time[0]
        if maker == PASSIVE:
            qty = provide(account, wallet, settings, side, wanted, reference, BY_SIGNAL, decided)
        else:
            qty = take(account, wallet, settings, event, side, wanted, reference, bound, BY_SIGNAL, decided)
        account.message_qty[0] = snap(wanted - qty, account.lot) if wanted - qty > DUST * qty else 0.0
        if before * side <= 0.0 and account.position * side > 0.0:
            set_levels(account, account.message_stop[0], account.message_take[0], decided)
    return 0.0


@kernel
def meet_open(account, wallet, settings, event):
    """The order at the first trade of the bar: market orders, triggers and limits that the open has passed."""
    side = account.message_side[0]
    price = account.message_price[0]
    kind = account.message_kind[0]
    if kind == STOP and reaches(event.open, price, side):
        account.message_kind[0] = MARKET
        kind = MARKET
    if kind == MARKET:
        fill_order(account, wallet, settings, event, event.open, nan, AGGRESSIVE)
    elif kind == LIMIT:
        if account.message_state[0] == FRESH:
            if crosses(account, settings, event):
                fill_order(account, wallet, settings, event, event.open, price, AGGRESSIVE)
        elif passed(account, settings, side, price, event.open):
            at = price if settings.own_price == 1 else event.open
            fill_order(account, wallet, settings, event, at, nan, PASSIVE)
    return 0.0


@kernel
def passed(account, settings, side: float, price: float, traded: float) -> bool:
    """True when a trade at `traded` means that a resting buy (side 1) or sell (-1) at `price` is filled."""
    return reaches(traded, price - side * settings.limit_through * account.tick, -side)


@kernel
def awaits_price(account) -> bool:
    """True while a limit or a stop order works that has not been filled or triggered."""
    return at_market(account) and account.message_qty[0] > 0.0 and account.message_kind[0] != MARKET


@kernel
def lies_below(account) -> bool:
    """True when the price has to fall to reach the order: limits to buy, stops to sell."""
    return (account.message_side[0] > 0.0) == (account.message_kind[0] == LIMIT)


@kernel
def meet_inside(account, wallet, settings, event):
    """The order between open and close: fills when the range of the bar reaches its price."""
    if not awaits_price(account):
        return 0.0
    side = account.message_side[0]
    price = account.message_price[0]
    kind = account.message_kind[0]
    before = account.position
    if kind == LIMIT:
        if passed(account, settings, side, price, event.low if side > 0.0 else event.high):
            fill_order(account, wallet, settings, event, price, nan, PASSIVE)
    elif reaches(event.high if side > 0.0 else event.low, price, side):
        account.message_kind[0] = MARKET
        fill_order(account, wallet, settings, event, price, nan, AGGRESSIVE)
    if before * side <= 0.0 and account.position * side > 0.0:
        account.opened = price
        account.opened_by = kind
    return 0.0


@kernel
def stands_since_open(account) -> bool:
    """True for a position that no order inside this bar has opened."""
    return account.position != 0.0 and isnan(account.opened)
