"""`stratoquant data`: import, validate, describe, make, build and resample bars. Their rules are in runtime.data."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stratoquant.tools.arguments import LONGEST_MARKET, listed_symbols, one_symbol, require_time
from stratoquant.tools.exit_codes import UNREADABLE, ExitCode
from stratoquant.tools.terminal import deliver, print_findings, working

if TYPE_CHECKING:
    from stratoquant.runtime.data.describe import SeriesInfo
    from stratoquant.runtime.data.findings import Finding

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Import, check, describe and make market data.")


class Stamp(str, Enum):  # noqa: UP042 - the command line shows the plain value
    OPEN = "open"
    CLOSE = "close"


Stored = Annotated[Path, typer.Argument(help="A Parquet file of bars, or a folder of them.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Clock = Annotated[str | None, typer.Option(help="Spacing of the bars, such as 1m; without it, as the bars lie.")]
_FILES = "A file to write, if it ends in .parquet; else a folder, in which each symbol has a file"
Target = Annotated[Path, typer.Argument(help=f"{_FILES}.")]
Growing = Annotated[Path, typer.Argument(help=f"{_FILES}, to which the bars are added.")]


def clock_ms(text: str | None) -> int | None:
    """Milliseconds of a clock as people write it. Raises typer.BadParameter."""
    from stratoquant.graph.clock import parse_clock

    try:
        return parse_clock(text) if text is not None else None
    except ValueError as problem:
        raise typer.BadParameter(str(problem)) from None


@app.command("import")
def import_(
    source: Annotated[Path, typer.Argument(help="CSV (also .gz), Feather or Parquet.")],
    target: Growing,
    map_: Annotated[
        list[str] | None, typer.Option("--map", help="OURS=THEIRS, where a column is not recognised: close=Last.")
    ] = None,
    symbol: Annotated[str | None, typer.Option(help="What the file holds, if no column says so.")] = None,
    stamp: Annotated[Stamp, typer.Option(help="Whether the source dates a bar by its open or its close.")] = Stamp.OPEN,
    clock: Clock = None,
    time_format: Annotated[str | None, typer.Option(help="A strptime pattern for unusual times.")] = None,
    as_json: AsJson = False,
) -> None:
    """Bring a table of bars into the store. Data that is unsound is not written.

    \b
    Example: stratoquant data import BTCUSDT-1m-2024-03.csv bars/ --symbol BTCUSDT
    """
    from stratoquant.runtime.data.imports import import_bars

    named = None if symbol is None else one_symbol(symbol)
    with working(f"reading {source}"):
        done = import_bars(source, target, _mapping(map_ or []), named, stamp.value, clock_ms(clock), time_format)
    facts = asdict(done) | {"files": [str(f) for f in done.files], "warnings": _plain(done.warnings)}
    if as_json:
        deliver(json.dumps(facts, indent=2), None)
        return
    _print_findings(done.warnings)
    from stratoquant.graph.clock import format_clock

    order = ", turned round (they were listed newest first)" if done.newest_first else ""
    what = f"{done.rows} bars of {format_clock(done.clock_ms)}, {', '.join(done.symbols)}{order}"
    print(f"{what} -> {_written(done.files, done.kept)}")


@app.command()
def validate(
    path: Stored,
    clock: Clock = None,
    symbol: Annotated[str | None, typer.Option(help="The one symbol that is expected there.")] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Warnings fail as well.")] = False,
    as_json: AsJson = False,
) -> None:
    """Check stored bars by every rule and list all that is wrong.

    \b
    Example: stratoquant data validate bars/ --clock 1m
    """
    from stratoquant.runtime.data.store import check_store

    expected = None if symbol is None else one_symbol(symbol)
    with working(f"checking {path}"):
        found = check_store(path, clock_ms(clock), expected)
    errors = [f for f in found if f.severity == "error"]
    if as_json:
        counts = {"path": str(path), "errors": len(errors), "warnings": len(found) - len(errors)}
        deliver(json.dumps({**counts, "findings": _plain(found)}, indent=2), None)
    else:
        _print_findings(found)
        print(f"{path}: {_count(len(errors), 'error')}, {_count(len(found) - len(errors), 'warning')}")
    if any(f.code in UNREADABLE for f in errors):
        raise typer.Exit(int(ExitCode.FILES))
    if errors or (strict and found):
        raise typer.Exit(int(ExitCode.FINDINGS))


@app.command()
def info(
    path: Stored,
    symbols: Annotated[str | None, typer.Option(help="Comma-separated; without it all.")] = None,
    clock: Clock = None,
    as_json: AsJson = False,
) -> None:
    """Say what the bars at a path are: symbols, period, spacing, gaps, columns.

    \b
    Example: stratoquant data info bars/ --symbols BTCUSDT,ETHUSDT
    """
    from stratoquant.runtime.data.describe import info as describe
    from stratoquant.runtime.data.store import open_series

    names = None if symbols is None else listed_symbols(symbols)
    with working(f"reading {path}"):
        found = [describe(series, clock_ms(clock)) for series in open_series(path, names)]
    if as_json:
        deliver(json.dumps([asdict(one) for one in found], indent=2), None)
        return
    for one in found:
        _print_series(one)


@app.command()
def synth(
    target: Target,
    symbols: Annotated[str, typer.Option(help="Comma-separated names.")] = "AAA,BBB,CCC",
    bars: Annotated[int, typer.Option(min=1, max=LONGEST_MARKET, help="Steps of the clock.")] = 43_200,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same bars.")] = 1,
    clock: Annotated[str, typer.Option(help="Spacing of the bars.")] = "1m",
    book: Annotated[bool, typer.Option("--book", help="With ten levels of the book.")] = False,
) -> None:
    """Write bars of the built-in synthetic market. It is a model and measures no real one.

    \b
    Example: stratoquant data synth bars/made.parquet --symbols AAA,BBB --bars 10000 --seed 7
    """
    from stratoquant.runtime.data.storing import store_bars
    from stratoquant.runtime.data.synthetic import synthesise

    names = listed_symbols(symbols)
    spacing = clock_ms(clock)
    assert spacing is not None
    require_time(bars, spacing)
    with working(f"making {bars} bars"):
        table = synthesise(names, bars, seed, spacing, book=book)
        done = store_bars(table, target, spacing)
    print(f"{done.rows} bars of {clock}, {', '.join(names)} -> {_written(done.files)}")


@app.command()
def book(
    depth: Annotated[Path, typer.Argument(help="Parquet file of depth updates with a snapshot among them.")],
    trades: Annotated[Path, typer.Argument(help="Parquet file of the single trades of the same recording.")],
    target: Growing,
    symbol: Annotated[str, typer.Option(help="What was recorded, such as BTCUSDT.")],
    every: Annotated[str, typer.Option(help="Length of a bar, such as 1s or 250ms.")] = "1s",
    as_json: AsJson = False,
) -> None:
    """Write bars with the ten best levels of the book at each close, from recorded depth updates and trades.

    Bars are dated by their open, by the recorder's clock; see `stratoquant check --explain D027` for the columns.

    \b
    Example: stratoquant data book depth.parquet trades.parquet bars/ --symbol BTCUSDT --every 250ms
    """
    from stratoquant.graph.clock import DAY_MS, format_time
    from stratoquant.runtime.data.book import build

    spacing = clock_ms(every)
    assert spacing is not None
    if spacing > DAY_MS:
        raise typer.BadParameter(f"{every} is longer than a day")
    recorded = one_symbol(symbol)
    with working(f"reading {depth}"):
        built = build(depth, trades, target, recorded, spacing)
    if as_json:
        facts = asdict(built) | {"file": str(built.file), "warnings": _plain(built.warnings)}
        deliver(json.dumps(facts, indent=2), None)
        return
    _print_findings(built.warnings)
    left_out = f", {built.off_book} not made on the book left out" if built.off_book else ""
    print(
        f"{built.bars} bars of {every}, {built.symbol}, {format_time(built.first)} to {format_time(built.last)}, "
        f"{built.idle} without a trade; {built.trades} trades{left_out} -> {_written((built.file,), built.kept)}"
    )


@app.command("resample")
def resample_(
    source: Stored,
    target: Target,
    clock: Annotated[str, typer.Option(help="Spacing of the slower bars, such as 15m, 1d@22:00 or 1w@sun.")],
) -> None:
    """Write slower bars made from stored ones; gaps stay gaps. Bars open from 00:00 UTC, weeks on Mondays.

    \b
    Example: stratoquant data resample bars/BTCUSDT_1m.parquet bars_1h/BTCUSDT.parquet --clock 1h
    """
    from stratoquant.graph.clock import read_clock
    from stratoquant.runtime.data.resample import resample_file

    try:
        slow = read_clock(clock)
    except ValueError as problem:
        raise typer.BadParameter(str(problem)) from None
    with working(f"reading {source}"):
        done = resample_file(source, target, slow.ms, slow.origin)
    print(f"{done.rows} bars of {clock} -> {_written(done.files)}")


def _written(files: tuple[Path, ...], kept: int = 0) -> str:
    """Where bars went, and what was there."""
    names = ", ".join(str(f) for f in files)
    return f"{names}, added to {kept} bars" if kept else names


def _mapping(pairs: list[str]) -> dict[str, str]:
    mapping = {}
    for pair in pairs:
        ours, equals, theirs = pair.partition("=")
        if not equals or not ours or not theirs:
            raise typer.BadParameter(f"{pair!r} is no mapping; write OURS=THEIRS, such as --map close=Last")
        mapping[ours.strip()] = theirs.strip()
    return mapping


def _plain(found: list[Finding] | tuple[Finding, ...]) -> list[dict[str, Any]]:
    return [asdict(f) | {"message": f.message, "fix": f.fix} for f in found]


def _print_findings(found: list[Finding] | tuple[Finding, ...]) -> None:
    print_findings(found, sys.stdout)


def _print_series(one: SeriesInfo) -> None:
    print(one)
    for gap in one.gaps.largest[:3]:
        print(f"  gap: {gap}")
    book = "with book, " if "bid_px_0" in one.columns else ""
    print(f"  {book}{one.idle:.1%} of bars without volume; columns: {', '.join(_scalars(one.columns))}")


def _scalars(columns: tuple[str, ...]) -> list[str]:
    return [c for c in columns if not c.startswith(("bid_", "ask_"))]


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
