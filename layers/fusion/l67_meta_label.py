"""L67: whether the signal is worth taking, by the chance that it reaches its profit barrier first.

Rule: p_take = p_win, and take = 1 where it is at least `threshold`, there is a direction, and ok is not 0: a chance
    that has not beaten its base rate is no reason to trade.
Note: a secondary model over all inputs comes later; until one is there p_win passes through, as the catalogue has it.
"""

from typing import NamedTuple

from stratoquant.graph.language import Forecast, Parameters, layer, param
from stratoquant.graph.types import Flag, Opt, Prob, Score, Side, Unit, Vol


class Params(Parameters):
    threshold: float = param(0.5, 0, 1, "least chance at which a signal is taken")


class Out(NamedTuple):
    p_take: Prob
    take: Flag


@layer(
    67,
    "meta_label",
    domain="fusion",
    source="Lopez de Prado 2018 chapter 3",
    pine="yes",
    forecasts={"p_take": Forecast(like="p_win")},
)
def step(
    p: Params,
    direction: Side,
    edge: Score,
    sigma: Vol,
    vol_rank: Unit,
    tradeability: Unit,
    agreement: Unit,
    p_win: Prob,
    ok: Opt[Flag],
) -> Out:
    return Out(p_win, 1.0 if direction != 0.0 and p_win >= p.threshold and ok != 0.0 else 0.0)
