"""L71: a forecast of the return by a network of blocks at several rates (N-HiTS).

Rule: past returns are pooled at several rates, each fed to a stack of MLP blocks whose coefficients are interpolated to
    the horizon; forecast = the sum of the blocks, p_up = the chance that the return is above 0.
Note: there is no model yet, and none is made up: ok = 0, forecast and p_up are missing. Readers take them as optional.
"""

from math import nan
from typing import NamedTuple

from stratoquant.graph.language import layer
from stratoquant.graph.types import Flag, LogReturn, Price, Prob, Vol


class Out(NamedTuple):
    forecast: LogReturn
    p_up: Prob
    ok: Flag


@layer(
    71,
    "nhits",
    domain="fusion",
    source="Challu et al. 2023",
    oracle="the torch module that was trained, once there is one",
)
def step(close: Price, sigma: Vol) -> Out:
    return Out(nan, nan, 0.0)
