"""Bars for tests: recorded ones, real ones that test packages ship, and stand-ins where a checkout has no recordings."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl

from runtime.data.synthetic import synthesise

FOLDER = Path(__file__).resolve().parents[3] / "shared" / "data"
SHIPPED = ("shipped_eurusd_1h", "shipped_goog_1d", "shipped_sp500_1d", "shipped_nasdaq_1d")
"""Real bars that every checkout has: in the packages `backtesting` and `arch`."""

Bars = dict[str, np.ndarray]
_COLUMNS = ("time", "open", "high", "low", "close", "volume")
_MINUTE = 60_000
_STAND_IN_BARS = {"bitfinex": 500_000, "binance": 43_200}


def real_bars(name: str, bars: int | None = None) -> Bars:
    """time, open, high, low, close, volume of one of SHIPPED or of the recording bars/<name>.parquet, its first `bars`.

    Without the recording: minutes of the built-in market, which is another market under each name.
    """
    if name in SHIPPED:
        columns = _shipped(name)
    elif recording(name).exists():
        columns = _recorded(name)
    else:
        columns = _stand_in(name, bars or 0)
    return {c: v[:bars] for c, v in columns.items()}


def recording(name: str) -> Path:
    return FOLDER / "bars" / f"{name}.parquet"


@cache
def _recorded(name: str) -> Bars:
    frame = pl.read_parquet(recording(name))
    return {c: frame[c].to_numpy() for c in frame.columns if c != "symbol"}


@cache
def _shipped(name: str) -> Bars:
    table = _shipped_table(name.split("_")[1])
    columns = {c: table[c.capitalize()].to_numpy(float) for c in _COLUMNS[1:]}
    return {"time": table.index.to_numpy().astype("datetime64[ms]").astype(np.int64), **columns}


def _shipped_table(market: str) -> pd.DataFrame:
    if market in ("eurusd", "goog"):
        import backtesting.test

        return getattr(backtesting.test, market.upper())
    from importlib import import_module

    return import_module(f"arch.data.{market}").load()


def _stand_in(name: str, bars: int) -> Bars:
    """At least `bars` minutes of the built-in market, and as many as the recording has when that is more."""
    usual = next((count for venue, count in _STAND_IN_BARS.items() if name.startswith(venue)), 0)
    return _made(name, max(usual, bars + bars // 50))


@cache
def _made(name: str, minutes: int) -> Bars:
    frame = synthesise((name.upper(),), minutes, seed=1, clock_ms=_MINUTE)
    return {c: frame[c].to_numpy() for c in _COLUMNS}
