"""`stratoquant mirror pine|verify`: writes the script, and shows that it computes what the plan computes."""

from __future__ import annotations

import json
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.text import Text

from stratoquant.tools.arguments import LONGEST_MARKET, listed_ports, listed_symbols
from stratoquant.tools.backtest import parse_settings
from stratoquant.tools.terminal import deliver, working

if TYPE_CHECKING:
    from stratoquant.graph.compiler import Checked
    from stratoquant.mirror.pine.export import Export
    from stratoquant.mirror.verify import Parity

app = typer.Typer(
    name="mirror", no_args_is_help=True, help="The same graph on TradingView, and as JSON.", rich_markup_mode=None
)

VERIFIED_BARS = 2_000

Wiring = Annotated[Path, typer.Argument(help="The wiring to mirror, such as specs/bars_only.yaml.")]
Ports = Annotated[str | None, typer.Option(help="Comma-separated NODE.port; without it roles and recorded ports.")]
Set = Annotated[list[str] | None, typer.Option("--set", help="NODE.parameter=value; may be given several times.")]


class EngineName(str, Enum):  # noqa: UP042 - the command line shows the plain value
    PYNECORE = "pynecore"
    PINETS = "pinets"


@app.command()
def pine(
    wiring: Wiring,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Where to write; default NAME.pine, - for the screen.")
    ] = None,
    ports: Ports = None,
    strategy: Annotated[bool, typer.Option("--strategy", help="A strategy for TradingView's own tester.")] = False,
    embed: Annotated[
        Path | None, typer.Option(help="Folder of a run whose values the script carries and checks.")
    ] = None,
    symbol: Annotated[
        str | None, typer.Option(help="Symbol of the run to embed; default its only or first one.")
    ] = None,
    set_: Set = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object about the script.")] = False,
) -> None:
    """Translate a wiring to Pine Script v6 for a TradingView chart.

    \b
    Example: stratoquant mirror pine specs/bars_only.yaml
             stratoquant mirror pine specs/wiring_master.yaml --ports L3.direction,L14.rsi -o rsi.pine
    """
    from stratoquant.mirror.pine.export import choose, export

    checked = _checked(wiring, set_)
    if embed:
        checked = _with_capital_of(embed, checked)
    assert checked.graph is not None
    run = _run(embed, checked, symbol) if embed else None
    chosen = choose(checked, _listed(ports), run, strategy=strategy)
    made = export(checked, chosen, run, strategy=strategy)
    outside = list(chosen.outside)
    target = output or Path(f"{checked.graph.name}.pine")
    deliver(made.text, target)
    if str(target) == "-":
        return
    if as_json:
        print(json.dumps(_facts(made, outside, target)))
    else:
        _tell(made, outside, target)


@app.command()
def verify(
    wiring: Wiring,
    data: Annotated[
        Path | None, typer.Option(help="A Parquet file or a folder of them; without it the built-in market.")
    ] = None,
    symbols: Annotated[
        str | None, typer.Option(help="Comma-separated; without it those that the wiring names.")
    ] = None,
    start: Annotated[str | None, typer.Option(help="First bar, as 2024-03-01 or 2024-03-01T12:30, UTC.")] = None,
    bars: Annotated[
        int, typer.Option(help="Steps of the clock to compare for each symbol.", min=2, max=LONGEST_MARKET)
    ] = VERIFIED_BARS,
    engine: Annotated[
        EngineName | None, typer.Option(help="Interpreter of Pine; default one that is installed.")
    ] = None,
    ports: Ports = None,
    every_port: Annotated[
        bool, typer.Option("--every-port", help="Compare every port that the script computes.")
    ] = False,
    set_: Set = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of the table.")] = False,
) -> None:
    """Run the plan and the Pine script over the same bars, and compare them port by port.

    \b
    Exit code 1 when a bar differs. Interpreters: PyneCore comes with `pip install 'stratoquant[pine]'`; PineTS runs in
    Node, after `npm install --prefix ~/.cache/stratoquant/pinets pinets@0.9.34`.
    Example: stratoquant mirror verify specs/bars_only.yaml --data bars/ --bars 20000
    """
    from stratoquant.mirror.pine.export import choose, computed_ports, export, probe_text
    from stratoquant.mirror.verify import verify as compare
    from stratoquant.tools.backtest import open_bars

    checked = _checked(wiring, set_)
    if every_port:
        shown = computed_ports(checked)
        script = probe_text(checked, shown)
    else:
        made = export(checked, choose(checked, _listed(ports)))
        shown, script = list(made.shown), made.text
    assert checked.graph is not None
    names = list(checked.graph.symbols) if symbols is None else listed_symbols(symbols)
    built_in = max(bars, 100) if data is None else None
    market = open_bars(data, names, checked.graph.clock_ms, (start, None), built_in)
    market = market.between(market.start, market.start + bars * market.clock_ms)
    chosen = _engine(engine)
    with working(f"{chosen.name} interprets {bars:,} bars of {', '.join(market.symbols)}"):
        parity = compare(checked, script, market, shown, chosen)
    if as_json:
        print(json.dumps(_figures(parity)))
    else:
        _show(parity, Console())
    if parity.differing:
        raise typer.Exit(1)


