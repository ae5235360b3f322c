"""L32: the close that leaves an inside bar, or an outside bar that closes beyond the bar before.

Rule: an inside bar has high < high[1] and low > low[1]; it is broken by the first close above its high (up) or below
    its low (down) on one of the next `live` bars. A new inside bar takes the place of one that still waits. An outside
    bar has high > high[1] and low < low[1]; it fires up when its close is above high[1] and its open, down when it is
    below low[1] and its open. kind = 1 for a broken inside bar, 2 for an outside bar, which goes before; 0 while no
    signal is alive. quality = 1 - the smaller range / the larger, of the inside or outside bar and the bar before it.
    The signal lives for `live` bars.
Note: the catalogue takes the open but does not say what for; here it tells where the outside bar's body points.
"""

from math import isnan, nan
from typing import NamedTuple

from stratoquant.graph.language import Parameters, State, layer, param
from stratoquant.graph.types import Bars, Label, Price, Side, Unit
from stratoquant.layers.primitives.live import Live, live_on

INSIDE = 1.0
OUTSIDE = 2.0


class Params(Parameters):
    live: int = param(5, 1, 50, "bars in which an inside bar may be broken, and of the signal's life")


class Memory(State):
    live: Live
    high: float = nan  # of the bar before
    low: float = nan
    top: float = nan  # of the inside bar that waits; missing while none does
    bottom: float = nan
    tight: float = 0.0
    waited: int = 0
    kind: float = 0.0


class Out(NamedTuple):
    signal: Side
    quality: Unit
    age: Bars
    kind: Label


@layer(
    32,
    "inside_outside",
    domain="pattern",
    source="Crabel 1990",
    pine="yes",
    warmup=lambda _: 1,
    labels={"kind": ("none", "inside bar", "outside bar")},
)
def step(s: Memory, p: Params, open_: Price, high: Price, low: Price, close: Price) -> Out:
    fired = 0.0
    quality = 0.0
    s.waited += 1
    if not isnan(s.top) and s.waited <= p.live and (close > s.top or close < s.bottom):
        fired = 1.0 if close > s.top else -1.0
        quality = s.tight
        s.kind = INSIDE
        s.top = nan
    if high > s.high and low < s.low:
        up = close > s.high and close > open_
        if up or (close < s.low and close < open_):
            fired = 1.0 if up else -1.0
            quality = 1.0 - (s.high - s.low) / (high - low)
            s.kind = OUTSIDE
    elif high < s.high and low > s.low:
        s.top = high
        s.bottom = low
        s.tight = 1.0 - (high - low) / (s.high - s.low)
        s.waited = 0
    s.high = high
    s.low = low
    signal = live_on(s.live, fired, quality, p.live)
    return Out(signal, s.live.quality, s.live.age, s.kind if signal != 0.0 else 0.0)
