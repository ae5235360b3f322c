"""Round trips out of fills, and what was known when each was entered. Money arithmetic only; no statistics."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from stratoquant.runtime.results import TRADE_SCHEMA, Labels, Roles, label_name, role_column

_DUST = 1e-12  # a position this small beside the fill that left it is rounding, and counts as flat
_NEVER = 1 << 62  # ms: the end of a trade that is still open


def trades_from_fills(
    fills: pl.DataFrame, bar_times: Sequence[int] | npt.NDArray[np.int64], marks: Mapping[str, float] | None = None
) -> pl.DataFrame:
    """Round trips of each symbol, from flat to flat; a fill that flips the position ends one and begins the next.

    bar_times: opens of the run's bars, ascending, to count the bars held. marks: last price by symbol, to value what
    is still open. The ledger is exact: the sum of pnl is the change of equity before funding. Every symbol must start
    flat.
    """
    legs = _legs(fills)
    signed = pl.col("after") - pl.col("before")
    entering = signed.sign() == pl.col("side")
    notional = pl.col("qty") * pl.col("price")
    trips = legs.group_by("symbol", "trip", maintain_order=True).agg(
        pl.col("side").first(),
        pl.col("time").first().alias("entry_time"),
        pl.col("time").last().alias("last_time"),
        notional.filter(entering).sum().alias("entry_notional"),
        pl.col("qty").filter(entering).sum().alias("entry_qty"),
        notional.filter(~entering).sum().alias("exit_notional"),
        pl.col("qty").filter(~entering).sum().alias("exit_qty"),
        pl.col("after").abs().max().alias("qty"),
        pl.col("after").last().alias("left"),
        pl.col("fee").sum().alias("fees"),
        pl.col("slippage").sum(),
        pl.col("reason").first().alias("entry_reason"),
        pl.col("reason").last().alias("exit_reason"),
        pl.col("decision_time").first(),
    )
    return _priced(_counted(trips, np.asarray(bar_times, dtype=np.int64)), marks or {})


def _legs(fills: pl.DataFrame) -> pl.DataFrame:
    """Fills with the position before and after, flips cut in two, each with the number of its round trip."""
    before = pl.col("after").shift(1).over("symbol").fill_null(0.0)
    ledger = (
        fills.filter(pl.col("qty") > 0.0)
        .with_columns(
            pl.when(pl.col("position").abs() <= _DUST * pl.col("qty"))
            .then(0.0)
            .otherwise(pl.col("position"))
            .alias("after")
        )
        .with_columns(before.alias("before"))
        .with_row_index("row")
    )
    _refuse_broken_ledger(ledger)
    flips = pl.col("before") * pl.col("after") < 0.0
    opened = pl.col("after").abs() / pl.col("qty")
    first = ledger.with_columns(
        pl.when(flips).then(0.0).otherwise(pl.col("after")).alias("after"), pl.lit(0).alias("part")
    )
    second = ledger.filter(flips).with_columns(
        pl.lit(0.0).alias("before"),
        pl.lit(1).alias("part"),
        pl.col("after").abs().alias("qty"),
        pl.col("fee") * opened,
        pl.col("slippage") * opened,
    )
    closing = second.select("row", *(pl.col(c).alias(f"{c}_opened") for c in ("qty", "fee", "slippage")))
    first = first.join(closing, on="row", how="left").with_columns(
        # what the second part does not take, so that the two always add up to the fill
        *(pl.col(c) - pl.col(f"{c}_opened").fill_null(0.0) for c in ("qty", "fee", "slippage"))
    )
    begins = pl.col("before") == 0.0
    return (
        pl.concat([first.select(second.columns), second])
        .sort("row", "part")
        .with_columns(begins.cast(pl.Int64).cum_sum().over("symbol").alias("trip"))
        .with_columns(pl.col("after").first().sign().over("symbol", "trip").cast(pl.Int8).alias("side"))
    )


def _refuse_broken_ledger(ledger: pl.DataFrame) -> None:
    expected = pl.col("before") + pl.col("side") * pl.col("qty")
    scale = pl.max_horizontal(pl.col("before").abs(), pl.col("qty"))
    wrong = ledger.filter((pl.col("after") - expected).abs() > 1e-9 * scale)
    if wrong.height:
        row = wrong.row(0, named=True)
        raise ValueError(
            f"fills of {row['symbol']} are no complete ledger: at {row['time']} the position goes from "
            f"{row['before']:g} to {row['after']:g} by a fill of {row['side'] * row['qty']:g}"
        )


def _counted(trips: pl.DataFrame, bar_times: npt.NDArray[np.int64]) -> pl.DataFrame:
    """With `open`, the exit's time and the bars between the entry's bar and the exit's, or the last of the run."""
    is_open = trips["left"].to_numpy() != 0.0
    entry, last = trips["entry_time"].to_numpy(), trips["last_time"].to_numpy()
    end = np.where(is_open, bar_times[-1] if len(bar_times) else last, last)
    bars = np.searchsorted(bar_times, end) - np.searchsorted(bar_times, entry)
    return trips.with_columns(
        pl.Series("open", is_open, dtype=pl.Boolean),
        pl.Series("bars", bars, dtype=pl.Int64),
        pl.when(pl.Series(is_open)).then(None).otherwise(pl.col("last_time")).alias("exit_time"),
    )


