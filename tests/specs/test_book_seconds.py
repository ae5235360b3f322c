"""The master wiring on a recorded order book: by the commands from the recording to the report, and bit for bit."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from stratoquant.graph.compiler import checked_or_raise
from stratoquant.graph.passes.p6_warmup import measure_warmup
from stratoquant.graph.plan import compile_plan
from stratoquant.graph.session import Session
from stratoquant.layers import catalogue
from stratoquant.runtime.data.store import open_market
from stratoquant.runtime.venue import SIMULATED, VenueSettings
from tests.runtime.bars import recorded
from tests.tools.shell import ROOT, Shell, shell

__all__ = ["shell"]
WIRING = ROOT / "specs" / "book_seconds.yaml"
RECORDING = "book/binance_spot_btcusdt_20240808"
FORCED = Path(__file__).with_name("forced_book.yaml")
SECOND = 1000


def store(shell: Shell, folder: Path) -> None:
    depth, trades = (str(recorded(f"{RECORDING}_{kind}.parquet")) for kind in ("depth", "trades"))
    folder.mkdir()
    assert shell.run("data", "book", depth, trades, str(folder), "--symbol", "BTCUSDT", "--every", "1s") == 0, shell.err


def test_orders_can_be_made_in_the_first_half_of_the_recording() -> None:
    graph = checked_or_raise(WIRING, catalogue()).graph
    assert graph is not None
    late = {key: bars for key, bars in measure_warmup(graph).total.items() if bars > 325}
    assert measure_warmup(graph).orders <= 325, late


@pytest.mark.slow
def test_the_recording_is_backtested_by_the_commands(shell: Shell) -> None:
    store(shell, Path("bars"))
    command = ("backtest", str(WIRING), "--data", "bars", "--json", "--out")
    assert shell.run(*command, "honest") == 0, shell.err
    honest = json.loads(shell.out)
    assert honest["bars"] == 649
    vetoes = {veto["name"]: veto["bars"] for veto in honest["metrics"]["vetoes"]}
    # In eleven minutes no opinion beats its base rate, so none is taken: what would trade has no size.
    assert honest["trades"] == 0 and vetoes["no size"] > 100
    assert vetoes["missing input"] < 400
    assert shell.run("backtest", str(FORCED), "--data", "bars", "--json", "--out", "open") == 0, shell.err
    opened = json.loads(shell.out)
    assert opened["trades"] > 0 and opened["digest"] != honest["digest"]
    assert Path("open/report.html").exists()
    fills = pl.read_parquet("open/fills.parquet")
    assert fills["price"].is_between(61_500, 61_900).all()


@pytest.mark.slow
def test_the_book_reaches_the_layers_and_the_run_is_the_same_in_blocks_and_steps(shell: Shell) -> None:
    store(shell, Path("bars"))
    market = open_market("bars", ["BTCUSDT"], SECOND)
    (block,) = market.blocks(1000)
    times, events = block.times.copy(), block.events.copy()
    plan = compile_plan(checked_or_raise(FORCED, catalogue()), SIMULATED, market.symbols)

    def session() -> Session:
        rules = [{"tick": 0.01, "lot": 1e-5, "min_notional": 5.0}]
        record = ["L0.has_book", "L10.from_book", "L8.mid", "L10.buy"]
        return Session(plan, VenueSettings(), cash=100_000.0, rules=rules, record=record, audit=True)

    whole = session()
    fills: list[np.ndarray] = []
    has_book, from_book, mid, cost = whole.run(times, events, lambda log: fills.append(log.copy())).symbols[:, 0].T
    assert whole.violation() is None
    assert len(np.concatenate(fills)) > 0
    assert (has_book == 1.0).all()
    assert (from_book[~np.isnan(from_book)] == 1.0).all() and np.isfinite(cost[400:]).all()
    middle = (events["bid_px"][:, 0, 0] + events["ask_px"][:, 0, 0]) / 2.0
    np.testing.assert_allclose(mid, middle, rtol=1e-12)
    blocks, single = session(), session()
    for start in range(0, len(times), 64):
        blocks.run(times[start : start + 64], events[start : start + 64])
    for at in range(len(times)):
        single.step(int(times[at]), events[at])
    assert blocks.digest() == single.digest() == whole.digest()