def _checked(wiring: Path, assignments: list[str] | None) -> Checked:
    from stratoquant.graph.compiler import checked_or_raise
    from stratoquant.layers import catalogue

    return checked_or_raise(wiring, catalogue(), parse_settings(assignments or []))


def _with_capital_of(folder: Path, checked: Checked) -> Checked:
    """The wiring as the run had it: for an account that starts with the run's cash."""
    from stratoquant.mirror.pine.series import run_facts
    from stratoquant.runtime.capital import with_capital

    cash = run_facts(folder).get("cash")
    return with_capital(checked, cash) if isinstance(cash, int | float) else checked


def _run(folder: Path, checked: Checked, symbol: str | None):  # type: ignore[no-untyped-def]
    from stratoquant.graph.identity import wiring_digest
    from stratoquant.mirror.pine.series import read_run

    assert checked.graph is not None
    return read_run(folder, wiring_digest(checked.graph), symbol)


def _listed(ports: str | None) -> list[str]:
    return [] if ports is None else listed_ports(ports)


def _engine(wanted: EngineName | None):  # type: ignore[no-untyped-def]
    """The engine asked for, or the first that is installed. Raises StratoError that says how to get one."""
    from stratoquant.mirror.engines import ENGINES, installed, require
    from stratoquant.runtime.errors import StratoError

    if wanted is not None:
        return require(wanted.value)
    there = installed()
    if not there:
        ways = "; or: ".join(e.missing() for e in ENGINES.values())
        raise StratoError("no interpreter of Pine is installed", ways, "M010")
    return next(iter(there.values()))


def _facts(made: Export, outside: list[tuple[str, str]], target: Path) -> dict[str, object]:
    return {
        "file": str(target),
        "nodes": len(made.cut.nodes),
        "left_out": {k: {"kind": r.kind, "reason": r.text} for k, r in made.cut.left_out.items()},
        "switched_off": sorted({c.reader for c in made.cut.crossings if not c.embedded}),
        "shown": list(made.shown),
        "not_shown": dict([*outside, *made.dropped]),
        "embedded": list(made.embedded),
        "checked": list(made.checked),
        "period": made.period,
        "tokens": made.usage.tokens,
        "plots": made.usage.plots,
        "variables": made.usage.variables,
    }


def _tell(made: Export, outside: list[tuple[str, str]], target: Path) -> None:
    from stratoquant.mirror.pine import limits

    console = Console()
    console.print(f"[bold]{target}[/bold]: {len(made.cut.nodes)} nodes, {len(made.shown)} ports shown")
    usage = made.usage
    console.print(
        f"[dim]about {usage.tokens:,} of {limits.TOKENS:,} tokens, {usage.plots} of {limits.PLOTS} plots, "
        f"{usage.variables} of {limits.VARIABLES:,} variables in the fullest scope; TradingView alone knows what it "
        "compiles to and how long it runs (docs/pine_limits.md)[/dim]"
    )
    if made.cut.left_out:
        console.print("left out:")
        for key, reason in made.cut.left_out.items():
            console.print(f"  {key}: {reason}")
    off = sorted({f"{c.reader} (from {c.source})" for c in made.cut.crossings if not c.embedded})
    if off:
        console.print(f"switched off, as missing: {', '.join(off)}")
    if made.period:
        from stratoquant.graph.clock import format_time

        console.print(f"carries values from {format_time(made.period[0])} to {format_time(made.period[1])}:")
        console.print(f"  fed in: {', '.join(made.embedded) or 'none'}; compared: {', '.join(made.checked) or 'none'}")
    for port, reason in [*outside, *made.dropped]:
        console.print(f"not shown: {port}: {reason}")


def _figures(parity: Parity) -> dict[str, object]:
    return {
        "engine": parity.engine,
        "bars": parity.bars,
        "differing": parity.differing,
        "symbols": {s.symbol: {"bars": s.bars, "differing": s.differing} for s in parity.symbols},
        "worst": parity.worst(),
    }


def _show(parity: Parity, console: Console) -> None:
    """The parity table: a row a port, the worst over all symbols."""
    from stratoquant.graph.clock import format_time
    from stratoquant.runtime.report.fitting import plain_table, print_table

    console.print(f"Plan against {parity.engine}", style="italic", highlight=False)
    table = plain_table("port", "bars", "differ", "worst", "first")
    for k, port in enumerate(parity.symbols[0].ports):
        same = [s.ports[k] for s in parity.symbols]
        firsts = [
            f"{s.symbol} {format_time(p.first)}"
            for s, p in zip(parity.symbols, same, strict=True)
            if p.first is not None
        ]
        differing = sum(p.differing for p in same)
        worst = max(p.worst for p in same)
        style = "red" if differing else ""
        row = (
            port.port,
            f"{sum(p.compared for p in same):,}",
            f"{differing:,}",
            f"{worst:.1e}" if worst else "0",
            firsts[0] if firsts else "",
        )
        table.add_row(*(Text(cell, style) for cell in row))
    print_table(console, table)
    for s in parity.symbols:
        console.print(f"{s.symbol}: {s.bars:,} bars, {s.differing:,} differ")
    colour = "red" if parity.differing else "green"
    console.print(f"[bold {colour}]{parity.bars:,} bars compared, {parity.differing:,} differ[/bold {colour}]")
