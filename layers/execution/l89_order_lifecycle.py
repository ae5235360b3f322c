"""L89: what is done about the order that works: place one, keep it, replace it, cancel it, or give up.

Rule: wish = order_qty (slice_qty where that is missing), in which what works is included. In this order:
    wish 0: cancel what works. Given up: likewise. Nothing works: place slice_qty, if it is above 0.
    What works leads away from the wish or is more than it: an exit replaces it, else it is cancelled, and the right
    one placed once it is gone. slice_qty 0: keep. A resting limit is replaced when a market order is asked for, when
    it is ttl bars old, or when the limit asked for differs by more than `drift` bps of the price; any order, when
    slice_qty is more than GROWTH of it. Else keep; keep also stands for nothing to do.
    A wish begins when it rises from 0 or turns. give_up = 1 when it is no exit, and max_rejects orders in a row were
    refused since it began or one was accepted; it ends with the wish.
    client_seq counts the orders placed or replaced so far. replace = 1 when the command is replace. Orders without
    kind are at the market.

Note: an order's name at the venue is `client_id(run, symbol, time, client_seq)`. A restart from a snapshot replays
    to the same numbers, so that what is sent again has its old name, and venues refuse that. The catalogue lacks
    the side and the size of what works, and the intent: a second order must not lead past the target, and an exit is
    never given up. They are optional, as is all but slice_qty.
"""

from hashlib import sha256
from math import fabs, nan
from typing import NamedTuple

from stratoquant.graph.account import ORDER_KINDS
from stratoquant.graph.language import Parameters, State, kernel, layer, param
from stratoquant.graph.origin import DECISION
from stratoquant.graph.types import Bars, Count, Flag, Label, Opt, Price, Qty, Side, SignedQty
from stratoquant.layers.execution.order_words import CANCEL, COMMANDS, KEEP, PLACE, REPLACE, is_exit
from stratoquant.layers.primitives.scalars import or_else

MARKET = float(ORDER_KINDS.index("market"))
LIMIT = float(ORDER_KINDS.index("limit"))
GROWTH = 1.5
ROUNDING = 1e-9


def client_id(run: str, symbol: str, time: int, client_seq: int) -> str:
    """The name of an order at the venue: 32 hexadecimal digits. time: the open of the deciding bar, UTC ms."""
    parts = "".join(f"{len(text)}:{text}" for text in (run, symbol, str(int(time)), str(int(client_seq))))
    return sha256(parts.encode()).hexdigest()[:32]


class Params(Parameters):
    max_rejects: int = param(3, 1, 20, "refusals in a row after which a wish is given up")
    drift: float = param(5, 0.5, 100, "bps by which a resting limit may differ from the one that is asked for")


class Memory(State):
    side: float = 0.0  # of the wish; 0 for none
    forgiven: float = 0.0  # refusals that were before it
    seq: int = 0
    kind: float = nan  # of the last order
    limit: float = nan


class Out(NamedTuple):
    command: Label
    client_seq: Count
    replace: Flag
    give_up: Flag


@kernel
def outlived(s: Memory, p: Params, kind: float, limit: float, ttl: float, age: float, price: float) -> bool:
    """True when the last order is a limit that should not rest any longer as it is."""
    moved = fabs(limit - s.limit) > p.drift * 1e-4 * price
    return s.kind == LIMIT and (kind == MARKET or age >= ttl or moved)


@kernel
def command_for(wish: float, part: float, works: bool, working: float, lasting: bool, exits: bool) -> float:
    """The command. working: quantity at work, below 0 when it leads away from the wish. lasting: it may rest on."""
    if not works:
        command = PLACE if part > 0.0 and wish > 0.0 else KEEP
    elif wish == 0.0:
        command = CANCEL
    elif working < 0.0 or working > wish * (1.0 + ROUNDING):
        command = REPLACE if exits and part > 0.0 else CANCEL
    elif part > 0.0 and (not lasting or part > GROWTH * working):
        command = REPLACE
    else:
        command = KEEP
    return command


@layer(
    89,
    "order_lifecycle",
    domain="execution",
    source="StratoQuant section 12.1",
    loop="closed",
    labels={"command": COMMANDS},
    says="{command}, order {client_seq}",
    origins={
        "slice_qty": DECISION,
        "kind": (DECISION, "L69.kind", None),
        "limit_price": (DECISION, None),
        "open_orders": "account.open_orders",
        "open_age": "account.open_age",
        "rejects": "account.rejects",
        "price": "L0.close",
        "order_qty": DECISION,
        "side": DECISION,
        "working": "account.working",
        "intent": (DECISION, "L5.intent"),
    },
    sends={"command": "command"},
)
def step(
    s: Memory,
    p: Params,
    slice_qty: Qty,
    kind: Opt[Label],
    limit_price: Opt[Price],
    ttl: Opt[Bars],
    open_orders: Opt[Count],
    open_age: Opt[Bars],
    rejects: Opt[Count],
    price: Opt[Price],
    order_qty: Opt[Qty],
    side: Opt[Side],
    working: Opt[SignedQty],
    intent: Opt[Label],
) -> Out:
    exits = is_exit(intent)
    wish = or_else(order_qty, slice_qty)
    refused = or_else(rejects, 0.0)
    towards = or_else(side, 1.0) if wish > 0.0 else 0.0
    if towards == 0.0 or towards != s.side:
        s.side = towards
        s.forgiven = refused
    s.forgiven = s.forgiven if refused >= s.forgiven else 0.0
    gives_up = towards != 0.0 and not exits and refused - s.forgiven >= p.max_rejects
    asked = or_else(kind, MARKET)
    lasting = not outlived(s, p, asked, limit_price, ttl, open_age, price)
    command = command_for(0.0 if gives_up else wish, slice_qty, open_orders > 0.0, towards * working, lasting, exits)
    replaces = command == REPLACE
    if replaces or command == PLACE:
        s.seq += 1
        s.kind = asked
        s.limit = limit_price
    return Out(command, float(s.seq), 1.0 if replaces else 0.0, 1.0 if gives_up else 0.0)
