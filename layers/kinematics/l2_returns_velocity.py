"""L2: log returns over four horizons, and the speed of the present one with its first two changes.

Rule: r_k = ln(c / c[k]) for k = 1, 5, 15, 60. velocity = ewm(r1, smooth) / sqrt(ewm(r1^2, 4 smooth)), 0 where
    nothing moved. acceleration = ewm(velocity - velocity[1], smooth), jerk = ewm(acceleration - acceleration[1],
    smooth).
"""

from math import isnan, log, nan, sqrt
from typing import NamedTuple

from stratoquant.graph.language import Parameters, State, layer, param, sized
from stratoquant.graph.types import LogReturn, Price, Real
from stratoquant.layers.primitives.averages import Smoothed, ewm
from stratoquant.layers.primitives.ring import Ring, back, push


class Params(Parameters):
    smooth: int = param(10, 2, 500, "bars of the averages")


class Memory(State):
    logs: Ring = sized(60)
    seen: int = 0
    drift: Smoothed
    power: Smoothed
    change: Smoothed
    change_of_change: Smoothed
    velocity: float = nan
    acceleration: float = nan


class Out(NamedTuple):
    r1: LogReturn
    r5: LogReturn
    r15: LogReturn
    r60: LogReturn
    velocity: Real
    acceleration: Real
    jerk: Real


@layer(
    2,
    "returns_velocity",
    domain="kinematics",
    source="StratoQuant section 6",
    pine="yes",
    warmup=lambda p: 4 * p.smooth,
)
def step(s: Memory, p: Params, close: Price) -> Out:
    level = push(s.logs, log(close))
    s.seen = min(s.seen + 1, 61)
    r1 = level - back(s.logs, 1) if s.seen > 1 else nan
    r5 = level - back(s.logs, 5) if s.seen > 5 else nan
    r15 = level - back(s.logs, 15) if s.seen > 15 else nan
    r60 = level - back(s.logs, 60) if s.seen > 60 else nan
    drift = ewm(s.drift, r1, p.smooth)
    power = ewm(s.power, r1 * r1, 4 * p.smooth)
    velocity = drift / sqrt(power) if power > 0.0 else (nan if isnan(power) else 0.0)
    acceleration = ewm(s.change, velocity - s.velocity, p.smooth)
    jerk = ewm(s.change_of_change, acceleration - s.acceleration, p.smooth)
    s.velocity = velocity
    s.acceleration = acceleration
    return Out(r1, r5, r15, r60, velocity, acceleration, jerk)
