"""How many standard deviations a value stands from the mean of the last n values. Missing values leave it as it was."""

from math import isnan, nan, sqrt

from stratoquant.graph.language import State, kernel
from stratoquant.layers.primitives.rolling import RollingMoments, rolling_moments


class ZScore(State):
    """Memory of a z-score; the window's moments are in s.moments."""

    moments: RollingMoments
    value: float = nan


@kernel
def zscore(s: ZScore, x: float, n: int) -> float:
    """(x - mean) / sd over the last n values, x among them, population sd; 0 when they are all equal; NaN until n."""
    if not isnan(x):
        mean = rolling_moments(s.moments, x, n)
        variance = s.moments.variance
        if variance > 0.0:
            s.value = (x - mean) / sqrt(variance)
        elif variance == 0.0:
            s.value = 0.0
    return s.value
