"""L90: what fills really cost against the price at which they were decided, and whether to trust the way they take.

Rule: a bar with a fill and a change of position has side = sign of that change. With paper = fill_qty * arrival,
    shortfall = (side (fill_price - arrival) fill_qty + fees) / paper in bps, above 0 for a loss; missing in any other
    bar. slippage_ewm and maker_share are means of shortfall and maker over such bars, each weighing half as much
    half_life fills later, by the sum of the weights; missing before the first.
    A fill costs fees + (1 - maker) half paper. cost_open, cost_win and cost_loss are what fills cost that enlarge the
    position, that reduce it while it gains, and that reduce it while it loses: sums of cost over sums of paper, with
    weights that halve half_life fills of their kind later, in bps; opened, won and lost are the sums of these weights,
    the fills of the kind that are remembered. What a fill gains or loses on the price while it waits is no cost.
    router_health: broken with BROKEN_REJECTS refusals in a row or slippage_ewm > SEVERE * bad; else bad with any
    refusal, slippage_ewm > bad or a latency above SLOW; else good.

Note: the catalogue lacks `position`, without which a fill has no side, and what is needed to tell costs apart. Where a
    bar holds fills on both sides, the greater side stands for all."""

from math import nan
from typing import NamedTuple

from stratoquant.graph.language import Parameters, State, kernel, layer, param
from stratoquant.graph.types import Bps, Count, Flag, Label, Notional, Opt, Price, Qty, Real, SignedQty, Unit
from stratoquant.layers.execution.order_words import HEALTH
from stratoquant.layers.primitives.scalars import finite, or_else, ratio, sign

SEVERE = 3.0
BROKEN_REJECTS = 2.0
SLOW = 5000.0
"""Milliseconds from decision to arrival."""


class Params(Parameters):
    half_life: int = param(50, 5, 2000, "fills after which one weighs half as much")
    bad: float = param(10, 1, 200, "mean shortfall above which the router is bad, bps")


class Costs(State):
    """Of fills of one kind, decayed."""

    weight: float = 0.0
    paid: float = 0.0
    traded: float = 0.0


class Memory(State):
    position: float = 0.0
    weight: float = 0.0
    loss: float = 0.0
    realised: float = 0.0
    opens: Costs
    wins: Costs
    losses: Costs
    passive: float = 0.0


class Out(NamedTuple):
    shortfall: Bps
    slippage_ewm: Bps
    maker_share: Unit
    router_health: Label
    cost_open: Bps
    cost_win: Bps
    cost_loss: Bps
    opened: Real
    won: Real
    lost: Real


@kernel
def count_cost(s: Costs, cost: float, paper: float, keep: float) -> float:
    s.weight = keep * s.weight + 1.0
    s.paid = keep * s.paid + cost
    s.traded = keep * s.traded + paper
    return s.weight


@kernel
def mean_cost(s: Costs) -> float:
    return ratio(s.paid, s.traded, nan) * 1e4


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
        "realised": "account.realised",
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
    realised: Notional,
    half: Opt[Bps],
) -> Out:
    side = sign(position - s.position)
    enlarges = side * position > 0.0
    s.position = position
    gained = realised - s.realised
    s.realised = realised
    shortfall = nan
    if side != 0.0 and fill_qty > 0.0:
        shortfall = finite((side * (fill_price - arrival) * fill_qty + fees) / (fill_qty * arrival) * 1e4)
    keep = 0.5 ** (1.0 / p.half_life)
    if shortfall == shortfall:
        s.weight = keep * s.weight + 1.0
        s.loss = keep * s.loss + shortfall
        s.passive = keep * s.passive + maker
        paper = fill_qty * arrival
        cost = fees + (1.0 - maker) * or_else(half, 0.0) * 1e-4 * paper
        if enlarges:
            count_cost(s.opens, cost, paper, keep)
        elif gained > 0.0:
            count_cost(s.wins, cost, paper, keep)
        else:
            count_cost(s.losses, cost, paper, keep)
    slippage = ratio(s.loss, s.weight, nan)
    if rejects >= BROKEN_REJECTS or slippage > SEVERE * p.bad:
        health = 2
    elif rejects > 0.0 or slippage > p.bad or latency_ms > SLOW:
        health = 1
    else:
        health = 0
    passive = min(ratio(s.passive, s.weight, nan), 1.0)
    return Out(
        shortfall,
        slippage,
        passive,
        health,
        mean_cost(s.opens),
        mean_cost(s.wins),
        mean_cost(s.losses),
        s.opens.weight,
        s.wins.weight,
        s.losses.weight,
    )
