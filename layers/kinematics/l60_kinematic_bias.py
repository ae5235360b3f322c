"""L60: all evidence of motion as one signed score, and whether motion tends to go on.

Rule: evidence = mean of tanh of stack, hist, dmi, momentum, supertrend, ichimoku, alignment, kalman_t / 2 and
    divergence. persistence = logistic(4 (variance_ratio - 1) + (|kalman_t| - 1) / 2). Where it is below one half, a
    share reversion * (1 - 2 persistence) of the evidence is turned against the move: bias = evidence (1 - 2 * that
    share). conflict = 1 - |sum| / sum of absolute values, 0 without any evidence. Turning the sign of every input
    but variance_ratio turns the sign of bias.
Note: the scales inside the logistic, 4, 1 and 1/2, are ours: at a variance ratio of 1 and a slope of one standard
    error the move is as likely to go on as not.
"""

from math import fabs, tanh
from typing import NamedTuple

from stratoquant.graph.language import Parameters, layer, param
from stratoquant.graph.types import Prob, Real, Score, Side, Sigma, Unit
from stratoquant.layers.primitives.scalars import clip, logistic

PIECES = 9.0


class Params(Parameters):
    reversion: float = param(0.5, 0, 1, "share of the evidence that is turned where moves do not persist")


class Out(NamedTuple):
    bias: Score
    persistence: Prob
    conflict: Unit


@layer(60, "kinematic_bias", domain="kinematics", source="StratoQuant section 6", pine="yes")
def step(
    p: Params,
    stack: Score,
    hist: Real,
    dmi: Score,
    momentum: Score,
    supertrend: Side,
    ichimoku: Score,
    alignment: Score,
    kalman_t: Sigma,
    variance_ratio: Real,
    divergence: Side,
) -> Out:
    a = tanh(stack)
    b = tanh(hist)
    c = tanh(dmi)
    d = tanh(momentum)
    e = tanh(supertrend)
    f = tanh(ichimoku)
    g = tanh(alignment)
    h = tanh(0.5 * kalman_t)
    i = tanh(divergence)
    total = ((a + b) + (c + d)) + ((e + f) + (g + h)) + i
    size = ((fabs(a) + fabs(b)) + (fabs(c) + fabs(d))) + ((fabs(e) + fabs(f)) + (fabs(g) + fabs(h))) + fabs(i)
    persistence = logistic(4.0 * (variance_ratio - 1.0) + 0.5 * (fabs(kalman_t) - 1.0))
    turned = p.reversion * max(1.0 - 2.0 * persistence, 0.0)
    bias = total / PIECES * (1.0 - 2.0 * turned)
    conflict = 1.0 - fabs(total) / size if size > 0.0 else 0.0
    return Out(clip(bias, -1.0, 1.0), persistence, max(conflict, 0.0))
