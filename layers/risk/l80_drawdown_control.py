"""L80: smaller positions the deeper the account is under its peak, and careful on the way back.

Rule: D = 1 - equity / peak, the drawdown. falling(D) = 1 up to `soft`, 0 from `hard` on, linear between. W = the
    worst D since the peak, won = (W - D) / W. Each quarter of `recover` that is won back lets a quarter of the size
    back: ceiling = max(falling(W), stages / 4), where stages = the most of floor(4 won / recover) since W, up to 4.
    scale = min(falling(D), ceiling): it falls at once and comes back in steps. A new peak forgets the worst. stage:
    0 full size, 1 reduced by the fall, 2 stopped at `hard`, 3 recovering.

Note: at scale 0 nothing is held, so the account cannot win anything back by itself; only money from outside, or a
    person who resets the memory, ends a stop. Equity that is not positive is a drawdown of 1.
"""

from math import floor, isfinite
from typing import NamedTuple

from stratoquant.graph.language import Cut, Parameters, State, kernel, layer, param
from stratoquant.graph.types import Label, Notional, Unit
from stratoquant.layers.primitives.scalars import clip


class Params(Parameters):
    soft: float = param(0.05, 0.01, 0.5, "drawdown at which the size begins to fall")
    hard: float = param(0.15, 0.02, 0.9, "drawdown at which nothing is held")
    recover: float = param(0.5, 0.1, 1, "share of the worst drawdown that brings the full size back")


class Memory(State):
    peak: float = 0.0
    worst: float = 0.0
    stages: float = 0.0


class Out(NamedTuple):
    drawdown: Unit
    scale: Unit
    stage: Label


@kernel
def falling(p: Params, drawdown: float) -> float:
    """The size that a drawdown leaves."""
    if drawdown >= p.hard:
        scale = 0.0
    elif drawdown <= p.soft:
        scale = 1.0
    else:
        scale = (p.hard - drawdown) / (p.hard - p.soft)
    return scale


@layer(
    80,
    "drawdown_control",
    domain="risk",
    source="OptionsIB (circuit_breaker, recovery_planner); Grossman and Zhou 1993",
    scope="portfolio",
    loop="closed",
    labels={"stage": ("full", "reduced", "stopped", "recovering")},
    origins={
        "equity": "account.equity",
    },
    cuts={"scale": Cut()},
)
def step(s: Memory, p: Params, equity: Notional) -> Out:
    drawdown = 1.0
    if isfinite(equity):
        if equity >= s.peak:
            s.peak = equity
            s.worst = 0.0
        if s.peak > 0.0:
            drawdown = clip(1.0 - equity / s.peak, 0.0, 1.0)
        if drawdown >= s.worst:
            s.worst = drawdown
            s.stages = 0.0
        else:
            won = (s.worst - drawdown) / s.worst
            s.stages = max(s.stages, min(floor(4.0 * won / p.recover + 1e-9), 4.0))
    ceiling = max(falling(p, s.worst), s.stages / 4.0)
    scale = min(falling(p, drawdown), ceiling)
    if scale <= 0.0:
        stage = 2
    elif scale >= 1.0:
        stage = 0
    else:
        stage = 1 if drawdown >= s.worst else 3
    return Out(drawdown, scale, stage)
