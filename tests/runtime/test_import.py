"""Foreign tables become canonical bars: names, times, stamps, symbols; what is unsound is refused."""

from __future__ import annotations

import errno
import gzip
import os
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from stratoquant.runtime.data.bars import SCHEMA
from stratoquant.runtime.data.findings import DataError
from stratoquant.runtime.data.imports import import_bars
from stratoquant.runtime.data.store import open_market
from stratoquant.runtime.errors import StratoError
from tests.runtime.bars import MINUTE, T0, bars, changed, recorded

TIMES: dict[str, Callable[[pl.Expr], pl.Expr]] = {
    "milliseconds": lambda t: t,
    "seconds": lambda t: t // 1_000,
    "microseconds": lambda t: t * 1_000,
    "nanoseconds": lambda t: t * 1_000_000,
    "float seconds": lambda t: t / 1_000,
    "text of seconds": lambda t: (t // 1_000).cast(pl.String) + ".000",
    "naive": lambda t: pl.from_epoch(t, "ms"),
    "zoned": lambda t: pl.from_epoch(t, "ms").dt.replace_time_zone("UTC").dt.convert_time_zone("America/New_York"),
    "iso": lambda t: pl.from_epoch(t, "ms").dt.strftime("%Y-%m-%dT%H:%M:%SZ"),
    "iso offset": lambda t: pl.from_epoch(t + 7_200_000, "ms").dt.strftime("%Y-%m-%d %H:%M:%S+02:00"),
    "plain": lambda t: pl.from_epoch(t, "ms").dt.strftime("%Y-%m-%d %H:%M"),
    "slashes": lambda t: pl.from_epoch(t, "ms").dt.strftime("%Y/%m/%d %H:%M:%S"),
    "compact": lambda t: pl.from_epoch(t, "ms").dt.strftime("%Y%m%d %H%M%S"),
}


@pytest.mark.parametrize("kind", TIMES)
@pytest.mark.parametrize("ending", ["parquet", "feather", "csv"])
def test_times_are_recognised(tmp_path: Path, kind: str, ending: str) -> None:
    table = bars().with_columns(TIMES[kind](pl.col("time")).alias("time"))
    source = tmp_path / f"source.{ending}"
    {"parquet": table.write_parquet, "feather": table.write_ipc, "csv": table.write_csv}[ending](source)
    import_bars(source, tmp_path / "bars.parquet")
    assert pl.read_parquet(tmp_path / "bars.parquet").equals(bars())


def test_days_as_dates_and_as_numbers(tmp_path: Path) -> None:
    day = 86_400_000
    table = bars(20, clock=day, start=19_700 * day)
    for name, form in {"dates": "%Y-%m-%d", "numbers": "%Y%m%d"}.items():
        source = tmp_path / f"{name}.csv"
        table.with_columns(pl.from_epoch("time", "ms").dt.strftime(form)).write_csv(source)
        assert import_bars(source, tmp_path / "bars.parquet").clock_ms == day
        assert pl.read_parquet(tmp_path / "bars.parquet").equals(table)


def test_usual_names_are_recognised_and_others_mapped(tmp_path: Path) -> None:
    names = {"time": "Open Time", "open": "OPEN", "high": "High", "low": "l", "close": "Settle", "volume": "Vol."}
    source = tmp_path / "eth_usdt-1m.csv"
    bars(symbol=None).rename(names).with_columns(other=pl.lit("x")).write_csv(source, separator=";")
    with pytest.raises(
        DataError, match=r"D023 .*no column was recognised as close; .*\n  fix: Name it, such as --map close="
    ):
        import_bars(source, tmp_path)
    done = import_bars(source, tmp_path, columns={"close": "Settle"})
    assert done.columns == names
    assert (done.symbols, done.rows, done.times) == (("ETH_USDT",), 10, "milliseconds")
    assert [f.name for f in done.files] == ["ETH_USDT_1m.parquet"]
    assert pl.read_parquet(done.files[0]).equals(bars(symbol="ETH_USDT"))


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        ({"prize": "close"}, "'prize' is no column of a bar"),
        ({"close": "Closing"}, "the source has no column 'Closing'; it has time, open"),
    ],
)
def test_a_wrong_mapping_is_named(tmp_path: Path, columns: dict[str, str], says: str) -> None:
    bars().write_csv(tmp_path / "a.csv")
    with pytest.raises(DataError, match=f"D023 --map: .*{says}"):
        import_bars(tmp_path / "a.csv", tmp_path, columns=columns)


