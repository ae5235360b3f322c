"""Whether a value is far out of its window, measured in median absolute deviations (MAD), at little cost a bar.

The exact MAD is looked for only when the answer depends on it. Otherwise counts decide, which follow each value that
comes and goes. With the median m of the last look and two parts of its MAD, drift and quiet: the median stays within
m ± drift while fewer than half of the values lie below, and fewer above; the MAD then stays at or above quiet while
more than half stand at least quiet + drift from m; and it is 0 while more than half are equal to m. The answers are
those of the full computation.
"""

from math import isnan, nan

from stratoquant.graph.language import Array, State, array, kernel

ROUNDING = 1.0 + 1e-12  # a MAD that differs from |x| / multiple by rounding alone is looked for

DRIFT = 0.3  # of the MAD; small, so that few values are too near to call
QUIET = 0.3  # of the MAD; with drift below 1, for half of the values stand at 1 or beyond
NEAR = 0.4  # of the MAD; from one look to the next neither median nor MAD moves as far, but for rare exceptions


class SpikeWindow(State):
    """Memory of the last n values. median, mad, drift, quiet: of the last look. below, above, far, same: how many
    values lie under median - drift, over median + drift, at least quiet + drift from the median, and on it."""

    values: Array = array()
    distances: Array = array()
    work: Array = array()
    next: int = 0
    seen: int = 0
    median: float = nan
    mad: float = nan
    drift: float = 0.0
    quiet: float = 0.0
    below: int = 0
    above: int = 0
    far: int = 0
    same: int = 0


@kernel
def beyond_mad(s: SpikeWindow, x: float, n: int, multiple: float) -> bool:
    """Takes x into the window; True when |x| > multiple * MAD and the MAD is above 0; False before n values."""
    beyond = False
    if not isnan(x):
        leaves = s.values[s.next]
        s.values[s.next] = x
        s.next = s.next + 1 if s.next + 1 < n else 0
        if s.seen == n:
            count(s, leaves, -1)
            count(s, x, 1)
        else:
            s.seen += 1
        if s.seen == n:
            half = n // 2
            reach = abs(x) / multiple
            decided = s.same > half
            if not decided and s.below < half and s.above < half and s.far > half:
                decided = ROUNDING * reach <= s.quiet or n - count_near(s, n, ROUNDING * reach + s.drift) > half
                if not decided:
                    beyond = count_near(s, n, reach / ROUNDING - s.drift) > half
                    decided = beyond
            if not decided:
                look(s, n)
                beyond = s.mad > 0.0 and abs(x) > multiple * s.mad
    return beyond


@kernel
def count(s: SpikeWindow, x: float, by: int) -> int:
    """Lets a value come (by 1) or go (by -1); before the first look none is counted."""
    away = x - s.median
    s.below += by if away < -s.drift else 0
    s.above += by if away > s.drift else 0
    s.far += by if abs(away) >= s.quiet + s.drift else 0
    s.same += by if away == 0.0 else 0
    return 0


@kernel
def count_near(s: SpikeWindow, n: int, distance: float) -> int:
    """How many values stand less than `distance` from the last median."""
    median = s.median
    near = 0
    for k in range(n):
        near += 1 if abs(s.values[k] - median) < distance else 0
    return near


@kernel
def look(s: SpikeWindow, n: int) -> float:
    """Finds the median and the MAD of the window, and counts its values anew; returns the MAD."""
    near = NEAR * s.mad
    s.median = middle_near(s.values, s.work, n, s.median, near)
    for k in range(n):
        s.distances[k] = abs(s.values[k] - s.median)
    s.mad = middle_near(s.distances, s.work, n, s.mad, near)
    s.drift = DRIFT * s.mad
    s.quiet = QUIET * s.mad
    s.below = 0
    s.above = 0
    s.far = 0
    s.same = 0
    for k in range(n):
        count(s, s.values[k], 1)
    return s.mad


@kernel
def middle_near(values: Array, work: Array, n: int, centre: float, reach: float) -> float:
    """The median of the first n values. Where it lies within `reach` of `centre`, only the values that do are put in
    order, which takes a third of the time."""
    low = centre - reach
    high = centre + reach
    before = 0
    among = 0
    for k in range(n):
        work[among] = values[k]
        among += 1 if low <= values[k] <= high else 0
        before += 1 if values[k] < low else 0
    if before > (n - 1) // 2 or before + among <= n // 2:
        before = 0
        among = n
        for k in range(n):
            work[k] = values[k]
    rank = n // 2 - before
    upper = select(work, among, rank)
    lower = upper
    if n % 2 == 0:
        lower = work[0]
        for k in range(rank):
            lower = max(lower, work[k])
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
