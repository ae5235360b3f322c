"""What Pine's arithmetic lacks, in the kernel language: translated like any kernel, into a script that needs it.

Comparisons in here are exact, as those of every kernel are once translated. A division by what was found not to be 0 is
Pine's own.
"""

from math import exp, inf, isnan, log, nan, sqrt

from stratoquant.graph.language import Array, kernel


@kernel
def minimum(a: float, b: float) -> float:
    """min(a, b) as Python has it: a where one of them is missing."""
    return b if b < a else a


@kernel
def maximum(a: float, b: float) -> float:
    """max(a, b) as Python has it: a where one of them is missing."""
    return b if b > a else a


@kernel
def divided(a: float, b: float) -> float:
    """a / b in floating point: by 0 it is infinite with the sign of a, or missing where a is 0."""
    if b == 0.0:
        if a > 0.0:
            result = inf
        elif a < 0.0:
            result = -inf
        else:
            result = nan
    else:
        result = a / b
    return result


@kernel
def signed_rest(a: float, b: float, rest: float) -> float:
    """The rest of a / b with the sign of b, from the rest with the sign of a."""
    return rest + b if (rest > 0.0 and b < 0.0) or (rest < 0.0 and b > 0.0) else rest


@kernel
def modulo(a: int, b: int) -> int:
    """a % b with the sign of b; Pine's own keeps the sign of a."""
    return a - b * (a // b)


@kernel
def any_known(values: Array) -> bool:
    """True when an element is there."""
    found = False
    for k in range(len(values)):
        if not isnan(values[k]):
            found = True
    return found


@kernel
def copy_into(target: Array, values: Array) -> int:
    """Copies every element; returns how many."""
    count = len(target)
    for k in range(count):
        target[k] = values[k]
    return count


@kernel
def clear(target: Array) -> int:
    """Makes every element missing; returns how many."""
    count = len(target)
    for k in range(count):
        target[k] = nan
    return count


@kernel
def exp_minus_one(x: float) -> float:
    """e^x - 1 without loss for small x (Kahan's device: the error of the exponential cancels in its logarithm)."""
    raised = exp(x)
    if raised == 1.0:
        result = x
    elif raised - 1.0 == -1.0:
        result = -1.0
    else:
        result = (raised - 1.0) * x / log(raised)
    return result


@kernel
def log_of_one_plus(x: float) -> float:
    """ln(1 + x) without loss for small x, by the same device."""
    raised = 1.0 + x
    if raised == 1.0:
        result = x
    else:
        result = log(raised) * x / (raised - 1.0)
    return result


@kernel
def hyperbolic_sine(x: float) -> float:
    """sinh(x) = (e^x - 1 + (e^x - 1) / e^x) / 2."""
    rise = exp_minus_one(x)
    return 0.5 * (rise + rise / (1.0 + rise))


@kernel
def hyperbolic_cosine(x: float) -> float:
    """cosh(x)."""
    return 0.5 * (exp(x) + exp(-x))


@kernel
def error_function(x: float) -> float:
    """erf(x): its series up to 2 (Abramowitz and Stegun 7.1.6), beyond by its complement."""
    size = x if x > 0.0 else -x
    if isnan(x):
        result = nan
    elif size < 2.0:
        term = 2.0 / sqrt(3.141592653589793) * size * exp(-size * size)
        result = term
        for k in range(1, 60):
            term = term * 2.0 * size * size / (2.0 * k + 1.0)
            result = result + term
    else:
        result = 1.0 - complement_beyond_two(size)
    return result if x > 0.0 else -result


@kernel
def error_function_complement(x: float) -> float:
    """erfc(x) = 1 - erf(x), without loss for large x."""
    if x >= 2.0:
        result = complement_beyond_two(x)
    elif x <= -2.0:
        result = 2.0 - complement_beyond_two(-x)
    else:
        result = 1.0 - error_function(x)
    return result


@kernel
def complement_beyond_two(x: float) -> float:
    """erfc(x) for x >= 2 by its continued fraction (Abramowitz and Stegun 7.1.14), from the far end inwards."""
    below = x
    for k in range(60):
        below = x + 0.5 * (60.0 - k) / below
    return exp(-x * x) / (below * sqrt(3.141592653589793))


@kernel
def times_power_of_two(x: float, exponent: float) -> float:
    """ldexp(x, exponent), for exponents whose power of two is a number."""
    return x * 2.0**exponent


@kernel
def square_root_of_squares(a: float, b: float) -> float:
    """hypot(a, b), for sides whose squares are numbers."""
    return sqrt(a * a + b * b)
