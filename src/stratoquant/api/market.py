"""Markets out of what people hold: files, folders, and frames of polars, pandas and Arrow."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import polars as pl

from stratoquant.graph.clock import parse_clock, parse_time
from stratoquant.runtime.data.columns import numbers, recognise, to_milliseconds
from stratoquant.runtime.data.market import Market, market_from
from stratoquant.runtime.data.store import open_market
from stratoquant.runtime.data.synthetic import synthetic_market


def bars(
    source: Any,
    symbols: Sequence[str] | None = None,
    clock: str | None = None,
    start: str | None = None,
    end: str | None = None,
    symbol: str | None = None,
) -> Market:
    """A market of bars.

    source: a Parquet file of bars or a folder of them, as `stratoquant data import` writes; or a frame of polars or
    pandas (whose index may hold the times) or an Arrow table with open, high, low, close and volume, a time, and a
    column `symbol` for several symbols. Times are those of the bars' open: UTC milliseconds, seconds, dates or text.
    symbols: which, in this order; all if None. clock: spacing of the bars, such as "1m"; as the bars lie if None.
    start, end: only bars that open from `start` on and before `end`. symbol: what a frame without a column `symbol`
    holds. Raises DataError, with what is wrong and where.
    """
    clock_ms = None if clock is None else parse_clock(clock)
    first, last = (None if moment is None else parse_time(moment) for moment in (start, end))
    if isinstance(source, str | os.PathLike):
        return open_market(source, symbols, clock_ms, first, last)
    table = _table(source)
    columns = recognise(table.columns, {})
    table = table.select(pl.col(theirs).alias(ours) for ours, theirs in columns.items())
    times, _ = to_milliseconds(table["time"])
    table = numbers(table.with_columns(times.alias("time")))
    if "symbol" not in table.columns:
        table = table.with_columns(symbol=pl.lit(symbol or "AAA"))
    return market_from(table.sort("symbol", maintain_order=True), symbols, clock_ms, first, last)


def synthetic(
    symbols: Sequence[str] = ("AAA",), bars: int = 43_200, seed: int = 1, clock: str = "1m", *, book: bool = False
) -> Market:
    """The built-in market: a model that measures no real one. The same seed gives the same bars."""
    return synthetic_market(tuple(symbols), bars, seed, parse_clock(clock), book=book)


def _table(source: Any) -> pl.DataFrame:
    """A frame of another library as one of polars, with an index that holds times as a column."""
    if isinstance(source, pl.LazyFrame):
        return source.collect()
    if isinstance(source, pl.DataFrame):
        return source
    module = type(source).__module__.partition(".")[0]
    if module == "pandas":
        named = source.index.name or "time"
        plain = (
            source if str(source.index.dtype).startswith(("int", "range")) else source.rename_axis(named).reset_index()
        )
        return pl.from_dict({str(name): plain[name].to_numpy() for name in plain.columns})
    if module == "pyarrow":
        found = pl.from_arrow(source)
        assert isinstance(found, pl.DataFrame)
        return found
    raise TypeError(f"bars come from a path, polars, pandas or pyarrow, not from {type(source).__name__}")
