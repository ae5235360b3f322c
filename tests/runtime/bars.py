"""Bars for the tests of market data: small tables made by hand, and where the recorded ones lie."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

MINUTE = 60_000
T0 = 1_700_000_040_000 // MINUTE * MINUTE // (60 * MINUTE) * (60 * MINUTE)  # 2023-11-14 22:00 UTC

_RECORDED = (Path(__file__).resolve().parents[2] / "../shared/data").resolve()


def recorded(name: str) -> Path:
    """A file or folder of recorded market data; skips the test where this checkout has none."""
    path = _RECORDED / name
    if not path.exists():
        pytest.skip(f"recorded market data is not there: {path}")
    return path


def bars(
    steps: int | np.ndarray = 10, symbol: str | None = "AAA", clock: int = MINUTE, start: int = T0
) -> pl.DataFrame:
    """Sound bars on the given steps of the clock, or on so many steps, no two alike."""
    at = np.arange(steps) if isinstance(steps, int) else np.asarray(steps)
    close = 100.0 + at * 0.25
    table = pl.DataFrame(
        {
            "time": (start + at * clock).astype(np.int64),
            "open": close - 0.1,
            "high": close + 1.0,
            "low": close - 1.0,
            "close": close,
            "volume": 1.0 + at,
        }
    )
    return table if symbol is None else table.with_columns(symbol=pl.lit(symbol))


def changed(table: pl.DataFrame, row: int, **values: object) -> pl.DataFrame:
    """The table with other values in one row."""
    here = pl.int_range(pl.len()) == row
    return table.with_columns(
        pl.when(here).then(pl.lit(value, dtype=table.schema[name])).otherwise(pl.col(name)).alias(name)
        for name, value in values.items()
    )
