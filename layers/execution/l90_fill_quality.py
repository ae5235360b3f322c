"""L90: what fills really cost against the price at which they were decided, and whether to trust the way they take.

Rule: a bar with a fill and a change of position has side = sign of that change. With paper = fill_qty * arrival,
    shortfall = (side (fill_price - arrival) fill_qty + fees) / paper in bps, above 0 for a loss; missing in any other
    bar. slippage_ewm and maker_share are means of shortfall and maker over such bars, each weighing half as much
    half_life fills later, by the sum of the weights; missing before the first. fee_ewm is the sum of fees over the sum
    of paper, and taken the share of paper that was filled aggressively, with the same weights. fills = that sum of
    weights, the fills that are remembered.
    router_health: broken with BROKEN_REJECTS refusals in a row or slippage_ewm > SEVERE * bad; else bad with any
    refusal, slippage_ewm > bad or a latency above SLOW; else good.

Note: the catalogue lacks `position`, without which a fill has no side. Where a bar holds fills on both sides, the
    greater side stands for all.
"""

from math import nan
from typing import NamedTuple

from graph.language import Parameters, State, layer, param
from graph.types import Bps, Count, Flag, Label, Notional, Opt, Price, Qty, Real, SignedQty, Unit
from layers.execution.order_words import HEALTH
from layers.primitives.scalars import clip, finite, ratio, sign

SEVERE = 3.0
BROKEN_REJECTS = 2.0
SLOW = 5000.0
"""Milliseconds from decision to arrival."""


class Params(Parameters):
    half_life: int = param(50, 5, 2000, "fills after which one weighs half as much")
    bad: float = param(10, 1, 200, "mean shortfall above which the router is bad, bps")


class Memory(State):
    position: float = 0.0
    weight: float = 0.0
    loss: float = 0.0
    paid: float = 0.0
    taken: float = 0.0
    traded: float = 0.0
    passive: float = 0.0


class Out(NamedTuple):
    shortfall: Bps
    slippage_ewm: Bps
    maker_share: Unit
    router_health: Label
    fee_ewm: Bps
    taken: Unit
    fills: Real


@layer(
    90,
    "fill_quality",
    domain="execution",
    source="Perold 1988; v6.0 map section 1.4",
    loop="closed",
    labels={"router_health": HEALTH},
    says="fills cost {slippage_ewm} bps, the router is {router_health}",
    origins={
        "fill_price": "account.fill_price",
        "fill_qty": "account.fill_qty",
        "fees": "account.fill_fees",
        "maker": "account.fill_maker",
        "latency_ms": "account.latency_ms",
        "rejects": "account.rejects",
        "position": "account.position",
    },
)
def step(
    s: Memory,
    p: Params,
    fill_price: Opt[Price],
    arrival: Opt[Price],
    fill_qty: Opt[Qty],
    fees: Notional,
    maker: Flag,
    latency_ms: Real,
    rejects: Count,
    position: SignedQty,
) -> Out:
    side = sign(position - s.position)
    s.position = position
    shortfall = nan
    if side != 0.0 and fill_qty > 0.0:
        shortfall = finite((side * (fill_price - arrival) * fill_qty + fees) / (fill_qty * arrival) * 1e4)
    if shortfall == shortfall:
        keep = 0.5 ** (1.0 / p.half_life)
        s.weight = keep * s.weight + 1.0
        s.loss = keep * s.loss + shortfall
        s.paid = keep * s.paid + fees
        s.taken = keep * s.taken + (1.0 - maker) * fill_qty * arrival
        s.traded = keep * s.traded + fill_qty * arrival
        s.passive = keep * s.passive + maker
    slippage = ratio(s.loss, s.weight, nan)
    if rejects >= BROKEN_REJECTS or slippage > SEVERE * p.bad:
        health = 2
    elif rejects > 0.0 or slippage > p.bad or latency_ms > SLOW:
        health = 1
    else:
        health = 0
    taken = clip(ratio(s.taken, s.traded, nan), 0.0, 1.0)
    fee = ratio(s.paid, s.traded, nan) * 1e4
    return Out(shortfall, slippage, min(ratio(s.passive, s.weight, nan), 1.0), health, fee, taken, s.weight)
