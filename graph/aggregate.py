"""How base bars become the bars of a slower clock: the one rule for it, a kernel like any other."""

from math import isnan, nan
from typing import Any

from stratoquant.graph.language import kernel


@kernel
def add_known(total: float, x: float) -> float:
    """The sum of what is known; NaN while nothing is."""
    if isnan(x):
        return total
    return x if isnan(total) else total + x


@kernel
def aggregate(bar: Any, event: Any, open_time: float, starts: bool, closes: bool) -> float:
    """Folds one base event into the bar of a slower clock; returns the bar's close.

    The bar opens with its first event, closes with its last, and keeps the extremes; volumes, trades and funding add
    up; the book is the one at the close. A bar in which no event happened stays missing. open_time: of the slow bar.
    """
    if starts:
        bar.time = nan
        bar.open = nan
        bar.high = nan
        bar.low = nan
        bar.close = nan
        bar.volume = nan
        bar.quote_volume = nan
        bar.trades = nan
        bar.buy_volume = nan
        bar.funding_rate = nan
    bar.funding_rate = add_known(bar.funding_rate, event.funding_rate)
    if not isnan(event.time):
        if isnan(bar.time):
            bar.time = open_time
            bar.open = event.open
            bar.high = event.high
            bar.low = event.low
        bar.high = max(bar.high, event.high)
        bar.low = min(bar.low, event.low)
        bar.close = event.close
        bar.volume = add_known(bar.volume, event.volume)
        bar.quote_volume = add_known(bar.quote_volume, event.quote_volume)
        bar.trades = add_known(bar.trades, event.trades)
        bar.buy_volume = add_known(bar.buy_volume, event.buy_volume)
    if closes:
        for level in range(len(bar.bid_px)):
            bar.bid_px[level] = event.bid_px[level]
            bar.bid_qty[level] = event.bid_qty[level]
            bar.ask_px[level] = event.ask_px[level]
            bar.ask_qty[level] = event.ask_qty[level]
    return float(bar.close)
