"""Calibration against scikit-learn, pandas, and forecasters whose quality is known."""

from __future__ import annotations

from io import StringIO

import numpy as np
import pandas as pd
import polars as pl
import pytest
from rich.console import Console
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss

from stratoquant.graph.forecasts import ForecastPort, forecast_ports, undeclared_chances
from stratoquant.runtime.calibration import Calibration, calibrate
from stratoquant.runtime.report.calibration_tables import print_calibration
from stratoquant.runtime.results import TRADE_SCHEMA, VALUE_KEYS
from tests.graph.plans import checked
from tests.layers.real_data import real_bars

ROLES = {"close": "L0.close", "charged": "gate.costs"}
NO_TRADES = pl.DataFrame(schema=TRADE_SCHEMA)
NO_DECISIONS = pl.DataFrame(schema=VALUE_KEYS)
MINUTE = 60_000


def recorded(close: dict[str, np.ndarray], **ports: dict[str, np.ndarray]) -> pl.DataFrame:
    """A run's values, symbols side by side as a run writes them."""
    parts = []
    for symbol, own in close.items():
        columns = {"time": np.arange(len(own)) * MINUTE, "symbol": [symbol] * len(own), "L0.close": own}
        parts.append(pl.DataFrame(columns | {name.replace("__", "."): by[symbol] for name, by in ports.items()}))
    return pl.concat(parts).sort("time", maintain_order=True)


def walks(seed: int, count: int = 20_000) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {s: 100.0 * np.exp(np.cumsum(rng.normal(0.0, 1e-3, count))) for s in ("A", "B")}


def calibrated(values: pl.DataFrame, *forecasts: ForecastPort) -> Calibration:
    return calibrate(values.lazy(), NO_TRADES, NO_DECISIONS, ROLES, forecasts)


def outcomes(values: pl.DataFrame, horizon: int) -> pd.DataFrame:
    """Every forecast with its outcome, by pandas."""
    frame = pd.DataFrame(values.to_dict(as_series=False))
    frame = frame[np.isfinite(frame["L0.close"])].copy()
    frame["later"] = frame.groupby("symbol")["L0.close"].shift(-horizon)
    return frame.dropna()


@pytest.mark.parametrize("horizon", [1, 7, 60])
def test_brier_score_and_bins_are_those_of_scikit_learn(horizon: int) -> None:
    close = walks(1)
    rng = np.random.default_rng(2)
    said = {s: np.where(rng.random(len(x)) < 0.1, np.nan, rng.beta(2, 3, len(x))) for s, x in close.items()}
    close["A"][5000:5100] = np.nan  # bars that do not exist
    values = recorded(close, L66__p_up=said)
    (found,) = calibrated(values, ForecastPort("L66.p_up", "chance", horizon)).chances
    pairs = outcomes(values, horizon)
    happened = (pairs["later"] > pairs["L0.close"]).to_numpy()
    assert found.count == len(pairs)
    assert found.brier == pytest.approx(brier_score_loss(happened, pairs["L66.p_up"]), rel=1e-12)
    base = np.full(len(pairs), happened.mean())
    assert found.base_brier == pytest.approx(brier_score_loss(happened, base), rel=1e-12)
    realised, forecast = calibration_curve(happened, pairs["L66.p_up"], n_bins=10)
    assert [b.realised for b in found.bins] == pytest.approx(realised, rel=1e-12)
    assert [b.forecast for b in found.bins] == pytest.approx(forecast, rel=1e-12)


def test_a_forecaster_that_knows_the_odds_beats_the_base_rate_and_lies_on_the_diagonal() -> None:
    rng = np.random.default_rng(3)
    odds = rng.uniform(0.05, 0.95, 40_000)
    rises = rng.random(40_000) < odds
    close = 100.0 * np.exp(np.cumsum(np.concatenate([[0.0], np.where(rises, 1e-3, -1e-3)])))
    values = recorded({"A": close}, L66__p_up={"A": np.append(odds, np.nan)})
    (found,) = calibrated(values, ForecastPort("L66.p_up", "chance", 1)).chances
    assert found.beats_base_rate and found.brier == pytest.approx(np.mean(odds * (1.0 - odds)), abs=0.003)
    assert max(abs(b.forecast - b.realised) for b in found.bins) < 0.03
    turned = recorded({"A": close}, L66__p_up={"A": np.append(1.0 - odds, np.nan)})
    (worse,) = calibrated(turned, ForecastPort("L66.p_up", "chance", 1)).chances
    assert not worse.beats_base_rate


def test_a_chance_of_a_side_is_judged_on_that_side_and_not_where_there_is_none() -> None:
    close = walks(4)
    rng = np.random.default_rng(5)
    side = {s: rng.choice([-1.0, 0.0, 1.0], len(x)) for s, x in close.items()}
    said = {s: rng.uniform(0.3, 0.7, len(x)) for s, x in close.items()}
    values = recorded(close, L7__p_win=said, L3__direction=side)
    (found,) = calibrated(values, ForecastPort("L7.p_win", "chance", 5, side="L3.direction")).chances
    pairs = outcomes(values, 5).query("`L3.direction` != 0")
    won = np.sign(pairs["later"] - pairs["L0.close"]) == pairs["L3.direction"]
    assert found.count == len(pairs) and found.base_rate == pytest.approx(won.mean())
    assert found.brier == pytest.approx(brier_score_loss(won, pairs["L7.p_win"]))


