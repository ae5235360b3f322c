"""Bars with a book from recordings: a replay in plain dictionaries, the recorded tickers and polars say the same."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from stratoquant.graph.clock import parse_clock
from stratoquant.graph.market import BOOK_LEVELS
from stratoquant.runtime.data.bars import SCHEMA
from stratoquant.runtime.data.book import Built, build
from stratoquant.runtime.data.findings import DataError
from stratoquant.runtime.data.store import open_market
from tests.runtime.bars import T0, changed, recorded

RECORDINGS = (
    "binance_spot_btcusdt_20240808",
    "binance_usdm_btcusdt_20230404",
    "binance_usdm_btcusdt_20240808",
    "binance_usdm_ethusdt_20240808",
)
NS = 1_000_000
Ladder = list[tuple[float, float]]


@cache
def rows(name: str, kind: str) -> pl.DataFrame:
    return pl.read_parquet(recorded(f"book/{name}_{kind}.parquet"))


@cache
def built(name: str, clock: str) -> pl.DataFrame:
    """The bars of a recording, read back from the store."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        sources = (recorded(f"book/{name}_{kind}.parquet") for kind in ("depth", "trades"))
        return pl.read_parquet(build(*sources, folder, "BTCUSDT", parse_clock(clock)).file)


def replayed(depth: pl.DataFrame, moments: list[int]) -> list[tuple[Ladder, Ladder]]:
    """The ten best bids and asks before each moment, in nanoseconds: dictionaries, a row at a time, from the start."""
    bids: dict[float, float] = {}
    asks: dict[float, float] = {}
    kept: list[tuple[int, int, float, float]] = []
    told, snapshot = [], None
    columns = ("recv_ns", "last_id", "is_snapshot", "side", "price", "qty")
    for recv, last, is_snapshot, side, price, qty in depth.select(columns).iter_rows():
        while len(told) < len(moments) and recv >= moments[len(told)]:
            told.append(best(bids, asks, kept, snapshot))
        if is_snapshot:
            assert snapshot in (None, last), "one snapshot a recording"
            snapshot = last
            (bids if side == 1 else asks)[price] = qty
        else:
            kept.append((last, side, price, qty))
    while len(told) < len(moments):
        told.append(best(bids, asks, kept, snapshot))
    return told


def best(
    bids: dict[float, float], asks: dict[float, float], kept: list[tuple[int, int, float, float]], snapshot: int | None
) -> tuple[Ladder, Ladder]:
    """What a snapshot and the updates after it make of the book."""
    if snapshot is not None:
        for last, side, price, qty in kept:
            if last > snapshot:
                (bids if side == 1 else asks)[price] = qty
        kept.clear()
    there = ([(p, q) for p, q in side.items() if q > 0.0] for side in (bids, asks))
    bid, ask = (sorted(levels) for levels in there)
    return bid[::-1][:BOOK_LEVELS], ask[:BOOK_LEVELS]


def ladder(row: dict[str, float], side: str) -> Ladder:
    levels = [(row[f"{side}_px_{n}"], row[f"{side}_qty_{n}"]) for n in range(BOOK_LEVELS)]
    return [level for level in levels if not np.isnan(level[0])]


@pytest.mark.parametrize(("name", "clock"), [(RECORDINGS[0], "250ms"), (RECORDINGS[1], "1s"), (RECORDINGS[3], "1s")])
def test_the_book_is_that_of_a_replay_in_dictionaries(name: str, clock: str) -> None:
    bars = built(name, clock)
    chosen = sorted({0, 1, 2, bars.height - 1, *np.random.default_rng(5).integers(0, bars.height, 40).tolist()})
    moments = [(bars["time"][at] + parse_clock(clock)) * NS for at in chosen]
    for at, (bid, ask) in zip(chosen, replayed(rows(name, "depth"), moments), strict=True):
        row = bars.row(at, named=True)
        assert (ladder(row, "bid"), ladder(row, "ask")) == (bid, ask), f"bar {at}"
        assert len(bid) == len(ask) == BOOK_LEVELS


@pytest.mark.parametrize("name", RECORDINGS[:3])
def test_the_best_prices_are_those_of_the_recorded_ticker(name: str) -> None:
    """The ticker comes by another stream: where it carries the id of the last depth update, both must be the same."""
    depth, clock = rows(name, "depth").filter(pl.col("is_snapshot") == 0), 100
    bars = built(name, "100ms").with_columns(close_ns=(pl.col("time") + clock) * NS).sort("close_ns")
    last = depth.group_by("last_id", maintain_order=True).agg(pl.col("recv_ns").first())
    bars = bars.join_asof(last, left_on="close_ns", right_on="recv_ns", allow_exact_matches=False)
    shared = bars.join(rows(name, "ticker"), left_on="last_id", right_on="update_id")
    assert shared.height > 100
    for ours, theirs in {"bid_px_0": "bid", "bid_qty_0": "bid_qty", "ask_px_0": "ask", "ask_qty_0": "ask_qty"}.items():
        assert (shared[ours] == shared[theirs]).all(), ours


