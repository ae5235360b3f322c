"""Interpreters of Pine that others wrote, each run in a process of its own over the same bars.

Neither is part of this package: PyneCore with pine2pyne (Apache-2.0) comes with the `pine` extra; PineTS (AGPL-3.0) is
never linked, shipped or imported, only started by Node where somebody has installed it.
"""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from stratoquant.runtime.errors import StratoError

Columns = dict[str, np.ndarray]

PINETS = "0.9.34"
_HERE = Path(__file__).parent
_FIELDS = ("time", "open", "high", "low", "close", "volume")


@dataclass(frozen=True)
class Engine:
    """name: as people call it. command: what runs a script over bars. missing: how to get it, empty when here.

    tolerance: relative difference up to which it counts as agreeing. The logarithm of Node differs from that of C in
    the last place now and then; the difference of two logarithms, which a return is, magnifies it.
    """

    name: str
    tolerance: float
    command: Callable[[], list[str]]
    missing: Callable[[], str]


def _pyne_missing() -> str:
    gone = [package for package in ("pine2pyne", "pynecore") if find_spec(package) is None]
    return "pip install 'stratoquant[pine]'" if gone else ""


def pinets_folder() -> Path:
    """Where PineTS is looked for: $STRATOQUANT_PINETS, or the cache of this product."""
    cache = os.environ.get("STRATOQUANT_CACHE") or Path.home() / ".cache" / "stratoquant"
    return Path(os.environ.get("STRATOQUANT_PINETS") or Path(cache) / "pinets")


def _pinets_missing() -> str:
    if shutil.which("node") is None:
        return "install Node 20 or newer (https://nodejs.org)"
    if not (pinets_folder() / "node_modules" / "pinets").is_dir():
        return f"npm install --prefix {pinets_folder()} pinets@{PINETS}"
    return ""


# PineTS makes many objects that die at once; with room for them it takes a fifth less time.
_YOUNG_OBJECTS = "--max-semi-space-size=128"  # MB

ENGINES = {
    "pynecore": Engine("PyneCore", 1e-9, lambda: [sys.executable, "-m", f"{__name__}.pyne_runner"], _pyne_missing),
    "pinets": Engine(
        "PineTS",
        1e-8,
        lambda: ["node", _YOUNG_OBJECTS, str(_HERE / "pinets_runner.mjs"), str(pinets_folder())],
        _pinets_missing,
    ),
}


def installed() -> dict[str, Engine]:
    """The engines that can run here."""
    return {key: engine for key, engine in ENGINES.items() if not engine.missing()}


def require(key: str) -> Engine:
    """An engine that can run. Raises StratoError that says how to get it."""
    missing = ENGINES[key].missing()
    if missing:
        raise StratoError(f"{ENGINES[key].name} is not installed", missing, "M010")
    return ENGINES[key]


def run_script(
    engine: Engine,
    script: str,
    bars: Columns,
    clock_ms: int,
    inputs: dict[str, float] | None = None,
    lot: float = 1e-6,
) -> Columns:
    """Every plot of a script over bars, as an array a title, NaN where the script gave na.

    bars: time in UTC milliseconds of the open, open, high, low, close, volume. lot: the symbol's least quantity.
    Raises StratoError with what the engine said when it cannot run the script.
    """
    with TemporaryDirectory() as folder:
        job, out = Path(folder) / "job.json", Path(folder) / "plots.csv"
        source, table = Path(folder) / "script.pine", Path(folder) / "bars.csv"
        source.write_text(script, encoding="utf-8")
        _write_bars(table, bars)
        order = {
            "script": str(source),
            "bars": str(table),
            "out": str(out),
            "clock_ms": clock_ms,
            "inputs": inputs or {},
            "lot": lot,
        }
        job.write_text(json.dumps(order), encoding="utf-8")
        environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
        environment["PYTHONPATH"] = os.pathsep.join(
            p for p in (str(_HERE.parents[1]), environment.get("PYTHONPATH")) if p
        )
        done = subprocess.run(
            [*engine.command(), str(job)], capture_output=True, text=True, env=environment, check=False
        )
        if done.returncode or not out.exists():
            said = (done.stderr or done.stdout).strip().splitlines()
            raise StratoError(
                f"{engine.name} refused the script: {said[-1] if said else 'no reason given'}", "", "M011"
            )
        return _read_plots(out)


def _write_bars(path: Path, bars: Columns) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(_FIELDS)
        writer.writerows(zip(*(bars[name].tolist() for name in _FIELDS), strict=True))


def _read_plots(path: Path) -> Columns:
    with path.open(newline="", encoding="utf-8") as file:
        names, *rows = csv.reader(file)
    table = np.array([[float(cell) if cell else np.nan for cell in row] for row in rows], dtype=np.float64)
    return {name: table[:, k] for k, name in enumerate(names)}
