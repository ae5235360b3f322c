"""equity_share: a share of the account's equity, in quote currency.

Rule: value = share * equity, and 0 while there is no equity. Above 1 the share is leverage.
"""

from typing import NamedTuple

from stratoquant.graph.language import Parameters, layer, param
from stratoquant.graph.types import Notional


class Params(Parameters):
    share: float = param(0.1, 0, 5, "share of equity")


class Out(NamedTuple):
    value: Notional


@layer(
    None,
    "equity_share",
    domain="block",
    source="standard",
    loop="closed",
    origins={"equity": "account.equity"},
)
def step(p: Params, equity: Notional) -> Out:
    return Out(p.share * max(equity, 0.0))
