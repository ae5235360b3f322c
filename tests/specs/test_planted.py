"""The master on markets with a known answer: planted edges pay, markets without one are left alone, and the cost gate
charges what is paid."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import polars as pl
import pytest

from tests.tools.test_backtest import ROOT, run

BARS, MINUTE, T0 = 60_000, 60_000, 1_700_000_400_000
MASTER = ROOT / "specs" / "wiring_master.yaml"
FORCED = Path(__file__).with_name("forced_master.yaml")


def logs(name: str) -> np.ndarray:
    """The logarithm of the price at each close."""
    random, t = np.random.default_rng(1), np.arange(BARS)
    if name == "sine":
        return 0.02 * np.sin(2 * np.pi * t / 480) + random.normal(0, 3e-4, BARS)
    if name == "drift":
        return np.cumsum(np.repeat(random.choice([-1, 1], BARS // 500), 500) * 1.5e-4 + random.normal(0, 5e-4, BARS))
    if name == "t3":
        return np.cumsum(random.standard_t(3, BARS) * 3e-4)
    steps = random.normal(0, 5e-4, BARS)
    if name == "autoregressive":
        for i in range(1, BARS):
            steps[i] += 0.3 * steps[i - 1]
    return np.cumsum(steps)


def bars(name: str) -> pl.DataFrame:
    close, random = 100.0 * np.exp(logs(name)), np.random.default_rng(2)
    open_ = np.r_[close[0], close[:-1]]
    wick = 1.0 + np.abs(random.normal(0, 1.5e-4, (2, BARS)))
    return pl.DataFrame(
        {
            "time": T0 + np.arange(BARS) * MINUTE,
            "open": open_,
            "high": np.maximum(open_, close) * wick[0],
            "low": np.minimum(open_, close) / wick[1],
            "close": close,
            "volume": random.lognormal(10.0, 0.5, BARS),
            "symbol": "AAA",
        }
    )


@dataclass(frozen=True)
class Result:
    metrics: dict
    trades: pl.DataFrame


@cache
def traded(name: str, forced: bool = False) -> Result:
    with TemporaryDirectory() as folder:
        here = Path(folder)
        bars(name).write_parquet(here / "bars.parquet")
        wiring = FORCED if forced else MASTER
        done = run(
            "backtest", wiring, "--data", here / "bars.parquet", "--symbols", "AAA", "--json", "-o", here / "run"
        )
        assert done.returncode == 0, done.stderr
        trades = pl.read_parquet(here / "run" / "trades.parquet").filter(~pl.col("open"))
        return Result(json.loads(done.stdout)["metrics"], trades)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["sine", "drift"])
def test_a_planted_edge_pays(name: str) -> None:
    result = traded(name)
    assert result.trades.height > 500
    assert result.metrics["total_return"] > 0.5


@pytest.mark.slow
@pytest.mark.parametrize("name", ["walk", "t3", "autoregressive"])
def test_a_market_without_an_edge_above_cost_is_left_alone(name: str) -> None:
    assert traded(name).metrics["total_return"] >= -0.003


@pytest.mark.slow
@pytest.mark.parametrize("name", ["walk", "t3", "autoregressive"])
def test_the_gate_charges_what_round_trips_cost(name: str) -> None:
    cost = traded(name, forced=True).metrics["calibration"]["cost"]
    assert cost["trades"] >= 30
    assert 0.8 < cost["ratio"] < 1.2


@pytest.mark.slow
@pytest.mark.parametrize("name", ["sine", "drift"])
def test_the_gate_charges_what_round_trips_cost_on_the_whole(name: str) -> None:
    """Where most trades end at a resting target, the dear ones at a stop are few: the mean is above the median."""
    result = traded(name)
    paid = (pl.col("fees") + pl.col("slippage")).sum() / (pl.col("qty") * pl.col("entry_price")).sum() * 1e4
    assert 0.8 < result.metrics["calibration"]["cost"]["charged"] / result.trades.select(paid).item() < 1.3
