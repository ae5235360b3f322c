"""L73: the opinions of the models in one probability.

Rule: of the members that are ok and have a probability, ln(p_up / (1 - p_up)) = sum w ln(p / (1 - p)) / sum w, p held
    within 1e-6 of 0 and 1, w the member's own weight times that of `weights` where one is there. consensus = the share
    of the weight on the side of p_up (1/2 where it takes none), members = their number. ok = 1 with at least
    min_members of them and a weight above 0; else ok = 0, consensus = 0 and p_up is missing.
    The calibrated edge is a member like the models: it is ok when it has beaten its base rate.
Note: `weights` (L65's, one step late; order trees, nhits, patch, calibration) is ours: the catalogue has the feedback
    and no port for it. `label` plays no part in the rule.
"""

from math import exp, isnan, log, nan
from typing import NamedTuple

from stratoquant.graph.language import Forecast, Parameters, State, kernel, layer, param
from stratoquant.graph.types import Count, Flag, Label, Opt, Prob, Unit, Vec
from stratoquant.layers.primitives.scalars import clip

EDGE = 1e-6


class Params(Parameters):
    w_trees: float = param(0.5, 0, 1, "weight of the boosted trees")
    w_nhits: float = param(0.3, 0, 1, "weight of N-HiTS")
    w_patch: float = param(0.2, 0, 1, "weight of PatchTST")
    w_cal: float = param(0.2, 0, 1, "weight of the calibrated edge")
    min_members: int = param(1, 1, 4, "models that must be ok")


class Memory(State):
    total: float = 0.0
    weight: float = 0.0
    rising: float = 0.0
    falling: float = 0.0
    members: int = 0


class Out(NamedTuple):
    p_up: Prob
    consensus: Unit
    ok: Flag
    members: Count


@kernel
def hear(s: Memory, p: float, ok: float, weight: float, learned: float) -> float:
    """Adds a member's opinion where it has one."""
    if ok > 0.0 and not isnan(p):
        held = clip(p, EDGE, 1.0 - EDGE)
        own = weight if isnan(learned) else weight * learned
        s.total += own * log(held / (1.0 - held))
        s.weight += own
        s.rising += own if p > 0.5 else 0.0
        s.falling += own if p < 0.5 else 0.0
        s.members += 1
    return s.total


@layer(
    73,
    "ensemble",
    domain="fusion",
    source="Quantum Trader 1.1 and 4.1",
    pine="yes",
    forecasts={"p_up": Forecast(like="p_cal")},
)
def step(
    s: Memory,
    p: Params,
    p_trees: Opt[Prob],
    ok_trees: Opt[Flag],
    p_nhits: Opt[Prob],
    ok_nhits: Opt[Flag],
    p_patch: Opt[Prob],
    ok_patch: Opt[Flag],
    p_cal: Opt[Prob],
    ok_cal: Opt[Flag],
    label: Label,
    weights: Opt[Vec[4, Unit]],
) -> Out:
    s.total = 0.0
    s.weight = 0.0
    s.rising = 0.0
    s.falling = 0.0
    s.members = 0
    hear(s, p_trees, ok_trees, p.w_trees, weights[0])
    hear(s, p_nhits, ok_nhits, p.w_nhits, weights[1])
    hear(s, p_patch, ok_patch, p.w_patch, weights[2])
    hear(s, p_cal, ok_cal, p.w_cal, weights[3])
    if s.members < p.min_members or s.weight <= 0.0:
        return Out(nan, 0.0, 0.0, float(s.members))
    p_up = 1.0 / (1.0 + exp(-s.total / s.weight))
    side = 0.5
    if p_up > 0.5:
        side = s.rising / s.weight
    elif p_up < 0.5:
        side = s.falling / s.weight
    return Out(p_up, side, 1.0, float(s.members))
