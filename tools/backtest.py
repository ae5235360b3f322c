"""`stratoquant backtest`: reads the options, runs the backtest, shows what came of it. No figure is made here."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from stratoquant.tools.arguments import LONGEST_MARKET, listed_symbols, require_time
from stratoquant.tools.terminal import noticing_ctrl_c, print_findings

if TYPE_CHECKING:
    from stratoquant.config.settings import Settings
    from stratoquant.graph.model import Graph
    from stratoquant.graph.plan import Plan
    from stratoquant.runtime.backtest import RunSettings
    from stratoquant.runtime.data.market import Market
    from stratoquant.runtime.data.survey import Survey
    from stratoquant.runtime.metrics import Metrics
    from stratoquant.runtime.results import BacktestResult

BUILT_IN_BARS = 43_200  # a month of minutes

Wiring = Annotated[Path, typer.Argument(help="The wiring to run, such as specs/wiring_master.yaml.")]
Data = Annotated[Path | None, typer.Option(help="A Parquet file or a folder of them; without it the built-in market.")]
Symbols = Annotated[str | None, typer.Option(help="Comma-separated; without it those that the wiring names.")]
Start = Annotated[str | None, typer.Option(help="First bar, as 2024-03-01 or 2024-03-01T12:30, UTC.")]
End = Annotated[str | None, typer.Option(help="Stop before this time.")]
Set = Annotated[list[str] | None, typer.Option("--set", help="NODE.parameter=value; may be given several times.")]
Config = Annotated[Path | None, typer.Option(help="Settings of account and venue; default config/default.yaml.")]
Cash = Annotated[float | None, typer.Option(help="What the account starts with, quote currency.")]
Out = Annotated[Path | None, typer.Option("--out", "-o", help="Folder of the results; default runs/NAME.")]
Bars = Annotated[
    int | None,
    typer.Option(help=f"Bars of the built-in market; default {BUILT_IN_BARS:,}.", min=100, max=LONGEST_MARKET),
]
Seed = Annotated[int | None, typer.Option(help="Seed of the built-in market; default 1.", min=0)]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of the summary.")]


def backtest(
    wiring: Wiring,
    data: Data = None,
    symbols: Symbols = None,
    start: Start = None,
    end: End = None,
    set_: Set = None,
    config: Config = None,
    cash: Cash = None,
    out: Out = None,
    bars: Bars = None,
    seed: Seed = None,
    as_json: AsJson = False,
) -> None:
    """Run a wiring over stored bars, or over the built-in market, and write a report.

    Example: stratoquant backtest specs/wiring_master.yaml --data bars/ --symbols BTCUSDT,ETHUSDT
    """
    from stratoquant.config.settings import default_settings, read_settings
    from stratoquant.graph.compiler import checked_or_raise
    from stratoquant.graph.plan import compile_plan
    from stratoquant.layers import catalogue
    from stratoquant.runtime.backtest import RunSettings
    from stratoquant.runtime.capital import with_capital
    from stratoquant.runtime.venue import SIMULATED

    console = Console(stderr=True, quiet=as_json)
    checked = checked_or_raise(wiring, catalogue(), parse_settings(set_ or []))
    assert checked.graph is not None
    chosen = read_settings(config) if config else default_settings()
    chosen = chosen if cash is None else with_cash(chosen, cash)
    checked = with_capital(checked, chosen.cash)
    names = list(checked.graph.symbols) if symbols is None else listed_symbols(symbols)
    market = open_bars(data, names, checked.graph.clock_ms, (start, end), bars, seed)
    survey = surveyed(market, checked.graph)
    settings = RunSettings(
        chosen.venue, chosen.cash, fitting_rules(checked.graph, market, chosen, chosen.cash), chosen.limits
    )
    plan = compile_plan(checked, SIMULATED, market.symbols, lambda text: console.print(f"[dim]{text} ...[/dim]"))
    target = out or Path("runs") / plan.graph.name
    result, metrics = run_into(target, plan, market, settings, console, survey)
    if as_json:
        print(json.dumps(summary(result, metrics, target)))
    else:
        from stratoquant.runtime.report.terminal import print_summary

        print_summary(result, metrics, Console(), target / "report.html")


def parse_settings(assignments: list[str]) -> dict[str, float]:
    """`NODE.parameter=value` to a mapping. Raises typer.BadParameter."""
    settings = {}
    for text in assignments:
        name, equals, value = text.partition("=")
        try:
            settings[name.strip()] = float(value) if not value.strip().lstrip("-").isdigit() else int(value)
        except ValueError:
            equals = ""
        if not equals or "." not in name:
            raise typer.BadParameter(f"{text!r} is no assignment; write NODE.parameter=value, such as L14.window=21")
    return settings


def with_cash(settings: Settings, cash: float) -> Settings:
    """The settings with another amount to start with. Raises typer.BadParameter where they do not allow it."""
    from pydantic import ValidationError

    try:
        valid = settings.model_validate({"cash": cash})
    except ValidationError as problem:
        reason = problem.errors()[0]["msg"].lower()
        raise typer.BadParameter(f"{cash:g}: {reason}", param_hint="--cash") from None
    return settings.model_copy(update={"cash": valid.cash})


def open_bars(
    data: Path | None,
    symbols: list[str],
    clock_ms: int,
    period: tuple[str | None, str | None],
    bars: int | None = None,
    seed: int | None = None,
) -> Market:
    """The stored bars, or the built-in market where no data is given. bars, seed: of the built-in market."""
    from stratoquant.graph.clock import parse_time

    given = [option for option, value in (("--bars", bars), ("--seed", seed)) if value is not None]
    if data is not None and given:
        hint = "with --data choose the period by --start and --end"
        raise typer.BadParameter(f"it is an option of the built-in market; {hint}", param_hint=", ".join(given))
    try:
        start, end = (parse_time(t) if t is not None else None for t in period)
    except ValueError as problem:
        raise typer.BadParameter(str(problem)) from None
    if data is not None:
        from stratoquant.runtime.data.store import open_market

        return open_market(data, symbols or None, clock_ms, start, end)
    if not symbols:
        raise typer.BadParameter("the wiring names no symbols; give --symbols AAA,BBB")
    from stratoquant.runtime.data.synthetic import synthetic_market

    bars = BUILT_IN_BARS if bars is None else bars
    require_time(bars, clock_ms)
    market = synthetic_market(symbols, bars, 1 if seed is None else seed, clock_ms)
    return market if start is None and end is None else market.between(start, end)


def fitting_rules(graph: Graph, market: Market, chosen: Settings, cash: float) -> dict[str, dict[str, float]]:
    """The venue's rules by symbol, in numbers. Prints warnings on those that fit badly; raises DataError for errors."""
    from stratoquant.runtime.data.check import errors_of
    from stratoquant.runtime.data.findings import DataError
    from stratoquant.runtime.market_fit import check_fit, quotes_of, rules_in_numbers

    quotes = quotes_of(market)
    rules = {symbol: rules_in_numbers(chosen.rules_of(symbol), quote, cash) for symbol, quote in quotes.items()}
    found = check_fit(graph, quotes, rules, cash, chosen.venue.max_leverage)
    if errors := errors_of(found):
        raise DataError(errors)
    print_findings(found, sys.stderr)
    return rules


