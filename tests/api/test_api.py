"""`import stratoquant as sq`: the same results as the commands, from frames of every library, and errors for people."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
import talib

import stratoquant as sq
from stratoquant.runtime.data.market import Market
from tests.tools.test_backtest import CROSS, ROOT
from tests.tools.test_backtest import run as command

BARS = 3_000


@pytest.fixture(scope="module")
def market() -> Market:
    return sq.synthetic(["BTCUSDT"], BARS, seed=4)


@pytest.fixture(scope="module")
def frame(market: Market) -> pl.DataFrame:
    [series] = market.series
    return pl.concat(list(series.frames(market.start, market.end))).select(
        "time", "open", "high", "low", "close", "volume"
    )


@pytest.fixture(scope="module")
def finished(market: Market) -> sq.Run:
    return sq.load(CROSS).backtest(market)


def test_a_run_is_that_of_the_command(finished: sq.Run, tmp_path: Path) -> None:
    done = json.loads(command("backtest", CROSS, "--bars", BARS, "--seed", 4, "--json", "-o", tmp_path / "run").stdout)
    assert finished.digest == done["digest"]
    assert finished.metrics.model_dump(mode="json") == done["metrics"]
    stored = sq.open_run(tmp_path / "run")
    assert stored.trades.equals(finished.trades)
    assert stored.fills.equals(finished.fills)
    assert stored.equity.equals(finished.equity)
    assert stored.values().equals(finished.values())
    assert finished.report.read_text(encoding="utf-8").startswith("<!doctype html>")


@pytest.mark.parametrize("library", ["polars", "lazy", "pandas", "indexed", "arrow"])
def test_frames_of_every_library_are_the_same_bars(frame: pl.DataFrame, finished: sq.Run, library: str) -> None:
    source = {
        "polars": lambda: frame,
        "lazy": lambda: frame.lazy(),
        "pandas": lambda: pd.DataFrame(frame.to_dict(as_series=False)),
        "indexed": lambda: pd.DataFrame(
            frame.drop("time").to_dict(as_series=False), index=pd.to_datetime(frame["time"].to_numpy(), unit="ms")
        ),
        "arrow": lambda: frame.to_arrow(),
    }[library]()
    market = sq.bars(source, symbol="BTCUSDT")
    plain = sq.bars(frame, symbol="BTCUSDT")
    ours, theirs = (next(m.blocks(BARS)) for m in (market, plain))
    assert ours.times.tolist() == theirs.times.tolist()
    assert ours.events.tobytes() == theirs.events.tobytes()
    assert market.symbols == finished.symbols


def test_a_parameter_set_in_python_is_one_set_on_the_command_line(market: Market, tmp_path: Path) -> None:
    ours = sq.load(CROSS, set={"fast.window": 20}).backtest(market)
    asked = ("--bars", BARS, "--seed", 4, "--set", "fast.window=20")
    theirs = json.loads(command("backtest", CROSS, *asked, "--json", "-o", tmp_path / "run").stdout)
    assert ours.digest == theirs["digest"]


def test_a_wiring_says_what_is_wrong_with_it(tmp_path: Path) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text(Path(CROSS).read_text(encoding="utf-8").replace("fast.value", "fast.valu"), encoding="utf-8")
    for name in ("minimal_risk.yaml",):
        (tmp_path / name).write_text((ROOT / "specs" / name).read_text(encoding="utf-8"), encoding="utf-8")
    wiring = sq.load(bad)
    assert not wiring.sound
    assert "errors, see .findings" in repr(wiring)
    with pytest.raises(sq.WiringError, match="has no output `valu`"):
        wiring.backtest(sq.synthetic(["BTCUSDT"], 500))
    good = sq.load(CROSS)
    assert repr(good) == "<Wiring sma_cross: 11 nodes, BTCUSDT>"
    assert good.warmup == 399 and len(good.fingerprint) == 16
    assert "crossover" in good.draw() and good.draw("dot").startswith("digraph")
    with pytest.raises(ValueError, match="choose text, mermaid, dot"):
        good.draw("picture")


def test_errors_are_for_people(finished: sq.Run, frame: pl.DataFrame, tmp_path: Path) -> None:
    with pytest.raises(sq.StratoError, match=r"signal\.side was not recorded\n  fix: record it in the wiring"):
        finished.values(["signal.side"])
    with pytest.raises(sq.StratoError, match="holds no run"):
        sq.open_run(tmp_path)
    with pytest.raises(sq.DataError, match="D012"):
        sq.load(CROSS).backtest(sq.bars(frame.with_columns(volume=-1.0), symbol="BTCUSDT"))
    with pytest.raises(TypeError, match="not from int"):
        sq.bars(5)
    with pytest.raises(AttributeError, match="nothing_like_this"):
        sq.nothing_like_this  # noqa: B018


def test_runs_are_compared_by_their_figures(market: Market, finished: sq.Run) -> None:
    other = sq.load(CROSS, set={"fast.window": 20}).backtest(market)
    table = sq.compare([finished, other])
    row = table.filter(pl.col("figure") == "trades").row(0)
    assert row[1:] == (float(finished.metrics.trades), float(other.metrics.trades))


def test_a_layer_alone_is_talibs(frame: pl.DataFrame) -> None:
    close = frame["close"]
    found = sq.layer("sma")(close=close, window=30)
    assert isinstance(found["value"], pl.Series)
    np.testing.assert_allclose(found["value"].to_numpy(), talib.SMA(close.to_numpy(), 30), rtol=1e-12)
    series = pd.Series(close.to_numpy(), index=pd.RangeIndex(5, 5 + len(close)))
    assert sq.layer("sma")(close=series, window=30)["value"].index.equals(series.index)
    assert isinstance(sq.layer("L14")(close=close.to_numpy())["rsi"], np.ndarray)
    with pytest.raises(TypeError, match="takes close, window, not windw"):
        sq.layer("sma")(close=close, windw=30)
    with pytest.raises(TypeError, match="needs close"):
        sq.layer("sma")(window=30)
    with pytest.raises(KeyError, match="is no layer"):
        sq.layer("L1000")


def test_pine_is_that_of_the_command(tmp_path: Path) -> None:
    done = command("mirror", "pine", CROSS, "-o", "-")
    assert sq.load(CROSS).pine() == done.stdout


def test_importing_loads_nothing_heavy_and_nothing_twice() -> None:
    code = (
        "import sys, stratoquant as sq; print(sq.__version__); "
        "heavy = {'polars', 'numba', 'networkx', 'pandas', 'numpy', 'pydantic', 'torch', 'ccxt'} & set(sys.modules); "
        "sq.load; sq.layer; "
        "twice = {'graph', 'layers', 'runtime', 'mirror', 'tools', 'config'} & set(sys.modules); print(heavy, twice)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.split("\n")[1] == "set() set()"
