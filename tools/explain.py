"""`stratoquant explain`: why the order of one symbol at one bar was made, or what stopped it."""

from __future__ import annotations

import json
from dataclasses import asdict
from math import isnan
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.tree import Tree

from stratoquant.tools.arguments import listed_symbols
from stratoquant.tools.backtest import Config, Data, Seed, Set, fitting_rules, open_bars, parse_settings, surveyed

if TYPE_CHECKING:
    from stratoquant.runtime.data.market import Market
    from stratoquant.runtime.explain import Explanation

Depth = Annotated[int, typer.Option(help="How many wires back from the order to show.", min=1)]


def explain(
    symbol: Annotated[str, typer.Argument(help="The symbol, such as BTCUSDT.")],
    time: Annotated[str, typer.Argument(help="The bar's open, as 2024-03-01T12:30, UTC.")],
    wiring: Annotated[Path, typer.Option(help="The wiring that decided.")] = Path("stratoquant:wiring_master.yaml"),
    data: Data = None,
    symbols: Annotated[str | None, typer.Option(help="All symbols of the run; default: the wiring's.")] = None,
    set_: Set = None,
    config: Config = None,
    seed: Seed = None,
    depth: Depth = 3,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Replay a run up to a bar and print what led to the order there, or which vetoes stopped it.

    Example: stratoquant explain BTCUSDT 2021-05-19T13:00 --data bars/
    """
    from stratoquant.config.settings import default_settings, read_settings
    from stratoquant.graph.clock import format_time, parse_time
    from stratoquant.graph.compiler import checked_or_raise
    from stratoquant.graph.plan import compile_plan
    from stratoquant.graph.session import Session
    from stratoquant.layers import catalogue
    from stratoquant.runtime import explain as explaining
    from stratoquant.runtime.capital import with_capital
    from stratoquant.runtime.venue import SIMULATED

    try:
        moment = parse_time(time)
    except ValueError as problem:
        raise typer.BadParameter(str(problem)) from None
    checked = checked_or_raise(wiring, catalogue(), parse_settings(set_ or []))
    assert checked.graph is not None
    names = listed_symbols(symbols) if symbols is not None else list(checked.graph.symbols) or [symbol]
    market = open_bars(data, names, checked.graph.clock_ms, (None, None), seed=seed)
    if symbol not in market.symbols:
        raise typer.BadParameter(f"{symbol} is not among the symbols of the run: {', '.join(market.symbols)}")
    _require_bar(market, moment)
    survey = surveyed(market, checked.graph)
    market = market.between(None, moment + 1)
    chosen = read_settings(config) if config else default_settings()
    checked = with_capital(checked, chosen.cash)
    plan = compile_plan(checked, SIMULATED, market.symbols, Console(stderr=True, quiet=as_json).print)
    rules = fitting_rules(checked.graph, market, chosen, chosen.cash)
    own = [rules[known.symbol] | known.facts() for known in survey.symbols]
    session = Session(plan, chosen.venue, cash=chosen.cash, rules=own, limits=chosen.limits)
    for block in market.blocks():
        session.run(block.times, block.events)
        last = block.events[-1, plan.symbols.index(symbol)]["time"]
    if isnan(last):
        raise typer.BadParameter(f"{symbol} has no bar at {format_time(moment)}: there is a hole in its bars")
    found = explaining.explain(session, plan.symbols.index(symbol))
    if as_json:
        print(json.dumps(asdict(found, dict_factory=_plain)))
    else:
        Console().print(_tree(found, f"{symbol} at {time}", depth))


def _require_bar(market: Market, moment: int) -> None:
    """Raises typer.BadParameter for a time at which the market has no step."""
    from stratoquant.graph.clock import format_clock, format_time

    first = (moment - market.origin) // market.clock_ms * market.clock_ms + market.origin
    if moment != first:
        near = f"the bar that holds it opens at {format_time(first)}"
        raise typer.BadParameter(f"no bar of {format_clock(market.clock_ms)} opens at {format_time(moment)}; {near}")
    if not market.start <= moment < market.end:
        last = format_time(market.end - market.clock_ms)
        raise typer.BadParameter(
            f"there is no bar at {format_time(moment)}; they open from {format_time(market.start)} to {last}"
        )


def _plain(fields: list[tuple[str, object]]) -> dict[str, object]:
    """Fields for JSON, in which a missing number is null."""
    return {name: None if isinstance(value, float) and isnan(value) else value for name, value in fields}


def _tree(found: Explanation, title: str, depth: int) -> Tree:
    tree = Tree(f"[bold]{title}[/bold]: {found.verdict}")
    story = tree.add("[bold]in words[/bold]")
    for sentence in found.story:
        story.add(escape(sentence))
    order = tree.add("[bold]order[/bold]")
    for value in found.order:
        order.add(str(value))
    for reading in found.readings:
        if reading.steps <= depth:
            branch = tree.add(
                f"[bold]{reading.node}[/bold] {reading.layer} [dim]reads {', '.join(reading.reads)}[/dim]"
            )
            for value in reading.values:
                branch.add(str(value))
    return tree
