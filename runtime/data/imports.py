"""Import of foreign tables: CSV, Feather and Parquet files become canonical bars. What is unsound is not written."""

from __future__ import annotations

import csv
import gzip
import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Literal

import polars as pl

from stratoquant.graph.clock import format_clock
from stratoquant.runtime.data.bars import REQUIRED
from stratoquant.runtime.data.check import BarCheck, errors_of, spacing_of
from stratoquant.runtime.data.columns import KLINE_COLUMNS, numbers, recognise, to_milliseconds
from stratoquant.runtime.data.findings import DataError, Finding, refuse
from stratoquant.runtime.data.pieces import readable, symbol_of_name
from stratoquant.runtime.data.storing import store_bars

_SEPARATORS = ",;\t|"
_PRICES = 4  # a line with so many values holds a bar, not names
_VALUE = re.compile(r"[-+]?[0-9][0-9.,' ]*([eE][-+]?[0-9]+)?")
_HINTS = {
    "D001": "Save the table as CSV, Feather or Parquet, and import that file.",
    "D002": "Correct the path; an import takes one file.",
    "D005": "Correct the text in the source; numbers are written as 1234.5.",
    "D024": "Correct the rows, or name the column of the times, such as --map time=COLUMN.",
}
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
    with _hints_of_an_import():
        return _import(origin, target, columns or {}, symbol, stamp, clock_ms, time_format)


@contextmanager
def _hints_of_an_import() -> Iterator[None]:
    """To import a file is what helps with bars that are stored; in an import it is the source that must change."""
    try:
        yield
    except DataError as error:
        raise DataError(replace(f, hint=f.hint or _HINTS.get(f.code, "")) for f in error.findings) from error


def _import(
    origin: Path,
    target: str | os.PathLike[str],
    columns: Mapping[str, str],
    symbol: str | None,
    stamp: str,
    clock_ms: int | None,
    time_format: str | None,
) -> Imported:
    table = _read(origin)
    if table.is_empty():
        raise refuse("D003", origin.name, "the table is empty")
    mapping = recognise(table.columns, columns)
    table = table.select(pl.col(theirs).alias(ours) for ours, theirs in mapping.items())
    times, understood = to_milliseconds(table["time"], time_format)
    table = numbers(table.with_columns(times.alias("time")))
    table = _with_symbol(table, symbol, origin)
    newest_first = table.height > 1 and table["time"].is_sorted(descending=True)
    table = table.with_row_index(_ROW)
    table = (table.reverse() if newest_first else table).sort("symbol", maintain_order=True)
    clock = _clock(table, origin, clock_ms)
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
    packed = "Unpack it, and import the file that it contains." if name.endswith((".zip", ".tar", ".7z")) else ""
    detail = f"{path.suffix or 'a file without an ending'} is not among csv, feather, parquet"
    raise refuse("D001", path.name, detail, packed)


def _read_csv(path: Path) -> pl.DataFrame:
    """All columns as text, so that a number which is none can be reported with its row."""
    opener = gzip.open if path.name.lower().endswith(".gz") else open
    with opener(path, "rt", encoding="utf-8-sig", errors="replace", newline="") as lines:
        head = lines.readline()
    if not head.strip():
        raise refuse("D003", path.name, "the file is empty")
    separator = max(_SEPARATORS, key=head.count)
    first = next(csv.reader([head], delimiter=separator))
    values = [_VALUE.fullmatch(cell.strip()) is not None for cell in first]
    headless = all(values) or sum(values) >= _PRICES
    dated = len(first) == len(REQUIRED) and any(ch.isdigit() for ch in first[0]) and all(values[1:])
    if headless and not (dated or (len(first) == len(KLINE_COLUMNS) and all(values))):
        detail = f"the first line holds {sum(values)} values and no names"
        names = separator.join(REQUIRED)
        raise refuse("D023", path.name, detail, f"Put a line with the names of the columns at the top, such as {names}")
    names = list(KLINE_COLUMNS[: len(first)]) if headless else None
    try:
        return pl.read_csv(
            path, separator=separator, has_header=not headless, new_columns=names, infer_schema=False, glob=False
        )
    except pl.exceptions.ComputeError:
        raise _uneven(path, opener, separator, len(first)) from None


def _uneven(path: Path, opener: Callable[..., IO[str]], separator: str, cells: int) -> DataError:
    """What is wrong with a CSV file whose rows cannot be laid under its first line."""
    with opener(path, "rt", encoding="utf-8-sig", errors="replace", newline="") as lines:
        for number, row in enumerate(csv.reader(lines, delimiter=separator), 1):
            if len(row) > cells:
                detail = f"line {number} has {len(row)} cells, the first line has {cells}"
                hint = "Correct the line. The first one must hold the names of the columns: remove what is above them."
                return refuse("D001", path.name, detail, hint)
    return refuse("D001", path.name, "its lines cannot be taken apart into cells", "Close what is in quotes.")


def _with_symbol(table: pl.DataFrame, symbol: str | None, origin: Path) -> pl.DataFrame:
    if "symbol" not in table.columns:
        return table.with_columns(symbol=pl.lit(symbol or symbol_of_name(origin)))
    table = table.with_columns(pl.col("symbol").cast(pl.String))
    held = table["symbol"].unique(maintain_order=True).to_list()
    if symbol is not None and held != [symbol]:
        names = ", ".join(str(name) for name in held)
        raise refuse("D016", origin.name, f"it holds {names}, not {symbol}", "Leave --symbol out to import them all.")
    return table


def _clock(table: pl.DataFrame, origin: Path, given: int | None) -> int:
    """The spacing of the bars, as it is given or as it can be seen in them. Raises DataError."""
    parts = [spacing_of(part["time"].drop_nulls().to_numpy()) for part in table.partition_by("symbol")]
    spacings = [spacing for spacing in parts if spacing is not None]
    found = sorted({spacing.ms for spacing in spacings})
    sure = sorted({spacing.ms for spacing in spacings if spacing.certain})
    if len(sure) > 1:
        detail = f"it holds bars of {' and of '.join(map(format_clock, sure))}"
        raise refuse("D021", origin.name, detail, "Split the file, and import each part into a folder of its own.")
    if given is not None:
        if sure and given < sure[0]:
            detail = f"its bars are {format_clock(sure[0])} apart, not {format_clock(given)}"
            raise refuse("D021", origin.name, detail, "Leave --clock out.")
        return given
    if len(found) == 1:
        return found[0]
    detail = " and ".join(map(format_clock, found)) if found else "a single bar does not tell"
    hint = f"Give it, such as --clock {format_clock(found[0]) if found else '1m'}."
    raise refuse("D023", origin.name, f"the spacing of its bars is not plain: {detail}", hint)
