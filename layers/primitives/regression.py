"""Least squares over the last n values, on time or on another series, free of drift.

Built like `rolling`: sums of the ends of the last block and of the beginning of this one, about the first values of
this block. A missing value (NaN) leaves everything as it was; results are NaN until n values have come.
"""

from math import isnan, nan, sqrt

from stratoquant.graph.language import Array, State, array, kernel


class LineFit(State):
    """Memory of a line through the last n values against time.

    slope: per step; level: the line at the last step; r2: share of the variance that it explains, 0 when there is
    none; deviation: population sd of the residuals. moments: sums of step * distance, steps counted from the start of
    the block.
    """

    sums: Array = array()
    moments: Array = array()
    squares: Array = array()
    anchor: float = 0.0
    head: float = 0.0
    head_moment: float = 0.0
    head_square: float = 0.0
    count: int = 0
    full: int = 0
    slope: float = nan
    level: float = nan
    r2: float = nan
    deviation: float = nan


@kernel
def line_fit(s: LineFit, x: float, n: int) -> float:
    """Fits a line to the last n values (n >= 2); returns its slope, see LineFit for the rest."""
    if not isnan(x):
        if s.count == n:
            tail = 0.0
            tail_moment = 0.0
            tail_square = 0.0
            for j in range(n):
                distance = s.sums[n - 1 - j] - x
                tail += distance
                tail_moment -= (j + 1.0) * distance
                tail_square += distance * distance
                s.sums[n - 1 - j] = tail
                s.moments[n - 1 - j] = tail_moment
                s.squares[n - 1 - j] = tail_square
            s.count = 0
        if s.count == 0:
            s.anchor = x
            s.head = 0.0
            s.head_moment = 0.0
            s.head_square = 0.0
        distance = x - s.anchor
        s.sums[s.count] = x
        s.head += distance
        s.head_moment += s.count * distance
        s.head_square += distance * distance
        s.count += 1
        if s.count == n:
            s.full = 1
        if s.full == 1:
            total = s.head
            moment = s.head_moment
            square = s.head_square
            if s.count < n:
                total += s.sums[s.count]
                moment += s.moments[s.count]
                square += s.squares[s.count]
            middle = s.count - 0.5 * (n + 1.0)
            spread = (n * n - 1.0) / 12.0
            together = (moment - middle * total) / n
            variance = max((square - total * total / n) / n, 0.0)
            explained = together * together / spread
            s.slope = together / spread
            s.level = s.anchor + total / n + s.slope * 0.5 * (n - 1.0)
            s.r2 = min(explained / variance, 1.0) if variance > 0.0 else 0.0
            s.deviation = sqrt(max(variance - explained, 0.0))
    return s.slope


class RollingSlope(State):
    """Memory of the slope alone of the line of `LineFit`, at half the cost."""

    sums: Array = array()
    moments: Array = array()
    anchor: float = 0.0
    head: float = 0.0
    head_moment: float = 0.0
    count: int = 0
    full: int = 0
    slope: float = nan


@kernel
def rolling_slope(s: RollingSlope, x: float, n: int) -> float:
    """The slope, per step, of the least squares line through the last n values (n >= 2)."""
    if not isnan(x):
        count = s.count
        head = s.head
        head_moment = s.head_moment
        anchor = s.anchor
        if count == n:
            tail = 0.0
            tail_moment = 0.0
            for j in range(n):
                distance = s.sums[n - 1 - j] - x
                tail += distance
                tail_moment -= (j + 1.0) * distance
                s.sums[n - 1 - j] = tail
                s.moments[n - 1 - j] = tail_moment
            count = 0
        if count == 0:
            anchor = x
            head = 0.0
            head_moment = 0.0
            s.anchor = x
        s.sums[count] = x
        head += x - anchor
        head_moment += count * (x - anchor)
        count += 1
        s.head = head
        s.head_moment = head_moment
        s.count = count
        if count == n:
            s.full = 1
        if s.full == 1:
            total = head + s.sums[count]
            moment = head_moment + s.moments[count]
            middle = count - 0.5 * (n + 1.0)
            s.slope = 12.0 * (moment - middle * total) / (n * (n * n - 1.0))
    return s.slope


