"""L63: how well this market can be traded now, and when to stay away.

Rule: score = product of 1 / (1 + e^(k (x - 1))), k = 4, over x = spread / max_spread, cost / max_cost, and cost /
    (two bars' sigma); of 1 / (1 + e^(40 (vpin_rank - toxic))); and of quality. cost is the dearer side. Each term
    falls as its input grows, quality apart. What is missing (no book, no toxicity) drops out of the product. avoid
    when stale, fillable < 1, cost > max_cost or vpin_rank > toxic. liquidity 0 thin where cost > max_cost / 2 or
    fillable < 1, 2 deep where cost < max_cost / 5, else 1.
"""

from math import isnan
from typing import NamedTuple

from stratoquant.graph.language import Parameters, kernel, layer, param
from stratoquant.graph.types import Bps, Flag, Label, Opt, Unit, Vol
from stratoquant.layers.primitives.scalars import clip, logistic

STEEPNESS = 4.0
TOXIC_STEEPNESS = 40.0


class Params(Parameters):
    max_cost: float = param(15, 0.5, 500, "dearest acceptable cost, bps")
    max_spread: float = param(10, 0.1, 500, "widest acceptable spread, bps")
    toxic: float = param(0.95, 0.5, 1, "rank of toxicity from which trading is avoided")


class Out(NamedTuple):
    score: Unit
    liquidity: Label
    avoid: Flag


@kernel
def falling(x: float, steepness: float) -> float:
    """1 for x far below 0, one half at 0, 0 far above; 1 for a missing x, which so drops out of a product."""
    return 1.0 if isnan(x) else logistic(-steepness * x)


@layer(
    63,
    "tradeability",
    domain="microstructure",
    source="StratoQuant section 5",
    pine="yes",
    labels={"liquidity": ("thin", "normal", "deep")},
)
def step(
    p: Params,
    spread: Opt[Bps],
    cost_buy: Bps,
    cost_sell: Bps,
    fillable: Unit,
    vpin_rank: Opt[Unit],
    quality: Unit,
    stale: Flag,
    sigma: Vol,
) -> Out:
    cost = max(cost_buy, cost_sell)
    noise = 2e4 * sigma
    against_noise = cost / noise - 1.0 if noise > 0.0 else (1e3 if cost > 0.0 else -1.0)
    score = falling(spread / p.max_spread - 1.0, STEEPNESS) * falling(cost / p.max_cost - 1.0, STEEPNESS)
    score *= falling(against_noise, STEEPNESS) * falling(vpin_rank - p.toxic, TOXIC_STEEPNESS) * quality
    avoid = stale > 0.0 or fillable < 1.0 or cost > p.max_cost or vpin_rank > p.toxic
    liquidity = 1.0
    if cost > 0.5 * p.max_cost or fillable < 1.0:
        liquidity = 0.0
    elif cost < 0.2 * p.max_cost:
        liquidity = 2.0
    return Out(clip(score, 0.0, 1.0), liquidity, 1.0 if avoid else 0.0)
