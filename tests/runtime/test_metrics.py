"""The figures of a run: against implementations of others, by hand, and where they are undefined."""

from __future__ import annotations

import json
import math
import statistics
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stratoquant.runtime.metrics import (
    YEAR_MS,
    bar_returns,
    compute_metrics,
    curve_figures,
    drawdown_curve,
    drawdowns,
    period_returns,
    veto_counts,
)
from stratoquant.runtime.results import EQUITY_SCHEMA, TRADE_SCHEMA, BacktestResult
from stratoquant.runtime.trade_figures import trade_figures
from tests.layers.real_data import real_bars
from tests.runtime.made_results import LABELS, MINUTE, ROLES, made_result, random_bars

DAY = 86_400_000


@pytest.fixture(scope="module")
def result() -> BacktestResult:
    rng = np.random.default_rng(7)
    return made_result({"AAA": random_bars(rng, 6_000), "BBB": random_bars(rng, 6_000)})


def real_curve() -> tuple[np.ndarray, np.ndarray]:
    """Times and equity of a trend follower on recorded bars, before costs."""
    bars = real_bars("binance_btcusdt_2026_1m")
    close = bars["close"]
    moved = close[1:] / close[:-1] - 1.0
    past = np.concatenate((np.zeros(600), close[600:-1] / close[:-601] - 1.0))
    return bars["time"], 10_000.0 * np.cumprod(1.0 + np.concatenate(([0.0], 0.5 * np.sign(past) * moved)))


def test_deviation_ratios_agree_with_the_standard_library() -> None:
    time, equity = real_curve()
    found = curve_figures(time, equity, 10_000.0, MINUTE)
    returns = bar_returns(equity, 10_000.0).tolist()
    bars_per_year = len(equity) / ((time[-1] - time[0] + MINUTE) / YEAR_MS)
    sharpe = statistics.fmean(returns) / statistics.stdev(returns) * math.sqrt(bars_per_year)
    assert found.sharpe == pytest.approx(sharpe, rel=1e-9)
    assert found.volatility == pytest.approx(statistics.stdev(returns) * math.sqrt(bars_per_year), rel=1e-9)


def test_drawdowns_and_growth_agree_with_backtesting_py() -> None:
    pd = pytest.importorskip("pandas")
    stats = pytest.importorskip("backtesting._stats")
    time, equity = real_curve()
    index = pd.to_datetime(time, unit="ms")
    none = pd.DataFrame({k: [] for k in ("PnL", "ReturnPct", "EntryBar", "ExitBar", "EntryPrice")})
    none["Duration"] = pd.to_timedelta([])
    theirs = stats.compute_stats(none, equity, pd.DataFrame({"Close": equity}, index=index), None)
    # theirs begins at the first bar's equity and ends at the last bar's open
    ours = curve_figures(time, equity, float(equity[0]), 0)
    assert ours.total_return == pytest.approx(theirs["Return [%]"] / 100.0, rel=1e-9)
    assert ours.max_drawdown == pytest.approx(theirs["Max. Drawdown [%]"] / 100.0, rel=1e-9)
    assert ours.annual_return == pytest.approx(theirs["CAGR [%]"] / 100.0, rel=1e-9)
    assert ours.underwater_ms == theirs["Max. Drawdown Duration"] // pd.Timedelta(milliseconds=1)


@pytest.mark.slow
def test_ratios_agree_with_vectorbt() -> None:
    vectorbt = pytest.importorskip("vectorbt.returns.nb")
    time, equity = real_curve()
    ours = curve_figures(time, equity, 10_000.0, MINUTE)
    returns = bar_returns(equity, 10_000.0)
    year = len(equity) / ((time[-1] - time[0] + MINUTE) / YEAR_MS)
    assert ours.sharpe == pytest.approx(vectorbt.sharpe_ratio_1d_nb(returns, year), rel=1e-9)
    assert ours.sortino == pytest.approx(vectorbt.sortino_ratio_1d_nb(returns, year), rel=1e-9)
    assert ours.calmar == pytest.approx(vectorbt.calmar_ratio_1d_nb(returns, year), rel=1e-9)
    assert ours.annual_return == pytest.approx(vectorbt.annualized_return_1d_nb(returns, year), rel=1e-9)
    assert ours.max_drawdown == pytest.approx(vectorbt.max_drawdown_1d_nb(returns), rel=1e-9)
    assert ours.cvar_95 == pytest.approx(vectorbt.cond_value_at_risk_1d_nb(returns), rel=1e-9)


