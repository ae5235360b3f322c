"""What stored bars look like: period, spacing, gaps, columns. Measures only; what is wrong is the check's business."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl

from stratoquant.graph.clock import format_clock, format_time
from stratoquant.runtime.data.market import Series


@dataclass(frozen=True, order=True)
class Gap:
    """Steps without a bar. start, end: UTC milliseconds at which the first of them opens and the last one closes."""

    steps: int
    start: int
    end: int

    def __str__(self) -> str:
        return f"{self.steps} bars, {format_time(self.start)} to {format_time(self.end)}"


@dataclass(frozen=True)
class GapReport:
    """The gaps of one symbol. missing: steps without a bar in all. largest: the longest first."""

    symbol: str
    clock_ms: int
    count: int
    missing: int
    largest: tuple[Gap, ...]

    @property
    def longest(self) -> int:
        """Steps of the longest gap."""
        return self.largest[0].steps if self.largest else 0


@dataclass(frozen=True)
class SeriesInfo:
    """What there is of one symbol. first, last: when the first and the last bar open. idle: share without volume."""

    symbol: str
    rows: int
    first: int
    last: int
    clock_ms: int
    gaps: GapReport
    idle: float
    columns: tuple[str, ...]

    def __str__(self) -> str:
        return (
            f"{self.symbol}: {self.rows} bars of {format_clock(self.clock_ms)}, {format_time(self.first)} to "
            f"{format_time(self.last)}, {self.gaps.missing} missing in {self.gaps.count} gaps"
        )


def gaps(series: Series, clock_ms: int | None = None, largest: int = 10) -> GapReport:
    """Where a series has no bars, between its first and its last one."""
    return info(series, clock_ms, largest).gaps


def info(series: Series, clock_ms: int | None = None, largest: int = 10) -> SeriesInfo:
    """Read a series once, in pieces, and say what it holds."""
    clock = clock_ms or (series.spacing.ms if series.spacing else 60_000)
    rows = idle = count = missing = 0
    columns: dict[str, None] = {}
    top: list[Gap] = []
    before: int | None = None
    for frame in _frames(series):
        columns |= dict.fromkeys(frame.columns)
        times = frame["time"].to_numpy()
        rows += times.size
        idle += int((frame["volume"] == 0).sum())
        steps = np.diff(times, prepend=times[0] - clock if before is None else before) // clock - 1
        at = np.flatnonzero(steps > 0)
        count += at.size
        missing += int(steps[at].sum())
        found = (Gap(int(steps[i]), int(times[i] - steps[i] * clock), int(times[i])) for i in at)
        top = heapq.nlargest(largest, [*top, *found])
        before = int(times[-1])
    report = GapReport(series.symbol, clock, count, missing, tuple(top))
    return SeriesInfo(series.symbol, rows, series.first, series.last, clock, report, idle / rows, tuple(columns))


def _frames(series: Series) -> Iterator[pl.DataFrame]:
    return (frame for frame in series.frames(series.first, series.last + 1) if frame.height)
