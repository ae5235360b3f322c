"""L36: a price that turns twice at the same height and then breaks what lay between: double top and double bottom.

Rule: swings are pivots of strength `pivot`, highs and lows by turns, known that many bars late. A swing high that is
    new makes a double top when it and the swing high before it, H1 and H2, lie within tolerance * atr of each other
    (the end included) and the swing low between them, the neckline, lies below both; otherwise it unmakes the one that
    waits. The double top fires down on the first close below the neckline, at most `span` bars after the bar of H1. A
    close above both tops calls it off. The double bottom is its mirror and fires up. quality = (near + deep) / 2, with
    the atr of the bar that made it: near = 1 - |H1 - H2| / (tolerance * atr); deep = 1 - e^(-d / (2 atr)), d from the
    neckline to the lower top. The signal lives for 4 pivot bars; neckline is the level that was broken, shown while it
    does.
Note: the catalogue says neither what ends the wait nor what happens between a turn and its confirmation: a close that
    breaks the neckline before the last turn is known fires on the bar that confirms it, if that bar closes beyond too.
"""

from math import exp, fabs, nan
from typing import NamedTuple

from stratoquant.graph.language import Parameters, State, kernel, layer, param, sized
from stratoquant.graph.types import Bars, Price, Side, Unit
from stratoquant.layers.primitives.live import Live, live_on
from stratoquant.layers.primitives.pivots import PivotHigh, PivotLow, pivot_high, pivot_low
from stratoquant.layers.primitives.swings import Swings, newest_of, swing_date, swing_value, take_pivots


class Params(Parameters):
    pivot: int = param(8, 2, 100, "bars on each side of a pivot")
    tolerance: float = param(0.6, 0.1, 3, "most between both extremes, average ranges")
    span: int = param(120, 10, 2000, "most bars from the first extreme to the close through the neckline")


class Double(State):
    """Two extremes of one side. far: the farther one; first: the bar of the first one; waits: 1 until it is over."""

    waits: float = 0.0
    neckline: float = nan
    far: float = nan
    first: float = nan
    quality: float = 0.0


@kernel
def double(s: Double, swings: Swings, side: float, close: float, atr: float, p: Params) -> float:
    """Makes a double of tops (+1) or bottoms (-1) from what swings are new; returns 1 when the close breaks it."""
    i = newest_of(swings, side, p.pivot)
    if i >= 0:
        last = swing_value(swings, i)
        neckline = swing_value(swings, i + 1)
        before = swing_value(swings, i + 2)
        apart = fabs(last - before)
        deep = min(side * (last - neckline), side * (before - neckline))
        s.waits = 0.0
        if apart <= p.tolerance * atr and deep > 0.0:
            s.waits = 1.0
            s.neckline = neckline
            s.far = side * max(side * last, side * before)
            s.first = swing_date(swings, i + 2)
            s.quality = 0.5 * (1.0 - apart / (p.tolerance * atr)) + 0.5 * (1.0 - exp(-0.5 * deep / atr))
    broken = 0.0
    if s.waits > 0.0:
        if swings.now - s.first > p.span or side * (close - s.far) > 0.0:
            s.waits = 0.0
        elif side * (s.neckline - close) > 0.0:
            s.waits = 0.0
            broken = 1.0
    return broken


class Memory(State):
    highs: PivotHigh = sized(lambda p: p.pivot)
    lows: PivotLow = sized(lambda p: p.pivot)
    swings: Swings = sized(lambda _: 4)
    tops: Double
    bottoms: Double
    live: Live
    shown: float = nan


class Out(NamedTuple):
    signal: Side
    quality: Unit
    age: Bars
    neckline: Price


@layer(
    36,
    "double_extreme",
    domain="pattern",
    source="Bulkowski 2005",
    pine="yes",
    warmup=lambda p: 2 * p.pivot,
)
def step(s: Memory, p: Params, high: Price, low: Price, close: Price, atr: Price) -> Out:
    top = pivot_high(s.highs, high, p.pivot)
    bottom = pivot_low(s.lows, low, p.pivot)
    take_pivots(s.swings, top, bottom, p.pivot)
    down = double(s.tops, s.swings, 1.0, close, atr, p)
    fired = double(s.bottoms, s.swings, -1.0, close, atr, p) - down
    quality = 0.0
    if fired > 0.0:
        quality = s.bottoms.quality
        s.shown = s.bottoms.neckline
    elif fired < 0.0:
        quality = s.tops.quality
        s.shown = s.tops.neckline
    signal = live_on(s.live, fired, quality, 4 * p.pivot)
    return Out(signal, s.live.quality, s.live.age, s.shown if signal != 0.0 else nan)
