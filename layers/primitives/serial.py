"""How the last n values depend on the ones before them: products of neighbours, free of drift.

Built like `rolling`: sums over the ends of the last block and over the beginning of this one. A pair may have one part
in each; such pairs are kept by how far its older part stands from the border, and leave with it. Distances are taken
from the mean of the last block, and the sums about the mean of the window follow from those by the binomial formula.
O(q) a bar. A missing value (NaN) leaves everything as it was; results are NaN until n values have come.
"""

from math import isnan, nan

from stratoquant.graph.language import Array, State, array, kernel
from stratoquant.layers.primitives.ring import Ring, back, push
from stratoquant.layers.primitives.rolling import RollingMoments, rolling_moments

LAGS = 64  # q is at most this


class Serial(State):
    """Memory of the products. With d the distance from the centre, w(k) = (q - k)^2 and k = 1 .. q - 1 the lag:
    fours: sums of w d^2 d[k]^2; threes: of w (d^2 d[k] + d d[k]^2); twos: of w d d[k]; ones: of d d[1].

    autocorrelation: of lag 1, 0 where nothing varies. theta: Lo and MacKinlay's variance of sqrt(n) times the variance
    ratio of q values when their own variances may differ; 0 where nothing varies.
    """

    moments: RollingMoments
    values: Ring
    fours: Array = array()
    threes: Array = array()
    twos: Array = array()
    ones: Array = array()
    border_fours: Array = array(LAGS)
    border_threes: Array = array(LAGS)
    border_twos: Array = array(LAGS)
    centre: float = 0.0
    head_four: float = 0.0
    head_three: float = 0.0
    head_two: float = 0.0
    head_one: float = 0.0
    count: int = 0
    full: int = 0
    autocorrelation: float = nan
    theta: float = nan


@kernel
def serial_products(s: Serial, x: float, n: int, q: int) -> float:
    """Takes x in, 2 <= q <= n / 2; returns theta, see Serial for the rest. Mean and variance are in s.moments."""
    if not isnan(x):
        rolling_moments(s.moments, x, n)
        push(s.values, x)
        add_pairs(s, x - s.centre, q)
        s.count += 1
        if s.count == n:
            begin_block(s, n, q)
        if s.full == 1:
            finish_serial(s, n, q)
    return s.theta


@kernel
def add_pairs(s: Serial, d: float, q: int) -> float:
    """Adds the pairs of the last value with each of the q - 1 before it, and with the one before it; returns those."""
    three = 0.0
    four = 0.0
    for k in range(1, min(q - 1, s.count) + 1):
        e = back(s.values, k) - s.centre
        three += (q - k) * (q - k) * e
        four += (q - k) * (q - k) * e * e
    s.head_two += d * three
    s.head_three += d * d * three + d * four
    s.head_four += d * d * four
    if s.count < q - 1:
        three = 0.0
        four = 0.0
        for m in range(1, q):
            k = s.count + m
            if k < q:
                e = back(s.values, k) - s.centre
                three += (q - k) * (q - k) * e
                four += (q - k) * (q - k) * e * e
            s.border_twos[m] += d * three
            s.border_threes[m] += d * d * three + d * four
            s.border_fours[m] += d * d * four
    s.head_one += d * (back(s.values, 1) - s.centre)
    return s.head_one


@kernel
def begin_block(s: Serial, n: int, q: int) -> float:
    """Sums the pairs of the full block from each value to its end, about its mean, which it returns."""
    s.centre = s.moments.mean
    two = 0.0
    three = 0.0
    four = 0.0
    one = 0.0
    for j in range(n):
        d = back(s.values, j) - s.centre
        later = 0.0
        later_square = 0.0
        for k in range(1, min(q - 1, j) + 1):
            e = back(s.values, j - k) - s.centre
            later += (q - k) * (q - k) * e
            later_square += (q - k) * (q - k) * e * e
        two += d * later
        three += d * d * later + d * later_square
        four += d * d * later_square
        if j > 0:
            one += d * (back(s.values, j - 1) - s.centre)
        s.twos[n - 1 - j] = two
        s.threes[n - 1 - j] = three
        s.fours[n - 1 - j] = four
        s.ones[n - 1 - j] = one
    for m in range(q):
        s.border_twos[m] = 0.0
        s.border_threes[m] = 0.0
        s.border_fours[m] = 0.0
    s.head_two = 0.0
    s.head_three = 0.0
    s.head_four = 0.0
    s.head_one = 0.0
    s.count = 0
    s.full = 1
    return s.centre


@kernel
def finish_serial(s: Serial, n: int, q: int) -> float:
    """Puts the parts of the window together and moves them from the centre to its mean; returns theta.

    A value takes part in a pair with each neighbour that the window holds: all of them, less those that its first and
    its last values lack.
    """
    m = s.moments.mean - s.centre
    total = n * m
    scale = n * s.moments.variance
    square = scale + total * m
    border = min(n - s.count, q - 1)
    two = s.head_two + s.twos[s.count] + s.border_twos[border]
    three = s.head_three + s.threes[s.count] + s.border_threes[border]
    four = s.head_four + s.fours[s.count] + s.border_fours[border]
    one = s.head_one + s.ones[s.count]
    lacking = 0.0
    lacking_square = 0.0
    weight = 0.0
    pairs = 0.0
    for j in range(1, q):
        k = q - j
        weight += j * j
        pairs += j * j * (n - k)
        first = back(s.values, n - k) - s.centre
        last = back(s.values, k - 1) - s.centre
        lacking += weight * (first + last)
        lacking_square += weight * (first * first + last * last)
    sums = 2.0 * weight * total - lacking
    squares = 2.0 * weight * square - lacking_square
    about_mean = four + m * (-2.0 * three + m * (squares + 4.0 * two + m * (m * pairs - 2.0 * sums)))
    ends = back(s.values, 0) + back(s.values, n - 1) - 2.0 * s.centre
    s.theta = 0.0
    s.autocorrelation = 0.0
    if scale * scale > 0.0:
        s.theta = max(about_mean, 0.0) * 4.0 * n / (scale * scale * q * q)
        s.autocorrelation = (one - m * (2.0 * total - ends) + (n - 1.0) * m * m) / scale
    return s.theta