def test_trade_figures_agree_with_backtesting_py(result: BacktestResult) -> None:
    pd = pytest.importorskip("pandas")
    stats = pytest.importorskip("backtesting._stats")
    closed = result.trades.filter(~pl.col("open"))
    theirs_in = pd.DataFrame(
        {
            "PnL": closed["pnl"], "ReturnPct": closed["return"], "EntryBar": 0, "ExitBar": 1,
            "Duration": pd.to_timedelta((closed["exit_time"] - closed["entry_time"]).to_numpy(), unit="ms"),
        }
    )  # fmt: skip
    equity = result.equity["equity"].to_numpy()
    index = pd.to_datetime(result.equity["time"].to_numpy(), unit="ms")
    theirs = stats.compute_stats(theirs_in, equity, pd.DataFrame({"Close": equity}, index=index), None)
    ours = trade_figures(result.trades)
    assert ours.trades == theirs["# Trades"]
    assert ours.hit_rate == pytest.approx(theirs["Win Rate [%]"] / 100.0, rel=1e-9)
    assert ours.expectancy_return == pytest.approx(theirs["Expectancy [%]"] / 100.0, rel=1e-9)


def trades_of(*results: float, risk: float | None = None) -> pl.DataFrame:
    count = len(results)
    known = {"pnl": results, "fees": [1.0] * count, "slippage": [0.5] * count, "return": [r / 100.0 for r in results],
             "bars": range(1, count + 1), "risk": [risk] * count, "open": [False] * count}  # fmt: skip
    columns = {name: known.get(name, [None] * count) for name in TRADE_SCHEMA}
    return pl.DataFrame(columns, schema=TRADE_SCHEMA)


def test_trade_figures_by_hand() -> None:
    found = trade_figures(trades_of(30.0, -10.0, 0.0, -5.0, risk=10.0))
    assert (found.trades, found.open_trades, found.pnl, found.fees, found.slippage) == (4, 0, 15.0, 4.0, 2.0)
    assert found.hit_rate == 0.25  # a trade that breaks even is no hit
    assert found.profit_factor == 2.0
    assert found.expectancy == 3.75
    assert found.expectancy_return == pytest.approx(0.0375)
    assert found.expectancy_r == pytest.approx(0.375)
    assert (found.average_bars, found.best, found.worst) == (2.5, 30.0, -10.0)


def test_an_open_trade_counts_in_the_result_but_not_in_the_rates() -> None:
    trades = pl.concat([trades_of(10.0), trades_of(-40.0).with_columns(open=pl.lit(True))])
    found = trade_figures(trades)
    assert (found.trades, found.open_trades, found.pnl, found.hit_rate) == (1, 1, -30.0, 1.0)


def test_undefined_is_none() -> None:
    none = trade_figures(trades_of())
    assert (none.trades, none.pnl) == (0, 0.0)
    assert none.hit_rate is none.profit_factor is none.expectancy is none.best is None
    assert trade_figures(trades_of(1.0, 2.0)).profit_factor is None
    time = np.arange(40_000) * MINUTE
    flat = curve_figures(time, np.full(40_000, 100.0), 100.0, MINUTE)
    assert (flat.total_return, flat.max_drawdown, flat.annual_return) == (0.0, 0.0, 0.0)
    assert flat.sharpe is flat.sortino is flat.calmar is flat.volatility is None
    rising = curve_figures(time, 100.0 * 1.0001 ** np.arange(1, 40_001), 100.0, MINUTE)
    assert rising.sharpe is rising.sortino is None  # its returns differ by rounding alone


def test_a_ruined_account_has_a_fall_but_no_ratios() -> None:
    found = curve_figures(np.arange(3) * 30 * DAY, np.array([100.0, 50.0, -20.0]), 100.0, DAY)
    assert found.total_return == pytest.approx(-1.2)
    assert found.max_drawdown == pytest.approx(-1.2)
    assert found.sharpe is found.annual_return is found.cvar_95 is None


