"""The data store: a folder of Parquet files opened as a market, checked as a whole, and described. Writes nothing."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import chain
from pathlib import Path

import polars as pl

from stratoquant.graph.clock import format_clock
from stratoquant.runtime.data.check import errors_of
from stratoquant.runtime.data.findings import DataError, Finding, refuse
from stratoquant.runtime.data.market import Market, Series, has_book, market_of
from stratoquant.runtime.data.pieces import Piece, check_file, is_bars, overlaps, pieces_of, schema_of


def open_market(
    path: str | os.PathLike[str],
    symbols: Sequence[str] | None = None,
    clock_ms: int | None = None,
    start: int | None = None,
    end: int | None = None,
) -> Market:
    """The bars of a Parquet file, or of all files of bars in a folder, as a market.

    symbols: which, in this order, in capitals or not; all if None. clock_ms: the base clock; without it the spacing of
    the bars. start, end: only the bars that open from `start` on and before `end`, in UTC milliseconds.

    A file says by its column `symbol` what it holds, or without one by its name. Several files may hold one symbol,
    each another period. Files in the folder without prices (funding rates) are passed over. Raises DataError.
    """
    series = open_series(path, symbols)
    return market_of(series, clock_ms, start, end)


def open_series(path: str | os.PathLike[str], symbols: Sequence[str] | None = None) -> list[Series]:
    """The bars that are stored at a path, by symbol."""
    held, passed_over = _contents(Path(path))
    chosen = sorted(held) if symbols is None else [_lookup(s, held, passed_over) for s in symbols]
    if twice := sorted({s for s in chosen if chosen.count(s) > 1}):
        raise refuse("D018", str(path), f"{', '.join(twice)} is named twice", "Name each symbol once.")
    return [_series(symbol, held[symbol]) for symbol in chosen]


def check_store(path: str | os.PathLike[str], clock_ms: int | None = None, symbol: str | None = None) -> list[Finding]:
    """Everything that is wrong with the bars at a path, errors and warnings; raises nothing for it.

    symbol: the one symbol that is expected there.
    """
    place = Path(path)
    try:
        files = bar_files(place)
    except DataError as error:
        return list(error.findings)
    findings = [f for file in files for f in check_file(file, clock_ms, symbol)]
    if errors_of(findings):
        return findings
    for pieces in _by_symbol(files).values():
        findings += overlaps(pieces)
    return findings


def bar_files(path: Path) -> list[Path]:
    """The file itself, or the files of bars in a folder. Raises DataError where there is none."""
    if not path.is_dir():
        schema_of(path)
        return [path]
    candidates = sorted(path.glob("*.parquet"))
    found = [file for file in candidates if is_bars(schema_of(file))]
    if not found:
        raise refuse("D002", str(path), _why_nothing(path, candidates))
    return found


def _why_nothing(folder: Path, candidates: Sequence[Path]) -> str:
    if candidates:
        return f"no file in it has the columns open, high, low and close; it has {_names(candidates)}"
    if deeper := sorted({file.parent for file in folder.glob("*/*.parquet")}):
        return f"it has no Parquet file; the folders {_names(deeper)} below it do"
    if others := sorted(file for file in folder.iterdir() if file.suffix in (".csv", ".feather", ".gz")):
        return f"it has no Parquet file; {_names(others)} can be brought in with `stratoquant data import`"
    return "it has no Parquet file"


def _names(paths: Iterable[Path], most: int = 5) -> str:
    names = [p.name for p in paths]
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _contents(path: Path) -> tuple[dict[str, list[Piece]], list[Path]]:
    """What lies at a path, by symbol, and the files that hold something else than bars."""
    files = bar_files(path)
    passed_over = [file for file in path.glob("*.parquet") if file not in files] if path.is_dir() else []
    return _by_symbol(files), passed_over


def _by_symbol(files: Iterable[Path]) -> dict[str, list[Piece]]:
    """The pieces of each symbol in the order of time."""
    held: dict[str, list[Piece]] = {}
    for piece in sorted(chain.from_iterable(map(pieces_of, files)), key=lambda p: p.first):
        held.setdefault(piece.symbol, []).append(piece)
    return held


def _lookup(wanted: str, held: Iterable[str], passed_over: Iterable[Path]) -> str:
    """The stored spelling of a symbol."""
    names = sorted(held)
    if wanted in names:
        return wanted
    same = [name for name in names if name.casefold() == wanted.casefold()]
    if len(same) == 1:
        return same[0]
    if same:
        raise refuse("D018", wanted, f"it may be {' or '.join(same)}", "Write it as it is stored.")
    plain = {name.casefold(): name for name in names}
    near = [plain[n] for n in difflib.get_close_matches(wanted.casefold(), plain, n=3, cutoff=0.5)]
    detail = f"the data has {', '.join(names)}"
    if others := [file for file in passed_over if wanted.casefold() in file.stem.casefold()]:
        detail += f"; {_names(others)} holds no bars"
    raise refuse("D018", wanted, detail, f"Did you mean {' or '.join(near)}?" if near else "")


def _series(symbol: str, pieces: list[Piece]) -> Series:
    problems = overlaps(pieces) + _spacings(pieces)
    if problems:
        raise DataError(problems)
    return Series(
        symbol=symbol,
        first=pieces[0].first,
        last=pieces[-1].last,
        spacing=next((p.spacing for p in pieces if p.spacing), None),
        has_book=any(has_book(p.columns) for p in pieces),
        frames=partial(_frames, pieces),
        diagnose=partial(_diagnose, pieces),
    )


def _spacings(pieces: list[Piece]) -> list[Finding]:
    certain = {p.spacing.ms: p.path.name for p in pieces if p.spacing and p.spacing.certain}
    if len(certain) < 2:
        return []
    each = ", ".join(f"{name} has bars of {format_clock(ms)}" for ms, name in sorted(certain.items()))
    hint = "Keep bars of one spacing in a folder, or resample the finer ones."
    return [Finding("D021", pieces[0].symbol, each, hint=hint)]


def _frames(pieces: list[Piece], start: int, end: int) -> Iterator[pl.DataFrame]:
    for piece in pieces:
        if piece.last >= start and piece.first < end:
            yield from piece.frames(start, end)


def _diagnose(pieces: list[Piece], clock_ms: int) -> list[Finding]:
    files = dict.fromkeys(piece.path for piece in pieces)
    return [finding for file in files for finding in check_file(file, clock_ms)]
