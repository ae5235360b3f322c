"""Values that a command cannot use: one message that names the option or the place, and nothing is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from stratoquant.runtime.data.bars import write_bars
from stratoquant.runtime.venue import VenueSettings
from tests.runtime.bars import bars
from tests.tools.shell import ROOT, Shell, shell

__all__ = ["shell"]

CROSS = str(ROOT / "specs" / "sma_cross.yaml")
MODEL = str(ROOT / "specs" / "regime_model.yaml")


@pytest.fixture
def stored() -> None:
    write_bars(bars(5, "BTCUSDT"), "bars.parquet")


@pytest.mark.parametrize(
    ("line", "option"),
    [
        (f"backtest {CROSS} --cash nan", "--cash"),
        (f"backtest {CROSS} --cash inf", "--cash"),
        (f"backtest {CROSS} --cash 1e300", "--cash"),
        (f"backtest {CROSS} --cash 0", "--cash"),
        (f"backtest {CROSS} --cash -5", "--cash"),
        (f"backtest {CROSS} --symbols A,A", "--symbols"),
        (f"backtest {CROSS} --symbols=", "--symbols"),
        (f"backtest {CROSS} --symbols A,,B", "--symbols"),
        (f"backtest {CROSS} --symbols ../x", "--symbols"),
        (f"backtest {CROSS} --bars 99999999999", "--bars"),
        (f"backtest {CROSS} --data bars.parquet --bars 500", "--bars"),
        (f"backtest {CROSS} --data bars.parquet --seed 2", "--seed"),
        (f"explain BTCUSDT 2024-01-02 --wiring {CROSS} --data bars.parquet --seed 2", "--seed"),
        (f"explain BTCUSDT 2024-01-02 --wiring {CROSS} --symbols=", "--symbols"),
        (f"fit regime {MODEL} --symbols=", "--symbols"),
        (f"mirror verify {CROSS} --symbols A,A", "--symbols"),
        (f"mirror verify {CROSS} --ports=", "--ports"),
        (f"mirror verify {CROSS} --bars 99999999999", "--bars"),
        ("data synth out --symbols ../A", "--symbols"),
        ("data synth out --symbols=", "--symbols"),
        ("data synth out --bars 99999999999", "--bars"),
        ("data synth out --bars 2000000 --clock 30d", "--bars"),
        ("data info bars.parquet --symbols=", "--symbols"),
        ("data import bars.parquet out --symbol=", "--symbol"),
        ("data import bars.parquet out --symbol ../A", "--symbol"),
        ("data validate bars.parquet --symbol=", "--symbol"),
        ("data book depth.parquet trades.parquet out --symbol ../A", "--symbol"),
    ],
)
@pytest.mark.usefixtures("stored")
def test_a_value_that_cannot_be_used_is_wrong_usage(line: str, option: str, shell: Shell) -> None:
    before = sorted(Path().rglob("*"))
    assert shell.run(*line.split()) == 2, shell.out + shell.err
    assert shell.err.startswith("usage: ") and option in shell.err.splitlines()[0]
    assert sorted(Path().rglob("*")) == before


@pytest.mark.parametrize(
    ("text", "code", "place"),
    [
        ("venue: {taker_fee: -1}\n", "S002", "1:9"),
        ("venue:\n  maker_fee: -6\n", "S003", "2:3"),
        ("venue:\n  taker_fee: 1\n  maker_fee: -2\n", "S003", "3:3"),
        ("cash: 1e999\n", "S002", "1:1"),
        ("rules: {default: {tick: 1e999}}\n", "S002", "1:19"),
    ],
)
def test_settings_that_no_venue_has_are_findings(text: str, code: str, place: str, shell: Shell) -> None:
    Path("mine.yaml").write_text(text, encoding="utf-8")
    assert shell.run("backtest", CROSS, "--config", "mine.yaml") == 1
    assert shell.err.startswith(f"mine.yaml:{place}: error {code}: ")
    assert "{" not in shell.err.splitlines()[0]
    assert not Path("runs").exists()
    assert shell.run("check", "--explain", code) == 0


def test_a_rebate_up_to_the_taker_fee_is_a_venue() -> None:
    assert VenueSettings(maker_fee=-5.0, taker_fee=5.0).maker_fee == -5.0
    with pytest.raises(ValueError, match=r"rebate of 5\.1 bps exceeds the taker fee of 5"):
        VenueSettings(maker_fee=-5.1, taker_fee=5.0)


def test_a_wiring_that_would_write_elsewhere_is_not_run(shell: Shell) -> None:
    text = Path(CROSS).read_text(encoding="utf-8").replace("minimal_risk.yaml", str(ROOT / "specs/minimal_risk.yaml"))
    deep = Path("a/b")
    deep.mkdir(parents=True)
    (deep / "evil.yaml").write_text(text.replace("name: sma_cross", 'name: "../../evil"'), encoding="utf-8")
    (deep / "twice.yaml").write_text(text.replace("[BTCUSDT]", "[BTCUSDT, BTCUSDT]"), encoding="utf-8")
    assert shell.run("backtest", str(deep / "evil.yaml"), "--bars", "500") == 1
    assert "error W060" in shell.err
    assert all(shell.run("check", "--explain", page) == 0 for page in ("W060", "W061", "D039", "D040"))
    assert shell.run("backtest", str(deep / "twice.yaml"), "--bars", "500") == 1
    assert "error W061" in shell.err
    assert not Path("evil").exists() and not Path("runs").exists()
