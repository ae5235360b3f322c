"""`stratoquant backtest` and `explain` as a user meets them: results, repeats, bad input, interruption."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import chdir, redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path

import polars as pl
import pytest

from stratoquant.runtime.data.synthetic import synthesise
from stratoquant.tools import entry
from stratoquant.tools.cli import app

ROOT = Path(__file__).resolve().parents[2]
CROSS = str(ROOT / "specs" / "sma_cross.yaml")
COMMAND = [sys.executable, "-m", "stratoquant.tools.cli"]


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    """The command in this process."""
    out, err = StringIO(), StringIO()
    with chdir(ROOT), redirect_stdout(out), redirect_stderr(err):
        code = entry.run(app, "stratoquant", [*map(str, arguments)])
    return subprocess.CompletedProcess(arguments, code, out.getvalue(), err.getvalue())


def run_apart(*arguments: object) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own."""
    return subprocess.run([*COMMAND, *map(str, arguments)], capture_output=True, text=True, cwd=ROOT, check=False)


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bars")
    synthesise(("BTCUSDT",), 6000, 4).write_parquet(folder / "btcusdt.parquet")
    return folder


def test_the_same_run_gives_the_same_digest_and_whole_files(stored: Path, tmp_path: Path) -> None:
    runs = [run_apart("backtest", CROSS, "--data", stored, "--json", "-o", tmp_path / name) for name in ("a", "b")]
    first, second = (json.loads(done.stdout) for done in runs)
    assert first["digest"] == second["digest"]
    assert first["trades"] == second["trades"] > 3
    assert {"sharpe", "total_return", "max_drawdown"} <= set(first["metrics"])
    files = {p.name for p in (tmp_path / "a").iterdir()}
    assert files == {"equity.parquet", "fills.parquet", "report.html", "result.json", "trades.parquet", "values"}
    trades = pl.read_parquet(tmp_path / "a" / "trades.parquet")
    assert trades.height == first["trades"]
    assert trades["exit_reason"].drop_nulls().is_in(["signal", "stop", "take", "liquidation"]).all()
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".")] == []


def test_a_parameter_from_the_command_line_changes_the_result(stored: Path, tmp_path: Path) -> None:
    plain = json.loads(run("backtest", CROSS, "--data", stored, "--json", "-o", tmp_path / "a").stdout)
    changed = run("backtest", CROSS, "--data", stored, "--json", "-o", tmp_path / "b", "--set", "fast.window=20")
    assert json.loads(changed.stdout)["digest"] != plain["digest"]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--set", "fast.windw=20"], 1, "has no parameter `windw`"),
        (["--set", "fast.window"], 2, "write NODE.parameter=value"),
        (["--data", "no/such/folder"], 3, "no/such/folder"),
        (["--symbols", "BTCUSD"], 1, "Did you mean BTCUSDT"),
        (["--start", "yesterday"], 2, "write it as 2024-03-01"),
        (["--start", "2030-01-01"], 1, "the bars reach from"),
        (["--config", "no_such.yaml"], 3, "no_such.yaml"),
    ],
)
def test_bad_options_get_one_clear_message(
    stored: Path, tmp_path: Path, arguments: list[str], code: int, said: str
) -> None:
    data = [] if "--data" in arguments else ["--data", stored]
    done = run("backtest", CROSS, *data, "-o", tmp_path / "out", *arguments)
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert done.returncode == code
    assert not (tmp_path / "out").exists()


def test_unsound_bars_stop_the_run_and_leave_nothing(stored: Path, tmp_path: Path) -> None:
    bars = pl.read_parquet(stored / "btcusdt.parquet")
    broken = bars.with_columns(
        pl.when(pl.int_range(pl.len()) == 5000).then(float("nan")).otherwise(pl.col("close")).alias("close")
    )
    broken.write_parquet(tmp_path / "btcusdt.parquet")
    done = run("backtest", CROSS, "--data", tmp_path / "btcusdt.parquet", "-o", tmp_path / "out")
    assert done.returncode == 1
    assert "D0" in done.stderr
    assert "row 5001" in done.stderr or "row 5000" in done.stderr
    assert "Traceback" not in done.stderr
    assert [p.name for p in tmp_path.iterdir()] == ["btcusdt.parquet"]


def test_a_folder_that_cannot_be_written_is_said_plainly(stored: Path) -> None:
    done = run("backtest", CROSS, "--data", stored, "-o", "/proc/nowhere/out")
    assert done.returncode == 3
    assert "cannot write" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_folder_of_something_else_is_not_replaced(stored: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "notes.txt").write_text("mine", encoding="utf-8")
    done = run("backtest", CROSS, "--data", stored, "-o", mine)
    assert done.returncode == 3
    assert "F007" in done.stderr and "it holds notes.txt" in done.stderr and "Traceback" not in done.stderr
    assert (mine / "notes.txt").read_text(encoding="utf-8") == "mine"
    (mine / "notes.txt").unlink()
    for _ in range(2):
        assert run("backtest", CROSS, "--data", stored, "-o", mine).returncode == 0
    assert [p.name for p in tmp_path.iterdir()] == ["mine"]


def test_settings_are_checked_with_their_place(stored: Path, tmp_path: Path) -> None:
    config = tmp_path / "mine.yaml"
    config.write_text("cash: 5000\nvenue:\n  taker_fees: 3\n  maintenance: 7\n", encoding="utf-8")
    done = run("backtest", CROSS, "--data", stored, "--config", config, "-o", tmp_path / "out")
    assert done.returncode == 1
    assert f"{config}:3:3" in done.stderr
    assert "did you mean `taker_fee`" in done.stderr
    assert f"{config}:4" in done.stderr


