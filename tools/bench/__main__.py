"""`make bench`: every figure in one run, printed as tables with ratios to the peers."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.table import Table

from tools.bench.measure import alternating, step_percentiles
from tools.bench.peers import installed_peers, talib_stream, talipp_stream
from tools.bench.product import (
    backtest_peaks,
    build_seconds,
    command_seconds,
    cross,
    master_figures,
    one_node_figures,
)

BATCH_BARS = 100_000
CROSS_BARS = 1_000_000
_SLOW_PEERS = {"backtesting.py"}


def main() -> None:
    os.environ.setdefault("NUMBA_NUM_THREADS", "1")
    console = Console(width=110)
    master = master_figures(BATCH_BARS)
    steps = {"step p50", "step p99"}
    _table(console, "ns a bar and symbol", {f"master, {n}": v for n, v in master.items() if n not in steps}, "ns")
    _table(console, "ns a bar, one symbol", one_node_figures(BATCH_BARS), "ns")
    _steps(console, {f"master, one symbol, {n}": v for n, v in master.items() if n in steps})
    _table(console, "build of the master", build_seconds(), "s")
    with TemporaryDirectory() as name:
        folder = Path(name)
        peaks = backtest_peaks(folder, (100_000, 1_000_000))
        _table(console, "peak memory of a backtest", {f"{bars:,} bars": mib for bars, mib in peaks.items()}, "MiB")
        growth = peaks[1_000_000] / peaks[100_000] - 1.0
        console.print(f"growth from 1e5 to 1e6 bars: {growth:+.1%}\n")
        _table(console, "whole commands, warm, wall", command_seconds(folder), "s")
    _cross(console)


def _steps(console: Console, ours: Mapping[str, float]) -> None:
    """Latency of one step called from Python. The peers compute indicators only: no decisions, risk or orders."""
    _, bars = cross(8_000)
    figures = dict(ours)
    for name, make in (("TA-Lib stream, 20 calls", talib_stream), ("talipp, 17 indicators", talipp_stream)):
        p50, p99 = step_percentiles(make(bars), 6_000)
        figures |= {f"{name}, p50": p50, f"{name}, p99": p99}
    _table(console, "one step from Python", figures, "us")


def _cross(console: Console) -> None:
    """The same SMA cross over the same bars in every engine, in turns, fills and fees included, risk only in ours."""
    prepared, bars = cross(CROSS_BARS)
    peers = installed_peers()
    quick = {name: make(bars) for name, make in peers.items() if name not in _SLOW_PEERS}
    seconds = alternating({"stratoquant": prepared.run, **quick})
    for name in _SLOW_PEERS & peers.keys():
        seconds |= alternating({name: peers[name](bars)}, repeats=1)
    table = Table(title=f"SMA cross over {CROSS_BARS:,} bars", title_justify="left")
    for heading in ("engine", "seconds", "ns a bar", "times stratoquant"):
        table.add_column(heading, justify="left" if heading == "engine" else "right")
    for name, taken in sorted(seconds.items(), key=lambda item: item[1]):
        ratio = taken / seconds["stratoquant"]
        table.add_row(name, f"{taken:.4f}", f"{taken / CROSS_BARS * 1e9:.1f}", f"{ratio:.2f}")
    console.print(table)


def _table(console: Console, title: str, figures: Mapping[str, float], unit: str) -> None:
    table = Table(title=title, title_justify="left", show_header=False)
    table.add_column(justify="left")
    table.add_column(justify="right")
    for name, value in figures.items():
        table.add_row(name, f"{value:,.3g} {unit}" if value < 1000 else f"{value:,.0f} {unit}")
    console.print(table)


if __name__ == "__main__":
    main()
