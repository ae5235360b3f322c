"""L86: what the account would lose in the worst of a few scenarios, at the positions that it holds now.

Rule: with e the holdings, s their sigma of a day (sigma sqrt(bars_per_day)), as shares of equity:
    gap: gap sum |e|, every position gaps against itself; volatile day: vol_x sqrt(sum (e s)^2), each on its own;
    all as one: vol_x |sum e s|, correlation 1; dear exit: cost_x sum |e| cost / 10^4; and a market that moves by the
    share of a known crash or squeeze, -move sum e. worst = the largest of them within 0..1, scenario its number,
    breach = 1 where it exceeds `limit`.
Note: a symbol without a sigma or a cost counts in what needs none. Without equity a position is lost whole: worst = 1.
"""

from math import fabs, isnan, sqrt
from typing import NamedTuple

from stratoquant.graph.language import Parameters, State, kernel, layer, param
from stratoquant.graph.types import Bars, Bps, Flag, Label, Notional, PerSymbol, Unit, Vol

SCENARIOS = ("gap", "volatile day", "all as one", "dear exit", "march 2020", "may 2021", "squeeze")
MARCH_2020 = -0.50  # of bitcoin from the 12th to the 13th
MAY_2021 = -0.30  # on the 19th
SQUEEZE = 0.25


class Params(Parameters):
    gap: float = param(0.1, 0.01, 0.9, "move of the gap, share of price")
    vol_x: float = param(5, 1, 50, "daily sigmas of the volatile day")
    cost_x: float = param(10, 1, 100, "multiple of the cost to trade")
    limit: float = param(0.2, 0.01, 1, "loss that is too much, share of equity")


class Memory(State):
    worst: float = 0.0
    scenario: int = 0


class Out(NamedTuple):
    worst: Unit
    scenario: Label
    breach: Flag


@kernel
def consider(s: Memory, scenario: int, loss: float) -> float:
    """Keeps the scenario with the larger loss; the first of equal ones."""
    if loss > s.worst:
        s.worst = loss
        s.scenario = scenario
    return s.worst


@layer(
    86,
    "stress",
    domain="risk",
    source="StratoQuant section 9.1; OptionsIB (stress_test)",
    scope="portfolio",
    loop="closed",
    labels={"scenario": SCENARIOS},
    origins={
        "held": "account.exposure",
        "equity": "account.equity",
    },
)
def step(
    s: Memory,
    p: Params,
    held: PerSymbol[Notional],
    equity: Notional,
    sigma: PerSymbol[Vol],
    cost: PerSymbol[Bps],
    bars_per_day: Bars,
) -> Out:
    gross = 0.0
    net = 0.0
    alone = 0.0
    together = 0.0
    exit = 0.0
    for i in range(len(held)):
        if not isnan(held[i]):
            gross += fabs(held[i])
            net += held[i]
            if not isnan(sigma[i]):
                moved = held[i] * sigma[i] * sqrt(bars_per_day)
                alone += moved * moved
                together += moved
            if not isnan(cost[i]):
                exit += fabs(held[i] * cost[i]) * 1e-4
    s.worst = 0.0
    s.scenario = 0
    if equity > 0.0:
        consider(s, 0, p.gap * gross / equity)
        consider(s, 1, p.vol_x * sqrt(alone) / equity)
        consider(s, 2, p.vol_x * fabs(together) / equity)
        consider(s, 3, p.cost_x * exit / equity)
        consider(s, 4, -MARCH_2020 * net / equity)
        consider(s, 5, -MAY_2021 * net / equity)
        consider(s, 6, -SQUEEZE * net / equity)
    elif gross > 0.0:
        s.worst = 1.0
    worst = min(s.worst, 1.0)
    return Out(worst, float(s.scenario), 1.0 if worst > p.limit else 0.0)
