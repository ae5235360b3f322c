"""The limits of the account as a user meets them: in the settings, in the summary, and where the account is used up."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from stratoquant.runtime.data.synthetic import synthesise
from tests.tools.shell import ROOT, Shell, shell

__all__ = ["shell"]

HUGE = """\
stratoquant: 1
name: huge
clock: 1m
symbols: [BTCUSDT]
include: [{cross}]
override:
  fast: {{params: {{window: 3}}}}
  slow: {{params: {{window: 12}}}}
  L4: {{inputs: {{notional: 4000000, allowed: 4000000}}}}
"""
BARE_VENUE = "venue: {maintenance: 0, max_leverage: 0, participation: 0, impact: 0}\n"


@pytest.fixture
def folder(shell: Shell) -> Shell:
    Path("huge.yaml").write_text(HUGE.format(cross=ROOT / "specs" / "sma_cross.yaml"), encoding="utf-8")
    return shell


def backtest(shell: Shell, *arguments: str) -> dict:
    assert shell.run("backtest", "huge.yaml", "-o", "out", "--json", *arguments) == 0, shell.err
    return json.loads(shell.out)


def largest_gross() -> float:
    equity = pl.read_parquet("out/equity.parquet")
    return float((equity["gross"] / equity["equity"]).max())


def test_a_size_in_the_wiring_cannot_change_the_limits(folder: Shell) -> None:
    synthesise(("BTCUSDT",), 3000, 4).write_parquet("bars.parquet")
    Path("half.yaml").write_text("limits: {position: 0.5}\n", encoding="utf-8")
    found = backtest(folder, "--data", "bars.parquet", "--config", "half.yaml")
    assert found["held_back"]["position"] > 10
    assert 0.4 < largest_gross() < 0.51  # beyond the limit only by the move of the price
    off = BARE_VENUE + "limits: {position: off, gross: off, order: off}\n"
    Path("off.yaml").write_text(off, encoding="utf-8")
    backtest(folder, "--data", "bars.parquet", "--config", "off.yaml")
    assert largest_gross() > 20.0


def test_the_summary_and_the_run_say_which_limit_held_orders_back(folder: Shell) -> None:
    synthesise(("BTCUSDT",), 3000, 4).write_parquet("bars.parquet")
    assert folder.run("backtest", "huge.yaml", "--data", "bars.parquet", "-o", "out") == 0
    assert "orders held back by" in folder.out
    kept = json.loads(Path("out/result.json").read_text(encoding="utf-8"))
    assert kept["limits"]["position"] == 1.0
    assert kept["held_back"]["position"] > 0


@pytest.mark.parametrize("written", ["0", "-1", ".inf", "true", "none", "lots"])
def test_only_the_word_off_is_no_limit(folder: Shell, written: str) -> None:
    Path("bad.yaml").write_text(f"cash: 1000\nlimits:\n  gross: {written}\n", encoding="utf-8")
    assert folder.run("backtest", "huge.yaml", "--config", "bad.yaml", "-o", "out") == 1
    assert "bad.yaml:3:3: error S002: `limits.gross`" in folder.err
    assert not Path("out").exists()


def test_an_unknown_limit_is_named(folder: Shell) -> None:
    Path("bad.yaml").write_text("limits:\n  grss: 2\n", encoding="utf-8")
    assert folder.run("backtest", "huge.yaml", "--config", "bad.yaml") == 1
    assert "unknown setting `limits.grss`" in folder.err and "did you mean `gross`?" in folder.err


def crash(at: int, bars: int) -> pl.DataFrame:
    """A price that climbs, and opens at a tenth of it one minute later."""
    close = 100.0 * 1.0005 ** np.arange(bars)
    close[at:] *= 0.1
    before = np.r_[close[0], close[:-1]]
    before[at] = close[at]
    return pl.DataFrame(
        {
            "time": 1_700_000_040_000 + 60_000 * np.arange(bars),
            "symbol": "BTCUSDT",
            "open": before,
            "high": np.maximum(before, close),
            "low": np.minimum(before, close),
            "close": close,
            "volume": 1e6,
        }
    )


def test_an_account_that_is_used_up_ends_the_run_with_a_figure(folder: Shell) -> None:
    crash(300, 500).write_parquet("bars.parquet")
    config = BARE_VENUE + "limits: {position: off, gross: off, order: off, day_loss: off}\n"
    Path("bare.yaml").write_text(config, encoding="utf-8")
    assert folder.run("backtest", "huge.yaml", "--data", "bars.parquet", "--config", "bare.yaml", "-o", "out") == 0
    equity = pl.read_parquet("out/equity.parquet")
    assert equity.height == 301
    assert equity["equity"][-1] < 0.0 < equity["equity"][-2]
    said = " ".join(folder.out.split())
    assert f"The account is used up: equity is {equity['equity'][-1]:,.2f} at the close of" in said
    kept = json.loads(Path("out/result.json").read_text(encoding="utf-8"))
    assert kept["ruined"] is True
    assert kept["end_ms"] == int(equity["time"][-1]) + 60_000
