"""L94: counts the reasons to stop everything, and says in which mode the account may be.

Rule: a vote for each of: more than MOST_POSITIONS positions; drawdown at or above DEEP; mean vol_rank of the symbols at
    or above WILD; gross above MOST_GROSS of equity; mean sentiment at or below GLOOM; alarm, and freeze, on at least
    half of the symbols that have one; breach_var; breach_stress. stop = 1 with `votes` of them or more; reasons has a
    bit for each. level: critical with a stop, safe with any vote, aggressive with none while drawdown < SHALLOW and the
    mean vol_rank < CALM, else normal.
Note: what is missing has no vote.
"""

from math import isnan
from typing import NamedTuple

from stratoquant.graph.language import Parameters, State, kernel, layer, param
from stratoquant.graph.types import Bitmask, Count, Flag, Label, Opt, PerSymbol, Real, Score, Unit

MOST_POSITIONS = 20.0
DEEP = 0.15
WILD = 0.98
MOST_GROSS = 3.0
GLOOM = -0.8
SHALLOW = 0.02
CALM = 0.5
REASONS = (
    "positions", "drawdown", "volatility", "exposure", "sentiment", "jumps", "freeze", "value at risk", "stress"
)  # fmt: skip
SAFE, NORMAL, AGGRESSIVE, CRITICAL = 0.0, 1.0, 2.0, 3.0


class Params(Parameters):
    votes: int = param(2, 1, 5, "reasons that stop everything")


class Memory(State):
    votes: int = 0
    reasons: float = 0.0


class Out(NamedTuple):
    stop: Flag
    reasons: Bitmask
    level: Label


@kernel
def mean_known(values: PerSymbol[Unit]) -> float:
    """The mean of the values that are there; missing when none is."""
    total = 0.0
    count = 0.0
    for i in range(len(values)):
        if not isnan(values[i]):
            total += values[i]
            count += 1.0
    return total / count


@kernel
def vote(s: Memory, reason: int, holds: bool) -> float:
    """Notes a reason."""
    if holds:
        s.votes += 1
        s.reasons += 2.0**reason
    return s.reasons


@layer(
    94,
    "emergency_stop",
    domain="risk",
    source="Quantum Trader 1.1 (ESS, AI-HFOS risk modes)",
    scope="portfolio",
    loop="closed",
    labels={"reasons": REASONS, "level": ("safe", "normal", "aggressive", "critical")},
    says="{level}; stop: {stop}; because: {reasons}",
    origins={
        "positions": "account.positions",
        "drawdown": "L80.drawdown",
    },
)
def step(
    s: Memory,
    p: Params,
    positions: Count,
    drawdown: Unit,
    vol_rank: PerSymbol[Unit],
    gross: Real,
    alarm: PerSymbol[Flag],
    freeze: PerSymbol[Flag],
    breach_var: Flag,
    breach_stress: Flag,
    sentiment: Opt[PerSymbol[Score]],
) -> Out:
    s.votes = 0
    s.reasons = 0.0
    wildness = mean_known(vol_rank)
    vote(s, 0, positions > MOST_POSITIONS)
    vote(s, 1, drawdown >= DEEP)
    vote(s, 2, wildness >= WILD)
    vote(s, 3, gross > MOST_GROSS)
    vote(s, 4, mean_known(sentiment) <= GLOOM)
    vote(s, 5, mean_known(alarm) >= 0.5)
    vote(s, 6, mean_known(freeze) >= 0.5)
    vote(s, 7, breach_var > 0.0)
    vote(s, 8, breach_stress > 0.0)
    level = NORMAL
    if s.votes >= p.votes:
        level = CRITICAL
    elif s.votes > 0:
        level = SAFE
    elif drawdown < SHALLOW and wildness < CALM:
        level = AGGRESSIVE
    return Out(1.0 if s.votes >= p.votes else 0.0, s.reasons, level)
