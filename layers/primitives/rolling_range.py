"""The highest high and the lowest low of the last n bars, together: half the work of two extremes with their ages.

Built like `rolling`: time is cut into blocks of n bars, and a window is the end of the last block followed by the
beginning of this one. The extremes of all ends are taken backwards in one pass when a block is full, those of the
beginning grow with it. A bar with a missing high or low (NaN) leaves everything as it was.
"""

from math import isnan, nan

from stratoquant.graph.language import Array, State, array, kernel


class RollingRange(State):
    """Memory of the last n bars.

    highs, lows: this block's values, then the extremes of each end of the block before; what is not there yet is
    missing, and so is, always, the place after the last. high, low: the extremes of this block. upper, lower: those of
    the window, missing until it is full.
    """

    highs: Array = array(fill=nan)
    lows: Array = array(fill=nan)
    high: float = nan
    low: float = nan
    count: int = 0
    full: int = 0
    upper: float = nan
    lower: float = nan


@kernel
def rolling_range(s: RollingRange, high: float, low: float, n: int) -> float:
    """Takes a bar in; s.upper and s.lower are then the extremes of the last n bars, this one included. Returns how far
    they lie apart."""
    upper = s.upper
    lower = s.lower
    if not (isnan(high) or isnan(low)):
        count = s.count
        top = s.high
        bottom = s.low
        if count == n:
            count = 0
            top = s.highs[n - 1]
            bottom = s.lows[n - 1]
            for j in range(1, n):
                top = max(top, s.highs[n - 1 - j])
                bottom = min(bottom, s.lows[n - 1 - j])
                s.highs[n - 1 - j] = top
                s.lows[n - 1 - j] = bottom
            top = nan
            bottom = nan
        top = max(high, top)
        bottom = min(low, bottom)
        s.highs[count] = high
        s.lows[count] = low
        count += 1
        s.high = top
        s.low = bottom
        s.count = count
        if count == n:
            s.full = 1
        if s.full == 1:
            upper = max(top, s.highs[count])
            lower = min(bottom, s.lows[count])
        s.upper = upper
        s.lower = lower
    return upper - lower
