"""L69: whether an order waits at a price of its own or takes what the market offers, and for how long.

Rule: ttl = 1 + (LONGEST - 1) (1 - urgency), rounded, and reach = sigma sqrt(ttl) in bps, as far as the price goes in
    that time. lean = order_side * imbalance: above 0 the market runs away from the order. half = spread / 2, or cost
    where no book tells the spread. A passive order would stand offset = half + (1 - urgency) sigma (1 - lean) / 2,
    within 0..max_offset bps, behind the price, and be filled with chance = erfc(offset / (reach sqrt 2)) (1 - lean), at
    most 1: the reflection principle. It is limit and post-only when maker_bias * chance * (cost + taker_fee -
    maker_fee) > (1 - maker_bias) (1 - chance) urgency * reach: what is saved where it is filled, against what the
    market moves where it is not. Else, and for every exit, with a broken router, or without price, cost, sigma or
    urgency, it is a market order with offset 0, no limit_price and not post-only; ttl is 1 for all of these but the one
    that lost the comparison. Without imbalance lean = 0. Without a side or a quantity: market, ttl 1.

Note: what a passive fill gains on the price does not count: for a price without drift it is on average what the
    unfilled order loses. The catalogue lacks `price`, the middle that offsets are told from, and the fees.
"""

from math import erfc, isnan, nan, sqrt
from typing import NamedTuple

from stratoquant.graph.account import ORDER_KINDS
from stratoquant.graph.language import Parameters, layer, param
from stratoquant.graph.origin import DECISION
from stratoquant.graph.types import Bars, Bps, Flag, Label, Opt, Price, Qty, Score, Side, Unit, Vol
from stratoquant.layers.execution.order_words import BROKEN, is_exit
from stratoquant.layers.primitives.scalars import clip, nearest_whole, or_else

MARKET = float(ORDER_KINDS.index("market"))
LIMIT = float(ORDER_KINDS.index("limit"))
LONGEST = 10.0
"""Bars for which an order without any urgency may work."""


class Params(Parameters):
    maker_bias: float = param(0.5, 0, 1, "preference for waiting: 0 never waits, 0.5 weighs both evenly")
    max_offset: float = param(5, 0, 100, "farthest from the price that a passive order stands, bps")


class Out(NamedTuple):
    kind: Label
    limit_price: Price
    offset: Bps
    post_only: Flag
    ttl: Bars


@layer(
    69,
    "order_router",
    domain="execution",
    source="v6.0 map section 1.4; Cont and Kukanov 2017; Karatzas and Shreve 1991 (reflection principle)",
    loop="closed",
    labels={"kind": ORDER_KINDS},
    says="{kind} order, {offset} bps from the price, for {ttl} bars",
    origins={
        "order_side": DECISION,
        "order_qty": DECISION,
        "intent": (DECISION, "L5.intent"),
        "price": "L0.close",
    },
    sends={"price": "limit_price", "post_only": "post_only", "kind": "kind", "ttl": "ttl"},
)
def step(
    p: Params,
    order_side: Side,
    order_qty: Qty,
    spread: Opt[Bps],
    cost: Opt[Bps],
    imbalance: Opt[Score],
    sigma: Opt[Vol],
    router_health: Opt[Label],
    urgency: Opt[Unit],
    intent: Opt[Label],
    price: Opt[Price],
    taker_fee: Opt[Bps],
    maker_fee: Opt[Bps],
) -> Out:
    idle = order_side == 0.0 or order_qty == 0.0
    if idle or is_exit(intent) or router_health >= BROKEN or isnan(price + cost + sigma + urgency):
        return Out(MARKET, nan, 0.0, 0.0, 1.0)
    patience = 1.0 - urgency
    ttl = nearest_whole(1.0 + (LONGEST - 1.0) * patience)
    reach = sigma * sqrt(ttl) * 1e4
    lean = order_side * or_else(imbalance, 0.0)
    half = or_else(0.5 * spread, cost)
    offset = clip(half + patience * sigma * 1e4 * 0.5 * (1.0 - lean), 0.0, p.max_offset)
    chance = min(erfc(offset / (reach * sqrt(2.0))) * (1.0 - lean), 1.0) if reach > 0.0 else 0.0
    saved = chance * (cost + or_else(taker_fee - maker_fee, 0.0))
    missed = (1.0 - chance) * urgency * reach
    limit = price * (1.0 - order_side * offset * 1e-4)
    if p.maker_bias * saved > (1.0 - p.maker_bias) * missed:
        return Out(LIMIT, limit, offset, 1.0, ttl)
    return Out(MARKET, nan, 0.0, 0.0, ttl)
