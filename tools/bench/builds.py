"""Seconds from a wiring to its first bar and to its optimised machine code, and where they go.

Each build is a new process: the master, then the master with one node more, then with a layer file more, and at last
the master again with all that it needs in the cache.
"""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from stratoquant.tools.bench.measure import in_new_process, wall_seconds

MASTER = Path("specs/wiring_master.yaml")
CROSS = Path("specs/sma_cross.yaml")
PARTS = ("import", "check", "layout, emit", "translate", "machine code", "link", "first bar", "optimised")
"""What is printed of a build. The last two are sums: from the start of the check."""

_BUILD = """
import json, time
start = time.perf_counter()
from stratoquant.graph.compiler import checked_or_raise
from stratoquant.graph.kernel import entry
from stratoquant.graph.plan import compile_plan
from stratoquant.graph.session import Session
from stratoquant.layers import catalogue
from stratoquant.runtime.venue import SIMULATED, VenueSettings
imported = time.perf_counter() - start
from stratoquant.tools.bench.builds import parts_of_build
print(json.dumps({{"import": imported, **parts_of_build({wiring!r})}}))
"""

_LAYER = '''
"""The mean of the last inputs, each weighing less than the one after it."""

from math import isnan, nan
from typing import NamedTuple

from stratoquant.graph.language import Parameters, State, layer, param
from stratoquant.graph.types import Real


class Params(Parameters):
    window: int = param(10, 1, 1000, "steps over which an input loses most of its weight")


class Memory(State):
    mean: float = nan


class Out(NamedTuple):
    mean: Real


@layer(None, "extra", domain="kinematics", source="own", warmup=lambda p: p.window)
def step(s: Memory, p: Params, x: Real) -> Out:
    if isnan(s.mean):
        s.mean = x
    s.mean += (x - s.mean) / p.window
    return Out(s.mean)
'''


def build_parts() -> dict[str, dict[str, float]]:
    """The seconds of each part, per build."""
    with TemporaryDirectory() as name:
        environment = {"STRATOQUANT_CACHE": str(Path(name) / "cache")}
        wiring = Path(name) / "specs" / MASTER.name
        shutil.copytree(MASTER.parent, wiring.parent)
        plain = wiring.read_text(encoding="utf-8")
        builds = {
            "cold": lambda: None,
            "one node added": lambda: _add(wiring, plain, "{layer: L14, inputs: {close: L0.close}}", "rsi"),
            "a new layer file": lambda: _add_layer(wiring, plain),
            "warm": lambda: wiring.write_text(plain, encoding="utf-8"),
        }
        parts = {}
        for build, edit in builds.items():
            edit()
            measured = in_new_process(_BUILD.format(wiring=str(wiring)), environment)
            parts[build] = {part: measured[part] for part in PARTS}
    return parts


def cross_command_seconds() -> dict[str, float]:
    """Median wall seconds of a whole short backtest of the smallest wiring, warm."""
    command = [str(Path(sys.executable).parent / "stratoquant"), "backtest", str(CROSS), "--bars", "2000", "--out"]
    with TemporaryDirectory() as folder:
        return {f"stratoquant backtest {CROSS} --bars 2000": wall_seconds([*command, str(Path(folder) / "run")])}


def _add(wiring: Path, plain: str, node: str, port: str) -> None:
    """Edits the master: a node more, and its port recorded."""
    (wiring.parent / "extra.yaml").write_text(f"stratoquant: 1\nnodes:\n  extra: {node}\n", encoding="utf-8")
    edited = plain.replace("include:\n", "include:\n  - extra.yaml\n").replace("record: [", f"record: [extra.{port}, ")
    wiring.write_text(edited, encoding="utf-8")


def _add_layer(wiring: Path, plain: str) -> None:
    folder = wiring.parent / "own" / "blocks"
    folder.mkdir(parents=True)
    (folder / "extra.py").write_text(_LAYER, encoding="utf-8")
    _add(wiring, f"{plain}layers: [own]\n", "{inputs: {x: L0.close}}", "mean")


class _Stopwatch:
    """Adds up the seconds of calls, by what they are for."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def watch(self, owner: Any, name: str, what: str) -> None:
        """Measures a function of a module from now on; one that gives its results one by one, until the last."""
        plain = getattr(owner, name)

        def measured(*arguments: Any) -> Any:
            made = self.take(what, lambda: plain(*arguments))
            return self.take(what, lambda: list(made)) if hasattr(made, "__next__") else made

        setattr(owner, name, measured)

    def take(self, what: str, call: Callable[[], Any]) -> Any:
        start = time.perf_counter()
        made = call()
        self.seconds[what] = self.seconds.get(what, 0.0) + time.perf_counter() - start
        return made


def parts_of_build(wiring: str) -> dict[str, float]:
    """In a process of its own: builds a wiring up to its first bar, and waits for the optimised machine code."""
    from stratoquant.graph.compiler import checked_or_raise
    from stratoquant.graph.kernel import code, entry, program
    from stratoquant.graph.plan import compile_plan
    from stratoquant.graph.session import Session
    from stratoquant.layers import catalogue
    from stratoquant.runtime.data.synthetic import synthetic_market
    from stratoquant.runtime.venue import SIMULATED, VenueSettings

    symbols = ("BTCUSDT", "ETHUSDT", "XRPUSDT")
    (bar,) = synthetic_market(symbols, 1, 1).blocks(1)
    watch = _Stopwatch()
    watch.seconds = dict.fromkeys(("translate", "machine code", "link"), 0.0)  # a warm start skips some
    watch.watch(entry, "translate", "translate")
    watch.watch(program, "compile_units", "machine code")
    watch.watch(code, "Loaded", "link")
    start = time.perf_counter()
    checked = watch.take("check", lambda: checked_or_raise(Path(wiring), catalogue()))
    plan = watch.take("layout, emit", lambda: compile_plan(checked, SIMULATED, symbols))
    session = Session(plan, VenueSettings(), cash=100_000.0)
    session.run(bar.times, bar.events)
    first = dict(watch.seconds, **{"first bar": time.perf_counter() - start})
    plan.run.finish()
    return first | {"optimised": time.perf_counter() - start}
