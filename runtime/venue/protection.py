"""What closes a position without an order: its protective stop and target, and the venue for want of margin.

Along a bar the stop is taken before the target, and of stop and liquidation the one that the price reaches first.
"""

from math import fabs, isnan, nan

from stratoquant.graph.language import kernel
from stratoquant.graph.steps import reaches
from stratoquant.runtime.venue.ledger import liquidation_price
from stratoquant.runtime.venue.matching import (
    awaits_price,
    lies_below,
    meet_inside,
    passed,
    provide,
    stands_since_open,
    take,
)
from stratoquant.runtime.venue.records import BY_LIQUIDATION, BY_STOP, BY_TAKE, LIMIT, NO_REASON


@kernel
def last_line(account, wallet, settings) -> float:
    """The price of liquidation; NaN when the venue does not ask for margin."""
    return liquidation_price(account, wallet, settings) if settings.maintenance > 0.0 else nan


@kernel
def nearest_exit(account, wallet, settings) -> float:
    """The first price against the position at which it is closed: stop or liquidation. NaN for none."""
    stop = account.stop_price
    line = last_line(account, wallet, settings)
    if isnan(stop) or isnan(line):
        return line if isnan(stop) else stop
    return max(stop, line) if account.position > 0.0 else min(stop, line)


@kernel
def close_position(account, wallet, settings, event, reference, reason):
    """Closes at the market; what the bar has no room for stays to be closed at the next open."""
    side = -1.0 if account.position > 0.0 else 1.0
    decided = account.level_time if reason == BY_STOP else event.time
    account.exiting = reason
    take(account, wallet, settings, event, side, fabs(account.position), reference, nan, reason, decided)
    return 0.0


@kernel
def stop_out(account, wallet, settings, event, start):
    """Closes the position if the bar goes far enough against it. start: where the price was when it began to count."""
    if account.exiting != NO_REASON or account.position == 0.0:
        return 0.0
    direction = 1.0 if account.position > 0.0 else -1.0
    worst = event.low if direction > 0.0 else event.high
    level = nearest_exit(account, wallet, settings)
    if reaches(worst, level, -direction):
        reference = level if direction * (start - level) > 0.0 else start
        if level == account.stop_price:
            close_position(account, wallet, settings, event, reference, BY_STOP)
        else:
            wallet.liquidations += 1
            account.messages = 0
            close_position(account, wallet, settings, event, reference, BY_LIQUIDATION)
    return 0.0


@kernel
def take_out(account, wallet, settings, event, start, best):
    """Closes the position passively if the price got as far as `best` and that fills its target."""
    if account.exiting != NO_REASON or account.position == 0.0:
        return 0.0
    side = -1.0 if account.position > 0.0 else 1.0
    price = account.take_price
    if passed(account, settings, side, price, best):
        beyond = side * (price - start) > 0.0
        resting = account.held >= 0.0  # a target that was set before this bar
        if beyond and not (resting and settings.own_price == 1):
            price = start
        provide(account, wallet, settings, side, fabs(account.position), price, BY_TAKE, account.level_time)
    return 0.0


@kernel
def live_through(account, wallet, settings, event):
    """A position that stands at the open, and the working order, inside the bar: first what lies against it."""
    long = account.position > 0.0
    if awaits_price(account) and lies_below(account) == long:
        gap = account.message_price[0] - nearest_exit(account, wallet, settings)
        order_first = isnan(gap) or (gap if long else -gap) > 0.0
        if order_first:
            meet_inside(account, wallet, settings, event)
        if stands_since_open(account):
            stop_out(account, wallet, settings, event, event.open)
        if not order_first:
            meet_inside(account, wallet, settings, event)
        reach_target(account, wallet, settings, event)
    else:
        stop_out(account, wallet, settings, event, event.open)
        gap = account.message_price[0] - account.take_price if awaits_price(account) else nan
        if (gap if long else -gap) < 0.0:
            meet_inside(account, wallet, settings, event)
        reach_target(account, wallet, settings, event)
        meet_inside(account, wallet, settings, event)
    return 0.0


@kernel
def reach_target(account, wallet, settings, event):
    if stands_since_open(account):
        best = event.high if account.position > 0.0 else event.low
        take_out(account, wallet, settings, event, event.open, best)
    return 0.0


@kernel
def live_on(account, wallet, settings, event):
    """A position that an order opened inside the bar: its stop counts if the bar's range has it at all.

    Its target counts where it was certainly reached afterwards: beyond a stop order's trigger, or at the close.
    """
    start = account.opened
    stop_out(account, wallet, settings, event, start)
    if account.opened_by == LIMIT:
        best = event.close
    else:
        best = event.high if account.position > 0.0 else event.low
    take_out(account, wallet, settings, event, start, best)
    return 0.0
