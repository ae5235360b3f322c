"""L35: three bars that turn the market (morning and evening star) or take it over (white soldiers, black crows).

Rule: a strong body is at least body * atr, atr that of the last bar. Morning star (up, kind 1): a strong black body, a
    body of at most star * atr that lies at or below its close, and a strong white body that closes above the middle of
    the first. Evening star (down, kind 2): its mirror. White soldiers (up, kind 3): three strong white bodies, each
    closing in the upper quarter of its bar, the second and third opening within the body before (its ends included)
    and closing above it. Black crows (down, kind 4): their mirror. kind is 0 while no signal is alive. quality =
    1 - e^(-(body of the last bar / atr) / 2). The signal lives for LIFE bars.
Note: no gap is asked for: a market that never closes has none.
"""

from math import exp, fabs, nan
from typing import NamedTuple

from stratoquant.graph.language import Parameters, State, kernel, layer, param
from stratoquant.graph.types import Bars, Label, Price, Side, Unit
from stratoquant.layers.primitives.live import Live, live_on
from stratoquant.layers.primitives.scalars import sign

LIFE = 5


class Params(Parameters):
    body: float = param(0.5, 0.1, 3, "least strong body, average ranges")
    star: float = param(0.3, 0.05, 1, "largest body of a star, average ranges")


class Bar(State):
    """A bar that has been. full: the side to whose outer quarter it closes, if its body points there too; else 0."""

    open: float = nan
    close: float = nan
    full: float = 0.0


class Memory(State):
    first: Bar
    second: Bar
    live: Live
    kind: float = 0.0


class Out(NamedTuple):
    signal: Side
    quality: Unit
    age: Bars
    kind: Label


@kernel
def marches(before: Bar, side: float, open_: float, close: float, least: float) -> bool:
    """True when a body goes on from the one before, which is strong and closed at its end."""
    strong = before.full == side and side * (before.close - before.open) >= least
    within = side * (open_ - before.open) >= 0.0 and side * (before.close - open_) >= 0.0
    return strong and within and side * (close - before.close) > 0.0


@layer(
    35,
    "three_bar",
    domain="pattern",
    source="Nison 1991",
    oracle="TA-Lib CDLMORNINGSTAR, CDLEVENINGSTAR, CDL3WHITESOLDIERS, CDL3BLACKCROWS for the raw shape",
    pine="yes",
    warmup=lambda _: 2,
    labels={"kind": ("none", "morning star", "evening star", "three white soldiers", "three black crows")},
)
def step(s: Memory, p: Params, open_: Price, high: Price, low: Price, close: Price, atr: Price) -> Out:
    side = sign(close - open_)
    body = fabs(close - open_)
    least = p.body * atr
    full = side if side * ((high if side > 0.0 else low) - close) <= 0.25 * (high - low) else 0.0
    small = fabs(s.second.close - s.second.open) <= p.star * atr
    away = side * (s.first.close - s.second.open) >= 0.0 and side * (s.first.close - s.second.close) >= 0.0
    strong = body >= least and side * (s.first.open - s.first.close) >= least
    fired = 0.0
    if strong and small and away and side * (close - 0.5 * (s.first.open + s.first.close)) > 0.0:
        fired = side
        s.kind = 1.5 - 0.5 * side
    elif body >= least and full != 0.0:
        third = marches(s.second, side, open_, close, least)
        if third and marches(s.first, side, s.second.open, s.second.close, least):
            fired = side
            s.kind = 3.5 - 0.5 * side
    s.first.open = s.second.open
    s.first.close = s.second.close
    s.first.full = s.second.full
    s.second.open = open_
    s.second.close = close
    s.second.full = full
    signal = live_on(s.live, fired, 1.0 - exp(-0.5 * body / atr), LIFE)
    return Out(signal, s.live.quality, s.live.age, s.kind if signal != 0.0 else 0.0)