def test_two_columns_that_may_be_the_same(tmp_path: Path) -> None:
    bars().with_columns(Close=pl.col("close")).write_csv(tmp_path / "a.csv")
    with pytest.raises(DataError, match=r"D023 .*close may be 'close' or 'Close'"):
        import_bars(tmp_path / "a.csv", tmp_path)


def test_bars_stamped_at_their_close_are_shifted(tmp_path: Path) -> None:
    bars().with_columns(pl.col("time") + MINUTE).write_csv(tmp_path / "a.csv")
    import_bars(tmp_path / "a.csv", tmp_path / "b.parquet", stamp="close")
    assert pl.read_parquet(tmp_path / "b.parquet").equals(bars())


def test_newest_first_is_turned_round_and_nothing_else_is_repaired(tmp_path: Path) -> None:
    bars().reverse().write_csv(tmp_path / "a.csv")
    assert import_bars(tmp_path / "a.csv", tmp_path / "b.parquet").newest_first
    assert pl.read_parquet(tmp_path / "b.parquet").equals(bars())
    changed(bars(), 5, time=T0).write_csv(tmp_path / "a.csv")
    with pytest.raises(DataError, match=r"D013 a\.csv, row 6"):
        import_bars(tmp_path / "a.csv", tmp_path / "c.parquet")
    assert not (tmp_path / "c.parquet").exists()


def test_rows_are_those_of_the_source(tmp_path: Path) -> None:
    changed(bars().reverse(), 2, volume=-1.0).write_csv(tmp_path / "a.csv")
    with pytest.raises(DataError, match=r"D012 a\.csv, row 3 \(2023-11-14 22:07 UTC\)"):
        import_bars(tmp_path / "a.csv", tmp_path)
    both = changed(pl.concat([bars(), bars(10, "BBB")]).sort("time"), 7, volume=-1.0)
    both.write_csv(tmp_path / "a.csv")
    with pytest.raises(DataError, match=r"D012 a\.csv, row 8 \(2023-11-14 22:03 UTC\)"):
        import_bars(tmp_path / "a.csv", tmp_path)


def test_several_symbols_become_a_file_each(tmp_path: Path) -> None:
    both = pl.concat([bars(20, "A/B"), bars(20, "CCC")]).sort("time")
    both.write_csv(tmp_path / "a.csv")
    (tmp_path / "out").mkdir()
    done = import_bars(tmp_path / "a.csv", tmp_path / "out")
    assert sorted(f.name for f in done.files) == ["A-B_1m.parquet", "CCC_1m.parquet"]
    assert open_market(tmp_path / "out").symbols == ("A/B", "CCC")
    with pytest.raises(DataError, match=r"D016 a\.csv: another symbol: it holds A/B, CCC, not CCC"):
        import_bars(tmp_path / "a.csv", tmp_path / "out", symbol="CCC")


def test_kline_files_without_a_header_and_packed(tmp_path: Path) -> None:
    rows = [f"{r[0]},{','.join(map(str, r[1:6]))},{r[0] + 59_999},7.5,3,0.5,1.5,0\n" for r in bars().rows()]
    source = tmp_path / "BTCUSDT-1m.csv.gz"
    source.write_bytes(gzip.compress("".join(rows).encode()))
    import_bars(source, tmp_path / "b.parquet")
    table = pl.read_parquet(tmp_path / "b.parquet")
    assert table.schema == {n: SCHEMA[n] for n in table.columns}
    assert table.select(bars().columns).equals(bars(symbol="BTCUSDT"))
    assert table.select("quote_volume", "trades", "buy_volume").row(0) == (7.5, 3.0, 0.5)
    source.write_bytes(gzip.compress(b"1,2,3\n4,5,6\n"))
    with pytest.raises(DataError, match=r"D023 .*the first line holds 3 values and no names"):
        import_bars(source, tmp_path / "b.parquet")


