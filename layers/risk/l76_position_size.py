"""L76: the value of the position that a proposal deserves.

Rule: risk = (risk_low + risk_high) / 2 * (0.5 + size_hint), within risk_low..risk_high: weights 0.5, 1 and 1.5 for a
    hint of 0, 1/2 and 1, linear between. It shrinks by dd_cut for every full dd_step of drawdown, not below `floor`
    (the floor never raises it), and is at most kelly_fraction * max(kelly, 0).
    size = equity * risk / stop, at most equity * target_vol / (sigma * sqrt(bars_per_year)).
    Under small_equity: size = small_notional, whatever the evidence. Both are scaled by the multiplier, if there is
    one. notional = side * size; leverage = size / equity; risk_pct = the share of equity that is lost at the stop.
    No stop, or no equity: size 0. sigma = 0 sets no limit. kept: what the drawdown leaves of the risk, as a share; 1
    where it takes nothing or there is no size.

Note: Kelly's stake is what a lost bet costs, here the loss at the stop, so it limits the risk and not the notional.
    sigma is per bar, so the yearly target needs `clock.bars_per_year`, which the catalogue lacks. `price` is not used:
    the size is in quote currency."""

from math import floor, isfinite, isnan, sqrt
from typing import NamedTuple

from stratoquant.graph.language import Cut, Parameters, kernel, layer, param
from stratoquant.graph.types import Bars, Bps, Notional, Opt, Price, Real, Score, Side, Unit, Vol
from stratoquant.layers.primitives.scalars import clip


class Params(Parameters):
    small_equity: float = param(1000, 0, 1e9, "equity below which the size is fixed, quote currency")
    small_notional: float = param(10, 1, 1e6, "the fixed size, quote currency")
    risk_low: float = param(0.005, 0, 0.1, "least share of equity at risk")
    risk_high: float = param(0.02, 0, 0.1, "greatest share of equity at risk")
    dd_step: float = param(0.05, 0.01, 0.5, "drawdown of one cut")
    dd_cut: float = param(0.0025, 0, 0.05, "share of equity by which one cut lowers the risk")
    floor: float = param(0.0025, 0, 0.05, "share of equity below which cuts do not go")
    kelly_fraction: float = param(0.25, 0, 1, "share of the Kelly stake")
    target_vol: float = param(0.4, 0.01, 5, "yearly volatility that one position may bring")


class Out(NamedTuple):
    notional: Notional
    risk_pct: Unit
    leverage: Real
    kept: Unit


@kernel
def risk_share(p: Params, size_hint: float, kelly: float, drawdown: float) -> float:
    """The share of equity to put at risk."""
    middle = 0.5 * (p.risk_low + p.risk_high)
    risk = clip(middle * (0.5 + size_hint), p.risk_low, p.risk_high)
    cuts = floor(drawdown / p.dd_step + 1e-9)
    risk = max(risk - p.dd_cut * cuts, min(p.floor, risk))
    return min(risk, p.kelly_fraction * max(kelly, 0.0))


@layer(
    76,
    "position_size",
    domain="risk",
    source="modules.md riskmanager; Kelly 1956; Thorp 2006; Moreira and Muir 2017",
    loop="closed",
    says="{notional} in quote currency, {risk_pct} of equity at risk; hint {size_hint}, Kelly {kelly}",
    origins={
        "equity": "account.equity",
    },
    cuts={"kept": Cut()},
)
def step(
    p: Params,
    side: Side,
    size_hint: Unit,
    kelly: Score,
    stop: Bps,
    sigma: Vol,
    price: Price,
    equity: Notional,
    drawdown: Unit,
    multiplier: Opt[Unit],
    bars_per_year: Bars,
) -> Out:
    distance = stop * 1e-4
    size = 0.0
    kept = 1.0
    if side != 0.0 and equity > 0.0 and distance > 0.0:
        if equity < p.small_equity:
            size = p.small_notional
        else:
            risk = risk_share(p, size_hint, kelly, drawdown)
            whole = risk_share(p, size_hint, kelly, 0.0)
            kept = clip(risk / whole, 0.0, 1.0) if whole > 0.0 else 1.0
            size = equity * risk / distance
            yearly = sigma * sqrt(bars_per_year)
            if yearly > 0.0:
                size = min(size, equity * p.target_vol / yearly)
        size *= 1.0 if isnan(multiplier) else clip(multiplier, 0.0, 1.0)
    leverage = size / equity if equity > 0.0 else 0.0
    if not isfinite(size) or not isfinite(leverage):
        size = 0.0
        leverage = 0.0
    return Out(side * size, clip(leverage * distance, 0.0, 1.0), leverage, kept)
