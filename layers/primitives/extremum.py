"""Highest and lowest of the last n values, in a handful of operations a bar and without a branch on the values.

Built like `rolling`: time is cut into blocks of n values, and a window is the end of the last block followed by the
beginning of this one. The extremes of all ends are taken backwards in one pass when a block is full, that of the
beginning grows with it. Of equal extremes the latest counts, so `age` is the smallest distance at which the extreme
stands (TA-Lib's AROON). A missing value (NaN) leaves everything as it was; the extreme is NaN until n values came.
"""

from math import isnan, nan

from stratoquant.graph.language import Array, State, array, kernel


class Highest(State):
    """Memory of a maximum. ends: this block's values, then the highest of each end of the block before; steps: when
    it came. head, head_step: the same of this block.

    value: the extreme; age: steps since it (0 is this one).
    """

    ends: Array = array()
    steps: Array = array()
    head: float = nan
    head_step: int = 0
    count: int = 0
    full: int = 0
    step: int = 0
    value: float = nan
    age: float = nan


Lowest = Highest
"""Memory of a minimum: the same of the negated values."""


@kernel
def highest(s: Highest, x: float, n: int) -> float:
    """The highest of the last n values, this one included; s.age is the number of steps since it."""
    if not isnan(x):
        extreme = slide_maximum(s, x, n)
        if s.full == 1:
            s.value = extreme
    return s.value


@kernel
def lowest(s: Lowest, x: float, n: int) -> float:
    """The lowest of the last n values, this one included; s.age is the number of steps since it."""
    if not isnan(x):
        extreme = slide_maximum(s, -x, n)
        if s.full == 1:
            s.value = -extreme
    return s.value


@kernel
def slide_maximum(s: Highest, x: float, n: int) -> float:
    """Takes x in and returns the highest of the last n values, or of all while there are fewer."""
    if s.count == n:
        close_block(s, n)
    if s.count == 0 or x >= s.head:
        s.head = x
        s.head_step = s.step
    s.ends[s.count] = x
    s.steps[s.count] = s.step
    s.count += 1
    extreme = s.head
    since = s.head_step
    if s.count == n:
        s.full = 1
    elif s.full == 1 and s.ends[s.count] > extreme:
        extreme = s.ends[s.count]
        since = int(s.steps[s.count])
    s.age = s.step - since
    s.step += 1
    return extreme


@kernel
def close_block(s: Highest, n: int) -> int:
    """Puts the highest of each end of a full block in place of its values; of equal ones the later stays."""
    best = s.ends[n - 1]
    since = s.steps[n - 1]
    for j in range(1, n):
        i = n - 1 - j
        if s.ends[i] > best:
            best = s.ends[i]
            since = s.steps[i]
        s.ends[i] = best
        s.steps[i] = since
    s.count = 0
    return 0
