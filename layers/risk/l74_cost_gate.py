"""L74: whether a proposal still pays after everything that it costs.

Rule: net_edge = p reward - (1 - p) risk - costs, all in bps of the notional; pass = 1 when there is a side, net_edge >
    min_edge and ok is not 0. reward and risk are the mean win and the mean loss of all outcomes, those that reach no
    barrier included. costs = open + p win + (1 - p) loss + funding: what it costs to open, and to close a trade that
    gains or one that loses. Each of the three is (PRIOR expected + n own) / (PRIOR + n) with expected = taker_fee +
    (cost_buy + cost_sell) / 2 and own = what n own fills of the kind cost, within LEAST and MOST of expected; without
    own fills it is as expected. funding = side * rate * 1e4 * hold / interval: the last rate seen, times the payments
    that fall into the hold. A rate comes only with the bars at which it is due, so interval is the number of steps
    between the last two of them. Until two have come one payment is reckoned with, and only if it costs; before the
    first, none.

Differs from the source: the catalogue has the fee as a parameter and charges a taker's price twice; here the venue's
    fee is charged, and what fills turned out to cost counts as soon as there are some.
"""

from math import isfinite, isnan, nan
from typing import NamedTuple

from stratoquant.graph.language import Parameters, State, kernel, layer, param
from stratoquant.graph.types import Bars, Bps, Flag, Opt, Prob, Real, Side
from stratoquant.layers.primitives.scalars import clip
from stratoquant.layers.risk.funding import Funding, note_funding

PRIOR = 2.0
"""Fills that what is expected counts for."""
LEAST = 0.25
MOST = 4.0
"""Multiples of what is expected that own fills may tell."""


class Params(Parameters):
    min_edge: float = param(3, -100, 500, "bps that must be left")


class Memory(State):
    funding: Funding


class Out(NamedTuple):
    net_edge: Bps
    pass_: Flag
    costs: Bps


@kernel
def fill_cost(expected: float, own: float, fills: float) -> float:
    """What one fill is taken to cost, bps: as expected, and as it turned out the more the more fills there were."""
    if isnan(own) or not fills > 0.0:
        return expected
    own = clip(own, LEAST * expected, MOST * expected)
    return (PRIOR * expected + fills * own) / (PRIOR + fills)


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
    taker_fee: Bps,
    cost_open: Opt[Bps],
    cost_win: Opt[Bps],
    cost_loss: Opt[Bps],
    opened: Opt[Real],
    won: Opt[Real],
    lost: Opt[Real],
    ok: Opt[Flag],
) -> Out:
    per_bar = note_funding(s.funding, funding_rate) * side * 1e4
    if not isnan(per_bar):
        funding = per_bar * hold
    elif not isnan(s.funding.rate):
        funding = max(s.funding.rate * side * 1e4, 0.0)
    else:
        funding = 0.0
    expected = taker_fee + 0.5 * (cost_buy + cost_sell)
    win = fill_cost(expected, cost_win, won)
    loss = fill_cost(expected, cost_loss, lost)
    costs = fill_cost(expected, cost_open, opened) + p_success * win + (1.0 - p_success) * loss + funding
    net_edge = p_success * reward - (1.0 - p_success) * risk - costs
    if not isfinite(net_edge):
        net_edge = nan
    return Out(
        net_edge, 1.0 if side != 0.0 and net_edge > p.min_edge and ok != 0.0 else 0.0, costs if isfinite(costs) else nan
    )
