"""Highest and lowest of the last n values by a monotone queue, O(1) a bar on average.

Of equal extremes the latest counts, so `age` is the smallest distance at which the extreme stands (TA-Lib's AROON).
A missing value (NaN) leaves the queue as it was; the extreme is NaN until n values have come.
"""

from math import isnan, nan

from graph.language import Array, State, array, kernel


class Highest(State):
    """Memory of a maximum: the values that can still become it, in falling order, with the step of each.

    value: the extreme; age: steps since it (0 is this one).
    """

    values: Array = array()
    steps: Array = array()
    first: int = 0
    length: int = 0
    step: int = 0
    value: float = nan
    age: float = nan


Lowest = Highest
"""Memory of a minimum: the same queue of the negated values."""


@kernel
def highest(s: Highest, x: float, n: int) -> float:
    """The highest of the last n values, this one included; s.age is the number of steps since it."""
    if not isnan(x):
        slide_maximum(s, x, n)
        if s.step >= n:
            s.value = s.values[s.first]
    return s.value


@kernel
def lowest(s: Lowest, x: float, n: int) -> float:
    """The lowest of the last n values, this one included; s.age is the number of steps since it."""
    if not isnan(x):
        slide_maximum(s, -x, n)
        if s.step >= n:
            s.value = -s.values[s.first]
    return s.value


@kernel
def slide_maximum(s: Highest, x: float, n: int) -> float:
    """One step of the queue: what x beats leaves at the end, what is too old leaves at the front. Returns its front."""
    capacity = len(s.values)
    last = s.first + s.length - 1
    if last >= capacity:
        last -= capacity
    while s.length > 0 and s.values[last] <= x:
        s.length -= 1
        last = last - 1 if last > 0 else capacity - 1
    if s.length > 0 and s.step - s.steps[s.first] >= n:
        s.first = s.first + 1 if s.first + 1 < capacity else 0
        s.length -= 1
    slot = s.first + s.length
    if slot >= capacity:
        slot -= capacity
    s.values[slot] = x
    s.steps[slot] = s.step
    s.length += 1
    s.age = s.step - s.steps[s.first]
    s.step += 1
    return s.values[s.first]
