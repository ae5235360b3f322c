"""Where bars go: a file is replaced, a folder has a file a symbol and takes more of it, and nothing is lost unsaid."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stratoquant.runtime.data.bars import write_bars
from stratoquant.runtime.data.findings import DataError
from stratoquant.runtime.data.store import check_store, open_market
from stratoquant.runtime.data.storing import store_bars
from stratoquant.runtime.errors import StratoError
from tests.runtime.bars import MINUTE, bars, changed

ROOT = Path(__file__).parents[2]


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_name_that_ends_in_parquet_is_a_file_and_any_other_a_folder(tmp_path: Path) -> None:
    both = pl.concat([bars(5), bars(5, "B/C")])
    assert store_bars(both, tmp_path / "all.parquet", MINUTE).files == (tmp_path / "all.parquet",)
    done = store_bars(both, tmp_path / "bars", MINUTE)
    assert [file.name for file in done.files] == names(tmp_path / "bars") == ["AAA_1m.parquet", "B-C_1m.parquet"]
    assert open_market(tmp_path / "bars").symbols == ("AAA", "B/C")
    (tmp_path / "odd.parquet").mkdir()
    assert store_bars(bars(5), tmp_path / "odd.parquet", MINUTE).files == (tmp_path / "odd.parquet/AAA_1m.parquet",)


def test_a_second_symbol_leaves_the_first(tmp_path: Path) -> None:
    store_bars(bars(5), tmp_path / "bars", MINUTE, add=True)
    store_bars(bars(7, "BBB"), tmp_path / "bars", MINUTE, add=True)
    assert open_market(tmp_path / "bars").symbols == ("AAA", "BBB")


def test_more_of_a_symbol_is_added_and_a_bar_that_comes_again_counts(tmp_path: Path) -> None:
    folder = tmp_path / "bars"
    store_bars(bars(10).with_columns(trades=pl.lit(5.0)), folder, MINUTE, add=True)
    again = changed(bars(np.arange(8, 15)), 0, volume=99.0)
    done = store_bars(again, folder, MINUTE, add=True)
    assert (done.kept, done.rows) == (8, 7)
    held = pl.read_parquet(done.files[0])
    assert held.drop("trades").equals(changed(bars(15), 8, volume=99.0))
    assert held["trades"].to_list()[:8] == [5.0] * 8
    assert held["trades"][8:].is_nan().all()
    assert check_store(folder) == []
    assert store_bars(bars(3), folder, MINUTE).kept == 0
    assert pl.read_parquet(done.files[0]).equals(bars(3))


@given(st.lists(st.lists(st.integers(0, 40), min_size=1, unique=True), min_size=1, max_size=5))
def test_what_is_added_in_parts_is_what_came_last_of_each_time(
    tmp_path_factory: pytest.TempPathFactory, parts: list[list[int]]
) -> None:
    folder = tmp_path_factory.mktemp("store") / "bars"
    expected: dict[int, float] = {}
    for number, steps in enumerate(parts):
        part = bars(np.sort(steps)).with_columns(volume=pl.lit(float(number)))
        store_bars(part, folder, MINUTE, add=True)
        expected |= dict(zip(part["time"], part["volume"], strict=True))
    held = pl.read_parquet(folder / "AAA_1m.parquet")
    assert dict(zip(held["time"], held["volume"], strict=True)) == expected
    assert held["time"].is_sorted()


def test_a_file_of_another_symbol_is_not_touched(tmp_path: Path) -> None:
    store_bars(bars(5, "A/B"), tmp_path / "bars", MINUTE, add=True)
    with pytest.raises(DataError, match=r"D016 A-B_1m\.parquet, .*: A/B where A-B is expected"):
        store_bars(pl.concat([bars(9, "AAA"), bars(9, "A-B")]), tmp_path / "bars", MINUTE, add=True)
    with pytest.raises(DataError, match=r"D016 A-B_1m\.parquet: another symbol: A/B and A-B would both lie in it"):
        store_bars(pl.concat([bars(9, "A/B"), bars(9, "A-B")]), tmp_path / "bars", MINUTE, add=True)
    assert names(tmp_path / "bars") == ["A-B_1m.parquet"]
    assert open_market(tmp_path / "bars").symbols == ("A/B",)


def test_two_clocks_of_a_symbol_do_not_share_a_time_in_a_folder(tmp_path: Path) -> None:
    store_bars(bars(20), tmp_path / "bars", MINUTE)
    slow = bars(4, clock=5 * MINUTE)
    with pytest.raises(DataError, match=r"D019 AAA_5m\.parquet: .* lies in AAA_1m\.parquet as well"):
        store_bars(slow, tmp_path / "bars", 5 * MINUTE)
    assert names(tmp_path / "bars") == ["AAA_1m.parquet"]
    later = slow.with_columns(time=pl.col("time") + 20 * MINUTE)
    assert store_bars(later, tmp_path / "bars", 5 * MINUTE).rows == 4


def test_unsound_bars_are_not_added_to(tmp_path: Path) -> None:
    file = tmp_path / "AAA_1m.parquet"
    write_bars(bars(np.array([3, 1])), file)
    before = file.read_bytes()
    with pytest.raises(DataError, match=r"D013 AAA_1m\.parquet"):
        store_bars(bars(5), tmp_path, MINUTE, add=True)
    file.write_text("no Parquet")
    with pytest.raises(DataError, match=r"D001 AAA_1m\.parquet"):
        store_bars(bars(5), tmp_path, MINUTE, add=True)
    assert before != file.read_bytes() == b"no Parquet"


def test_a_file_in_the_way_and_a_folder_that_is_nowhere(tmp_path: Path) -> None:
    (tmp_path / "bars").write_text("")
    with pytest.raises(StratoError, match=r"F006 .*a file is in the way"):
        store_bars(bars(5), tmp_path / "bars", MINUTE)
    with pytest.raises(StratoError, match=r"F001 .*no such folder"):
        store_bars(bars(5), tmp_path / "none" / "bars", MINUTE)


ADDER = """
import sys, time
from stratoquant.runtime.data import storing
from tests.runtime.bars import MINUTE, bars
import numpy as np

