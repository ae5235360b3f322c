"""The canonical bar table: its columns, their types and order, and how it is written. Checks nothing."""

from __future__ import annotations

import os

import polars as pl

from graph.market import BOOK_LEVELS, LADDERS, SCALARS
from runtime.files import write_atomically

FRAME_ROWS = 32_768  # rows of a Parquet row group and of one read: a read then decodes one group and no more

PRICES = ("open", "high", "low", "close")
REQUIRED = ("time", *PRICES, "volume")
OPTIONAL = tuple(name for name in SCALARS if name not in REQUIRED)
BOOK = tuple(f"{ladder}_{level}" for ladder in LADDERS for level in range(BOOK_LEVELS))
NUMBERS = (*REQUIRED[1:], *OPTIONAL, *BOOK)

SCHEMA = pl.Schema({"time": pl.Int64, **dict.fromkeys(NUMBERS, pl.Float64), "symbol": pl.String})


def canonical(columns: list[str]) -> list[pl.Expr]:
    """Expressions that select the columns known here, in canonical order and type; a null number becomes NaN."""
    present = set(columns)
    numbers = [pl.col(n).cast(pl.Float64).fill_null(float("nan")) for n in NUMBERS if n in present]
    symbol = [pl.col("symbol").cast(pl.String)] if "symbol" in present else []
    return [pl.col("time").cast(pl.Int64), *numbers, *symbol]


def write_bars(frame: pl.DataFrame, path: str | os.PathLike[str]) -> None:
    """Write a table of bars as Parquet, whole or not at all."""
    table = frame.select(canonical(frame.columns))
    with write_atomically(path) as part:
        table.write_parquet(part, compression="zstd", row_group_size=FRAME_ROWS)
