"""The median of the last n values."""

from math import isnan, nan

from stratoquant.graph.language import State, kernel
from stratoquant.layers.primitives.sorted_window import SortedWindow, slide


class MedianWindow(State):
    """Memory of the last n values in order, and of their median. A missing value (NaN) leaves both as they were."""

    window: SortedWindow
    median: float = nan


@kernel
def rolling_median(s: MedianWindow, x: float, n: int) -> float:
    """The median of the last n values, the mean of the middle two when n is even; missing until there are n."""
    if not isnan(x):
        slide(s.window, x, n)
        if s.window.ring.head >= n:
            s.median = 0.5 * (s.window.order[(n - 1) // 2] + s.window.order[n // 2])
    return s.median
