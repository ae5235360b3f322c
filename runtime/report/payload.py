"""Everything the page shows, as plain data that JSON can carry. Knows the result and its figures; nothing of HTML."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
import polars as pl
import polars.selectors as cs

from stratoquant.runtime.metrics import Metrics, drawdown_curve, held_positions, period_returns
from stratoquant.runtime.report.series import (
    Candles,
    bucket_starts,
    extremes_kept,
    label_runs,
    last_known,
    significant,
    to_candles,
)
from stratoquant.runtime.results import VALUE_KEYS, BacktestResult, Labels, Roles, role_column

CURVE_POINTS = 4_000  # for equity, and as many for drawdown; most of them are the same bars
CANDLES = 4_000
ALL_CANDLES = 24_000  # of every symbol together: with many symbols each gets fewer
FEWEST_CANDLES = 600
REGIME_RUNS = 1_500
TABLE_TRADES = 500
MARKED_TRADES = 4_000
MONTHS_FROM_DAYS = 70  # a shorter run has its returns shown by day
DAY_MS = 86_400_000

_TABLE_COLUMNS = (
    "symbol", "side", "entry_time", "exit_time", "entry_price", "exit_price", "qty", "bars", "pnl", "return", "fees",
    "slippage", "mae", "mfe", "regime", "entry_reason", "exit_reason", "open",
)  # fmt: skip
_MARK_COLUMNS = ("side", "entry_time", "exit_time", "entry_price", "exit_price", "pnl")


def page_data(result: BacktestResult, metrics: Metrics, roles: Roles, labels: Labels) -> dict[str, Any]:
    """The page's data: one key a section."""
    return {
        "name": result.name,
        "symbols": list(result.symbols),
        "clock_ms": result.clock_ms,
        "start_ms": result.start_ms,
        "end_ms": result.end_ms,
        "digest": result.digest,
        "notes": list(result.notes),
        "labels": {role: list(names) for role, names in labels.items()},
        "metrics": metrics.model_dump(),
        "curve": _curve(result),
        "price": _prices(result, roles),
        "trades": _trade_table(result.trades),
        "returns": _returns(result),
        "values": _last_values(result),
        "wiring": _plain(result.wiring),
        "facts": _facts(result),
        "size_cuts": [asdict(cut) for cut in result.size_cuts],
    }


def _curve(result: BacktestResult) -> dict[str, Any]:
    """Equity and drawdown at the bars where either has an extreme, with the position value beside them."""
    equity = result.equity["equity"].to_numpy()
    depth = drawdown_curve(equity, result.initial_equity)
    kept = np.union1d(extremes_kept(equity, CURVE_POINTS), extremes_kept(depth, CURVE_POINTS))
    return {
        "time": result.equity["time"].to_numpy()[kept].tolist(),
        "equity": significant(equity[kept]),
        "drawdown": significant(depth[kept], 5),
        "net": significant(result.equity["net"].to_numpy()[kept]),
        "bars": len(equity),
    }


