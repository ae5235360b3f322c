"""`make bench`: every figure in one run, printed as tables with ratios to the peers; `--only SECTION` for one table."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from enum import Enum
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from stratoquant.layers import catalogue
from stratoquant.tools.bench import isolated
from stratoquant.tools.bench.builds import PARTS, build_parts, cross_command_seconds
from stratoquant.tools.bench.layers import keep as keep_costs
from stratoquant.tools.bench.layers import layer_costs
from stratoquant.tools.bench.measure import alternating, step_percentiles
from stratoquant.tools.bench.peers import installed_peers, talib_batch, talib_stream, talipp_stream
from stratoquant.tools.bench.product import (
    MASTER,
    backtest_peaks,
    command_seconds,
    cross,
    indicators,
    master_figures,
    one_node_figures,
    stepper,
    year_seconds,
)

BATCH_BARS = 100_000
CROSS_BARS = 1_000_000
STEP_BARS = 8_000
LAYER_BARS = 10_000
_SLOW_PEERS = {"backtesting.py"}
_ISOLATED_CROSSES = {
    "hftbacktest": "hft_cross",
    "zipline": "zipline_cross",
    "NautilusTrader": "nautilus_cross",
    "freqtrade": "freqtrade_cross",
}
_ISOLATED_STEPS = {"csp, C++": "csp_steps", "NautilusTrader, Rust": "nautilus_steps"}
_NOTES = """Fills at the next open in stratoquant, vectorbt, backtesting.py, freqtrade and the loop; at the next close
in zipline, in whole shares; on the signalling bar in NautilusTrader; against a book of one tick in hftbacktest.
freqtrade's spot market is long only. Risk and limits are computed in stratoquant alone."""


class Section(str, Enum):  # noqa: UP042 - the command line shows the plain value
    MASTER = "master"
    LAYERS = "layers"
    STEPS = "steps"
    INDICATORS = "indicators"
    BUILD = "build"
    MEMORY = "memory"
    COMMANDS = "commands"
    CROSS = "cross"


def main(
    only: Annotated[Section | None, typer.Option(help="One section instead of all.")] = None,
    keep: Annotated[bool, typer.Option(help="Keep the costs of layers for the catalogue's pages.")] = False,
) -> None:
    """Measure this product on this machine, beside its peers."""
    os.environ.setdefault("NUMBA_NUM_THREADS", "1")
    console = Console(width=110)
    sections: dict[Section, Callable[[Console], None]] = {
        Section.MASTER: _master,
        Section.LAYERS: lambda console: _layers(console, keep),
        Section.STEPS: _steps,
        Section.INDICATORS: _indicators,
        Section.BUILD: _build,
        Section.MEMORY: _memory,
        Section.COMMANDS: _commands,
        Section.CROSS: _cross,
    }
    for section, show in sections.items():
        if only in (None, section):
            show(console)


def _master(console: Console) -> None:
    figures = {n: v for n, v in master_figures(BATCH_BARS).items() if n.startswith("batch")}
    _table(console, "master wiring, ns a bar and symbol", figures, "ns")
    _table(console, "master wiring, a year of minutes", year_seconds(), "s")
    _table(console, "ns a bar, one symbol", one_node_figures(BATCH_BARS), "ns")


def _layers(console: Console, keep: bool) -> None:
    costs = layer_costs(MASTER, LAYER_BARS)
    registry = catalogue()
    table = {f"{key} {registry.name(key)}": cost for key, cost in costs.items()}
    _table(console, "each layer of the master alone, ns a step and symbol", table, "ns")
    console.print(f"all together {sum(costs.values()):,.0f} ns, each once\n")
    if keep:
        keep_costs(costs)


def _steps(console: Console) -> None:
    """Latency of one step called from Python. The peers compute indicators only: no decisions, risk or orders."""
    ours = master_figures(BATCH_BARS)
    figures = {f"stratoquant, whole master, one symbol, {q}": ours[f"step {q}"] for q in ("p50", "p99")}
    problems = {}
    _, bars = cross(STEP_BARS)
    for name, make in (("TA-Lib, twenty handles", talib_stream), ("talipp, 17 indicators", talipp_stream)):
        p50, p99 = step_percentiles(make(bars), 6_000)
        figures |= {f"{name}, p50": p50, f"{name}, p99": p99}
    with TemporaryDirectory() as folder:
        isolated.write_columns(cross(20_000)[1], Path(folder))
        for name, program in _ISOLATED_STEPS.items():
            outcome = isolated.run(program, Path(folder))
            if outcome.problem:
                problems[name] = outcome.problem
            else:
                figures |= {f"{name}, {outcome.what}, {q}": outcome.figures[q] for q in ("p50", "p99")}
    _table(console, "one step from Python", figures, "us")
    _tell_missing(console, problems)


