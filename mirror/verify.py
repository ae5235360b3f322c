"""The proof: a wiring run by its plan and by an interpreter of Pine over the same bars, compared port by port."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np

from stratoquant.graph.compiler import Checked
from stratoquant.graph.market import BAR_EVENT, missing_events
from stratoquant.graph.plan import Plan, compile_plan
from stratoquant.graph.session import Session
from stratoquant.mirror.engines import Columns, Engine, run_script
from stratoquant.runtime.data.market import Market
from stratoquant.runtime.venue import SIMULATED, VenueSettings

FLOOR = 1e-3
"""A value below this share of its port's median size is compared as if it were that large: where numbers cancel, what
is left has no more digits to agree in than they had."""

_ON_CHARTS = ("time", "open", "high", "low", "close", "volume")


@dataclass(frozen=True)
class PortParity:
    """How one port of one symbol compares. first: time of the first bar that differs, None when none does."""

    port: str
    compared: int
    differing: int
    worst: float
    first: int | None


@dataclass(frozen=True)
class SymbolParity:
    symbol: str
    bars: int
    differing: int
    ports: tuple[PortParity, ...]


@dataclass(frozen=True)
class Parity:
    """bars: of the chart, over all symbols. differing: those on which any port differs."""

    engine: str
    symbols: tuple[SymbolParity, ...]
    bars: int = field(init=False)
    differing: int = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "bars", sum(s.bars for s in self.symbols))
        object.__setattr__(self, "differing", sum(s.differing for s in self.symbols))

    def worst(self) -> dict[str, float]:
        """The worst relative difference of each port over all symbols."""
        found: dict[str, float] = {}
        for symbol in self.symbols:
            for port in symbol.ports:
                found[port.port] = max(found.get(port.port, 0.0), port.worst)
        return found


def verify(
    checked: Checked,
    script: str,
    market: Market,
    ports: Sequence[str],
    engine: Engine,
    on_symbol: Callable[[str], None] = lambda _: None,
) -> Parity:
    """Runs every symbol of the market both ways. script: plots each of `ports` under its name.

    Bars are used as a chart has them: open, high, low, close and volume alone.
    """

    def one(symbol: str) -> SymbolParity:
        times, ours, bars = run_plan(plan, market, symbol, ports)
        theirs = run_script(engine, script, bars, market.clock_ms)
        on_symbol(symbol)
        return compare(checked, symbol, times, ours, theirs, ports, engine.tolerance)

    plan = compile_plan(checked, SIMULATED, ("chart",))
    with ThreadPoolExecutor(max_workers=2) as pool:
        return Parity(engine.name, tuple(pool.map(one, market.symbols)))


def run_plan(plan: Plan, market: Market, symbol: str, ports: Sequence[str]) -> tuple[np.ndarray, Columns, Columns]:
    """The plan over one symbol as a chart has it: times and ports on the bars of the chart, and those bars."""
    place = market.symbols.index(symbol)
    session = Session(plan, VenueSettings(), cash=100_000.0, record=ports, simulate=False)
    times, values, seen = [], [], []
    for block in market.blocks():
        events = missing_events(len(block.times), 1, BAR_EVENT)
        for name in _ON_CHARTS:
            events[name][:, 0] = block.events[name][:, place]
        recorded = session.run(block.times, events)
        has_bar = ~np.isnan(events["time"][:, 0])
        times.append(block.times[has_bar].copy())
        values.append(recorded.symbols[has_bar, 0].copy())
        seen.append(events[has_bar, 0])
    table = np.concatenate(values)
    bars = np.concatenate(seen)
    columns = {name: np.ascontiguousarray(bars[name]) for name in ("open", "high", "low", "close", "volume")}
    stamps = np.concatenate(times)
    return stamps, {port: table[:, k] for k, port in enumerate(ports)}, {"time": stamps, **columns}


def compare(
    checked: Checked,
    symbol: str,
    times: np.ndarray,
    ours: Columns,
    theirs: Columns,
    ports: Sequence[str],
    tolerance: float,
) -> SymbolParity:
    """Compares two runs of one symbol bar by bar. tolerance: relative; whole ports (sides, flags, labels, counts) must
    be equal."""
    anything = np.zeros(len(times), dtype=bool)
    found = []
    for port in ports:
        distance = distances(ours[port], theirs[port], whole=_is_whole(checked, port))
        wrong = distance > tolerance
        anything |= wrong
        known = int(np.count_nonzero(~np.isnan(ours[port])))
        first = int(times[np.argmax(wrong)]) if wrong.any() else None
        found.append(PortParity(port, known, int(wrong.sum()), float(distance.max(initial=0.0)), first))
    return SymbolParity(symbol, len(times), int(anything.sum()), tuple(found))


def distances(ours: np.ndarray, theirs: np.ndarray, *, whole: bool) -> np.ndarray:
    """Relative distance of each pair; infinite where one alone is missing, or where whole values are not equal."""
    both_missing = np.isnan(ours) & np.isnan(theirs)
    same = both_missing | (ours == theirs)
    known = np.abs(ours[~np.isnan(ours)])
    usual = float(np.median(known)) if len(known) else 0.0
    with np.errstate(invalid="ignore", divide="ignore"):
        relative = np.abs(ours - theirs) / np.maximum(np.abs(ours), FLOOR * usual)
    relative = np.where(np.isnan(relative) | whole, np.inf, relative)
    return np.where(same, 0.0, relative)


def _is_whole(checked: Checked, port: str) -> bool:
    assert checked.graph is not None
    node, name = port.split(".")
    return checked.graph.nodes[node].layer.outputs[name].edge.whole
