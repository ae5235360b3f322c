"""Stored bars as a market: the grid, blocks of every size, selection, resampling, gaps, and round trips."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stratoquant.graph.market import BAR_EVENT, SCALARS
from stratoquant.runtime.data.bars import FRAME_ROWS, write_bars
from stratoquant.runtime.data.describe import Gap, gaps, info
from stratoquant.runtime.data.findings import DataError
from stratoquant.runtime.data.market import Market, market_from
from stratoquant.runtime.data.resample import resample, resample_file
from stratoquant.runtime.data.store import check_store, open_market, open_series
from tests.layers.real_data import real_bars
from tests.runtime.bars import MINUTE, T0, bars, changed, recorded


def whole(market: Market, size: int) -> tuple[np.ndarray, np.ndarray]:
    """All blocks put together; copied, as a block is valid only until the next."""
    parts = [(block.times.copy(), block.events.copy()) for block in market.blocks(size)]
    assert all(len(times) == size for times, _ in parts[:-1])
    return np.concatenate([p[0] for p in parts]), np.concatenate([p[1] for p in parts])


def expected(table: pl.DataFrame, market: Market) -> np.ndarray:
    """The events of the grid, filled bar by bar."""
    events = np.full((market.bars, len(market.symbols)), np.nan, dtype=BAR_EVENT)
    for bar in table.iter_rows(named=True):
        event = events[(bar["time"] - market.start) // market.clock_ms, market.symbols.index(bar["symbol"])]
        for name in set(bar) & set(SCALARS):
            event[name] = bar[name]
    return events


# The first three lie close together, or bars on every second minute would rightly be taken for slower ones.
gappy = st.sets(st.integers(0, 300), max_size=120).map(lambda steps: sorted(steps | {0, 1, 2}))


@settings(max_examples=40, deadline=None)
@given(a=gappy, b=gappy, offset=st.integers(0, 100))
def test_blocks_of_every_size_hold_the_same_bars(a: list[int], b: list[int], offset: int) -> None:
    late = bars(np.array(b) + offset, "BBB").with_columns(trades=pl.col("volume"))
    table = pl.concat([bars(np.array(a)), late], how="diagonal")
    market = market_from(table, clock_ms=MINUTE)
    want = expected(table, market)
    for size in (1, 7, 64, 2048, market.bars):
        times, events = whole(market, size)
        assert np.array_equal(times, market.start + np.arange(market.bars) * MINUTE)
        assert events.tobytes() == want.tobytes()


@settings(max_examples=25, deadline=None)
@given(steps=gappy, cut=st.tuples(st.integers(0, 300), st.integers(1, 100)))
def test_a_part_of_a_stored_market_is_that_part_of_the_whole(
    tmp_path_factory: pytest.TempPathFactory, steps: list[int], cut: tuple[int, int]
) -> None:
    path = tmp_path_factory.mktemp("part") / "aaa.parquet"
    write_bars(bars(np.array(steps)), path)
    market = open_market(path, clock_ms=MINUTE)
    start, end = T0 + cut[0] * MINUTE, T0 + (cut[0] + cut[1]) * MINUTE
    times, events = whole(market, 64)
    inside = (times >= start) & (times < end)
    if not inside.any():
        with pytest.raises(DataError, match=r"D022 .*nothing in the period: the bars reach from 20"):
            open_market(path, clock_ms=MINUTE, start=start, end=end)
        return
    part = open_market(path, clock_ms=MINUTE, start=start, end=end)
    got_times, got = whole(part, 7)
    assert np.array_equal(got_times, times[inside])
    assert got.tobytes() == events[inside].tobytes()


def test_a_bound_between_two_steps_takes_in_the_whole_step() -> None:
    part = market_from(bars(10)).between(T0 + MINUTE + 1, T0 + 3 * MINUTE + 1)
    assert (part.start, part.end, part.bars) == (T0 + MINUTE, T0 + 4 * MINUTE, 3)


def test_long_history_is_read_in_pieces_and_placed_once(tmp_path: Path) -> None:
    steps = np.delete(np.arange(3 * FRAME_ROWS), np.s_[FRAME_ROWS - 5 : FRAME_ROWS + 5000])
    table = pl.concat([bars(steps), bars(steps[steps % 7 != 3], "BBB")])
    write_bars(table, tmp_path / "all.parquet")
    market = open_market(tmp_path / "all.parquet", clock_ms=MINUTE)
    _, stored = whole(market, 2048)
    _, held = whole(market_from(table, clock_ms=MINUTE), 777)
    assert stored.tobytes() == held.tobytes()
    assert np.isnan(stored["time"][:, 0]).sum() == 5005


def test_books_are_placed_by_level(tmp_path: Path) -> None:
    table = bars(5).with_columns(bid_px_0=pl.col("close") - 0.1, ask_qty_9=pl.col("volume") * 2)
    write_bars(table, tmp_path / "aaa.parquet")
    (block,) = open_market(tmp_path / "aaa.parquet").blocks()
    assert np.array_equal(block.events["bid_px"][:, 0, 0], table["bid_px_0"])
    assert np.array_equal(block.events["ask_qty"][:, 0, 9], table["ask_qty_9"])
    assert np.isnan(block.events["bid_px"][:, 0, 1:]).all()


def test_a_column_that_ends_with_a_file_does_not_linger(tmp_path: Path) -> None:
    each = 3_000  # more rows than the buffer has by itself, so that a block of as many is the buffer
    write_bars(bars(each).with_columns(trades=pl.lit(5.0)), tmp_path / "a.parquet")
    write_bars(bars(np.arange(each, 2 * each)), tmp_path / "b.parquet")
    market = open_market(tmp_path)
    for size in (1, 500, each, 2 * each):
        trades = whole(market, size)[1]["trades"][:, 0]
        assert (trades[:each] == 5.0).all()
        assert np.isnan(trades[each:]).all()


def test_periods_of_one_symbol_are_joined_and_overlaps_refused(tmp_path: Path) -> None:
    write_bars(bars(10), tmp_path / "aaa_2023.parquet")
    write_bars(bars(np.arange(15, 20)), tmp_path / "aaa_2024.parquet")
    market = open_market(tmp_path)
    assert market.bars == 20
    assert np.isnan(whole(market, 2048)[1]["time"]).sum() == 5
    write_bars(bars(np.arange(9, 12)), tmp_path / "more.parquet")
    message = r"AAA reaches to 2023-11-14 22:09 UTC in aaa_2023\.parquet but begins at 2023-11-14 22:09 UTC in more"
    with pytest.raises(DataError, match=f"D019 more.parquet: periods overlap: {message}"):
        open_market(tmp_path)
    assert [f.code for f in check_store(tmp_path)] == ["D019"]


def test_symbols_are_found_in_any_case_and_suggested(tmp_path: Path) -> None:
    for symbol in ("BTCUSDT", "ETHUSDT"):
        write_bars(bars(5, symbol), tmp_path / f"{symbol}.parquet")
    pl.DataFrame({"time": [T0], "funding_rate": [0.1]}).write_parquet(tmp_path / "xrp_funding.parquet")
    assert open_market(tmp_path).symbols == ("BTCUSDT", "ETHUSDT")
    assert open_market(tmp_path, ["ethusdt", "BtcUsdt"]).symbols == ("ETHUSDT", "BTCUSDT")
    message = "D018 btcusd: symbol unknown: the data has BTCUSDT, ETHUSDT\n  fix: Did you mean BTCUSDT"
    with pytest.raises(DataError, match=message):
        open_market(tmp_path, ["btcusd"])
    with pytest.raises(DataError, match=r"xrp_funding\.parquet holds no bars"):
        open_market(tmp_path, ["XRP"])
    with pytest.raises(DataError, match=r"D018 .*BTCUSDT is named twice\n  fix: Name each symbol once"):
        open_market(tmp_path, ["BTCUSDT", "btcusdt"])


def test_a_file_without_a_symbol_column_is_named_by_its_name(tmp_path: Path) -> None:
    write_bars(bars(5, None), tmp_path / "btc_usdt-1m.parquet")
    assert open_market(tmp_path).symbols == ("BTC_USDT",)


def test_bars_must_fit_the_clock(tmp_path: Path) -> None:
    write_bars(bars(60), tmp_path / "aaa.parquet")
    write_bars(bars(12, "BBB", 5 * MINUTE), tmp_path / "bbb.parquet")
    finer = (
        "D020 AAA: bars finer than the clock: its bars are 1m apart, the clock is 5m\n  fix: .*resample the bars to 5m"
    )
    with pytest.raises(DataError, match=finer):
        open_market(tmp_path, ["AAA"], clock_ms=5 * MINUTE)
    coarser = (
        "D021 BBB: bars coarser than the clock: .* seen before it closes\n  fix: Run on the clock 5m, and resample"
    )
    with pytest.raises(DataError, match=coarser):
        open_market(tmp_path)
    assert open_market(tmp_path, ["BBB"]).clock_ms == 5 * MINUTE


def test_files_of_one_symbol_must_have_one_spacing(tmp_path: Path) -> None:
    write_bars(bars(60), tmp_path / "a.parquet")
    write_bars(bars(12, clock=5 * MINUTE, start=T0 + 60 * MINUTE), tmp_path / "b.parquet")
    with pytest.raises(DataError, match=r"a\.parquet has bars of 1m, b\.parquet has bars of 5m"):
        open_market(tmp_path)


def test_a_table_in_memory_is_checked_as_a_file_is() -> None:
    market = market_from(changed(bars(), 4, high=1.0))
    with pytest.raises(DataError, match="D010 AAA, row 5"):
        list(market.blocks())


def test_resampling_agrees_with_polars_and_with_pandas() -> None:
    table = pl.DataFrame({"symbol": "XRPETH", **real_bars("binance_xrpeth_1m")})
    table = table.with_columns(trades=pl.lit(2.0), funding_rate=pl.lit(None, dtype=pl.Float64))
    slow = resample(table, 15 * MINUTE)

    moments = table.with_columns(at=pl.from_epoch("time", "ms"))
    rules = {"open": "first", "high": "max", "low": "min", "close": "last", "volume": "sum", "trades": "sum"}
    by_polars = moments.group_by_dynamic("at", every="15m").agg(getattr(pl.col(n), r)() for n, r in rules.items())
    assert np.array_equal(slow["time"], by_polars["at"].dt.epoch("ms"))
    by_pandas = pd.DataFrame(
        table.select(list(rules)).to_dict(as_series=False), index=pd.to_datetime(table["time"], unit="ms")
    )
    by_pandas = by_pandas.resample("15min").agg(rules).dropna()
    assert len(by_pandas) == slow.height
    for name in rules:
        np.testing.assert_allclose(slow[name], by_polars[name], rtol=1e-12)
        np.testing.assert_allclose(slow[name], by_pandas[name], rtol=1e-12)
    assert slow["funding_rate"].is_nan().all()


def test_resampling_keeps_symbols_apart_and_needs_a_multiple(tmp_path: Path) -> None:
    funding = pl.when(pl.col("time") == T0).then(0.01).otherwise(float("nan"))
    table = pl.concat([bars(20), bars(10, "BBB")]).with_columns(funding_rate=funding)
    write_bars(table, tmp_path / "all.parquet")
    assert resample_file(tmp_path / "all.parquet", tmp_path / "slow.parquet", 5 * MINUTE).rows == 6
    slow = pl.read_parquet(tmp_path / "slow.parquet")
    assert slow["symbol"].to_list() == ["AAA"] * 4 + ["BBB"] * 2
    assert slow["volume"].to_list() == [15.0, 40.0, 65.0, 90.0, 15.0, 40.0]
    assert slow["funding_rate"].drop_nans().to_list() == [0.01, 0.01]
    with pytest.raises(DataError, match=r"D021 .*and 1m is no multiple of that"):
        resample(bars(20, clock=5 * MINUTE), MINUTE)
    with pytest.raises(DataError, match="D010"):
        resample(changed(table, 3, high=1.0), 5 * MINUTE)


def test_gaps_and_description(tmp_path: Path) -> None:
    steps = np.delete(np.arange(FRAME_ROWS + 100), [5, 6, 7, 20, FRAME_ROWS + 2])
    write_bars(changed(bars(steps), 0, volume=0.0), tmp_path / "aaa.parquet")
    (series,) = open_series(tmp_path / "aaa.parquet")
    report = gaps(series, largest=2)
    assert (report.count, report.missing, report.longest, len(report.largest)) == (3, 5, 3, 2)
    assert report.largest[0] == Gap(3, T0 + 5 * MINUTE, T0 + 8 * MINUTE)
    assert str(report.largest[0]) == "3 bars, 2023-11-14 22:05 UTC to 2023-11-14 22:08 UTC"
    told = info(series)
    assert (told.rows, told.clock_ms, told.idle) == (steps.size, MINUTE, 1 / steps.size)
    assert told.columns == ("time", "open", "high", "low", "close", "volume")
    assert str(told).endswith("5 missing in 3 gaps")


def test_recorded_gaps_are_those_on_record() -> None:
    (series,) = open_series(recorded("bars"), ["ltcusd"])
    report = gaps(series)
    assert (report.count, report.missing, report.longest) == (56_326, 98_337, 181)


def test_recorded_bars_of_two_symbols_come_through_whole() -> None:
    market = open_market(recorded("bars"), ["ETHUSDT", "BTCUSDT"], end=1_630_000_000_000)
    _, events = whole(market, 2048)
    for column, name in enumerate(("ethusdt", "btcusdt")):
        table = pl.read_parquet(recorded(f"bars/binance_{name}_1m.parquet"))
        present = ~np.isnan(events["time"][:, column])
        for field in ("time", "open", "high", "low", "close", "volume"):
            assert np.array_equal(events[field][present, column], table[field].cast(pl.Float64))
    assert market.start == 1_618_951_200_000
