"""L33: a body that swallows the opposite one before it, after a move the other way.

Rule: the body points to the other side than the one before, both above 0, and reaches from its close to its open or
    further, on one end at least further: for a bullish one c[1] < o[1], o <= c[1] and c >= o[1], not both equal. Fires
    to the side of the body when |c - o| >= body * atr and c[1] - c[1 + trend] points against it. quality =
    1 - e^(-(|c - o| / atr) / 2). The signal lives for LIFE bars.
Note: TA-Lib takes a bar without a body for a white one, so that black engulfs it and white does not; here neither does.
"""

from math import exp, fabs, nan
from typing import NamedTuple

from stratoquant.graph.language import Parameters, State, layer, param, sized
from stratoquant.graph.types import Bars, Price, Side, Unit
from stratoquant.layers.primitives.live import Live, live_on
from stratoquant.layers.primitives.ring import Ring, back, push
from stratoquant.layers.primitives.scalars import sign

LIFE = 5


class Params(Parameters):
    trend: int = param(5, 1, 100, "bars of the move before, up to the close of the engulfed bar")
    body: float = param(0.5, 0.1, 3, "least body, average ranges")


class Memory(State):
    closes: Ring = sized(lambda p: p.trend)
    live: Live
    open: float = nan  # of the bar before


class Out(NamedTuple):
    signal: Side
    quality: Unit
    age: Bars


@layer(
    33,
    "engulfing",
    domain="pattern",
    source="Nison 1991",
    oracle="TA-Lib CDLENGULFING for the raw shape",
    pine="yes",
    warmup=lambda p: p.trend + 1,
)
def step(s: Memory, p: Params, open_: Price, high: Price, low: Price, close: Price, atr: Price) -> Out:
    side = sign(close - open_)
    body = fabs(close - open_)
    fired = 0.0
    if s.closes.head > p.trend:
        before = back(s.closes, 0)
        opposite = side * (s.open - before) > 0.0
        further = close != s.open or open_ != before
        engulfs = opposite and further and side * (close - s.open) >= 0.0 and side * (before - open_) >= 0.0
        if engulfs and body >= p.body * atr and side * (before - back(s.closes, p.trend)) < 0.0:
            fired = side
    push(s.closes, close)
    s.open = open_
    signal = live_on(s.live, fired, 1.0 - exp(-0.5 * body / atr), LIFE)
    return Out(signal, s.live.quality, s.live.age)
