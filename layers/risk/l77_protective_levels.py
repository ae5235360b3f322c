"""L77: where a position that is opened now is given up, and where its profit is taken.

Rule: d = max(atr_x * atr / price, stop), at most max_stop, and at most liq_buffer / leverage: a position of
    `leverage` times the equity has lost all of it after a move of 1 / leverage (the maintenance margin is what the
    buffer is for). stop_price = price (1 - side d), take_price = price (1 + side target); stop_pct = d, whatever
    the side. Levels are missing at side 0, where a distance is 0, and where one would not be a price (a target of
    100% short). No leverage (<= 0): no liquidation, no limit from it.
"""

from math import isfinite, nan
from typing import NamedTuple

from stratoquant.graph.language import Parameters, kernel, layer, param
from stratoquant.graph.types import Bps, Price, Real, Side, Unit


class Params(Parameters):
    atr_x: float = param(2, 0.5, 10, "average true ranges to the stop")
    max_stop: float = param(0.15, 0.005, 0.5, "greatest distance of the stop, share of price")
    liq_buffer: float = param(0.5, 0.1, 0.9, "share of the way to the liquidation price")


class Out(NamedTuple):
    stop_price: Price
    take_price: Price
    stop_pct: Unit


@kernel
def level(price: float, distance: float) -> float:
    """The price at a signed relative distance; missing where it is no price, or not apart from `price`."""
    at = price * (1.0 + distance)
    return at if at > 0.0 and at != price and isfinite(at) else nan


@layer(
    77,
    "protective_levels",
    domain="risk",
    source="modules.md (stop at most 15%); Quantum Trader (Dynamic TP/SL)",
    pine="yes",
    loop="closed",
)
def step(p: Params, side: Side, price: Price, atr: Price, stop: Bps, target: Bps, leverage: Real) -> Out:
    distance = min(max(p.atr_x * atr / price, stop * 1e-4), p.max_stop)
    if leverage > 0.0:
        distance = min(distance, p.liq_buffer / leverage)
    stop_price = nan
    take_price = nan
    if side != 0.0:
        stop_price = level(price, -side * distance)
        if target > 0.0:
            take_price = level(price, side * target * 1e-4)
    return Out(stop_price, take_price, distance)
