"""L10: what trading a share of the capital at once costs on each side of the market, against the middle.

Rule: notional = share * capital. With a book, each side is walked: cost = |mean price / mid - 1| in bps, fillable =
    the smaller of the shares that the visible levels can fill; what is beyond them is priced at the last level. A
    crossed book counts as none. Without one: half_spread + impact * sigma * sqrt(notional / (close * ewm(volume, 60)))
    * 1e4, fillable = 1; the second term is capped at MOST bps, and stays there when there is no volume. fill = the
    mean of buy and sell with the taker's fee: what one fill is taken to cost.

Note: the catalogue has an amount for the value to trade; as a share, the size is right in every quote currency. A run
    sets `capital` to the cash that it starts with, unless the wiring does. half_spread and impact are the venue's own
    (`venue.half_spread`, `venue.impact`), not parameters as in the catalogue: the gate charges what the venue charges.
"""

from math import isnan, nan, sqrt
from typing import NamedTuple

from stratoquant.graph.language import Array, Parameters, State, kernel, layer, param
from stratoquant.graph.types import Bps, Flag, Opt, Price, Qty, Real, Unit, Vec, Vol
from stratoquant.layers.primitives.averages import Smoothed, ewm

VOLUME_BARS = 60
MOST = 10_000.0


class Params(Parameters):
    share: float = param(0.1, 1e-6, 5, "value to trade, share of the capital")
    capital: float = param(100_000.0, 1e-9, 1e15, "what the account starts with, quote currency")


class Memory(State):
    volume: Smoothed
    filled: float = nan


class Out(NamedTuple):
    buy: Bps
    sell: Bps
    fillable: Unit
    fill: Bps
    from_book: Flag


@kernel
def walk(s: Memory, prices: Array, quantities: Array, notional: float, mid: float) -> float:
    """The cost in bps of taking `notional` from one side; s.filled is the share that its levels hold."""
    left = notional
    quantity = 0.0
    last = prices[0]
    for level in range(len(prices)):
        price = prices[level]
        if left > 0.0 and not isnan(price) and quantities[level] > 0.0:
            taken = min(left, price * quantities[level])
            quantity += taken / price
            left -= taken
            last = price
    s.filled = 1.0 - left / notional
    mean = notional / (quantity + left / last)
    return abs(mean / mid - 1.0) * 1e4


@layer(
    10,
    "cost_to_trade",
    domain="microstructure",
    source="Almgren, Thum, Hauptmann and Li 2005; Toth et al. 2011",
    pine="yes",
)
def step(
    s: Memory,
    p: Params,
    bid_px: Opt[Vec[10, Price]],
    bid_qty: Opt[Vec[10, Qty]],
    ask_px: Opt[Vec[10, Price]],
    ask_qty: Opt[Vec[10, Qty]],
    close: Price,
    sigma: Vol,
    volume: Qty,
    half_spread: Bps,
    impact: Real,
    taker_fee: Bps,
) -> Out:
    notional = p.share * p.capital
    usual = ewm(s.volume, volume, VOLUME_BARS)
    if bid_px[0] < ask_px[0] and bid_qty[0] > 0.0 and ask_qty[0] > 0.0:
        mid = 0.5 * (bid_px[0] + ask_px[0])
        buy = walk(s, ask_px, ask_qty, notional, mid)
        fillable = s.filled
        sell = walk(s, bid_px, bid_qty, notional, mid)
        return Out(buy, sell, max(min(fillable, s.filled), 0.0), 0.5 * (buy + sell) + taker_fee, 1.0)
    turnover = close * usual
    law = MOST
    if isnan(turnover):
        law = nan
    elif turnover > 0.0:
        law = min(impact * sigma * sqrt(notional / turnover) * 1e4, MOST)
    cost = half_spread + law
    return Out(cost, cost, nan if isnan(cost) else 1.0, cost + taker_fee, nan if isnan(cost) else 0.0)
