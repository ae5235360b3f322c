"""Every kind of unsound data: its code, its place and its fix; all kinds at once; nothing sound is refused."""

from __future__ import annotations

from math import inf, nextafter
from pathlib import Path

import polars as pl
import pytest

from stratoquant.runtime.data.bars import FRAME_ROWS
from stratoquant.runtime.data.check import check_table, errors_of, spacing_of
from stratoquant.runtime.data.codes import CODES
from stratoquant.runtime.data.findings import DataError
from stratoquant.runtime.data.imports import import_bars
from stratoquant.runtime.data.store import check_store, open_market
from stratoquant.runtime.errors import StratoError
from tests.runtime.bars import MINUTE, T0, bars, changed, recorded

NAN, INF = float("nan"), float("inf")


def stored(folder: Path, table: pl.DataFrame, name: str = "aaa_1m.parquet") -> Path:
    path = folder / name
    table.write_parquet(path)
    return path


def load(path: Path) -> None:
    for _ in open_market(path, clock_ms=MINUTE).blocks(4):
        pass


# Code, the row that has it, its values, and what the message says after the place.
ROWS = [
    ("D006", 3, {"time": None}, "time missing"),
    ("D007", 3, {"close": NAN}, "price missing: open 100.65, high 101.75, low 99.75, close nan"),
    ("D007", 3, {"open": None}, "price missing: open nan"),
    ("D008", 3, {"high": INF}, "price infinite: open 100.65, high inf"),
    ("D009", 3, {"low": 0.0}, "price not positive: open 100.65, high 101.75, low 0.0"),
    ("D009", 3, {"low": -1.0}, "price not positive"),
    ("D010", 3, {"high": 100.7}, "high too low: open 100.65, high 100.7, low 99.75, close 100.75"),
    ("D010", 3, {"high": 90.0}, "high too low"),
    ("D011", 3, {"low": 100.7}, "low too high: open 100.65, high 101.75, low 100.7, close 100.75"),
    ("D012", 3, {"volume": -1.0}, "volume impossible: volume -1.0"),
    ("D012", 3, {"volume": NAN}, "volume impossible: volume nan"),
    ("D013", 3, {"time": T0}, "time goes back: the bar before it opens at 2023-11-14 22:02 UTC"),
    ("D014", 3, {"time": T0 + 2 * MINUTE}, "bar twice: the bar before it opens at the same time"),
    ("D015", 3, {"time": T0 + 3 * MINUTE + 7}, "bar off the clock: bars of 1m do not open then"),
    ("D016", 3, {"symbol": None}, "another symbol: the symbol is empty"),
    ("D040", 3, {"funding_rate": INF}, "number infinite: trades nan, funding_rate inf"),
    ("D040", 3, {"trades": -INF}, "number infinite: trades -inf, funding_rate nan"),
    ("D040", 3, {"bid_px_0": INF}, "number infinite: trades nan, funding_rate nan"),
]


@pytest.mark.parametrize(("code", "row", "values", "says"), ROWS)
def test_a_bad_row_is_found_by_the_check_and_refused_by_loading(
    tmp_path: Path, code: str, row: int, values: dict[str, object], says: str
) -> None:
    table = bars() if code != "D040" else bars().with_columns(trades=NAN, funding_rate=NAN, bid_px_0=NAN)
    path = stored(tmp_path, changed(table, row, **values))
    finding = next(f for f in check_store(path, MINUTE) if f.code == code)
    time = values.get("time", T0 + row * MINUTE)
    when = "" if time is None else " (2023-11-14 22:0"
    assert finding.message.startswith(f"aaa_1m.parquet, row {row + 1}{when}")
    assert says in finding.message
    assert finding.fix == CODES[code].fix
    assert finding.severity == "error"
    with pytest.raises(DataError) as caught:
        load(path)
    assert finding in caught.value.findings
    assert finding.message in str(caught.value)
    assert finding.fix in str(caught.value)


def test_an_error_is_one_for_the_person_at_the_keyboard(tmp_path: Path) -> None:
    path = stored(tmp_path, changed(bars(), 3, volume=-1.0))
    with pytest.raises(StratoError) as caught:
        load(path)
    assert caught.value.code == "D012"
    assert str(caught.value) == (
        f"D012 aaa_1m.parquet, row 4 (2023-11-14 22:03 UTC): volume impossible: volume -1.0\n  fix: {CODES['D012'].fix}"
    )


def test_all_kinds_are_reported_with_count_and_first_example(tmp_path: Path) -> None:
    table = bars(20)
    for row in (4, 7, 9):
        table = changed(table, row, close=NAN)
    table = changed(changed(table, 12, volume=-2.0), 15, time=T0)
    findings = check_store(stored(tmp_path, table), MINUTE)
    assert [(f.code, f.row, f.count) for f in findings] == [("D007", 5, 3), ("D012", 13, 1), ("D013", 16, 1)]
    assert findings[0].message.endswith("(and 2 more such rows)")
    with pytest.raises(DataError, match=r"3 problems in the data:\nD007 .*\n  fix: .*\nD012 ") as caught:
        load(tmp_path / "aaa_1m.parquet")
    assert caught.value.findings == tuple(findings)


