"""Slower bars made from faster ones, aligned to the UTC clock. A bar is made of what there is: gaps stay gaps."""

from __future__ import annotations

import os

import polars as pl

from graph.clock import format_clock
from runtime.data.bars import BOOK, SCHEMA
from runtime.data.check import check_table, errors_of, spacing_of
from runtime.data.findings import DataError, refuse
from runtime.data.store import open_series
from runtime.data.storing import Stored, store_bars

_SUMS = ("volume", "quote_volume", "trades", "buy_volume")


def resample(bars: pl.DataFrame, clock_ms: int) -> pl.DataFrame:
    """Bars of `clock_ms` from faster ones, sorted by symbol and time; the first and the last may be made of fewer.

    The sum of a column that is missing in part is missing. Funding is what was due within the bar; the book is that of
    the last bar. Raises DataError for unsound bars and for a clock that the bars do not divide.
    """
    name = ", ".join(bars["symbol"].unique(maintain_order=True)) if "symbol" in bars.columns else "table"
    if problems := errors_of(check_table(bars, name)):
        raise DataError(problems)
    by = ["symbol"] if "symbol" in bars.columns else []
    for part in bars.partition_by(by) if by else [bars]:
        _must_divide(part, name, clock_ms)
    groups = bars.group_by_dynamic("time", every=f"{clock_ms}i", group_by=by or None, start_by="window")
    slow = groups.agg(_aggregates(bars.columns)).sort([*by, "time"])
    return slow.select(n for n in SCHEMA if n in slow.columns)


def resample_file(source: str | os.PathLike[str], target: str | os.PathLike[str], clock_ms: int) -> Stored:
    """Write the bars stored at `source` as slower ones to `target`, a file, or a folder with a file a symbol."""
    parts = []
    for series in open_series(source):
        frames = pl.concat(series.frames(series.first, series.last + 1), how="diagonal")
        parts.append(resample(frames.with_columns(symbol=pl.lit(series.symbol)), clock_ms))
    slow = pl.concat(parts, how="diagonal")
    return store_bars(slow, target, clock_ms)


def _aggregates(columns: list[str]) -> list[pl.Expr]:
    rules = [pl.col("open").first(), pl.col("high").max(), pl.col("low").min(), pl.col("close").last()]
    rules += [pl.col(n).sum() for n in _SUMS if n in columns]
    if "funding_rate" in columns:
        due = pl.col("funding_rate").drop_nulls().drop_nans()
        rules.append(pl.when(due.len() > 0).then(due.sum()).otherwise(float("nan")).alias("funding_rate"))
    return rules + [pl.col(n).last() for n in BOOK if n in columns]


def _must_divide(bars: pl.DataFrame, name: str, clock_ms: int) -> None:
    spacing = spacing_of(bars["time"].to_numpy())
    if spacing is not None and spacing.certain and clock_ms % spacing.ms:
        own, asked = format_clock(spacing.ms), format_clock(clock_ms)
        raise refuse("D021", name, f"its bars are {own} apart, and {asked} is no multiple of that")
