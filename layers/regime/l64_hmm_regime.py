"""L64: the state of a Gaussian hidden Markov model of return and volatility, filtered bar by bar.

Rule: x = ((z, ln sigma) - centre) / scale with z = ln(c / c[1]) / sigma[1], clipped to -10..10. With a the transition
    matrix and b_i the normal density of x in state i (diagonal covariance), the forward filter is
    p_j ~ b_j(x) sum_i p_i[1] a_ij, on the first bar p_j ~ start_j b_j(x), computed from the logs of the densities; then
    each p_j is raised to `floor` and all are divided by their sum. label = the likeliest state; entropy =
    -sum p ln p / ln 4; expected_stay = 1 / (1 - a_ii) of the label.
Note: sigma[1] is the volatility expected before the return; a sigma that contains the return bounds z. The clip keeps
    one bar after a standstill, whose sigma[1] is next to nothing, from deciding alone.
    A sigma or sigma[1] of 0 is no observation: the probabilities then move by the transitions alone. An a_ii of 1
    stays for ever, which counts as 1e9 bars. The fit numbers the states from the calmest to the wildest.
"""

from math import exp, isnan, log, nan
from typing import NamedTuple

from stratoquant.graph.language import Array, Model, Parameters, State, array, kernel, layer, param
from stratoquant.graph.types import Bars, Label, Price, Prob, Unit, Vol
from stratoquant.layers.primitives.scalars import clip, log_return

STATES = 4
FEATURES = 2
LARGEST = 10.0  # of z, as runtime.fit_regime clips what it fits to
TWO_PI = 6.283185307179586


class Params(Parameters):
    floor: float = param(1e-6, 0, 0.01, "least probability of a state")


class Weights(Model):
    centre: Array = array(FEATURES)
    scale: Array = array(FEATURES)
    start: Array = array(STATES)
    transition: Array = array(STATES * STATES)
    mean: Array = array(STATES * FEATURES)
    variance: Array = array(STATES * FEATURES)


class Memory(State):
    close: float = nan
    expected: float = nan  # sigma of the bar before
    p: Array = array(STATES)
    forecast: Array = array(STATES)
    begun: int = 0


class Out(NamedTuple):
    label: Label
    p0: Prob
    p1: Prob
    p2: Prob
    p3: Prob
    entropy: Unit
    expected_stay: Bars


@kernel
def log_density(m: Weights, state: int, standing: float, level: float) -> float:
    """Logarithm of a state's density at the two features."""
    at = state * FEATURES
    a = (standing - m.centre[0]) / m.scale[0] - m.mean[at]
    b = (level - m.centre[1]) / m.scale[1] - m.mean[at + 1]
    spread = m.variance[at] * m.variance[at + 1]
    return -0.5 * (a * a / m.variance[at] + b * b / m.variance[at + 1] + log(spread)) - log(TWO_PI)


@kernel
def advance(s: Memory, m: Weights) -> float:
    """Writes the probabilities of the states before the bar is seen."""
    for j in range(STATES):
        total = m.start[j]
        if s.begun == 1:
            total = 0.0
            for i in range(STATES):
                total += s.p[i] * m.transition[i * STATES + j]
        s.forecast[j] = total
    return 0.0


@kernel
def observe(s: Memory, m: Weights, standing: float, level: float) -> float:
    """Weighs the forecast by the densities, the largest of them taken as 1 so that none vanishes."""
    largest = -1e300
    for j in range(STATES):
        s.p[j] = log_density(m, j, standing, level)
        if s.forecast[j] > 0.0:
            largest = max(largest, s.p[j])
    for j in range(STATES):
        s.p[j] = s.forecast[j] * exp(min(s.p[j] - largest, 0.0))
    return 0.0


@kernel
def settle(s: Memory, floor: float) -> float:
    """Scales the probabilities to 1, none below the floor; returns their entropy."""
    total = s.p[0] + s.p[1] + s.p[2] + s.p[3]
    raised = 0.0
    for j in range(STATES):
        s.p[j] = max(s.p[j] / total, floor)
        raised += s.p[j]
    entropy = 0.0
    for j in range(STATES):
        s.p[j] /= raised
        if s.p[j] > 0.0:
            entropy -= s.p[j] * log(s.p[j])
    return clip(entropy / log(4.0), 0.0, 1.0)


@layer(
    64,
    "hmm_regime",
    domain="regime",
    source="Rabiner 1989; Hamilton 1989",
    oracle="hmmlearn GaussianHMM, its forward pass on each prefix",
    pine="yes",
    warmup=lambda p: 1,
    labels={"label": ("state_0", "state_1", "state_2", "state_3")},
)
def step(s: Memory, p: Params, m: Weights, close: Price, sigma: Vol) -> Out:
    change = log_return(close, s.close)
    expected = s.expected
    s.close = close
    s.expected = sigma
    if isnan(change):
        return Out(nan, nan, nan, nan, nan, nan, nan)
    advance(s, m)
    if sigma > 0.0 and expected > 0.0:
        observe(s, m, clip(change / expected, -LARGEST, LARGEST), log(sigma))
    else:
        for j in range(STATES):
            s.p[j] = s.forecast[j]
    entropy = settle(s, p.floor)
    s.begun = 1
    label = 0
    for j in range(1, STATES):
        if s.p[j] > s.p[label]:
            label = j
    leaves = 1.0 - m.transition[label * STATES + label]
    return Out(float(label), s.p[0], s.p[1], s.p[2], s.p[3], entropy, 1.0 / max(leaves, 1e-9))
