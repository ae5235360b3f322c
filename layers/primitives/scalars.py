"""Functions of a few numbers, without memory."""

from math import erfc, exp, inf, isnan, log, nan, sqrt

from stratoquant.graph.language import kernel


@kernel
def sign(x: float) -> float:
    """-1, 0 or 1; 0 for a missing value."""
    above = 1.0 if x > 0.0 else 0.0  # two selections, where a branch on the sign of a price's move is a coin's toss
    below = 1.0 if x < 0.0 else 0.0
    return above - below


@kernel
def clip(x: float, low: float, high: float) -> float:
    """The nearest value of low..high; missing stays missing."""
    return min(max(x, low), high)


@kernel
def ratio(above: float, below: float, otherwise: float) -> float:
    """above / below, and `otherwise` when below is 0 (a missing part gives a missing ratio)."""
    return otherwise if below == 0.0 else above / below


@kernel
def logistic(x: float) -> float:
    """1 / (1 + e^-x), without overflow on either side."""
    if x >= 0.0:
        result = 1.0 / (1.0 + exp(-x))
    else:
        result = exp(x) / (1.0 + exp(x))
    return result


@kernel
def normal_cdf(x: float) -> float:
    """The chance that a standard normal variable is at most x."""
    return 0.5 * erfc(-x / sqrt(2.0))


@kernel
def log_return(now: float, before: float) -> float:
    """ln(now / before); missing when one of them is missing or not positive."""
    return log(now / before) if now > 0.0 and before > 0.0 else nan


@kernel
def positive(x: float) -> float:
    """x where it can be a price (above 0), else missing."""
    return x if x > 0.0 else nan


@kernel
def nearest_whole(x: float) -> float:
    """x >= 0 rounded to a whole number, a half upwards; missing stays so (math.floor makes an integer of it)."""
    return x + 0.5 - (x + 0.5) % 1.0


@kernel
def finite(x: float) -> float:
    """x where it is finite, else missing."""
    return x if -inf < x < inf else nan


@kernel
def crossing(before: float, now: float) -> float:
    """+1 when a difference rises above 0 from 0 or below, -1 when it falls below 0 from 0 or above, else 0."""
    rises = 1.0 if before <= 0.0 and now > 0.0 else 0.0
    falls = 1.0 if before >= 0.0 and now < 0.0 else 0.0
    return rises - falls


@kernel
def bars_since(age: float, fired: bool) -> float:
    """The age of an event one bar later: 0 on the bar that fires, missing until the first time."""
    return 0.0 if fired else age + 1.0


@kernel
def or_else(x: float, otherwise: float) -> float:
    """x, or `otherwise` when it is missing."""
    return otherwise if isnan(x) else x
