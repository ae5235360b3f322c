"""L6: how well the account has done lately, told in five numbers.

Rule: with weights that halve every half_life bars: r = equity / equity[1] - 1, sharpe = mean(r) / sd(r)
    sqrt(half_life), 0 where r does not vary; hit_rate = (wins + 1) / (wins + losses + 2), a win or a loss being a bar
    on which `realised` rose or fell; stability = r2 of equity against time. drawdown = 1 - equity / its highest so
    far. health = mean of 1 / (1 + e^-sharpe), hit_rate, max(0, 1 - 2 drawdown) and (1 +- stability) / 2, + where
    equity rises, - where it falls.
Note: an equity at or below 0 has no return: it counts as 0, and drawdown is 1. `label` plays no part in the rule.
"""

from math import isnan, nan, sqrt
from typing import NamedTuple

from stratoquant.graph.language import Parameters, State, kernel, layer, param
from stratoquant.graph.types import Label, Notional, Prob, Real, Unit
from stratoquant.layers.primitives.scalars import clip, logistic, sign

ROUNDING = 1e-24  # of a variance of returns


class Params(Parameters):
    half_life: int = param(2000, 50, 200000, "bars after which a bar counts half")


class Memory(State):
    equity: float = nan
    peak: float = 0.0
    realised: float = nan
    wins: float = 0.0
    losses: float = 0.0
    mean: float = 0.0
    variance: float = 0.0
    time: float = 0.0
    mean_time: float = 0.0
    mean_equity: float = nan
    time_time: float = 0.0
    time_equity: float = 0.0
    equity_equity: float = 0.0


class Out(NamedTuple):
    sharpe: Real
    hit_rate: Prob
    drawdown: Unit
    stability: Unit
    health: Unit


@kernel
def fit_line(s: Memory, equity: float, pace: float) -> float:
    """Takes the equity into the decayed moments; returns the share of its variance that time explains."""
    s.time += 1.0
    if isnan(s.mean_equity):
        s.mean_equity = equity
        s.mean_time = s.time
    along = s.time - s.mean_time
    away = equity - s.mean_equity
    s.mean_time += pace * along
    s.mean_equity += pace * away
    s.time_time = (1.0 - pace) * (s.time_time + pace * along * along)
    s.time_equity = (1.0 - pace) * (s.time_equity + pace * along * away)
    s.equity_equity = (1.0 - pace) * (s.equity_equity + pace * away * away)
    both = s.time_time * s.equity_equity
    return min(s.time_equity * s.time_equity / both, 1.0) if both > 0.0 else 0.0


@layer(
    6,
    "performance_monitor",
    domain="meta",
    source="StratoQuant section 10",
    loop="closed",
    origins={
        "realised": "account.realised",
        "equity": "account.equity",
    },
)
def step(s: Memory, p: Params, realised: Notional, equity: Notional, label: Label) -> Out:
    pace = 1.0 - 0.5 ** (1.0 / p.half_life)
    change = equity / s.equity - 1.0 if s.equity > 0.0 and equity > 0.0 else 0.0
    s.equity = equity
    s.peak = max(s.peak, equity)
    away = change - s.mean
    s.mean += pace * away
    s.variance = (1.0 - pace) * (s.variance + pace * away * away)
    result = 0.0 if isnan(s.realised) else sign(realised - s.realised)
    s.realised = realised
    s.wins = (1.0 - pace) * s.wins + (1.0 if result > 0.0 else 0.0)
    s.losses = (1.0 - pace) * s.losses + (1.0 if result < 0.0 else 0.0)
    stability = fit_line(s, equity, pace)
    sharpe = s.mean / sqrt(s.variance) * sqrt(float(p.half_life)) if s.variance > ROUNDING else 0.0
    hit_rate = (s.wins + 1.0) / (s.wins + s.losses + 2.0)
    drawdown = clip(1.0 - equity / s.peak, 0.0, 1.0) if s.peak > 0.0 else 1.0
    doing = logistic(sharpe)
    steady = 0.5 * (1.0 + sign(s.time_equity) * stability)
    health = 0.25 * (doing + hit_rate + max(1.0 - 2.0 * drawdown, 0.0) + steady)
    return Out(sharpe, hit_rate, drawdown, stability, health)
