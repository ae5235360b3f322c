"""Sums and moments over the last n values, free of drift: nothing is ever subtracted from a running total.

Time is cut into blocks of n values. A window is the end of the last block followed by the beginning of this one:
the sums of all ends are taken backwards in one pass when a block is full, those of the beginning grow by addition.
That is O(1) a bar on average, and each result is a sum over its own window alone. Means and moments are taken about
the first value of the block, which always lies in the window, so that cancellation costs less than a factor n and
equal values give a variance of exactly 0. A missing value (NaN) leaves everything as it was; results are NaN until
n values came. The place after the last of a block is never written and stays 0, the sum of the end that is left
when a block is full. Sums are multiplied by 1 / n, which is there before they are; each division in its place would be
waited for, and the next kernel with it.
"""

from math import isnan, nan

from stratoquant.graph.language import Array, State, array, kernel


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
    value = s.value
    if not isnan(x):
        count = s.count
        head = s.head
        if count == n:
            tail = 0.0
            for j in range(n):
                tail += s.sums[n - 1 - j]
                s.sums[n - 1 - j] = tail
            count = 0
            head = 0.0
        s.sums[count] = x
        count += 1
        head += x
        s.count = count
        s.head = head
        if count == n:
            s.full = 1
        if s.full == 1:
            value = head + s.sums[count]
            s.value = value
    return value


class RollingPair(State):
    """Memory of two sums over the same steps. firsts, seconds: as the sums of a RollingSum; first, second: the sums of
    the last n steps, missing until there are so many."""

    firsts: Array = array()
    seconds: Array = array()
    first_head: float = 0.0
    second_head: float = 0.0
    count: int = 0
    full: int = 0
    first: float = nan
    second: float = nan


@kernel
def rolling_pair(s: RollingPair, x: float, y: float, n: int) -> float:
    """Takes two values in, at less than the price of two sums; a missing one leaves both sums as they were. Returns the
    first sum; s.second is the other."""
    first = s.first
    second = s.second
    if not (isnan(x) or isnan(y)):
        count = s.count
        first_head = s.first_head
        second_head = s.second_head
        if count == n:
            first_tail = 0.0
            second_tail = 0.0
            for j in range(n):
                first_tail += s.firsts[n - 1 - j]
                second_tail += s.seconds[n - 1 - j]
                s.firsts[n - 1 - j] = first_tail
                s.seconds[n - 1 - j] = second_tail
            count = 0
            first_head = 0.0
            second_head = 0.0
        s.firsts[count] = x
        s.seconds[count] = y
        count += 1
        first_head += x
        second_head += y
        s.count = count
        s.first_head = first_head
        s.second_head = second_head
        if count == n:
            s.full = 1
        if s.full == 1:
            first = first_head + s.firsts[count]
            second = second_head + s.seconds[count]
        s.first = first
        s.second = second
    return first


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
    value = s.value
    if not isnan(x):
        count = s.count
        head = s.head
        anchor = s.anchor
        if count == n:
            tail = 0.0
            for j in range(n):
                tail += s.sums[n - 1 - j] - x
                s.sums[n - 1 - j] = tail
            count = 0
        if count == 0:
            anchor = x
            head = 0.0
            s.anchor = x
        s.sums[count] = x
        count += 1
        head += x - anchor
        s.count = count
        s.head = head
        if count == n:
            s.full = 1
        if s.full == 1:
            value = anchor + (head + s.sums[count]) * (1.0 / n)
            s.value = value
    return value


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
    mean = s.mean
    variance = s.variance
    if not isnan(x):
        count = s.count
        head = s.head
        head_square = s.head_square
        anchor = s.anchor
        if count == n:
            tail = 0.0
            tail_square = 0.0
            for j in range(n):
                distance = s.sums[n - 1 - j] - x
                tail += distance
                tail_square += distance * distance
                s.sums[n - 1 - j] = tail
                s.squares[n - 1 - j] = tail_square
            count = 0
        if count == 0:
            anchor = x
            head = 0.0
            head_square = 0.0
            s.anchor = x
        s.sums[count] = x
        count += 1
        head += x - anchor
        head_square += (x - anchor) * (x - anchor)
        s.count = count
        s.head = head
        s.head_square = head_square
        if count == n:
            s.full = 1
        if s.full == 1:
            total = head + s.sums[count]
            square = head_square + s.squares[count]
            share = 1.0 / n
            mean = anchor + total * share
            variance = max((square - total * total * share) * share, 0.0)
        s.mean = mean
        s.variance = variance
    return mean
