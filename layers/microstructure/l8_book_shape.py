"""L8: mid, weighted mid, spread, depth, imbalance and slope of the order book.

Rule: mid = (a + b) / 2 with a, b the best ask and bid; weighted_mid = (a B + b A) / (A + B), A and B the quantities
    there; spread = (a - b) / mid 10^4; depth = sum p q, p a price and q its quantity, over the first `levels` of a
    side; imbalance = sum w_k (B_k - A_k) / sum w_k (B_k + A_k), w_k = e^(-decay k), k = 0 at the touch; slope =
    sum d Q / sum d^2 over the levels of a side, Q the quantity up to a level and d its distance from mid in bps.
Note: a crossed book, or one that lacks any of the first `levels` on either side, gives missing values.
    weighted_mid is not the microprice of Stoikov (2018), whose adjustment of the mid is fitted to the moves of a
    market's own book by imbalance and spread; it is the estimate which that paper starts from.
    Differs from the source: Cao, Hansch and Wang give each level its own imbalance; the weights w_k are ours.
"""

from math import exp, nan
from typing import NamedTuple

from stratoquant.graph.language import Parameters, layer, param
from stratoquant.graph.types import Bps, Notional, Price, Qty, Real, Score, Vec
from stratoquant.layers.primitives.book import depth, is_whole, slope_from_middle
from stratoquant.layers.primitives.scalars import clip


class Params(Parameters):
    levels: int = param(5, 1, 10, "levels of each side that count")
    decay: float = param(0.5, 0.05, 5, "how fast the weight of a level falls in the imbalance")


class Out(NamedTuple):
    mid: Price
    weighted_mid: Price
    spread: Bps
    depth_bid: Notional
    depth_ask: Notional
    imbalance: Score
    slope_bid: Real
    slope_ask: Real


@layer(8, "book_shape", domain="microstructure", source="Cao, Hansch and Wang 2009 (imbalance and slope)", pine="no")
def step(
    p: Params, bid_px: Vec[10, Price], bid_qty: Vec[10, Qty], ask_px: Vec[10, Price], ask_qty: Vec[10, Qty]
) -> Out:
    if not is_whole(bid_px, bid_qty, ask_px, ask_qty, p.levels):
        return Out(nan, nan, nan, nan, nan, nan, nan, nan)
    bid = bid_px[0]
    ask = ask_px[0]
    mid = bid + 0.5 * (ask - bid)
    share = bid_qty[0] / (bid_qty[0] + ask_qty[0])
    net = 0.0
    gross = 0.0
    for k in range(p.levels):
        weight = exp(-p.decay * k)
        net += weight * (bid_qty[k] - ask_qty[k])
        gross += weight * (bid_qty[k] + ask_qty[k])
    return Out(
        mid,
        bid + share * (ask - bid),
        (ask - bid) / mid * 1e4,
        depth(bid_px, bid_qty, p.levels),
        depth(ask_px, ask_qty, p.levels),
        clip(net / gross, -1.0, 1.0),
        slope_from_middle(bid_px, bid_qty, p.levels, mid),
        slope_from_middle(ask_px, ask_qty, p.levels, mid),
    )
