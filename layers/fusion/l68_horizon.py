"""L68: how long a proposal is worth holding, and the two barriers that fit that time.

Rule: hold = median(half_life, expected_stay, period) within min_hold..max_hold. stop = sigma sqrt(hold) in bps,
    target = reward * stop; both are widened together until the nearer of them is three costs away.
Note: max_hold counts where it is below min_hold.
"""

from math import sqrt
from typing import NamedTuple

from stratoquant.graph.language import Parameters, kernel, layer, param
from stratoquant.graph.types import Bars, Bps, Vol
from stratoquant.layers.primitives.scalars import clip

COSTS = 3.0  # the nearer barrier, in costs


class Params(Parameters):
    min_hold: int = param(5, 1, 1000, "fewest bars to hold")
    max_hold: int = param(1440, 5, 50000, "most bars to hold")
    reward: float = param(2, 0.5, 10, "distance of the target in units of the stop's")


class Out(NamedTuple):
    hold: Bars
    target: Bps
    stop: Bps


@kernel
def middle_of_three(a: float, b: float, c: float) -> float:
    """The median of three numbers."""
    return max(min(a, b), min(max(a, b), c))


@layer(68, "horizon", domain="fusion", source="Lopez de Prado 2018 (triple barrier)", pine="yes")
def step(p: Params, half_life: Bars, expected_stay: Bars, period: Bars, sigma: Vol, cost: Bps) -> Out:
    middle = middle_of_three(half_life, expected_stay, period)
    hold = clip(middle, float(p.min_hold), float(p.max_hold))
    nearest = COSTS * max(cost, 0.0) / min(p.reward, 1.0)
    stop = max(sigma * sqrt(hold) * 1e4, nearest)
    return Out(hold, p.reward * stop, stop)
