"""The last n values in order: rank, median, quantiles and the median absolute deviation.

The window is kept as a sorted array. The value that leaves and the one that comes are found by binary search, and only
what stands between them moves by one place. A missing value (NaN) leaves everything as it was; results are NaN until
n values have come.
"""

from math import floor, inf, isnan, nan

from graph.language import Array, State, array, kernel
from layers.primitives.ring import Ring, back, push


class SortedWindow(State):
    """Memory of the last n values by age (`ring`) and by size (`values`, the first `count` of them)."""

    ring: Ring
    values: Array = array()
    count: int = 0
    value: float = nan
    median: float = nan


@kernel
def percent_rank(s: SortedWindow, x: float, n: int) -> float:
    """The share of the last n values (x among them) below x, plus half of those equal to it: 0.5/n .. 1 - 0.5/n."""
    if not isnan(x):
        slide_sorted(s, x, n)
        if s.count == n:
            below = count_below(s.values, n, x)
            upto = below + 1
            while upto < n and s.values[upto] == x:
                upto += 1
            s.value = 0.5 * (below + upto) / n
    return s.value


@kernel
def rolling_median(s: SortedWindow, x: float, n: int) -> float:
    """The median of the last n values; the mean of the middle two when n is even."""
    if not isnan(x):
        slide_sorted(s, x, n)
        if s.count == n:
            s.median = 0.5 * (s.values[(n - 1) // 2] + s.values[n // 2])
    return s.median


@kernel
def rolling_mad(s: SortedWindow, x: float, n: int) -> float:
    """The median distance of the last n values from their median (not scaled); s.median is the median."""
    if not isnan(x):
        rolling_median(s, x, n)
        if s.count == n:
            low = middle_distance(s, n, (n - 1) // 2)
            high = low if n % 2 == 1 else middle_distance(s, n, n // 2)
            s.value = 0.5 * (low + high)
    return s.value


@kernel
def window_quantile(s: SortedWindow, share: float) -> float:
    """The quantile of the values in the window, linear between neighbours as numpy's default; NaN when there is none."""
    result = nan
    if s.count > 0:
        place = share * (s.count - 1)
        low = int(floor(place))
        high = min(low + 1, s.count - 1)
        result = s.values[low] + (place - low) * (s.values[high] - s.values[low])
    return result


@kernel
def count_below(values: Array, count: int, x: float) -> int:
    """How many of the first `count` values, which are in rising order, are below x."""
    low = 0
    length = count
    while length > 0:
        half = length // 2
        if values[low + half] < x:
            low += length - half
        length = half
    return low


@kernel
def slide_sorted(s: SortedWindow, x: float, n: int) -> int:
    """Takes x into the window and, when it is full, the oldest value out; returns how many values it holds."""
    to = count_below(s.values, s.count, x)
    if s.count < n:
        hole = s.count
        s.count += 1
    else:
        hole = count_below(s.values, n, back(s.ring, n - 1))
    if to > hole:
        to -= 1
        for k in range(hole, to):
            s.values[k] = s.values[k + 1]
    else:
        for j in range(hole - to):
            s.values[hole - j] = s.values[hole - j - 1]
    s.values[to] = x
    push(s.ring, x)
    return s.count


@kernel
def middle_distance(s: SortedWindow, n: int, k: int) -> float:
    """The k-th smallest (from 0) of the distances of the window's values from s.median.

    They are two sorted rows, one downwards and one upwards from the middle; the search finds how many of the k come
    from below.
    """
    half = n // 2
    low = max(0, k - (n - half))
    high = min(k, half)
    while low < high:
        i = (low + high) // 2
        if s.median - s.values[half - 1 - i] < s.values[half + k - i - 1] - s.median:
            low = i + 1
        else:
            high = i
    below = s.median - s.values[half - 1 - low] if low < half else inf
    above = s.values[half + k - low] - s.median if k - low < n - half else inf
    return min(below, above)
