"""What a market must not hide: holes, ends, untold volume, splits and impossible funding. A run says each of them."""

from __future__ import annotations

import json
from math import inf
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from stratoquant.graph.clock import DAY_MS
from stratoquant.runtime.data.check import check_table
from stratoquant.runtime.data.findings import Finding
from stratoquant.runtime.data.market import market_from
from stratoquant.runtime.data.survey import Survey, survey_of
from stratoquant.runtime.data.synthetic import synthesise
from tests.runtime.bars import MINUTE, T0, bars, changed
from tests.tools.test_backtest import CROSS, run

DAY = DAY_MS // MINUTE
WEEK = np.arange(7 * 24)  # hours


def survey(table: pl.DataFrame, clock: int = MINUTE) -> Survey:
    return survey_of(market_from(table, clock_ms=clock))


def found(table: pl.DataFrame, clock: int = MINUTE) -> dict[str, Finding]:
    return {finding.code: finding for finding in survey(table, clock).findings}


def hours(*parts: np.ndarray, symbol: str = "AAA") -> pl.DataFrame:
    return bars(np.concatenate(parts), symbol, clock=60 * MINUTE)


def test_an_ordinary_market_has_no_finding() -> None:
    assert not survey(bars(5000)).findings
    assert not survey(synthesise(["A", "B"], 20_000, 3)).findings


def test_a_long_hole_is_a_warning_and_one_that_makes_up_the_run_an_error() -> None:
    warned = found(hours(WEEK, WEEK + 14 * 24, WEEK + 21 * 24), 60 * MINUTE)["D041"]
    assert warned.severity == "warning"
    assert "7 days" in warned.detail
    refused = found(hours(WEEK, WEEK + 5 * 365 * 24), 60 * MINUTE)["D041"]
    assert refused.severity == "error"
    assert "2023-11-21T22:00" in refused.hint
    assert "2028-11-12T22:00" in refused.hint


def test_weekends_are_no_holes_and_a_hole_is_one_of_all_symbols() -> None:
    sessions = np.concatenate([np.arange(d * 24, d * 24 + 7) for d in range(60) if d % 7 < 5])
    assert "D041" not in found(hours(sessions), 60 * MINUTE)
    apart = pl.concat([hours(WEEK, WEEK + 21 * 24), hours(WEEK + 7 * 24, WEEK + 14 * 24, symbol="BBB")])
    assert "D041" not in found(apart, 60 * MINUTE)


def test_a_symbol_that_ends_is_named_with_its_last_bar() -> None:
    table = pl.concat([hours(WEEK), hours(WEEK, WEEK + 7 * 24, symbol="BBB")])
    known = survey(table, 60 * MINUTE)
    assert [s.ended for s in known.symbols] == [True, False]
    assert known.symbols[0].facts()["ends"] == T0 + int(WEEK[-1]) * 60 * MINUTE
    assert known.symbols[1].facts()["ends"] == inf
    assert [f.code for f in known.findings] == ["D043"]


def test_volume_is_untold_where_no_bar_has_any() -> None:
    silent = bars(100).with_columns(volume=0.0)
    assert found(silent)["D042"].severity == "warning"
    assert survey(silent).symbols[0].facts()["untold"] == 1.0
    assert "D042" not in found(changed(silent, 50, volume=1.0))


def stepped(factor: float) -> pl.DataFrame:
    """Bars whose prices are multiplied by a factor from the twentieth on."""
    later = pl.int_range(pl.len()) >= 20
    names = ("open", "high", "low", "close")
    return bars(40).with_columns(pl.when(later).then(pl.col(n) * factor).otherwise(pl.col(n)).alias(n) for n in names)


@pytest.mark.parametrize(("factor", "named"), [(0.25, "4:1"), (0.2558, "4:1"), (0.5, "2:1"), (10.3, "1:10")])
def test_a_split_is_named_with_its_ratio(factor: float, named: str) -> None:
    assert named in found(stepped(factor))["D044"].detail
    assert "D044" in {finding.code for finding in check_table(stepped(factor), "table")}


def test_a_crash_is_no_split() -> None:
    assert "D044" not in found(stepped(0.6))


@pytest.mark.parametrize("rate", [5.0, -0.5, 0.06])
def test_a_funding_rate_beyond_reason_is_named(rate: float) -> None:
    table = bars(40).with_columns(funding_rate=pl.when(pl.int_range(pl.len()) == 7).then(rate).otherwise(None))
    assert f"{rate:.4g}" in found(table)["D045"].detail
    assert "D045" not in found(table.with_columns(pl.col("funding_rate") * 0.005))


def test_a_run_says_what_is_unusual_and_closes_what_ends(tmp_path: Path) -> None:
    ended = synthesise(["BTCUSDT"], 4000, 4)
    goes_on = synthesise(["ETHUSDT"], 4000 + 7 * DAY, 5)
    pl.concat([ended, goes_on]).write_parquet(tmp_path / "both.parquet")
    options = ("--data", tmp_path / "both.parquet", "--symbols", "BTCUSDT,ETHUSDT", "--json", "-o", tmp_path / "run")
    done = run("backtest", CROSS, *options)
    assert "D043" in done.stderr
    assert any(note.startswith("D043 BTCUSDT") for note in json.loads(done.stdout)["notes"])
    fills = pl.read_parquet(tmp_path / "run" / "fills.parquet").filter(pl.col("symbol") == "BTCUSDT")
    last = fills.row(-1, named=True)
    assert (last["reason"], last["position"]) == ("end", 0.0)
    assert last["time"] == ended["time"][-1] + MINUTE
    assert fills.height > 2


def test_a_run_over_a_hole_that_makes_up_most_of_it_is_refused_with_a_way_that_works(tmp_path: Path) -> None:
    made = synthesise(["BTCUSDT"], 6000, 4)
    later = pl.when(pl.int_range(pl.len()) >= 3000).then(pl.col("time") + 400 * DAY_MS).otherwise(pl.col("time"))
    made.with_columns(time=later).write_parquet(tmp_path / "bars.parquet")
    refused = run("backtest", CROSS, "--data", tmp_path / "bars.parquet", "-o", tmp_path / "run")
    assert refused.returncode == 1
    assert "D041" in refused.stderr
    start = refused.stderr.split("--start ")[1].split(".")[0]
    options = ("--data", tmp_path / "bars.parquet", "--start", start, "-o", tmp_path / "run", "--json")
    part = run("backtest", CROSS, *options)
    assert json.loads(part.stdout)["bars"] == (made["time"][-1] - made["time"][3000]) // MINUTE + 1