def test_an_empty_curve_has_no_figures() -> None:
    found = curve_figures(np.empty(0, dtype=np.int64), np.empty(0), 100.0, MINUTE)
    assert set(found.model_dump().values()) == {None}


def test_a_day_is_not_blown_up_to_a_year() -> None:
    time = np.arange(1_440) * MINUTE
    found = curve_figures(time, 100.0 + np.arange(1_440) % 7, 100.0, MINUTE)
    assert found.annual_return is found.calmar is None
    assert found.sharpe is not None
    hour = curve_figures(time[:60], 100.0 + np.arange(60) % 7, 100.0, MINUTE)
    assert hour.sharpe is hour.sortino is hour.volatility is None
    assert hour.total_return is not None and hour.max_drawdown is not None


def test_a_market_that_sleeps_at_weekends_is_not_scaled_as_if_it_never_did() -> None:
    hours = np.arange(52 * 7 * 24)
    awake = hours[(hours // 24) % 7 < 5]
    equity = 100.0 * np.exp(np.cumsum(np.random.default_rng(2).normal(0.0, 1e-3, len(awake))))
    found = curve_figures(awake * 3_600_000, equity, 100.0, 3_600_000)
    by_hand = np.std(bar_returns(equity, 100.0), ddof=1) * math.sqrt(5 / 7 * 24 * 365.25)
    assert found.volatility == pytest.approx(by_hand, rel=0.005)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from([90.0, 95.0, 100.0, 105.0, 110.0, 120.0]), min_size=1, max_size=30))
def test_falls_agree_with_a_walk_along_the_curve(levels: list[float]) -> None:
    peak, since, deepest, longest, lengths = 100.0, 0, 0.0, 0, {}
    for i, level in enumerate(levels):
        if level >= peak:
            if any(lower < peak for lower in levels[since:i]):
                longest, lengths[since] = max(longest, i - since), i - since
            peak, since = level, i
        deepest = min(deepest, level / peak - 1.0)
    if levels[-1] < peak:
        longest, lengths[since] = max(longest, len(levels) - 1 - since), len(levels) - 1 - since
    found = drawdowns(np.arange(len(levels)) * 10, np.array(levels), 100.0)
    assert found.deepest == pytest.approx(deepest)
    assert found.longest == longest * 10
    assert found.duration == found.bars * 10
    assert deepest == 0.0 or found.bars in lengths.values()


def test_a_run_is_measured_after_its_warm_up(result: BacktestResult) -> None:
    found = compute_metrics(result, ROLES, LABELS)
    assert found.measured_bars == result.bars - result.warm_up
    assert found.bars_per_year == pytest.approx(365.25 * 1_440)
    assert found.final_equity == result.equity["equity"][-1]
    assert found.pnl == pytest.approx(found.final_equity - result.initial_equity)
    assert found.fees == pytest.approx(result.fills["fee"].sum())
    assert 0.0 < found.exposure < 1.0


def test_symbols_and_regimes_add_up_to_the_account(result: BacktestResult) -> None:
    found = compute_metrics(result, ROLES, LABELS)
    assert sum(s.total_return for s in found.per_symbol.values()) == pytest.approx(found.total_return)
    assert sum(s.turnover for s in found.per_symbol.values()) == pytest.approx(found.turnover)
    assert set(found.per_regime) <= set(LABELS["regime"])
    assert sum(r.trades for r in found.per_regime.values()) == found.trades
    for symbol in found.per_symbol.values():  # all of a symbol's change is in its trades
        assert symbol.pnl == pytest.approx(symbol.total_return * result.initial_equity)


def test_without_roles_there_are_no_symbol_curves_but_all_else(result: BacktestResult) -> None:
    found = compute_metrics(result)
    assert found.sharpe is not None
    assert all(s.sharpe is None and s.trades > 0 for s in found.per_symbol.values())


def test_a_run_without_trades_has_no_fake_figures(result: BacktestResult) -> None:
    idle = result.equity.with_columns(equity=pl.lit(10_000.0), gross=pl.lit(0.0))
    quiet = replace(result, fills=result.fills.clear(), trades=result.trades.clear(), equity=idle)
    found = compute_metrics(quiet, ROLES, LABELS)
    assert (found.trades, found.exposure, found.fees, found.turnover) == (0, 0.0, 0.0, 0.0)
    assert found.sharpe is found.hit_rate is found.profit_factor is None
    assert found.per_regime == {}


