"""Test node: a risk gate that lets through what the governor allows."""

from typing import NamedTuple

from stratoquant.graph.language import layer
from stratoquant.graph.types import Flag, Notional, Price, Qty, Side, Unit


class Out(NamedTuple):
    side: Side
    qty: Qty
    bound: Qty


@layer(
    None,
    "gate",
    domain="risk",
    source="test",
    loop="closed",
    role="gate",
    origins={"price": "feed.close"},
    sends={"side": "side", "qty": "qty"},
)
def step(
    side: Side, notional: Notional, price: Price, trade: Flag, close_only: Flag, flatten: Flag, scale: Unit
) -> Out:
    if trade < 0.5 or close_only > 0.5 or flatten > 0.5:
        return Out(0.0, 0.0, 0.0)
    qty = max(notional, 0.0) * scale / price
    return Out(side, qty, qty)
