"""The book put together again from its recorded changes, as kernels."""

from __future__ import annotations

import numpy as np

from stratoquant.graph.language import kernel


@kernel
def replay(
    known: np.ndarray,
    start: np.ndarray,
    stop: np.ndarray,
    snapshot: np.ndarray,
    side: np.ndarray,
    place: np.ndarray,
    qty: np.ndarray,
    prices: np.ndarray,
    bids: np.ndarray,
    asks: np.ndarray,
    closes: np.ndarray,
    ladders: np.ndarray,
) -> int:
    """Fills `ladders` (bid_px, bid_qty, ask_px, ask_qty; level; close) with the book before each close.

    known, start, stop, snapshot: a message each, as in `Depth`. side, place, qty: a row each; place is the row's price
    as an index of `prices`, which rises. bids, asks: what rests at each price, zeros at first. closes: nanoseconds,
    rising. Returns the message that crossed the book, or the number of messages where none did.
    """
    messages = len(known)
    bid = -1  # index of the best price of each side; -1 and len(prices) stand for an empty side
    ask = len(prices)
    close = 0
    for message in range(messages):
        while close < len(closes) and known[message] >= closes[close]:
            write_levels(bids, asks, bid, ask, prices, ladders, close)
            close += 1
        if close == len(closes):
            break
        if snapshot[message] == 1:
            for k in range(len(prices)):
                bids[k] = 0.0
                asks[k] = 0.0
            bid = -1
            ask = len(prices)
        for row in range(start[message], stop[message]):
            if side[row] == 1:
                bids[place[row]] = qty[row]
                if qty[row] > 0.0:
                    bid = max(bid, place[row])
            else:
                asks[place[row]] = qty[row]
                if qty[row] > 0.0:
                    ask = min(ask, place[row])
        while bid >= 0 and bids[bid] == 0.0:
            bid -= 1
        while ask < len(prices) and asks[ask] == 0.0:
            ask += 1
        if bid >= ask:
            return message
    while close < len(closes):
        write_levels(bids, asks, bid, ask, prices, ladders, close)
        close += 1
    return messages


@kernel
def write_levels(
    bids: np.ndarray, asks: np.ndarray, bid: int, ask: int, prices: np.ndarray, ladders: np.ndarray, close: int
) -> None:
    """Writes the best levels of both sides into `ladders`."""
    levels = ladders.shape[1]
    level = 0
    while bid >= 0 and level < levels:
        if bids[bid] > 0.0:
            ladders[0, level, close] = prices[bid]
            ladders[1, level, close] = bids[bid]
            level += 1
        bid -= 1
    level = 0
    while ask < len(prices) and level < levels:
        if asks[ask] > 0.0:
            ladders[2, level, close] = prices[ask]
            ladders[3, level, close] = asks[ask]
            level += 1
        ask += 1
