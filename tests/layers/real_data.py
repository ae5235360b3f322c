"""Bars for tests: recorded ones, real ones that test packages ship, and stand-ins for recordings that are absent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl

from stratoquant.graph.clock import parse_time
from stratoquant.runtime.data.market import Market
from stratoquant.runtime.data.store import open_market
from stratoquant.runtime.data.synthetic import SyntheticModel, synthesise, synthetic_market
from tests.packages import folder_of

FOLDER = Path(__file__).resolve().parents[3] / "shared" / "data"
SHIPPED = ("shipped_eurusd_1h", "shipped_goog_1d", "shipped_sp500_1d", "shipped_nasdaq_1d")
"""Real bars that every checkout has: in the packages `backtesting` and `arch`."""

Bars = dict[str, np.ndarray]
_COLUMNS = ("time", "open", "high", "low", "close", "volume")
_MINUTE = 60_000
_START = parse_time("2018-01-01")
_CRASH = parse_time("2018-04-25T10:30")


@dataclass(frozen=True)
class _Venue:
    """What the stand-in of a venue's recordings takes over from them: length in minutes, and how many are missing.

    skips, breaks: short and long interruptions per day, and their mean length in minutes, as in `SyntheticModel`.
    """

    minutes: int
    skips: tuple[float, float]
    breaks: tuple[float, float] = (0.08, 25.0)

    def model(self) -> SyntheticModel:
        return SyntheticModel(daily_vol=0.05, skips=self.skips, breaks=self.breaks, outages=self.breaks)


_VENUES = {  # by the start of a recording's name, the most particular first
    "binance_xrpeth": _Venue(3_600, (270.0, 1.6), breaks=(0.0, 1.0)),
    "binance": _Venue(43_200, (0.5, 1.5)),
    "bitfinex": _Venue(861_120, (90.0, 1.7)),
}


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


def real_market(symbols: Sequence[str], start: str, bars: int) -> Market:
    """Minutes of several symbols of the recordings from `start` on; without the recordings, of the built-in market."""
    if not (FOLDER / "bars").exists():
        return synthetic_market(symbols, bars, seed=1, clock_ms=_MINUTE)
    begin = parse_time(start)
    return open_market(FOLDER / "bars", symbols, _MINUTE, begin, begin + bars * _MINUTE)


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
    """From the file that comes with a package, without importing the package."""
    if market in ("eurusd", "goog"):
        file = folder_of("backtesting") / "test" / f"{market.upper()}.csv"
    else:
        file = folder_of("arch") / "data" / market / f"{market}.csv.gz"
    return pd.read_csv(file, index_col=0, parse_dates=True)


def _stand_in(name: str, bars: int) -> Bars:
    """The built-in market as a recording of the venue in the name, with at least `bars` rows."""
    venue = next(venue for start, venue in _VENUES.items() if name.startswith(start))
    return _made(name, venue, max(venue.minutes, bars + bars // 10))


@cache
def _made(name: str, venue: _Venue, minutes: int) -> Bars:
    frame = synthesise((name.upper(),), minutes, 1, _MINUTE, _START, model=venue.model())
    bars = {c: frame[c].to_numpy(writable=True) for c in _COLUMNS}
    return _with_flash_crash(bars) if name.startswith("bitfinex_xrp") else bars


def _with_flash_crash(bars: Bars) -> Bars:
    """The same bars with a close 39 % below the one before it, and back on the next bar: as XRP did on that day."""
    at = int(np.searchsorted(bars["time"], _CRASH))
    bars["close"][at] *= 0.61
    bars["open"][at + 1] = bars["close"][at]
    for row in (at, at + 1):
        bars["low"][row] = min(bars["low"][row], bars["close"][at])
    return bars
