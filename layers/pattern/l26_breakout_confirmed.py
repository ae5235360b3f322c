"""L26: a close beyond the channel on volume that is still beyond it some bars later.

Rule: a break is a close more than 0.1 atr beyond upper (or under lower) with volume above volume_x times its mean
    over the window; its level is the edge that was broken. A close back inside by more than 0.1 atr calls it off. It
    is confirmed `hold` bars later when the close is still beyond the level, or sooner by a retest that holds: a bar
    that comes back to the level (within 0.1 atr) and closes beyond it by more than that. quality =
    1 - e^(-(distance / atr) / 2) of the confirming close. The signal lives for 3 hold bars; level is shown while it
    does.
"""

from math import exp, isnan, nan
from typing import NamedTuple

from stratoquant.graph.language import Parameters, State, layer, param, sized
from stratoquant.graph.types import Bars, Price, Qty, Side, Unit
from stratoquant.layers.primitives.live import Live, live_on
from stratoquant.layers.primitives.rolling import RollingMean, rolling_mean

MARGIN = 0.1  # average ranges


class Params(Parameters):
    volume_x: float = param(1.5, 1, 10, "volume of the break over its mean")
    hold: int = param(3, 1, 50, "bars until the break is confirmed")
    window: int = param(50, 5, 2000, "bars of the mean volume")


class Memory(State):
    volume: RollingMean = sized(lambda p: p.window)
    live: Live
    side: float = 0.0  # of a break that waits to be confirmed
    level: float = nan
    waited: int = 0
    shown: float = nan


class Out(NamedTuple):
    signal: Side
    quality: Unit
    age: Bars
    level: Price


@layer(
    26,
    "breakout_confirmed",
    domain="pattern",
    source="StratoQuant section 7; Bulkowski 2005",
    pine="yes",
    warmup=lambda p: p.window - 1,
)
def step(
    s: Memory, p: Params, upper: Price, lower: Price, high: Price, low: Price, close: Price, volume: Qty, atr: Price
) -> Out:
    usual = rolling_mean(s.volume, volume, p.window)
    fired = 0.0
    quality = 0.0
    if s.side != 0.0:
        s.waited += 1
        beyond = s.side * (close - s.level)
        back = s.side * ((low if s.side > 0.0 else high) - s.level)
        retested = back <= MARGIN * atr and beyond > MARGIN * atr
        if beyond < -MARGIN * atr:
            s.side = 0.0
        elif retested or s.waited >= p.hold:
            if beyond > 0.0:
                fired = s.side
                quality = 1.0 - exp(-0.5 * beyond / atr)
                s.shown = s.level
            s.side = 0.0
    busy = not isnan(usual) and volume > p.volume_x * usual
    if s.side == 0.0 and busy and close > upper + MARGIN * atr:
        s.side = 1.0
        s.level = upper
        s.waited = 0
    elif s.side == 0.0 and busy and close < lower - MARGIN * atr:
        s.side = -1.0
        s.level = lower
        s.waited = 0
    signal = live_on(s.live, fired, quality, 3 * p.hold)
    return Out(signal, s.live.quality, s.live.age, s.shown if signal != 0.0 else nan)
