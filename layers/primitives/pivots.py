"""Turning points: the highest (lowest) value among its neighbours, known only once those to its right have come.

A missing value (NaN) leaves everything as it was and confirms nothing.
"""

from math import isnan, nan

from stratoquant.graph.language import Array, State, array, kernel


class PivotHigh(State):
    """Memory of pivots. Each of the last values stands in a ring with a mark that it can still become a pivot; a stack
    of falling values tells which of them a new one beats. Sized by the strength (the larger of both sides).

    value: the last confirmed pivot; ago: steps since its own step, so at confirmation it is the number on the right.
    """

    values: Array = array()
    alive: Array = array()
    stack: Array = array()
    first: int = 0
    length: int = 0
    step: int = 0
    value: float = nan
    ago: float = nan


PivotLow = PivotHigh
"""Memory of pivot lows: the same of the negated values."""


@kernel
def pivot_high(s: PivotHigh, x: float, k: int) -> float:
    """The value of k steps ago when none of the k before it was above and each of the k after it is below; else NaN."""
    found = find_pivot(s, x, k, k)
    if not isnan(found):
        s.value = found
    return found


@kernel
def pivot_low(s: PivotLow, x: float, k: int) -> float:
    """The value of k steps ago when none of the k before it was below and each of the k after it is above; else NaN."""
    found = -find_pivot(s, -x, k, k)
    if not isnan(found):
        s.value = found
    return found


@kernel
def find_pivot(s: PivotHigh, x: float, left: int, right: int) -> float:
    """Takes x in and returns the pivot high that it confirms, else NaN; the stack holds steps, oldest first."""
    found = nan
    if not isnan(x):
        capacity = len(s.values)
        last = (s.first + s.length - 1) % capacity
        while s.length > 0 and s.values[int(s.stack[last]) % capacity] <= x:
            s.alive[int(s.stack[last]) % capacity] = 0.0
            s.length -= 1
            last = (last + capacity - 1) % capacity
        reach = s.step - s.stack[last] - 1.0 if s.length > 0 else s.step
        if s.length > 0 and s.step - s.stack[s.first] >= max(left, right):
            s.first = (s.first + 1) % capacity
            s.length -= 1
        s.stack[(s.first + s.length) % capacity] = s.step
        s.length += 1
        s.values[s.step % capacity] = x
        s.alive[s.step % capacity] = 1.0 if reach >= left else 0.0
        s.ago += 1.0
        if s.step >= right and s.alive[(s.step - right) % capacity] == 1.0:
            found = s.values[(s.step - right) % capacity]
            s.ago = right
        s.step += 1
    return found
