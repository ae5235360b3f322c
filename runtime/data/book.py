"""Bars with the book in them, from recorded depth updates and trades.

A bar is named by its open in UTC milliseconds and holds what was received from its open on and before its close, by
the recorder's clock (`runtime.data.recording` says why that one). Open, high, low, close, volume, quote volume, number
of trades and buy volume come from its trades; a bar without one is flat at the last price, with zero volume. The ten
best bids and asks are those of the book as it stood at the bar's close: what arrives at the close itself is of the next
bar. Bars lie whole within the time that both files cover, from the first snapshot and trade on, without a gap.

A snapshot reaches only so deep: levels beyond it are unknown until they change. A level that is empty is NaN.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from stratoquant.graph.clock import format_clock, format_time
from stratoquant.graph.compiled import run_kernel
from stratoquant.graph.market import BOOK_LEVELS, LADDERS
from stratoquant.runtime.data.book_kernels import replay
from stratoquant.runtime.data.check import check_table, errors_of
from stratoquant.runtime.data.findings import DataError, Finding, refuse
from stratoquant.runtime.data.recording import Depth, Trades, read_depth, read_trades
from stratoquant.runtime.data.storing import file_of, store_bars

_NS = 1_000_000  # nanoseconds in a millisecond
_SKEW_MS = 500.0  # no way to an exchange takes longer on the median: beyond it, in either direction, a clock is wrong
_LARGEST_MS = 86_400_000  # longer bars have no use for the book at their close


@dataclass(frozen=True)
class Built:
    """What was made of a recording. first, last: UTC milliseconds at which the first and the last bar open.

    kept: bars that were in the file before and stayed. trades: on how many the bars rest. off_book: trades left out, as
    they were not made on the book. idle: bars without a trade. lag_ms: median of receipt minus the exchange's time;
    None where the file does not tell.
    """

    file: Path
    kept: int
    symbol: str
    clock_ms: int
    bars: int
    first: int
    last: int
    trades: int
    off_book: int
    idle: int
    lag_ms: float | None
    warnings: tuple[Finding, ...]


def build(
    depth: str | os.PathLike[str],
    trades: str | os.PathLike[str],
    target: str | os.PathLike[str],
    symbol: str,
    clock: int,
) -> Built:
    """Write the bars of a recording to the store.

    depth, trades: Parquet files of one symbol and one period. target: a file, or a folder in which the symbol has one,
    to which the bars are added. clock: length of a bar in milliseconds. Raises DataError for what cannot be trusted,
    and then writes nothing.
    """
    updates, made = read_depth(Path(depth)), read_trades(Path(trades))
    table = bars_of(updates, made, clock).with_columns(symbol=pl.lit(symbol))
    found = check_table(table, file_of(Path(target), symbol, clock).name, clock)
    if errors := errors_of(found):
        raise DataError(errors)
    stored = store_bars(table, target, clock, add=True)
    return Built(
        file=stored.files[0],
        kept=stored.kept,
        symbol=symbol,
        clock_ms=clock,
        bars=table.height,
        first=table["time"][0],
        last=table["time"][-1],
        trades=int(table["trades"].sum()),
        off_book=made.off_book,
        idle=int((table["volume"] == 0).sum()),
        lag_ms=updates.lag_ms,
        warnings=(*found, *made.missing, *_skewed(updates)),
    )


def _skewed(depth: Depth) -> list[Finding]:
    if depth.lag_ms is None or abs(depth.lag_ms) <= _SKEW_MS:
        return []
    side = "before" if depth.lag_ms < 0 else "after"
    detail = f"messages are received {abs(depth.lag_ms):.0f} ms {side} the exchange's own time"
    return [Finding("D033", depth.name, detail, severity="warning")]


def bars_of(depth: Depth, trades: Trades, clock: int) -> pl.DataFrame:
    """The bars of a recording, with the book at each one's close, in canonical columns. Raises DataError.

    clock: length of a bar in milliseconds, at most a day.
    """
    if not 0 < clock <= _LARGEST_MS:
        raise ValueError(f"a bar with a book is at most a day long, not {clock} ms")
    opens = _grid(depth, trades, clock)
    table = _bars_of_trades(trades, opens, clock)
    return table.with_columns(_ladders(depth, (opens + clock) * _NS))


def _grid(depth: Depth, trades: Trades, clock: int) -> np.ndarray:
    """UTC milliseconds at which the bars open that both files cover whole and at whose close there is a book."""
    step = clock * _NS
    first = -(-max(depth.first_ns, trades.first_ns) // step)
    first = max(first, int(depth.known[0]) // step)  # the snapshot is in the book at the close of its own bar
    stop = min(depth.last_ns, trades.last_ns) // step
    if stop <= first:
        covers = (f"{t.name} reaches from {_moment(t.first_ns)} to {_moment(t.last_ns)}" for t in (depth, trades))
        hint = "Give two files of one recording, or shorter bars."
        raise refuse("D022", depth.name, f"no bar of {format_clock(clock)} lies within both: {'; '.join(covers)}", hint)
    return np.arange(first, stop, dtype=np.int64) * clock


def _moment(ns: int) -> str:
    return format_time(ns // _NS)


def _bars_of_trades(trades: Trades, opens: np.ndarray, clock: int) -> pl.DataFrame:
    """A row for each open; the last price before the first of them stands where no trade falls in it."""
    price, qty = pl.col("price"), pl.col("qty")
    bought = qty.filter(pl.col("buyer_is_maker") == 0).sum()
    traded = trades.table.group_by((pl.col("recv_ns") // (clock * _NS) * clock).alias("time"), maintain_order=True).agg(
        price.first().alias("open"),
        price.max().alias("high"),
        price.min().alias("low"),
        price.last().alias("close"),
        qty.sum().alias("volume"),
        (price * qty).sum().alias("quote_volume"),
        pl.len().cast(pl.Float64).alias("trades"),
        pl.min_horizontal(bought, qty.sum()).alias("buy_volume"),  # two sums of the same may differ in the last bit
    )
    earlier = traded.filter(pl.col("time") < opens[0])["close"].tail(1)
    table = pl.DataFrame({"time": opens}).join(traded, on="time", how="left", maintain_order="left")
    last = pl.col("close").fill_null(strategy="forward")
    if earlier.len():
        last = last.fill_null(earlier.item())
    flat = [pl.coalesce(name, last).alias(name) for name in ("open", "high", "low", "close")]
    nought = [pl.col(name).fill_null(0.0) for name in ("volume", "quote_volume", "trades", "buy_volume")]
    return table.with_columns(*flat, *nought)


def _ladders(depth: Depth, closes: np.ndarray) -> list[pl.Series]:
    """The columns of the book at the given times, in nanoseconds."""
    prices, place = np.unique(depth.price, return_inverse=True)
    ladders = np.full((len(LADDERS), BOOK_LEVELS, closes.size), np.nan)
    messages = [_whole(column) for column in (depth.known, depth.start, depth.stop, depth.snapshot)]
    rows = _whole(depth.side), _whole(place), np.ascontiguousarray(depth.qty, dtype=np.float64)
    resting = np.zeros(prices.size), np.zeros(prices.size)
    at = run_kernel(replay, *messages, *rows, prices, *resting, closes, ladders)
    if at < depth.known.size:
        row, time = int(depth.start[at]) + 1, int(depth.known[at]) // _NS
        detail = "after this message the best bid is not below the best ask"
        raise DataError([Finding("D032", depth.name, detail, row, time)])
    return [
        pl.Series(f"{name}_{level}", ladders[index, level])
        for index, name in enumerate(LADDERS)
        for level in range(BOOK_LEVELS)
    ]


def _whole(column: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(column, dtype=np.int64)
