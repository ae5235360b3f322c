"""Runs a Pine script through pine2pyne and PyneCore: `python -m stratoquant.mirror.engines.pyne_runner JOB.json`."""

from __future__ import annotations

import csv
import json
import math
import sys
from collections.abc import Iterator
from datetime import time
from pathlib import Path
from typing import Any


def main() -> int:
    job = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    script = Path(job["script"])
    try:
        program = _translated(script)
    except Exception as problem:  # the transpiler raises many kinds; its message is for people
        print(f"pine2pyne: {problem}", file=sys.stderr)
        return 1
    from pynecore.core.script_runner import ScriptRunner

    bars = list(_bars(Path(job["bars"])))
    runner = ScriptRunner(
        program,
        iter(bars),
        _symbol(job["clock_ms"], job["lot"]),
        last_bar_index=len(bars) - 1,
        last_bar_time=bars[-1].timestamp,
        inputs=job["inputs"] or None,
        lossless_volume=True,
        lossless_prices=True,
    )
    names: list[str] = []
    with Path(job["out"]).open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        for _, plots, *_ in runner.run_iter(copy_results=False):
            if not names:
                names = list(plots)
                writer.writerow(names)
            writer.writerow([_cell(plots.get(name)) for name in names])
    return 0


def _translated(script: Path) -> Path:
    from pine2pyne import transpile

    program = script.with_name("script_for_pyne.py")
    program.write_text(transpile(script.read_text(encoding="utf-8")), encoding="utf-8")
    return program


def _bars(path: Path) -> Iterator[Any]:
    from pynecore.types.ohlcv import OHLCV

    with path.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            prices = [float(row[name]) for name in ("open", "high", "low", "close", "volume")]
            yield OHLCV(int(row["time"]), *prices)


def _symbol(clock_ms: int, lot: float) -> Any:
    """A symbol that trades around the clock; scripts read of it the length of a bar, and strategies tick and lot."""
    from pynecore.core.syminfo import SymInfo, SymInfoInterval, SymInfoSession

    midnight = time(0, 0)
    days = range(7)
    minutes = clock_ms // 60_000
    return SymInfo(
        prefix="MIRROR",
        description="MIRROR",
        ticker="MIRROR",
        currency="USD",
        period="1D" if minutes == 1440 else str(minutes),
        type="crypto",
        mintick=0.01,
        pricescale=100,
        pointvalue=1.0,
        mincontract=lot,
        opening_hours=[SymInfoInterval(day=d, start=midnight, end=midnight) for d in days],
        session_starts=[SymInfoSession(day=d, time=midnight) for d in days],
        session_ends=[SymInfoSession(day=d, time=midnight) for d in days],
    )


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, int | float) and not math.isnan(value):
        return repr(value)
    return ""


if __name__ == "__main__":
    sys.exit(main())