def test_rows_are_counted_and_compared_across_pieces(tmp_path: Path) -> None:
    table = bars(2 * FRAME_ROWS + 10)
    table = changed(changed(table, FRAME_ROWS, time=T0 + (FRAME_ROWS - 1) * MINUTE), 2 * FRAME_ROWS + 5, high=1.0)
    found = [(f.code, f.row, f.count) for f in check_store(stored(tmp_path, table), MINUTE)]
    assert found == [("D010", 2 * FRAME_ROWS + 6, 1), ("D014", FRAME_ROWS + 1, 1)]


def test_missing_columns(tmp_path: Path) -> None:
    path = stored(tmp_path, bars().drop("volume", "close"))
    (finding,) = [f for f in check_store(path) if f.code == "D004"]
    assert "column missing: close, volume; its columns are time, open, high, low, symbol" in finding.message
    assert "--map close=Last" in finding.fix
    with pytest.raises(DataError, match=r"D004 .*column missing"):
        open_market(path)


def test_text_in_a_number_column(tmp_path: Path) -> None:
    table = bars().with_columns(pl.col("close").cast(pl.String))
    path = stored(tmp_path, changed(table, 6, close="1,234.5"))
    findings = check_store(path)
    assert [f.code for f in findings] == ["D005"]
    assert findings[0].message.startswith("aaa_1m.parquet, row 7: not numbers: column close has type String, such as")
    assert "'1,234.5'" in findings[0].message
    with pytest.raises(DataError, match="D005"):
        open_market(path)


def test_a_column_of_another_type(tmp_path: Path) -> None:
    path = stored(tmp_path, bars().with_columns(volume=pl.lit([1.0])))
    assert any(f.code == "D005" and "column volume has type List(Float64)" in f.message for f in check_store(path))


