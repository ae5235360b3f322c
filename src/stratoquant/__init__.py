"""StratoQuant: a wiring in YAML becomes one compiled step, for the backtest, the live session and the chart.

    import stratoquant as sq

    wiring = sq.load("sma_cross.yaml", set={"fast.window": 30})
    run = wiring.backtest(sq.bars("bars/"), cash=100_000)
    run.trades, run.metrics.sharpe, run.report

What is imported here costs nothing until it is used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stratoquant.api.layers import layer
    from stratoquant.api.market import bars, synthetic
    from stratoquant.api.run import Run, compare, open_run
    from stratoquant.api.wiring import Wiring, load
    from stratoquant.graph.diagnostics import WiringError
    from stratoquant.runtime.data.findings import DataError
    from stratoquant.runtime.errors import StratoError

__all__ = [
    "DataError",
    "Run",
    "StratoError",
    "Wiring",
    "WiringError",
    "__version__",
    "bars",
    "compare",
    "layer",
    "load",
    "open_run",
    "synthetic",
]

_HOMES = {
    "DataError": "stratoquant.runtime.data.findings",
    "Run": "stratoquant.api.run",
    "StratoError": "stratoquant.runtime.errors",
    "Wiring": "stratoquant.api.wiring",
    "WiringError": "stratoquant.graph.diagnostics",
    "bars": "stratoquant.api.market",
    "compare": "stratoquant.api.run",
    "layer": "stratoquant.api.layers",
    "load": "stratoquant.api.wiring",
    "open_run": "stratoquant.api.run",
    "synthetic": "stratoquant.api.market",
}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("stratoquant")
    if name not in _HOMES:
        raise AttributeError(f"module 'stratoquant' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
