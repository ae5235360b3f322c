"""L65: which patterns and models have been right lately, by price alone, and whether that has changed.

Rule: o = sign(close - close[horizon]) judges what was said `horizon` bars ago; at 0 nothing is judged. hit_rates =
    (hits + prior / 2) / (hits + misses + prior), a hit being a signal on the side of o, each bar that it was alive. A
    signal counts by its uniqueness, the mean over the bars until it is judged of 1 / (signals of its pattern that are
    not judged yet), and half as much half_life judged bars later. weights = w e^(-rate loss / horizon) / sum, with
    loss = -ln of the probability that a member gave to o, held within 1e-6 of 0 and 1; w is 1/4 each at first, one
    that said nothing keeps its w, and none falls below 1e-6 (Hedge). drift: with m the mean of all losses so far, U =
    U[1] + (loss - m - delta) / horizon and drift_stat = U - min U, drift = 1 where it exceeds lambda, after which the
    test begins again (Page-Hinkley); the loss is the mean of the members' that spoke, by weight, and the share of
    signals that were wrong where none did. explore = 1 where the next of x = 48271 x mod 2^31 - 1 is
    below `explore` of it, x begun with the seconds of the first step's time.
Note: outcomes of neighbouring bars overlap, so that members and drift count each as 1 / horizon of an independent one.
    What is said here is read one bar later, by L50 and L73. `label` plays no part in the rule.
"""

from math import exp, floor, isnan, log
from typing import NamedTuple

from stratoquant.graph.language import Array, Parameters, State, array, kernel, layer, param, sized
from stratoquant.graph.types import Flag, Label, Opt, Price, Prob, Real, Side, TimeMs, Unit, Vec
from stratoquant.layers.primitives.ring import Ring, back, push
from stratoquant.layers.primitives.scalars import clip, sign

PATTERNS = 24
MEMBERS = 4
EDGE = 1e-6
PRIME = 2147483647.0
MULTIPLIER = 48271.0


class Params(Parameters):
    horizon: int = param(60, 5, 5000, "bars after which an opinion is judged")
    rate: float = param(0.2, 0, 1, "how fast weights follow the losses of independent outcomes")
    explore: float = param(0.1, 0, 1, "share of bars on which to explore")
    prior: float = param(20, 1, 500, "signals that the even prior is worth")
    delta: float = param(0.005, 0, 1, "rise of the loss that is no drift")
    lambda_: float = param(5, 0.1, 1000, "sum of rises that is one")
    half_life: float = param(5000, 100, 200000, "judged bars after which a hit counts half")


class Memory(State):
    closes: Ring = sized(lambda p: p.horizon)
    signals: Array = array(lambda p: PATTERNS * p.horizon)
    said: Array = array(lambda p: MEMBERS * p.horizon)
    shares: Array = array(lambda p: PATTERNS * p.horizon)  # s.share as it was at each signal
    share: Array = array(PATTERNS)  # sum of 1 / (open signals) so far
    open: Array = array(PATTERNS)
    hits: Array = array(PATTERNS)
    misses: Array = array(PATTERNS)
    hit_rates: Array = array(PATTERNS, fill=0.5)
    weights: Array = array(MEMBERS, fill=0.25)
    losses: Array = array(MEMBERS)
    place: int = 0
    judged: float = 0.0
    mean: float = 0.0
    sum: float = 0.0
    least: float = 0.0
    x: float = 0.0


class Out(NamedTuple):
    weights: Vec[4, Unit]
    hit_rates: Vec[24, Prob]
    drift: Flag
    drift_stat: Real
    explore: Flag


@kernel
def age_patterns(s: Memory) -> float:
    """One bar more of what is open, before any of it is judged."""
    for k in range(PATTERNS):
        s.share[k] += 1.0 / s.open[k] if s.open[k] > 0.0 else 0.0
    return s.share[0]


