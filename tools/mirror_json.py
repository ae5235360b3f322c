"""`stratoquant mirror json|chart`: a finished run as JSON lines, and those lines as a chart."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stratoquant.tools.terminal import deliver, working

if TYPE_CHECKING:
    from stratoquant.mirror.json.models import Bar

Symbol = Annotated[str | None, typer.Option(help="One symbol; default all of the run.")]
Start = Annotated[str | None, typer.Option(help="First bar, as 2024-03-01 or 2024-03-01T12:30, UTC.")]
End = Annotated[str | None, typer.Option(help="Stop before this time.")]


def register(app: typer.Typer) -> None:
    app.command("json")(mirror_json)
    app.command()(chart)
    app.command(hidden=True)(schema)


def mirror_json(
    run: Annotated[Path, typer.Argument(help="Folder of a run, as `stratoquant backtest` makes it.")],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="File to write or to continue; default RUN.jsonl, - for the screen."),
    ] = None,
    symbol: Symbol = None,
    start: Start = None,
    end: End = None,
    only_changes: Annotated[
        bool, typer.Option("--only-changes", help="Leave out bars on which nothing changes.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object about the file.")] = False,
) -> None:
    """Write decisions, regime, risk and vetoes of every bar as JSON lines.

    \b
    A file that is there already goes on where it ends. Beside it the last bar of each symbol: btc.latest.json with
    btc.jsonl.
    Example: stratoquant mirror json runs/wiring_master
    """
    from stratoquant.mirror.json.models import line_text
    from stratoquant.mirror.json.run import Run
    from stratoquant.mirror.json.writer import changes, writing

    source = Run(run)
    target = output or run.with_name(f"{run.resolve().name}.jsonl")
    first, last = _times(start, end)
    lines = source.bars(symbol, first, last)
    header = source.header(symbol, first, only_changes=only_changes)
    if str(target) == "-":
        for line in chain([header], changes(lines) if only_changes else lines):
            sys.stdout.write(line_text(line))
        return
    with working(f"writing {target}"), writing(target, header) as writer:
        writer.append(lines)
    if as_json:
        print(json.dumps({"file": str(target), "written": writer.written, "symbols": list(header.symbols)}))
    else:
        print(f"{target}: {writer.written:,} lines written")


def chart(
    mirror: Annotated[Path, typer.Argument(help="A file that `stratoquant mirror json` wrote.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Page to write; default beside the file.")
    ] = None,
    symbol: Symbol = None,
    start: Start = None,
    end: End = None,
    last: Annotated[int | None, typer.Option(help="Only so many of the latest bars.", min=2)] = None,
) -> None:
    """Draw a JSON mirror as one page, with TradingView's lightweight-charts.

    \b
    Example: stratoquant mirror chart runs/wiring_master.jsonl --symbol BTCUSDT --last 1000
    """
    from stratoquant.mirror.chart import page
    from stratoquant.mirror.json.reader import read_header

    header = read_header(mirror)
    chosen = header.symbols[0] if symbol is None else symbol
    if chosen not in header.symbols:
        raise typer.BadParameter(f"the file has no {chosen}; its symbols are {', '.join(header.symbols)}")
    bars = list(_within(mirror, chosen, *_times(start, end)))
    target = output or mirror.with_suffix(".html")
    deliver(page(header, bars[-last:] if last else bars), target)
    if str(target) != "-":
        print(target)


def schema(output: Annotated[Path | None, typer.Option("--output", "-o")] = None) -> None:
    """Print the JSON Schema of a line.

    Example: stratoquant mirror schema -o mirror.schema.json
    """
    from stratoquant.mirror.json.schema import text

    deliver(text(), output)


def _within(mirror: Path, symbol: str, first: int | None, end: int | None) -> Iterator[Bar]:
    from stratoquant.mirror.json.reader import read

    for bar in read(mirror):
        if bar.symbol == symbol and (first is None or bar.time >= first) and (end is None or bar.time < end):
            yield bar


def _times(start: str | None, end: str | None) -> tuple[int | None, int | None]:
    from stratoquant.graph.clock import parse_time

    try:
        return tuple(None if time is None else parse_time(time) for time in (start, end))
    except ValueError as problem:
        raise typer.BadParameter(str(problem)) from None
