"""L74: whether a proposal still pays after everything that it costs.

Rule: net_edge = p reward - (1 - p) risk - 2 fee - cost_buy - cost_sell - funding, all in bps of the notional;
    pass = 1 when there is a side and net_edge > min_edge. costs: all that is subtracted, in bps.
    funding = side * rate * 1e4 * hold / interval: the last rate seen, times the payments that fall into the hold. A
    rate comes only with the bars at which it is due, so interval is the number of steps between the last two of them.
    Until two have come one payment is reckoned with, and only if it costs; before the first, none.
"""

from math import isfinite, isnan, nan
from typing import NamedTuple

from graph.language import Parameters, State, layer, param
from graph.types import Bars, Bps, Flag, Opt, Prob, Real, Side
from layers.risk.funding import Funding, note_funding


class Params(Parameters):
    fee: float = param(5, -5, 100, "bps paid a fill; a rebate is negative")
    min_edge: float = param(3, -100, 500, "bps that must be left")


class Memory(State):
    funding: Funding


class Out(NamedTuple):
    net_edge: Bps
    pass_: Flag
    costs: Bps


@layer(
    74,
    "cost_gate",
    domain="risk",
    source="StratoQuant section 8; Quantum Trader (cost model)",
    pine="yes",
    says="{net_edge} bps left of a reward of {reward} at {p_success}, a risk of {risk}, and costs; pays: {pass}",
)
def step(
    s: Memory,
    p: Params,
    side: Side,
    reward: Bps,
    p_success: Prob,
    risk: Bps,
    cost_buy: Bps,
    cost_sell: Bps,
    funding_rate: Opt[Real],
    hold: Bars,
) -> Out:
    per_bar = note_funding(s.funding, funding_rate) * side * 1e4
    if not isnan(per_bar):
        funding = per_bar * hold
    elif not isnan(s.funding.rate):
        funding = max(s.funding.rate * side * 1e4, 0.0)
    else:
        funding = 0.0
    costs = 2.0 * p.fee + cost_buy + cost_sell + funding
    net_edge = p_success * reward - (1.0 - p_success) * risk - costs
    if not isfinite(net_edge):
        net_edge = nan
    return Out(net_edge, 1.0 if side != 0.0 and net_edge > p.min_edge else 0.0, costs if isfinite(costs) else nan)
