"""L48: the first close outside the range in which a session began.

Rule: a session begins each day at session_hour, UTC. Its range is that of the bars that open in its first `minutes`.
    The first later close above the high or under the low fires, on a bar that opens less than expire_hours after the
    session began; a session fires once. quality = (beyond + busy) / 2 with d = how far the close is outside, beyond =
    d / (d + high - low of the range), busy = v / (v + mean volume of the range's bars), 0 when both are 0. The signal
    lives for as many bars as the range had; the levels are those of its range, shown while it does.
Note: `time` is the open of the bar that just closed. The session under way on the first bar ever counts only if that
    bar opens it. Expiry counts from the session's hour: with minutes at or beyond it nothing fires.
"""

from math import floor, isnan, nan
from typing import NamedTuple

from stratoquant.graph.language import Parameters, State, layer, param
from stratoquant.graph.types import Bars, Price, Qty, Side, TimeMs, Unit
from stratoquant.layers.primitives.live import Live, live_on
from stratoquant.layers.primitives.scalars import ratio

MINUTE_MS = 60_000.0
HOUR_MS = 3_600_000.0
DAY_MS = 86_400_000.0


class Params(Parameters):
    session_hour: int = param(0, 0, 23, "hour of the day at which the session begins, UTC")
    minutes: int = param(30, 5, 240, "minutes of the opening range")
    expire_hours: int = param(8, 1, 24, "hours after the session's beginning in which a break counts")


class Memory(State):
    live: Live
    session: float = nan
    waits: float = 0.0  # 1 until the session has fired
    high: float = nan
    low: float = nan
    volume: float = 0.0
    bars: int = 0
    life: int = 0
    high_shown: float = nan
    low_shown: float = nan


class Out(NamedTuple):
    signal: Side
    quality: Unit
    age: Bars
    high_level: Price
    low_level: Price


@layer(48, "opening_range", domain="pattern", source="Crabel 1990", pine="yes")
def step(s: Memory, p: Params, time: TimeMs, high: Price, low: Price, close: Price, volume: Qty) -> Out:
    since_hour = time - p.session_hour * HOUR_MS
    session = float(floor(since_hour / DAY_MS))
    elapsed = since_hour - session * DAY_MS
    if session != s.session:
        s.waits = 1.0 if elapsed == 0.0 or not isnan(s.session) else 0.0
        s.session = session
        s.volume = 0.0
        s.bars = 0
    fired = 0.0
    quality = 0.0
    if s.waits > 0.0 and elapsed < p.minutes * MINUTE_MS:
        s.high = high if s.bars == 0 else max(s.high, high)
        s.low = low if s.bars == 0 else min(s.low, low)
        s.volume += volume
        s.bars += 1
    elif s.waits > 0.0 and s.bars > 0 and elapsed < p.expire_hours * HOUR_MS:
        outside = 0.0
        if close > s.high:
            fired = 1.0
            outside = close - s.high
        elif close < s.low:
            fired = -1.0
            outside = s.low - close
        if fired != 0.0:
            usual = s.volume / s.bars
            quality = 0.5 * (outside / (outside + s.high - s.low) + ratio(volume, volume + usual, 0.0))
            s.waits = 0.0
            s.life = s.bars
            s.high_shown = s.high
            s.low_shown = s.low
    signal = live_on(s.live, fired, quality, s.life)
    alive = signal != 0.0
    return Out(signal, s.live.quality, s.live.age, s.high_shown if alive else nan, s.low_shown if alive else nan)
