"""The figures of a finished run. Pure functions of its frames; an undefined figure is None, never a 0 or an infinity.

A bar's return is taken against the equity of the bar before, the first one's against the initial equity; the warm-up
and steps in which no symbol had a bar are left out. Shares and returns are fractions. Annual figures use the bars that
were there: `bars_per_year` is their number over the calendar time that they cover, so nights, weekends and holes in the
data count neither as bars without a return nor as time in the market.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from stratoquant.runtime.attribution import Driver, drivers, figures_by_pattern, figures_by_regime
from stratoquant.runtime.calibration import Calibration, calibrate
from stratoquant.runtime.results import BacktestResult, Labels, Roles, label_name, role_column
from stratoquant.runtime.trade_figures import Figures, TradeFigures, mean, ratio, trade_figures

YEAR_MS = 365.25 * 86_400_000.0
SHORTEST_ANNUALISED_MS = 7 * 86_400_000
"""A return over less than a week says nothing of a year; it is not annualised."""
SHORTEST_SCALED_MS = 86_400_000
"""Nor is the spread of returns over less than a day."""
FEWEST_TAIL_BARS = 20
"""With fewer, the worst 5 % is less than one bar."""

Floats = npt.NDArray[np.float64]
Times = npt.NDArray[np.int64]


class CurveFigures(Figures):
    """Of an equity curve.

    annual_return: (1 + total) ^ (1 / years) - 1. volatility: sd of returns (n - 1) * sqrt(bars_per_year). sharpe:
    mean / sd * sqrt(bars_per_year), no risk-free rate. sortino: the same with sqrt(mean(min(r, 0)^2)) for the sd.
    max_drawdown: the deepest fall from a peak, <= 0. calmar: annual_return / |max_drawdown|. drawdown_bars,
    drawdown_ms: that fall, from its peak to the recovery or the end. underwater_ms: the longest time below a peak,
    whichever fall that was. cvar_95: mean of the worst 5 % of returns.
    """

    total_return: float | None
    annual_return: float | None
    volatility: float | None
    sharpe: float | None
    sortino: float | None
    calmar: float | None
    max_drawdown: float | None
    drawdown_bars: int | None
    drawdown_ms: int | None
    underwater_ms: int | None
    cvar_95: float | None


class SymbolFigures(TradeFigures, CurveFigures):
    """Of one symbol; its curve is the initial equity with this symbol's results alone, before funding.

    exposure: share of bars with a position. turnover: traded notional over the account's mean equity, a year.
    """

    exposure: float | None
    turnover: float | None


class VetoCount(Figures):
    """A veto reason, the bars (of all symbols) in which it held, and their share of the bars that were recorded."""

    name: str
    bars: int
    share: float


class Metrics(SymbolFigures):
    """Of the account, by symbol, by regime and leading pattern at each entry, and of the ports that had a direction
    then. leverage: mean of gross over equity."""

    initial_equity: float
    final_equity: float | None
    funding: float
    leverage: float | None
    measured_bars: int
    bars_per_year: float | None
    per_symbol: dict[str, SymbolFigures]
    per_regime: dict[str, TradeFigures]
    per_pattern: dict[str, TradeFigures]
    drivers: list[Driver]
    vetoes: list[VetoCount]
    calibration: Calibration


def compute_metrics(result: BacktestResult, roles: Roles | None = None, labels: Labels | None = None) -> Metrics:
    """Every figure of a run. Curves of single symbols need the `close` role, names of regimes the `regime` labels."""
    measured = result.equity.slice(_first_measured(result)).filter(pl.col("present") > 0)
    time, equity = measured["time"].to_numpy(), measured["equity"].to_numpy()
    years = _years(time, result.clock_ms)
    gross = measured["gross"].to_numpy()
    equity_years = float(equity.mean()) * years if len(equity) else 0.0
    return Metrics(
        **trade_figures(result.trades).model_dump(),
        **curve_figures(time, equity, result.initial_equity, result.clock_ms).model_dump(),
        exposure=mean(gross > 0.0),
        turnover=ratio(_traded(result.fills), equity_years),
        initial_equity=result.initial_equity,
        final_equity=_last(equity),
        funding=_last(result.equity["funding"].to_numpy()) or 0.0,
        leverage=mean(gross / equity) if (equity > 0.0).all() else None,
        measured_bars=len(equity),
        bars_per_year=ratio(len(equity), years),
        per_symbol={s: _symbol_figures(result, s, roles or {}, time, equity_years) for s in result.symbols},
        per_regime=figures_by_regime(result.trades, labels or {}),
        per_pattern=figures_by_pattern(result.trades, result.decisions, roles or {}, labels or {}),
        drivers=drivers(result.trades, result.decisions, result.signed),
        vetoes=veto_counts(_while_open(result), roles or {}, labels or {}),
        calibration=calibrate(
            result.values, result.trades, result.decisions, roles or {}, result.forecasts, result.stateless
        ),
    )


def curve_figures(time: Times, equity: Floats, initial: float, clock_ms: int) -> CurveFigures:
    """Figures of equity at the close of bars that open at `time`. One that touches 0 has no returns, only a fall."""
    if not len(equity):
        return CurveFigures.model_validate(dict.fromkeys(CurveFigures.model_fields))
    total = float(equity[-1]) / initial - 1.0
    span = _span_ms(time, clock_ms)
    alive = bool((equity > 0.0).all())
    returns = bar_returns(equity, initial) if alive else np.empty(0)
    annual = _annual(total, span) if alive else None
    scaled = span >= SHORTEST_SCALED_MS
    deviation = _deviation(returns) if scaled else None
    downside = math.sqrt(np.mean(np.minimum(returns, 0.0) ** 2)) if scaled and len(returns) else 0.0
    scale = math.sqrt(len(equity) / (span / YEAR_MS))
    fall = drawdowns(time, equity, initial)
    return CurveFigures(
        total_return=total,
        annual_return=annual,
        volatility=None if deviation is None else deviation * scale,
        sharpe=ratio(mean(returns), deviation, scale),
        sortino=ratio(mean(returns), downside, scale),
        max_drawdown=fall.deepest,
        calmar=ratio(annual, -fall.deepest),
        drawdown_bars=fall.bars,
        drawdown_ms=fall.duration,
        underwater_ms=fall.longest,
        cvar_95=_tail_mean(returns, 0.05),
    )


def bar_returns(equity: Floats, initial: float) -> Floats:
    """Each bar's return against the equity before it."""
    return np.diff(equity, prepend=initial) / np.concatenate(([initial], equity[:-1]))


