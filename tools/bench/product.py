"""The product's own figures: batch, step, build, memory and whole commands."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from stratoquant.graph.compiler import checked_or_raise
from stratoquant.graph.plan import Plan, compile_plan
from stratoquant.graph.session import Session
from stratoquant.layers import catalogue
from stratoquant.runtime.backtest import BLOCK
from stratoquant.runtime.data.market import Market, market_from
from stratoquant.runtime.data.synthetic import synthesise, synthetic_market
from stratoquant.runtime.venue import SIMULATED, VenueSettings
from stratoquant.tools.bench.measure import in_new_process, median_seconds, step_percentiles, wall_seconds

MASTER = Path("specs/wiring_master.yaml")
CROSS = Path("specs/sma_cross.yaml")
INDICATORS = Path("specs/twenty_indicators.yaml")
YEAR = 525_600  # minutes

_ONE_NODE = """
stratoquant: 1
name: one_node
clock: 1m
nodes:
  L0: {{inputs: {{raw: market, now: clock.time}}}}
{node}
record: []
"""


@dataclass(frozen=True)
class Ready:
    """A plan with its market in memory, so that a run measures the compiled loop and not the reading of files."""

    plan: Plan
    times: np.ndarray
    events: np.ndarray
    settings: VenueSettings

    def session(self) -> Session:
        record = [str(ref) for ref in self.plan.graph.record]
        return Session(self.plan, self.settings, cash=100_000.0, record=record)

    def run(self) -> Session:
        """With optimised machine code."""
        session = self.session()
        session.prepare()
        self.plan.run.finish()
        for start in range(0, len(self.times), BLOCK):
            session.run(self.times[start : start + BLOCK], self.events[start : start + BLOCK])
        return session

    def nanoseconds(self, repeats: int = 5) -> float:
        """Median over runs, for one bar of one symbol."""
        return median_seconds(self.run, repeats) / self.events.size * 1e9


def ready(wiring: Path, market: Market, settings: VenueSettings | None = None, **params: float) -> Ready:
    checked = checked_or_raise(wiring, catalogue(), params)
    plan = compile_plan(checked, SIMULATED, market.symbols)
    blocks = [(b.times.copy(), b.events.copy()) for b in market.blocks(BLOCK)]
    times, events = (np.concatenate(parts) for parts in zip(*blocks, strict=True))
    return Ready(plan, times, events, settings or VenueSettings())


def master_figures(bars: int) -> dict[str, float]:
    """ns a bar and symbol in batch; microseconds of one step over three symbols and over one."""
    three = ready(MASTER, synthetic_market(("BTCUSDT", "ETHUSDT", "XRPUSDT"), bars, 1))
    one = ready(MASTER, synthetic_market(("BTCUSDT",), bars, 1))
    figures = {"batch, three symbols": three.nanoseconds(), "batch, one symbol": one.nanoseconds()}
    p50, p99 = step_percentiles(stepper(one), min(bars, 20_000))
    return figures | {"step p50": p50, "step p99": p99}


def year_seconds() -> dict[str, float]:
    """Median wall seconds of a year of minutes of one symbol through the whole master, the venue in the loop."""
    year = ready(MASTER, synthetic_market(("BTCUSDT",), YEAR, 1))
    return {f"{YEAR:,} bars of one symbol": median_seconds(year.run, 3)}


def indicators(bars: int) -> tuple[Ready, dict[str, np.ndarray]]:
    """The wiring of twenty indicators, and its bars as plain columns for the peers."""
    frame = synthesise(("BTCUSDT",), bars, 1)
    prepared = ready(INDICATORS, market_from(frame, ("BTCUSDT",), 60_000))
    return prepared, {n: frame[n].to_numpy() for n in ("open", "high", "low", "close", "volume")}


def one_node_figures(bars: int) -> dict[str, float]:
    """ns a bar of a wiring with the feed alone, and what one more node adds."""
    market = synthetic_market(("BTCUSDT",), bars, 1)
    nodes = {"feed alone": "", "feed and L14 (rsi)": "  L14: {inputs: {close: L0.close}}"}
    figures = {}
    with TemporaryDirectory() as folder:
        for name, node in nodes.items():
            path = Path(folder) / "one.yaml"
            path.write_text(_ONE_NODE.format(node=node), encoding="utf-8")
            figures[name] = ready(path, market).nanoseconds()
    return figures


def stepper(prepared: Ready) -> Callable[[int], Any]:
    session = prepared.session()
    times, events = prepared.times, prepared.events
    for i in range(2000):
        session.step(int(times[i]), events[i])
    prepared.plan.run.finish()
    return lambda i: session.step(int(times[i]), events[i])


_BACKTEST = """
import json
from pathlib import Path
from typer.testing import CliRunner
from stratoquant.tools.cli import app
done = CliRunner().invoke(app, {arguments})
assert done.exit_code == 0, done.output
print(json.dumps({{"ok": 1}}))
"""


def backtest_peaks(folder: Path, sizes: tuple[int, ...]) -> dict[int, float]:
    """Peak memory in MiB of a whole backtest command over stored bars of one symbol, by number of bars."""
    peaks = {}
    for bars in sizes:
        data = store(folder, bars)
        arguments = ["backtest", str(MASTER), "--data", str(data), "--symbols", "BTCUSDT", "--out", str(folder / "run")]
        peaks[bars] = in_new_process(_BACKTEST.format(arguments=[*arguments, "--json"]))["peak_mib"]
    return peaks


def command_seconds(folder: Path) -> dict[str, float]:
    """Median wall seconds of whole commands, warm."""
    programs = Path(sys.executable).parent
    data = store(folder, 100_000)
    run = [str(programs / "stratoquant"), "backtest", str(MASTER), "--data", str(data), "--symbols", "BTCUSDT"]
    check = [str(programs / "wiring_check"), str(MASTER)]
    return {
        "stratoquant backtest, 1e5 bars, report included": wall_seconds([*run, "--out", str(folder / "run")]),
        "wiring_check on the master": wall_seconds(check),
    }


def store(folder: Path, bars: int) -> Path:
    """A Parquet file of that many bars of the built-in market."""
    path = folder / f"bars_{bars}.parquet"
    if not path.exists():
        part = path.with_suffix(f".{os.getpid()}")
        synthesise(("BTCUSDT",), bars, 1).write_parquet(part)
        part.rename(path)
    return path


def cross(bars: int) -> tuple[Ready, dict[str, np.ndarray]]:
    """The SMA cross of specs, and its bars as plain columns for the peers."""
    frame = synthesise(("BTCUSDT",), bars, 1)
    settings = VenueSettings()
    prepared = ready(CROSS, market_from(frame, ("BTCUSDT",), 60_000), settings)
    columns = {n: frame[n].to_numpy() for n in ("open", "high", "low", "close", "volume")}
    return prepared, columns