def test_a_run_shorter_than_its_warm_up_has_no_figures(result: BacktestResult) -> None:
    found = compute_metrics(replace(result, warm_up=result.bars, fills=result.fills.clear()), ROLES, LABELS)
    assert found.total_return is found.exposure is found.bars_per_year is None


def test_the_json_has_no_nan(result: BacktestResult) -> None:
    json.dumps(compute_metrics(result, ROLES, LABELS).model_dump(), allow_nan=False)


def test_vetoes_are_counted_by_bit() -> None:
    values = pl.DataFrame(
        {"time": range(5), "symbol": ["A"] * 5, "L4.veto": [0.0, 2.0, 3.0, None, float("nan")]}
    ).lazy()
    counts = veto_counts(values, ROLES, LABELS)
    assert [(c.name, c.bars) for c in counts] == [("no edge after costs", 2), ("spread too wide", 1)]
    assert counts[0].share == pytest.approx(2 / 3)
    assert veto_counts(values, {}, {}) == []


@pytest.mark.parametrize("every", ["1d", "1mo"])
def test_period_returns_compound_to_the_total(result: BacktestResult, every: str) -> None:
    periods = period_returns(result, every)
    assert math.prod(1.0 + p.value for p in periods) - 1.0 == pytest.approx(
        result.equity["equity"][-1] / result.initial_equity - 1.0
    )
    assert len({p.period for p in periods}) == len(periods)


def test_funding_is_what_was_paid_by_the_end() -> None:
    equity = pl.DataFrame({"time": [0], "equity": [1.0], "cash": [1.0], "gross": [0.0], "net": [0.0], "funding": [3.5],
                           "present": [1]},
                          schema=EQUITY_SCHEMA)  # fmt: skip
    made = made_result({"A": random_bars(np.random.default_rng(0), 50)})
    assert compute_metrics(replace(made, equity=equity, warm_up=0)).funding == 3.5


def test_the_drawdown_curve_knows_the_initial_equity() -> None:
    assert drawdown_curve(np.array([90.0, 120.0, 60.0]), 100.0).tolist() == pytest.approx([-0.1, 0.0, -0.5])


def test_steps_without_a_bar_count_neither_as_returns_nor_as_time_in_the_market(result: BacktestResult) -> None:
    """Three empty steps after each bar are as a market that is closed for three quarters of the day."""
    equity = result.equity.with_columns(pl.col("time").first() + (pl.col("time") - pl.col("time").first()) * 4)
    shown = [equity.with_columns(pl.col("time") + k * result.clock_ms, present=pl.lit(int(k == 0))) for k in range(4)]
    holed = compute_metrics(replace(result, equity=pl.concat(shown).sort("time"), warm_up=4 * result.warm_up))
    dense = compute_metrics(replace(result, equity=equity))
    for figure in ("cvar_95", "measured_bars", "bars_per_year", "volatility", "sharpe", "exposure", "leverage"):
        assert getattr(holed, figure) == pytest.approx(getattr(dense, figure)), figure


def test_vetoes_of_steps_without_a_bar_do_not_count(result: BacktestResult) -> None:
    every = compute_metrics(result, ROLES, LABELS).vetoes
    half = result.equity.with_columns(present=pl.int_range(pl.len()) % 2)
    assert sum(v.bars for v in compute_metrics(replace(result, equity=half), ROLES, LABELS).vetoes) < sum(
        v.bars for v in every
    )


def test_trades_before_the_end_of_the_warm_up_are_not_one_return() -> None:
    rng = np.random.default_rng(3)
    result = made_result({"AAA": random_bars(rng, 4_000)})
    decisions = result.fills["decision_time"].to_numpy()
    fifth = int(np.searchsorted(result.equity["time"].to_numpy(), decisions[9])) + 1
    late = compute_metrics(replace(result, warm_up=fifth), ROLES, LABELS)
    first = int(np.searchsorted(result.equity["time"].to_numpy(), decisions[0]))
    assert late == compute_metrics(replace(result, warm_up=first), ROLES, LABELS)
    assert late.measured_bars == 4_000 - first