def drawdown_curve(equity: Floats, initial: float) -> Floats:
    """How far equity stands below its highest so far, the initial equity included: <= 0."""
    return equity / np.maximum(np.maximum.accumulate(equity), initial) - 1.0


class Fall(NamedTuple):
    """The deepest drawdown, its length from the peak to the recovery or the end, and the longest length of any."""

    deepest: float
    bars: int
    duration: int
    longest: int


def drawdowns(time: Times, equity: Floats, initial: float) -> Fall:
    """The falls of a curve. Before its first bar the curve stood at `initial`, on that bar's time."""
    depth = drawdown_curve(equity, initial)
    lowest = int(depth.argmin())
    if depth[lowest] == 0.0:
        return Fall(0.0, 0, 0, 0)
    peaks = np.flatnonzero(depth == 0.0)
    edges = np.unique(np.concatenate(([0], peaks, [len(depth) - 1])))
    # two neighbours at a peak have no fall between them; the first and the last bar may be below one
    under = (np.diff(edges) > 1) | (depth[edges[1:]] < 0.0) | (depth[edges[:-1]] < 0.0)
    spans = np.diff(time[edges])
    of_lowest = max(int(np.searchsorted(edges, lowest, side="left")) - 1, 0)
    begin, end = edges[of_lowest : of_lowest + 2] if len(edges) > 1 else (0, 0)
    return Fall(float(depth[lowest]), int(end - begin), int(time[end] - time[begin]), int(max(spans[under], default=0)))


def veto_counts(values: pl.LazyFrame, roles: Roles, labels: Labels) -> list[VetoCount]:
    """How often each bit of the veto role was set, most frequent first; empty without that role."""
    column = role_column(values.collect_schema(), roles, "veto")
    if column is None:
        return []
    masks = values.select(pl.col(column).fill_nan(None).drop_nulls().cast(pl.Int64).value_counts().struct.unnest())
    mask, count = masks.collect().to_numpy().T
    total = int(count.sum())
    bits = range(int(mask.max()).bit_length()) if total else range(0)
    set_in = ((bit, int(count[(mask >> bit) & 1 == 1].sum())) for bit in bits)
    counts = [
        VetoCount(name=label_name(labels, "veto", bit), bars=bars, share=bars / total) for bit, bars in set_in if bars
    ]
    return sorted(counts, key=lambda c: -c.bars)


def _first_measured(result: BacktestResult) -> int:
    """The bar at which figures begin: behind the warm-up, and never behind the decision of a fill, whose result would
    otherwise be part of one return."""
    decided = result.fills["decision_time"].min()
    if decided is None:
        return result.warm_up
    return min(result.warm_up, int(np.searchsorted(result.equity["time"].to_numpy(), decided)))


