"""Slower bars made from faster ones, aligned to the UTC clock. A bar is made of what there is: gaps stay gaps."""

from __future__ import annotations

import os

import polars as pl

from stratoquant.graph.clock import Clock, format_clock, format_opening, usual_origin
from stratoquant.runtime.data.bars import BOOK, SCHEMA
from stratoquant.runtime.data.check import check_table, errors_of, spacing_of
from stratoquant.runtime.data.findings import DataError, refuse
from stratoquant.runtime.data.store import open_series
from stratoquant.runtime.data.storing import Stored, store_bars

_SUMS = ("volume", "quote_volume", "trades", "buy_volume")


def resample(bars: pl.DataFrame, clock_ms: int, origin: int | None = None) -> pl.DataFrame:
    """Bars of `clock_ms` from faster ones, sorted by symbol and time; the first and the last may be made of fewer.

    origin: when the slower bars open, from 0 to before their length, ms; without it from 00:00, and weeks on Mondays.
    The sum of a column that is missing in part is missing. Funding is what was due within the bar; the book is that of
    the last bar. Raises DataError for unsound bars and for a clock that the bars do not divide.
    """
    name = ", ".join(bars["symbol"].unique(maintain_order=True)) if "symbol" in bars.columns else "table"
    if problems := errors_of(check_table(bars, name)):
        raise DataError(problems)
    by = ["symbol"] if "symbol" in bars.columns else []
    for part in bars.partition_by(by) if by else [bars]:
        _must_divide(part, name, Clock(clock_ms, usual_origin(clock_ms) if origin is None else origin))
    late = usual_origin(clock_ms) if origin is None else origin
    groups = bars.group_by_dynamic(
        "time", every=f"{clock_ms}i", offset=f"{late}i", group_by=by or None, start_by="window"
    )
    slow = groups.agg(_aggregates(bars.columns)).sort([*by, "time"])
    return slow.select(n for n in SCHEMA if n in slow.columns)


def resample_file(
    source: str | os.PathLike[str], target: str | os.PathLike[str], clock_ms: int, origin: int | None = None
) -> Stored:
    """Write the bars stored at `source` as slower ones to `target`, a file, or a folder with a file a symbol."""
    parts = []
    for series in open_series(source):
        frames = pl.concat(series.frames(series.first, series.last + 1), how="diagonal")
        parts.append(resample(frames.with_columns(symbol=pl.lit(series.symbol)), clock_ms, origin))
    slow = pl.concat(parts, how="diagonal")
    return store_bars(slow, target, clock_ms)


def _aggregates(columns: list[str]) -> list[pl.Expr]:
    rules = [pl.col("open").first(), pl.col("high").max(), pl.col("low").min(), pl.col("close").last()]
    rules += [pl.col(n).sum() for n in _SUMS if n in columns]
    if "funding_rate" in columns:
        due = pl.col("funding_rate").drop_nulls().drop_nans()
        rules.append(pl.when(due.len() > 0).then(due.sum()).otherwise(float("nan")).alias("funding_rate"))
    return rules + [pl.col(n).last() for n in BOOK if n in columns]


def _must_divide(bars: pl.DataFrame, name: str, clock: Clock) -> None:
    """Raises DataError unless every slower bar is made of whole faster ones."""
    spacing = spacing_of(bars["time"].to_numpy())
    if spacing is None or not spacing.certain:
        return
    if clock.ms % spacing.ms:
        own, asked = format_clock(spacing.ms), format_clock(clock.ms)
        raise refuse("D021", name, f"its bars are {own} apart, and {asked} is no multiple of that")
    if (clock.origin - spacing.origin) % spacing.ms:
        own, asked = format_opening(Clock(spacing.ms, spacing.origin)), format_opening(clock)
        fits = format_opening(Clock(clock.ms, (usual_origin(clock.ms) + spacing.origin) % clock.ms))
        raise refuse("D046", name, f"bars of {asked} do not open with one of {own}", f"Write --clock {fits}.")