def _prices(result: BacktestResult, roles: Roles) -> dict[str, dict[str, Any]]:
    """By symbol: candles, the levels that protected a position, regimes, and the trades to mark."""
    recorded = result.values.collect_schema()
    parts = ("open", "high", "low", "close", "stop", "take", "regime")
    columns = {part: role_column(recorded, roles, part) for part in parts}
    if columns["close"] is None:
        return {}
    limit = max(FEWEST_CANDLES, min(CANDLES, ALL_CANDLES // max(len(result.symbols), 1)))
    wanted = ["time", *(pl.col(column).alias(part) for part, column in columns.items() if column is not None)]
    prices = {}
    for symbol in result.symbols:  # one at a time: all of them may not fit in memory
        own = result.values.filter(pl.col("symbol") == symbol).select(wanted)
        bars = own.filter(pl.col("close").fill_nan(None).is_not_null()).collect()
        if bars.height:
            prices[symbol] = _price(result, symbol, bars, limit)
    return prices


def _price(result: BacktestResult, symbol: str, bars: pl.DataFrame, limit: int) -> dict[str, Any]:
    time = bars["time"].to_numpy()
    candles = to_candles(Candles(time, *(_or_close(bars, part) for part in ("open", "high", "low", "close"))), limit)
    starts = bucket_starts(len(time), limit)
    held = held_positions(result.fills, symbol, time) != 0.0
    price: dict[str, Any] = {part: significant(getattr(candles, part)) for part in ("open", "high", "low", "close")}
    price |= {"time": candles.time.tolist(), "bars": len(time)}
    for level in ("stop", "take"):
        if level in bars.columns:
            price[level] = significant(last_known(np.where(held, _floats(bars[level]), np.nan), starts))
    if "regime" in bars.columns:
        runs = label_runs(time, _floats(bars["regime"]), REGIME_RUNS, result.clock_ms)
        price["regime"] = {part: getattr(runs, part).tolist() for part in ("start", "end", "label")}
    own = result.trades.filter(pl.col("symbol") == symbol)
    price["trades"] = own.head(MARKED_TRADES).select(_MARK_COLUMNS).to_dict(as_series=False)
    price["trade_count"] = own.height
    return price


def _floats(column: pl.Series) -> np.ndarray:
    return column.fill_null(float("nan")).to_numpy()


def _or_close(bars: pl.DataFrame, part: str) -> np.ndarray:
    """A part of each bar, or its close where that part was not recorded."""
    known = bars[part].fill_nan(None) if part in bars.columns else bars["close"]
    return known.fill_null(bars["close"]).to_numpy()


def _trade_table(trades: pl.DataFrame) -> dict[str, Any]:
    shown = trades.head(TABLE_TRADES).select(_TABLE_COLUMNS).with_columns(cs.float().fill_nan(None))
    return {"rows": shown.to_dicts(), "total": trades.height}


def _returns(result: BacktestResult) -> dict[str, Any]:
    """Calendar returns, by month or by day; nothing for a run too short to have three days."""
    length = result.end_ms - result.start_ms
    if length < 3 * DAY_MS or result.equity.is_empty():
        return {"every": None, "periods": []}
    every = "1mo" if length >= MONTHS_FROM_DAYS * DAY_MS else "1d"
    return {"every": every, "periods": [list(period) for period in period_returns(result, every)]}


def _last_values(result: BacktestResult) -> list[dict[str, Any]]:
    """Each recorded port with its value at the last bar, a symbol at a time."""
    last = result.values.tail(len(result.symbols)).collect()
    rows = {row["symbol"]: row for row in last.to_dicts()}
    ports = [column for column in last.columns if column not in VALUE_KEYS]
    return [{"port": port, "values": [_finite(rows.get(s, {}).get(port)) for s in result.symbols]} for port in ports]


def _finite(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else value


def _facts(result: BacktestResult) -> list[tuple[str, Any]]:
    """What was run, as name and value; times stay milliseconds for the page to write."""
    return [
        ("wiring", result.name),
        ("digest", result.digest),
        ("bars", result.bars),
        ("warm-up bars", result.warm_up),
        ("initial equity", result.initial_equity),
        ("wall time, s", round(result.seconds, 3)),
        ("bars a second", round(result.bars / result.seconds) if result.seconds > 0.0 else None),
        *([("account used up", "the run ended with its last bar")] if result.ruined else []),
        *((f"bars without volume for an order, {symbol}", bars) for symbol, bars in result.unmet.items()),
        *((f"orders held back by {reason}", count) for reason, count in result.held_back.items()),
        *((f"limit: {name}", value) for name, value in _flat(result.limits)),
        *((f"venue: {name}", value) for name, value in _flat(result.venue)),
    ]


def _flat(settings: Mapping[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    """Nested settings as dotted names."""
    flat: list[tuple[str, Any]] = []
    for name, value in settings.items():
        if isinstance(value, Mapping):
            flat += _flat(value, f"{prefix}{name}.")
        else:
            flat.append((f"{prefix}{name}", _plain(value)))
    return flat


def _plain(value: Any) -> Any:
    """The same data in what JSON can carry; a number that it cannot is written out."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if value is None or isinstance(value, bool | int | str) or (isinstance(value, float) and math.isfinite(value)):
        return value
    return str(value)