class PairFit(State):
    """Memory of the line y = intercept + slope x through the last n pairs.

    slope and r2 are 0 and slope_error is NaN when x does not vary. slope_error: standard error of the slope with n - 2
    degrees of freedom. Variances and covariance are population moments.
    """

    sums_x: Array = array()
    sums_y: Array = array()
    sums_xx: Array = array()
    sums_xy: Array = array()
    sums_yy: Array = array()
    anchor_x: float = 0.0
    anchor_y: float = 0.0
    head_x: float = 0.0
    head_y: float = 0.0
    head_xx: float = 0.0
    head_xy: float = 0.0
    head_yy: float = 0.0
    count: int = 0
    full: int = 0
    mean_x: float = nan
    mean_y: float = nan
    variance_x: float = nan
    variance_y: float = nan
    covariance: float = nan
    slope: float = nan
    intercept: float = nan
    r2: float = nan
    slope_error: float = nan


@kernel
def pair_fit(s: PairFit, x: float, y: float, n: int) -> float:
    """Fits y on x over the last n pairs (n >= 3); returns the slope, see PairFit for the rest."""
    if not isnan(x + y):
        if s.count == n:
            x_tail = 0.0
            y_tail = 0.0
            xx_tail = 0.0
            xy_tail = 0.0
            yy_tail = 0.0
            for j in range(n):
                i = n - 1 - j
                dx = s.sums_x[i] - x
                dy = s.sums_y[i] - y
                x_tail += dx
                y_tail += dy
                xx_tail += dx * dx
                xy_tail += dx * dy
                yy_tail += dy * dy
                s.sums_x[i] = x_tail
                s.sums_y[i] = y_tail
                s.sums_xx[i] = xx_tail
                s.sums_xy[i] = xy_tail
                s.sums_yy[i] = yy_tail
            s.count = 0
        if s.count == 0:
            s.anchor_x = x
            s.anchor_y = y
            s.head_x = 0.0
            s.head_y = 0.0
            s.head_xx = 0.0
            s.head_xy = 0.0
            s.head_yy = 0.0
        dx = x - s.anchor_x
        dy = y - s.anchor_y
        s.sums_x[s.count] = x
        s.sums_y[s.count] = y
        s.head_x += dx
        s.head_y += dy
        s.head_xx += dx * dx
        s.head_xy += dx * dy
        s.head_yy += dy * dy
        s.count += 1
        if s.count == n:
            s.full = 1
        if s.full == 1:
            finish_pair_fit(s, n)
    return s.slope


@kernel
def finish_pair_fit(s: PairFit, n: int) -> float:
    """Puts both parts of the window together and writes the results."""
    x = s.head_x
    y = s.head_y
    xx = s.head_xx
    xy = s.head_xy
    yy = s.head_yy
    if s.count < n:
        x += s.sums_x[s.count]
        y += s.sums_y[s.count]
        xx += s.sums_xx[s.count]
        xy += s.sums_xy[s.count]
        yy += s.sums_yy[s.count]
    s.mean_x = s.anchor_x + x / n
    s.mean_y = s.anchor_y + y / n
    s.variance_x = max((xx - x * x / n) / n, 0.0)
    s.variance_y = max((yy - y * y / n) / n, 0.0)
    s.covariance = (xy - x * y / n) / n
    s.slope = 0.0
    s.r2 = 0.0
    s.slope_error = nan
    if s.variance_x > 0.0:
        s.slope = s.covariance / s.variance_x
        unexplained = max(s.variance_y - s.slope * s.covariance, 0.0)
        s.slope_error = sqrt(unexplained / ((n - 2.0) * s.variance_x))
        if s.variance_y > 0.0:
            s.r2 = min(s.slope * s.covariance / s.variance_y, 1.0)
    s.intercept = s.mean_y - s.slope * s.mean_x
    return s.slope
