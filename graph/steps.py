"""Whole numbers of steps: prices in ticks, quantities in lots, and when two prices are the same.

The one rounding of layers and venues, so that no venue rounds again what a layer has rounded. A step is read as the
decimal that it stands for, m / 10^k; a multiple is n m / 10^k, one division of whole numbers, and so the double nearest
to the decimal: never 0.30000000000000004. A number that is such a double stays as it is.
"""

from math import fabs, floor

from stratoquant.graph.language import kernel

EXACT = 1e-12
"""Share of a number that is rounding."""
ODD = 1e-6
"""Share of a step that is rounding, in what sums and differences have left."""
ROUNDINGS = 2.0**-50
"""Share of a number that four roundings of it are."""
MOST_STEPS = 2.0**50
"""A number of so many steps or more is coarser than they are, and is not rounded to them."""
MOST_SCALE = 1e22
"""The largest power of ten that is a double."""


@kernel
def decimal_scale(step: float) -> float:
    """The least power of ten that makes a step whole, at most MOST_SCALE."""
    scale = 1.0
    while scale < MOST_SCALE and fabs(step * scale - floor(step * scale + 0.5)) > EXACT * step * scale:
        scale *= 10.0
    return scale


@kernel
def on_grid(x: float, step: float, way: float) -> float:
    """The multiple of a step next to x: below it (way -1), above it (1), or the nearest (0). A step of 0 is none."""
    result = x
    if step > 0.0 and fabs(x) < MOST_STEPS * step:
        scale = decimal_scale(step)
        whole = floor(step * scale + 0.5)
        if whole > 0.0:
            n = floor(x * scale / whole + 0.5)
            result = n * whole / scale
            if way < 0.0 and result > x:
                result = (n - 1.0) * whole / scale
            elif way > 0.0 and result < x:
                result = (n + 1.0) * whole / scale
    return result


@kernel
def snap(x: float, step: float) -> float:
    """x, or the multiple of a step that it misses by rounding alone: by ODD of a step, or by ROUNDINGS of itself."""
    multiple = on_grid(x, step, 0.0)
    return multiple if fabs(multiple - x) <= ODD * step + ROUNDINGS * fabs(x) else x


@kernel
def reaches(price: float, level: float, side: float) -> bool:
    """True when a price lies at a level, or beyond it on `side`: 1 above, -1 below.

    Prices within EXACT of each other are the same, so a level that was computed does not miss a touch by a rounding.
    """
    return side * (price - level) >= -EXACT * fabs(price)
