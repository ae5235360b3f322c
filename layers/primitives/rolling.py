"""Sums and moments over the last n values, free of drift: nothing is ever subtracted from a running total.

Time is cut into blocks of n values. A window is the end of the last block followed by the beginning of this one:
the sums of all ends are taken backwards in one pass when a block is full, those of the beginning grow by addition.
That is O(1) a bar on average, and each result is a sum over its own window alone. Means and moments are taken about
the first value of the block, which always lies in the window, so that cancellation costs less than a factor n and
equal values give a variance of exactly 0. A missing value (NaN) leaves everything as it was; results are NaN until
n values came.
"""

from math import isnan, nan

from graph.language import Array, State, array, kernel


class RollingSum(State):
    """Memory of a sum. sums: this block's values, then the sums of the ends of the block before."""

    sums: Array = array()
    head: float = 0.0
    count: int = 0
    full: int = 0
    value: float = nan


@kernel
def rolling_sum(s: RollingSum, x: float, n: int) -> float:
    """The sum of the last n values."""
    if not isnan(x):
        if s.count == n:
            tail = 0.0
            for j in range(n):
                tail += s.sums[n - 1 - j]
                s.sums[n - 1 - j] = tail
            s.count = 0
            s.head = 0.0
        s.sums[s.count] = x
        s.count += 1
        s.head += x
        if s.count == n:
            s.full = 1
            s.value = s.head
        elif s.full == 1:
            s.value = s.head + s.sums[s.count]
    return s.value


class RollingMean(State):
    """Memory of a mean. sums: this block's values, then the sums (less the anchor) of the ends of the block before."""

    sums: Array = array()
    anchor: float = 0.0
    head: float = 0.0
    count: int = 0
    full: int = 0
    value: float = nan


@kernel
def rolling_mean(s: RollingMean, x: float, n: int) -> float:
    """The mean of the last n values."""
    if not isnan(x):
        if s.count == n:
            tail = 0.0
            for j in range(n):
                tail += s.sums[n - 1 - j] - x
                s.sums[n - 1 - j] = tail
            s.count = 0
        if s.count == 0:
            s.anchor = x
            s.head = 0.0
        s.sums[s.count] = x
        s.count += 1
        s.head += x - s.anchor
        if s.count == n:
            s.full = 1
            s.value = s.anchor + s.head / n
        elif s.full == 1:
            s.value = s.anchor + (s.head + s.sums[s.count]) / n
    return s.value


class RollingMoments(State):
    """Memory of mean and variance (population). sums, squares: as in RollingMean, and of the squared distances."""

    sums: Array = array()
    squares: Array = array()
    anchor: float = 0.0
    head: float = 0.0
    head_square: float = 0.0
    count: int = 0
    full: int = 0
    mean: float = nan
    variance: float = nan


@kernel
def rolling_moments(s: RollingMoments, x: float, n: int) -> float:
    """Mean and population variance of the last n values, kept in s.mean and s.variance; returns the mean."""
    if not isnan(x):
        if s.count == n:
            tail = 0.0
            tail_square = 0.0
            for j in range(n):
                distance = s.sums[n - 1 - j] - x
                tail += distance
                tail_square += distance * distance
                s.sums[n - 1 - j] = tail
                s.squares[n - 1 - j] = tail_square
            s.count = 0
        if s.count == 0:
            s.anchor = x
            s.head = 0.0
            s.head_square = 0.0
        s.sums[s.count] = x
        s.count += 1
        s.head += x - s.anchor
        s.head_square += (x - s.anchor) * (x - s.anchor)
        if s.count == n:
            s.full = 1
        if s.full == 1:
            total = s.head
            square = s.head_square
            if s.count < n:
                total += s.sums[s.count]
                square += s.squares[s.count]
            s.mean = s.anchor + total / n
            s.variance = max((square - total * total / n) / n, 0.0)
    return s.mean
