"""L88: how much of an order goes to the market now, so that impact and the risk of waiting cost least together.

Rule: order_qty is what is still to be done, with what works included. A new order begins when nothing was asked
    before, when the side changes, or when more is asked than `size`, the quantity at its beginning; n = ttl less the
    bars since then, at least 1. Of Almgren and Chriss's trajectory x(t) = X sinh(kappa (T - t)) / sinh(kappa T) the
    piece up to the next bar is due, seen from where the order stands:
    slice_qty = order_qty (1 - sinh(kappa (n - 1)) / sinh(kappa n)), at most participation * volume, with
    cosh kappa = 1 + k / 2, k = risk_aversion (sigma price)^2 / eta and the impact eta such that a trade of
    participation * volume costs `cost` bps. So what is left undone is made up for, and all is due at n = 1.
    kappa = 0 (even pieces) without risk aversion, sigma, price or volume, all at once when cost is 0. An exit, and a
    missing ttl, are due at once; an exit has no cap. remaining = order_qty - slice_qty; schedule = 1 - remaining /
    size, 1 when nothing is asked.

Note: lasting impact is taken to be 0; it does not change the trajectory. The catalogue lacks `price`, without which
    risk_aversion (per unit of quote currency) has no scale, and `side`. All but order_qty is optional: an exit must
    go out; without volume nothing else does.
"""

from math import exp, expm1, isfinite, log, sqrt
from typing import NamedTuple

from stratoquant.graph.language import Parameters, State, kernel, layer, param
from stratoquant.graph.origin import DECISION
from stratoquant.graph.types import Bars, Bps, Label, Opt, Price, Qty, Side, Unit, Vol
from stratoquant.layers.execution.order_words import is_exit
from stratoquant.layers.primitives.scalars import clip, or_else

ROUNDING = 1e-9


class Params(Parameters):
    participation: float = param(0.05, 0.001, 0.5, "largest share of a bar's volume that a slice may be")
    risk_aversion: float = param(1.0e-6, 0, 1, "cost of variance, per unit of quote currency")


class Memory(State):
    size: float = 0.0  # of the order at its beginning; 0 for none
    side: float = 0.0
    elapsed: float = 0.0  # bars since then


class Out(NamedTuple):
    slice_qty: Qty
    remaining: Qty
    schedule: Unit


@kernel
def share_due(kappa: float, n: float) -> float:
    """1 - sinh(kappa (n - 1)) / sinh(kappa n), without overflow; kappa = 0 is its limit 1 / n."""
    if n <= 1.0:
        share = 1.0
    elif kappa > 0.0:
        share = 1.0 - exp(-kappa) * expm1(-2.0 * kappa * (n - 1.0)) / expm1(-2.0 * kappa * n)
    else:
        share = 1.0 / n
    return share


@layer(
    88,
    "order_slicer",
    domain="execution",
    source="Almgren and Chriss 2000",
    oracle="closed-form trajectory",
    loop="closed",
    says="{slice_qty} now, {remaining} later",
    origins={
        "order_qty": DECISION,
        "intent": (DECISION, "L5.intent"),
        "side": DECISION,
        "price": "L0.close",
    },
    sends={"qty": "slice_qty"},
)
def step(
    s: Memory,
    p: Params,
    order_qty: Qty,
    volume: Opt[Qty],
    sigma: Opt[Vol],
    cost: Opt[Bps],
    ttl: Opt[Bars],
    intent: Opt[Label],
    side: Opt[Side],
    price: Opt[Price],
) -> Out:
    if order_qty == 0.0 or is_exit(intent):
        s.size = 0.0
        return Out(order_qty, 0.0, 1.0)
    towards = or_else(side, 0.0)
    if towards != s.side or order_qty > s.size * (1.0 + ROUNDING):
        s.size = order_qty
        s.side = towards
        s.elapsed = 0.0
    else:
        s.elapsed += 1.0
    room = p.participation * or_else(volume, 0.0)
    due = 1.0
    if cost != 0.0:
        k = p.risk_aversion * sigma * sigma * price * room / (cost * 1e-4)
        root = 0.5 * sqrt(k) if isfinite(k) and k > 0.0 else 0.0
        due = share_due(2.0 * log(root + sqrt(root * root + 1.0)), or_else(ttl, 1.0) - s.elapsed)
    slice_qty = min(order_qty * due, room)
    remaining = order_qty - slice_qty
    return Out(slice_qty, remaining, clip(1.0 - remaining / s.size, 0.0, 1.0))
