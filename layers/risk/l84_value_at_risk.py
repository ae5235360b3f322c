"""L84: what today's holdings would lose in the worst of the last bars, at today's volatility.

Rule: filtered historical simulation. v = weighted mean of r1^2, weights falling by 0.97 a return (RiskMetrics for the
    longer horizon), known once half of the whole weight is there, which is after 23 returns; z = r1 / sqrt(v[1]), 0
    where it is not known or v[1] is 0. With b = held sqrt(v), total = sum |b|, mix = b / total, the losses of the last
    `window` bars are L = -sum mix z, one for each bar, all symbols of a bar together. q = their quantile at level,
    linear between neighbours as numpy's, e = mean of those that rank above: the ranks after floor(level (window - 1)).
    var = sqrt(horizon) total q / equity, cvar the same of e, within 0..1; breach = 1 where var > limit. Volatility and
    holdings act at once through `total`; q and e are found anew when the mix has moved by more than 0.05 (sum of
    |differences|) since, or 30 bars later, and held between. Nothing held: 0 at no cost.
Note: a holding without a known v, or of a symbol after the first 64, counts as lost. Without equity any holding is:
    var = 1. Losses are linear in the log return.
"""

from math import fabs, inf, isnan, nan, sqrt
from typing import NamedTuple

from graph.language import PER_SYMBOL, Array, Parameters, State, array, kernel, layer, param
from graph.types import Flag, LogReturn, Notional, PerSymbol, Unit
from layers.primitives.scalars import clip
from layers.primitives.spike import select

MOST = 64
FADE = 0.97
KNOWN = 0.5 / (1.0 - FADE)
FIRST = 23  # returns until half of the weight is there
EVERY = 30
MOVED = 0.05


class Params(Parameters):
    window: int = param(1000, 100, 20000, "bars that are played again")
    level: float = param(0.99, 0.9, 0.999, "share of the losses that the value at risk is not exceeded by")
    horizon: int = param(60, 1, 10000, "bars over which the loss is counted")
    limit: float = param(0.05, 0.001, 1, "value at risk that is too much, share of equity")


class Memory(State):
    filtered: Array = array(lambda p: p.window * MOST)  # z of symbol i at i window
    losses: Array = array(lambda p: p.window)
    weight: Array = array(PER_SYMBOL)
    variance: Array = array(PER_SYMBOL)
    exposed: Array = array(PER_SYMBOL)
    mix: Array = array(PER_SYMBOL)
    place: int = 0
    waited: int = 0
    quantile: float = nan
    beyond: float = nan


class Out(NamedTuple):
    var: Unit
    cvar: Unit
    breach: Flag


@kernel
def filter_return(s: Memory, i: int, r: float, place: int) -> float:
    """Keeps a return in units of the volatility that was expected for it; returns the next expected variance."""
    known = s.weight[i] >= KNOWN and s.variance[i] > 0.0
    s.filtered[place] = r / sqrt(s.variance[i]) if known and not isnan(r) else 0.0
    if not isnan(r):
        s.weight[i] = FADE * s.weight[i] + 1.0
        s.variance[i] += (r * r - s.variance[i]) / s.weight[i]
    return s.variance[i]


@kernel
def play_again(s: Memory, n: int, window: int, level: float, total: float) -> float:
    """The losses of the mix over the window; returns their quantile."""
    for k in range(window):
        s.losses[k] = 0.0
    for i in range(n):
        s.mix[i] = s.exposed[i] / total
        if s.mix[i] != 0.0:
            for k in range(window):
                s.losses[k] -= s.mix[i] * s.filtered[i * window + k]
    rank = int(level * (window - 1))
    lower = select(s.losses, window, rank)
    upper = inf
    above = 0.0
    for k in range(rank + 1, window):
        upper = min(upper, s.losses[k])
        above += s.losses[k]
    s.quantile = lower + (level * (window - 1) - rank) * (upper - lower)
    s.beyond = above / (window - 1 - rank)
    s.waited = 0
    return s.quantile


@layer(
    84,
    "value_at_risk",
    domain="risk",
    source="Barone-Adesi, Giannopoulos and Vosper 1999; OptionsIB (probabilistic_pnl)",
    oracle="numpy on the same window",
    scope="portfolio",
    loop="closed",
    warmup=lambda p: p.window + FIRST + EVERY - 2,  # so long that what is held was found over a full window
    says="value at risk {var} of equity, expected beyond it {cvar}",
    origins={
        "held": "account.exposure",
        "equity": "account.equity",
    },
)
def step(s: Memory, p: Params, r1: PerSymbol[LogReturn], held: PerSymbol[Notional], equity: Notional) -> Out:
    n = min(len(r1), MOST)
    total = 0.0
    lost = 0.0
    for i in range(len(r1)):
        holding = 0.0 if isnan(held[i]) else held[i]
        if i < n:
            filter_return(s, i, r1[i], i * p.window + s.place)
        if i < n and s.weight[i] >= KNOWN:
            s.exposed[i] = holding * sqrt(s.variance[i])
            total += fabs(s.exposed[i])
        else:
            s.exposed[i] = 0.0
            lost += fabs(holding)
    s.place = s.place + 1 if s.place + 1 < p.window else 0
    s.waited += 1
    likely = 0.0
    worst = 0.0
    if total > 0.0:
        moved = 0.0
        for i in range(n):
            moved += fabs(s.exposed[i] / total - s.mix[i])
        if isnan(s.quantile) or s.waited >= EVERY or moved > MOVED:
            play_again(s, n, p.window, p.level, total)
        likely = sqrt(float(p.horizon)) * total * s.quantile
        worst = sqrt(float(p.horizon)) * total * s.beyond
    var = 0.0
    cvar = 0.0
    if equity > 0.0:
        var = clip((likely + lost) / equity, 0.0, 1.0)
        cvar = clip((worst + lost) / equity, 0.0, 1.0)
    elif total + lost > 0.0:
        var = 1.0
        cvar = 1.0
    return Out(var, cvar, 1.0 if var > p.limit else 0.0)