def test_text_that_is_no_number_or_no_time(tmp_path: Path) -> None:
    text = bars().with_columns(pl.col("close").cast(pl.String))
    changed(text, 4, close="n/a").write_csv(tmp_path / "a.csv")
    with pytest.raises(DataError, match=r"D005 a\.csv, row 5: not numbers: column close .*'n/a'"):
        import_bars(tmp_path / "a.csv", tmp_path / "b.parquet")
    moments = bars().with_columns(pl.from_epoch("time", "ms").dt.strftime("%d.%m.%Y %H:%M"))
    moments.write_csv(tmp_path / "a.csv")
    unknown = (
        r"D024 .*column 'time', row 1: '14\.11\.2023 22:00' is no time in a form that is known\n  fix: .*--time-format"
    )
    with pytest.raises(DataError, match=unknown):
        import_bars(tmp_path / "a.csv", tmp_path / "b.parquet")
    import_bars(tmp_path / "a.csv", tmp_path / "b.parquet", time_format="%d.%m.%Y %H:%M")
    assert pl.read_parquet(tmp_path / "b.parquet").equals(bars())
    changed(moments, 6, time="later").write_csv(tmp_path / "a.csv")
    with pytest.raises(DataError, match=r"D024 .*row 7: 'later' does not follow %d"):
        import_bars(tmp_path / "a.csv", tmp_path / "b.parquet", time_format="%d.%m.%Y %H:%M")


def test_sources_that_are_no_table(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"D002 .*does not exist"):
        import_bars(tmp_path / "none.csv", tmp_path)
    (tmp_path / "a.xlsx").touch()
    with pytest.raises(DataError, match=r"D001 .*\.xlsx is not among csv, feather, parquet"):
        import_bars(tmp_path / "a.xlsx", tmp_path)
    (tmp_path / "a.csv").touch()
    with pytest.raises(DataError, match=r"D003 .*the file is empty"):
        import_bars(tmp_path / "a.csv", tmp_path)
    (tmp_path / "a.feather").write_bytes(b"ARROW1 and no more")
    with pytest.raises(DataError, match=r"D001 a\.feather: file cannot be read"):
        import_bars(tmp_path / "a.feather", tmp_path)


def test_one_bar_does_not_tell_its_clock(tmp_path: Path) -> None:
    bars(1).write_csv(tmp_path / "a.csv")
    with pytest.raises(DataError, match=r"D023 .*a single bar does not tell\n  fix: Give it, such as --clock 1m"):
        import_bars(tmp_path / "a.csv", tmp_path)
    assert import_bars(tmp_path / "a.csv", tmp_path, clock_ms=MINUTE).rows == 1


def test_a_full_disk_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bars().write_csv(tmp_path / "a.csv")
    import_bars(tmp_path / "a.csv", tmp_path / "b.parquet")
    bars(20).write_csv(tmp_path / "a.csv")

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(pl.DataFrame, "write_parquet", full)
    with pytest.raises(StratoError, match=r"F004 cannot write .*b\.parquet: disk full"):
        import_bars(tmp_path / "a.csv", tmp_path / "b.parquet")
    monkeypatch.undo()
    assert pl.read_parquet(tmp_path / "b.parquet").equals(bars())
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.csv", "b.parquet"]


def test_recorded_text_with_offsets(tmp_path: Path) -> None:
    done = import_bars(recorded("tv/strat_ohlcv.csv.gz"), tmp_path, symbol="EURUSD")
    assert (done.rows, done.clock_ms, done.symbols) == (23_054, 60 * MINUTE, ("EURUSD",))
    first = pl.read_parquet(done.files[0])["time"][0]
    assert first == 1_641_160_800_000  # 2022-01-02T17:00:00-05:00
