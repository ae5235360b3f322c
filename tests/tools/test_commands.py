"""`stratoquant new` and `stratoquant data`: what they write works, and nothing is overwritten or half-written."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from stratoquant.layers import catalogue
from tests.runtime.test_data_book import UPDATES, depth_table, trade_table
from tests.tools.shell import BAD, GOOD, Shell, environment, shell

__all__ = ["shell"]


def test_new_wiring_checks_clean(shell: Shell) -> None:
    assert shell.run("new", "wiring", "first_try.yaml") == 0
    if "L0" not in catalogue():
        pytest.skip("L0 is not here yet")
    assert shell.run("check", "--strict", "first_try.yaml") == 0, shell.out
    assert shell.out == "first_try.yaml: sound, 4 nodes\n"


def test_new_overwrites_nothing(shell: Shell) -> None:
    assert shell.run("new", "wiring", "bad.yaml") == 2
    assert Path("bad.yaml").read_text(encoding="utf-8") == BAD
    assert shell.run("new", "layer", "mine", "--folder", "own") == 0
    before = {p: p.read_bytes() for p in Path("own").rglob("*") if p.is_file()}
    assert len(before) == 2
    next(iter(before)).unlink()
    left = next(p for p in before if p.exists())
    assert shell.run("new", "layer", "mine", "--folder", "own") == 2
    assert [p for p in Path("own").rglob("*") if p.is_file()] == [left]


@pytest.mark.parametrize(("options", "key"), [((), "mine"), (("--number", "214", "--domain", "pattern"), "L214")])
def test_new_layer_works_and_so_does_its_test(options: tuple[str, ...], key: str, shell: Shell) -> None:
    assert shell.run("new", "layer", "mine", "--folder", "own", *options) == 0
    assert f"`layer: {key}`" in shell.out
    text = GOOD.replace("L14.rsi]\n", "L14.rsi, mine.mean]\nlayers: [own]\n")
    text = text.replace("record", f"  mine: {{layer: {key}, inputs: {{x: L14.rsi}}, params: {{window: 5}}}}\nrecord")
    Path("user.yaml").write_text(text, encoding="utf-8")
    assert shell.run("check", "--strict", "user.yaml") == 0, shell.out
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "own"]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, check=False)
    assert "2 passed" in done.stdout, done.stdout + done.stderr


def test_data_from_making_to_resampling(shell: Shell) -> None:
    make = ("data", "synth", "made.parquet", "--symbols", "AAA", "--bars", "600", "--seed", "3")
    assert shell.run(*make) == 0, shell.err
    assert shell.out.endswith("-> made.parquet\n")
    assert shell.run("data", "validate", "made.parquet") == 0, shell.out
    assert shell.run("data", "validate", "made.parquet", "--json") == 0
    assert json.loads(shell.out)["errors"] == 0
    assert shell.run("data", "info", "made.parquet", "--json") == 0
    assert json.loads(shell.out)[0]["symbol"] == "AAA"
    assert shell.run("data", "info", "made.parquet") == 0
    assert shell.out.startswith("AAA: ")
    assert shell.run("data", "resample", "made.parquet", "slow.parquet", "--clock", "5m") == 0, shell.err
    assert shell.run("data", "validate", "slow.parquet", "--clock", "5m") == 0, shell.out


CSV = "Date,Open,High,Low,Last,Volume\n" + "".join(
    f"2024-03-01 00:0{i}:00,{10 + i},{12 + i},{9 + i},{11 + i},5\n" for i in range(9)
)


def test_data_import(shell: Shell) -> None:
    Path("in.csv").write_text(CSV, encoding="utf-8")
    mapped = ("data", "import", "in.csv", "out.parquet", "--map", "close=Last", "--map", "time=Date")
    assert shell.run(*mapped, "--symbol", "AAA") == 0, shell.err
    assert shell.out == "9 bars of 1m, AAA -> out.parquet\n"
    assert shell.run(*mapped, "--symbol", "AAA", "--json") == 0
    assert json.loads(shell.out)["rows"] == 9


def test_data_that_is_unsound_is_not_imported(shell: Shell) -> None:
    Path("in.csv").write_text(CSV.replace(",12,", ",1,"), encoding="utf-8")
    assert shell.run("data", "import", "in.csv", "out.parquet", "--map", "close=Last", "--map", "time=Date") == 1
    assert "D010 in.csv, row 1 (2024-03-01 00:00 UTC): high too low" in shell.err
    assert not Path("out.parquet").exists()


def test_data_book(shell: Shell) -> None:
    depth_table().write_parquet("depth.parquet")
    trade_table().write_parquet("trades.parquet")
    make = ("data", "book", "depth.parquet", "trades.parquet", ".", "--symbol", "AAA", "--every", "100ms")
    assert shell.run(*make) == 0, shell.err
    assert shell.out == (
        "5 bars of 100ms, AAA, 2023-11-14 22:00 UTC to 2023-11-14 22:00:00.400 UTC, 3 without a trade; 3 trades "
        "-> AAA_100ms.parquet\n"
    )
    assert shell.run("data", "validate", "AAA_100ms.parquet", "--clock", "100ms", "--strict") == 0, shell.out
    assert shell.run(*make, "--json") == 0
    assert json.loads(shell.out)["bars"] == 5
    assert shell.run("data", "info", "AAA_100ms.parquet") == 0
    assert "with book" in shell.out


@pytest.mark.parametrize("every", ["0s", "1 second", "2d"])
def test_data_book_wants_a_clock(every: str, shell: Shell) -> None:
    depth_table().write_parquet("depth.parquet")
    trade_table().write_parquet("trades.parquet")
    assert shell.run("data", "book", "depth.parquet", "trades.parquet", ".", "--symbol", "AAA", "--every", every) == 2
    assert "Traceback" not in shell.err


def test_a_recording_that_is_unsound_is_not_built(shell: Shell) -> None:
    depth_table(UPDATES[:5] + UPDATES[6:]).write_parquet("depth.parquet")
    trade_table().write_parquet("trades.parquet")
    make = ("data", "book", "depth.parquet", "trades.parquet", "out.parquet", "--symbol", "AAA", "--every", "100ms")
    assert shell.run(*make) == 1
    assert "D031 depth.parquet, row 6" in shell.err and "fix: " in shell.err
    assert shell.run(*(word.replace("depth.parquet", "none.parquet") for word in make)) == 3
    assert not Path("out.parquet").exists()


def test_shipped_wirings_are_named_from_anywhere(shell: Shell) -> None:
    assert shell.run("check", "stratoquant:wiring_master.yaml") == 0, shell.err
    text = "stratoquant: 1\nclock: 1m\nsymbols: [BTCUSDT]\ninclude: ['stratoquant:sma_cross.yaml']\n"
    Path("own.yaml").write_text(text + "override: {fast: {params: {window: 20}}}\n", encoding="utf-8")
    assert shell.run("check", "own.yaml") == 0, shell.out + shell.err
    Path("own.yaml").write_text(text.replace("sma_cross", "sma_cros"), encoding="utf-8")
    assert shell.run("check", "own.yaml") == 1
    assert "W005" in shell.out + shell.err and "did you mean `sma_cross.yaml`?" in shell.out + shell.err
