"""L9: order flow imbalance: what was added to and taken from each side of the book since the last one.

Rule: at level m the event e_m = [b >= b[1]] B - [b <= b[1]] B[1] - [a <= a[1]] A + [a >= a[1]] A[1], with prices b
    and a and quantities B and A of the level, [1] those of the last whole book; ofi = sum (e_m / m) over the levels,
    divided by the mean depth: the average of (B + A) / 2 over the levels and the last `window` whole books. ofi_norm
    = tanh(z), z that of ofi over `window`. queue = (B - A) / (B + A) at the touch.
Note: a crossed book, or one that lacks any of the first `levels`, gives missing values and is not compared with. With
    bars the events are those between closes, which nets what came and went within a bar.
"""

from math import isnan, nan, tanh
from typing import NamedTuple

from graph.language import Array, Parameters, State, array, kernel, layer, param, sized
from graph.types import Price, Qty, Real, Score, Vec
from layers.primitives.book import is_whole
from layers.primitives.rolling import RollingMean, rolling_mean
from layers.primitives.zscore import ZScore, zscore


class Params(Parameters):
    levels: int = param(5, 1, 10, "levels of each side that count")
    window: int = param(60, 5, 5000, "books of the mean depth and of the z-score")


class Memory(State):
    bid_px: Array = array(10, fill=nan)
    bid_qty: Array = array(10, fill=nan)
    ask_px: Array = array(10, fill=nan)
    ask_qty: Array = array(10, fill=nan)
    depth: RollingMean = sized(lambda p: p.window)
    flow: ZScore = sized(lambda p: p.window)


class Out(NamedTuple):
    ofi: Real
    ofi_norm: Score
    queue: Score


@kernel
def added(price: float, quantity: float, before: float, had: float, side: float) -> float:
    """Quantity that a level gained: all of it at a better price, the difference at the same, what it had at a worse.

    side: 1 for bids, where higher is better; -1 for asks.
    """
    gained = 0.0
    if side * (price - before) >= 0.0:
        gained += quantity
    if side * (price - before) <= 0.0:
        gained -= had
    return gained


@layer(
    9,
    "order_flow_imbalance",
    domain="microstructure",
    source="Cont, Kukanov and Stoikov 2014; Xu, Gould and Howison 2018",
    oracle="a direct numpy transcription of the paper's equation over recorded books",
    pine="no",
    warmup=lambda p: 2 * p.window - 2,
)
def step(
    s: Memory, p: Params, bid_px: Vec[10, Price], bid_qty: Vec[10, Qty], ask_px: Vec[10, Price], ask_qty: Vec[10, Qty]
) -> Out:
    if not is_whole(bid_px, bid_qty, ask_px, ask_qty, p.levels):
        return Out(nan, nan, nan)
    first = isnan(s.bid_px[0])
    flow = 0.0
    standing = 0.0
    for k in range(p.levels):
        gained = added(bid_px[k], bid_qty[k], s.bid_px[k], s.bid_qty[k], 1.0)
        offered = added(ask_px[k], ask_qty[k], s.ask_px[k], s.ask_qty[k], -1.0)
        flow += (gained - offered) / (k + 1.0)
        standing += 0.5 * (bid_qty[k] + ask_qty[k])
        s.bid_px[k] = bid_px[k]
        s.bid_qty[k] = bid_qty[k]
        s.ask_px[k] = ask_px[k]
        s.ask_qty[k] = ask_qty[k]
    usual = rolling_mean(s.depth, standing / p.levels, p.window)
    ofi = nan if first else flow / usual
    z = zscore(s.flow, ofi, p.window)
    queue = (bid_qty[0] - ask_qty[0]) / (bid_qty[0] + ask_qty[0])
    return Out(ofi, tanh(z), queue)
