"""L59: signed volume: what buyers started less what sellers started.

Rule: with recorded trades, signed = 2 buy_volume - volume, buy_volume being what the venue marks as bought by the
    taker. Without, bulk classification: signed = volume (2 Phi(r / sd(r, window)) - 1), r = ln(c / c[1]), 0 where r
    does not vary. pressure = ewm(signed, window) / ewm(volume, window), 0 without volume. aggressor = the buyers'
    share of this bar, (signed / volume + 1) / 2, and 1/2 without volume.
Note: the rule of Lee and Ready (1991) infers the side of each trade from the quotes around it. It is not needed where
    the venue records the side, and cannot be applied to a bar, which no longer has its trades.
    Differs from the source: sd is that of the last `window` log returns, not that of all price changes.
"""

from math import isnan, log, nan, sqrt
from typing import NamedTuple

from stratoquant.graph.language import Parameters, State, layer, param, sized
from stratoquant.graph.types import Flag, Opt, Price, Qty, Score, SignedQty, Unit
from stratoquant.layers.primitives.averages import Smoothed, ewm, unless_faded
from stratoquant.layers.primitives.rolling import RollingMoments, rolling_moments
from stratoquant.layers.primitives.scalars import clip, normal_cdf


class Params(Parameters):
    window: int = param(30, 2, 2000, "bars of the averages and of the spread of returns")


class Memory(State):
    returns: RollingMoments = sized(lambda p: p.window)
    signed: Smoothed
    volume: Smoothed
    before: float = nan


class Out(NamedTuple):
    signed: SignedQty
    pressure: Score
    aggressor: Unit
    from_trades: Flag


@layer(
    59,
    "trade_flow",
    domain="microstructure",
    source="Easley, Lopez de Prado and O'Hara 2012 (bulk volume)",
    pine="yes",
)
def step(s: Memory, p: Params, close: Price, volume: Qty, buy_volume: Opt[Qty]) -> Out:
    level = log(close)
    change = level - s.before
    s.before = level
    rolling_moments(s.returns, change, p.window)
    variance = s.returns.variance
    signed = nan
    from_trades = 0.0
    if not isnan(buy_volume):
        signed = 2.0 * buy_volume - volume
        from_trades = 1.0
    elif not isnan(variance):
        signed = volume * (2.0 * normal_cdf(change / sqrt(variance)) - 1.0) if variance > 0.0 else 0.0
    signed = clip(signed, -volume, volume)
    taken = unless_faded(volume, s.volume.value) if not isnan(signed) else nan
    flow = ewm(s.signed, signed if not isnan(taken) else nan, p.window)
    total = ewm(s.volume, taken, p.window)
    pressure = flow / total if total > 0.0 else (nan if isnan(total) else 0.0)
    aggressor = 0.5 * (signed / volume + 1.0) if volume > 0.0 else 0.5
    return Out(signed, clip(pressure, -1.0, 1.0), clip(aggressor, 0.0, 1.0), from_trades)
