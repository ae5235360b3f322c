"""Whether a value is far out of its window, measured in median absolute deviations (MAD), at little cost a bar.

The exact MAD is looked for only when the answer depends on it. Otherwise a bound decides: from a look that found
the median m and the MAD, and a count that still holds while no more than `left` values are replaced, the median
stays within m ± quiet and the MAD stays above quiet. The answers are those of the full computation.
"""

from math import isnan, nan

from graph.language import Array, State, array, kernel

ROUNDING = 1.0 + 1e-12  # a MAD that differs from |x| / multiple by rounding alone is looked for

PART = 0.3  # of the MAD: half of the values are twice as far away, the median is nearer; both with some to spare


class SpikeWindow(State):
    """Memory of the last n values. median, mad: at the last look; quiet, left: the bound and how long it holds."""

    values: Array = array()
    work: Array = array()
    next: int = 0
    seen: int = 0
    median: float = nan
    mad: float = nan
    quiet: float = 0.0
    left: int = 0


@kernel
def beyond_mad(s: SpikeWindow, x: float, n: int, multiple: float) -> bool:
    """Takes x into the window; True when |x| > multiple * MAD and the MAD is above 0; False before n values."""
    beyond = False
    if not isnan(x):
        s.values[s.next] = x
        s.next = s.next + 1 if s.next + 1 < n else 0
        s.seen = min(s.seen + 1, n)
        if s.seen == n:
            reach = ROUNDING * abs(x) / multiple
            if s.left == 0:
                renew_bound(s, n)
            decided = False
            if s.left > 0:
                s.left -= 1
                decided = reach <= s.quiet or count_away(s, n, s.quiet + reach) > n // 2
            if not decided:
                look(s, n)
                renew_bound(s, n)
                s.left = max(s.left - 1, 0)  # one of its steps is this one
                beyond = s.mad > 0.0 and abs(x) > multiple * s.mad
    return beyond


@kernel
def renew_bound(s: SpikeWindow, n: int) -> int:
    """Tries a part of the last MAD as the bound for this step and n // 32 more; returns how many steps it holds."""
    steps = n // 32
    quiet = PART * s.mad
    low = s.median - quiet
    high = s.median + quiet
    below = 0
    above = 0
    for k in range(n):
        below += 1 if s.values[k] < low else 0
        above += 1 if s.values[k] > high else 0
    middle = below < n // 2 - steps and above < n // 2 - steps
    if middle and count_away(s, n, 2.0 * quiet) > n // 2 + steps:
        s.quiet = quiet
        s.left = steps + 1
    return s.left


@kernel
def count_away(s: SpikeWindow, n: int, distance: float) -> int:
    """How many values stand at least `distance` from the last median."""
    median = s.median
    away = 0
    for k in range(n):
        away += 1 if abs(s.values[k] - median) >= distance else 0
    return away


@kernel
def look(s: SpikeWindow, n: int) -> float:
    """Finds the median and the MAD of the window; returns the MAD."""
    for k in range(n):
        s.work[k] = s.values[k]
    s.median = middle_of(s.work, n)
    for k in range(n):
        s.work[k] = abs(s.values[k] - s.median)
    s.mad = middle_of(s.work, n)
    s.left = 0
    return s.mad


@kernel
def middle_of(values: Array, n: int) -> float:
    """The median of the first n values, which are put into another order."""
    upper = select(values, n, n // 2)
    lower = upper
    if n % 2 == 0:
        lower = values[0]
        for k in range(n // 2):
            lower = max(lower, values[k])
    return 0.5 * (lower + upper)


@kernel
def select(values: Array, n: int, rank: int) -> float:
    """The value of a rank (0 is the smallest); afterwards no value before it is larger. Hoare's selection."""
    low = 0
    high = n - 1
    while low < high:
        pivot = values[(low + high) // 2]
        i = low
        j = high
        while i <= j:
            while values[i] < pivot:
                i += 1
            while pivot < values[j]:
                j -= 1
            if i <= j:
                kept = values[i]
                values[i] = values[j]
                values[j] = kept
                i += 1
                j -= 1
        if rank <= j:
            high = j
        elif rank >= i:
            low = i
        else:
            low = rank
            high = rank
    return values[rank]
