"""`stratoquant ports`: runs a wiring and shows what its ports, branches and nodes were like. Makes no figure."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from stratoquant.tools.arguments import listed_symbols
from stratoquant.tools.backtest import (
    Bars,
    Cash,
    Config,
    Data,
    End,
    Seed,
    Set,
    Start,
    Symbols,
    Wiring,
    fitting_rules,
    open_bars,
    parse_settings,
    progress,
    surveyed,
    with_cash,
)
from stratoquant.tools.exit_codes import ExitCode
from stratoquant.tools.terminal import noticing_ctrl_c

if TYPE_CHECKING:
    from stratoquant.graph.observation import Observed
    from stratoquant.runtime.backtest import RunSettings
    from stratoquant.runtime.data.market import Market
    from stratoquant.runtime.port_report import PortReport

Effects = Annotated[bool, typer.Option("--effects", help="Also run once per node with the node neutral.")]
All = Annotated[bool, typer.Option("--all", help="List every port, condition and declared exception.")]
Strict = Annotated[bool, typer.Option("--strict", help="Exit with 1 when anything is not as declared.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object with everything.")]


def ports(
    wiring: Wiring,
    data: Data = None,
    symbols: Symbols = None,
    start: Start = None,
    end: End = None,
    set_: Set = None,
    config: Config = None,
    cash: Cash = None,
    bars: Bars = None,
    seed: Seed = None,
    effects: Effects = False,
    everything: All = False,
    strict: Strict = False,
    as_json: AsJson = False,
) -> None:
    """Run a wiring and report saturated, silent and constant ports, dead branches, and nodes without effect.

    Example: stratoquant ports specs/wiring_master.yaml --data bars/ --symbols BTCUSDT --effects
    """
    from stratoquant.config.settings import default_settings, read_settings
    from stratoquant.graph.compiler import checked_or_raise
    from stratoquant.graph.observation import observe
    from stratoquant.graph.plan import compile_plan
    from stratoquant.layers import catalogue
    from stratoquant.runtime.backtest import RunSettings
    from stratoquant.runtime.capital import with_capital
    from stratoquant.runtime.effects import target_ports
    from stratoquant.runtime.port_report import as_data
    from stratoquant.runtime.report.port_tables import print_ports
    from stratoquant.runtime.venue import SIMULATED

    console = Console(stderr=True, quiet=as_json)
    checked = checked_or_raise(wiring, catalogue(), parse_settings(set_ or []))
    assert checked.graph is not None
    if effects and not target_ports(checked.graph):
        hint = "name the port under `roles` as `target: NODE.port`, or leave --effects out"
        raise typer.BadParameter(f"the wiring has no target and no orders; {hint}", param_hint="--effects")
    chosen = read_settings(config) if config else default_settings()
    chosen = chosen if cash is None else with_cash(chosen, cash)
    checked = with_capital(checked, chosen.cash)
    names = list(checked.graph.symbols) if symbols is None else listed_symbols(symbols)
    market = open_bars(data, names, checked.graph.clock_ms, (start, end), bars, seed)
    survey = surveyed(market, checked.graph)
    fitting = fitting_rules(checked.graph, market, chosen, chosen.cash)
    rules = {known.symbol: fitting[known.symbol] | known.facts() for known in survey.symbols}
    settings = RunSettings(chosen.venue, chosen.cash, rules, chosen.limits)
    observed = observe(compile_plan(checked, SIMULATED, market.symbols))
    report = measured(observed, market, settings, console, effects=effects)
    if as_json:
        print(json.dumps(_finite(as_data(report, declared_reason))))
    else:
        print_ports(report, declared_reason, Console(), everything=everything)
    if strict and any(report.findings(declared_reason).values()):
        raise typer.Exit(ExitCode.FINDINGS)


def declared_reason(kind: str, name: str) -> str:
    """The reason in layers/expected.py for a finding of this kind."""
    from stratoquant.layers.expected import EXPECTED, reason

    return reason(EXPECTED[kind], name)


def measured(
    observed: Observed, market: Market, settings: RunSettings, console: Console, *, effects: bool
) -> PortReport:
    """Runs over the market once, and with `effects` once more per node."""
    from stratoquant.runtime.effects import measure_effects, observed_session, target_ports
    from stratoquant.runtime.port_figures import PortCounter, bars_per_block
    from stratoquant.runtime.port_report import PortReport, branch_figures

    plan = observed.plan
    with noticing_ctrl_c() as check:
        session = observed_session(observed, settings, list(plan.layout.columns))
        console.print(f"[dim]compiling {len(plan.graph.nodes)} nodes with counters ...[/dim]")
        session.prepare()
        counter = PortCounter(plan, market.start)
        done = 0
        with progress(market.bars, console) as advance:
            for block in market.blocks(bars_per_block(plan)):
                check()
                recorded = session.run(block.times, block.events)
                counter.add(block.events[: len(recorded.balances)], recorded)
                done += len(recorded.balances)
                advance(done)
                if session.ruined:
                    break
        found = None
        if effects:
            with progress(len(plan.graph.nodes), console, "nodes") as advance:

                def nodes_done(number: int) -> None:
                    check()
                    advance(number)

                found = tuple(measure_effects(observed, market, settings, nodes_done))
    return PortReport(
        name=plan.graph.name,
        symbols=plan.symbols,
        bars=done,
        start_ms=market.start,
        end_ms=market.start + done * market.clock_ms,
        target=tuple(target_ports(plan.graph)),
        ports=tuple(counter.figures()),
        branches=branch_figures(observed.branches, session.counts[: len(observed.branches)].tolist()),
        effects=found,
    )


def _finite(data: Any) -> Any:
    """The same data with null for a number that JSON lacks."""
    if isinstance(data, dict):
        return {key: _finite(value) for key, value in data.items()}
    if isinstance(data, list):
        return [_finite(value) for value in data]
    return None if isinstance(data, float) and not math.isfinite(data) else data
