"""The figures of a set of round trips, for the account and for any part of its trades."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl
from pydantic import BaseModel, ConfigDict


class Figures(BaseModel):
    model_config = ConfigDict(frozen=True, allow_inf_nan=False)


class TradeFigures(Figures):
    """Of a set of round trips. Those still open count in open_trades, fees, slippage and pnl, and nowhere else.

    hit_rate: share with pnl > 0. profit_factor: won over lost money. expectancy: mean pnl in money;
    expectancy_return: mean return on the entry notional; expectancy_r: mean pnl in units of the risk to the stop,
    where that is known.
    """

    trades: int
    open_trades: int
    pnl: float | None
    fees: float
    slippage: float
    hit_rate: float | None
    profit_factor: float | None
    expectancy: float | None
    expectancy_return: float | None
    expectancy_r: float | None
    average_bars: float | None
    best: float | None
    worst: float | None


def trade_figures(trades: pl.DataFrame) -> TradeFigures:
    """Figures of a frame in the columns of runtime.results.TRADE_SCHEMA."""
    closed = trades.filter(~pl.col("open"))
    pnl = closed["pnl"].to_numpy()
    in_r = closed.select((pl.col("pnl") / pl.col("risk")).drop_nulls()).to_series()
    return TradeFigures(
        trades=closed.height,
        open_trades=trades.height - closed.height,
        pnl=None if trades["pnl"].has_nulls() else float(trades["pnl"].sum()),
        fees=float(trades["fees"].sum()),
        slippage=float(trades["slippage"].sum()),
        hit_rate=mean(pnl > 0.0),
        profit_factor=ratio(float(pnl[pnl > 0.0].sum()), -float(pnl[pnl < 0.0].sum())),
        expectancy=mean(pnl),
        expectancy_return=mean(closed["return"].to_numpy()),
        expectancy_r=mean(in_r.to_numpy()),
        average_bars=mean(closed["bars"].to_numpy()),
        best=float(pnl.max()) if len(pnl) else None,
        worst=float(pnl.min()) if len(pnl) else None,
    )


def ratio(over: float | None, under: float | None, scale: float = 1.0) -> float | None:
    return None if over is None or under is None or under <= 0.0 else over / under * scale


def mean(values: npt.NDArray[np.float64] | npt.NDArray[np.int64] | npt.NDArray[np.bool_]) -> float | None:
    return float(np.mean(values)) if len(values) else None
