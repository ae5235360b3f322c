"""L78: follows an open position: tightens its stop, says what it has become, when to leave it and when to add to it.

Rule: side = sign(position), R = side (entry - stop) when the position was opened, trail * atr where that is not
    positive. gain = side (price - entry) / R, best = the most of it so far, over closes. The stop begins where the
    input had it when the position was opened, R behind the entry without one. It only moves towards the price: to
    the entry once best >= breakeven, and to side * trail * atr behind the best close (chandelier). exit = 1 when
    the close is at the stop or beyond it, and when the position is held for `hold` bars or more (hold as it was
    when it was opened; none: no such limit). state: loser at gain <= -1/2; else new until best >= breakeven; then
    breakout while the close is the best one and gain >= add_at, fading once less than half of the best is left, and
    winner otherwise. add, for a winner or a breakout with gain >= add_at * (additions + 1), additions < max_adds,
    and a bias its way: the share of the position by which it may grow so that what is lost at the stop is not more
    than was at first, add = (R Q0 - side (entry - stop) Q) / (side (price - stop) Q), within 0..1, Q0 and Q the
    first and the present size; else 0. A position that has grown counts as one addition. While flat the input stop
    passes through, and exit = add = state = 0.

Note: entry, stop_price, hold and bias are optional, since each can be missing while flat or without a proposal, and
    a step that is not taken could not say exit. A stop that is not on its side of the entry counts as none.
"""

from math import fabs, isfinite, isnan, nan
from typing import NamedTuple

from stratoquant.graph.language import Parameters, State, kernel, layer, param
from stratoquant.graph.types import Bars, Flag, Label, Opt, Price, Score, SignedQty, Unit
from stratoquant.layers.primitives.scalars import clip, positive, sign

NEW = 0
WINNER = 1
BREAKOUT = 2
FADING = 3
LOSER = 4
STATES = ("new", "winner", "breakout", "fading", "loser")
GROWN = 1e-6


class Params(Parameters):
    breakeven: float = param(1, 0.2, 10, "gain in R at which the stop goes to the entry")
    trail: float = param(3, 0.5, 20, "average true ranges behind the best close")
    add_at: float = param(1.5, 0.5, 10, "gain in R at which each addition is due")
    max_adds: int = param(2, 0, 10, "additions to a position")


class Memory(State):
    side: float = 0.0
    offered: float = nan  # stop of the proposal, while flat
    offered_hold: float = nan
    stop: float = nan
    hold: float = nan
    unit: float = nan  # R
    best: float = nan  # close
    first_size: float = 0.0
    size: float = 0.0
    additions: float = 0.0


class Out(NamedTuple):
    stop_price: Price
    exit: Flag
    add: Unit
    state: Label


@kernel
def begin(s: Memory, p: Params, side: float, size: float, entry: float, price: float, atr: float):
    """Takes over a position that has just been opened."""
    s.side = side
    s.unit = side * (entry - s.offered)
    if not s.unit > 0.0:
        s.unit = p.trail * atr
    s.stop = entry - side * s.unit
    s.hold = s.offered_hold
    s.best = price
    s.first_size = size
    s.size = size
    s.additions = 0.0
    return 0.0


@kernel
def kind(p: Params, gain: float, best: float) -> int:
    """The class of a position from its present and its best gain."""
    if gain <= -0.5:
        state = LOSER
    elif best < p.breakeven:
        state = NEW
    elif gain >= best and gain >= p.add_at:
        state = BREAKOUT
    elif gain < 0.5 * best:
        state = FADING
    else:
        state = WINNER
    return state


@layer(
    78,
    "trailing_and_amplify",
    domain="risk",
    source="LeBeau chandelier; Quantum Trader (PIL, PAL)",
    loop="closed",
    labels={"state": STATES},
    origins={
        "position": "account.position",
        "entry": "account.entry",
        "held": "account.held",
    },
)
def step(
    s: Memory,
    p: Params,
    position: SignedQty,
    entry: Opt[Price],
    price: Price,
    atr: Price,
    stop_price: Opt[Price],
    held: Bars,
    hold: Opt[Bars],
    bias: Opt[Score],
) -> Out:
    side = sign(position)
    size = fabs(position)
    if side == 0.0 or isnan(entry):
        s.side = 0.0
        s.offered = stop_price
        s.offered_hold = hold
        return Out(stop_price, 0.0, 0.0, NEW)
    if side != s.side:
        begin(s, p, side, size, entry, price, atr)
    if size > s.size * (1.0 + GROWN):
        s.additions += 1.0
    s.size = size
    s.best = side * max(side * s.best, side * price)
    gain = side * (price - entry) / s.unit
    best = side * (s.best - entry) / s.unit
    if best >= p.breakeven:
        s.stop = side * max(side * s.stop, side * entry)
    s.stop = side * max(side * s.stop, side * s.best - p.trail * atr)
    state = kind(p, gain, best)
    room = side * (price - s.stop)
    leaves = room <= 0.0 or held >= s.hold
    add = 0.0
    due = WINNER <= state <= BREAKOUT and gain >= p.add_at * (s.additions + 1.0)
    if due and not leaves and s.additions < p.max_adds and side * bias > 0.0:
        add = (s.unit * s.first_size - side * (entry - s.stop) * size) / (room * size)
        add = clip(add, 0.0, 1.0) if isfinite(add) else 0.0
    return Out(positive(s.stop), 1.0 if leaves else 0.0, add, state)
