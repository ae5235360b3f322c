"""Bars on their way into the store: one file, or a folder that holds a file a symbol and takes more of it later."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from stratoquant.graph.clock import format_clock, format_time
from stratoquant.graph.names import symbol_file_name
from stratoquant.runtime.data.bars import canonical, write_bars
from stratoquant.runtime.data.check import errors_of
from stratoquant.runtime.data.findings import DataError, refuse
from stratoquant.runtime.data.pieces import check_file, fit_symbol, pieces_of, readable
from stratoquant.runtime.files import locked, refused_as_error


@dataclass(frozen=True)
class Stored:
    """files: what was written. kept: bars that were in them before and stayed. rows: bars that were written anew."""

    files: tuple[Path, ...]
    kept: int
    rows: int


def store_bars(table: pl.DataFrame, target: str | os.PathLike[str], clock_ms: int, *, add: bool = False) -> Stored:
    """Write a table of bars, which names its symbols, to `target`.

    target: a name that ends in .parquet is the file, which is replaced; any other is a folder, made if its parent is
    there, in which each symbol has a file of each clock. add: the bars of such a file stay, but for those of the same
    times; without it the file is replaced. Of two processes that store into one folder, the second waits for the first.
    Raises StratoError where the system refuses, and DataError, before anything
    is written, where a file of the folder is unsound or would hold another symbol's bars or a time that another has.
    """
    path = Path(target)
    parts = {str(symbol): part for (symbol,), part in table.partition_by("symbol", as_dict=True).items()}
    for symbol in parts:
        fit_symbol(symbol, path.name)
    if _is_one_file(path):
        write_bars(table, path)
        return Stored((path,), 0, table.height)
    with _folder(path), locked(path):
        contents = _contents(parts, path, clock_ms, add=add)
        for file, bars in contents.items():
            write_bars(bars, file)
    return Stored(tuple(contents), sum(bars.height for bars in contents.values()) - table.height, table.height)


@contextmanager
def _folder(path: Path) -> Iterator[None]:
    """Make a folder if there is none; one that was made is removed again where nothing came into it."""
    made = not path.exists()
    with refused_as_error(path):
        path.mkdir(exist_ok=True)
    try:
        yield
    finally:
        if made:
            with suppress(OSError):
                path.rmdir()


def _contents(parts: dict[str, pl.DataFrame], folder: Path, clock_ms: int, *, add: bool) -> dict[Path, pl.DataFrame]:
    """What each file of the folder is to hold. Raises DataError where it cannot."""
    contents: dict[Path, pl.DataFrame] = {}
    for symbol, part in parts.items():
        file = file_of(folder, symbol, clock_ms)
        if file in contents:
            detail = f"{contents[file]['symbol'][0]} and {symbol} would both lie in it"
            raise refuse("D016", file.name, detail, "Give one of them another name, or import them into two folders.")
        _refuse_twice(file, symbol, part)
        contents[file] = _joined(file, symbol, part, clock_ms) if add and file.exists() else part
    return contents


def file_of(target: Path, symbol: str, clock_ms: int) -> Path:
    """Where the bars of a symbol go."""
    return target if _is_one_file(target) else target / f"{symbol_file_name(symbol)}_{format_clock(clock_ms)}.parquet"


def _is_one_file(target: Path) -> bool:
    return target.suffix == ".parquet" and not target.is_dir()


def _refuse_twice(file: Path, symbol: str, new: pl.DataFrame) -> None:
    """Raises DataError where bars of the symbol on another clock claim the time of the new ones."""
    first, last = new["time"][0], new["time"][-1]
    for other in sorted(file.parent.glob(f"{glob.escape(symbol_file_name(symbol))}_*.parquet")):
        for piece in pieces_of(other) if other != file else ():
            if piece.symbol == symbol and piece.first <= last and first <= piece.last:
                detail = f"{symbol} from {format_time(first)} to {format_time(last)} lies in {other.name} as well"
                raise refuse("D019", file.name, detail, "Choose another folder: in one, a time belongs to one file.")


def _joined(file: Path, symbol: str, new: pl.DataFrame, clock_ms: int) -> pl.DataFrame:
    """The new bars among those that the file holds of other times."""
    if errors := errors_of(check_file(file, clock_ms, symbol)):
        raise DataError(errors)
    with readable(file):
        held = pl.read_parquet(file, glob=False)
    held = held.select(canonical(held.columns)).with_columns(symbol=pl.lit(symbol))
    return pl.concat([held.join(new, on="time", how="anti"), new], how="diagonal").sort("time")
