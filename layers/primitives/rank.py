"""The order of the last n values: rank, median, quantiles and the median absolute deviation.

A rank needs no order to be kept: counting through a block of memory takes a few hundredths of a nanosecond a value
(at n = 1440 a sorted window is four times slower). The others keep the window sorted; only what stands between the
place of the value that leaves and that of the one that comes moves. A missing value (NaN) leaves everything as it
was; results are NaN until n values have come.
"""

from math import floor, inf, isnan, nan

from graph.language import Array, State, array, kernel
from layers.primitives.ring import Ring, back, push


class PercentRank(State):
    """Memory of a rank: the last n values in no order that matters, and how many have ever come."""

    values: Array = array()
    count: int = 0
    value: float = nan


@kernel
def percent_rank(s: PercentRank, x: float, n: int) -> float:
    """The share of the last n values (x among them) below x, plus half of those equal to it: 0.5/n .. 1 - 0.5/n."""
    if not isnan(x):
        s.values[s.count % n] = x
        s.count += 1
        if s.count >= n:
            halves = 0
            for k in range(n):
                if s.values[k] < x:
                    halves += 2
                elif s.values[k] == x:
                    halves += 1
            s.value = 0.5 * halves / n
    return s.value


class SortedWindow(State):
    """Memory of the last n values by age (`ring`) and in rising order (`values`, the first `count` of them)."""

    ring: Ring
    values: Array = array()
    count: int = 0
    median: float = nan
    mad: float = nan


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
    """The median distance of the last n values from their median, not scaled; s.median is the median."""
    if not isnan(x):
        rolling_median(s, x, n)
        if s.count == n:
            s.mad = middle_distance(s.values, n, s.median)
    return s.mad


@kernel
def window_quantile(s: SortedWindow, share: float) -> float:
    """The quantile of the values in the window, linear between neighbours as numpy has it; NaN when there is none."""
    result = nan
    if s.count > 0:
        place = share * (s.count - 1)
        low = floor(place)
        high = min(low + 1, s.count - 1)
        result = s.values[low] + (place - low) * (s.values[high] - s.values[low])
    return result


@kernel
def slide_sorted(s: SortedWindow, x: float, n: int) -> int:
    """Takes x into the window and, when it is full, the oldest value out; returns how many values it holds."""
    place = count_below(s.values, s.count, x)
    hole = s.count
    if s.count < n:
        s.count += 1
    else:
        hole = count_below(s.values, n, back(s.ring, n - 1))
    move(s.values, hole, place, x)
    push(s.ring, x)
    return s.count


@kernel
def move(values: Array, hole: int, place: int, x: float) -> int:
    """Fills the hole by moving what lies between it and the place of x, and puts x there; returns where it stands."""
    while hole > place:
        values[hole] = values[hole - 1]
        hole -= 1
    while hole < place - 1:
        values[hole] = values[hole + 1]
        hole += 1
    values[hole] = x
    return hole


@kernel
def count_below(values: Array, count: int, x: float) -> int:
    """How many of the first `count` values, which are in rising order, are below x: by strides, and the rest by one."""
    low = 0
    while low + 512 <= count and values[low + 511] < x:
        low += 512
    while low + 32 <= count and values[low + 31] < x:
        low += 32
    first = low
    for k in range(min(32, count - first)):
        if values[first + k] < x:
            low += 1
    return low


@kernel
def middle_distance(values: Array, n: int, centre: float) -> float:
    """The median distance of n values in rising order from a centre that parts them in halves.

    The distances are two rising rows, one downwards and one upwards from the middle; the search finds how many of the
    n // 2 smallest come from below.
    """
    half = n // 2
    low = 0
    high = half
    while low < high:
        i = (low + high) // 2
        if centre - values[half - 1 - i] < values[2 * half - i - 1] - centre:
            low = i + 1
        else:
            high = i
    above = values[2 * half - low] - centre if 2 * half - low < n else inf
    below = centre - values[half - 1 - low] if low < half else inf
    upper = min(below, above)
    lower = upper
    if n % 2 == 0:
        above = values[2 * half - low - 1] - centre if low < half else 0.0
        below = centre - values[half - low] if low > 0 else 0.0
        lower = max(below, above)
    return 0.5 * (lower + upper)
