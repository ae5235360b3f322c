"""The last n values in rising order, from which a median is read off.

A value comes and another goes by a shift of what lies between them, which compiled code does many values at a time.
"""

from stratoquant.graph.language import Array, State, array, kernel
from stratoquant.layers.primitives.ring import Ring, back, push


class SortedWindow(State):
    """Memory of the last n values: as they came (`ring`), and in rising order, first in `order`."""

    ring: Ring
    order: Array = array()


@kernel
def slide(s: SortedWindow, x: float, n: int) -> int:
    """Takes x in, and out what came n values before it; returns how many of the others are below x."""
    old = back(s.ring, n - 1)
    held = min(s.ring.head, n)
    place = 0
    hole = 0
    rest = held
    while rest > 0:  # two binary searches without a branch, side by side
        half = (rest + 1) // 2
        place += half if s.order[place + half - 1] < x else 0
        hole += half if s.order[hole + half - 1] < old else 0
        rest -= half
    if held < n:
        shift_up(s.order, place, held)
    elif old < x:
        place -= 1
        shift_down(s.order, hole, place)
    else:
        shift_up(s.order, place, hole)
    s.order[place] = x
    push(s.ring, x)
    return place


@kernel
def shift_up(values: Array, low: int, high: int) -> int:
    """Moves the values of the places low to high - 1 one place up; returns how many those are."""
    for k in range(high - low):
        values[high - k] = values[high - k - 1]
    return high - low


@kernel
def shift_down(values: Array, low: int, high: int) -> int:
    """Moves the values of the places low + 1 to high one place down; returns how many those are."""
    for k in range(low, high):
        values[k] = values[k + 1]
    return high - low
