"""What a fill costs and how much fits into a bar. Reads the market; changes nothing but the averages it keeps."""

from math import inf, isnan, sqrt

from stratoquant.graph.language import kernel
from stratoquant.graph.steps import on_grid, snap

SLACK = 1e-9
"""Share of a quantity or a value that is rounding."""
WORST = 0.5
"""The largest relative loss of one fill against the market's price; beyond it the square-root law says nothing."""


@kernel
def has_book(event) -> bool:
    return event.bid_px[0] > 0.0 and event.ask_px[0] > 0.0


@kernel
def touch_distance(settings, event) -> float:
    """Half the spread, relative to the middle."""
    if has_book(event):
        return (event.ask_px[0] - event.bid_px[0]) / (event.ask_px[0] + event.bid_px[0])
    return settings.half_spread * 1e-4


@kernel
def ladder_depth(prices, quantities) -> float:
    """Quantity on one side of the book, up to its first empty level."""
    depth = 0.0
    for k in range(len(prices)):
        if not (prices[k] > 0.0 and quantities[k] > 0.0):
            break
        depth += quantities[k]
    return depth


@kernel
def ladder_price(prices, quantities, qty: float) -> float:
    """Mean price of taking `qty` from one side of the book; what it does not hold goes at its last level."""
    left = qty
    paid = 0.0
    last = prices[0]
    for k in range(len(prices)):
        if left <= 0.0 or not (prices[k] > 0.0 and quantities[k] > 0.0):
            break
        last = prices[k]
        part = min(left, quantities[k])
        paid += part * last
        left -= part
    return (paid + max(left, 0.0) * last) / qty


@kernel
def impact_of(account, settings, qty: float) -> float:
    """The square-root law, relative to the price. Where nothing was traded, all of it is taken to be traded away."""
    if settings.impact == 0.0 or account.untold == 1.0 or isnan(account.variance):
        return 0.0
    share = qty / account.mean_volume if account.mean_volume > 0.0 else 1.0
    return settings.impact * sqrt(account.variance * share)


@kernel
def taker_price(account, settings, event, side: float, qty: float, reference: float) -> float:
    """Price of an aggressive fill while the market stands at `reference`.

    A recorded book gives the loss against its own middle, which is then laid on `reference`: the book is of one moment
    of the bar, the fill of another.
    """
    if has_book(event):
        middle = 0.5 * (event.bid_px[0] + event.ask_px[0])
        if side > 0.0:
            loss = ladder_price(event.ask_px, event.ask_qty, qty) / middle - 1.0
        else:
            loss = 1.0 - ladder_price(event.bid_px, event.bid_qty, qty) / middle
    else:
        loss = settings.half_spread * 1e-4 + impact_of(account, settings, qty)
    price = reference * (1.0 + side * min(loss, WORST)) + side * settings.slippage_ticks * account.tick
    return max(price, (1.0 - WORST) * reference)


@kernel
def bar_room(account, settings, event) -> float:
    """Quantity that one bar may fill. A market that does not tell its volume sets no limit."""
    if settings.participation == 0.0 or account.untold == 1.0 or isnan(event.volume):
        return inf
    return settings.participation * max(event.volume, 0.0)


@kernel
def in_lots(qty: float, lot: float) -> float:
    """Whole lots in a quantity; one that misses them by rounding alone is cut to no lot less."""
    return on_grid(snap(qty, lot), lot, -1.0)


@kernel
def fillable(account, wanted: float, offered: float) -> float:
    """What is filled of `wanted` when the market offers so much: all, or whole lots of the offer."""
    return wanted if wanted <= offered else in_lots(offered, account.lot)


@kernel
def observe(account, settings, event):
    """Keeps volatility and volume up to date for the square-root law; the bar counts for later fills only."""
    if settings.impact > 0.0 and not isnan(account.mark):
        alpha = 2.0 / (settings.volatility_window + 1.0)
        change = event.close / account.mark - 1.0
        volume = max(event.volume, 0.0) if not isnan(event.volume) else 0.0
        if isnan(account.variance):
            account.variance = change * change
            account.mean_volume = volume
        else:
            account.variance += alpha * (change * change - account.variance)
            account.mean_volume += alpha * (volume - account.mean_volume)
    return 0.0
