"""Whether a value is far out of its window, measured in median absolute deviations, at little cost."""

from math import isnan

from graph.language import kernel
from layers.primitives.rank import SortedWindow, middle_distance, rolling_median


ROUNDING = 1.0 + 1e-12  # a MAD that equals |x| / multiple but for rounding is searched for


@kernel
def beyond_mad(s: SortedWindow, x: float, n: int, multiple: float) -> bool:
    """Takes x into the window; True when |x| > multiple * MAD and the MAD is above 0. False until n values have come.

    When both quartiles lie at least |x| / multiple from the median, so does half of the window: then the MAD is no
    smaller than that, and it need not be searched for. That is nearly every bar.
    """
    beyond = False
    if not isnan(x):
        rolling_median(s, x, n)
        if s.count == n:
            reach = ROUNDING * abs(x) / multiple
            quarter = n // 4
            inside = s.median - s.values[quarter] < reach or s.values[n - 1 - quarter] - s.median < reach
            if inside:
                s.mad = middle_distance(s.values, n, s.median)
                beyond = s.mad > 0.0 and abs(x) > multiple * s.mad
    return beyond