write = storing.write_bars
def slowly(*arguments):
    time.sleep(0.5)
    write(*arguments)
storing.write_bars = slowly
first = int(sys.argv[2])
storing.store_bars(bars(np.arange(first, first + 10)), sys.argv[1], MINUTE, add=True)
"""


def test_of_two_processes_that_store_into_one_folder_none_loses_its_bars(tmp_path: Path) -> None:
    folder = tmp_path / "bars"
    command = [sys.executable, "-c", ADDER, str(folder)]
    started = [subprocess.Popen([*command, str(first)], cwd=ROOT) for first in (0, 10, 20)]
    assert [process.wait() for process in started] == [0, 0, 0]
    assert pl.read_parquet(folder / "AAA_1m.parquet")["time"].equals(bars(30)["time"])
    assert names(folder) == ["AAA_1m.parquet"]


@pytest.mark.parametrize("symbol", ["../A", "..", "a/../b", "CON", "a\x00b", "\\\\host\\share"])
@pytest.mark.parametrize("target", ["bars", "bars.parquet"])
def test_what_is_no_symbol_is_not_stored(tmp_path: Path, symbol: str, target: str) -> None:
    with pytest.raises(DataError, match="D039 "):
        store_bars(bars(5, symbol), tmp_path / target, MINUTE, add=True)
    assert names(tmp_path) == []


def test_a_stored_file_of_what_is_no_symbol_is_not_opened(tmp_path: Path) -> None:
    write_bars(pl.concat([bars(5), bars(5, "../A")]), tmp_path / "a.parquet")
    [finding] = check_store(tmp_path)
    assert (finding.code, finding.row) == ("D039", 6)
    with pytest.raises(DataError, match=r"D039 a\.parquet, row 6: not a symbol: '\.\./A': it contains `/`|begins with"):
        open_market(tmp_path)
    write_bars(bars(5).drop("symbol"), tmp_path / ".hidden.parquet")
    with pytest.raises(DataError, match=r"D039 \.hidden\.parquet: not a symbol: '\.HIDDEN'"):
        open_market(tmp_path / ".hidden.parquet")
