"""L27: in a trend, a dip into the ribbon that is bought back.

Rule: the trend is the sign of bias while |bias| >= min_bias. The dip begins when the bar reaches from the trend's
    side into the space between fast and mid; its depth is the farthest reach beyond fast in atr. A close beyond mid
    by more than max_depth atr, or a trend that ends, calls it off. It fires on the close back beyond fast, which may
    be that of the same bar: quality = |bias| * (1 - depth / (max_depth + 2)), at least 0. The signal lives for LIFE
    bars; depth is shown while it does.
"""

from math import fabs, nan
from typing import NamedTuple

from stratoquant.graph.language import Parameters, State, layer, param
from stratoquant.graph.types import Bars, Price, Real, Score, Side, Unit
from stratoquant.layers.primitives.live import Live, live_on
from stratoquant.layers.primitives.scalars import sign

LIFE = 10


class Params(Parameters):
    min_bias: float = param(0.3, 0, 1, "least |bias| of a trend")
    max_depth: float = param(2.5, 0.5, 10, "how far beyond mid a close may fall, average ranges")


class Memory(State):
    live: Live
    side: float = 0.0  # of a dip that has begun
    depth: float = nan
    shown: float = nan  # depth of the dip that fired
    before: float = 0.0  # 1 when the last close stood beyond fast, on the trend's side


class Out(NamedTuple):
    signal: Side
    quality: Unit
    age: Bars
    depth: Real


@layer(27, "pullback_in_trend", domain="pattern", source="StratoQuant section 7", pine="yes")
def step(
    s: Memory, p: Params, bias: Score, fast: Price, mid: Price, high: Price, low: Price, close: Price, atr: Price
) -> Out:
    trend = sign(bias) if fabs(bias) >= p.min_bias else 0.0
    reach = low if trend > 0.0 else high
    fired = 0.0
    quality = 0.0
    if s.side != trend:
        s.side = 0.0
    if trend != 0.0:
        ordered = trend * (fast - mid) > 0.0
        if s.side == 0.0 and ordered and s.before == trend and trend * (fast - reach) > 0.0:
            s.side = trend
            s.depth = 0.0
        if s.side != 0.0:
            s.depth = max(s.depth, trend * (fast - reach) / atr)
            if trend * (mid - close) > p.max_depth * atr:
                s.side = 0.0
            elif trend * (close - fast) > 0.0:
                fired = trend
                quality = fabs(bias) * max(1.0 - s.depth / (p.max_depth + 2.0), 0.0)
                s.shown = s.depth
                s.side = 0.0
    s.before = trend if trend * (close - fast) > 0.0 else 0.0
    signal = live_on(s.live, fired, quality, LIFE)
    return Out(signal, s.live.quality, s.live.age, s.shown if signal != 0.0 else nan)
