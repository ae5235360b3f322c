"""L51: level and slope of the logarithm of the close as a Kalman filter sees them, and how sure it is of the slope.

Rule: y = ln c = level + noise(r v), level = level[1] + slope[1] + noise(q_level v), slope = slope[1] + noise(q_slope v)
    with v = ewm((y - y[1])^2, 240), this bar included. With gain K, forecast covariance P and H = [1, 0] the
    covariance becomes (I - K H) P (I - K H)' + K r v K' (Joseph), which stays positive. level = exp of the filtered
    level; slope_t = slope / sqrt(P11); innovation = (y - forecast) / sqrt(P00 + r v).
Note: what is kept of the level is the gap y - level, so that only returns enter, which have all their digits; a log
    price has lost those that a slope lives on.
    It starts on the first bar with a v from level y, slope 0 and the covariance v I, and speaks from the next bar on.
    v is held at or above 1e-18, so that a market that has stopped is no division by 0.
    The variances are relative to v, the variance of a bar's return, so that on a random walk the innovation has a
    standard deviation of 1.1 and slope_t one of 1.7. One factor on all three moves neither level nor slope, once the
    start is forgotten, but divides slope_t and innovation by its root. v contains this bar, which keeps |innovation|
    below 11.
"""

from math import exp, isnan, nan, sqrt
from typing import NamedTuple

from stratoquant.graph.language import Parameters, State, layer, param
from stratoquant.graph.types import Price, Real, Sigma
from stratoquant.layers.primitives.averages import Smoothed, ewm
from stratoquant.layers.primitives.scalars import finite, log_return

POWER = 240
ROUNDING = 1e-18


class Params(Parameters):
    q_level: float = param(0.1, 1e-9, 10, "variance of the level's own noise, relative to v")
    q_slope: float = param(1e-3, 1e-12, 1, "variance of the slope's own noise, relative to v")
    r: float = param(1.0, 1e-9, 10, "variance of the noise about the level, relative to v")


class Memory(State):
    power: Smoothed
    close: float = nan
    gap: float = nan
    slope: float = 0.0
    p00: float = 0.0
    p01: float = 0.0
    p11: float = 0.0


class Out(NamedTuple):
    level: Price
    slope: Real
    slope_t: Sigma
    innovation: Sigma


@layer(
    51,
    "kalman_trend",
    domain="kinematics",
    source="Harvey 1989",
    oracle="statsmodels UnobservedComponents filter with the same variances, 1e-7",
    pine="yes",
    warmup=lambda p: POWER + 1,
)
def step(s: Memory, p: Params, close: Price) -> Out:
    change = log_return(close, s.close)
    s.close = close
    v = max(ewm(s.power, change * change, POWER), ROUNDING)
    if isnan(s.gap):
        if not isnan(s.power.value):
            s.gap = 0.0
            s.p00 = v
            s.p11 = v
        return Out(nan, nan, nan, nan)
    p00 = s.p00 + 2.0 * s.p01 + s.p11 + p.q_level * v
    p01 = s.p01 + s.p11
    p11 = s.p11 + p.q_slope * v
    noise = p.r * v
    surprise = s.gap + change - s.slope
    spread = p00 + noise
    k0 = p00 / spread
    k1 = p01 / spread
    rest = noise / spread  # 1 - k0
    s.gap = rest * surprise
    s.slope += k1 * surprise
    s.p00 = rest * rest * p00 + k0 * k0 * noise
    s.p01 = rest * (p01 - k1 * p00) + k0 * k1 * noise
    s.p11 = k1 * k1 * p00 - 2.0 * k1 * p01 + p11 + k1 * k1 * noise
    return Out(finite(close * exp(-s.gap)), s.slope, s.slope / sqrt(s.p11), surprise / sqrt(spread))
