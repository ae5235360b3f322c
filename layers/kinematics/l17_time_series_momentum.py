"""L17: past returns over three horizons, each in units of what volatility alone would bring.

Rule: sigma = sqrt(ewm(r^2, vol)). score(h) = tanh(ln(c / c[h]) / (sigma sqrt(h))), 0 where nothing moved.
    combined = mean of the three.
"""

from math import isnan, log, nan, sqrt, tanh
from typing import NamedTuple

from stratoquant.graph.language import Parameters, State, kernel, layer, param, sized
from stratoquant.graph.types import Price, Score
from stratoquant.layers.primitives.averages import Smoothed, ewm
from stratoquant.layers.primitives.ring import Ring, back, push


class Params(Parameters):
    short: int = param(60, 5, 2000, "bars of the short horizon")
    medium: int = param(240, 20, 10000, "bars of the medium horizon")
    long: int = param(1440, 60, 50000, "bars of the long horizon")
    vol: int = param(480, 20, 20000, "bars of the volatility")


class Memory(State):
    logs: Ring = sized(lambda p: max(p.short, p.medium, p.long))
    power: Smoothed
    before: float = nan


class Out(NamedTuple):
    short: Score
    medium: Score
    long: Score
    combined: Score


@kernel
def scaled_move(move: float, sigma: float, bars: int) -> float:
    """tanh of a move over its expected size; 0 where there is no volatility."""
    return tanh(move / (sigma * sqrt(float(bars)))) if sigma > 0.0 else 0.0


@layer(
    17,
    "time_series_momentum",
    domain="kinematics",
    source="Moskowitz, Ooi and Pedersen 2012",
    pine="yes",
    warmup=lambda p: max(p.short, p.medium, p.long, p.vol),
)
def step(s: Memory, p: Params, close: Price) -> Out:
    level = push(s.logs, log(close))
    change = level - s.before
    s.before = level
    power = ewm(s.power, change * change, p.vol)
    sigma = nan if isnan(power) else sqrt(power)
    short = scaled_move(level - back(s.logs, p.short), sigma, p.short)
    medium = scaled_move(level - back(s.logs, p.medium), sigma, p.medium)
    long = scaled_move(level - back(s.logs, p.long), sigma, p.long)
    return Out(short, medium, long, (short + medium + long) / 3.0)
