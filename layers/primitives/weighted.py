"""The linearly weighted mean of the last n values: weight n for the last, 1 for the oldest. Built like `rolling`.

A missing value (NaN) leaves everything as it was; the mean is NaN until n values have come.
"""

from math import isnan, nan

from stratoquant.graph.language import Array, State, array, kernel


class Weighted(State):
    """Memory of a weighted mean. moments: sums of step * distance, steps counted from the start of this block."""

    sums: Array = array()
    moments: Array = array()
    anchor: float = 0.0
    head: float = 0.0
    head_moment: float = 0.0
    count: int = 0
    full: int = 0
    value: float = nan


@kernel
def weighted_mean(s: Weighted, x: float, n: int) -> float:
    """sum(w x) / sum(w) with w = 1..n from the oldest to the last, as TradingView's ta.wma and TA-Lib's WMA."""
    if not isnan(x):
        if s.count == n:
            tail = 0.0
            tail_moment = 0.0
            for j in range(n):
                distance = s.sums[n - 1 - j] - x
                tail += distance
                tail_moment -= (j + 1.0) * distance
                s.sums[n - 1 - j] = tail
                s.moments[n - 1 - j] = tail_moment
            s.count = 0
        if s.count == 0:
            s.anchor = x
            s.head = 0.0
            s.head_moment = 0.0
        s.sums[s.count] = x
        s.head += x - s.anchor
        s.head_moment += s.count * (x - s.anchor)
        s.count += 1
        if s.count == n:
            s.full = 1
        if s.full == 1:
            total = s.head
            moment = s.head_moment
            if s.count < n:
                total += s.sums[s.count]
                moment += s.moments[s.count]
            s.value = s.anchor + (moment + (n - s.count + 1.0) * total) / (0.5 * n * (n + 1.0))
    return s.value
