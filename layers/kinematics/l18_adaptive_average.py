"""L18: Kaufman's average, which follows a straight move quickly and a wandering one slowly.

Rule: efficiency = |c - c[window]| / sum of |c - c[1]| over the window, 0 where nothing moved; pace = (efficiency *
    (f - g) + g)^2 with f = 2 / (fast + 1), g = 2 / (slow + 1); kama += pace (c - kama), started from the close before.
    distance = (c - kama) / sd of it over 5 * window, 0 where that is 0.
Note: TA-Lib calls a window in which nothing moved fully efficient; ours, like the rest of the catalogue, has 0 there.
    A spread below 1e-12 of the close is rounding, and counts as 0.
"""

from math import isnan, nan, sqrt
from typing import NamedTuple

from stratoquant.graph.language import Parameters, State, layer, param, sized
from stratoquant.graph.types import Price, Sigma, Unit
from stratoquant.layers.primitives.ring import Ring, back, push
from stratoquant.layers.primitives.rolling import RollingMoments, RollingSum, rolling_moments, rolling_sum

ROUNDING = 1e-12


class Params(Parameters):
    window: int = param(10, 2, 500, "bars of the efficiency")
    fast: int = param(2, 1, 50, "bars of the average when the move is straight")
    slow: int = param(30, 5, 500, "bars of the average when the move leads nowhere")


class Memory(State):
    closes: Ring = sized(lambda p: p.window)
    path: RollingSum = sized(lambda p: p.window)
    apart: RollingMoments = sized(lambda p: 5 * p.window)
    close: float = nan
    kama: float = nan


class Out(NamedTuple):
    kama: Price
    efficiency: Unit
    distance: Sigma


@layer(
    18,
    "adaptive_average",
    domain="kinematics",
    source="Kaufman 1995",
    oracle="TA-Lib KAMA after burn-in",
    pine="yes",
    warmup=lambda p: p.window,
)
def step(s: Memory, p: Params, close: Price) -> Out:
    before = s.close
    s.close = close
    push(s.closes, close)
    path = rolling_sum(s.path, abs(close - before), p.window)
    if isnan(path):
        return Out(nan, nan, nan)
    efficiency = min(abs(close - back(s.closes, p.window)) / path, 1.0) if path > 0.0 else 0.0
    slowest = 2.0 / (p.slow + 1.0)
    pace = efficiency * (2.0 / (p.fast + 1.0) - slowest) + slowest
    kama = before if isnan(s.kama) else s.kama
    kama += pace * pace * (close - kama)
    s.kama = kama
    apart = close - kama
    rolling_moments(s.apart, apart, 5 * p.window)
    spread = sqrt(s.apart.variance)
    distance = apart / spread if spread > ROUNDING * close else (nan if isnan(spread) else 0.0)
    return Out(kama, efficiency, distance)
