"""L5: the order that leads from the position to its target.

Rule: change = target - position; a flip is first a close, change = -position, and an open once the position is
    gone. under way = what works in the direction of the change. order_qty = |change| - under way; nothing when it
    is 0. What works against the change, or beyond it, is not counted: the order replaces it, at the venue or by way
    of L89. So an order never leads away from its target. Differences within ROUNDING of the change are none.
    reduce_only = 1 when the position shrinks. Not approved: nothing. intent says what for; `withdraw` is no order:
    nothing is wanted any more, but something still works.

Note: the catalogue's difference target - position - working is this, except that it would sell against a purchase
    that is under way, and so open a position on the other side. `price` is not used, and is optional: a close needs
    none.
"""

from math import fabs
from typing import NamedTuple

from stratoquant.graph.language import layer
from stratoquant.graph.origin import DECISION
from stratoquant.graph.types import Flag, Label, Opt, Price, Qty, Side, SignedQty
from stratoquant.layers.primitives.scalars import sign

ROUNDING = 1e-9
INTENTS = ("none", "open", "increase", "reduce", "close", "flip_close", "withdraw")


class Out(NamedTuple):
    order_side: Side
    order_qty: Qty
    reduce_only: Flag
    intent: Label


@layer(
    5,
    "execution_bridge",
    domain="execution",
    source="StratoQuant section 12",
    loop="closed",
    labels={"intent": INTENTS},
    says="intent: {intent}; side {order_side}, quantity {order_qty}",
    origins={
        "target": DECISION,
        "position": "account.position",
        "working": ("account.working", 0),
        "approved": (DECISION, "L4.approved"),
    },
    sends={"side": "order_side", "qty": "order_qty", "reduce_only": "reduce_only"},
)
def step(target: SignedQty, position: SignedQty, working: SignedQty, price: Opt[Price], approved: Flag) -> Out:
    flips = sign(target) * sign(position) < 0.0
    change = -position if flips else target - position
    side = sign(change)
    size = fabs(change)
    under_way = max(side * working, 0.0)
    if under_way > size * (1.0 + ROUNDING):
        under_way = 0.0
    qty = size - under_way
    shrinks = side * sign(position) < 0.0
    if approved != 1.0 or qty <= ROUNDING * size:
        side = 0.0
        qty = 0.0
        intent = 6 if size == 0.0 and working != 0.0 else 0
    elif flips:
        intent = 5
    elif shrinks:
        intent = 4 if target == 0.0 else 3
    else:
        intent = 1 if position == 0.0 else 2
    return Out(side, qty, 1.0 if shrinks and side != 0.0 else 0.0, intent)
