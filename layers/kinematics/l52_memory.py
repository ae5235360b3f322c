"""L52: whether returns add up, cancel out or know nothing of each other.

Rule: r = ln(c / c[1]) over the last `window` returns, mu their mean. variance_ratio = variance of q-bar returns about
    q mu over q times that of one-bar returns, overlapping and without bias (Lo and MacKinlay's M_r), 1 for a random
    walk; vr_z = sqrt(window) (variance_ratio - 1) / sqrt(theta), with theta for returns of changing variance. hurst =
    slope of ln sd of q-bar returns against ln q for q = 1, 2, 4, 8, 16 (population sd about each one's mean over the
    window), held in 0..1. autocorr = sum (r - mu)(r[1] - mu) / sum (r - mu)^2.
Note: the slope of a line through five places at equal distances gives the one in the middle, q = 4, no weight. A
    variance of r below 1e-18 is rounding, and counts as standing still: 1, 0, 0.5 and 0; no variance is taken to be
    smaller in the logarithms. A q above half the window counts as that half.
"""

from math import isnan, log, nan, sqrt
from typing import NamedTuple

from stratoquant.graph.language import Parameters, State, kernel, layer, param, sized
from stratoquant.graph.types import Price, Real, Score, Sigma, Unit
from stratoquant.layers.primitives.ring import Ring, back, push
from stratoquant.layers.primitives.rolling import RollingMoments, rolling_moments
from stratoquant.layers.primitives.scalars import clip, log_return
from stratoquant.layers.primitives.serial import LAGS, Serial, serial_products

ROUNDING = 1e-18


class Params(Parameters):
    window: int = param(480, 60, 10000, "returns that are looked at")
    q: int = param(8, 2, 64, "bars of the longer return in the variance ratio")


class Memory(State):
    path: Ring = sized(LAGS)  # sums of all returns
    walked: float = 0.0
    close: float = nan
    returns: Serial = sized(lambda p: p.window)
    block: RollingMoments = sized(lambda p: p.window)
    two: RollingMoments = sized(lambda p: p.window)
    eight: RollingMoments = sized(lambda p: p.window)
    sixteen: RollingMoments = sized(lambda p: p.window)


class Out(NamedTuple):
    variance_ratio: Real
    vr_z: Sigma
    hurst: Unit
    autocorr: Score


@kernel
def add_return(s: RollingMoments, path: Ring, bars: int, window: int) -> float:
    """Takes in the return over some bars; returns the variance of all such in the window."""
    if path.head > bars:
        rolling_moments(s, back(path, 0) - back(path, bars), window - bars + 1)
    return max(s.variance, ROUNDING)


@layer(
    52,
    "memory",
    domain="kinematics",
    source="Lo and MacKinlay 1988; Hurst 1951",
    oracle="arch VarianceRatio on the same window, 1e-7",
    pine="yes",
    warmup=lambda p: p.window,
)
def step(s: Memory, p: Params, close: Price) -> Out:
    q = min(p.q, p.window // 2)
    r = log_return(close, s.close)
    s.close = close
    s.walked += 0.0 if isnan(r) else r
    push(s.path, s.walked)
    theta = serial_products(s.returns, r, p.window, q)
    add_return(s.block, s.path, q, p.window)
    two = add_return(s.two, s.path, 2, p.window)
    eight = add_return(s.eight, s.path, 8, p.window)
    sixteen = add_return(s.sixteen, s.path, 16, p.window)
    variance = s.returns.moments.variance
    if variance <= ROUNDING:
        return Out(1.0, 0.0, 0.5, 0.0)
    drift = s.block.mean - q * s.returns.moments.mean
    longer = (s.block.variance + drift * drift) / (q * (1.0 - q / p.window))
    ratio = longer / (variance * p.window / (p.window - 1.0))
    z = sqrt(float(p.window)) * (ratio - 1.0) / sqrt(theta) if theta > 0.0 else 0.0
    slope = log(sixteen / variance * sqrt(eight / two)) / (10.0 * log(2.0))
    return Out(ratio, z, clip(slope, 0.0, 1.0), clip(s.returns.autocorrelation, -1.0, 1.0))
