"""What is unusual about a market as a whole, found by reading it once before a run: holes, ends, untold volume, splits.

Each of them is legal, and each of them changes what a run means; so none passes without a word.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import inf
from typing import NamedTuple

import numpy as np
import polars as pl

from stratoquant.graph.clock import DAY_MS, format_time
from stratoquant.runtime.data.check import WILD_FUNDING
from stratoquant.runtime.data.findings import Finding
from stratoquant.runtime.data.market import Market, Series
from stratoquant.runtime.data.splits import looks_split, split_ratio

HOLE_MS = 6 * DAY_MS
"""Markets close for nights, weekends and holidays: four days at the most, as a rule."""


class Interval(NamedTuple):
    """From start to before end, UTC milliseconds."""

    start: int
    end: int


@dataclass(frozen=True)
class SymbolSurvey:
    """One symbol within the period of a run.

    absent: intervals longer than HOLE_MS without a bar, before the first and after the last one included. untold: no
    bar has a volume. last: open of the last bar. ended: the symbol has no bar any more while the market goes on.
    """

    symbol: str
    absent: tuple[Interval, ...]
    untold: bool
    last: int
    ended: bool
    findings: tuple[Finding, ...] = ()

    def facts(self) -> dict[str, float]:
        """What the simulated venue must know, as fields of the symbol's account."""
        return {"untold": float(self.untold), "ends": float(self.last) if self.ended else inf}


@dataclass(frozen=True)
class Survey:
    """A market's symbols, and every finding on them and on the market as a whole."""

    symbols: tuple[SymbolSurvey, ...]
    findings: tuple[Finding, ...]


def survey_of(market: Market) -> Survey:
    """Reads the times, prices and volumes of a market once. Unsound bars are left to the check that names them."""
    symbols = tuple(_symbol(series, market) for series in market.series)
    own = [finding for symbol in symbols for finding in symbol.findings]
    return Survey(symbols, (*_holes(symbols, market), *own))


def _symbol(series: Series, market: Market) -> SymbolSurvey:
    before, last_close = market.start, 0.0
    absent: list[Interval] = []
    findings: list[Finding] = []
    volume = rows = 0.0
    for frame in series.frames(market.start, market.end):
        bars = frame.drop_nulls("time")
        if not bars.height:
            continue
        times = bars["time"].to_numpy()
        absent += _absent(before, times, market.clock_ms)
        findings += _jump(series.symbol, last_close, bars, findings)
        findings += _funding(series.symbol, bars, findings)
        before, last_close = int(times[-1]) + market.clock_ms, bars["close"][-1]
        volume += float(bars["volume"].fill_nan(0.0).fill_null(0.0).sum())
        rows += bars.height
    ended = bool(rows) and market.end - before > HOLE_MS
    if market.end - before > HOLE_MS:
        absent.append(Interval(before, market.end))
    untold = bool(rows) and volume == 0.0
    last = before - market.clock_ms
    if untold:
        detail = "no bar has a volume, so fills are not limited by it and cause no impact: half the spread is the cost"
        findings.append(Finding("D042", series.symbol, detail, severity="warning"))
    if ended:
        detail = f"its last bar is of {format_time(last)}, the run goes on to {format_time(market.end)}"
        findings.append(Finding("D043", series.symbol, f"{detail}: what is held then is closed", severity="warning"))
    return SymbolSurvey(series.symbol, tuple(absent), untold, last, ended, tuple(findings))


def _absent(before: int, times: np.ndarray, clock_ms: int) -> Iterator[Interval]:
    """Long intervals without a bar. before: close of the bar that came before these."""
    opens = np.concatenate((times[:1], times[1:]))
    closes = np.concatenate(([before], times[:-1] + clock_ms))
    for i in np.flatnonzero(opens - closes > HOLE_MS):
        yield Interval(int(closes[i]), int(opens[i]))


def _jump(symbol: str, close: float, bars: pl.DataFrame, known: Iterable[Finding]) -> Iterator[Finding]:
    """The first jump of a symbol that looks like a split."""
    if any(finding.code == "D044" for finding in known):
        return
    beside = bars.select("time", "open", before=pl.col("close").shift(1, fill_value=close))
    found = beside.filter((pl.col("before") > 0) & looks_split(pl.col("before"), pl.col("open")))
    if found.height:
        time, after, before = found.row(0)
        ratio = split_ratio(before, after)
        detail = f"from {before:.6g} to {after:.6g} at {format_time(time)}, as a split of {ratio} would"
        yield Finding("D044", symbol, detail, severity="warning")


def _funding(symbol: str, bars: pl.DataFrame, known: Iterable[Finding]) -> Iterator[Finding]:
    """The first funding rate of a symbol that no exchange would charge."""
    if "funding_rate" not in bars.columns or any(finding.code == "D045" for finding in known):
        return
    wild = bars.select("time", "funding_rate").filter(WILD_FUNDING)
    if wild.height:
        time, rate = wild.row(0)
        detail = f"{rate:.4g} of the position in one payment, at {format_time(time)}"
        yield Finding("D045", symbol, detail, severity="warning")


def _holes(symbols: Iterable[SymbolSurvey], market: Market) -> list[Finding]:
    """Long intervals in which no symbol has a bar; one that makes up most of the run is an error."""
    common = [Interval(market.start, market.end)]
    for symbol in symbols:
        common = [both for one in common for other in symbol.absent if (both := _overlap(one, other)) is not None]
    common = [hole for hole in common if hole.end - hole.start > HOLE_MS]
    if not common:
        return []
    longest = max(common, key=lambda hole: hole.end - hole.start)
    days = (longest.end - longest.start) / DAY_MS
    detail = f"no bar from {format_time(longest.start)} to {format_time(longest.end)}, {days:,.0f} days"
    if len(common) > 1:
        detail += f"; {len(common)} such holes in all"
    most = 2 * (longest.end - longest.start) > market.end - market.start
    hint = f"Run the parts one by one: --end {_date(longest.start)}, and --start {_date(longest.end)}." if most else ""
    place = ", ".join(market.symbols)
    return [Finding("D041", place, detail, severity="error" if most else "warning", hint=hint)]


def _overlap(one: Interval, other: Interval) -> Interval | None:
    start, end = max(one.start, other.start), min(one.end, other.end)
    return Interval(start, end) if start < end else None


def _date(ms: int) -> str:
    return format_time(ms).removesuffix(" UTC").replace(" ", "T")
