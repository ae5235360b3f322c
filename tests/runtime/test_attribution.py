"""What drove a run: figures by pattern and by signal, counted by hand and over made runs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from stratoquant.runtime.attribution import drivers, figures_by_pattern
from stratoquant.runtime.metrics import compute_metrics
from stratoquant.runtime.results import TRADE_SCHEMA
from tests.runtime.made_results import LABELS, ROLES, made_result, random_bars


def trades(*rows: tuple[int, int, float, bool]) -> pl.DataFrame:
    """Decision time, side, pnl and whether it is still open, of symbol A."""
    columns = {name: [None] * len(rows) for name in TRADE_SCHEMA}
    columns |= {"symbol": ["A"] * len(rows), "decision_time": [r[0] for r in rows], "side": [r[1] for r in rows]}
    columns |= {"pnl": [r[2] for r in rows], "open": [r[3] for r in rows], "return": [0.0] * len(rows)}
    columns |= {"fees": [0.0] * len(rows), "slippage": [0.0] * len(rows), "bars": [1] * len(rows)}
    return pl.DataFrame(columns, schema=TRADE_SCHEMA)


FOUR = trades((1, 1, 10.0, False), (2, -1, 4.0, False), (3, 1, -6.0, False), (4, -1, 99.0, True))
DECIDED = pl.DataFrame(
    {
        "time": [1, 2, 3, 4],
        "symbol": ["A"] * 4,
        "x.score": [0.5, 0.2, 0.9, -1.0],
        "y.side": [0.0, -1.0, float("nan"), 1.0],
        "L50.winner": [1.0, 1.0, 2.0, 2.0],
    }
)


def test_a_signal_is_judged_by_the_closed_trades_with_and_against_it() -> None:
    x, y = drivers(FOUR, DECIDED, ("y.side", "x.score", "z.gone"))
    assert (x.port, x.with_it, x.against_it) == ("x.score", 2, 1)
    assert (x.expectancy_with, x.expectancy_against, x.worth) == (2.0, 4.0, -2.0)
    assert (x.hit_with, x.hit_against) == (0.5, 1.0)
    assert (y.port, y.with_it, y.against_it) == ("y.side", 1, 0)
    assert y.expectancy_with == 4.0 and y.expectancy_against is None and y.worth is None


def test_signals_are_ordered_by_what_agreement_was_worth() -> None:
    turned = DECIDED.with_columns((-pl.col("x.score")).alias("y.side"))
    assert [d.port for d in drivers(FOUR, turned, ("x.score", "y.side"))] == ["y.side", "x.score"]


def test_another_symbol_at_the_same_time_is_not_looked_at() -> None:
    other = DECIDED.with_columns(pl.lit("B").alias("symbol"))
    (found,) = drivers(FOUR, other, ("x.score",))
    assert found.with_it == found.against_it == 0
    assert figures_by_pattern(FOUR, other, ROLES, LABELS) == {}


def test_patterns_are_told_by_name_the_most_frequent_first() -> None:
    found = figures_by_pattern(FOUR, DECIDED, ROLES, {"winner": ("none", "breakout", "pullback")})
    assert list(found) == ["breakout", "pullback"]
    assert found["breakout"].trades == 2 and found["breakout"].pnl == 14.0
    assert found["pullback"].trades == 1 and found["pullback"].open_trades == 1
    assert figures_by_pattern(FOUR, DECIDED, {}, {}) == {}


def test_groups_add_up_to_the_account() -> None:
    rng = np.random.default_rng(3)
    result = made_result({"AAA": random_bars(rng, 5_000), "BBB": random_bars(rng, 5_000)})
    found = compute_metrics(result, ROLES, LABELS)
    assert sum(p.trades for p in found.per_pattern.values()) == found.trades > 10
    assert sum(p.pnl or 0.0 for p in found.per_pattern.values()) == pytest.approx(found.pnl)
    assert set(found.per_pattern) <= set(LABELS["winner"])
    assert [d.port for d in found.drivers] == ["L3.edge"]
    assert found.drivers[0].with_it + found.drivers[0].against_it <= found.trades
    idle = compute_metrics(replace(result, trades=result.trades.clear()), ROLES, LABELS)
    assert idle.per_pattern == {} and idle.drivers == []
