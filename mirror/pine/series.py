"""Values of a finished run, packed into texts that a script carries: what crosses the cut, and what it is checked by.

A series is kept as its changes: steps since the change before, and the new value, as `12,0.5,3,n`; n is missing.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from stratoquant.mirror.pine.limits import STRING
from stratoquant.runtime.errors import StratoError


@dataclass(frozen=True)
class Exported:
    """One port of one symbol over a run. times: UTC milliseconds of the bars' open."""

    port: str
    times: np.ndarray
    values: np.ndarray

    def since(self, time: int) -> Exported:
        """The part from a time on."""
        first = int(np.searchsorted(self.times, time))
        return Exported(self.port, self.times[first:], self.values[first:])


@dataclass(frozen=True)
class Packed:
    """first: time from which the gaps count, one step before the first change. end: time after the last bar."""

    port: str
    first: int
    end: int
    texts: tuple[str, ...]

    @property
    def characters(self) -> int:
        return sum(map(len, self.texts))


def read_run(folder: Path, identity: str, symbol: str | None = None) -> dict[str, Exported]:
    """Every recorded port of one symbol. Raises StratoError for what is no run, another wiring's, or incomplete.

    identity: graph.identity.wiring_digest of the wiring that is mirrored. symbol: default the run's first.
    """
    facts = run_facts(folder)
    if facts.get("wiring") != identity:
        message = f"{folder}: a run of another wiring ({facts.get('name')}, {facts.get('wiring') or 'no digest'})"
        raise StratoError(message, f"run this wiring ({identity}) and embed that run", "M021")
    symbols = facts.get("symbols") or []
    if symbol is None and symbols:
        symbol = str(symbols[0])
    if symbol not in symbols:
        held = ", ".join(symbols) or "none"
        raise StratoError(f"{folder}: the run has no symbol {symbol}", f"its symbols are {held}", "M022")
    try:
        table = pl.scan_parquet(folder / "values" / "*.parquet").filter(pl.col("symbol") == symbol).collect()
    except (OSError, pl.exceptions.PolarsError) as problem:
        raise StratoError(
            f"{folder}: its recorded values cannot be read: {problem}", "run the backtest again", "M020"
        ) from None
    wanted = (facts["end_ms"] - facts["start_ms"]) // facts["clock_ms"]
    if table.height != wanted:
        message = f"{folder}: {table.height:,} bars of {symbol} are there, the run had {wanted:,}"
        raise StratoError(message, "the folder is incomplete: run the backtest again", "M020")
    times = table["time"].to_numpy()
    return {
        name: Exported(name, times, table[name].fill_null(np.nan).to_numpy()) for name in table.columns if "." in name
    }


def run_facts(folder: Path) -> dict[str, Any]:
    path = folder / "result.json"
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
    except OSError as problem:
        message = f"{path}: {(problem.strerror or str(problem)).lower()}"
        raise StratoError(message, "give the folder of a run, as `stratoquant backtest` makes it", "M020") from None
    except ValueError:
        raise StratoError(f"{path}: broken off or no JSON", "run the backtest again", "M020") from None
    if not isinstance(facts, dict):
        raise StratoError(f"{path}: no result of a run", "give the folder of a run", "M020")
    return facts


def pack(series: Exported, clock_ms: int) -> Packed:
    """The changes of a series as texts of at most the length that a constant may have."""
    values = series.values
    changed = np.ones(len(values), dtype=bool)
    changed[1:] = ~((values[1:] == values[:-1]) | (np.isnan(values[1:]) & np.isnan(values[:-1])))
    steps = (series.times[changed] - series.times[0]) // clock_ms
    gaps = np.diff(steps, prepend=-1)
    words = [f"{gap},{_word(value)}" for gap, value in zip(gaps.tolist(), values[changed].tolist(), strict=True)]
    first, end = int(series.times[0]) - clock_ms, int(series.times[-1]) + clock_ms
    return Packed(series.port, first, end, tuple(_chunks(words)))


def _word(value: float) -> str:
    if value != value:
        return "n"
    return str(int(value)) if value == int(value) and abs(value) < 2**53 else repr(value)


def _chunks(words: Sequence[str]) -> list[str]:
    chunks, line = [], ""
    for word in words:
        if line and len(line) + 1 + len(word) > STRING - 96:
            chunks.append(line)
            line = ""
        line = f"{line},{word}" if line else word
    return [*chunks, line] if line else chunks


def pack_within(all_series: Sequence[Exported], clock_ms: int, characters: int) -> list[Packed]:
    """Packs the latest bars of every series that fit into so many characters together; none when not one bar does."""
    if not all_series or not len(all_series[0].times):
        return []
    times = all_series[0].times
    low, high = 0, len(times) - 1  # first bar that is kept: the smallest one that fits
    if sum(p.characters for p in (pack(s, clock_ms) for s in all_series)) <= characters:
        return [pack(s, clock_ms) for s in all_series]
    while low < high:
        middle = (low + high) // 2
        packed = [pack(s.since(int(times[middle])), clock_ms) for s in all_series]
        if sum(p.characters for p in packed) <= characters:
            high = middle
        else:
            low = middle + 1
    packed = [pack(s.since(int(times[low])), clock_ms) for s in all_series]
    return packed if sum(p.characters for p in packed) <= characters else []
