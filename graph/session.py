"""A session: the memory of a running plan. Blocks, single steps and restored snapshots run the same machine code."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from stratoquant.graph.account import BALANCES
from stratoquant.graph.border import HELD_BACK, Border, Limits, Order
from stratoquant.graph.clock import format_time
from stratoquant.graph.compile_errors import compile_error
from stratoquant.graph.control import new_control
from stratoquant.graph.diagnostics import Diagnostic, WiringError
from stratoquant.graph.kernel.call import Call
from stratoquant.graph.kernels import place_of
from stratoquant.graph.language import Parameters, State, remembered
from stratoquant.graph.layout import state_dtype, write_first_values
from stratoquant.graph.market import MARKET_EVENT, missing_events
from stratoquant.graph.passes.p8_layout import Column
from stratoquant.graph.passes.p9_emit import RUN_ARGUMENTS
from stratoquant.graph.plan import Plan, settings_record

Floats = npt.NDArray[np.float64]
Record = npt.NDArray[np.void]

_POSITIONS = {name: k for k, name in enumerate(RUN_ARGUMENTS)}
_MEMORY = ("state", "portfolio", "edges", "shared", "scratch", "accounts", "wallet", "border", "control")


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


@dataclass(frozen=True)
class Outside:
    """A step of a layer of the user's own that used an index outside an array. symbol is None for a portfolio layer."""

    node: str
    symbol: str | None
    time: int


class _OneBar(NamedTuple):
    """The bound step over one bar. kind: of its events. said: where their bytes go, the quickest way for records."""

    kind: np.dtype[np.void]
    time: npt.NDArray[np.int64]
    said: memoryview
    recorded: Recorded
    step: Callable[[], int]


