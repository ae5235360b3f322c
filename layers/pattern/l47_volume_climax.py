"""L47: a wide bar on extreme volume that nothing comes of: effort without result, against its direction.

Rule: effort = z-score of volume over the window, this bar included. A climax is a bar with effort > z, a range above
    1.5 times the mean of high - low over the window, and a body; its side is that of the body. It is followed through
    when one of the next two bars closes beyond its high (under its low in the mirror). When neither does, the second
    of them fires against it. A climax on the bar between takes the place of the first. quality = (given + excess) / 2
    with given = the share of the climax's range between its far end and the close that fires, at most 1, and excess =
    1 - z / effort of the climax. The signal lives for LIFE bars.
Note: how wide is wide, what follows through and the quality are ours; the catalogue has no parameter for them. No
    z-score over n values exceeds sqrt(n - 1), so z = 3 needs a window above 10.
"""

from math import nan
from typing import NamedTuple

from stratoquant.graph.language import Parameters, State, layer, param, sized
from stratoquant.graph.types import Bars, Price, Qty, Side, Sigma, Unit
from stratoquant.layers.primitives.live import Live, live_on
from stratoquant.layers.primitives.rolling import RollingMean, rolling_mean
from stratoquant.layers.primitives.scalars import sign
from stratoquant.layers.primitives.zscore import ZScore, zscore

WIDE = 1.5  # mean ranges
PATIENCE = 2
LIFE = 10


class Params(Parameters):
    window: int = param(100, 10, 5000, "bars of the usual volume and range")
    z: float = param(3, 1, 10, "least effort of a climax, standard deviations")


class Memory(State):
    volume: ZScore = sized(lambda p: p.window)
    range: RollingMean = sized(lambda p: p.window)
    live: Live
    side: float = 0.0  # of a climax that waits for its result
    end: float = nan
    width: float = nan
    effort: float = nan
    waited: int = 0


class Out(NamedTuple):
    signal: Side
    quality: Unit
    age: Bars
    effort: Sigma


@layer(
    47,
    "volume_climax",
    domain="pattern",
    source="Wyckoff; Williams, VSA 1993",
    pine="yes",
    warmup=lambda p: p.window - 1,
)
def step(s: Memory, p: Params, open_: Price, high: Price, low: Price, close: Price, volume: Qty) -> Out:
    effort = zscore(s.volume, volume, p.window)
    usual = rolling_mean(s.range, high - low, p.window)
    fired = 0.0
    quality = 0.0
    if s.side != 0.0:
        s.waited += 1
        back = s.side * (s.end - close)
        if back < 0.0:
            s.side = 0.0
        elif s.waited >= PATIENCE:
            fired = -s.side
            quality = 0.5 * (min(back / s.width, 1.0) + 1.0 - p.z / s.effort)
            s.side = 0.0
    side = sign(close - open_)
    if side != 0.0 and effort > p.z and high - low > WIDE * usual:
        s.side = side
        s.end = high if side > 0.0 else low
        s.width = high - low
        s.effort = effort
        s.waited = 0
    signal = live_on(s.live, fired, quality, LIFE)
    return Out(signal, s.live.quality, s.live.age, effort)
