"""What an import refuses, and that its hints lead to the bars when they are followed as they are written."""

from __future__ import annotations

import csv
import shlex
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl
import pytest

from stratoquant.runtime.data.codes import CODES
from stratoquant.runtime.data.findings import DataError, Finding
from stratoquant.runtime.data.imports import import_bars
from stratoquant.runtime.data.store import check_store, open_market
from tests.runtime.bars import MINUTE, T0, bars

HOUR = 60 * MINUTE


@dataclass
class Desk:
    """A source file and the options with which it is imported."""

    file: Path
    options: dict[str, object] = field(default_factory=dict)

    def refusal(self) -> Finding:
        """The first finding of an import, which must fail and write nothing."""
        target = self.file.with_name("bars")
        with pytest.raises(DataError) as caught:
            import_bars(self.file, target, **self.options)
        assert not list(target.glob("*"))
        return caught.value.findings[0]

    def imported(self) -> pl.DataFrame:
        done = import_bars(self.file, self.file.with_name("bars"), **self.options)
        return pl.read_parquet(done.files[0])

    def map(self, hint: str) -> None:
        """Follows a hint that ends with a mapping."""
        [pair] = shlex.split(hint.partition("--map ")[2].removesuffix("."))
        ours, _, theirs = pair.partition("=")
        self.options.setdefault("columns", {})[ours] = theirs  # type: ignore[index]

    def edit(self, change: Callable[[list[str]], list[str]]) -> None:
        lines = self.file.read_text(encoding="utf-8").splitlines()
        self.file.write_text("\n".join(change(lines)) + "\n", encoding="utf-8")


@pytest.fixture
def desk(tmp_path: Path) -> Callable[..., Desk]:
    def made(lines: list[str]) -> Desk:
        file = tmp_path / "source.csv"
        file.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return Desk(file)

    return made


def rows(form: str, count: int = 30, separator: str = ",") -> list[str]:
    """Lines of bars; their times are written in this form."""
    table = bars(count, symbol=None).with_columns(pl.from_epoch("time", "ms").dt.strftime(form))
    return table.write_csv(include_header=False, separator=separator, quote_style="never").splitlines()


def same(got: pl.DataFrame, count: int = 30) -> bool:
    return got.drop("symbol").equals(bars(count, symbol=None))


