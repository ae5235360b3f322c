"""L66: what an edge has been worth, as the probability of a rise.

Rule: p_up = 1 / (1 + e^-(a edge + b)). With x = (edge, 1) of `horizon` bars ago, and y = 1 where the close has risen
    since, 0 where it has fallen (none where it is the same): p the probability that a and b of now give to x, g =
    rate / horizon, H = (1 - g) H + g p (1 - p) x x', and (a, b) += g (H + RIDGE I)^-1 ((y - p) x - RIDGE (a, b)), a
    Newton step. They begin at 0, H at I / 4, and are held within +-10. With q the p_up that was said with x, decayed by
    1 - g per outcome: brier = mean (q - y)^2; reliability = sum over BINS bins of q of their share times (mean q - mean
    y)^2, Murphy's term. ok = 1 when q has beaten the base rate of a rise (layers.primitives.outcomes).

Note: outcomes overlap, each with horizon - 1 others, so that one counts as 1 / horizon of an independent one; `rate`
    and the record are in independent ones. brier and reliability are missing until there are `horizon` outcomes.
"""

from math import exp, nan
from typing import NamedTuple

from stratoquant.graph.language import Array, Forecast, Parameters, State, array, kernel, layer, param, sized
from stratoquant.graph.types import Flag, Price, Prob, Score, Unit
from stratoquant.layers.primitives.outcomes import Record, beats_base_rate, judge
from stratoquant.layers.primitives.ring import Ring, back, push
from stratoquant.layers.primitives.scalars import clip

RIDGE = 0.001
MOST = 10.0
FIRST = 0.25  # of H, so that the first steps are small
BINS = 10
LONGER = 10.0
"""How many times longer the record remembers than the fit: it takes many outcomes to tell skill from luck."""


class Params(Parameters):
    horizon: int = param(60, 5, 5000, "bars after which an edge is judged")
    rate: float = param(0.01, 0.0001, 0.5, "weight of the latest independent outcome")


class Memory(State):
    edges: Ring = sized(lambda p: p.horizon)
    closes: Ring = sized(lambda p: p.horizon)
    told: Ring = sized(lambda p: p.horizon)
    record: Record
    weights: Array = array(BINS)
    forecasts: Array = array(BINS)
    outcomes: Array = array(BINS)
    weight: float = 0.0
    squares: float = 0.0
    judged: int = 0
    a: float = 0.0
    b: float = 0.0
    haa: float = FIRST
    hab: float = 0.0
    hbb: float = FIRST


class Out(NamedTuple):
    p_up: Prob
    brier: Unit
    reliability: Unit
    ok: Flag


@kernel
def chance(a: float, b: float, edge: float) -> float:
    return 1.0 / (1.0 + exp(-(a * edge + b)))


@kernel
def learn(s: Memory, edge: float, outcome: float, rate: float) -> float:
    """One Newton step towards the outcome of an edge."""
    p = chance(s.a, s.b, edge)
    weight = rate * p * (1.0 - p)
    s.haa = (1.0 - rate) * s.haa + weight * edge * edge
    s.hab = (1.0 - rate) * s.hab + weight * edge
    s.hbb = (1.0 - rate) * s.hbb + weight
    da = (outcome - p) * edge - RIDGE * s.a
    db = (outcome - p) - RIDGE * s.b
    haa = s.haa + RIDGE
    hbb = s.hbb + RIDGE
    determinant = haa * hbb - s.hab * s.hab
    s.a = clip(s.a + rate * (hbb * da - s.hab * db) / determinant, -MOST, MOST)
    s.b = clip(s.b + rate * (haa * db - s.hab * da) / determinant, -MOST, MOST)
    return p


@kernel
def note(s: Memory, forecast: float, outcome: float, keep: float) -> float:
    """Adds an outcome to the bin of its forecast; returns the squared error."""
    for k in range(BINS):
        s.weights[k] *= keep
        s.forecasts[k] *= keep
        s.outcomes[k] *= keep
    k = min(int(forecast * BINS), BINS - 1)
    s.weights[k] += 1.0
    s.forecasts[k] += forecast
    s.outcomes[k] += outcome
    error = (forecast - outcome) * (forecast - outcome)
    s.weight = keep * s.weight + 1.0
    s.squares = keep * s.squares + error
    s.judged += 1
    return error


@kernel
def unreliability(s: Memory) -> float:
    """The mean squared distance between what was forecast and what happened, over the bins."""
    total = 0.0
    for k in range(BINS):
        if s.weights[k] > 0.0:
            gap = s.forecasts[k] - s.outcomes[k]
            total += gap * gap / s.weights[k]
    return total / s.weight


@layer(
    66,
    "probability_calibration",
    domain="fusion",
    source="Platt 1999; Zadrozny and Elkan 2002",
    pine="yes",
    warmup=lambda p: p.horizon,
    forecasts={"p_up": Forecast(horizon="horizon")},
)
def step(s: Memory, p: Params, edge: Score, close: Price) -> Out:
    push(s.edges, edge)
    push(s.closes, close)
    rate = p.rate / p.horizon
    before = back(s.closes, p.horizon)
    if s.closes.head > p.horizon and close != before:
        outcome = 1.0 if close > before else 0.0
        then = back(s.told, p.horizon - 1)
        learn(s, back(s.edges, p.horizon), outcome, rate)
        note(s, then, outcome, 1.0 - rate)
        judge(s.record, then, outcome, 1.0 / p.horizon, 1.0 - rate / LONGER)
    brier = nan
    reliability = nan
    if s.judged >= p.horizon:
        brier = clip(s.squares / s.weight, 0.0, 1.0)
        reliability = clip(unreliability(s), 0.0, 1.0)
    p_up = push(s.told, chance(s.a, s.b, edge))
    return Out(p_up, brier, reliability, 1.0 if beats_base_rate(s.record) else 0.0)
