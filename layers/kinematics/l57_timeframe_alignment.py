"""L57: whether four clocks point the same way.

Rule: alignment = sum w b / sum w, with weight w and bias b of each clock, 0 when all weights are 0. agreement =
    share of the weight whose bias has the sign of the alignment, 0 when that is 0. dominant = the clock with the
    largest |w b|, the slower one of equals. A slow clock shows its last closed bar.
"""

from math import fabs
from typing import NamedTuple

from stratoquant.graph.language import Parameters, kernel, layer, param
from stratoquant.graph.types import Label, Score, Unit
from stratoquant.layers.primitives.scalars import clip, sign

CLOCKS = ("1", "5", "15", "60")


class Params(Parameters):
    w1: float = param(1, 0, 10, "weight of the base clock")
    w5: float = param(2, 0, 10, "weight of the second clock")
    w15: float = param(3, 0, 10, "weight of the third clock")
    w60: float = param(4, 0, 10, "weight of the slowest clock")


class Out(NamedTuple):
    alignment: Score
    agreement: Unit
    dominant: Label


@kernel
def agreeing(weight: float, bias: float, side: float) -> float:
    return weight if sign(bias) == side else 0.0


@layer(
    57,
    "timeframe_alignment",
    domain="kinematics",
    source="StratoQuant section 6; Elder 1993",
    pine="yes",
    labels={"dominant": CLOCKS},
)
def step(p: Params, bias_1: Score, bias_5: Score, bias_15: Score, bias_60: Score) -> Out:
    weight = p.w1 + p.w5 + p.w15 + p.w60
    total = p.w1 * bias_1 + p.w5 * bias_5 + p.w15 * bias_15 + p.w60 * bias_60
    alignment = total / weight if weight > 0.0 else 0.0
    side = sign(alignment)
    same = agreeing(p.w1, bias_1, side) + agreeing(p.w5, bias_5, side)
    same += agreeing(p.w15, bias_15, side) + agreeing(p.w60, bias_60, side)
    agreement = same / weight if weight > 0.0 and side != 0.0 else 0.0
    dominant = 0.0
    largest = fabs(p.w1 * bias_1)
    if fabs(p.w5 * bias_5) >= largest:
        dominant = 1.0
        largest = fabs(p.w5 * bias_5)
    if fabs(p.w15 * bias_15) >= largest:
        dominant = 2.0
        largest = fabs(p.w15 * bias_15)
    if fabs(p.w60 * bias_60) >= largest:
        dominant = 3.0
    return Out(clip(alignment, -1.0, 1.0), min(agreement, 1.0), dominant)