class Session:
    """Runs a plan over time.

    cash: what the account starts with, quote currency. rules: per symbol, fields of the account's record such as tick
    and lot. limits: of the account; without them those of graph.border. record: ports to return for every step.
    simulate: let orders meet the plan's venue. audit: hash every edge and watch every range, at some cost.
    """

    def __init__(
        self,
        plan: Plan,
        settings: Parameters,
        *,
        cash: float,
        rules: Sequence[dict[str, float]] = (),
        limits: Limits | None = None,
        record: Sequence[str] = (),
        simulate: bool = True,
        audit: bool = False,
        fill_room: int = 0,
    ) -> None:
        self.plan = plan
        layout, symbols = plan.layout, len(plan.symbols)
        self._settings = settings_record(settings)
        self._limits = settings_record(limits or Limits())
        self.state = np.zeros(symbols, layout.state)
        self.portfolio = np.zeros(1, layout.portfolio)
        chunk = plan.schedule.chunk
        self.edges = _missing(layout.edges, (chunk + 1, symbols))
        self.shared = _missing(layout.shared, 1)
        self.scratch = _missing(layout.scratch, 1)
        self.accounts = _first(plan.venue.account, symbols)
        self.wallet = _first(plan.venue.wallet, 1)
        self.border = _first(Border, 1)
        self.orders = _first(Order, symbols)
        self.wallet["cash"] = self.wallet["equity"] = cash
        for record_of_symbol, values in zip(self.accounts, rules, strict=False):
            for name, value in values.items():
                record_of_symbol[name] = value
        self.control = new_control(settings, simulate=simulate, audit=audit)
        self.fills = np.zeros(fill_room or 4096 + 4 * symbols * plan.venue.fills_per_bar, plan.venue.fill)
        self._edge_values, self._shared_values = _doubles(self.edges), _doubles(self.shared)
        self._first_memories()
        self.recorded_columns = [plan.column(name) for name in record]
        own, common = ([c for c in self.recorded_columns if c.shared == shared] for shared in (False, True))
        self._spans, self._shared_spans = _spans(own), _spans(common)
        self._recorded = np.empty((1, symbols, sum(c.size for c in own)))
        self._shared_recorded = np.empty((1, sum(c.size for c in common)))
        self._balances = np.empty((1, len(BALANCES)))
        self._market = missing_events(chunk, symbols)
        self._market_values = self._market.view(np.float64).reshape(chunk, symbols, -1)
        self._fill_count = self.wallet["fills"]
        self._blocks: Any = None  # a Call over blocks, once there is machine code
        self._outputs_start = -1  # the row of the outputs at which its last block began
        self._one: _OneBar | None = None

    def prepare(self) -> None:
        """Makes the machine code, or loads it, by stepping over no bar at all: so the first bar waits for none."""
        if self._blocks is None:
            self._blocks = self._call(np.empty(0, np.int64), np.empty((0, len(self.plan.symbols), 1)), self._outputs(0))
            self._blocks()

    def run(self, times: npt.NDArray[np.int64], events: Record, on_fills: Any = None) -> Recorded:
        """Steps over a block: times of shape (bars,), UTC ms of the bars' open; events of shape (bars, symbols).

        An event is a graph.market.MARKET_EVENT or, without a book, a BAR_EVENT.
        on_fills is called with the entries of the fill log whenever there are some; afterwards the log is emptied.
        Where the account is ruined, what is returned ends with that bar, and nothing more should be run.
        """
        self.prepare()
        times = np.ascontiguousarray(times, np.int64)
        said = self._said(events)
        if len(said) != len(times):
            raise ValueError(f"{len(times)} times for {len(said)} bars of events")
        self._make_room(len(times))
        done = 0
        while done < len(times):  # the generated loop stops early when the fill log could overflow
            self._put({"times": times[done:], "events": said[done:]})
            if done != self._outputs_start:
                self._put(self._outputs(done))
                self._outputs_start = done
            done += self._blocks()
            self._drain(on_fills)
            if self.ruined:
                break
        return Recorded(self._recorded[:done], self._shared_recorded[:done], self._balances[:done])

    def step(self, time: int, events: Record, on_fills: Any = None) -> Recorded:
        """Steps over one bar; events of shape (symbols,). The same code as `run`, without its bookkeeping of blocks."""
        one = self._one
        if one is None or one.kind != events.dtype:
            one = self._one = self._one_bar(events.dtype)
        one.time[0] = time
        one.said[:] = events.tobytes()
        one.step()
        if self._fill_count[0]:
            self._drain(on_fills)
        return one.recorded

    @property
    def ruined(self) -> bool:
        """Whether the equity of a simulated account is used up."""
        return bool(self.control["ruined"][0])

    def held_back(self) -> dict[str, int]:
        """How often the border of the plan cut, kept back or called off an order, by the reason; see graph.border."""
        counts = self.border["held_back"][0]
        return {reason: int(count) for reason, count in zip(HELD_BACK, counts, strict=True) if count}

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
        """The first value that left its port's range: of the user's own layers, with audit on of any layer."""
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

    def raise_violation(self) -> None:
        """Raises WiringError when a layer of the user's own has left an array, or a value its port's range."""
        self._raise_outside()
        found = self.violation()
        if found is None:
            return
        key, _, port = found.port.partition(".")
        layer = self.plan.graph.nodes[key].layer
        edge = layer.outputs[port].edge
        whose = "" if found.symbol is None else f" of {found.symbol}"
        message = f"{found.port}{whose} is {found.value:g} at {format_time(found.time)}, but a {edge.name} is "
        hint = f"return nan where `{port}` is missing, keep it in that range, or declare it as Real"
        raise WiringError([Diagnostic("K015", message + edge.range_text(), place_of(layer), hint)])

    def outside(self) -> Outside | None:
        """The first index outside an array in a layer of the user's own; with machine code from LLVM."""
        found = []
        for key, node in self.plan.graph.nodes.items():
            if node.shipped:
                continue
            memory = self.portfolio if node.layer.portfolio else self.state
            for symbol, (noted, time) in enumerate(memory[key]["outside"].tolist()):
                if noted:
                    name = None if node.layer.portfolio else self.plan.symbols[symbol]
                    found.append(Outside(key, name, int(time)))
        return min(found, key=lambda one: one.time, default=None)

    def _raise_outside(self) -> None:
        found = self.outside()
        if found is None:
            return
        whose = "" if found.symbol is None else f" for {found.symbol}"
        message = f"{found.node}{whose} uses an index outside its array at {format_time(found.time)}"
        hint = "keep every index from 0 to the array's length - 1; -1 is not the last element"
        place = place_of(self.plan.graph.nodes[found.node].layer)
        raise WiringError([Diagnostic("K017", message, place, hint)])

    def value(self, port: str, symbol: int = 0) -> Floats:
        """The present value of NODE.port, as an array of its size."""
        column = self.plan.column(port)
        values = self._shared_values[0] if column.shared else self._edge_values[self.control["row"][0], symbol]
        copied: Floats = values[column.start : column.start + column.size].copy()
        return copied

    def _said(self, events: Record) -> Floats:
        """Events as plain numbers, (bars, symbols, fields); what they do not tell of a book is missing."""
        symbols = len(self.plan.symbols)
        if events.ndim != 2 or events.shape[1] != symbols:
            raise ValueError(f"events of shape {events.shape} for a plan of {symbols} symbols")
        fields = events.dtype.itemsize // 8
        self._market_values[:, :, fields:] = np.nan
        if self._one is not None and self._one.kind != events.dtype:
            self._one = None
        said: Floats = np.ascontiguousarray(events).view(np.float64).reshape(len(events), symbols, fields)
        return said

    def _one_bar(self, kind: np.dtype[np.void]) -> _OneBar:
        """What single steps over events of this kind use again and again."""
        said = self._said(missing_events(1, len(self.plan.symbols), kind))
        time, outputs = np.zeros(1, np.int64), {name: part[:1].copy() for name, part in self._outputs(0).items()}
        return _OneBar(kind, time, said.data.cast("B"), Recorded(*outputs.values()), self._call(time, said, outputs))

    def _put(self, arguments: dict[str, Any]) -> None:
        for name, argument in arguments.items():
            self._blocks.put(_POSITIONS[name], argument)

    def _outputs(self, start: int) -> dict[str, Floats]:
        """The rows into which steps write what is recorded."""
        return {
            "recorded": self._recorded[start:],
            "shared_recorded": self._shared_recorded[start:],
            "balances": self._balances[start:],
        }

    def _call(self, times: Any, said: Floats, outputs: dict[str, Floats]) -> Callable[[], int]:
        """The generated `run` over these bars."""
        arguments = outputs | {
            "times": times,
            "events": said,
            "market": self._market,
            "market_values": self._market_values,
            "state": self.state,
            "portfolio": self.portfolio,
            "edges": self.edges,
            "edge_values": self._edge_values,
            "shared": self.shared,
            "shared_values": self._shared_values,
            "scratch": self.scratch,
            "params": self.plan.params,
            "constants": self.plan.constants,
            "accounts": self.accounts,
            "wallets": self.wallet,
            "settings": self._settings,
            "limits": self._limits,
            "border": self.border,
            "orders": self.orders,
            "fills": self.fills,
            "control": self.control,
            "spans": self._spans,
            "shared_spans": self._shared_spans,
            "bounds": self.plan.bounds,
            "shared_bounds": self.plan.shared_bounds,
        }
        try:
            return Call(self.plan.run, [*(arguments[name] for name in RUN_ARGUMENTS), *self._more_arguments()])
        except Exception as problem:
            error = compile_error(self.plan.graph, self.plan.venue, self.plan.text, problem)
            if error is None:
                raise
            raise error from problem

    def _more_arguments(self) -> tuple[Any, ...]:
        return ()  # what `run` takes after RUN_ARGUMENTS; see graph.observation

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
            self._outputs_start = -1

    def _first_memories(self) -> None:
        for key, node in self.plan.graph.nodes.items():
            if node.layer.state is not None:
                record = (self.portfolio if node.layer.portfolio else self.state)[key]["memory"]
                write_first_values(node.layer.state, record)
        for clock in self.plan.layout.slow_clocks:
            self.state[f"market_{clock}"] = _missing(MARKET_EVENT, 1)[0]


@remembered
def _record_type(state: type[State]) -> np.dtype[np.void]:
    """One object for all sessions: numba knows a record again by identity, and compares whole dtypes otherwise."""
    return state_dtype(state, None, 1)


def _first(state: type[State], count: int) -> Record:
    record: Record = np.zeros(count, _record_type(state))
    write_first_values(state, record)
    return record


def _missing(dtype: np.dtype[np.void], shape: int | tuple[int, ...]) -> Record:
    record = np.empty(shape, dtype)
    _doubles(record)[:] = np.nan
    return record


def _doubles(record: Record) -> Floats:
    return record.view(np.float64).reshape(*record.shape, -1)


def _spans(columns: Sequence[Column]) -> npt.NDArray[np.int64]:
    """What to copy so that columns lie one after the other, a row a span: where to, where from, how many; columns that
    lie side by side already are one span."""
    spans: list[list[int]] = []
    place = 0
    for column in columns:
        if spans and column.start == spans[-1][1] + spans[-1][2]:
            spans[-1][2] += column.size
        else:
            spans.append([place, column.start, column.size])
        place += column.size
    return np.array(spans, np.int64).reshape(-1, 3)
