"""A session: the memory of a running plan. Blocks, single steps and restored snapshots run the same machine code."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from graph.account import BALANCES
from graph.language import Parameters, State
from graph.layout import state_dtype, write_first_values
from graph.market import MARKET_EVENT
from graph.passes.p8_layout import Column
from graph.plan import Plan, settings_record

Floats = npt.NDArray[np.float64]
Record = npt.NDArray[np.void]

CONTROL = np.dtype(
    [
        ("simulate", np.int64),  # 1: orders meet the venue of the plan; 0: the account is kept from outside
        ("audit", np.int64),  # 1: hash every edge of every step and watch the ranges
        ("kill", np.float64),
        ("reset", np.float64),
        ("digest", np.int64),
        ("violations", np.int64),
        ("violation_time", np.float64),
        ("violation_symbol", np.int64),
        ("violation_column", np.int64),
        ("violation_value", np.float64),
    ]
)
_MEMORY = ("state", "portfolio", "edges", "shared", "scratch", "accounts", "wallet", "control")


@dataclass(frozen=True)
class Recorded:
    """Values of a block, valid until the next one.

    symbols: (bars, symbols, columns). shared: (bars, columns). balances: (bars, len(graph.account.BALANCES)).
    """

    symbols: Floats
    shared: Floats
    balances: Floats


@dataclass(frozen=True)
class Violation:
    """A value that left the range of its port. symbol is None for a port shared by all."""

    port: str
    symbol: str | None
    time: int
    value: float


class Session:
    """Runs a plan over time.

    cash: what the account starts with, quote currency. rules: per symbol, fields of the account's record such as tick
    and lot. record: ports to return for every step. simulate: let orders meet the plan's venue. audit: hash every edge
    and watch every range, at some cost.
    """

    def __init__(
        self,
        plan: Plan,
        settings: Parameters,
        *,
        cash: float,
        rules: Sequence[dict[str, float]] = (),
        record: Sequence[str] = (),
        simulate: bool = True,
        audit: bool = False,
        fill_room: int = 0,
    ) -> None:
        self.plan = plan
        layout, symbols = plan.layout, len(plan.symbols)
        self._settings = settings_record(settings)
        self.state = np.zeros(symbols, layout.state)
        self.portfolio = np.zeros(1, layout.portfolio)
        self.edges = _missing(layout.edges, symbols)
        self.shared = _missing(layout.shared, 1)
        self.scratch = _missing(layout.scratch, 1)
        self.accounts = _first(plan.venue.account, symbols)
        self.wallet = _first(plan.venue.wallet, 1)
        self.wallet["cash"] = self.wallet["equity"] = cash
        for record_of_symbol, values in zip(self.accounts, rules, strict=False):
            for name, value in values.items():
                record_of_symbol[name] = value
        self.control = np.zeros(1, CONTROL)
        self.control["simulate"], self.control["audit"] = simulate, audit
        self.fills = np.zeros(fill_room or 4096 + 4 * symbols * plan.venue.fills_per_bar, plan.venue.fill)
        self._edge_values, self._shared_values = _doubles(self.edges), _doubles(self.shared)
        self._first_memories()
        self._columns, self._shared_columns = _column_indices(plan, record)
        self.recorded_columns = [plan.column(name) for name in record]
        self._recorded = np.empty((0, symbols, len(self._columns)))
        self._shared_recorded = np.empty((0, len(self._shared_columns)))
        self._balances = np.empty((0, len(BALANCES)))
        self._one_time = np.zeros(1, np.int64)
        self._one_event = np.zeros((1, symbols), MARKET_EVENT)
        self._one_values = self._one_event.view(np.float64).reshape(-1)
        self._fill_count = self.wallet["fills"]
        self._make_room(1)
        self._one_recorded = Recorded(
            self._recorded[:1].copy(), self._shared_recorded[:1].copy(), self._balances[:1].copy()
        )
        one = self._one_recorded
        self._one_step = self._arguments(self._one_time, self._one_event, one.symbols, one.shared, one.balances)

    def prepare(self) -> None:
        """Makes the machine code, or loads it, by stepping over no bar at all: so the first bar is as fast as any."""
        self._call(np.empty(0, np.int64), np.empty((0, len(self.plan.symbols)), MARKET_EVENT), 0)

    def run(self, times: npt.NDArray[np.int64], events: Record, on_fills: Any = None) -> Recorded:
        """Steps over a block: times of shape (bars,), UTC ms of the bars' open; events of shape (bars, symbols).

        on_fills is called with the entries of the fill log whenever there are some; afterwards the log is emptied.
        """
        self._make_room(len(times))
        done = 0
        while done < len(times):
            done += self._call(times[done:], events[done:], done)
            self._drain(on_fills)
        bars = len(times)
        return Recorded(self._recorded[:bars], self._shared_recorded[:bars], self._balances[:bars])

    def step(self, time: int, events: Record, on_fills: Any = None) -> Recorded:
        """Steps over one bar; events of shape (symbols,). The same code as `run`, without its bookkeeping of blocks."""
        self._one_time[0] = time
        self._one_values[:] = events.view(np.float64)
        self.plan.run(*self._one_step)
        if self._fill_count[0]:
            self._drain(on_fills)
        return self._one_recorded

    def snapshot(self) -> dict[str, Record]:
        """All memory, as named records; `restore` brings a session of the same plan back to exactly this point."""
        return {name: getattr(self, name).copy() for name in _MEMORY}

    def restore(self, snapshot: dict[str, Record]) -> None:
        """Raises ValueError when the snapshot is of another plan."""
        for name in _MEMORY:
            if snapshot[name].dtype != getattr(self, name).dtype or snapshot[name].shape != getattr(self, name).shape:
                raise ValueError(f"the snapshot's {name} is not of this plan: wiring, layers or symbols differ")
        for name in _MEMORY:
            getattr(self, name)[...] = snapshot[name]

    def digest(self) -> str:
        """With audit on, a hash of every edge of every step so far, the plan included."""
        return f"{self.plan.fingerprint}-{int(self.control['digest'][0]) & (2**64 - 1):016x}"

    def violation(self) -> Violation | None:
        """With audit on, the first value that left its port's range."""
        control = self.control[0]
        if not control["violations"]:
            return None
        shared = int(control["violation_symbol"]) < 0
        at = int(control["violation_column"])
        port = next(
            n for n, c in self.plan.layout.columns.items() if c.shared == shared and c.start <= at < c.start + c.size
        )
        symbol = None if shared else self.plan.symbols[int(control["violation_symbol"])]
        return Violation(port, symbol, int(control["violation_time"]), float(control["violation_value"]))

    def value(self, port: str, symbol: int = 0) -> Floats:
        """The present value of NODE.port, as an array of its size."""
        column = self.plan.column(port)
        values = _doubles(self.shared)[0] if column.shared else _doubles(self.edges)[symbol]
        copied: Floats = values[column.start : column.start + column.size].copy()
        return copied

    def _call(self, times: Any, events: Any, done: int) -> int:
        """Steps until the end of the block, or until the fill log is full; returns the number of steps."""
        outputs = (self._recorded[done:], self._shared_recorded[done:], self._balances[done:])
        return self.plan.run(*self._arguments(times, events, *outputs))

    def _arguments(
        self, times: Any, events: Any, recorded: Floats, shared: Floats, balances: Floats
    ) -> tuple[Any, ...]:
        """What the generated `run` takes, in its order."""
        memories = (self.state, self.portfolio, self.edges, self._edge_values, self.shared, self._shared_values)
        data = (self.scratch, self.plan.params, self.plan.constants)
        venue = (self.accounts, self.wallet, self._settings, self.fills, self.control)
        outputs = (self._columns, recorded, self._shared_columns, shared, balances)
        return (times, events, *memories, *data, *venue, *outputs, self.plan.bounds, self.plan.shared_bounds)

    def _drain(self, on_fills: Any) -> None:
        count = int(self.wallet["fills"][0])
        if count:
            if on_fills is not None:
                on_fills(self.fills[:count])
            self.wallet["fills"] = 0

    def _make_room(self, bars: int) -> None:
        if len(self._recorded) < bars:
            self._recorded = np.empty((bars, *self._recorded.shape[1:]))
            self._shared_recorded = np.empty((bars, *self._shared_recorded.shape[1:]))
            self._balances = np.empty((bars, len(BALANCES)))

    def _first_memories(self) -> None:
        for key, node in self.plan.graph.nodes.items():
            if node.layer.state is not None:
                record = (self.portfolio if node.layer.portfolio else self.state)[key]["memory"]
                write_first_values(node.layer.state, record)
        for clock in self.plan.layout.slow_clocks:
            self.state[f"market_{clock}"] = _missing(MARKET_EVENT, 1)[0]


@cache
def _record_type(state: type[State]) -> np.dtype[np.void]:
    """One object for all sessions: numba knows a record again by identity, and compares whole dtypes otherwise."""
    return state_dtype(state, None, 1)


def _first(state: type[State], count: int) -> Record:
    record: Record = np.zeros(count, _record_type(state))  # type: ignore[arg-type]
    write_first_values(state, record)
    return record


def _missing(dtype: np.dtype[np.void], count: int) -> Record:
    record = np.empty(count, dtype)
    _doubles(record)[:] = np.nan
    return record


def _doubles(record: Record) -> Floats:
    return record.view(np.float64).reshape(len(record), -1)


def _column_indices(plan: Plan, record: Sequence[str]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    indices: tuple[list[int], list[int]] = ([], [])
    for name in record:
        column: Column = plan.column(name)
        indices[column.shared].extend(range(column.start, column.start + column.size))
    return np.array(indices[0], np.int64), np.array(indices[1], np.int64)
