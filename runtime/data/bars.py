"""The canonical bar table: its columns, their types and order, and how it is written. Checks nothing."""

from __future__ import annotations

import os

import polars as pl

from stratoquant.graph.market import BOOK_LEVELS, LADDERS, SCALARS
from stratoquant.graph.steps import EXACT
from stratoquant.runtime.files import write_atomically

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


def without_rounding(bars: pl.DataFrame) -> pl.DataFrame:
    """The table with its ranges closed: a high below another price of its bar, a low above one, or a buy volume above
    the volume, by no more than EXACT of itself, becomes that number. Adjusting prices for splits leaves such bars."""
    top = pl.max_horizontal("open", "close", "low")
    bottom = pl.min_horizontal("open", "close", "high")
    mended = [
        pl.when(pl.col("high").is_between(top * (1.0 - EXACT), top)).then(top).otherwise("high").alias("high"),
        pl.when(pl.col("low").is_between(bottom, bottom * (1.0 + EXACT))).then(bottom).otherwise("low").alias("low"),
    ]
    if "buy_volume" in bars.columns:
        all_of_it = pl.col("buy_volume").is_between(pl.col("volume"), pl.col("volume") * (1.0 + EXACT))
        mended.append(pl.when(all_of_it).then("volume").otherwise("buy_volume").alias("buy_volume"))
    return bars.with_columns(mended)


def write_bars(frame: pl.DataFrame, path: str | os.PathLike[str]) -> None:
    """Write a table of bars as Parquet, whole or not at all; what parts its ranges by rounding is closed."""
    table = without_rounding(frame.select(canonical(frame.columns)))
    with write_atomically(path) as part:
        table.write_parquet(part, compression="zstd", row_group_size=FRAME_ROWS)
