"""The books: what a fill and a funding payment do to position and cash, and what everything is worth."""

from math import fabs, isnan, nan

from stratoquant.graph.language import kernel
from stratoquant.graph.steps import snap
from stratoquant.runtime.venue.records import FILLS_PER_BAR, NO_REASON

DUST = 1e-12
"""A fill that differs by this share from the open position closes it: the difference is rounding."""
MOST_LEVERAGE = 1e6


@kernel
def post_fill(account, wallet, side, qty, price, reference, fee_rate, maker, reason, decided):
    """Enters one fill. fee_rate: bps of the notional. reference: what the market showed, to tell the slippage."""
    before = account.position
    closes = before * side < 0.0
    if closes and fabs(qty - fabs(before)) <= DUST * qty:
        qty = fabs(before)
    fee = qty * price * fee_rate * 1e-4
    after = snap(before + side * qty, account.lot)
    if closes:
        account.realised += side * min(qty, fabs(before)) * (account.entry - price)
        if after * side > 0.0:
            account.entry = price
    elif before == 0.0:
        account.entry = price
    else:
        account.entry = (fabs(before) * account.entry + qty * price) / fabs(after)
    account.position = after
    account.reported = after
    wallet.cash -= side * qty * price + fee
    account.fees += fee
    if after == 0.0 or before * after <= 0.0:
        account.held = -1.0  # valuing the bar makes it 0
        account.stop_price = nan
        account.take_price = nan
        account.exiting = NO_REASON
    if after == 0.0:
        account.entry = nan
    if isnan(account.fill_qty):
        account.fill_qty = qty
        account.fill_price = price
    else:
        total = account.fill_qty + qty
        account.fill_price += (price - account.fill_price) * qty / total
        account.fill_qty = total
    account.fill_fees += fee
    account.fill_maker = maker
    if wallet.posted >= FILLS_PER_BAR:
        wallet.unlogged += 1
        return 0.0
    k = wallet.posted
    wallet.posted += 1
    wallet.post.decided[k] = decided
    wallet.post.side[k] = side
    wallet.post.qty[k] = qty
    wallet.post.price[k] = price
    wallet.post.fee[k] = fee
    wallet.post.slippage[k] = side * (price - reference) * qty + 0.0  # never -0
    wallet.post.maker[k] = maker
    wallet.post.reason[k] = reason
    wallet.post.position[k] = after
    return 0.0


@kernel
def log_fills(wallet, now, symbol, fills):
    """Copies the fills of a symbol's bar to the log, and counts those for which it has no room."""
    for k in range(wallet.posted):
        n = wallet.fills
        if n >= len(fills):
            wallet.unlogged += 1
        else:
            wallet.fills += 1
            fills[n].time = int(now)
            fills[n].decision_time = int(wallet.post.decided[k])
            fills[n].symbol = symbol
            fills[n].side = int(wallet.post.side[k])
            fills[n].qty = wallet.post.qty[k]
            fills[n].price = wallet.post.price[k]
            fills[n].fee = wallet.post.fee[k]
            fills[n].slippage = wallet.post.slippage[k]
            fills[n].maker = int(wallet.post.maker[k])
            fills[n].reason = int(wallet.post.reason[k])
            fills[n].position = wallet.post.position[k]
    wallet.posted = 0
    return 0.0


@kernel
def pay_funding(account, wallet, settings, event):
    """Longs pay the rate on their value at the open, shorts receive it."""
    if settings.funding == 1 and not isnan(event.funding_rate):
        payment = account.position * event.open * event.funding_rate
        account.funding += payment
        wallet.cash -= payment
    return 0.0


@kernel
def forget_fills(account):
    """The bar before is over: its fills are no longer this bar's."""
    if not isnan(account.fill_qty):
        account.fill_price = nan
        account.fill_qty = nan
        account.fill_fees = 0.0
        account.fill_maker = 0.0
    return 0.0


@kernel
def value_position(account, close):
    """The position at a close. `held` counts the bars since the one in which it was opened."""
    account.mark = close
    if account.position != 0.0:
        account.held += 1.0
        account.exposure = account.position * close
        account.unrealised = account.position * (close - account.entry)
    else:
        account.held = 0.0
        account.exposure = 0.0
        account.unrealised = 0.0
        account.leverage = 0.0
    return 0.0


@kernel
def liquidation_price(account, wallet, settings) -> float:
    """Where equity is down to the maintenance margin, all other symbols standing still. A long's may be negative.

    equity = cash + others + position * price; margin = maintenance * (gross of others + |position| * price).
    """
    spare = wallet.cash + wallet.other_value - settings.maintenance * wallet.other_gross
    if account.position > 0.0:
        return -spare / (account.position * (1.0 - settings.maintenance))
    return spare / (-account.position * (1.0 + settings.maintenance))


@kernel
def reach_of(account) -> float:
    """Exposure if everything that can still fill did, on the side that leads farther; at the last close, signed."""
    if account.buying + account.selling == 0.0 or not account.mark > 0.0:
        return account.exposure
    highest = account.position + account.buying
    lowest = account.position - account.selling
    return account.mark * (highest if fabs(highest) >= fabs(lowest) else lowest)


@kernel
def settle(accounts, wallet, settings):
    """Equity, exposure and leverage of the whole account at the last closes; summed afresh, so nothing drifts."""
    net = 0.0
    gross = 0.0
    reserved = 0.0
    positions = 0.0
    for i in range(len(accounts)):
        exposure = accounts[i].exposure
        accounts[i].reach = reach_of(accounts[i])
        net += exposure
        gross += fabs(exposure)
        reserved += accounts[i].reserved
        if accounts[i].position != 0.0:
            positions += 1.0
    wallet.net = net
    wallet.gross = gross
    wallet.reserved = reserved
    wallet.positions = positions
    wallet.equity = wallet.cash + net
    if gross > 0.0:
        for i in range(len(accounts)):
            size = fabs(accounts[i].exposure)
            if size > 0.0:
                accounts[i].leverage = size / max(wallet.equity, size / MOST_LEVERAGE)
    return 0.0