def _priced(trips: pl.DataFrame, marks: Mapping[str, float]) -> pl.DataFrame:
    """With prices and results, in the columns of TRADE_SCHEMA."""
    mark = pl.col("symbol").replace_strict(dict(marks), default=None, return_dtype=pl.Float64)
    kept = pl.when(pl.col("open")).then(pl.col("left").abs() * mark).otherwise(0.0)
    closed_only = {name: pl.when(~pl.col("open")).then(pl.col(name)) for name in ("exit_price", "exit_reason")}
    return (
        trips.with_columns(
            (pl.col("entry_notional") / pl.col("entry_qty")).alias("entry_price"),
            (pl.col("exit_notional") / pl.col("exit_qty")).alias("exit_price"),
            (pl.col("side") * (pl.col("exit_notional") + kept - pl.col("entry_notional"))).alias("gross_pnl"),
        )
        .with_columns((pl.col("gross_pnl") - pl.col("fees")).alias("pnl"))
        .with_columns((pl.col("pnl") / pl.col("entry_notional")).alias("return"))
        .with_columns(**closed_only)
        .with_columns(pl.lit(None, kind).alias(name) for name, kind in TRADE_SCHEMA.items() if name not in _KNOWN)
        .sort("entry_time", maintain_order=True)
        .select(pl.col(name).cast(kind) for name, kind in TRADE_SCHEMA.items())
    )


_KNOWN = frozenset(TRADE_SCHEMA) - {"risk", "mae", "mfe", "regime"}


def with_reasons(
    trades: pl.DataFrame, values: pl.DataFrame, roles: Roles, labels: Labels | None = None
) -> pl.DataFrame:
    """Trades with `regime`, `risk` and a readable `entry_reason`, from what was recorded at each entry's decision."""
    named = {
        role: role_column(values.columns, roles, role) for role in ("winner", "edge", "confidence", "regime", "stop")
    }
    known = {role: column for role, column in named.items() if column is not None}
    if not known or trades.is_empty():
        return trades
    wanted = values.select("symbol", pl.col("time").alias("decision_time"), **{r: pl.col(c) for r, c in known.items()})
    at_entry = trades.select("symbol", "decision_time", "entry_reason", "entry_price", "qty").join(
        wanted, on=("symbol", "decision_time"), how="left", maintain_order="left"
    )
    rows = at_entry.with_columns(pl.col(r).fill_nan(None) for r in known).to_dicts()
    return trades.with_columns(
        pl.Series("entry_reason", [_reason(row, labels or {}) for row in rows], dtype=pl.String),
        pl.Series("regime", [_whole(row.get("regime")) for row in rows], dtype=pl.Int64),
        pl.Series("risk", [_risk(row) for row in rows], dtype=pl.Float64),
    )


def _reason(row: Mapping[str, Any], labels: Labels) -> str:
    parts = []
    if (winner := _whole(row.get("winner"))) is not None:
        parts.append(label_name(labels, "winner", winner))
    if row.get("edge") is not None:
        parts.append(f"edge {row['edge']:+.2f}")
    if row.get("confidence") is not None:
        parts.append(f"confidence {row['confidence']:.2f}")
    if (regime := _whole(row.get("regime"))) is not None:
        name = label_name(labels, "regime", regime)
        parts.append(name if name.startswith("regime") else f"{name} regime")
    return ", ".join(parts) or row["entry_reason"]


def _whole(value: float | None) -> int | None:
    return None if value is None or not math.isfinite(value) else int(value)


def _risk(row: Mapping[str, Any]) -> float | None:
    stop = row.get("stop")
    distance = abs(row["entry_price"] - stop) if stop is not None else 0.0
    return distance * row["qty"] if distance > 0.0 else None


def with_excursions(trades: pl.DataFrame, values: Iterable[pl.DataFrame], roles: Roles) -> pl.DataFrame:
    """Trades with `mae` and `mfe`, from the recorded highs and lows of every bar from the entry's to the exit's.

    Both of those bars count whole, although a fill may lie anywhere inside them. Without highs and lows: unchanged.
    values: the recorded values in parts, in order of time.
    """
    top = np.full(trades.height, np.nan)
    bottom = np.full(trades.height, np.nan)
    seen = False
    for part in values:
        high, low = (role_column(part.columns, roles, role) for role in ("high", "low"))
        if high is None or low is None or trades.is_empty():
            return trades
        seen = True
        for (symbol,), path in part.select("symbol", "time", high, low).group_by("symbol", maintain_order=True):
            rows = np.flatnonzero((trades["symbol"] == symbol).to_numpy())
            _reach(trades[rows], rows, path.rename({high: "high", low: "low"}), top, bottom)
    return _as_returns(trades, top, bottom) if seen else trades


Floats = npt.NDArray[np.float64]


def _reach(trades: pl.DataFrame, rows: npt.NDArray[np.int64], path: pl.DataFrame, top: Floats, bottom: Floats) -> None:
    """Extends the highest and lowest price of one symbol's trades by a part of its path."""
    time, high, low = (path[c].to_numpy() for c in ("time", "high", "low"))
    start = np.searchsorted(time, trades["entry_time"].to_numpy())
    stop = np.searchsorted(time, trades["exit_time"].fill_null(_NEVER).to_numpy(), side="right")
    for k in np.flatnonzero(stop > start):
        row = rows[k]
        top[row] = np.fmax(top[row], np.fmax.reduce(high[start[k] : stop[k]]))
        bottom[row] = np.fmin(bottom[row], np.fmin.reduce(low[start[k] : stop[k]]))


def _as_returns(trades: pl.DataFrame, top: Floats, bottom: Floats) -> pl.DataFrame:
    """Best and worst price as returns on the entry price."""
    entry = trades["entry_price"].to_numpy()
    is_long = trades["side"].to_numpy() > 0
    up, down = top / entry - 1.0, bottom / entry - 1.0
    return trades.with_columns(
        pl.Series("mae", np.where(is_long, down, -up)).fill_nan(None),
        pl.Series("mfe", np.where(is_long, up, -down)).fill_nan(None),
    )