def test_times_that_are_no_milliseconds(tmp_path: Path) -> None:
    seconds = stored(tmp_path, bars().with_columns(pl.col("time") // 1000))
    with pytest.raises(DataError, match=r"D024 .*row 1 .*times not understood: 1699999200 is not a time of a market"):
        open_market(seconds)
    moments = stored(tmp_path, bars().with_columns(pl.from_epoch("time", "ms")), "b.parquet")
    with pytest.raises(DataError, match=r"D024 b\.parquet: .*column time has type Datetime.*\n  fix: Import the file"):
        open_market(moments)


def test_an_empty_file(tmp_path: Path) -> None:
    path = stored(tmp_path, bars(0))
    assert [f.code for f in check_store(path)] == ["D003"]
    with pytest.raises(DataError, match=r"D003 aaa_1m\.parquet: no rows: the table is empty"):
        open_market(path)


@pytest.mark.parametrize("content", [b"", b"time,open\n1,2\n", "cut"])
def test_a_file_that_is_cut_short_or_not_parquet(tmp_path: Path, content: bytes | str) -> None:
    path = stored(tmp_path, bars(1000))
    path.write_bytes(path.read_bytes()[:2000] if isinstance(content, str) else content)
    assert [f.code for f in check_store(path)] == ["D001"]
    with pytest.raises(
        DataError, match=r"D001 aaa_1m\.parquet: file cannot be read.*\n  fix: .*`stratoquant data import`"
    ):
        open_market(path)


def test_a_damaged_file_among_good_ones_is_not_passed_over(tmp_path: Path) -> None:
    stored(tmp_path, bars())
    (tmp_path / "bbb.parquet").write_bytes(b"PAR1")
    with pytest.raises(DataError, match=r"D001 bbb\.parquet"):
        open_market(tmp_path)


def test_wrong_folders(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"D002 .*nope does not exist"):
        open_market(tmp_path / "nope")
    with pytest.raises(DataError, match=r"D002 .*it has no Parquet file\n"):
        open_market(tmp_path)
    (tmp_path / "x.csv").touch()
    with pytest.raises(DataError, match=r"x\.csv can be brought in with `stratoquant data import`"):
        open_market(tmp_path)
    (tmp_path / "deep").mkdir()
    stored(tmp_path / "deep", bars())
    with pytest.raises(DataError, match="the folders deep below it do"):
        open_market(tmp_path)
    pl.DataFrame({"time": [T0], "funding_rate": [0.1]}).write_parquet(tmp_path / "funding.parquet")
    with pytest.raises(DataError, match=r"no file in it has the columns .* it has funding\.parquet"):
        open_market(tmp_path)


def test_a_file_of_one_symbol_that_holds_others(tmp_path: Path) -> None:
    path = stored(tmp_path, pl.concat([bars(5), bars(3, "BBB")]))
    (finding,) = check_store(path, symbol="AAA")
    assert finding.message == (
        "aaa_1m.parquet, row 6 (2023-11-14 22:00 UTC): another symbol: BBB where AAA is expected (and 2 more such rows)"
    )
    assert check_store(path) == []


def test_interleaved_symbols(tmp_path: Path) -> None:
    table = pl.concat([bars(5), bars(5, "BBB")]).sort("time", "symbol")
    path = stored(tmp_path, table)
    with pytest.raises(DataError, match=r"D017 aaa_1m\.parquet, row 3: symbols interleaved: AAA begins a second time"):
        open_market(path)


def test_warnings_do_not_stop_loading(tmp_path: Path) -> None:
    table = bars().with_columns(bid_px_0=99.0, ask_px_0=99.5, buy_volume=0.5)
    path = stored(tmp_path, changed(table, 2, ask_px_0=98.0, buy_volume=50.0))
    findings = check_store(path)
    assert [(f.code, f.row, f.severity) for f in findings] == [("D025", 3, "warning"), ("D026", 3, "warning")]
    assert "book crossed: best bid 99.0, best ask 98.0" in findings[0].message
    assert "more bought than traded: bought 50.0 of 3.0" in findings[1].message
    load(path)


def test_off_the_clock_is_a_warning_until_a_clock_is_asked_for() -> None:
    table = changed(bars(), 3, time=T0 + 3 * MINUTE + 7)
    assert [(f.code, f.severity) for f in check_table(table, "t")] == [("D015", "warning")]
    assert [f.code for f in errors_of(check_table(table, "t", MINUTE))] == ["D015"]


def test_spacing_is_that_of_most_neighbours_and_a_few_odd_times_do_not_change_it() -> None:
    steady = bars(1000)["time"].to_numpy()
    assert spacing_of(steady) == (MINUTE, True, 0)
    sparse = steady[[0, 3, 4, 9, 15, 16, 30, 31, 50, 60]]
    assert spacing_of(sparse) == (MINUTE, True, 0)
    odd = steady.copy()
    odd[500] += 7
    assert spacing_of(odd) == (MINUTE, True, 0)
    assert spacing_of(steady[:1]) is None
    assert spacing_of(steady[[0, 3]]) == (3 * MINUTE, False, 0)
    assert spacing_of(steady * 60 + 1_800_000) == (60 * MINUTE, True, 30 * MINUTE)


def test_the_table_of_codes_is_complete() -> None:
    assert list(CODES) == sorted(CODES)
    for page in CODES.values():
        assert page.title
        assert page.cause.endswith(".")
        assert page.fix.endswith(".")


def test_recorded_bars_are_sound() -> None:
    assert check_store(recorded("bars")) == []


ROUNDED = {
    "high below its close": ({"close": nextafter(101.75, inf)}, "high", nextafter(101.75, inf)),
    "high below its open": ({"open": 101.75 * (1 + 9e-13)}, "high", 101.75 * (1 + 9e-13)),
    "low above its close": ({"close": nextafter(99.75, 0.0)}, "low", nextafter(99.75, 0.0)),
    "low above its open": ({"open": 99.75 * (1 - 9e-13)}, "low", 99.75 * (1 - 9e-13)),
    "low above its high": (
        {"open": 100.0, "low": nextafter(100.0, inf), "high": 100.0, "close": 100.0},
        "high",
        nextafter(100.0, inf),
    ),
    "more bought than traded": ({"volume": 0.3, "buy_volume": 0.1 + 0.2}, "buy_volume", 0.3),
}


@pytest.mark.parametrize(("values", "column", "expected"), ROUNDED.values(), ids=ROUNDED)
def test_a_rounding_is_accepted_and_closed(
    tmp_path: Path, values: dict[str, float], column: str, expected: float
) -> None:
    """Adjusted prices are products: a close can lie one rounding above its high. Layers get the range closed, whether
    the bars were imported or lie in a file of another program."""
    table = changed(bars().with_columns(buy_volume=0.5), 3, **values)
    path = stored(tmp_path, table)
    assert check_store(path, MINUTE) == []
    import_bars(path, tmp_path / "imported.parquet")
    for file in (path, tmp_path / "imported.parquet"):
        (block,) = open_market(file, clock_ms=MINUTE).blocks(100)
        event = block.events[3, 0]
        assert event[column] == expected
        assert event["low"] <= min(event["open"], event["close"]) <= max(event["open"], event["close"]) <= event["high"]
        assert event["buy_volume"] <= event["volume"]


@pytest.mark.parametrize("values", [{"high": 100.75 * (1 - 2e-12)}, {"low": 100.65 * (1 + 2e-12)}])
def test_more_than_a_rounding_is_refused(tmp_path: Path, values: dict[str, float]) -> None:
    path = stored(tmp_path, changed(bars(), 3, **values))
    assert [f.code for f in check_store(path, MINUTE)] in (["D010"], ["D011"])
    with pytest.raises(DataError, match=r"D01[01] aaa_1m\.parquet, row 4"):
        load(path)
    with pytest.raises(DataError, match=r"D01[01] aaa_1m\.parquet, row 4"):
        import_bars(path, tmp_path / "imported.parquet")
    assert not (tmp_path / "imported.parquet").exists()
