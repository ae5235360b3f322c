"""Numbers that look random and are a pure function of a code and a place."""

from math import fabs, floor, nan, sin

from stratoquant.graph.language import kernel

MISSING = 0.06


@kernel
def draw(code: float, place: float) -> float:
    """In [0, 1)."""
    x = sin(12.9898 * code + 78.233 * place + 1.0) * 43758.5453
    return fabs(x - floor(x))


@kernel
def draw_or_missing(code: float, place: float, low: float, high: float) -> float:
    """In [low, high), or missing now and then."""
    u = draw(code, place)
    return nan if u < MISSING else low + (high - low) * (u - MISSING) / (1.0 - MISSING)
