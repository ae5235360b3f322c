"""L3: all evidence of direction as one number, and the side that it takes.

Rule: log-odds pooling: total = w_bias * bias * persistence-weight + w_pattern * pattern_side * pattern_conf +
    w_flow * (flow + imbalance) / 2 + (regime_up - regime_down) / 2 + w_model * logit(model_p) / LOGIT, the last
    while model_ok. The weight of bias is (1 + persistence) / 2. edge = tanh(total) * tradeability * (1 - chaotic).
    direction is taken when |edge| passes threshold and kept until |edge| falls under half of it or the sign turns.
    confidence = |edge| * (0.5 + 0.5 * weight of the evidence that is there / all weight). edge rises with every
    directional input. Missing evidence drops out, as if it said nothing: it lowers the confidence, never turns the
    sign. flow and imbalance are two pieces of evidence with half of w_flow each; pattern_side needs pattern_conf.
Note: model_p is held in 0.001..0.999.
"""

from math import fabs, isnan, log, tanh
from typing import NamedTuple

from stratoquant.graph.language import Parameters, State, layer, param
from stratoquant.graph.types import Flag, Opt, Prob, Score, Side, Unit
from stratoquant.layers.primitives.scalars import clip, sign

LOGIT = 4.0
REGIME_WEIGHT = 0.5


class Params(Parameters):
    w_bias: float = param(1, 0, 5, "weight of the kinematic bias")
    w_pattern: float = param(0.8, 0, 5, "weight of the pattern vote")
    w_flow: float = param(0.4, 0, 5, "weight of flow and imbalance")
    w_model: float = param(1, 0, 5, "weight of the model")
    threshold: float = param(0.25, 0, 1, "edge at which a side is taken")


class Memory(State):
    direction: float = 0.0


class Out(NamedTuple):
    direction: Side
    edge: Score
    confidence: Unit


@layer(
    3,
    "fusion",
    domain="fusion",
    source="StratoQuant section 8; Genest and Zidek 1986 (log-odds pooling)",
    pine="yes",
    says="{direction}: edge {edge}, confidence {confidence}, from a bias of {bias} and patterns {pattern_side}",
)
def step(
    s: Memory,
    p: Params,
    bias: Score,
    persistence: Prob,
    pattern_side: Opt[Side],
    pattern_conf: Opt[Unit],
    flow: Opt[Score],
    imbalance: Opt[Score],
    regime_up: Prob,
    regime_down: Prob,
    chaotic: Prob,
    tradeability: Unit,
    model_p: Opt[Prob],
    model_ok: Opt[Flag],
) -> Out:
    total = p.w_bias * bias * 0.5 * (1.0 + persistence) + REGIME_WEIGHT * (regime_up - regime_down)
    there = p.w_bias + REGIME_WEIGHT
    pattern = pattern_side * pattern_conf
    if not isnan(pattern):
        total += p.w_pattern * pattern
        there += p.w_pattern
    if not isnan(flow):
        total += 0.5 * p.w_flow * flow
        there += 0.5 * p.w_flow
    if not isnan(imbalance):
        total += 0.5 * p.w_flow * imbalance
        there += 0.5 * p.w_flow
    if not isnan(model_p) and model_ok == 1.0:
        q = clip(model_p, 0.001, 0.999)
        total += p.w_model * log(q / (1.0 - q)) / LOGIT
        there += p.w_model
    weight = p.w_bias + REGIME_WEIGHT + p.w_pattern + p.w_flow + p.w_model
    edge = clip(tanh(total) * tradeability * (1.0 - chaotic), -1.0, 1.0)
    side = sign(edge)
    if fabs(edge) > p.threshold:
        s.direction = side
    elif side != s.direction or fabs(edge) < 0.5 * p.threshold:
        s.direction = 0.0
    confidence = fabs(edge) * (0.5 + 0.5 * there / weight)
    return Out(s.direction, edge, clip(confidence, 0.0, 1.0))
