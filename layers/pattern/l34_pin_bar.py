"""L34: a long wick at the edge of the last bars, where the price was refused: hammer and shooting star.

Rule: lower wick = min(o, c) - low, upper wick = high - max(o, c), body = |c - o|. A hammer (up) has a lower wick of at
    least `wick` bodies, an upper wick below a third of high - low, and low = ll(low, trend); a shooting star (down) is
    its mirror. quality = 1 - e^(-(long wick / atr) / 2). The signal lives for LIFE bars.
Note: a bar without a body can be either; one without a range is neither.
"""

from math import exp, fabs
from typing import NamedTuple

from stratoquant.graph.language import Parameters, State, layer, param, sized
from stratoquant.graph.types import Bars, Price, Side, Unit
from stratoquant.layers.primitives.live import Live, live_on
from stratoquant.layers.primitives.rolling_range import RollingRange, rolling_range

LIFE = 5


class Params(Parameters):
    wick: float = param(2, 1, 10, "least long wick, bodies")
    trend: int = param(5, 1, 100, "bars at whose edge the wick must end, this one included")


class Memory(State):
    range: RollingRange = sized(lambda p: p.trend)
    live: Live


class Out(NamedTuple):
    signal: Side
    quality: Unit
    age: Bars


@layer(
    34,
    "pin_bar",
    domain="pattern",
    source="Nison 1991",
    oracle="TA-Lib CDLHAMMER and CDLSHOOTINGSTAR for the raw shape",
    pine="yes",
    warmup=lambda p: p.trend - 1,
)
def step(s: Memory, p: Params, open_: Price, high: Price, low: Price, close: Price, atr: Price) -> Out:
    least = p.wick * fabs(close - open_)
    lower = min(open_, close) - low
    upper = high - max(open_, close)
    rolling_range(s.range, high, low, p.trend)
    fired = 0.0
    if lower >= least and 3.0 * upper < high - low and low == s.range.lower:
        fired = 1.0
    elif upper >= least and 3.0 * lower < high - low and high == s.range.upper:
        fired = -1.0
    quality = 1.0 - exp(-0.5 * max(lower, upper) / atr)
    signal = live_on(s.live, fired, quality, LIFE)
    return Out(signal, s.live.quality, s.live.age)