@pytest.mark.parametrize("separator", [";", ",", "\t"])
@pytest.mark.parametrize("form", ["%Y%m%d %H%M%S", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%SZ"])
def test_a_file_without_names_loses_no_bar(desk: Callable[..., Desk], form: str, separator: str) -> None:
    assert same(desk(rows(form, separator=separator)).imported())


def test_a_file_without_names_and_of_another_width_wants_a_line_of_names(desk: Callable[..., Desk]) -> None:
    source = desk(rows("%Y.%m.%d,%H:%M"))
    found = source.refusal()
    assert (found.code, found.detail) == ("D023", "the first line holds 6 values and no names")
    assert found.fix.endswith("such as time,open,high,low,close,volume")
    source.edit(lambda lines: ["date,time,open,high,low,close,volume", *lines])
    found = source.refusal()
    assert found.code == "D024" and found.fix.startswith(
        "Write date and time into one column, such as 2024-03-01 12:30"
    )
    source.edit(lambda lines: ["time,open,high,low,close,volume", *(x.replace(",", " ", 1) for x in lines[1:])])
    source.edit(lambda lines: [x.replace(".", "-", 2) if i else x for i, x in enumerate(lines)])
    assert same(source.imported())


def test_a_time_of_day_as_a_number_is_no_time(desk: Callable[..., Desk]) -> None:
    found = desk(["<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>", *rows("%Y%m%d,%H%M%S")]).refusal()
    assert found.code == "D024" and "no time of a market" in found.detail
    assert found.fix.startswith("Write date and time into one column")


def test_a_mapping_is_suggested_as_a_shell_takes_it(desk: Callable[..., Desk]) -> None:
    source = desk(["unix,open,high,low,close,Base Amount,Volume BTC", *(f"{x},7" for x in rows("%Y-%m-%d %H:%M"))])
    found = source.refusal()
    assert found.fix == "Name it, such as --map 'volume=Volume BTC'."
    source.map(found.fix)
    assert source.imported()["volume"].to_list() == [7.0] * 30


def test_a_strange_time_asks_for_its_pattern_and_a_decimal_comma_for_a_point(desk: Callable[..., Desk]) -> None:
    plain = rows("%d.%m.%Y %H:%M", separator=";")
    source = desk(["Zeit;open;high;low;close;volume", *(x.replace(".", ",").replace(",", ".", 2) for x in plain)])
    found = source.refusal()
    source.map(found.fix)
    found = source.refusal()
    assert found.code == "D024" and "--time-format '%d.%m.%Y %H:%M'" in found.fix
    source.options["time_format"] = "%d.%m.%Y %H:%M"
    found = source.refusal()
    assert (found.code, found.fix) == ("D005", "Correct the text in the source; numbers are written as 1234.5.")
    source.edit(lambda lines: [x.replace(",", ".") for x in lines])
    assert same(source.imported())


def test_a_line_of_garbage_is_the_one_that_is_named(desk: Callable[..., Desk]) -> None:
    source = desk(bars(30, symbol=None).write_csv().splitlines())
    source.edit(lambda lines: [*lines[:12], "garbage", *lines[12:]])
    found = source.refusal()
    assert found.code == "D024" and "row 12: 'garbage'" in found.detail and found.fix == "Correct or remove the row."
    source.edit(lambda lines: [x for x in lines if x != "garbage"])
    assert same(source.imported())


def test_what_stands_above_the_names_is_to_be_removed(desk: Callable[..., Desk]) -> None:
    source = desk(["https://www.example.com", *bars(30, symbol=None).write_csv().splitlines()])
    found = source.refusal()
    assert (found.code, found.detail) == ("D001", "line 2 has 6 cells, the first line has 1")
    assert "remove what is above them" in found.fix
    source.edit(lambda lines: lines[1:])
    assert same(source.imported())


def test_times_that_a_spreadsheet_has_shortened_are_not_halved(desk: Callable[..., Desk]) -> None:
    found = desk(
        ["time,open,high,low,close,volume", *(f"1.61895E+12,{x[17:]}" for x in rows("%Y-%m-%d %H:%M"))]
    ).refusal()
    assert found.code == "D024" and "has lost its last digits, such as in 1.61895E+12" in found.detail
    assert found.fix == "Export the file again with the times in full."


def test_a_file_with_names_and_no_rows_has_no_rows(desk: Callable[..., Desk]) -> None:
    assert desk(["time,open,high,low,close,volume"]).refusal().code == "D003"


@pytest.mark.parametrize("name", ["a.zip", "a.xlsx", "a.parquet", "a.csv"])
def test_no_hint_of_an_import_is_to_import(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b'time,"open\n1')
    finding = Desk(tmp_path / name).refusal()
    assert "data import" not in finding.fix
    assert "data import" not in Desk(tmp_path / "absent.csv").refusal().fix


@pytest.mark.parametrize(("clock", "offset"), [(HOUR, HOUR // 2), (4 * HOUR, 2 * HOUR), (24 * HOUR, 5 * HOUR)])
def test_bars_off_the_utc_grid_are_imported_as_they_lie(desk: Callable[..., Desk], clock: int, offset: int) -> None:
    first = T0 // clock * clock + offset
    source = desk(bars(40, symbol=None, clock=clock, start=first).write_csv().splitlines())
    source.options["clock_ms"] = clock // 2
    found = source.refusal()
    assert (found.code, found.fix) == ("D021", "Leave --clock out.")
    done = import_bars(source.file, source.file.with_name("bars"), symbol="AAA")
    assert (done.clock_ms, done.warnings) == (clock, ())
    market = open_market(source.file.with_name("bars"))
    assert (market.start, market.origin, market.bars) == (first, offset, 40)
    assert next(market.blocks()).times[0] == first


def test_days_that_shift_with_summer_time_are_refused_with_what_to_get(desk: Callable[..., Desk]) -> None:
    """New York's midnights around 10 March 2024: 05:00 UTC, then 04:00."""
    days = pl.int_range(40) * 24 * HOUR + 1_709_269_200_000
    table = bars(40, symbol=None).with_columns(time=days - pl.when(days > 1_710_050_000_000).then(HOUR).otherwise(0))
    found = desk(table.write_csv().splitlines()).refusal()
    assert found.code == "D015" and "summer time" in found.fix and "resample to 1d" in found.fix


def test_symbols_whose_bars_open_apart_are_refused(tmp_path: Path) -> None:
    bars(40, "AAA", clock=HOUR).write_parquet(tmp_path / "a.parquet")
    bars(40, "BBB", clock=HOUR, start=T0 + HOUR // 2).write_parquet(tmp_path / "b.parquet")
    with pytest.raises(DataError, match=r"D046 .*AAA in 1h, BBB in 1h@00:30"):
        open_market(tmp_path)


def test_a_few_bars_off_the_clock_are_wrong_rows_and_a_wrong_clock_is_named(tmp_path: Path) -> None:
    table = bars(40).with_columns(
        pl.when(pl.int_range(40) == 7).then(pl.col("time") + 1).otherwise("time").alias("time")
    )
    table.write_parquet(tmp_path / "a.parquet")
    [finding] = check_store(tmp_path, MINUTE)
    assert (finding.code, finding.row, finding.fix) == ("D015", 8, CODES["D015"].fix)
    bars(40).write_parquet(tmp_path / "a.parquet")
    [finding] = check_store(tmp_path, HOUR)
    assert (finding.code, finding.fix) == ("D015", "Give the clock that the bars have, 1m.")


def test_a_file_of_two_spacings_is_to_be_split(desk: Callable[..., Desk]) -> None:
    slow = bars(20, "BBB", clock=5 * MINUTE)
    source = desk(pl.concat([bars(20), slow]).write_csv().splitlines())
    found = source.refusal()
    assert found.code == "D021" and found.fix.startswith("Split the file")
    source.options["clock_ms"] = MINUTE
    assert source.refusal().fix == found.fix
    source.options = {}
    source.edit(lambda lines: [x for x in lines if not x.endswith("BBB")])
    assert source.imported().height == 20


@pytest.mark.parametrize("step", [500, 1500, 100, 1])
@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_fractions_of_seconds_are_kept(tmp_path: Path, step: int, ending: str) -> None:
    first = 1_704_153_600_000
    wanted = [first + step * k for k in range(20)]
    table = bars(20, symbol=None, clock=step, start=first).with_columns(time=pl.Series(wanted) / 1000)
    if ending == "csv":
        text = [[f"{t // 1000}.{t % 1000:03d}", *row[1:]] for t, row in zip(wanted, table.rows(), strict=True)]
        with (tmp_path / "a.csv").open("w", newline="") as file:
            csv.writer(file).writerows([table.columns, *text])
    else:
        table.write_parquet(tmp_path / "a.parquet")
    done = import_bars(tmp_path / f"a.{ending}", tmp_path / "out.parquet")
    assert done.clock_ms == step
    assert pl.read_parquet(tmp_path / "out.parquet")["time"].to_list() == wanted


def test_whole_times_are_exact_in_every_unit(tmp_path: Path) -> None:
    table = bars(20, symbol=None)
    for factor in (1_000, 1_000_000):
        table.with_columns(pl.col("time") * factor + 1).write_csv(tmp_path / "a.csv")
        import_bars(tmp_path / "a.csv", tmp_path / "out.parquet")
        assert pl.read_parquet(tmp_path / "out.parquet")["time"].equals(table["time"])
