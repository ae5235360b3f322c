"""L53: whether the logarithm of the close is drawn back to a mean, how fast, and how far away it is.

Rule: y = ln c; least squares y = a + phi y[1] over the last `window` pairs. half_life = -ln 2 / ln phi for 0 < phi < 1,
    else window. speed_t = (phi - 1) / its standard error (n - 2 degrees of freedom), 0 without one; reverting where it
    is below -2.9. z = (y - m) / sd in balance, with m = a / (1 - phi) and variance of the residuals / (1 - phi^2), for
    -1 < phi < 1; else, and where nothing is left over, 0.
Note: a variance of y below 1e-18 over the window is rounding, and counts as standing still: half_life = window, the
    rest 0. So is a variance of the residuals below 1e-18 or below 1e-12 of that of y, and a phi within 1e-12 of 1
    counts as 1: a market that grows evenly has neither a mean nor a distance from it.
"""

from math import isnan, log, nan, sqrt
from typing import NamedTuple

from stratoquant.graph.language import Parameters, State, layer, param, sized
from stratoquant.graph.types import Bars, Flag, Price, Sigma
from stratoquant.layers.primitives.regression import PairFit, pair_fit

CRITICAL = -2.9
ROUNDING = 1e-18
SHARE = 1e-12


class Params(Parameters):
    window: int = param(240, 30, 10000, "pairs of neighbouring closes in the fit")


class Memory(State):
    pairs: PairFit = sized(lambda p: p.window)
    log: float = nan


class Out(NamedTuple):
    half_life: Bars
    z: Sigma
    speed_t: Sigma
    reverting: Flag


@layer(
    53,
    "mean_reversion",
    domain="kinematics",
    source="Uhlenbeck and Ornstein 1930; Dickey and Fuller 1979",
    oracle="statsmodels OLS on windows",
    pine="yes",
    warmup=lambda p: p.window,
)
def step(s: Memory, p: Params, close: Price) -> Out:
    y = log(close)
    phi = pair_fit(s.pairs, s.log, y, p.window)
    s.log = y
    if isnan(phi):
        return Out(nan, nan, nan, nan)
    half_life = float(p.window)
    z = 0.0
    speed_t = 0.0
    if s.pairs.variance_x > ROUNDING:
        error = s.pairs.slope_error
        residual = error * error * (p.window - 2.0) * s.pairs.variance_x
        if 0.0 < phi < 1.0 - SHARE:
            half_life = -log(2.0) / log(phi)
        if residual > ROUNDING and residual > SHARE * s.pairs.variance_y:
            speed_t = (phi - 1.0) / error
            if -1.0 < phi < 1.0 - SHARE:
                mean = s.pairs.mean_x + (s.pairs.mean_y - s.pairs.mean_x) / (1.0 - phi)
                z = (y - mean) / sqrt(residual / (1.0 - phi * phi))
    return Out(half_life, z, speed_t, 1.0 if speed_t < CRITICAL else 0.0)
