"""L19: Supertrend: a stop line that follows price at a distance of `mult` average ranges and turns when it is crossed.

Rule: basis = (high + low) / 2, bands = basis -+ mult * atr(window). The lower band never falls unless the last
    close was below it, the upper never rises unless the last close was above it; a close on a band keeps it, as in
    TradingView's built-in. side turns to +1 when the close passes the upper band and to -1 when it passes the lower;
    it starts at -1, as the built-in does with the sign turned. line = the lower band while up, the upper while down.
    distance = (close - line) / atr, 0 where there is no range.
"""

from math import inf, isnan, nan
from typing import NamedTuple

from stratoquant.graph.language import Parameters, State, layer, param
from stratoquant.graph.types import Flag, Price, Real, Side
from stratoquant.layers.primitives.ranges import AverageTrueRange, average_true_range
from stratoquant.layers.primitives.scalars import positive


class Params(Parameters):
    window: int = param(10, 2, 500, "bars of the average range")
    mult: float = param(3, 0.5, 20, "average ranges between basis and band")


class Memory(State):
    atr: AverageTrueRange
    lower: float = nan
    upper: float = nan
    close: float = nan
    side: float = 0.0


class Out(NamedTuple):
    line: Price
    side: Side
    flip: Flag
    distance: Real


@layer(
    19,
    "supertrend",
    domain="kinematics",
    source="Seban 2008",
    pine="yes",
    warmup=lambda p: p.window - 1,
)
def step(s: Memory, p: Params, high: Price, low: Price, close: Price) -> Out:
    atr = average_true_range(s.atr, high, low, close, p.window)
    if isnan(atr):
        s.close = close
        return Out(nan, nan, nan, nan)
    basis = 0.5 * (high + low)
    lower = basis - p.mult * atr
    upper = basis + p.mult * atr
    lower = max(lower, s.lower if s.close >= s.lower else -inf)
    upper = min(upper, s.upper if s.close <= s.upper else inf)
    before = s.side
    held = -1.0 if close < lower else 1.0
    turned = 1.0 if close > upper else -1.0
    s.side = held if before > 0.0 else turned if before < 0.0 else -1.0
    s.lower = lower
    s.upper = upper
    s.close = close
    line = lower if s.side > 0.0 else upper
    flip = 1.0 if before != 0.0 and s.side != before else 0.0
    distance = (close - line) / atr if atr > 0.0 else 0.0
    return Out(positive(line), s.side, flip, distance)
