"""L66: what an edge has been worth, as the probability of a rise.

Rule: p_up = 1 / (1 + e^-(a edge + b)). With x = (edge, 1) of `horizon` bars ago, and y = 1 where the close has risen
    since, 0 where it has fallen (none where it is the same): p the probability that a and b of now give to x,
    H = (1 - rate) H + rate p (1 - p) x x', and (a, b) += rate (H + RIDGE I)^-1 ((y - p) x - RIDGE (a, b)), a Newton
    step. They begin at 0, H at I / 4, and are held within +-10. brier = mean (q - y)^2 over the last `horizon`
    outcomes, q the p_up that was told with x; reliability = (mean q - mean y)^2 over the same, Murphy's term with one
    bin.
Note: brier and reliability are missing until there are `horizon` outcomes.
"""

from math import exp
from typing import NamedTuple

from graph.language import Forecast, Parameters, State, kernel, layer, param, sized
from graph.types import Price, Prob, Score, Unit
from layers.primitives.ring import Ring, back, push
from layers.primitives.rolling import RollingMean, rolling_mean
from layers.primitives.scalars import clip

RIDGE = 0.001
MOST = 10.0
FIRST = 0.25  # of H, so that the first steps are small


class Params(Parameters):
    horizon: int = param(60, 5, 5000, "bars after which an edge is judged")
    rate: float = param(0.02, 0.0001, 0.5, "weight of the latest outcome")


class Memory(State):
    edges: Ring = sized(lambda p: p.horizon)
    closes: Ring = sized(lambda p: p.horizon)
    told: Ring = sized(lambda p: p.horizon)
    squares: RollingMean = sized(lambda p: p.horizon)
    forecasts: RollingMean = sized(lambda p: p.horizon)
    outcomes: RollingMean = sized(lambda p: p.horizon)
    a: float = 0.0
    b: float = 0.0
    haa: float = FIRST
    hab: float = 0.0
    hbb: float = FIRST


class Out(NamedTuple):
    p_up: Prob
    brier: Unit
    reliability: Unit


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
    brier = s.squares.value
    forecast = s.forecasts.value
    outcomes = s.outcomes.value
    before = back(s.closes, p.horizon)
    if s.closes.head > p.horizon and close != before:
        outcome = 1.0 if close > before else 0.0
        then = back(s.told, p.horizon - 1)
        learn(s, back(s.edges, p.horizon), outcome, p.rate)
        brier = rolling_mean(s.squares, (then - outcome) * (then - outcome), p.horizon)
        forecast = rolling_mean(s.forecasts, then, p.horizon)
        outcomes = rolling_mean(s.outcomes, outcome, p.horizon)
    p_up = push(s.told, chance(s.a, s.b, edge))
    gap = forecast - outcomes
    return Out(p_up, clip(brier, 0.0, 1.0), clip(gap * gap, 0.0, 1.0))
