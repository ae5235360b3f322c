"""L4: the risk gate, the only way from a proposal to a target position.

Rule: cap = min(|notional|, |allowed|) * scale * (1 - reduce) / price, in quantity; flatten and exit make the target
    0. At side 0 the target is 0. On the side of the position the target is the position, at once cut to (1 -
    reduce) of itself and, if it is above cap by more than ROUNDING, to half a min_change under it, or every rise of the
    price would sell a little; raised to cap when nothing vetoes and the change exceeds min_change * cap, or, when it
    does not, by add * cap at most. Against the position, or flat, it is side * cap when nothing vetoes, else 0: closing
    is never vetoed. While the side is missing it is the position, cut as above. A hedge may only make the target
    smaller, as far as 0. What is missing or not finite vetoes growth and is otherwise taken to say nothing: a gap in
    the data neither opens nor sells anything, and the limits that are known hold. Only the position must be there. veto
    has a bit for every reason that stood against growth (0 when side is 0: nothing was proposed); veto_first is 1 + the
    number of the first, 0 for none. approved = 1 when the target differs from the position, closing included.
    bound: the largest |position| that this decision allows on either side: cap where the position may grow, else
    |target|. What leaves the graph is held to it, with all orders that can still fill.
    stop_price, take_price: the levels of the position that the target means. Until it is held they follow the
    inputs; then the stop only moves towards the price, never behind `standing`, the one that stands at the venue, and
    the target of profit stays. A level on the wrong side of
    the price is not taken over, and vetoes a new position. Missing at target 0, and while an opposite position is
    still being closed.

Note: the catalogue has required inputs; all but `position` are optional here, for a step that is not taken could
    not close. `standing` is added: an order that was called off can still fill, with a stop that L4 has forgotten.
"""

from math import fabs, inf, isfinite, isnan, ldexp, nan
from typing import NamedTuple

from stratoquant.graph.language import Parameters, State, kernel, layer, param
from stratoquant.graph.origin import ANY
from stratoquant.graph.types import Bitmask, Flag, Label, Notional, Opt, Price, Qty, Side, SignedQty, Unit
from stratoquant.layers.primitives.scalars import clip, sign

ROUNDING = 1e-9
REASONS = (
    "missing input",
    "no trade",
    "close only",
    "flatten",
    "exit",
    "cost",
    "avoid",
    "jump alarm",
    "liquidity freeze",
    "no equity",
    "reduce",
    "no size",
    "levels",
)
CAUSES = {
    "no trade": ("trade",),
    "close only": ("close_only",),
    "flatten": ("flatten",),
    "exit": ("exit",),
    "cost": ("pass",),
    "avoid": ("avoid",),
    "jump alarm": ("alarm",),
    "liquidity freeze": ("freeze",),
    "no equity": ("equity",),
    "reduce": ("reduce",),
    "no size": ("notional", "allowed", "scale"),
    "levels": ("stop_price", "take_price"),
}


class Params(Parameters):
    min_change: float = param(0.05, 0, 1, "least growth of a position, share of its cap")


class Memory(State):
    side: float = 0.0  # of the last target
    stop: float = nan
    take: float = nan
    veto: float = 0.0
    first: float = 0.0


class Out(NamedTuple):
    target: SignedQty
    bound: Qty
    stop_price: Price
    take_price: Price
    approved: Flag
    veto: Bitmask
    veto_first: Label


@kernel
def against(s: Memory, reason: int, holds: bool):
    """Notes a reason."""
    if holds:
        if s.veto == 0.0:
            s.first = reason + 1.0
        s.veto += ldexp(1.0, reason)
    return 0.0


@kernel
def share_of(x: float) -> float:
    """x within 0..1; 1 when it is missing."""
    return clip(x, 0.0, 1.0) if isfinite(x) else 1.0


@kernel
def largest(notional: float, allowed: float, share: float, price: float) -> float:
    """The greatest quantity under the limits that are known; inf when there is none."""
    value = fabs(notional) if isfinite(notional) else inf
    if isfinite(allowed):
        value = min(value, fabs(allowed))
    if share == 0.0 or value == 0.0:
        quantity = 0.0
    else:
        quantity = value * share / price if price > 0.0 and isfinite(price) else inf
    return quantity


@kernel
def beyond(level: float, side: float, price: float) -> bool:
    """True when a level lies on `side` of the price: side 1 above, -1 below."""
    return level > 0.0 and isfinite(level) and side * (level - price) > 0.0


@kernel
def held_size(size: float, cap: float, p: Params, add: float, grows: bool) -> float:
    """The size of a position that is kept."""
    if size > cap * (1.0 + ROUNDING):
        size = cap * (1.0 - 0.5 * p.min_change)
    elif grows and cap - size > p.min_change * cap:
        size = cap
    elif grows and add > 0.0:
        size = min(cap, size + add * cap)
    return size


