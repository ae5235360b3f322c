"""L72: a forecast of the return by a transformer over patches of the past (PatchTST).

Rule: past returns are scaled by their own mean and sd, cut into patches, passed through encoder layers and a linear
    head; forecast = the head's output, scaled back, p_up = the chance that the return is above 0.
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
    72,
    "patch_tst",
    domain="fusion",
    source="Nie et al. 2023",
    oracle="the torch module that was trained, once there is one",
)
def step(close: Price, sigma: Vol) -> Out:
    return Out(nan, nan, 0.0)
