"""L43: where the price has turned before, and the bar that turns there again or goes through.

Rule: pivots of strength `pivot` are known that many bars late. Each weighs 0.5 + v / (v + mean(v, 2 pivot + 1)), v the
    volume of its bar and the mean over the bars that made it a pivot (the fraction is 0.5 where both are 0). Within
    merge * atr of a level it joins the nearest one, whose price becomes the mean of both by weight and whose weight
    grows by its own; else it takes an empty place or that of the weakest. All weights halve every half_life bars.
    support and resistance are the nearest levels below and above the close that weigh at least LEAST. A bar answers
    to those of the bar before. Bounce: it comes within MARGIN atr of the level and closes at least AWAY atr back from
    it. Break: it closes more than MARGIN atr beyond. It fires to the side to which it goes, up for a bounce from
    support and a break of resistance; a bar that does both ways fires neither. quality = 1 - e^(-weight / 2), the
    weight of the heavier level that spoke, as of the bar before. The signal lives for `pivot` bars.
Note: the catalogue leaves open how touches and volume add up, what is too old, and what counts as a bounce or a break;
    touches are the pivots that joined. A bar that is a pivot both ways shows no level and is passed over.
"""

from math import exp, fabs, inf, isnan, nan
from typing import NamedTuple

from stratoquant.graph.language import Array, Parameters, State, array, kernel, layer, param, sized
from stratoquant.graph.types import Bars, Price, Qty, Side, Unit
from stratoquant.layers.primitives.live import Live, live_on
from stratoquant.layers.primitives.pivots import PivotHigh, PivotLow, pivot_high, pivot_low
from stratoquant.layers.primitives.ring import Ring, back, push
from stratoquant.layers.primitives.rolling import RollingMean, rolling_mean
from stratoquant.layers.primitives.scalars import ratio, sign

MARGIN = 0.1  # average ranges
AWAY = 0.5  # average ranges
LEAST = 0.25  # of the weight of a single touch on usual volume
HALVING = 0.6931471805599453  # ln 2


class Params(Parameters):
    pivot: int = param(10, 2, 100, "bars on each side of a pivot")
    levels: int = param(16, 4, 32, "levels kept")
    merge: float = param(0.5, 0.1, 3, "how far a pivot may lie from a level to join it, average ranges")
    half_life: int = param(2000, 100, 100000, "bars in which a weight halves")


class Levels(State):
    """The levels kept, an empty place being without weight; the weights are as of the last pivot, `since` bars ago."""

    price: Array = array(fill=nan)
    weight: Array = array()
    since: int = 0


@kernel
def take_in(s: Levels, price: float, weight: float, reach: float, size: int, left: float) -> float:
    """Adds a pivot, once all weights are down to what is left of them; returns the weight of its level."""
    weakest = 0
    joined = -1
    for i in range(size):
        s.weight[i] *= left
        apart = fabs(s.price[i] - price)
        if apart <= reach and (joined < 0 or apart < fabs(s.price[joined] - price)):
            joined = i
        if s.weight[i] < s.weight[weakest]:
            weakest = i
    s.since = 0
    if joined < 0:
        joined = weakest
        s.weight[joined] = weight
        s.price[joined] = price
    else:
        s.weight[joined] += weight
        s.price[joined] += (price - s.price[joined]) * weight / s.weight[joined]
    return s.weight[joined]


@kernel
def nearest(s: Levels, side: float, close: float, size: int, left: float) -> int:
    """The place of the nearest level that still counts above (side 1) or below (-1) the close, -1 for none."""
    found = -1
    best = inf
    for i in range(size):
        away = side * (s.price[i] - close)
        if 0.0 < away < best and s.weight[i] * left >= LEAST:
            found = i
            best = away
    return found


@kernel
def answer(level: float, side: float, reach: float, close: float, atr: float) -> float:
    """Where a bar goes from a level that the price stood on that side of: back (side), through (-side) or neither."""
    away = side * (close - level)
    result = 0.0
    if away < -MARGIN * atr:
        result = -side
    elif away >= AWAY * atr and side * (reach - level) <= MARGIN * atr:
        result = side
    return result


class Memory(State):
    highs: PivotHigh = sized(lambda p: p.pivot)
    lows: PivotLow = sized(lambda p: p.pivot)
    volumes: Ring = sized(lambda p: p.pivot + 1)
    usual: RollingMean = sized(lambda p: 2 * p.pivot + 1)
    table: Levels = sized(lambda p: p.levels)
    live: Live
    support: float = nan
    resistance: float = nan
    below: float = 0.0  # weights of the two
    above: float = 0.0


class Out(NamedTuple):
    signal: Side
    quality: Unit
    age: Bars
    support: Price
    resistance: Price


@layer(
    43,
    "support_resistance",
    domain="pattern",
    source="Osler 2000",
    pine="yes",
    warmup=lambda p: 2 * p.pivot,
)
def step(s: Memory, p: Params, high: Price, low: Price, close: Price, volume: Qty, atr: Price) -> Out:
    from_support = answer(s.support, 1.0, low, close, atr)
    from_resistance = answer(s.resistance, -1.0, high, close, atr)
    fired = sign(from_support + from_resistance)
    weight = max(s.below if from_support == fired else 0.0, s.above if from_resistance == fired else 0.0)
    signal = live_on(s.live, fired, 1.0 - exp(-0.5 * weight), p.pivot)

    usual = rolling_mean(s.usual, volume, 2 * p.pivot + 1)
    push(s.volumes, volume)
    top = pivot_high(s.highs, high, p.pivot)
    bottom = pivot_low(s.lows, low, p.pivot)
    s.table.since += 1
    left = exp(-HALVING * s.table.since / p.half_life)
    if isnan(top) != isnan(bottom):
        then = back(s.volumes, p.pivot)
        touch = 0.5 + ratio(then, then + usual, 0.5)
        take_in(s.table, bottom if isnan(top) else top, touch, p.merge * atr, p.levels, left)
        left = 1.0
    at = nearest(s.table, -1.0, close, p.levels, left)
    s.support = s.table.price[at] if at >= 0 else nan
    s.below = s.table.weight[at] * left if at >= 0 else 0.0
    at = nearest(s.table, 1.0, close, p.levels, left)
    s.resistance = s.table.price[at] if at >= 0 else nan
    s.above = s.table.weight[at] * left if at >= 0 else 0.0
    return Out(signal, s.live.quality, s.live.age, s.support, s.resistance)
