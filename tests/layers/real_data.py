"""Recorded bars for tests; a test that asks for them is skipped where they are absent."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import polars as pl
import pytest

FOLDER = Path(__file__).resolve().parents[3] / "shared" / "data"


@cache
def _columns(name: str) -> dict[str, np.ndarray]:
    frame = pl.read_parquet(FOLDER / "bars" / f"{name}.parquet")
    return {c: frame[c].to_numpy() for c in frame.columns if c != "symbol"}


def real_bars(name: str, bars: int | None = None) -> dict[str, np.ndarray]:
    """time, open, high, low, close, volume of bars/<name>.parquet, its first `bars`. Skips the test without it."""
    if not (FOLDER / "bars" / f"{name}.parquet").exists():
        pytest.skip("recorded market data (../shared/data) is absent")
    return {c: v[:bars] for c, v in _columns(name).items()}
