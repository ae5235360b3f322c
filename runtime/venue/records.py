"""What the simulated venue remembers: one record a symbol, one shared by all, and the entry of the fill log."""

from math import inf, nan

import numpy as np

from stratoquant.graph.account import FILL_REASONS
from stratoquant.graph.language import Array, State, array

MOST_LATENCY = 5
SLOTS = 2 * (MOST_LATENCY + 1) + 2
"""Messages of one symbol that can be open or under way: an order or a cancel, and levels, per step of latency and for
the new step; the order that works; one in reserve. A cancel for which there is no slot would be lost."""

MARKET = 0.0
LIMIT = 1.0
STOP = 2.0
LEVELS = 3.0  # a message that only moves the protective levels
CANCEL = 4.0
"""Kinds of a message; the first three are those of graph.account.ORDER_KINDS. Floats, as every argument of a kernel
that is not an index: numba would compile a kernel again for each whole number that it is called with."""

TRAVELLING = 0.0
FRESH = 1.0  # meets the first bar since it arrived
RESTING = 2.0
"""Where a message is."""

NO_REASON = 0.0
BY_SIGNAL = float(FILL_REASONS.index("signal"))
BY_STOP = float(FILL_REASONS.index("stop"))
BY_TAKE = float(FILL_REASONS.index("take"))
BY_LIQUIDATION = float(FILL_REASONS.index("liquidation"))
BY_END = float(FILL_REASONS.index("end"))

PASSIVE = 1.0
AGGRESSIVE = 0.0

REJECTS = ("", "lot", "min_notional", "max_qty", "price", "reduce_only", "post_only", "leverage", "full")
"""Meaning of `Account.reject_reason`, by number."""
NO_LOT = REJECTS.index("lot")
TOO_SMALL = REJECTS.index("min_notional")
TOO_LARGE = REJECTS.index("max_qty")
NO_PRICE = REJECTS.index("price")
NOTHING_TO_REDUCE = REJECTS.index("reduce_only")
WOULD_TAKE = REJECTS.index("post_only")
NO_MARGIN = REJECTS.index("leverage")
NO_SLOT = REJECTS.index("full")


class Account(State):
    """One symbol. The first part is graph.account.SYMBOL_ACCOUNT_PORTS, where each field is explained."""

    position: float = 0.0
    reported: float = 0.0
    entry: float = nan
    held: float = 0.0
    exposure: float = 0.0
    unrealised: float = 0.0
    realised: float = 0.0
    fees: float = 0.0
    funding: float = 0.0
    working: float = 0.0
    reducing: float = 0.0
    buying: float = 0.0
    selling: float = 0.0
    reach: float = 0.0
    mark: float = nan
    open_orders: float = 0.0
    open_age: float = 0.0
    rejects: float = 0.0
    fill_price: float = nan
    fill_qty: float = nan
    fill_fees: float = 0.0
    fill_maker: float = 0.0
    latency_ms: float = 0.0
    stop_price: float = nan
    take_price: float = nan
    leverage: float = 0.0
    # the venue's rules for the symbol; 0 means no rule
    tick: float = 0.0
    lot: float = 0.0
    min_notional: float = 0.0
    max_qty: float = 0.0
    # what is known of the symbol's market beforehand
    untold: float = 0.0  # 1: its volume is not known, so that fills are not limited by it and cause no impact
    ends: float = inf  # open of its last bar, UTC ms
    # the venue's own
    level_time: float = nan  # decision that set the protective levels
    reserved: float = 0.0  # notional by which open orders may enlarge the exposure
    unmet: float = 0.0  # bars on which an order or an exit met a market without volume
    reject_reason: int = 0  # of the last refused order, an index into REJECTS
    exiting: float = 0.0  # reason of an exit that is not filled whole yet, an index into FILL_REASONS; 0 for none
    variance: float = nan  # of returns per bar, decayed
    mean_volume: float = nan  # per bar, decayed
    room: float = 0.0  # quantity that this bar may still fill
    opened: float = nan  # price at which an order opened the position inside this bar
    opened_by: float = 0.0  # kind of that order
    messages: int = 0  # slots in use, oldest first
    message_kind: Array = array(SLOTS)
    message_state: Array = array(SLOTS)  # TRAVELLING, FRESH or RESTING
    message_wait: Array = array(SLOTS)  # steps until it arrives
    message_age: Array = array(SLOTS)  # steps since its decision
    message_ttl: Array = array(SLOTS)  # age at which it ends; inf for none
    message_time: Array = array(SLOTS)  # of its decision
    message_sequence: Array = array(SLOTS)
    message_side: Array = array(SLOTS)
    message_qty: Array = array(SLOTS)  # not filled yet
    message_price: Array = array(SLOTS)
    message_reduce: Array = array(SLOTS)
    message_post: Array = array(SLOTS)
    message_opens: Array = array(SLOTS)  # 1: its levels come into force when it opens or turns the position
    message_stop: Array = array(SLOTS)
    message_take: Array = array(SLOTS)


FILLS_PER_BAR = 8
"""The most fills of one symbol in one bar: the order, the rest of an earlier exit and the target at the open; inside it
the order, stop and target; stop and target of a position that was opened there."""


class Posted(State):
    """Fills of one symbol's bar on their way to the log; see FILL."""

    decided: Array = array(FILLS_PER_BAR)
    side: Array = array(FILLS_PER_BAR)
    qty: Array = array(FILLS_PER_BAR)
    price: Array = array(FILLS_PER_BAR)
    fee: Array = array(FILLS_PER_BAR)
    slippage: Array = array(FILLS_PER_BAR)
    maker: Array = array(FILLS_PER_BAR)
    reason: Array = array(FILLS_PER_BAR)
    position: Array = array(FILLS_PER_BAR)


class Wallet(State):
    """What all symbols share. The first part is graph.account.SHARED_ACCOUNT_PORTS."""

    equity: float = 0.0
    cash: float = 0.0
    gross: float = 0.0
    net: float = 0.0
    positions: float = 0.0
    fills: int = 0  # entries in the fill log; whoever empties the log sets it back
    unlogged: int = 0  # fills for which the log had no room; they are in the account all the same
    sequence: int = 0  # orders taken so far
    liquidations: int = 0  # positions closed for want of margin
    reserved: float = 0.0  # sum of the symbols' reserves
    other_value: float = 0.0  # value of the positions in other symbols, while one meets its bar
    other_gross: float = 0.0
    posted: int = 0  # entries of `post`; passing the log itself down would cost a count of references at each call
    post: Posted


FILL = np.dtype(
    [
        ("time", np.int64),  # open of the bar in which it filled, UTC ms
        ("decision_time", np.int64),  # open of the bar whose step made the order or set the level
        ("symbol", np.int64),  # index
        ("side", np.int64),  # +1 buy, -1 sell
        ("qty", np.float64),
        ("price", np.float64),
        ("fee", np.float64),  # paid; negative for a rebate
        ("slippage", np.float64),  # money lost against the price that stood in the market
        ("maker", np.int64),
        ("reason", np.int64),  # an index into graph.account.FILL_REASONS
        ("position", np.float64),  # after the fill
    ]
)
