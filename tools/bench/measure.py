"""Clocks and memory: how a figure is taken. What is measured stands elsewhere."""

from __future__ import annotations

import gc
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np


def median_seconds(run: Callable[[], object], repeats: int = 5) -> float:
    """Median wall time of a call, the garbage collector off, after one call that is not counted."""
    run()
    return statistics.median(_timed(run) for _ in range(repeats))


def alternating(runs: dict[str, Callable[[], object]], repeats: int = 5) -> dict[str, float]:
    """Median wall time of each, taken in turns A B C A B C, so that a drifting machine treats them alike."""
    for run in runs.values():
        run()
    times: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(repeats):
        for name, run in runs.items():
            times[name].append(_timed(run))
    return {name: statistics.median(seconds) for name, seconds in times.items()}


def step_percentiles(step: Callable[[int], object], steps: int) -> tuple[float, float]:
    """p50 and p99 of single calls in microseconds, step(i) for i = 0, 1, ..."""
    taken = np.empty(steps)
    clock = time.perf_counter_ns
    for i in range(steps):
        start = clock()
        step(i)
        taken[i] = clock() - start
    p50, p99 = np.percentile(taken, [50, 99]) / 1000.0
    return float(p50), float(p99)


def environment(extra: dict[str, str] | None = None) -> dict[str, str]:
    """A user's environment: Python keeps the bytecode of what it imports, as it does unless told otherwise."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return kept | (extra or {})


def in_new_process(code: str, extra: dict[str, str] | None = None) -> dict[str, Any]:
    """Runs code in a fresh interpreter that prints one JSON object; adds its wall seconds and peak memory in MiB."""
    # VmHWM is this program's own; getrusage would start from the size of the process that started it
    report = "print('\\n' + next(r for r in open('/proc/self/status') if r.startswith('VmHWM')).split()[1])"
    start = time.perf_counter()
    command = [sys.executable, "-c", f"{code}\n{report}"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment(extra), check=False)
    seconds = time.perf_counter() - start
    if done.returncode:
        raise RuntimeError(f"the measured process failed:\n{done.stderr[-2000:]}")
    *_, text, peak = [line for line in done.stdout.splitlines() if line.strip()]
    return {**json.loads(text), "seconds": seconds, "peak_mib": float(peak) / 1024.0}


def wall_seconds(command: list[str], repeats: int = 5) -> float:
    """Median wall time of a whole command, after one run that is not counted."""

    def run() -> None:
        subprocess.run(command, capture_output=True, check=True, env=environment())

    return median_seconds(run, repeats)


def _timed(run: Callable[[], object]) -> float:
    gc.collect()
    gc.disable()
    try:
        start = time.perf_counter()
        run()
        return time.perf_counter() - start
    finally:
        gc.enable()