@pytest.mark.parametrize("name", RECORDINGS[:3])
@pytest.mark.parametrize("clock", ["100ms", "1s"])
def test_the_trades_are_those_that_polars_groups(name: str, clock: str) -> None:
    trades = rows(name, "trades").filter(pl.col("kind").is_null() | (pl.col("kind") == "MARKET"))
    grouped = (
        trades.with_columns(time=pl.from_epoch("recv_ns", "ns"))
        .group_by_dynamic("time", every=clock)
        .agg(
            pl.col("price").first().alias("open"),
            pl.col("price").max().alias("high"),
            pl.col("price").min().alias("low"),
            pl.col("price").last().alias("close"),
            pl.col("qty").sum().alias("volume"),
            (pl.col("price") * pl.col("qty")).sum().alias("quote_volume"),
            pl.len().cast(pl.Float64).alias("trades"),
            pl.col("qty").filter(~pl.col("buyer_is_maker")).sum().alias("buy_volume"),
        )
        .with_columns(pl.col("time").dt.epoch("ms"))
    )
    bars = built(name, clock)
    assert bars["time"].diff().drop_nulls().unique().to_list() == [parse_clock(clock)]
    traded = bars.filter(pl.col("trades") > 0).select(grouped.columns)
    inside = grouped.filter(pl.col("time").is_between(bars["time"][0], bars["time"][-1]))
    assert_frame_equal(traded, inside, rel_tol=1e-12, abs_tol=1e-15)
    idle = bars.with_columns(last=pl.col("close").shift(1)).slice(1).filter(pl.col("trades") == 0)
    assert idle.select(pl.all_horizontal(pl.col(p) == pl.col("last") for p in ("open", "high", "low", "close")).all())[
        0, 0
    ]
    assert idle.select(pl.all_horizontal(pl.col(p) == 0 for p in ("volume", "quote_volume", "buy_volume")).all())[0, 0]


@pytest.mark.parametrize("name", RECORDINGS)
def test_no_bar_reaches_beyond_what_was_recorded(name: str) -> None:
    bars, step = built(name, "250ms"), 250 * NS
    both = [rows(name, kind)["recv_ns"] for kind in ("depth", "trades")]
    opens, closes = bars["time"][0] * NS, bars["time"][-1] * NS + step
    assert opens >= max(r[0] for r in both) > opens - 3 * step
    assert closes <= min(r[-1] for r in both) < closes + step
    assert bars.schema == {name: kind for name, kind in SCHEMA.items() if name != "funding_rate"}


def test_the_store_opens_what_was_written(tmp_path: Path) -> None:
    sources = (recorded(f"book/{RECORDINGS[0]}_{kind}.parquet") for kind in ("depth", "trades"))
    done = build(*sources, tmp_path, "BTC/USDT", 1000)
    assert (done.file.name, done.bars, done.idle) == ("BTC-USDT_1s.parquet", 649, 8)
    assert done.lag_ms == pytest.approx(-1273, abs=1) and [f.code for f in done.warnings] == ["D033"]
    block = next(open_market(tmp_path, clock_ms=1000).blocks(1000))
    assert len(block.times) == 649 and not np.isnan(block.events["bid_px"]).any()
    assert (block.events["bid_px"][:, 0, 0] < block.events["ask_px"][:, 0, 0]).all()


# A recording made by hand: a bar is 100 ms, times are counted in milliseconds from START.
START = T0
UPDATES = [  # received, first id, last id, side, price, quantity, is a snapshot
    (0, 1, 2, 1, 99.0, 9.0, 0),  # before the snapshot, and already in it
    (10, 3, 5, -1, 102.0, 4.0, 0),  # before the snapshot, but newer
    (20, None, 4, 1, 100.0, 1.0, 1),
    (20, None, 4, 1, 98.0, 2.0, 1),
    (20, None, 4, -1, 101.0, 3.0, 1),
    (150, 6, 6, 1, 100.0, 5.0, 0),
    (200, 7, 7, -1, 101.0, 0.0, 0),  # at the close of the bar of 100: belongs to the next one
    (390, 8, 9, 1, 97.5, 1.5, 0),
    (520, 10, 10, 1, 100.0, 0.0, 0),
]
TRADES = [
    (0, 1, 100.5, 1.0, False),
    (60, 2, 100.0, 2.0, True),
    (310, 3, 101.0, 1.0, False),
    (510, 4, 102.0, 4.0, False),
]


