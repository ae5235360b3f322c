"""What a bar and a book must satisfy to pass L0. Tests only: nothing is mended here."""

from math import isfinite, isnan

from stratoquant.graph.language import Array, kernel
from stratoquant.graph.types import MarketEvent


@kernel
def is_price(x: float) -> bool:
    """True for a finite number above 0."""
    return x > 0.0 and isfinite(x)


@kernel
def possible_prices(raw: MarketEvent) -> bool:
    """True when all four prices can be prices."""
    return is_price(raw.open) and is_price(raw.high) and is_price(raw.low) and is_price(raw.close)


@kernel
def possible_range(raw: MarketEvent) -> bool:
    """True when open and close lie within low..high."""
    return raw.high >= max(raw.open, raw.close) and raw.low <= min(raw.open, raw.close)


@kernel
def possible_volume(volume: float) -> bool:
    """True for a finite volume from 0 on, and for a missing one."""
    return isnan(volume) or (volume >= 0.0 and isfinite(volume))


@kernel
def is_count(x: float) -> bool:
    """True for a whole number from 0 on."""
    return x >= 0.0 and isfinite(x) and x % 1.0 == 0.0


@kernel
def possible_time(time: float, last: float, now: float) -> bool:
    """True for whole milliseconds after the last bar's and not after now; a missing last or now allows any."""
    return is_count(time) and not time <= last and not time > now


@kernel
def possible_side(price: Array, quantity: Array) -> bool:
    """True when each level of one side of a book is empty or has a price and a quantity."""
    possible = True
    for k in range(len(price)):
        level = is_price(price[k]) and quantity[k] >= 0.0 and isfinite(quantity[k])
        if not level and not (isnan(price[k]) and isnan(quantity[k])):
            possible = False
    return possible
