"""Stored bars as they lie in Parquet files: what a file holds, and its rows in slices. Knows no grid and no clock."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import polars as pl

from stratoquant.graph.clock import format_time
from stratoquant.graph.names import symbol_problem
from stratoquant.runtime.data.bars import FRAME_ROWS, PRICES, canonical
from stratoquant.runtime.data.check import (
    BarCheck,
    Spacing,
    check_schema,
    errors_of,
    is_placeable,
    spacing_of,
    wrong_types,
)
from stratoquant.runtime.data.findings import DataError, Finding, refuse

_CLOCK_SUFFIX = re.compile(r"[-_.]\d+(ms|s|m|h|d|w)$", re.IGNORECASE)
_SPACING_SAMPLE = 10_000


@dataclass(frozen=True)
class Piece:
    """The rows of one symbol in one file; they lie together, in the order of time.

    first, last: UTC milliseconds at which the first and the last bar open. spacing: distance between most bars.
    """

    path: Path
    symbol: str
    row: int
    rows: int
    first: int
    last: int
    spacing: Spacing | None
    columns: tuple[str, ...]

    def frames(self, start: int, end: int) -> Iterator[pl.DataFrame]:
        """The bars that open in [start, end), without the symbol, in tables of limited size."""
        with readable(self.path):
            row, stop = self._between(start, end)
            bars = scan(self.path)
            numbers = [c for c in self.columns if c != "symbol"]
            while row < stop:
                # Cut where the file's row groups end, so that none is decoded twice.
                upto = min(stop, row - row % FRAME_ROWS + FRAME_ROWS)
                yield bars.slice(row, upto - row).select(canonical(numbers)).collect()
                row = upto

    def _between(self, start: int, end: int) -> tuple[int, int]:
        stop = self.row + self.rows
        if start <= self.first and self.last < end:
            return self.row, stop
        time = pl.col("time")
        rows = scan(self.path).select("time").slice(self.row, self.rows)
        before, within = rows.select((time < start).sum().alias("a"), (time < end).sum().alias("b")).collect().row(0)
        return self.row + before, self.row + within


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Turn what goes wrong inside a Parquet file into a DataError that names it."""
    try:
        yield
    except FileNotFoundError as error:
        raise refuse("D002", path.name, f"{path} does not exist") from error
    except (pl.exceptions.PolarsError, OSError) as error:
        raise refuse("D001", path.name, str(error).splitlines()[0]) from error


def scan(path: Path) -> pl.LazyFrame:
    return pl.scan_parquet(path, glob=False)


def schema_of(path: Path) -> pl.Schema:
    if not os.fsencode(path).decode(errors="ignore") == str(path):
        raise refuse("D001", repr(path.name), "its name is no UTF-8 text", "Rename the file.")
    if not path.is_file():
        raise refuse("D002", path.name, f"{path} does not exist")
    with readable(path):
        return scan(path).collect_schema()


def is_bars(schema: pl.Schema) -> bool:
    """True for a table with prices. Others, such as funding rates, may lie in the same folder."""
    return all(price in schema for price in PRICES)


def symbol_of_name(path: Path) -> str:
    """The symbol of a file that has no symbol column: its name without a clock at the end, in capitals."""
    return _CLOCK_SUFFIX.sub("", path.name.removesuffix(".gz").rpartition(".")[0]).upper()


def pieces_of(path: Path) -> list[Piece]:
    """What a file holds, by symbol. Reads the time and the symbol only."""
    schema = schema_of(path)
    problems = check_schema(schema, path.name)
    if problems or wrong_types(schema):
        raise DataError(errors_of(check_file(path)) or problems)
    with readable(path):
        return [_piece(path, schema, *row) for row in _ranges(path, schema)]


def _ranges(path: Path, schema: pl.Schema) -> list[tuple[str | None, int, int, int, int, int]]:
    """A row a symbol: symbol, first row, last row, rows, earliest time, latest time."""
    time, row = pl.col("time"), pl.col("row")
    symbol = pl.col("symbol") if "symbol" in schema else pl.lit(fit_symbol(symbol_of_name(path), path.name))
    rows = pl.scan_parquet(path, row_index_name="row", glob=False).select("row", "time", symbol.alias("symbol"))
    ranges = rows.group_by("symbol").agg(
        row.min().alias("from"), row.max().alias("to"), pl.len(), time.min().alias("first"), time.max().alias("last")
    )
    found = ranges.sort("from").collect(engine="streaming").rows()
    if not found:
        raise refuse("D003", path.name, "the table is empty")
    whole = all(s and not symbol_problem(s) and last - first + 1 == rows for s, first, last, rows, _, _ in found)
    if not whole or not all(t is not None and is_placeable(t) for row in found for t in row[4:]):
        raise DataError(errors_of(check_file(path)))
    return found


def fit_symbol(symbol: str, file: str) -> str:
    """The symbol itself. Raises DataError where it is none."""
    if problem := symbol_problem(symbol):
        raise refuse("D039", file, f"{symbol!r}: {problem}")
    return symbol


def _piece(
    path: Path, schema: pl.Schema, symbol: str | None, row: int, _to: int, rows: int, first: int, last: int
) -> Piece:
    sample = scan(path).select("time").slice(row, min(rows, _SPACING_SAMPLE)).collect()["time"].drop_nulls()
    columns = tuple(schema)
    return Piece(path, symbol or "", row, rows, first, last, spacing_of(sample.to_numpy()), columns)


def check_file(path: Path, clock_ms: int | None = None, symbol: str | None = None) -> list[Finding]:
    """Everything that is wrong with a Parquet file of bars; the file is read in slices."""
    try:
        schema = schema_of(path)
        check = BarCheck(schema, path.name, clock_ms, symbol)
        with readable(path):
            rows = scan(path).select(pl.len()).collect().item()
            for row in range(0, rows, FRAME_ROWS):
                check.feed(scan(path).slice(row, FRAME_ROWS).collect())
    except DataError as error:
        return list(error.findings)
    return check.findings()


def overlaps(pieces: list[Piece]) -> list[Finding]:
    """Pairs of pieces of one symbol that claim the same time; `pieces` are in the order of time."""
    findings = []
    for earlier, later in pairwise(pieces):
        if later.first <= earlier.last:
            detail = (
                f"{earlier.symbol} reaches to {format_time(earlier.last)} in {earlier.path.name} "
                f"but begins at {format_time(later.first)} in {later.path.name}"
            )
            findings.append(Finding("D019", later.path.name, detail))
    return findings
