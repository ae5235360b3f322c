"""The simulated venue: the kernels that the compiled loop calls, and the declaration that it takes them from."""

from math import fabs, isnan, nan

from stratoquant.graph.language import kernel
from stratoquant.graph.steps import EXACT, reaches
from stratoquant.graph.venue import Venue
from stratoquant.runtime.venue.costs import bar_room, observe, taker_price
from stratoquant.runtime.venue.ledger import forget_fills, log_fills, pay_funding, post_fill, settle, value_position
from stratoquant.runtime.venue.matching import awaits_price, meet_inside, meet_open, passed
from stratoquant.runtime.venue.messages import arrive, at_market, outlasting, pass_time, report_orders, wait_for_bar
from stratoquant.runtime.venue.orders import place
from stratoquant.runtime.venue.protection import close_position, live_on, live_through, take_out
from stratoquant.runtime.venue.records import AGGRESSIVE, BY_END, FILL, FILLS_PER_BAR, NO_REASON, Account, Wallet
from stratoquant.runtime.venue.settings import VenueSettings


@kernel
def meet_market(account, wallet, settings, event, now, symbol, fills):
    """Lets one symbol's orders, levels and position of earlier steps meet its bar."""
    if not passes_quietly(account, wallet, settings, event):
        if now > account.ends:
            close_out(account, wallet, settings, event, now, symbol, fills)
        else:
            trade(account, wallet, settings, event)
            log_fills(wallet, now, symbol, fills)
    return 0.0


@kernel
def passes_quietly(account, wallet, settings, event) -> bool:
    """Deals with a bar in which nothing can happen: no order, no level reached, no funding due. False for all others.

    This is where most bars end, so it calls nothing big. A loop may ask it first, and call `meet_market` when it is
    False; that saves the 10 ns that it costs to pass an array, the log, to a function.
    """
    forget_fills(account)
    if account.messages > 0 or isnan(event.time + event.open + event.high + event.low + event.close):
        return False
    if account.position == 0.0:
        observe(account, settings, event)
        account.mark = event.close
        return True
    if account.exiting != NO_REASON or not (isnan(event.funding_rate) or settings.funding == 0):
        return False
    if account.position > 0.0:
        worst = event.low
        reached = reaches(worst, account.stop_price, -1.0) or reaches(event.high, account.take_price, 1.0)
    else:
        worst = event.high
        reached = reaches(worst, account.stop_price, 1.0) or reaches(event.low, account.take_price, -1.0)
    value = account.position * worst
    gross = wallet.gross - fabs(account.exposure)
    equity = wallet.equity - account.exposure
    least = settings.maintenance * (gross + fabs(value)) + EXACT * (fabs(equity) + fabs(value))
    if reached or (settings.maintenance > 0.0 and equity + value <= least):
        return False
    observe(account, settings, event)
    value_position(account, event.close)
    wallet.equity = equity + account.exposure
    wallet.gross = gross + fabs(account.exposure)
    return True


@kernel
def trade(account, wallet, settings, event):
    """A bar in which something may happen, in the order of its path: open, then inside, then close."""
    if isnan(event.time + event.open + event.high + event.low + event.close):
        wait_for_bar(account, wallet)
        return 0.0
    wallet.other_value = wallet.equity - wallet.cash - account.exposure
    wallet.other_gross = wallet.gross - fabs(account.exposure)
    account.room = bar_room(account, settings, event)
    account.opened = nan
    pay_funding(account, wallet, settings, event)
    arrive(account, settings, event)
    if account.room == 0.0 and (account.exiting != NO_REASON or account.open_orders > 0.0):
        account.unmet += 1.0
    if at_market(account):
        meet_open(account, wallet, settings, event)
    if account.exiting != NO_REASON:
        close_position(account, wallet, settings, event, event.open, account.exiting)
    side = -1.0 if account.position > 0.0 else 1.0
    if passed(account, settings, side, account.take_price, event.open):
        take_out(account, wallet, settings, event, event.open, event.open)
    if account.position != 0.0:
        live_through(account, wallet, settings, event)
    elif awaits_price(account):
        meet_inside(account, wallet, settings, event)
    if account.position != 0.0 and not isnan(account.opened):
        live_on(account, wallet, settings, event)
    pass_time(account)
    observe(account, settings, event)
    value_position(account, event.close)
    wallet.equity = wallet.cash + wallet.other_value + account.exposure
    wallet.gross = wallet.other_gross + fabs(account.exposure)
    report_orders(account, wallet)
    return 0.0


@kernel
def close_out(account, wallet, settings, event, now, symbol, fills):
    """After a symbol's last bar: closes what is open at the last close, at the market's cost, and calls orders off.

    Nothing limits the quantity here. event: only its book is read. Call `settle` afterwards.
    """
    account.messages = 0
    if account.position != 0.0:
        side = -1.0 if account.position > 0.0 else 1.0
        qty = fabs(account.position)
        price = taker_price(account, settings, event, side, qty, account.mark)
        others = wallet.equity - wallet.cash - account.exposure
        wallet.gross -= fabs(account.exposure)
        post_fill(account, wallet, side, qty, price, account.mark, settings.taker_fee, AGGRESSIVE, BY_END, now)
        value_position(account, account.mark)
        wallet.equity = wallet.cash + others + account.exposure
        log_fills(wallet, now, symbol, fills)
    report_orders(account, wallet)
    return 0.0


SIMULATED = Venue(
    Account, Wallet, VenueSettings, FILL, FILLS_PER_BAR, passes_quietly, meet_market, settle, outlasting, place
)
