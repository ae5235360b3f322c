"""L11: three exponential averages, how they are stacked, and how steep the middle one is.

Rule: fast, mid, slow = ewm(c) over their windows. stack = mean of sign(fast - mid), sign(mid - slow), sign(c - slow).
    slope = (mid - mid[3]) / sd(c - c[1], slow), 0 where the close never moved.
"""

from math import isnan, nan, sqrt
from typing import NamedTuple

from stratoquant.graph.language import Parameters, State, layer, param, sized
from stratoquant.graph.types import Price, Real, Score
from stratoquant.layers.primitives.averages import Smoothed, ewm
from stratoquant.layers.primitives.ring import Ring, back, push
from stratoquant.layers.primitives.rolling import RollingMoments, rolling_moments
from stratoquant.layers.primitives.scalars import sign


class Params(Parameters):
    fast: int = param(8, 2, 500, "bars of the fast average")
    mid: int = param(21, 3, 1000, "bars of the middle average")
    slow: int = param(55, 5, 5000, "bars of the slow average")


class Memory(State):
    fast: Smoothed
    mid: Smoothed
    slow: Smoothed
    mids: Ring = sized(3)
    changes: RollingMoments = sized(lambda p: p.slow)
    close: float = nan


class Out(NamedTuple):
    fast: Price
    mid: Price
    slow: Price
    stack: Score
    slope: Real


@layer(
    11,
    "ema_ribbon",
    domain="kinematics",
    source="standard",
    oracle="TA-Lib EMA exactly; pandas ewm(adjust=False) after 20 windows",
    pine="yes",
    warmup=lambda p: max(p.fast, p.mid, p.slow) - 1,
)
def step(s: Memory, p: Params, close: Price) -> Out:
    fast = ewm(s.fast, close, p.fast)
    mid = ewm(s.mid, close, p.mid)
    slow = ewm(s.slow, close, p.slow)
    rolling_moments(s.changes, close - s.close, p.slow)
    s.close = close
    push(s.mids, mid)
    stack = (sign(fast - mid) + sign(mid - slow) + sign(close - slow)) / 3.0
    rise = mid - back(s.mids, 3)
    variance = s.changes.variance
    slope = rise / sqrt(variance) if variance > 0.0 else (nan if isnan(variance + rise) else 0.0)
    return Out(fast, mid, slow, stack, slope)
