"""What the tests of the venue's rules share: one hand-made market, orders as they are given, fills as they are told."""

from __future__ import annotations

from typing import Any

import numpy as np

from stratoquant.graph.account import FILL_REASONS
from stratoquant.runtime.venue import FRICTIONLESS, VenueSettings
from stratoquant.runtime.venue.records import REJECTS
from tests.runtime.venue_driver import MINUTE, Outcome, bars, no_orders, order, simulate

FLAT = (100.0, 101.0, 99.0, 100.0, 1000.0)
MARKET, LIMIT, STOP = 0, 1, 2


def free(**changes: float) -> VenueSettings:
    """A venue without friction, but for the changes."""
    return FRICTIONLESS.model_copy(update=changes)


def run(rows: list[Any], *orders: dict[str, Any], settings: VenueSettings = FRICTIONLESS, **more: Any) -> Outcome:
    """Orders are given as {"step": ..., "side": ..., "qty": ..., any port}."""
    script = no_orders(len(rows))
    for ports in orders:
        order(script, **{"side": np.nan, "qty": np.nan} | ports)
    return simulate(bars(*rows), script, settings, **more)


def told(outcome: Outcome) -> list[tuple[int, float, float, str]]:
    """step, signed quantity, price, reason of every fill."""
    return [
        (int(f["time"]) // MINUTE, float(f["side"] * f["qty"]), float(f["price"]), FILL_REASONS[f["reason"]])
        for f in outcome.fills
    ]


def rejected(outcome: Outcome) -> str:
    return REJECTS[outcome.accounts["reject_reason"][0]]