def _indicators(console: Console) -> None:
    """Twenty indicators over the same bars: our wiring checks and aggregates its bars first, TA-Lib takes arrays."""
    prepared, bars = indicators(CROSS_BARS)
    taken = alternating({"stratoquant, feed included": prepared.run, "TA-Lib, twenty calls": talib_batch(bars)})
    batch = {name: seconds / CROSS_BARS * 1e9 for name, seconds in taken.items()}
    _table(console, f"twenty indicators over {CROSS_BARS:,} bars, ns a bar", batch, "ns")
    p50, p99 = step_percentiles(stepper(prepared), STEP_BARS)
    figures = {"stratoquant, twenty, p50": p50, "stratoquant, twenty, p99": p99}
    p50, p99 = step_percentiles(talib_stream(bars), STEP_BARS)
    figures |= {"TA-Lib handles, twenty, p50": p50, "TA-Lib handles, twenty, p99": p99}
    with TemporaryDirectory() as folder:
        isolated.write_columns({name: values[:20_000] for name, values in bars.items()}, Path(folder))
        outcome = isolated.run("nautilus_steps", Path(folder))
    figures |= {f"NautilusTrader, Rust, {name}": value for name, value in outcome.figures.items()}
    _table(console, "one step of indicators from Python", figures, "us")
    _tell_missing(console, {"NautilusTrader": outcome.problem} if outcome.problem else {})


def _build(console: Console) -> None:
    parts = build_parts()
    totals = {
        f"{build}, {what}": seconds[part]
        for build, seconds in parts.items()
        for part, what in (("first bar", "first bar after"), ("optimised", "optimised after"))
        if build != "warm"
    }
    totals["warm, machine code"] = sum(parts["warm"][part] for part in ("translate", "machine code", "link"))
    _table(console, "build of the master, from the start of its check", totals | cross_command_seconds(), "s")
    table = Table(title="where the time goes, s; the first bar and the optimised build are sums", title_justify="left")
    table.add_column("build")
    for part in PARTS:
        table.add_column(part, justify="right")
    for build, seconds in parts.items():
        table.add_row(build, *(f"{seconds[part]:.2f}" for part in PARTS))
    console.print(table)


def _memory(console: Console) -> None:
    with TemporaryDirectory() as name:
        peaks = backtest_peaks(Path(name), (100_000, 1_000_000))
    _table(console, "peak memory of a backtest", {f"{bars:,} bars": mib for bars, mib in peaks.items()}, "MiB")
    growth = peaks[1_000_000] / peaks[100_000] - 1.0
    console.print(f"growth from 1e5 to 1e6 bars: {growth:+.1%}\n")


def _commands(console: Console) -> None:
    with TemporaryDirectory() as name:
        _table(console, "whole commands, warm, wall", command_seconds(Path(name)), "s")


def _cross(console: Console) -> None:
    """The same SMA cross over the same bars in every engine, fills and fees included."""
    prepared, bars = cross(CROSS_BARS)
    peers = installed_peers()
    quick = {name: make(bars) for name, make in peers.items() if name not in _SLOW_PEERS}
    nanoseconds = {
        name: s / CROSS_BARS * 1e9 for name, s in alternating({"stratoquant": prepared.run, **quick}).items()
    }
    for name in _SLOW_PEERS & peers.keys():
        nanoseconds[name] = alternating({name: peers[name](bars)}, repeats=1)[name] / CROSS_BARS * 1e9
    problems = {}
    with TemporaryDirectory() as folder:
        isolated.write_columns(bars, Path(folder))
        for name, program in _ISOLATED_CROSSES.items():
            outcome = isolated.run(program, Path(folder))
            if outcome.problem:
                problems[name] = outcome.problem
            else:
                bars_run = outcome.figures.get("bars", CROSS_BARS)
                nanoseconds[name] = outcome.figures["seconds"] / bars_run * 1e9
    table = Table(title=f"SMA cross over {CROSS_BARS:,} bars", title_justify="left")
    for heading in ("engine", "seconds", "ns a bar", "times stratoquant"):
        table.add_column(heading, justify="left" if heading == "engine" else "right")
    for name, taken in sorted(nanoseconds.items(), key=lambda item: item[1]):
        ratio = taken / nanoseconds["stratoquant"]
        table.add_row(name, f"{taken * CROSS_BARS / 1e9:.4f}", f"{taken:,.1f}", f"{ratio:,.2f}")
    console.print(table)
    console.print(f"[dim]{_NOTES}[/dim]")
    _tell_missing(console, problems)


def _tell_missing(console: Console, problems: Mapping[str, str]) -> None:
    for name, reason in problems.items():
        console.print(f"not run: {name}: {reason}")


def _table(console: Console, title: str, figures: Mapping[str, float], unit: str) -> None:
    table = Table(title=title, title_justify="left", show_header=False)
    table.add_column(justify="left")
    table.add_column(justify="right")
    for name, value in figures.items():
        table.add_row(name, f"{value:,.3g} {unit}" if value < 1000 else f"{value:,.0f} {unit}")
    console.print(table)


if __name__ == "__main__":
    typer.run(main)
