"""L1: in which of six states the market is, with the probability of each.

Rule: r = ln(c / c[1]); sigma = sqrt(ewm(r^2, fast)); vol_rank = pct_rank(sigma, rank);
    efficiency = |c - c[slow]| / sum(|c - c[1]|, slow), 0 when nothing moved;
    t = mean(r, slow) sqrt(slow) / sd(r, slow); jump = 1 when |r| > 4 sigma[1], else 0.
    Scores: calm = 1 - vol_rank; range = (1 - efficiency)(1 - |vol_rank - 0.5|);
    up, down = efficiency clip(+-t / 3, 0, 1); high_volatility = max(0, 2 vol_rank - 1);
    chaotic = high_volatility (1 - efficiency) min(1, ewm(jump, fast) fast / 3).
    Probabilities = softmax(scores / temperature). The label begins as the likeliest one. It changes when one and the
    same other label is the likeliest and leads it by `margin` for `confirm` bars in a row; age = bars since then.
Note: equal returns (sd = 0) give t / 3 the sign of their mean. The rule does not use high and low.
    In a market that stands still sigma keeps falling, beyond what a number can hold; the bars since then, as negative
    numbers, take its place in the rank.
"""

from math import exp, isnan, nan, sqrt
from typing import NamedTuple

from stratoquant.graph.language import Array, Parameters, State, array, kernel, layer, param, sized
from stratoquant.graph.types import Bars, Label, Price, Prob, Unit, Vol
from stratoquant.layers.primitives.averages import FADED, Smoothed, ewm
from stratoquant.layers.primitives.rank import PercentRank, percent_rank
from stratoquant.layers.primitives.ring import Ring, back, push
from stratoquant.layers.primitives.rolling import RollingMoments, RollingSum, rolling_moments, rolling_sum
from stratoquant.layers.primitives.scalars import clip, log_return, sign

STATES = 6
CALM, RANGE, UP, DOWN, HIGH_VOLATILITY, CHAOTIC = 0, 1, 2, 3, 4, 5


class Params(Parameters):
    fast: int = param(30, 5, 500, "bars of the volatility")
    slow: int = param(240, 20, 5000, "bars of efficiency and trend")
    rank: int = param(1440, 60, 20000, "bars that the volatility is ranked among")
    temperature: float = param(0.35, 0.05, 2, "softness of the probabilities")
    margin: float = param(0.10, 0, 0.5, "lead in probability that another label needs")
    confirm: int = param(3, 1, 60, "bars in a row that it must lead")


class Memory(State):
    closes: Ring = sized(lambda p: p.slow)
    square: Smoothed
    jumps: Smoothed
    ranks: PercentRank = sized(lambda p: p.rank)
    path: RollingSum = sized(lambda p: p.slow)
    returns: RollingMoments = sized(lambda p: p.slow)
    p: Array = array(STATES)
    label: int = -1
    rival: int = -1
    lead: int = 0
    age: int = 0
    still: float = 0.0  # bars without a move since the volatility faded


class Out(NamedTuple):
    label: Label
    p_calm: Prob
    p_range: Prob
    p_up: Prob
    p_down: Prob
    p_highvol: Prob
    p_chaotic: Prob
    sigma: Vol
    vol_rank: Unit
    efficiency: Unit
    age: Bars


@kernel
def soften(scores: Array, temperature: float) -> int:
    """Turns scores into their softmax; returns the index of the largest."""
    best = 0
    for k in range(1, len(scores)):
        if scores[k] > scores[best]:
            best = k
    top = scores[best]
    total = 0.0
    for k in range(len(scores)):
        scores[k] = exp((scores[k] - top) / temperature)
        total += scores[k]
    for k in range(len(scores)):
        scores[k] /= total
    return best


@kernel
def settle_label(s: Memory, best: int, margin: float, confirm: int) -> int:
    """Keeps the label until a rival has led it long enough; returns it."""
    s.age += 1
    if s.label < 0:
        s.label = best
        s.age = 0
    if best == s.label or s.p[best] - s.p[s.label] < margin:
        s.lead = 0
    elif best == s.rival:
        s.lead += 1
    else:
        s.lead = 1
    s.rival = best
    if s.lead >= confirm:
        s.label = best
        s.lead = 0
        s.age = 0
    return s.label


@layer(
    1,
    "market_regime",
    domain="regime",
    source="StratoQuant section 4; Kaufman 1995 for the efficiency ratio",
    pine="yes",
    warmup=lambda p: max(p.fast + p.rank - 1, 2 * p.fast, p.slow),
    labels={"label": ("calm", "range", "up", "down", "high_volatility", "chaotic")},
    says="{label} for {age} bars; volatility {sigma} a bar, above that of {vol_rank} of the last bars",
)
def step(s: Memory, p: Params, high: Price, low: Price, close: Price) -> Out:
    before = back(s.closes, 0) if s.closes.head > 0 else nan
    push(s.closes, close)
    r = log_return(close, before)
    quiet = sqrt(s.square.value)
    power = ewm(s.square, r * r, p.fast)
    sigma = sqrt(power)
    s.still = s.still + 1.0 if r == 0.0 and 0.0 < power < FADED else 0.0
    jump = nan if isnan(quiet) else (1.0 if abs(r) > 4.0 * quiet else 0.0)
    jumps = min(ewm(s.jumps, jump, p.fast) * p.fast / 3.0, 1.0)
    vol_rank = percent_rank(s.ranks, -s.still if s.still > 0.0 else sigma, p.rank)
    path = rolling_sum(s.path, abs(close - before), p.slow)
    efficiency = min(abs(close - back(s.closes, p.slow)) / path, 1.0) if path > 0.0 else 0.0
    mean = rolling_moments(s.returns, r, p.slow)
    spread = sqrt(s.returns.variance)
    trend = mean * sqrt(float(p.slow)) / (3.0 * spread) if spread > 0.0 else sign(mean)

    label = nan
    age = nan
    if not isnan(vol_rank + path + jumps):
        wild = max(2.0 * vol_rank - 1.0, 0.0)
        s.p[CALM] = 1.0 - vol_rank
        s.p[RANGE] = (1.0 - efficiency) * (1.0 - abs(vol_rank - 0.5))
        s.p[UP] = efficiency * clip(trend, 0.0, 1.0)
        s.p[DOWN] = efficiency * clip(-trend, 0.0, 1.0)
        s.p[HIGH_VOLATILITY] = wild
        s.p[CHAOTIC] = wild * (1.0 - efficiency) * jumps
        label = settle_label(s, soften(s.p, p.temperature), p.margin, p.confirm)
        age = s.age
    return Out(
        label,
        s.p[CALM],
        s.p[RANGE],
        s.p[UP],
        s.p[DOWN],
        s.p[HIGH_VOLATILITY],
        s.p[CHAOTIC],
        sigma,
        vol_rank,
        efficiency,
        age,
    )