@kernel
def keep_levels(s: Memory, side: float, held: float, stop: float, take: float, standing: float, price: float):
    """Carries the levels of the position on `side`, which is that of the proposal wherever there is one."""
    known = side != 0.0 and s.side == side
    if not known or (held != side and not beyond(s.stop, -side, price)):
        s.stop = nan
    if not known or (held != side and not beyond(s.take, side, price)):
        s.take = nan
    s.side = side
    if side != 0.0 and held == side and (isnan(s.stop) or side * (standing - s.stop) > 0.0):
        s.stop = standing if beyond(standing, -side, price) else s.stop
    if side != 0.0:
        if beyond(stop, -side, price) and (held != side or isnan(s.stop) or side * (stop - s.stop) > 0.0):
            s.stop = stop
        if beyond(take, side, price) and (held != side or isnan(s.take)):
            s.take = take
    return 0.0


@layer(
    4,
    "risk_manager",
    domain="risk",
    source="StratoQuant section 9; v6.0 map section 3.3 (veto reasons)",
    loop="closed",
    role="gate",
    labels={"veto": REASONS, "veto_first": ("none", *REASONS)},
    says="proposed {side}, held {position}, target {target}, stop {stop_price}, take {take_price}; vetoes: {veto}",
    causes=CAUSES,
    origins={
        "side": ANY,
        "notional": ANY,
        "allowed": ANY,
        "stop_price": (ANY, None),
        "take_price": (ANY, None),
        "pass": ANY,
        "avoid": ANY,
        "reduce": ANY,
        "exit": ANY,
        "add": ANY,
        "alarm": ANY,
        "freeze": ANY,
        "hedge": ANY,
        "position": "account.position",
        "price": "L0.close",
        "equity": "account.equity",
        "standing": "account.stop_price",
    },
    sends={"stop_price": "stop_price", "take_price": "take_price"},
)
def step(
    s: Memory,
    p: Params,
    side: Opt[Side],
    notional: Opt[Notional],
    allowed: Opt[Notional],
    stop_price: Opt[Price],
    take_price: Opt[Price],
    pass_: Opt[Flag],
    avoid: Opt[Flag],
    trade: Opt[Flag],
    close_only: Opt[Flag],
    flatten: Opt[Flag],
    scale: Opt[Unit],
    reduce: Opt[Unit],
    exit: Opt[Flag],
    add: Opt[Unit],
    alarm: Opt[Flag],
    freeze: Opt[Flag],
    hedge: Opt[SignedQty],
    position: SignedQty,
    price: Opt[Price],
    equity: Opt[Notional],
    standing: Opt[Price],
) -> Out:
    wanted = sign(side) if isfinite(side) else nan
    held = sign(position)
    share = share_of(scale)
    rest = 1.0
    if isfinite(reduce):
        rest = 1.0 - clip(reduce, 0.0, 1.0)
    cap = largest(notional, allowed, share * rest, price)
    flags = isfinite(pass_ + avoid + trade + close_only + flatten + exit + alarm + freeze)
    amounts = isfinite(notional) and isfinite(allowed) and isfinite(equity) and isfinite(price) and isfinite(hedge)
    shares = isfinite(scale) and isfinite(reduce) and isfinite(add)
    flat = (flatten != 0.0 and not isnan(flatten)) or (exit != 0.0 and not isnan(exit))

    s.veto = 0.0
    s.first = 0.0
    if wanted != 0.0:
        misplaced = not isnan(stop_price) and not beyond(stop_price, -wanted, price)
        misplaced = misplaced or (not isnan(take_price) and not beyond(take_price, wanted, price))
        against(s, 0, isnan(wanted) or not flags or not amounts or not shares)
        against(s, 1, trade != 1.0 and not isnan(trade))
        against(s, 2, close_only != 0.0 and not isnan(close_only))
        against(s, 3, flatten != 0.0 and not isnan(flatten))
        against(s, 4, exit != 0.0 and not isnan(exit))
        against(s, 5, pass_ != 1.0 and not isnan(pass_))
        against(s, 6, avoid != 0.0 and not isnan(avoid))
        against(s, 7, alarm != 0.0 and not isnan(alarm))
        against(s, 8, freeze != 0.0 and not isnan(freeze))
        against(s, 9, equity <= 0.0)
        against(s, 10, reduce > 0.0)
        against(s, 11, not (cap > 0.0 and isfinite(cap)))
        against(s, 12, misplaced and held != wanted and not isnan(wanted))
    grows = s.veto == 0.0

    bound = cap
    if flat or wanted == 0.0 or not isfinite(position):
        target = 0.0
        bound = 0.0
    elif held != 0.0 and (held == wanted or isnan(wanted)):
        target = held * held_size(fabs(position) * rest, cap, p, add, grows)
    else:
        target = wanted * cap if grows else 0.0
    if not grows:
        bound = fabs(target)
    if isfinite(hedge) and sign(hedge) * sign(target) < 0.0:
        target = sign(target) * max(fabs(target) - fabs(hedge), 0.0)

    meant = sign(target)
    closing = held != 0.0 and held != meant
    if not closing:  # what was sent may not have arrived; should the position stay after all, it still counts
        keep_levels(s, meant, held, stop_price, take_price, standing, price)
    return Out(
        target,
        bound,
        nan if closing else s.stop,
        nan if closing else s.take,
        1.0 if target != position else 0.0,
        s.veto,
        s.first,
    )
