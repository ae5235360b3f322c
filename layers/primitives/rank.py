"""The rank of a value among the last n.

No order is kept: counting through a block of memory takes a tenth of a nanosecond a value, and a value that repeats the
one before needs no counting at all. A window in order gains at n = 1440 and loses at a third of it.
"""

from math import isnan, nan

from stratoquant.graph.language import Array, State, array, kernel


class PercentRank(State):
    """Memory of a rank: the last n values in no order that matters, how many have ever come, and the last of them.

    halves: twice the number of values below the last one, plus the number of those equal to it, once n have come.
    """

    values: Array = array()
    count: int = 0
    last: float = nan
    halves: int = 0
    value: float = nan


@kernel
def percent_rank(s: PercentRank, x: float, n: int) -> float:
    """The share of the last n values (x among them) below x, plus half of those equal to it: 0.5/n .. 1 - 0.5/n.

    A missing value (NaN) leaves everything as it was; the rank is missing until n values have come.
    """
    if not isnan(x):
        place = s.count % n
        old = s.values[place]
        s.values[place] = x
        s.count += 1
        if s.count > n and x == s.last:
            s.halves += 1 - (2 if old < x else (1 if old == x else 0))
        elif s.count >= n:
            halves = 0  # a local: a field would be stored at every value, and the loop not be vectorised
            for k in range(n):
                if s.values[k] < x:
                    halves += 2
                elif s.values[k] == x:
                    halves += 1
            s.halves = halves
        s.last = x
        if s.count >= n:
            s.value = 0.5 * s.halves / n
    return s.value
