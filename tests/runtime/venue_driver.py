"""Runs the simulated venue alone over bars and scripted orders, compiled the way a plan compiles it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from stratoquant.graph.account import ORDER_PORTS
from stratoquant.graph.kernel.call import Call
from stratoquant.graph.kernel_text import KernelText, imports
from stratoquant.graph.layout import state_dtype, write_first_values
from stratoquant.graph.market import MARKET_EVENT, missing_events
from stratoquant.graph.passes.p10_build import build, fingerprint
from stratoquant.graph.plan import settings_record
from stratoquant.graph.venue import Venue
from stratoquant.runtime.venue import FRICTIONLESS, SIMULATED, VenueSettings, close_out

PORTS = {name: k for k, name in enumerate(ORDER_PORTS)}
MINUTE = 60_000
WATCHED = ("position", "working", "open_orders", "rejects", "stop_price", "held", "fill_qty", "fill_price", "fill_fees")

_LOOP = """
@entry
def run(times, events, orders, accounts, wallets, settings, fills, equity, watched, finish):
    w = wallets[0]
    venue = settings[0]
    symbols = events.shape[1]
    for t in range(len(times)):
        now = float(times[t])
        for i in range(symbols):
            meet_market(accounts[i], w, venue, events[t, i], now, i, fills)
        settle(accounts, w, venue)
        if len(equity):
            equity[t, 0] = w.equity
            equity[t, 1] = w.cash
            for i in range(symbols):
                a = accounts[i]
                WATCH
        if len(orders):
            for i in range(symbols):
                o = orders[t, i]
                place(accounts[i], w, venue, now, ORDER)
    if finish:
        for i in range(symbols):
            close_out(accounts[i], w, venue, events[len(times) - 1, i], float(times[len(times) - 1]), i, fills)
        settle(accounts, w, venue)
    return len(times)
"""


@dataclass(frozen=True)
class Outcome:
    """fills: the log. equity, cash: a step. watched: by name, (steps, symbols). accounts, wallet: at the end."""

    fills: np.ndarray
    equity: np.ndarray
    cash: np.ndarray
    watched: dict[str, np.ndarray]
    accounts: np.ndarray
    wallet: Any


@cache
def loop() -> Callable[..., Any]:
    """The compiled driver; machine code is shared between processes by the plans' cache."""
    text = driver_text()
    return build(f"venue_{fingerprint(text)}", text)


def driver_text(venue: Venue = SIMULATED) -> str:
    kernels = KernelText()
    for function in (venue.meet_market, venue.settle, venue.place, close_out):
        kernels.add_function(function)
    watch = "\n                ".join(f"watched[t, i, {k}] = a.{name}" for k, name in enumerate(WATCHED))
    order = ", ".join(f"o[{k}]" for k in range(len(PORTS)))
    body = kernels.text() + "\n" + _LOOP.replace("WATCH", watch).replace("ORDER", order)
    return f"{imports(body)}\n\n\n{body}"


def no_orders(steps: int, symbols: int = 1) -> np.ndarray:
    return np.full((steps, symbols, len(PORTS)), np.nan)


def order(orders: np.ndarray, step: int, side: float, qty: float, symbol: int = 0, **ports: float) -> None:
    """Writes an order into the script; what is not named is not wired."""
    for name, value in {"side": side, "qty": qty, **ports}.items():
        orders[step, symbol, PORTS[name]] = value


def bars(*rows: Sequence[float] | None, **fields: float) -> np.ndarray:
    """A block of one symbol from rows of open, high, low, close and perhaps volume; None is a step without a bar."""
    block = missing_events(len(rows), 1)
    for t, row in enumerate(rows):
        if row is not None:
            for name, value in zip(("open", "high", "low", "close", "volume"), row, strict=False):
                block[t, 0][name] = value
            block[t, 0]["time"] = t * MINUTE
            for name, value in fields.items():
                block[t, 0][name] = value
    return block


def block_of(columns: dict[str, np.ndarray]) -> np.ndarray:
    """A block of one symbol from columns of bars."""
    block = missing_events(len(columns["open"]), 1)
    for name in ("time", "open", "high", "low", "close", "volume"):
        if name in columns:
            block[name][:, 0] = columns[name]
    return block


def accounts_of(symbols: int = 1, **rules: float) -> np.ndarray:
    accounts = np.zeros(symbols, state_dtype(SIMULATED.account, None, symbols))
    write_first_values(SIMULATED.account, accounts)
    for name, value in rules.items():
        accounts[name] = value
    return accounts


def simulate(
    events: np.ndarray,
    orders: np.ndarray,
    settings: VenueSettings = FRICTIONLESS,
    *,
    cash: float = 1e6,
    finish: bool = False,
    watch: bool = True,
    times: np.ndarray | None = None,
    **rules: float,
) -> Outcome:
    """Runs the script. rules: tick, lot, min_notional, max_qty of every symbol."""
    assert events.dtype == MARKET_EVENT
    events = np.ascontiguousarray(events)
    steps, symbols = events.shape
    accounts = accounts_of(symbols, **rules)
    wallets = np.zeros(1, state_dtype(SIMULATED.wallet, None, symbols))
    wallets["cash"] = wallets["equity"] = cash
    fills = np.zeros(SIMULATED.fills_per_bar * symbols * (steps + 1), SIMULATED.fill)
    equity = np.zeros((steps if watch else 0, 2))
    watched = np.zeros((len(equity), symbols, len(WATCHED)))
    times = np.arange(steps, dtype=np.int64) * MINUTE if times is None else times.astype(np.int64)
    arguments = (
        times,
        events,
        orders,
        accounts,
        wallets,
        settings_record(settings),
        fills,
        equity,
        watched,
        int(finish),
    )
    Call(loop(), arguments)()
    assert wallets["unlogged"][0] == 0
    log = fills[: int(wallets["fills"][0])]
    values = {name: watched[:, :, k] for k, name in enumerate(WATCHED)}
    return Outcome(log, equity[:, 0], equity[:, 1], values, accounts, wallets[0])
