"""A side of the order book: is it whole, how much stands there, and how fast it thickens away from the middle."""

from math import fabs

from stratoquant.graph.language import Array, kernel


@kernel
def is_whole(bid_px: Array, bid_qty: Array, ask_px: Array, ask_qty: Array, levels: int) -> bool:
    """True when the book is not crossed and each of its first `levels` levels has a price and a quantity above 0."""
    whole = bid_px[0] < ask_px[0]
    for k in range(levels):
        if not (bid_px[k] > 0.0 and ask_px[k] > 0.0 and bid_qty[k] > 0.0 and ask_qty[k] > 0.0):
            whole = False
    return whole


@kernel
def depth(px: Array, qty: Array, levels: int) -> float:
    """Value of what stands on the first levels, quote currency."""
    total = 0.0
    for k in range(levels):
        total += px[k] * qty[k]
    return total


@kernel
def slope_from_middle(px: Array, qty: Array, levels: int, middle: float) -> float:
    """Quantity per bps: least squares, through the origin, of the quantity up to each level on its distance."""
    total = 0.0
    product = 0.0
    square = 0.0
    for k in range(levels):
        distance = fabs(px[k] / middle - 1.0) * 1e4
        total += qty[k]
        product += distance * total
        square += distance * distance
    return product / square
