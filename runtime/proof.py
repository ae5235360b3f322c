"""The dynamic proof of causality: what is said of the past must not change when the future does.

The static checks show that no wire reads ahead. This proof looks at the whole path from stored bars to recorded
values, the host included: the bars after a random cut are removed, and separately disturbed, and every value up to
the cut must stay bit-identical.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import polars as pl

from stratoquant.graph.clock import format_time
from stratoquant.graph.compiler import Checked
from stratoquant.graph.diagnostics import Diagnostic
from stratoquant.graph.plan import Plan, compile_plan
from stratoquant.graph.session import Session

BARS = 3000
CUTS = 4

Host = Callable[[Plan, pl.DataFrame], "Trace"]
Announce = Callable[[str], None]


@dataclass(frozen=True)
class Trace:
    """Every value of a run. times: (bars,); values: (bars, columns), the columns in the order of `names`."""

    times: np.ndarray
    values: np.ndarray
    names: tuple[str, ...]


def _quiet(step: str) -> None:
    """Announces nothing."""


def prove(checked: Checked, host: Host | None = None, seed: int = 0, announce: Announce = _quiet) -> list[Diagnostic]:
    """Runs the proof on the built-in market, on three symbols; one finding for each port that knew the future.

    announce: is called with the name of each step as it begins.
    """
    from stratoquant.runtime.data.synthetic import synthesise
    from stratoquant.runtime.venue import SIMULATED

    graph = checked.graph
    assert graph is not None
    symbols = ("AAA", "BBB", "CCC")
    announce("compiling the plan, or loading it from the cache")
    plan = compile_plan(checked, SIMULATED, symbols)
    Session(plan, plan.venue.settings(), cash=100_000.0).prepare()
    bars = synthesise(symbols, BARS, seed, clock_ms=graph.clock_ms)
    return causality_findings(plan, bars, host or replay_all, seed, announce)


def causality_findings(
    plan: Plan, bars: pl.DataFrame, host: Host, seed: int = 0, announce: Announce = _quiet
) -> list[Diagnostic]:
    """Cuts and disturbs `bars` (canonical columns) at random times and compares what `host` recorded before the cut."""
    announce(f"reference run of {bars['time'].n_unique()} bars")
    reference = host(plan, bars)
    random = np.random.default_rng(seed)
    found: dict[str, Diagnostic] = {}
    for number in range(1, CUTS + 1):
        cut = int(reference.times[int(random.integers(len(reference.times) // 10, len(reference.times) - 1))])
        for name, changed in (("removed", _removed(bars, cut)), ("disturbed", _disturbed(bars, cut, random))):
            announce(f"cut {number} of {CUTS}: bars after {format_time(cut)} {name}")
            for finding in _compare(plan, reference, host(plan, changed), cut, name):
                found.setdefault(finding.message.partition(" knows")[0], finding)
    return list(found.values())


def replay_all(plan: Plan, bars: pl.DataFrame) -> Trace:
    """The host of every backtest: bars on their grid, in blocks, every port recorded."""
    from stratoquant.runtime.data.market import market_from

    names = tuple(plan.layout.columns)
    session = Session(plan, plan.venue.settings(), cash=100_000.0, record=names)
    times, values = [], []
    for block in market_from(bars, plan.symbols, plan.graph.clock_ms).blocks(512):
        recorded = session.run(block.times, block.events)
        times.append(block.times.copy())
        values.append(np.hstack([recorded.symbols.reshape(len(block.times), -1), recorded.shared]))
    return Trace(np.concatenate(times), np.concatenate(values), _column_names(plan, names))


def _column_names(plan: Plan, ports: tuple[str, ...]) -> tuple[str, ...]:
    each = [p for p in ports if not plan.column(p).shared for _ in range(plan.column(p).size)]
    shared = [p for p in ports if plan.column(p).shared for _ in range(plan.column(p).size)]
    return (*each * len(plan.symbols), *shared)


def _removed(bars: pl.DataFrame, cut: int) -> pl.DataFrame:
    return bars.filter(pl.col("time") <= cut)


def _disturbed(bars: pl.DataFrame, cut: int, random: np.random.Generator) -> pl.DataFrame:
    """The same bars up to the cut; after it other prices, other volumes, and every seventh bar gone."""
    factor = pl.Series("factor", random.uniform(0.5, 2.0, len(bars)))
    later = pl.col("time") > cut
    prices = [
        pl.when(later).then(pl.col(c) * factor).otherwise(pl.col(c)).alias(c) for c in ("open", "high", "low", "close")
    ]
    volume = pl.when(later).then(pl.col("volume") * 3.0 + 1.0).otherwise(pl.col("volume")).alias("volume")
    kept = ~later | (pl.int_range(pl.len()) % 7 != 3)
    return bars.with_columns(*prices, volume).filter(kept)


def _compare(plan: Plan, reference: Trace, changed: Trace, cut: int, name: str) -> list[Diagnostic]:
    rows = int(np.searchsorted(reference.times, cut, side="right"))
    if len(changed.times) < rows:
        message = f"the run knows the future: with the bars after {format_time(cut)} {name}, earlier steps are gone"
        return [Diagnostic("P001", message, plan.graph.place, "let the host give every bar at its own time")]
    before, after = reference.values[:rows], changed.values[:rows]
    differs = before.view(np.int64) != after.view(np.int64)
    findings = {}
    for column in np.flatnonzero(differs.any(axis=0)):
        port = reference.names[column]
        first = int(reference.times[int(np.argmax(differs[:, column]))])
        node = plan.graph.nodes[port.partition(".")[0]]
        message = (
            f"{port} knows the future: its value at {format_time(first)} changes when the bars after "
            f"{format_time(cut)} are {name}"
        )
        findings[port] = Diagnostic(
            "P001", message, node.place, "find what on the path from data to this port reads ahead"
        )
    return list(findings.values())