@kernel
def judge_patterns(s: Memory, p: Params, outcome: float, keep: float) -> float:
    """Counts hits and misses of the signals at s.place, each by its uniqueness; returns the share of them that was
    wrong, below 0 for none. outcome: 0 when the price is the same, which ends them without a judgement."""
    wrong = 0
    told = 0
    for k in range(PATTERNS):  # without a branch: what comes true is a coin's toss
        at = s.place * PATTERNS + k
        signal = s.signals[at]
        spoke = 1 if signal < 0.0 or signal > 0.0 else 0
        right = 1 if signal * outcome > 0.0 else 0
        unique = (s.share[k] - s.shares[at]) / p.horizon if outcome != 0.0 else 0.0
        told += spoke
        wrong += spoke - right
        s.open[k] -= spoke
        s.hits[k] = keep * s.hits[k] + unique * right
        s.misses[k] = keep * s.misses[k] + unique * (spoke - right)
        s.hit_rates[k] = (s.hits[k] + 0.5 * p.prior) / (s.hits[k] + s.misses[k] + p.prior)
    return wrong / told if told > 0 and outcome != 0.0 else -1.0


@kernel
def judge_members(s: Memory, outcome: float, rate: float) -> float:
    """Moves the weights of the members that spoke; returns their loss before that, below 0 when none did."""
    total = 0.0
    spoke = 0.0
    for k in range(MEMBERS):
        p = s.said[s.place * MEMBERS + k]
        s.losses[k] = 0.0
        if not isnan(p):
            held = clip(p, EDGE, 1.0 - EDGE)
            s.losses[k] = -log(held if outcome > 0.0 else 1.0 - held)
            total += s.weights[k] * s.losses[k]
            spoke += s.weights[k]
            s.weights[k] = max(s.weights[k] * exp(-rate * s.losses[k]), EDGE)
    if spoke > 0.0:
        whole = s.weights[0] + s.weights[1] + s.weights[2] + s.weights[3]
        for k in range(MEMBERS):
            s.weights[k] = s.weights[k] / whole
        total = total / spoke
    return total if spoke > 0.0 else -1.0


@kernel
def watch(s: Memory, loss: float, delta: float, limit: float, weight: float) -> bool:
    """One step of the Page-Hinkley test; True where the loss has drifted upwards. weight: independent outcomes."""
    s.judged += 1.0
    s.mean += (loss - s.mean) / s.judged
    s.sum += weight * (loss - s.mean - delta)
    s.least = min(s.least, s.sum)
    drifted = s.sum - s.least > limit
    if drifted:
        s.judged = 0.0
        s.mean = 0.0
        s.sum = 0.0
        s.least = 0.0
    return drifted


@kernel
def drawn(s: Memory, time: float) -> float:
    """The next number of the generator, in 0..1; every product stays below 2^53 and is exact."""
    if s.x == 0.0:
        seconds = floor(time / 1000.0)
        s.x = seconds - floor(seconds / PRIME) * PRIME
        s.x = max(s.x, 1.0)
    product = MULTIPLIER * s.x
    s.x = product - floor(product / PRIME) * PRIME
    return s.x / PRIME


@layer(
    65,
    "adaptation",
    domain="meta",
    source="Freund and Schapire 1997; Page 1954; Quantum Trader 1.1 (Meta-Strategy Controller)",
    pine="yes",
    warmup=lambda p: p.horizon,
)
def step(
    s: Memory,
    p: Params,
    label: Label,
    pattern_signals: Vec[24, Side],
    member_p: Opt[Vec[4, Prob]],
    close: Price,
    time: TimeMs,
) -> Out:
    push(s.closes, close)
    drift = 0.0
    age_patterns(s)
    if s.closes.head > p.horizon:
        outcome = sign(close - back(s.closes, p.horizon))
        keep = 2.0 ** (-1.0 / p.half_life) if outcome != 0.0 else 1.0
        wrong = judge_patterns(s, p, outcome, keep)
        if outcome != 0.0:
            loss = judge_members(s, outcome, p.rate / p.horizon)
            loss = wrong if loss < 0.0 else loss
            if loss >= 0.0 and watch(s, loss, p.delta, p.lambda_, 1.0 / p.horizon):
                drift = 1.0
    for k in range(PATTERNS):
        signal = pattern_signals[k]
        s.signals[s.place * PATTERNS + k] = signal
        s.shares[s.place * PATTERNS + k] = s.share[k]
        s.open[k] += 1.0 if signal < 0.0 or signal > 0.0 else 0.0
    for k in range(MEMBERS):
        s.said[s.place * MEMBERS + k] = member_p[k]
    s.place = s.place + 1 if s.place + 1 < p.horizon else 0
    explore = 1.0 if drawn(s, time) < p.explore else 0.0
    return Out(s.weights, s.hit_rates, drift, s.sum - s.least, explore)