def depth_table(lines: list[tuple[float | None, ...]] = UPDATES) -> pl.DataFrame:
    names = ("recv_ns", "first_id", "last_id", "side", "price", "qty", "is_snapshot")
    table = pl.DataFrame(lines, schema=names, orient="row", infer_schema_length=None)
    return table.with_columns((pl.col("recv_ns") + START) * NS)


def trade_table(lines: list[tuple[float | bool, ...]] = TRADES) -> pl.DataFrame:
    table = pl.DataFrame(lines, schema=("recv_ns", "trade_id", "price", "qty", "buyer_is_maker"), orient="row")
    return table.with_columns((pl.col("recv_ns") + START) * NS)


def made(folder: Path, depth: pl.DataFrame, trades: pl.DataFrame, clock: int = 100) -> Built:
    depth.write_parquet(folder / "depth.parquet")
    trades.write_parquet(folder / "trades.parquet")
    return build(folder / "depth.parquet", folder / "trades.parquet", folder / "bars.parquet", "AAA", clock)


def test_a_recording_made_by_hand(tmp_path: Path) -> None:
    done = made(tmp_path, depth_table(), trade_table())
    bars = pl.read_parquet(done.file)
    assert (bars["time"] - START).to_list() == [0, 100, 200, 300, 400]
    assert bars["open"].to_list() == [100.5, 100.0, 100.0, 101.0, 101.0]
    assert bars["close"].to_list() == [100.0, 100.0, 100.0, 101.0, 101.0]
    assert bars["volume"].to_list() == [3.0, 0.0, 0.0, 1.0, 0.0]
    assert bars["buy_volume"].to_list() == [1.0, 0.0, 0.0, 1.0, 0.0]
    assert bars["quote_volume"].to_list() == [300.5, 0.0, 0.0, 101.0, 0.0]
    books = [(ladder(row, "bid"), ladder(row, "ask")) for row in bars.iter_rows(named=True)]
    first, second = [(100.0, 1.0), (98.0, 2.0)], [(100.0, 5.0), (98.0, 2.0)]
    asks = [(101.0, 3.0), (102.0, 4.0)]
    assert books[:3] == [(first, asks), (second, asks), (second, asks[1:])]
    assert books[3] == books[4] == ([*second, (97.5, 1.5)], asks[1:])
    assert (done.trades, done.off_book, done.idle, done.lag_ms, done.warnings) == (4 - 1, 0, 3, None, ())


def test_nothing_after_a_close_changes_its_bar(tmp_path: Path) -> None:
    whole = pl.read_parquet(made(tmp_path, depth_table(), trade_table()).file)
    later = pl.col("recv_ns") >= (START + 300) * NS
    depth = depth_table().with_columns(pl.when(later).then(pl.col("qty") + 7).otherwise("qty").alias("qty"))
    trades = trade_table().with_columns(pl.when(later).then(pl.col("price") * 2).otherwise("price").alias("price"))
    changed_after = pl.read_parquet(made(tmp_path, depth, trades).file)
    assert changed_after.head(3).equals(whole.head(3)) and not changed_after.equals(whole)


def test_a_second_snapshot_replaces_the_book(tmp_path: Path) -> None:
    again = [(395, None, 8, 1, 90.0, 1.0, 1), (395, None, 8, -1, 110.0, 1.0, 1)]
    lines = [*UPDATES[:8], *again, *UPDATES[8:]]
    row = pl.read_parquet(made(tmp_path, depth_table(lines), trade_table()).file).row(3, named=True)
    # The update that ends with id 9 came before the snapshot and is newer, so it stands on top of it.
    assert (ladder(row, "bid"), ladder(row, "ask")) == ([(97.5, 1.5), (90.0, 1.0)], [(110.0, 1.0)])


def test_trades_that_are_not_of_the_book_are_left_out(tmp_path: Path) -> None:
    trades = trade_table().with_columns(kind=pl.Series(["MARKET", "INSURANCE_FUND", None, "MARKET"]))
    done = made(tmp_path, depth_table(), trades)
    assert (done.trades, done.off_book) == (2, 1)
    assert pl.read_parquet(done.file)["volume"].to_list() == [1.0, 0.0, 0.0, 1.0, 0.0]


def test_lost_trades_are_a_warning(tmp_path: Path) -> None:
    trades = trade_table().with_columns(trade_id=pl.Series([1, 2, 5, 6]))
    (warning,) = made(tmp_path, depth_table(), trades).warnings
    assert (warning.code, warning.severity, warning.row) == ("D031", "warning", 3)
    assert "2 of 6 numbers of trades are left out, first after trade 2" in warning.message