def listen_to_ctrl_c() -> None:
    """A shell without job control starts its children deaf to Ctrl-C; a user's terminal does not."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_ctrl_c_leaves_the_old_results(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "report.html").write_text("the old one", encoding="utf-8")
    program = [*COMMAND, "backtest", CROSS, "--bars", "3000000", "-o", str(out)]
    started = subprocess.Popen(
        program, stderr=subprocess.PIPE, text=True, cwd=ROOT, preexec_fn=listen_to_ctrl_c
    )  # fmt: skip
    while not any(p.name.startswith(".out.") for p in tmp_path.iterdir()):  # until the run writes
        assert started.poll() is None
        time.sleep(0.05)
    os.kill(started.pid, signal.SIGINT)
    _, said = started.communicate(timeout=600)
    assert started.returncode == 130
    assert "Traceback" not in said
    assert [p.name for p in tmp_path.iterdir()] == ["out"]
    assert (out / "report.html").read_text(encoding="utf-8") == "the old one"


def test_explain_tells_what_led_to_the_order(stored: Path) -> None:
    done = run("explain", "BTCUSDT", "2024-01-02T10:00", "--wiring", CROSS, "--data", stored)
    assert done.returncode == 0, done.stderr
    assert "L4" in done.stdout
    assert "target" in done.stdout
    assert "reads signal" in done.stdout


@pytest.mark.parametrize(
    ("time", "said"),
    [
        ("2031-01-01T00:00", "there is no bar at 2031-01-01 00:00 UTC; they open from "),
        (
            "2024-01-02T10:00:30",
            "no bar of 1m opens at 2024-01-02 10:00:30 UTC; the bar that holds it opens at 2024-01-02 10:00 UTC",
        ),
        ("2024-01-02T11:00", "BTCUSDT has no bar at 2024-01-02 11:00 UTC: there is a hole in its bars"),
    ],
)
def test_explain_refuses_a_bar_that_does_not_exist(stored: Path, tmp_path: Path, time: str, said: str) -> None:
    hole = pl.read_parquet(stored / "btcusdt.parquet").filter(pl.col("time") != 1_704_193_200_000)
    hole.write_parquet(tmp_path / "btcusdt.parquet")
    done = run("explain", "BTCUSDT", time, "--wiring", CROSS, "--data", tmp_path / "btcusdt.parquet")
    assert done.returncode == 2
    assert said in done.stderr


def test_explain_says_when_trading_is_stopped_or_nothing_is_proposed(stored: Path, tmp_path: Path) -> None:
    def verdict(time: str, *options: object) -> str:
        done = run("explain", "BTCUSDT", time, "--wiring", CROSS, "--data", stored, *options)
        assert done.returncode == 0, done.stderr
        return " ".join(done.stdout.split())

    assert "no order: the position is what the gate decided" in verdict("2024-01-02T20:00")
    stopped = verdict("2024-01-02T20:00", "--set", "L79.daily=0.001", "--set", "equity_share.share=5")
    assert "stopped" in stopped and "nothing stood in the way" not in stopped


def test_a_coin_of_a_tiny_price_is_traded_or_refused_in_so_many_words(stored: Path, tmp_path: Path) -> None:
    """The same market with its price times 2^-30: the shipped steps follow the price, a tick above it is refused."""
    prices = [pl.col(c) * 2.0**-30 for c in ("open", "high", "low", "close")]
    tiny = pl.read_parquet(stored / "btcusdt.parquet").with_columns(*prices, pl.col("volume") * 2.0**30)
    tiny.write_parquet(tmp_path / "btcusdt.parquet")
    done = [
        run("backtest", CROSS, "--data", data, "--json", "-o", tmp_path / f"out{k}")
        for k, data in enumerate((stored, tmp_path / "btcusdt.parquet"))
    ]
    assert [d.stderr for d in done] == ["", ""]
    coin, small = (json.loads(d.stdout)["trades"] for d in done)
    assert small == coin > 3
    config = tmp_path / "mine.yaml"
    config.write_text("rules:\n  default: {tick: 0.0001, lot: 0.0001, min_notional: 5}\n", encoding="utf-8")
    refused = run("backtest", CROSS, "--data", tmp_path / "btcusdt.parquet", "--config", config, "-o", tmp_path / "x")
    assert refused.returncode == 1
    assert "D034" in refused.stderr and "the tick is 0.0001" in refused.stderr
    assert not (tmp_path / "x").exists()


def test_what_fits_badly_is_told_before_the_run(stored: Path, tmp_path: Path) -> None:
    config = tmp_path / "mine.yaml"
    config.write_text("rules:\n  BTCUSDT: {tick: 2, lot: auto}\n", encoding="utf-8")
    tens = pl.read_parquet(stored / "btcusdt.parquet").with_columns(
        pl.col(c) / pl.col("close").first() * 100.0 for c in ("open", "high", "low", "close")
    )
    tens.write_parquet(tmp_path / "btcusdt.parquet")
    options = ("--data", tmp_path / "btcusdt.parquet", "--config", config)
    done = run("backtest", CROSS, *options, "--json", "-o", tmp_path / "out")
    assert done.returncode == 0 and json.loads(done.stdout)["bars"] == 6000
    assert "warning D034: BTCUSDT: tick too coarse: the tick is 2, the price 100" in done.stderr
    assert "tick: auto" not in done.stderr and "rules: {BTCUSDT: {tick: ...}}" in done.stderr
