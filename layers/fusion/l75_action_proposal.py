"""L75: the proposals of all symbols in order of worth; only the best keep their side.

Rule: priority = max(expectancy, 0) * confidence * tradeability / (1 + that), a share that keeps the order. A symbol is
    a candidate with direction not 0 and take = 1. Candidates are ranked by expectancy * confidence * tradeability, ties
    by the symbols' order; rank 1 is best, 0 is no candidate. Those within `top` keep their side, the others get 0. A
    symbol without a direction keeps the side of its position, with rank 0: what was begun is ended by its barriers, its
    time, or an opinion against it, not by the lack of one. size_hint = confidence; reward = target, risk = stop,
    p_success = p_win, hold passes through. A symbol with a missing input is absent: everything about it is missing.
    `position` is not in the catalogue; without it nothing is held."""

from math import isnan, nan
from typing import NamedTuple

from stratoquant.graph.language import PER_SYMBOL, Array, Forecast, Parameters, State, array, kernel, layer, param
from stratoquant.graph.types import Bars, Bps, Count, Flag, Opt, PerSymbol, Prob, Side, SignedQty, Unit
from stratoquant.layers.primitives.scalars import sign


class Params(Parameters):
    top: int = param(5, 1, 100, "symbols that may be proposed at a time")


class Memory(State):
    side: Array = array(PER_SYMBOL)
    size_hint: Array = array(PER_SYMBOL)
    reward: Array = array(PER_SYMBOL)
    risk: Array = array(PER_SYMBOL)
    p_success: Array = array(PER_SYMBOL)
    hold: Array = array(PER_SYMBOL)
    rank: Array = array(PER_SYMBOL)
    priority: Array = array(PER_SYMBOL)
    worth: Array = array(PER_SYMBOL)


class Out(NamedTuple):
    side: PerSymbol[Side]
    size_hint: PerSymbol[Unit]
    reward: PerSymbol[Bps]
    risk: PerSymbol[Bps]
    p_success: PerSymbol[Prob]
    hold: PerSymbol[Bars]
    rank: PerSymbol[Count]
    priority: PerSymbol[Unit]


@kernel
def better_count(worth: Array, count: int, i: int) -> int:
    """How many symbols are worth more than symbol i, or the same and stand before it; missing ones never are."""
    better = 0
    for j in range(count):
        if worth[j] > worth[i] or (worth[j] == worth[i] and j < i):
            better += 1
    return better


@layer(
    75,
    "action_proposal",
    domain="fusion",
    source="StratoQuant section 8; Quantum Trader 1.1 (Opportunity Ranker)",
    scope="portfolio",
    says="proposes to be {side}, size {size_hint}, rank {rank}: reward {reward}, risk {risk} bps, {p_success} to win",
    forecasts={"p_success": Forecast(like="p_win")},
)
def step(
    s: Memory,
    p: Params,
    direction: PerSymbol[Side],
    confidence: PerSymbol[Unit],
    p_win: PerSymbol[Prob],
    take: PerSymbol[Flag],
    hold: PerSymbol[Bars],
    target: PerSymbol[Bps],
    stop: PerSymbol[Bps],
    expectancy: PerSymbol[Bps],
    tradeability: PerSymbol[Unit],
    position: Opt[PerSymbol[SignedQty]],
) -> Out:
    count = len(direction)
    for i in range(count):
        known = not isnan(direction[i] + confidence[i] + p_win[i] + take[i] + hold[i])
        known = known and not isnan(target[i] + stop[i] + expectancy[i] + tradeability[i])
        candidate = known and direction[i] != 0.0 and take[i] == 1.0
        s.worth[i] = expectancy[i] * confidence[i] * tradeability[i] if candidate else nan
        gain = max(expectancy[i], 0.0) * confidence[i] * tradeability[i] if known else nan
        s.priority[i] = gain / (1.0 + gain)
        s.size_hint[i] = confidence[i] if known else nan
        s.reward[i] = target[i] if known else nan
        s.risk[i] = stop[i] if known else nan
        s.p_success[i] = p_win[i] if known else nan
        s.hold[i] = hold[i] if known else nan
        s.rank[i] = 0.0 if known else nan
        s.side[i] = 0.0 if known else nan
        if known and direction[i] == 0.0 and not isnan(position[i]):
            s.side[i] = sign(position[i])
    for i in range(count):
        if not isnan(s.worth[i]):
            place = 1 + better_count(s.worth, count, i)
            s.rank[i] = float(place)
            s.side[i] = direction[i] if place <= p.top else 0.0
    return Out(s.side, s.size_hint, s.reward, s.risk, s.p_success, s.hold, s.rank, s.priority)
