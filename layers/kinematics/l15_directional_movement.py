"""L15: Wilder's directional movement: which side pushes further, and how one-sided that is.

Rule: up = high - high[1], down = low[1] - low; +DM = up where up > down and up > 0, -DM = down where down > up and
    down > 0. +DI = rma(+DM) / rma(TR), -DI likewise, both from the second bar on; DX = |+DI - -DI| / (+DI + -DI);
    ADX = rma(DX), all as shares. bias = ADX (+DI - -DI) / (+DI + -DI). Where there never was any range or
    movement: 0.
"""

from math import isnan, nan
from typing import NamedTuple

from stratoquant.graph.language import Parameters, State, layer, param
from stratoquant.graph.types import Price, Score, Unit
from stratoquant.layers.primitives.averages import Smoothed, rma, unless_faded
from stratoquant.layers.primitives.scalars import clip


class Params(Parameters):
    window: int = param(14, 2, 500, "bars of Wilder's averages")


class Memory(State):
    plus: Smoothed
    minus: Smoothed
    range: Smoothed
    adx: Smoothed
    high: float = nan
    low: float = nan
    close: float = nan


class Out(NamedTuple):
    adx: Unit
    plus: Unit
    minus: Unit
    bias: Score


@layer(
    15,
    "directional_movement",
    domain="kinematics",
    source="Wilder 1978",
    oracle="TA-Lib ADX after burn-in",
    pine="yes",
    warmup=lambda p: 2 * p.window - 1,
)
def step(s: Memory, p: Params, high: Price, low: Price, close: Price) -> Out:
    up = high - s.high
    down = s.low - low
    spread = unless_faded(max(high, s.close) - min(low, s.close), s.range.value) if not isnan(up) else nan
    known = not isnan(spread)
    plus_move = (up if up > down and up > 0.0 else 0.0) if known else nan
    minus_move = (down if down > up and down > 0.0 else 0.0) if known else nan
    s.high = high
    s.low = low
    s.close = close
    plus = rma(s.plus, plus_move, p.window)
    minus = rma(s.minus, minus_move, p.window)
    spread = rma(s.range, spread, p.window)
    both = plus + minus
    balance = (plus - minus) / both if both > 0.0 else (nan if isnan(both) else 0.0)
    adx = clip(rma(s.adx, abs(balance), p.window), 0.0, 1.0)
    plus_share = plus / spread if spread > 0.0 else (nan if isnan(spread) else 0.0)
    minus_share = minus / spread if spread > 0.0 else (nan if isnan(spread) else 0.0)
    return Out(adx, clip(plus_share, 0.0, 1.0), clip(minus_share, 0.0, 1.0), clip(adx * balance, -1.0, 1.0))
