"""L92: how far the position is from liquidation, and how much of it has to go.

Rule: liquidation is where the equity is down to the maintenance margin of the position. With leverage L = exposure
    / equity it comes after a move against the position of d = (1 / L - m) / (1 - side m), the share of price (0
    once it is there). distance = d / (sigma sqrt(bars_per_day)), in daily sigmas; missing while flat or without
    volatility. reduce = 1 - 1 / (L q), q = m + (1 - side m) min_sigmas sigma sqrt(bars_per_day): what is left is
    min_sigmas away. carry = side * rate * 1e4 * payments a day, in bps of the notional, 0 while flat; the payments
    are told by the distance of the last two, one a day is reckoned with before. Above max_carry the position is
    given up (reduce = 1), for a smaller one costs as many bps. While flat a rate above it in either direction keeps
    reduce at 1 as well, or it would be opened and closed without end. No equity and a position: distance 0, reduce
    1.

Note: sigma is per bar, so that the distance needs `clock.bars_per_day`; the maintenance margin is the venue's
    (`venue.maintenance`), where the catalogue has a parameter. Margin is the whole account's (cross margin), so that
    `entry` plays no part; it is optional, being missing while flat.
"""

from math import isnan, nan, sqrt
from typing import NamedTuple

from stratoquant.graph.language import Cut, Parameters, State, layer, param
from stratoquant.graph.types import Bars, Bps, Notional, Opt, Price, Real, Sigma, SignedQty, Unit, Vol
from stratoquant.layers.primitives.scalars import sign
from stratoquant.layers.risk.funding import Funding, note_funding


class Params(Parameters):
    min_sigmas: float = param(4, 1, 20, "daily sigmas that liquidation has to be away")
    max_carry: float = param(30, 1, 1000, "bps of funding that a day may cost")


class Memory(State):
    funding: Funding


class Out(NamedTuple):
    distance: Sigma
    reduce: Unit
    carry: Bps


@layer(
    92,
    "margin_guard",
    domain="risk",
    source="StratoQuant section 9; modules.md (funding)",
    loop="closed",
    origins={
        "position": "account.position",
        "entry": "account.entry",
        "equity": "account.equity",
        "leverage": "account.leverage",
    },
    cuts={"reduce": Cut(taken=True)},
)
def step(
    s: Memory,
    p: Params,
    position: SignedQty,
    entry: Opt[Price],
    price: Price,
    equity: Notional,
    leverage: Real,
    funding_rate: Opt[Real],
    sigma: Vol,
    bars_per_day: Bars,
    maintenance: Unit,
) -> Out:
    side = sign(position)
    per_bar = note_funding(s.funding, funding_rate)
    if not isnan(per_bar):
        daily = per_bar * bars_per_day * 1e4
    elif not isnan(s.funding.rate):
        daily = s.funding.rate * 1e4
    else:
        daily = 0.0
    carry = side * daily
    distance = nan
    reduce = 0.0
    if side != 0.0 and not equity > 0.0:
        distance = 0.0
        reduce = 1.0
    elif side != 0.0 and leverage > 0.0:
        slope = 1.0 - side * maintenance
        day = sigma * sqrt(bars_per_day)
        if day > 0.0:
            distance = max(1.0 / leverage - maintenance, 0.0) / slope / day
        reduce = max(1.0 - 1.0 / (leverage * (maintenance + slope * p.min_sigmas * day)), 0.0)
    if carry > p.max_carry or (side == 0.0 and abs(daily) > p.max_carry):
        reduce = 1.0
    return Out(distance, reduce, carry)
