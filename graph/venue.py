"""What a simulated venue must provide so that the compiler can fuse it into the loop. The venue itself is elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from stratoquant.graph.language import Parameters, State


@dataclass(frozen=True)
class Venue:
    """Kernels and records of a venue.

    account: the record of a symbol, with the fields of graph.account.SYMBOL_ACCOUNT_PORTS. wallet: the shared record,
    with those of SHARED_ACCOUNT_PORTS and `fills`, the number of entries in the fill log. fill: one entry of that log.
    fills_per_bar: the most entries that one symbol can add in one bar.

    passes_quietly(account, wallet, settings, event) does all there is to do in a bar in which nothing can happen, and
    returns False for any other; meet_market(account, wallet, settings, event, now, symbol, fills) then lets orders of
    earlier steps meet it;
    settle(accounts, wallet, settings) values all positions; outlasting(account, settings, side) is the quantity on a
    side that can still fill after one more order is sent; place(account, wallet, settings, now, *order ports in the
    order of graph.account.ORDER_PORTS) takes this step's order.
    """

    account: type[State]
    wallet: type[State]
    settings: type[Parameters]
    fill: np.dtype[np.void]
    fills_per_bar: int
    passes_quietly: Callable[..., Any]
    meet_market: Callable[..., Any]
    settle: Callable[..., Any]
    outlasting: Callable[..., Any]
    place: Callable[..., Any]
