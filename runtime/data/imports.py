"""Import of foreign tables: CSV, Feather and Parquet files become canonical bars. What is unsound is not written."""

from __future__ import annotations

import csv
import gzip
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import polars as pl

from graph.clock import format_clock
from runtime.data.check import BarCheck, errors_of, spacing_of
from runtime.data.columns import KLINE_COLUMNS, numbers, recognise, to_milliseconds
from runtime.data.findings import DataError, Finding, refuse
from runtime.data.pieces import readable, symbol_of_name
from runtime.data.storing import store_bars

_SEPARATORS = ",;\t|"
_ROW = "source row"


@dataclass(frozen=True)
class Imported:
    """What an import did.

    files: what was written. kept: bars that were in them before and stayed. columns: canonical name to that of the
    source. times: how read.
    """

    files: tuple[Path, ...]
    kept: int
    symbols: tuple[str, ...]
    rows: int
    clock_ms: int
    columns: Mapping[str, str]
    times: str
    newest_first: bool
    warnings: tuple[Finding, ...]


def import_bars(
    source: str | os.PathLike[str],
    target: str | os.PathLike[str],
    columns: Mapping[str, str] | None = None,
    symbol: str | None = None,
    stamp: Literal["open", "close"] = "open",
    clock_ms: int | None = None,
    time_format: str | None = None,
) -> Imported:
    """Bring the bars of a file into the store.

    target: a file, or a folder in which each symbol has a file, to which the bars are added. columns: canonical name
    to the source's, where it is not recognised. symbol: what the file holds, if no column says so; without it the
    file's name. stamp: whether the source dates a bar by its open or its close. clock_ms: spacing of the bars, if it
    cannot be seen in them. time_format: a strptime pattern for times written in an unusual way.

    Bars listed newest first are turned round. Nothing else is repaired: raises DataError, and then writes nothing.
    """
    origin = Path(source)
    table = _read(origin)
    mapping = recognise(table.columns, columns or {})
    table = table.select(pl.col(theirs).alias(ours) for ours, theirs in mapping.items())
    times, understood = to_milliseconds(table["time"], time_format)
    table = numbers(table.with_columns(times.alias("time")))
    table = _with_symbol(table, symbol, origin)
    newest_first = table.height > 1 and table["time"].is_sorted(descending=True)
    table = table.with_row_index(_ROW)
    table = (table.reverse() if newest_first else table).sort("symbol", maintain_order=True)
    clock = clock_ms or _clock(table, origin)
    if stamp == "close":
        table = table.with_columns(pl.col("time") - clock)
    check = BarCheck(table.schema, origin.name, clock)
    check.feed(table)
    # The user knows the rows as they stand in the source.
    findings = [f if f.row is None else replace(f, row=table[_ROW][f.row - 1] + 1) for f in check.findings()]
    if errors := errors_of(findings):
        raise DataError(errors)
    stored = store_bars(table, target, clock, add=True)
    symbols = tuple(table["symbol"].unique(maintain_order=True))
    return Imported(
        stored.files, stored.kept, symbols, table.height, clock, mapping, understood, newest_first, tuple(findings)
    )


def _read(path: Path) -> pl.DataFrame:
    if not path.is_file():
        raise refuse("D002", path.name, f"{path} does not exist")
    name = path.name.lower().removesuffix(".gz")
    with readable(path):
        if name.endswith((".csv", ".txt", ".tsv")):
            return _read_csv(path)
        if name.endswith((".feather", ".arrow", ".ipc")):
            return pl.read_ipc(path)
        if name.endswith((".parquet", ".pq")):
            return pl.read_parquet(path, glob=False)
    raise refuse("D001", path.name, f"{path.suffix or 'a file without an ending'} is not among csv, feather, parquet")


def _read_csv(path: Path) -> pl.DataFrame:
    """All columns as text, so that a number which is none can be reported with its row."""
    opener = gzip.open if path.name.lower().endswith(".gz") else open
    with opener(path, "rt", encoding="utf-8-sig", errors="replace", newline="") as lines:
        head = lines.readline()
    if not head.strip():
        raise refuse("D003", path.name, "the file is empty")
    separator = max(_SEPARATORS, key=head.count)
    first = next(csv.reader([head], delimiter=separator))
    headless = all(_is_number(cell) for cell in first)
    if headless and len(first) not in (6, len(KLINE_COLUMNS)):
        detail = f"the first line holds {len(first)} numbers and no names"
        raise refuse("D023", path.name, detail, "Put a line with the names of the columns at the top.")
    names = list(KLINE_COLUMNS[: len(first)]) if headless else None
    return pl.read_csv(
        path, separator=separator, has_header=not headless, new_columns=names, infer_schema=False, glob=False
    )


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _with_symbol(table: pl.DataFrame, symbol: str | None, origin: Path) -> pl.DataFrame:
    if "symbol" not in table.columns:
        return table.with_columns(symbol=pl.lit(symbol or symbol_of_name(origin)))
    table = table.with_columns(pl.col("symbol").cast(pl.String))
    held = table["symbol"].unique(maintain_order=True).to_list()
    if symbol is not None and held != [symbol]:
        names = ", ".join(str(name) for name in held)
        raise refuse("D016", origin.name, f"it holds {names}, not {symbol}", "Leave --symbol out to import them all.")
    return table


def _clock(table: pl.DataFrame, origin: Path) -> int:
    spacings = [spacing_of(part["time"].drop_nulls().to_numpy()) for part in table.partition_by("symbol")]
    found = sorted({spacing.ms for spacing in spacings if spacing is not None})
    if len(found) == 1:
        return found[0]
    if not found and table.height == 0:
        raise refuse("D003", origin.name, "the table is empty")
    detail = " and ".join(map(format_clock, found)) if found else "a single bar does not tell"
    raise refuse("D023", origin.name, f"the spacing of its bars is not plain: {detail}", "Give it, such as --clock 1m.")
