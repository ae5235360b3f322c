"""Averages with a fixed or fading memory. A missing value (NaN) leaves each of them as it was.

Averages that fade at the same rate keep their ratio however long nothing happens. Numbers below 2e-308 cannot: they
lose their digits and then stop fading. So such averages stop together at FADED, far below anything that moves them.
"""

from math import isnan, nan

from stratoquant.graph.language import State, kernel

FADED = 1e-200


class Smoothed(State):
    """Memory of an exponential average that is seeded with a plain mean."""

    value: float = nan
    total: float = 0.0
    seen: int = 0


@kernel
def exponential(s: Smoothed, x: float, seed: int, alpha: float) -> float:
    """value += alpha * (x - value), seeded with the mean of the first `seed` values; NaN until then."""
    value = s.value
    if not isnan(x):
        if s.seen < seed:
            s.seen += 1
            s.total += x
            if s.seen == seed:
                value = s.total / seed
        else:
            value += alpha * (x - value)
        s.value = value
    return value


@kernel
def ewm(s: Smoothed, x: float, n: int) -> float:
    """Exponential mean over n steps, alpha = 2 / (n + 1), as TradingView's ta.ema and TA-Lib's EMA."""
    return exponential(s, x, n, 2.0 / (n + 1.0))


@kernel
def rma(s: Smoothed, x: float, n: int) -> float:
    """Wilder's running mean over n steps, alpha = 1 / n, as TradingView's ta.rma."""
    return exponential(s, x, n, 1.0 / n)


@kernel
def unless_faded(x: float, held: float) -> float:
    """x, but missing where it is 0 and what it would make fade, `held`, has faded; so the averages stay as they are."""
    return nan if x == 0.0 and held < FADED else x
