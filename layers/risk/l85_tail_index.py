"""L85: how heavy the tail of the losses is, and what a loss in it is expected to be.

Rule: x = -r1 / sigma[1] over the last `window` bars with a sigma[1] above 0; k = floor(share window), u the (k + 1)-th
    largest x. xi = mean ln(x / u) over the k largest (Hill), tail = 1 / xi, es = sigma u / (1 - xi), the mean loss
    beyond u on the next bar, 1 where xi >= 1. heavy = 1 where tail < 4: the fourth moment does not exist. xi and u are
    estimated again every 60 bars and held between.
Note: sigma[1] is the volatility expected before the return, as McNeil and Frey standardise. A sigma that contains the
    return bounds x (at 3.94 for an ewm of 30 bars) and hides the tail.
    Where u is not above 0, or all k are equal to it, there is no tail to measure: tail = 1e3, es = sigma max(u, 0).
    Differs from the source: McNeil and Frey fit a generalised Pareto tail to the residuals of a GARCH model; here the
    tail is Hill's and sigma is an input.
"""

from math import inf, isnan, log, nan
from typing import NamedTuple

from stratoquant.graph.language import Array, Parameters, State, array, kernel, layer, param
from stratoquant.graph.types import Flag, LogReturn, Real, Unit, Vol
from stratoquant.layers.primitives.largest import rank_largest

EVERY = 60
LIGHT = 1e-3  # of xi
HEAVY = 4.0
NEARLY = 0.8
"""Of the last u: what is above it surely holds all that is above the next one, or all is taken."""


class Params(Parameters):
    window: int = param(2000, 200, 50000, "bars of the losses")
    share: float = param(0.05, 0.01, 0.2, "share of them that is the tail")


class Memory(State):
    losses: Array = array(lambda p: p.window)
    work: Array = array(lambda p: p.window)
    expected: float = nan  # sigma of the bar before
    place: int = 0
    seen: int = 0
    waited: int = 0
    xi: float = nan
    edge: float = nan


class Out(NamedTuple):
    tail: Real
    es: Unit
    heavy: Flag


@kernel
def fit_tail(s: Memory, n: int, k: int) -> float:
    """Hill's estimate over the k largest losses; returns xi."""
    end = rank_largest(s.losses, n, k, NEARLY * s.edge if s.edge > 0.0 else -inf, s.work)
    s.edge = s.work[end - 1 - k]
    total = 0.0
    if s.edge > 0.0:
        for i in range(end - k, end):
            total += log(s.work[i] / s.edge)
    s.xi = max(total / k, LIGHT)
    return s.xi


@layer(
    85,
    "tail_index",
    domain="risk",
    source="Hill 1975; McNeil and Frey 2000",
    oracle="direct numpy Hill on the window",
    pine="yes",
    warmup=lambda p: p.window,
)
def step(s: Memory, p: Params, r1: LogReturn, sigma: Vol) -> Out:
    if s.expected > 0.0:
        s.losses[s.place] = -r1 / s.expected
        s.place = s.place + 1 if s.place + 1 < p.window else 0
        s.seen = min(s.seen + 1, p.window)
    s.expected = sigma
    s.waited += 1
    if s.seen == p.window and (isnan(s.xi) or s.waited >= EVERY):
        fit_tail(s, p.window, int(p.share * p.window))
        s.waited = 0
    if isnan(s.xi):
        return Out(nan, nan, nan)
    mean = 1.0
    if s.xi < 1.0:
        mean = min(sigma * max(s.edge, 0.0) / (1.0 - s.xi), 1.0)
    tail = 1.0 / s.xi
    return Out(tail, mean, 1.0 if tail < HEAVY else 0.0)