def surveyed(market: Market, graph: Graph) -> Survey:
    """What is unusual about a market, and about running this wiring over it; prints warnings.

    Raises DataError where the market cannot be run over as it is.
    """
    from stratoquant.runtime.data.check import errors_of
    from stratoquant.runtime.data.findings import DataError
    from stratoquant.runtime.data.survey import survey_of
    from stratoquant.runtime.in_sample import check_models
    from stratoquant.runtime.market_fit import check_clocks

    survey = survey_of(market)
    if errors := errors_of((*survey.findings, *check_clocks(graph, market))):
        raise DataError(errors)
    print_findings((*survey.findings, *check_models(graph, market)), sys.stderr)
    return survey


def run_into(
    target: Path, plan: Plan, market: Market, settings: RunSettings, console: Console, survey: Survey | None = None
) -> tuple[BacktestResult, Metrics]:
    """Runs into a folder beside `target`, which takes its place only once everything is written."""
    from stratoquant.runtime.backtest import RUN_FILES, role_labels, role_ports, run_backtest, write_results
    from stratoquant.runtime.folders import write_folder
    from stratoquant.runtime.metrics import compute_metrics

    with write_folder(target, RUN_FILES) as folder, noticing_ctrl_c() as check:
        with progress(market.bars, console) as advance:

            def bars_done(done: int) -> None:
                check()
                advance(done)

            result = run_backtest(plan, market, settings, folder, bars_done, survey)
        roles, labels = role_ports(plan), role_labels(plan)
        metrics = compute_metrics(result, roles, labels)
        write_results(result, metrics, roles, labels, folder)
        check()
    return result, metrics


@contextmanager
def progress(total: int, console: Console, unit: str = "bars") -> Iterator[Callable[[int], None]]:
    """A progress bar on a terminal; silence elsewhere."""
    if not console.is_terminal or console.quiet:
        yield lambda _: None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn(f"[bold]{unit}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as shown:
        task = shown.add_task(unit, total=total)
        yield lambda done: shown.update(task, completed=done)


def summary(result: BacktestResult, metrics: Metrics, target: Path) -> dict[str, object]:
    """What `--json` prints."""
    return {
        "name": result.name,
        "symbols": list(result.symbols),
        "bars": result.bars,
        "start": result.start_ms,
        "end": result.end_ms,
        "digest": result.digest,
        "trades": result.trades.height,
        "fills": result.fills.height,
        "held_back": dict(result.held_back),
        "size_cuts": [asdict(cut) for cut in result.size_cuts],
        "unmet": dict(result.unmet),
        "notes": list(result.notes),
        "ruined": result.ruined,
        "metrics": metrics.model_dump(mode="json"),
        "seconds": round(result.seconds, 3),
        "report": str(target / "report.html"),
    }
