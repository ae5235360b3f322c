"""`stratoquant mirror json` and `chart` on a finished run."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from stratoquant.mirror.chart import library_folder
from stratoquant.mirror.json.reader import read, read_header
from tests.tools.shell import ROOT, Shell, shell

__all__ = ["shell"]
MASTER = str(ROOT / "tests" / "specs" / "forced_master.yaml")
BARS = 4_000


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from stratoquant.tools.cli import app
    from stratoquant.tools.entry import run as run_command

    folder = tmp_path_factory.mktemp("mirror") / "run"
    assert (
        run_command(app, "stratoquant", ("backtest", MASTER, "--bars", str(BARS), "--out", str(folder), "--json")) == 0
    )
    return folder


def test_every_symbol_at_every_bar_is_told(run: Path, shell: Shell) -> None:
    assert shell.run("mirror", "json", str(run), "-o", "m.jsonl", "--json") == 0
    assert json.loads(shell.out)["written"] == 3 * BARS
    lines = list(read(Path("m.jsonl")))
    values = pl.read_parquet(run / "values" / "*.parquet")
    fills = pl.read_parquet(run / "fills.parquet")
    equity = pl.read_parquet(run / "equity.parquet")
    assert [line.time for line in lines] == sorted(values["time"].to_list())
    assert sum(len(line.fills) for line in lines) == fills.height > 0
    assert [line.risk.equity for line in lines[::3]] == equity["equity"].to_list()
    edges = values.filter(pl.col("symbol") == "ETHUSDT")["L3.edge"].fill_nan(None).to_list()
    assert [line.decision.edge for line in lines if line.symbol == "ETHUSDT"] == edges
    masks = values.filter(pl.col("symbol") == "ETHUSDT")["L4.veto"].fill_nan(None).to_list()
    told = [len(line.risk.vetoes) for line in lines if line.symbol == "ETHUSDT"]
    assert told == [0 if mask is None else int(mask).bit_count() for mask in masks]
    assert {line.regime for line in lines} - {None} <= set(read_header(Path("m.jsonl")).regimes)
    assert any("avoid" in line.risk.vetoes or "exit" in line.risk.vetoes for line in lines)


def test_again_adds_nothing(run: Path, shell: Shell) -> None:
    assert shell.run("mirror", "json", str(run), "-o", "m.jsonl") == 0
    before = Path("m.jsonl").read_bytes()
    assert shell.run("mirror", "json", str(run), "-o", "m.jsonl") == 0
    assert "0 lines written" in shell.out and Path("m.jsonl").read_bytes() == before


def test_a_symbol_a_period_and_changes_alone(run: Path, shell: Shell) -> None:
    assert shell.run("mirror", "json", str(run), "-o", "all.jsonl", "--symbol", "BTCUSDT") == 0
    every = list(read(Path("all.jsonl")))
    assert {line.symbol for line in every} == {"BTCUSDT"} and len(every) == BARS
    assert shell.run("mirror", "json", str(run), "-o", "few.jsonl", "--symbol", "BTCUSDT", "--only-changes") == 0
    few = list(read(Path("few.jsonl")))
    assert 10 < len(few) < 0.75 * BARS and few[0] == every[0]
    assert [line for line in every if line.fills] == [line for line in few if line.fills]
    assert shell.run("mirror", "json", str(run), "-o", "none.jsonl", "--symbol", "DOGE") == 1
    assert "M022" in shell.err and not Path("none.jsonl").exists()


@pytest.mark.skipif(not library_folder().exists(), reason="lightweight-charts is not installed")
def test_the_chart_is_one_page(run: Path, shell: Shell) -> None:
    assert shell.run("mirror", "json", str(run), "-o", "m.jsonl") == 0
    assert shell.run("mirror", "chart", "m.jsonl", "--symbol", "BTCUSDT", "--last", "300") == 0
    page = Path("m.html").read_text(encoding="utf-8")
    data = json.loads(page.split('type="application/json">')[1].split("</script>")[0])
    assert len(data["bars"]) == 300 and data["symbol"] == "BTCUSDT"
    assert "%DATA%" not in page and "src=" not in page.split("<script>")[0]


def test_the_chart_says_what_is_missing(run: Path, shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    assert shell.run("mirror", "json", str(run), "-o", "m.jsonl") == 0
    monkeypatch.setenv("STRATOQUANT_CHARTS", "nowhere")
    assert shell.run("mirror", "chart", "m.jsonl") == 3
    assert "M040" in shell.err and "npm install" in shell.err
    assert shell.run("mirror", "chart", "m.jsonl", "--symbol", "DOGE") == 2
    assert shell.run("mirror", "chart", "other.jsonl") == 3 and "M030" in shell.err
    assert shell.run("mirror", "json", "nowhere") == 3 and "M020" in shell.err


def test_the_screen_shows_the_same_lines(run: Path, shell: Shell) -> None:
    asked = ("mirror", "json", str(run), "--symbol", "BTCUSDT", "--only-changes")
    assert shell.run(*asked, "-o", "m.jsonl") == 0
    assert shell.run(*asked, "-o", "-") == 0
    assert shell.out == Path("m.jsonl").read_text(encoding="utf-8") and not Path("-").exists()


def test_what_does_not_fit_a_file_or_a_run_is_refused(run: Path, shell: Shell) -> None:
    asked = ("mirror", "json", str(run), "-o", "m.jsonl")
    assert shell.run(*asked, "--symbol", "BTCUSDT") == 0
    assert shell.run(*asked) == 1 and "M032" in shell.err and "symbols" in shell.err
    assert shell.run("mirror", "json", str(run), "--start", "2030-01-01") == 1 and "M041" in shell.err
    old = Path("old")
    old.mkdir()
    facts = json.loads((run / "result.json").read_text(encoding="utf-8"))
    (old / "result.json").write_text(json.dumps({k: v for k, v in facts.items() if k != "roles"}), encoding="utf-8")
    assert shell.run("mirror", "json", "old") == 3 and "M020" in shell.err and "again" in shell.err
    Path("picture.jsonl").write_bytes(b"\xf5\x00\xff" * 50)
    assert shell.run("mirror", "chart", "picture.jsonl") == 3 and "M030" in shell.err
    assert shell.run("mirror", "json", str(run), "-o", "picture.jsonl") == 3 and "Traceback" not in shell.err
