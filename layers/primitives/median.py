"""The median of the last n values.

Only the values around the middle are kept in order, some hundred and thirty of them, the core. What comes and goes
below or above it is counted, so most values cost a comparison; when the middle has wandered out of the core, a new one
is made.
"""

from math import isnan, nan

from graph.language import Array, State, array, kernel
from layers.primitives.ring import Ring, back, push
from layers.primitives.spike import select

REACH = 64
"""Ranks to each side of the middle that a new core holds."""


class MedianWindow(State):
    """Memory of the last n values (`ring`), and of those from `low` to `high`, in rising order: the first `inside` of
    `core`. below: how many lie under low. A missing value (NaN) leaves everything as it was."""

    ring: Ring
    core: Array = array()
    work: Array = array()
    low: float = nan
    high: float = nan
    below: int = 0
    inside: int = 0
    median: float = nan


@kernel
def rolling_median(s: MedianWindow, x: float, n: int) -> float:
    """The median of the last n values, the mean of the middle two when n is even; missing until there are n."""
    if not isnan(x):
        if s.ring.head >= n:
            exchange(s, back(s.ring, n - 1), x)
        push(s.ring, x)
        if s.ring.head >= n:
            if isnan(s.low) or (n - 1) // 2 < s.below or n // 2 >= s.below + s.inside:
                make_core(s, n)
            s.median = 0.5 * (s.core[(n - 1) // 2 - s.below] + s.core[n // 2 - s.below])
    return s.median


@kernel
def exchange(s: MedianWindow, old: float, x: float) -> int:
    """Takes x in and the oldest value out; returns how many the core holds."""
    leaves = s.low <= old <= s.high
    enters = s.low <= x <= s.high
    if leaves or enters:
        hole = core_place(s, old) if leaves else s.inside
        place = core_place(s, x) if enters else s.inside + 1
        while hole > place:
            s.core[hole] = s.core[hole - 1]
            hole -= 1
        last = min(place, s.inside) - 1
        while hole < last:
            s.core[hole] = s.core[hole + 1]
            hole += 1
        if enters:
            s.core[hole] = x
    s.below += (1 if x < s.low else 0) - (1 if old < s.low else 0)
    s.inside += (1 if enters else 0) - (1 if leaves else 0)
    return s.inside


@kernel
def core_place(s: MedianWindow, x: float) -> int:
    """How many values of the core are below x."""
    place = 0
    while place + 16 <= s.inside and s.core[place + 15] < x:
        place += 16
    while place < s.inside and s.core[place] < x:
        place += 1
    return place


@kernel
def make_core(s: MedianWindow, n: int) -> int:
    """Makes the core anew from the window; returns how many values it holds."""
    for k in range(n):
        s.work[k] = back(s.ring, k)
    s.low = select(s.work, n, max((n - 1) // 2 - REACH, 0))
    s.high = select(s.work, n, min(n // 2 + REACH, n - 1))
    s.below = 0
    s.inside = 0
    for k in range(n):
        value = s.work[k]
        if value < s.low:
            s.below += 1
        elif value <= s.high:
            place = s.inside
            while place > 0 and s.core[place - 1] > value:
                s.core[place] = s.core[place - 1]
                place -= 1
            s.core[place] = value
            s.inside += 1
    return s.inside
