"""L61: how far trading moves the price, by three estimates.

Rule: r = ln(c / c[1]). kyle = the slope of the least squares of r on signed volume over the last `window` bars with
    recorded trades (log return per unit of the base asset), kyle_t = slope / its standard error; both 0 where signed
    volume does not vary, and missing on a bar without recorded trades. amihud = mean(|r| / quote_volume) * 10^6 over
    the bars of the window in which something was traded, missing when there is none. roll =
    2 sqrt(max(0, -cov(dc, dc[1]))) / c * 10^4, dc = c - c[1], population covariance of the last window pairs.
Note: without recorded trades L59 infers signed volume from r itself, and a regression of r on it measures nothing: on
    independent volume its median |t| is 8 to 20.
    kyle_t is held in -1e6..1e6, which only a fit without an error reaches.
"""

from math import fabs, isnan, nan, sqrt
from typing import NamedTuple

from stratoquant.graph.language import Parameters, State, layer, param, sized
from stratoquant.graph.types import Bps, Flag, Notional, Price, Real, Sigma, SignedQty
from stratoquant.layers.primitives.regression import PairFit, pair_fit
from stratoquant.layers.primitives.rolling import RollingPair, rolling_pair
from stratoquant.layers.primitives.scalars import clip, log_return

MOST = 1e6


class Params(Parameters):
    window: int = param(120, 20, 5000, "bars of each estimate")


class Memory(State):
    impact: PairFit = sized(lambda p: p.window)
    bounce: PairFit = sized(lambda p: p.window)
    moved: RollingPair = sized(lambda p: p.window)  # |r| for a million of turnover, and bars with any
    close: float = nan
    change: float = nan


class Out(NamedTuple):
    kyle: Real
    kyle_t: Sigma
    amihud: Real
    roll: Bps


@layer(
    61,
    "price_impact",
    domain="microstructure",
    source="Kyle 1985; Amihud 2002; Roll 1984",
    oracle="statsmodels RollingOLS",
    pine="yes",
    warmup=lambda p: p.window + 1,
)
def step(s: Memory, p: Params, close: Price, signed: SignedQty, quote_volume: Notional, from_trades: Flag) -> Out:
    r = log_return(close, s.close)
    change = close - s.close
    kyle = pair_fit(s.impact, signed, r, p.window) if from_trades > 0.0 else nan
    kyle_t = 0.0 if from_trades > 0.0 else nan
    if fabs(kyle) > 0.0:
        kyle_t = clip(kyle / s.impact.slope_error, -MOST, MOST)
    some = nan if isnan(r) else (1.0 if quote_volume > 0.0 else 0.0)
    moved = rolling_pair(s.moved, fabs(r) / quote_volume * 1e6 if some > 0.0 else some, some, p.window)
    traded = s.moved.second
    pair_fit(s.bounce, s.change, change, p.window)
    roll = 2.0 * sqrt(max(-s.bounce.covariance, 0.0)) / close * 1e4
    s.close = close
    s.change = change
    return Out(kyle, kyle_t, moved / traded if traded > 0.0 else nan, roll)
