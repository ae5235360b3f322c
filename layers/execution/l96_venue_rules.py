"""L96: an order as the venue takes it: quantity in lots, price in ticks, within its minima and maxima.

Rule: qty = slice_qty rounded down to a lot, price = limit_price rounded to the passive side (down to buy, up to
    sell, to the nearest tick while the side is missing). A step is read as the decimal it stands for, m / 10^k, and
    a result is n m / 10^k, one division of whole numbers: the double nearest to the decimal, never
    0.30000000000000004. More than max_qty is cut to it, the rest is for later steps. A rule of 0 is no rule. An
    order that opens is invalid when it is below a lot or min_notional (at the limit, or at price without one), when
    it has neither price, or when a rule is missing. An order that only reduces (reduce_only = 1) is invalid only
    when nothing is asked or held, or its limit is less than a tick. It is exempt from min_notional, and if it rounds
    to nothing it becomes one lot, or the whole position where that is less: an odd lot, which venues accept only to
    close. If it closes the whole position, a difference of less than ODD of a lot is rounding and is closed as
    well. `reason` tells all of it, valid or not.

Note: the catalogue lacks `side`, `reduce_only` and `position`, without which neither the passive side nor an exit
    is known; they are added as optional inputs, and so are the other inputs optional, that an exit may go without
    them. A market order has no limit_price, and gets no price.
"""

from math import fabs, inf, isfinite, isnan, nan
from typing import NamedTuple

from stratoquant.graph.language import kernel, layer
from stratoquant.graph.origin import DECISION
from stratoquant.graph.steps import EXACT, ODD, on_grid
from stratoquant.graph.types import Flag, Label, Notional, Opt, Price, Qty, Side, SignedQty

REASONS = (
    "none",
    "nothing to do",
    "no price",
    "no rule",
    "below lot",
    "below min_notional",
    "cut to max_qty",
    "exit of one lot",
    "exit of odd lot",
    "exit below min_notional",
)


class Out(NamedTuple):
    qty: Qty
    price: Price
    valid: Flag
    reason: Label


@kernel
def exit_quantity(asked: float, held: float, lot: float) -> float:
    """What an order that only reduces may be: whole lots, the whole position, or one lot; never 0."""
    qty = on_grid(asked, lot, -1.0)
    if asked >= held * (1.0 - EXACT) and fabs(on_grid(held, lot, 0.0) - held) <= ODD * lot:
        qty = on_grid(held, lot, 0.0)
    if not qty > 0.0:
        qty = held if held < lot else lot
    return qty


@layer(
    96,
    "venue_rules",
    domain="execution",
    source="modules.md (precision); v6.0 map section 7.1",
    oracle="ccxt decimal_to_precision with TICK_SIZE",
    loop="closed",
    labels={"reason": REASONS},
    origins={
        "slice_qty": DECISION,
        "limit_price": (DECISION, None),
        "price": "L0.close",
        "tick": "account.tick",
        "lot": "account.lot",
        "min_notional": "account.min_notional",
        "max_qty": "account.max_qty",
        "side": DECISION,
        "reduce_only": (DECISION, "L5.reduce_only"),
        "position": "account.position",
    },
    sends={"qty": "qty", "price": "price", "valid": "valid"},
)
def step(
    slice_qty: Qty,
    limit_price: Opt[Price],
    price: Opt[Price],
    tick: Opt[Price],
    lot: Opt[Qty],
    min_notional: Opt[Notional],
    max_qty: Opt[Qty],
    side: Opt[Side],
    reduce_only: Opt[Flag],
    position: Opt[SignedQty],
) -> Out:
    exits = reduce_only == 1.0
    if not slice_qty > 0.0 or not isfinite(slice_qty) or (exits and position == 0.0):
        return Out(0.0, nan, 0.0, 1)
    way = 0.0 if isnan(side) else -side
    limit = on_grid(limit_price, tick, way)
    at = price if isnan(limit) else limit
    grid = lot if lot > 0.0 else 0.0
    if exits:
        held = fabs(position) if isfinite(position) else nan
        qty = exit_quantity(slice_qty, held, grid)
    else:
        qty = on_grid(slice_qty, grid, -1.0)
    reason = 0
    if exits and qty < grid:
        reason = 8
    elif exits and qty > slice_qty * (1.0 + EXACT):
        reason = 7
    if max_qty > 0.0 and qty > max_qty:
        qty = on_grid(max_qty, grid, -1.0)
        reason = 6
    small = qty * at < min_notional * (1.0 - EXACT)
    if exits and reason == 0 and small:
        reason = 9
    invalid = 0
    if limit <= 0.0 or limit == inf or (not exits and not at > 0.0):
        invalid = 2
    elif not exits and isnan(tick + lot + min_notional + max_qty):
        invalid = 3
    elif not qty > 0.0:
        invalid = 4
    elif not exits and small:
        invalid = 5
    if invalid > 0:
        return Out(0.0, nan, 0.0, invalid)
    return Out(qty, limit, 1.0, reason)
