"""L84: what today's holdings would lose over the next bars in the worst of the last ones, at today's volatility.

Rule: filtered historical simulation. v = weighted mean of r1^2, weights halving every half_life returns, known once
    half_life returns have come; z = r1 / sqrt(v[1]), clipped to -20..20, 0 where it is not known or v[1] is 0; Z = the
    sum of the last `horizon` z, one for each bar. With b = held sqrt(v), the losses are L = -sum b Z over the symbols,
    for the last `window` bars that have a Z, or for all of them until there are so many, at least 1000 or `window`.
    q = their quantile at level, linear between neighbours as numpy's, e = mean of those that rank above: the ranks
    after floor(level (n - 1)). var = q / equity, cvar = e / equity, within 0..1; breach = 1 where var > limit. All is
    computed at each bar; nothing held: 0 at no cost.
Note: a holding without a known v, or of a symbol after the first 64, counts as lost. Without equity any holding is:
    var = 1. Losses are linear in the log return. The clip keeps the first move after a standstill, whose v[1] is next
    to nothing, out of the tail. Sums that overlap are not independent losses: `window` should be many horizons;
    of 60 at 99 %, the defaults are exceeded on 1.2 to 1.9 % of the hours of real bars.
    Differs from the source: Barone-Adesi, Giannopoulos and Vosper draw z at random into paths and let the volatility
    move along each; here the paths are those that happened, at the volatility of this bar.
"""

from math import fabs, inf, isnan, nan, sqrt
from typing import NamedTuple

from stratoquant.graph.language import PER_SYMBOL, Array, Parameters, State, array, kernel, layer, param
from stratoquant.graph.types import Flag, LogReturn, Notional, PerSymbol, Unit
from stratoquant.layers.primitives.largest import rank_largest
from stratoquant.layers.primitives.scalars import clip
from stratoquant.layers.primitives.sums import total

MOST = 64
LEAST = 1000  # losses of which a quantile is taken, or all of a shorter window
LARGEST = 20.0  # of z
NEARLY = 0.8
"""Of the last quantile: what is above it surely holds all that is above the next one, or all is ranked."""


class Params(Parameters):
    window: int = param(4000, 100, 20000, "bars that are played again")
    level: float = param(0.99, 0.9, 0.999, "share of the losses that the value at risk is not exceeded by")
    horizon: int = param(60, 1, 10000, "bars over which the loss is counted")
    half_life: int = param(240, 5, 20000, "returns after which one counts half in the volatility")
    limit: float = param(0.05, 0.001, 1, "value at risk that is too much, share of equity")


class Memory(State):
    filtered: Array = array(lambda p: p.horizon * MOST)  # z of symbol i at i horizon
    sums: Array = array(lambda p: p.window * MOST)  # Z of symbol i at i window
    losses: Array = array(lambda p: p.window)
    work: Array = array(lambda p: p.window)
    returns: Array = array(PER_SYMBOL)  # how many have come
    weight: Array = array(PER_SYMBOL)
    variance: Array = array(PER_SYMBOL)
    exposed: Array = array(PER_SYMBOL)
    bars: int = 0
    quantile: float = nan  # of the losses per unit of exposure
    beyond: float = nan


class Out(NamedTuple):
    var: Unit
    cvar: Unit
    breach: Flag


@kernel
def filter_return(s: Memory, i: int, r: float, half_life: int, fade: float) -> float:
    """Takes a return into the variance; returns it in units of the volatility that was expected for it."""
    z = 0.0
    if not isnan(r):
        if s.returns[i] >= half_life and s.variance[i] > 0.0:
            z = clip(r / sqrt(s.variance[i]), -LARGEST, LARGEST)
        s.returns[i] += 1.0
        s.weight[i] = fade * s.weight[i] + 1.0
        s.variance[i] += (r * r - s.variance[i]) / s.weight[i]
    return z


@kernel
def sum_filtered(s: Memory, i: int, z: float, horizon: int) -> float:
    """The sum of the last `horizon` filtered returns of a symbol, z among them."""
    first = i * horizon
    s.filtered[first + s.bars % horizon] = z
    return total(s.filtered, first, horizon)


@kernel
def play_again(s: Memory, symbols: int, n: int, window: int, level: float, size: float) -> float:
    """The losses of one unit of exposure, in the mix of today, over n bars; returns their quantile."""
    for k in range(n):
        s.losses[k] = 0.0
    for i in range(symbols):
        if s.exposed[i] != 0.0:
            share = s.exposed[i] / size
            for k in range(n):
                s.losses[k] -= share * s.sums[i * window + k]
    rank = int(level * (n - 1))
    count = n - 1 - rank
    end = rank_largest(s.losses, n, count, NEARLY * s.quantile if s.quantile > 0.0 else -inf, s.work)
    lower = s.work[end - 1 - count]
    upper = inf
    above = 0.0
    for k in range(end - count, end):
        upper = min(upper, s.work[k])
        above += s.work[k]
    s.quantile = lower + (level * (n - 1) - rank) * (upper - lower)
    s.beyond = above / count
    return s.quantile


@layer(
    84,
    "value_at_risk",
    domain="risk",
    source="Barone-Adesi, Giannopoulos and Vosper 1999; OptionsIB (probabilistic_pnl)",
    oracle="numpy on the same window",
    scope="portfolio",
    loop="closed",
    warmup=lambda p: p.half_life + p.horizon + min(p.window, LEAST) - 2,
    says="value at risk {var} of equity, expected beyond it {cvar}",
    origins={
        "held": "account.exposure",
        "equity": "account.equity",
    },
)
def step(s: Memory, p: Params, r1: PerSymbol[LogReturn], held: PerSymbol[Notional], equity: Notional) -> Out:
    symbols = min(len(r1), MOST)
    fade = 0.5 ** (1.0 / p.half_life)
    known = s.bars - (p.half_life + p.horizon - 1)  # sums before this one in which every z can be there
    size = 0.0
    lost = 0.0
    for i in range(len(r1)):
        holding = 0.0 if isnan(held[i]) else held[i]
        s.exposed[i] = 0.0
        if i < symbols:
            z = filter_return(s, i, r1[i], p.half_life, fade)
            summed = sum_filtered(s, i, z, p.horizon)
            if known >= 0:
                s.sums[i * p.window + known % p.window] = summed
        if i < symbols and s.returns[i] >= p.half_life:
            s.exposed[i] = holding * sqrt(s.variance[i])
            size += fabs(s.exposed[i])
        else:
            lost += fabs(holding)
    s.bars += 1
    likely = 0.0
    worst = 0.0
    n = min(known + 1, p.window)
    if size > 0.0 and n >= min(p.window, LEAST):
        play_again(s, symbols, n, p.window, p.level, size)
        likely = size * s.quantile
        worst = size * s.beyond
    var = 0.0
    cvar = 0.0
    if equity > 0.0:
        var = clip((likely + lost) / equity, 0.0, 1.0)
        cvar = clip((worst + lost) / equity, 0.0, 1.0)
    elif size + lost > 0.0:
        var = 1.0
        cvar = 1.0
    return Out(var, cvar, 1.0 if var > p.limit else 0.0)
