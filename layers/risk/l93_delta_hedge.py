"""L93: how much of the underlying brings the delta of an options book back into a band that is worth its costs.

Rule: band = (3 cost price gamma^2 / (2 10^4 risk_aversion))^(1/3), Whalley and Wilmott's half-width for small costs
    without interest. act = 1 where |delta| > band; hedge is what moves delta to the nearer edge: band - delta above,
    -band - delta below, else 0.
Note: a missing delta or gamma is a book without options: band, hedge and act are 0. `sigma` plays no part in the rule.
    hedge has a direction, so that its type is signed_qty.
"""

from math import fabs, isnan
from typing import NamedTuple

from stratoquant.graph.language import PER_SYMBOL, Array, Parameters, State, array, layer, param
from stratoquant.graph.types import Bps, Flag, Opt, PerSymbol, Price, Real, SignedQty, Vol

THIRD = 0.3333333333333333


class Params(Parameters):
    risk_aversion: float = param(1, 0.01, 100, "aversion to risk, per unit of quote currency")


class Memory(State):
    hedge: Array = array(PER_SYMBOL)
    band: Array = array(PER_SYMBOL)
    act: Array = array(PER_SYMBOL)


class Out(NamedTuple):
    hedge: PerSymbol[SignedQty]
    band: PerSymbol[Real]
    act: PerSymbol[Flag]


@layer(
    93,
    "delta_hedge",
    domain="risk",
    source="Whalley and Wilmott 1997; OptionsIB (dynamic_delta)",
    scope="portfolio",
    loop="closed",
)
def step(
    s: Memory,
    p: Params,
    delta: Opt[PerSymbol[Real]],
    gamma: Opt[PerSymbol[Real]],
    price: PerSymbol[Price],
    sigma: PerSymbol[Vol],
    cost: PerSymbol[Bps],
) -> Out:
    for i in range(len(price)):
        s.hedge[i] = 0.0
        s.band[i] = 0.0
        s.act[i] = 0.0
        spread = fabs(cost[i]) * 1e-4 * price[i]
        if not isnan(delta[i] + gamma[i] + spread):
            s.band[i] = (1.5 * spread * gamma[i] * gamma[i] / p.risk_aversion) ** THIRD
            if fabs(delta[i]) > s.band[i]:
                s.act[i] = 1.0
                s.hedge[i] = s.band[i] - delta[i] if delta[i] > 0.0 else -s.band[i] - delta[i]
    return Out(s.hedge, s.band, s.act)