Change = Callable[[pl.DataFrame], pl.DataFrame]
BAD_DEPTH: dict[str, tuple[Change, str]] = {
    "column gone": (lambda t: t.drop("side"), r"D027 depth.parquet: not a recording: side; its columns are recv_ns"),
    "text": (lambda t: t.cast({"price": pl.String}), r"D027 depth.parquet: .*column price has type String"),
    "empty": (lambda t: t.clear(), r"D003 depth.parquet: no rows"),
    "milliseconds": (lambda t: t.with_columns(pl.col("recv_ns") // NS), r"D028 .*row 1: .* UTC nanoseconds \(and 8"),
    "no time": (lambda t: changed(t, 3, recv_ns=None), r"D028 depth.parquet, row 4: .*recv_ns None"),
    "price": (lambda t: changed(t, 5, price=-1.0), r"D028 depth.parquet, row 6 \(2023.*price -1.0, quantity 5.0"),
    "quantity": (lambda t: changed(t, 5, qty=float("nan")), r"D028 depth.parquet, row 6 .*quantity nan"),
    "side": (lambda t: changed(t, 4, side=2), r"D028 depth.parquet, row 5 .*side 2; a bid is 1, an ask -1"),
    "id": (lambda t: changed(t, 5, first_id=None), r"D028 depth.parquet, row 6 .*first_id of an update is missing"),
    "order": (lambda t: changed(t, 6, recv_ns=(START + 140) * NS), r"D029 depth.parquet, row 7 \(.*before the row"),
    "no snapshot": (lambda t: t.filter(pl.col("is_snapshot") == 0), r"D030 depth.parquet: .*none of its 6 messages"),
    "lost": (lambda t: t.filter(pl.col("last_id") != 7), r"D031 depth.parquet, row 7: .*id 7, .* ends with 6"),
    "twice": (lambda t: pl.concat([t, t.tail(1)]).with_columns(
        recv_ns=pl.col("recv_ns") + pl.int_range(pl.len())), r"D031 depth.parquet, row 10: .*ends with 10"),
    "late": (lambda t: t.slice(2).filter(pl.col("last_id") != 6), r"D031 .*row 1: .*the snapshot ends with id 4"),
    "crossed": (lambda t: changed(t, 5, price=101.0), r"D032 depth.parquet, row 6 \(.*not below the best ask"),
}  # fmt: skip


@pytest.mark.parametrize("kind", BAD_DEPTH)
def test_a_bad_depth_file_is_refused_and_nothing_written(tmp_path: Path, kind: str) -> None:
    change, says = BAD_DEPTH[kind]
    with pytest.raises(DataError, match=says) as refused:
        made(tmp_path, change(depth_table()), trade_table())
    assert "fix: " in str(refused.value)
    assert sorted(f.name for f in tmp_path.iterdir()) == ["depth.parquet", "trades.parquet"]


BAD_TRADES: dict[str, tuple[Change, str]] = {
    "column gone": (lambda t: t.drop("buyer_is_maker"), r"D027 trades.parquet: not a recording: buyer_is_maker"),
    "quantity": (lambda t: changed(t, 1, qty=0.0), r"D028 trades.parquet, row 2 .*quantity 0.0"),
    "order": (lambda t: t.reverse(), r"D029 trades.parquet, row 2(.|\n)*D031 trades.parquet, row 2"),
    "twice": (lambda t: changed(t, 1, trade_id=1), r"D031 trades.parquet, row 2 .*trade 1 comes after"),
    "apart": (lambda t: t.with_columns(pl.col("recv_ns") + 3_600_000 * NS), r"D022 .*trades.parquet reaches from"),
    "off the book": (lambda t: t.with_columns(kind=pl.lit("ADL")), r"D003 trades.parquet: .*made on the book"),
}


@pytest.mark.parametrize("kind", BAD_TRADES)
def test_a_bad_file_of_trades_is_refused_and_nothing_written(tmp_path: Path, kind: str) -> None:
    change, says = BAD_TRADES[kind]
    with pytest.raises(DataError, match=says):
        made(tmp_path, depth_table(), change(trade_table()))
    assert not (tmp_path / "bars.parquet").exists()


def test_files_that_are_none_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"D002 none\.parquet"):
        build(tmp_path / "none.parquet", tmp_path / "none.parquet", tmp_path / "bars.parquet", "AAA", 100)
    made(tmp_path, depth_table(), trade_table())
    (tmp_path / "depth.parquet").write_bytes(b"no Parquet")
    before = (tmp_path / "bars.parquet").read_bytes()
    with pytest.raises(DataError, match=r"D001 depth.parquet"):
        build(tmp_path / "depth.parquet", tmp_path / "trades.parquet", tmp_path / "bars.parquet", "AAA", 100)
    assert (tmp_path / "bars.parquet").read_bytes() == before
