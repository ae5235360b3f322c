"""What drove a run: its trades by regime, by leading pattern, and by the signals that agreed with them."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from stratoquant.runtime.results import Labels, Roles, label_name, role_column
from stratoquant.runtime.trade_figures import Figures, TradeFigures, mean, trade_figures


class Driver(Figures):
    """A recorded port with a direction (a score or a side), judged by the closed trades entered with and against it.

    with_it, against_it: trades on whose entry decision the port had, or opposed, the trade's side; at 0 or missing it
    counts for neither. hit_with, hit_against: share of them that won. expectancy_with, expectancy_against: their mean
    result in money. worth: the difference of the two, None while one of them has no trade.
    """

    port: str
    with_it: int
    against_it: int
    hit_with: float | None
    hit_against: float | None
    expectancy_with: float | None
    expectancy_against: float | None
    worth: float | None


def figures_by_regime(trades: pl.DataFrame, labels: Labels) -> dict[str, TradeFigures]:
    """Figures by the label at entry; empty when no trade has one, trades without one are `unknown`."""
    return _grouped(trades, trades["regime"], labels, "regime")


def figures_by_pattern(
    trades: pl.DataFrame, decisions: pl.DataFrame, roles: Roles, labels: Labels
) -> dict[str, TradeFigures]:
    """Figures by the pattern that led at entry, the one with the most trades first; empty without the `winner` role.

    decisions: the recorded values of the bars that decided an entry.
    """
    column = role_column(decisions.columns, roles, "winner")
    if column is None:
        return {}
    leading = _at_entry(trades, decisions, column).cast(pl.Int64)
    found = _grouped(trades, leading, labels, "winner")
    return dict(sorted(found.items(), key=lambda item: -item[1].trades))


def drivers(trades: pl.DataFrame, decisions: pl.DataFrame, signed: Sequence[str]) -> list[Driver]:
    """Every recorded port with a direction, the one whose agreement was worth most first."""
    closed = trades.filter(~pl.col("open"))
    if closed.is_empty():
        return []
    found = [_driver(closed, decisions, port) for port in signed if port in decisions.columns]
    return sorted(found, key=lambda d: (d.worth is None, -(d.worth or 0.0), d.port))


def _driver(closed: pl.DataFrame, decisions: pl.DataFrame, port: str) -> Driver:
    agreement = _at_entry(closed, decisions, port) * closed["side"]
    pnl = closed["pnl"]
    agreed = pnl.filter((agreement > 0.0).fill_null(False)).to_numpy()
    opposed = pnl.filter((agreement < 0.0).fill_null(False)).to_numpy()
    gained, lost = mean(agreed), mean(opposed)
    return Driver(
        port=port,
        with_it=len(agreed),
        against_it=len(opposed),
        hit_with=mean(agreed > 0.0),
        hit_against=mean(opposed > 0.0),
        expectancy_with=gained,
        expectancy_against=lost,
        worth=None if gained is None or lost is None else gained - lost,
    )


def _at_entry(trades: pl.DataFrame, decisions: pl.DataFrame, column: str) -> pl.Series:
    """The value of a recorded column on the bar that decided each trade's entry; null where there is none."""
    wanted = decisions.select("symbol", pl.col("time").alias("decision_time"), value=pl.col(column).fill_nan(None))
    joined = trades.select("symbol", "decision_time").join(
        wanted, on=("symbol", "decision_time"), how="left", maintain_order="left"
    )
    return joined["value"]


def _grouped(trades: pl.DataFrame, groups: pl.Series, labels: Labels, role: str) -> dict[str, TradeFigures]:
    if groups.null_count() == trades.height:
        return {}
    ordered = trades.with_columns(groups.alias("group")).sort("group", nulls_last=True, maintain_order=True)
    parts = ordered.group_by("group", maintain_order=True)
    return {_name(number, labels, role): trade_figures(own) for (number,), own in parts}


def _name(number: int | None, labels: Labels, role: str) -> str:
    return "unknown" if number is None else label_name(labels, role, number)
