"""L29: a bar far wider than usual that closes at its end.

Rule: x = ln(high / low) / sigma[1], sigma of the bar before so that no bar is measured against itself; 0 where that
    sigma is 0. range_z = z-score of x over the window. Fires when range_z > z, the close lies in the outer quarter of
    the bar (its upper edge or beyond counts as up) and on the side to which the body points: signal = that side.
    quality = 1 - e^(1 - range_z / z). Each such bar fires anew; the signal lives for LIFE bars.
Note: the catalogue takes the open but does not say what for; here it tells where the body points.
"""

from math import exp, isnan, log, nan
from typing import NamedTuple

from stratoquant.graph.language import Parameters, State, layer, param, sized
from stratoquant.graph.types import Bars, Price, Side, Sigma, Unit, Vol
from stratoquant.layers.primitives.live import Live, live_on
from stratoquant.layers.primitives.scalars import ratio, sign
from stratoquant.layers.primitives.zscore import ZScore, zscore

LIFE = 10
QUARTER = 0.25


class Params(Parameters):
    z: float = param(2.5, 1, 10, "z-score of the range that counts as an expansion")
    window: int = param(100, 10, 5000, "bars of the z-score")


class Memory(State):
    ranges: ZScore = sized(lambda p: p.window)
    live: Live
    sigma: float = nan


class Out(NamedTuple):
    signal: Side
    quality: Unit
    age: Bars
    range_z: Sigma


@layer(
    29,
    "volatility_expansion",
    domain="pattern",
    source="StratoQuant section 7",
    pine="yes",
    warmup=lambda p: p.window,
)
def step(s: Memory, p: Params, open_: Price, high: Price, low: Price, close: Price, sigma: Vol) -> Out:
    wide = zscore(s.ranges, ratio(log(high / low), s.sigma, 0.0), p.window)
    s.sigma = sigma
    side = sign(close - open_)
    end = high if side > 0.0 else low
    fired = 0.0
    quality = 0.0
    if not isnan(wide) and wide > p.z and side * (end - close) <= QUARTER * (high - low):
        fired = side
        quality = 1.0 - exp(1.0 - wide / p.z)
    signal = live_on(s.live, fired, quality, LIFE)
    return Out(signal, s.live.quality, s.live.age, wide)