def _while_open(result: BacktestResult) -> pl.LazyFrame:
    """The recorded values of the steps in which some symbol had a bar."""
    present = result.equity.filter(pl.col("present") > 0).select("time")
    return (
        result.values if present.height == result.equity.height else result.values.join(present.lazy(), "time", "semi")
    )


class PeriodReturn(NamedTuple):
    """A calendar day or month (UTC), `2026-03` or `2026-03-24`, and its return."""

    period: str
    value: float


def period_returns(result: BacktestResult, every: str) -> list[PeriodReturn]:
    """Returns of calendar periods of length `every` ("1d", "1mo"), each against the equity that the one before left."""
    style = "%Y-%m" if every == "1mo" else "%Y-%m-%d"
    ends = (
        result.equity.select(pl.from_epoch("time", time_unit="ms").dt.truncate(every).alias("period"), "equity")
        .group_by("period", maintain_order=True)
        .last()
        .with_columns(pl.col("equity").shift(1).fill_null(result.initial_equity).alias("before"))
        .filter(pl.col("before") > 0.0)
    )
    returns = (ends["equity"] / ends["before"] - 1.0).to_list()
    return [PeriodReturn(*pair) for pair in zip(ends["period"].dt.strftime(style).to_list(), returns, strict=True)]


def held_positions(fills: pl.DataFrame, symbol: str, time: Times) -> Floats:
    """The position of one symbol at the close of each bar."""
    own = fills.filter(pl.col("symbol") == symbol)
    after = np.concatenate(([0.0], own["position"].to_numpy()))
    return after[np.searchsorted(own["time"].to_numpy(), time, side="right")]


def _symbol_figures(
    result: BacktestResult, symbol: str, roles: Roles, time: Times, equity_years: float
) -> SymbolFigures:
    fills = result.fills.filter(pl.col("symbol") == symbol)
    curve = _symbol_curve(result, symbol, roles, time)
    return SymbolFigures(
        **trade_figures(result.trades.filter(pl.col("symbol") == symbol)).model_dump(),
        **curve_figures(time[: len(curve)], curve, result.initial_equity, result.clock_ms).model_dump(),
        exposure=mean(held_positions(fills, symbol, time) != 0.0),
        turnover=ratio(_traded(fills), equity_years),
    )


def _symbol_curve(result: BacktestResult, symbol: str, roles: Roles, time: Times) -> Floats:
    """Initial equity with the results of one symbol alone; empty without its closes."""
    close = role_column(result.values.collect_schema(), roles, "close")
    if close is None:
        return np.empty(0)
    of_symbol = result.values.filter(pl.col("symbol") == symbol)
    own = of_symbol.select("time", pl.col(close).fill_nan(None)).drop_nulls().collect()
    if own.is_empty():
        return np.empty(0)
    fills = result.fills.filter(pl.col("symbol") == symbol)
    flow = -fills["side"].to_numpy() * fills["qty"].to_numpy() * fills["price"].to_numpy() - fills["fee"].to_numpy()
    cash = np.concatenate(([0.0], np.cumsum(flow)))[np.searchsorted(fills["time"].to_numpy(), time, side="right")]
    last = np.searchsorted(own["time"].to_numpy(), time, side="right") - 1
    # before its first bar the symbol has no price, and nothing of it can be held
    price = np.where(last >= 0, own[close].to_numpy()[np.maximum(last, 0)], 0.0)
    return result.initial_equity + cash + held_positions(fills, symbol, time) * price


def _traded(fills: pl.DataFrame) -> float:
    return float((fills["qty"] * fills["price"]).sum())


def _span_ms(time: Times, clock_ms: int) -> int:
    """Calendar time from the first bar's open to the last one's close."""
    return int(time[-1]) - int(time[0]) + clock_ms if len(time) else 0


def _years(time: Times, clock_ms: int) -> float:
    return _span_ms(time, clock_ms) / YEAR_MS


def _annual(total: float, span_ms: int) -> float | None:
    if span_ms < SHORTEST_ANNUALISED_MS:
        return None
    try:
        return math.expm1(math.log1p(total) * YEAR_MS / span_ms)
    except OverflowError:
        return None


def _deviation(returns: Floats) -> float | None:
    """Sample standard deviation, or None when the returns differ by no more than rounding."""
    if len(returns) < 2:
        return None
    deviation = float(returns.std(ddof=1))
    return deviation if deviation > 1e-12 * float(np.abs(returns).max()) else None


def _tail_mean(returns: Floats, share: float) -> float | None:
    if len(returns) < FEWEST_TAIL_BARS:
        return None
    worst = int((len(returns) - 1) * share) + 1
    return float(np.partition(returns, worst - 1)[:worst].mean())


def _last(values: Floats) -> float | None:
    return float(values[-1]) if len(values) else None
