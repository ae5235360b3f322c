"""The market event: what one symbol's market said during one bar of the base clock. Data shape only, no behaviour."""

import numpy as np

BOOK_LEVELS = 10

SCALARS = (
    "time",  # UTC milliseconds of the bar's open; NaN when the symbol has no bar at this step
    "open",
    "high",
    "low",
    "close",
    "volume",  # base asset
    "quote_volume",  # quote currency; NaN when the source has none
    "trades",  # count; NaN when the source has none
    "buy_volume",  # base asset bought by takers; NaN when the source has none
    "funding_rate",  # rate paid by longs to shorts at this bar's open; NaN when none is due
)
LADDERS = ("bid_px", "bid_qty", "ask_px", "ask_qty")  # best level first, NaN where a level is empty

_BAR_FIELDS = [(name, np.float64) for name in SCALARS]

MARKET_EVENT = np.dtype(_BAR_FIELDS + [(name, np.float64, (BOOK_LEVELS,)) for name in LADDERS])

BAR_EVENT = np.dtype(_BAR_FIELDS)
"""The beginning of a market event: what sources without a book have, a fifth of the memory."""


def missing_events(bars: int, symbols: int, kind: np.dtype = MARKET_EVENT) -> np.ndarray:
    """A block of shape (bars, symbols) in which nothing has happened: every field NaN."""
    block = np.empty((bars, symbols), dtype=kind)
    block.view(np.float64)[:] = np.nan
    return block