def test_quintiles_of_expectancy_are_those_of_pandas() -> None:
    close = walks(6)
    rng = np.random.default_rng(7)
    side = {s: rng.choice([-1.0, 1.0], len(x)) for s, x in close.items()}
    said = {s: rng.normal(0.0, 9.0, len(x)) for s, x in close.items()}
    cost = {s: rng.uniform(1.0, 4.0, len(x)) for s, x in close.items()}
    values = recorded(close, L7__expectancy=said, L3__direction=side, L10__buy=cost)
    port = ForecastPort("L7.expectancy", "expectancy", 9, side="L3.direction", cost="L10.buy")
    (found,) = calibrated(values, port).expectancies
    pairs = outcomes(values, 9)
    pairs["net"] = pairs["L3.direction"] * np.log(pairs["later"] / pairs["L0.close"]) * 1e4 - 2.0 * pairs["L10.buy"]
    expected = pairs.groupby(pd.qcut(pairs["L7.expectancy"], 5), observed=True)[["L7.expectancy", "net"]].mean()
    assert [g.forecast for g in found.quintiles] == pytest.approx(expected["L7.expectancy"].tolist(), abs=0.01)
    assert [g.realised for g in found.quintiles] == pytest.approx(expected["net"].tolist(), abs=0.05)
    assert sum(g.count for g in found.quintiles) == found.count == len(pairs)


def test_forecasts_on_real_bars_do_not_overlap_more_often_than_their_horizon_allows() -> None:
    close = {"A": real_bars("binance_btcusdt_1m", 20_000)["close"]}
    values = recorded(close, L66__p_up={"A": np.full(20_000, 0.5)})
    (found,) = calibrated(values, ForecastPort("L66.p_up", "chance", 60)).chances
    assert found.independent == found.count // 60 == (20_000 - 60) // 60
    assert found.brier == pytest.approx(0.25)


def test_a_port_that_passes_a_forecast_on_is_named_beside_it() -> None:
    close = walks(8)
    said = {s: np.full(len(x), 0.6) for s, x in close.items()}
    values = recorded(close, L66__p_up=said, L73__p_up=said)
    found = calibrated(values, *(ForecastPort(f"{node}.p_up", "chance", 5) for node in ("L66", "L73")))
    assert [c.ports for c in found.chances] == [["L66.p_up", "L73.p_up"]]


def test_what_was_not_recorded_is_named() -> None:
    values = recorded(walks(9))
    found = calibrated(values, ForecastPort("L7.p_win", "chance", 5, side="L3.direction"))
    assert found.lacking == {"L7.p_win": ["L7.p_win", "L3.direction"]} and not found.chances
    without = calibrate(values.lazy(), NO_TRADES, NO_DECISIONS, {}, (ForecastPort("L66.p_up", "chance", 5),))
    assert without.lacking == {"L66.p_up": ["L66.p_up", "the role close"]}


def round_trips(charged: list[float], paid: list[float]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Closed trades of 2 units at 50 that paid so many bps, and the decisions that were charged so many."""
    rows = len(paid)
    times = [MINUTE * k for k in range(rows)]
    blank: dict[str, object] = {name: [None] * rows for name in TRADE_SCHEMA}
    trades = pl.DataFrame(
        blank
        | {"symbol": ["A"] * rows, "decision_time": times, "qty": [2.0] * rows, "entry_price": [50.0] * rows}
        | {"fees": [p * 0.6 * 0.01 for p in paid], "slippage": [p * 0.4 * 0.01 for p in paid], "open": [False] * rows},
        schema=TRADE_SCHEMA,
    )
    return trades, pl.DataFrame({"time": times, "symbol": ["A"] * rows, "gate.costs": charged})


def test_cost_is_compared_per_round_trip() -> None:
    trades, decisions = round_trips([10.0, 20.0, 30.0, np.nan], [10.0, 10.0, 10.0, 10.0])
    found = calibrate(recorded(walks(1)).lazy(), trades, decisions, ROLES, ()).cost
    assert found is not None and found.trades == 3
    assert (found.charged, found.paid, found.ratio) == pytest.approx((20.0, 10.0, 2.0))
    assert (found.low, found.high) == pytest.approx((1.5, 2.5))


def test_forecasts_are_resolved_along_the_wires() -> None:
    graph = checked("""
stratoquant: 1
clock: 1m
nodes:
  L66: {inputs: {edge: 0.5, close: 100}, params: {horizon: 30}}
  L73: {inputs: {p_cal: L66.p_up, label: 0}}
  L67:
    inputs: {direction: 1, edge: 0.5, sigma: 0.1, vol_rank: 0.5, tradeability: 0.5, agreement: 0.5, p_win: 0.5}
record: [L66.p_up, L73.p_up, L67.p_take]
""").graph
    assert graph is not None
    assert forecast_ports(graph) == tuple(ForecastPort(f"{n}.p_up", "chance", 30) for n in ("L66", "L73"))
    assert undeclared_chances(graph) == ("L67.p_take",), "what it passes on is a constant, no forecast"


@pytest.mark.parametrize("width", [60, 80, 120])
def test_the_tables_fit_the_terminal(width: int) -> None:
    close = walks(10)
    rng = np.random.default_rng(11)
    said = {s: rng.random(len(x)) for s, x in close.items()}
    values = recorded(close, L66__p_up=said, L7__expectancy=said)
    found = calibrated(values, ForecastPort("L66.p_up", "chance", 60), ForecastPort("L7.expectancy", "expectancy", 60))
    console = Console(width=width, record=True, file=StringIO())
    print_calibration(found, console)
    text = console.export_text()
    assert "…" not in text and max(map(len, text.splitlines())) <= width
    for group in (*found.chances[0].bins, *found.expectancies[0].quintiles):
        assert f"{group.count:,}" in text
