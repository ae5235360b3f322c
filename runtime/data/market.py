"""A market on its grid: bars of several symbols as a stream of blocks. Knows no file; series are given to it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import polars as pl

from stratoquant.graph.clock import Clock, format_clock, format_opening, format_time, usual_origin
from stratoquant.graph.market import BAR_EVENT, BOOK_LEVELS, LADDERS, MARKET_EVENT, SCALARS, missing_events
from stratoquant.runtime.data.bars import canonical, without_rounding
from stratoquant.runtime.data.check import Spacing, all_sound, check_table, errors_of, spacing_of
from stratoquant.runtime.data.findings import DataError, Finding, refuse

_BUFFER_BYTES = 1 << 20  # small blocks are cut from one buffer of about this size, which the processor's cache holds


class Block(NamedTuple):
    """Consecutive steps of the base clock: when each opens, and what each symbol's market said in it.

    times: int64 UTC milliseconds, shape (rows,). events: MARKET_EVENT, or BAR_EVENT where no symbol has a book,
    shape (rows, symbols), NaN where nothing is known. Both are valid until the next block is taken: their memory is
    used again.
    """

    times: np.ndarray
    events: np.ndarray


@dataclass(frozen=True)
class Series:
    """The bars of one symbol.

    first, last: UTC milliseconds at which the first and the last bar open. spacing: distance between most bars, None
    for a single bar. has_book: whether there are columns of a book. frames: the bars that open in [start, end), in
    order, in canonical columns. diagnose: what is wrong with the bars on this clock; asked only once something is, so
    it may take its time.
    """

    symbol: str
    first: int
    last: int
    spacing: Spacing | None
    has_book: bool
    frames: Callable[[int, int], Iterator[pl.DataFrame]]
    diagnose: Callable[[int], list[Finding]]


@dataclass(frozen=True)
class Market:
    """Bars of several symbols on one complete grid: a row for every step of the clock, with or without bars in it.

    start, end: UTC milliseconds at which the first step opens and the last one closes.
    """

    series: tuple[Series, ...]
    clock_ms: int
    start: int
    end: int

    @property
    def origin(self) -> int:
        """When the bars of the clock open, from 0 to before its length, ms."""
        return self.start % self.clock_ms

    @property
    def symbols(self) -> tuple[str, ...]:
        return tuple(s.symbol for s in self.series)

    @property
    def bars(self) -> int:
        """The number of steps, gaps included."""
        return (self.end - self.start) // self.clock_ms

    def between(self, start: int | None = None, end: int | None = None) -> Market:
        """The same market over a shorter period; a bound between two steps takes in the whole step."""
        clock, late = self.clock_ms, self.origin
        first = self.start if start is None else max(self.start, (start - late) // clock * clock + late)
        last = self.end if end is None else min(self.end, -((late - end) // clock) * clock + late)
        if last <= first:
            held = f"the bars reach from {format_time(self.start)} to {format_time(self.end)}"
            raise refuse("D022", ", ".join(self.symbols), held)
        return replace(self, start=first, end=last)

    def blocks(self, size: int = 2048) -> Iterator[Block]:
        """The grid from start to end in blocks of `size` rows; the last one may be shorter."""
        if size < 1:
            raise ValueError(f"a block has at least one row, not {size}")
        size = min(size, self.bars)
        kind = MARKET_EVENT if any(s.has_book for s in self.series) else BAR_EVENT
        rows = max(size, _BUFFER_BYTES // (kind.itemsize * len(self.series)) // size * size)
        rows = min(rows, -(-self.bars // size) * size)
        events = missing_events(rows, len(self.series), kind)
        lanes = [_Lane(series, self, events[:, column]) for column, series in enumerate(self.series)]
        steps = np.arange(rows, dtype=np.int64) * self.clock_ms
        for first in range(0, self.bars, rows):
            used = min(rows, self.bars - first)
            for lane in lanes:
                lane.place(first, used)
            times = steps[:used] + (self.start + first * self.clock_ms)
            for row in range(0, used, size):
                yield Block(times[row : row + size], events[row : min(row + size, used)])


class _Part(NamedTuple):
    """Bars start to stop of one table, and the steps on which they lie."""

    steps: np.ndarray
    values: dict[str, np.ndarray]
    start: int
    stop: int


class _Lane:
    """Walks one series along the grid and writes its bars into one column of the buffer."""

    def __init__(self, series: Series, market: Market, column: np.ndarray) -> None:
        self._series = series
        self._market = market
        self._cells = _cells(column)
        self._frames = series.frames(market.start, market.end)
        self._steps = np.empty(0, dtype=np.int64)
        self._values: dict[str, np.ndarray] = {}
        self._next = 0
        self._last_step = -1
        self._written: set[str] = set()

    def place(self, first: int, rows: int) -> None:
        """Fill the first `rows` rows of the column with the steps that begin at `first`."""
        parts = list(self._parts(first + rows))
        if not self._overwrites(parts, rows):
            for name in self._written:
                self._cells[name][:rows] = np.nan
            self._written.clear()
        for steps, values, start, stop in parts:
            at = _target(steps[start:stop], first)
            for name, column in values.items():
                self._cells[name][at] = column[start:stop]
            self._written.update(values)

    def _overwrites(self, parts: list[_Part], rows: int) -> bool:
        """True when the parts leave nothing standing of what was written into these rows before."""
        return len(parts) == 1 and parts[0].stop - parts[0].start == rows and self._written <= parts[0].values.keys()

    def _parts(self, before: int) -> Iterator[_Part]:
        """The bars not yet placed that lie before a step, one part a table."""
        while True:
            if self._next == self._steps.size:
                frame = next(self._frames, None)
                if frame is None:
                    return
                self._load(frame)
                continue
            stop = int(np.searchsorted(self._steps, before))
            if stop > self._next:
                yield _Part(self._steps, self._values, self._next, stop)
                self._next = stop
            if stop < self._steps.size:
                return

    def _load(self, frame: pl.DataFrame) -> None:
        """Take the next table, after a look at it that costs little: what exactly is wrong is found out afterwards."""
        market = self._market
        sound = all_sound(frame.columns)
        if "buy_volume" in frame.columns or not frame.select(sound).item():
            frame = without_rounding(frame)
        if frame["time"].null_count() or not frame.select(sound).item():
            raise self._unsound()
        times = frame["time"].to_numpy()
        steps = (times - market.start) // market.clock_ms
        ordered = steps.size == 0 or (steps[0] > self._last_step and bool((np.diff(steps) > 0).all()))
        on_grid = np.array_equal(steps * market.clock_ms + market.start, times)
        if not ordered or not on_grid or (steps.size and steps[-1] >= market.bars):
            raise self._unsound()
        self._steps, self._next = steps, 0
        self._values = {n: frame[n].to_numpy() for n in frame.columns if n in self._cells and n != "time"}
        self._values["time"] = times
        if steps.size:
            self._last_step = int(steps[-1])

    def _unsound(self) -> DataError:
        findings = errors_of(self._series.diagnose(self._market.clock_ms))
        changed = [Finding("D001", self._series.symbol, "the data changed while it was read")]
        return DataError(findings or changed)


def has_book(columns: Iterable[str]) -> bool:
    """Whether a table with these columns tells of a book."""
    return any(name.startswith(LADDERS) for name in columns)


def _cells(column: np.ndarray) -> dict[str, np.ndarray]:
    """Views of each number of an event, under the names that the bar table has for them."""
    cells = {name: column[name] for name in SCALARS}
    for ladder in LADDERS if column.dtype == MARKET_EVENT else ():
        cells |= {f"{ladder}_{level}": column[ladder][:, level] for level in range(BOOK_LEVELS)}
    return cells


def _target(steps: np.ndarray, first: int) -> slice | np.ndarray:
    """Where steps lie in a buffer that begins at `first`: a slice where none is missing, as it is written faster."""
    start, stop = int(steps[0]) - first, int(steps[-1]) - first + 1
    return slice(start, stop) if stop - start == steps.size else steps - first


def market_of(series: Iterable[Series], clock_ms: int | None, start: int | None, end: int | None) -> Market:
    """A market of series that have one spacing, over their whole period or a part of it."""
    members = tuple(series)
    clock = clock_ms or min((s.spacing.ms for s in members if s.spacing), default=60_000)
    problems = [f for s in members for f in _against_clock(s, clock, len(members) > 1)]
    origins = {s.spacing.origin if s.spacing else usual_origin(clock): s.symbol for s in members if _tells(s)}
    if len(origins) > 1 and not problems:
        opened = ", ".join(f"{symbol} in {format_opening(Clock(clock, at))}" for at, symbol in origins.items())
        problems = [Finding("D046", ", ".join(origins.values()), f"their bars open apart: {opened}")]
    if problems:
        raise DataError(problems)
    late = next(iter(origins), usual_origin(clock))
    first = (min(s.first for s in members) - late) // clock * clock + late
    last = (max(s.last for s in members) - late) // clock * clock + late + clock
    market = Market(members, clock, first, last)
    return market if start is None and end is None else market.between(start, end)


def _tells(series: Series) -> bool:
    """Whether there are enough bars to see when they open."""
    return series.spacing is not None and series.spacing.certain


def _against_clock(series: Series, clock: int, several: bool) -> list[Finding]:
    """Bars that do not fit a clock: finer ones would fall together, coarser ones would be seen before their close."""
    if series.spacing is None or series.spacing.ms == clock:
        return []
    own, asked = format_clock(series.spacing.ms), format_clock(clock)
    detail = f"its bars are {own} apart, the clock is {asked}"
    if series.spacing.ms < clock:
        hint = f"Run on the clock {own}, or resample the bars to {asked}."
        return [Finding("D020", series.symbol, detail, hint=hint)]
    if not series.spacing.certain:
        return []
    hint = f"Run on the clock {own}" + (", and resample the other symbols to it." if several else ".")
    return [Finding("D021", series.symbol, f"{detail}: each would be seen before it closes", hint=hint)]


def market_from(
    table: pl.DataFrame,
    symbols: Iterable[str] | None = None,
    clock_ms: int | None = None,
    start: int | None = None,
    end: int | None = None,
) -> Market:
    """A market of bars in memory, in canonical columns, sorted by symbol and time."""
    parts = table.partition_by("symbol", maintain_order=True, as_dict=True)
    held = {str(key[0]): part for key, part in parts.items()}
    chosen = list(held) if symbols is None else list(symbols)
    if unknown := [s for s in chosen if s not in held]:
        raise refuse("D018", "table", f"{', '.join(unknown)}; it holds {', '.join(held) or 'nothing'}")
    if not chosen:
        raise refuse("D003", "table", "there is no bar in it")
    return market_of([_series_in_memory(s, held[s]) for s in chosen], clock_ms, start, end)


def _series_in_memory(symbol: str, table: pl.DataFrame) -> Series:
    bars = table.select(canonical([c for c in table.columns if c != "symbol"])).rechunk()
    times = bars["time"].drop_nulls().to_numpy()

    def frames(start: int, end: int) -> Iterator[pl.DataFrame]:
        yield bars.filter(pl.col("time").is_between(start, end, closed="left") | pl.col("time").is_null())

    def diagnose(clock_ms: int) -> list[Finding]:
        return [f for f in check_table(table, symbol, clock_ms) if f.code != "D024"]

    spacing = spacing_of(times)
    return Series(symbol, int(times.min()), int(times.max()), spacing, has_book(bars.columns), frames, diagnose)
