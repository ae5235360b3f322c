"""`stratoquant mirror`: scripts and parity from the command line, and one clear message for each kind of bad input."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from stratoquant.mirror.engines import ENGINES
from tests.tools.shell import ROOT, Shell, shell

__all__ = ["shell"]
BARS_ONLY = str(ROOT / "specs" / "bars_only.yaml")
MASTER = str(ROOT / "specs" / "wiring_master.yaml")
RSI = "stratoquant: 1\nname: rsi\nclock: 1m\nsymbols: [AAA]\nnodes:\n  L0: {inputs: {raw: market, now: clock.time}}\n"
RSI += "  L14: {inputs: {close: L0.close}}\nrecord: [L14.rsi, L14.slope]\n"
HOLLOW = "stratoquant: 1\nname: hollow\nclock: 1m\nsymbols: [AAA]\nnodes:\n"
HOLLOW += "  L80: {inputs: {equity: account.equity}}\nrecord: [L80.scale]\n"
BITS = '''"""A layer that Pine cannot have."""

from typing import NamedTuple

from stratoquant.graph.language import layer
from stratoquant.graph.types import Price, Real


class Out(NamedTuple):
    value: Real


@layer(None, "bits", domain="block", source="test", pine="yes")
def step(close: Price) -> Out:
    k = int(close)
    return Out(float(k ^ 3))
'''

needs_an_engine = pytest.mark.skipif(all(e.missing() for e in ENGINES.values()), reason="no interpreter of Pine here")


def written(text: str, name: str = "wiring.yaml") -> str:
    Path(name).write_text(text, encoding="utf-8")
    return name


def test_a_script_is_written_and_described(shell: Shell) -> None:
    assert shell.run("mirror", "pine", MASTER, "--json") == 0
    facts = json.loads(shell.out)
    text = Path(facts["file"]).read_text(encoding="utf-8")
    assert facts["file"] == "wiring_master.pine" and text.startswith("//@version=6\n")
    assert (
        facts["left_out"]["L4"]["kind"] == "account"
        and "L3.direction" not in facts["not_shown"]
        and "L4.target" in facts["not_shown"]
    )
    assert "L10.bid_px" in facts["switched_off"]
    assert facts["plots"] <= 64 and facts["tokens"] <= 100_000
    assert "Left out: " in text and "L14_window" not in text and 'input.int(14, "window"' in text


def test_a_script_for_the_screen_is_the_script_alone(shell: Shell) -> None:
    assert shell.run("mirror", "pine", written(RSI), "-o", "-") == 0
    assert shell.out.startswith("//@version=6\n") and "plots" not in shell.out.splitlines()[-1]
    assert not list(Path().glob("*.pine"))


def test_a_parameter_of_the_wiring_is_the_default_of_its_knob(shell: Shell) -> None:
    assert shell.run("mirror", "pine", written(RSI), "--set", "L14.window=21", "-o", "-") == 0
    assert 'int l14_window = input.int(21, "window", minval = 2, maxval = 84' in shell.out


def test_a_strategy_sends_the_orders_of_the_wiring(shell: Shell) -> None:
    assert shell.run("mirror", "pine", str(ROOT / "specs" / "sma_cross.yaml"), "--strategy", "--json") == 0
    facts = json.loads(shell.out)
    assert not facts["left_out"] and not facts["switched_off"] and facts["plots"] == len(facts["shown"]) + 2
    assert "strategy.order(" in Path(facts["file"]).read_text(encoding="utf-8")
    assert shell.run("mirror", "pine", str(ROOT / "specs" / "sma_cross.yaml")) == 0
    assert "L4: needs the account, which only a strategy has" in shell.out.replace("\n", " ")


def test_a_strategy_follows_the_direction(shell: Shell) -> None:
    assert shell.run("mirror", "pine", BARS_ONLY, "--strategy", "-o", "-") == 0
    for line in ("strategy(", "strategy.entry(", "strategy.exit(", "strategy.close_all()"):
        assert line in shell.out
    assert shell.run("mirror", "pine", written(RSI), "--strategy") == 1
    assert "M006" in shell.err and "role `direction`" in shell.err


@needs_an_engine
def test_verify_prints_the_table_and_its_figures(shell: Shell) -> None:
    assert shell.run("mirror", "verify", written(RSI), "--bars", "200") == 0
    assert "L14.slope" in shell.out and "200 bars compared, 0 differ" in shell.out
    assert shell.run("mirror", "verify", "wiring.yaml", "--bars", "200", "--every-port", "--json") == 0
    figures = json.loads(shell.out)
    assert figures["bars"] == 200 and figures["differing"] == 0
    assert figures["worst"]["L14.rsi"] < 1e-9 and "L0.quality" in figures["worst"]


def test_without_an_interpreter_verify_says_how_to_get_one(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stratoquant.mirror.engines.find_spec", lambda _: None)
    monkeypatch.setenv("STRATOQUANT_PINETS", str(Path("nowhere")))
    assert shell.run("mirror", "verify", written(RSI), "--bars", "100") == 3
    assert "M010" in shell.err and "stratoquant[pine]" in shell.err
    assert shell.run("mirror", "verify", "wiring.yaml", "--engine", "pinets") == 3
    assert "pinets" in shell.err


def run_of(shell: Shell, wiring: str, folder: str) -> None:
    assert shell.run("backtest", wiring, "--bars", "400", "--out", folder, "--json") == 0, shell.err


def test_a_run_is_embedded(shell: Shell) -> None:
    text = RSI.replace("record: [", "record: [L0.stale, ")
    run_of(shell, written(text), "run")
    assert shell.run("mirror", "pine", "wiring.yaml", "--embed", "run", "--json") == 0
    facts = json.loads(shell.out)
    assert facts["checked"] == ["L0.stale"] and facts["period"][1] - facts["period"][0] == 400 * 60_000
    assert "embedded_load(series_l0_stale" in Path(facts["file"]).read_text(encoding="utf-8")


COSTS = """stratoquant: 1
name: costs
clock: 1m
symbols: [BTCUSDT]
nodes:
  L0: {inputs: {raw: market, now: clock.time}}
  L10:
    inputs:
      close: L0.close
      sigma: 0.001
      volume: L0.volume
      half_spread: venue.half_spread
      impact: venue.impact
      taker_fee: venue.taker_fee
record: [L10.buy]
roles: {open: L0.open, high: L0.high, low: L0.low, close: L0.close}
"""


def test_a_run_is_embedded_with_its_capital(shell: Shell) -> None:
    """What a layer takes of the run's cash is part of the script; it is still the same wiring."""
    assert shell.run("backtest", written(COSTS), "--bars", "400", "--cash", "5000", "-o", "run", "--json") == 0
    for options, capital in ((("--embed", "run"), "5000.0"), ((), "100000.0")):
        assert shell.run("mirror", "pine", "wiring.yaml", *options, "-o", "costs.pine") == 0, shell.err
        assert f'input.float({capital}, "capital"' in Path("costs.pine").read_text(encoding="utf-8")


def test_what_crosses_the_cut_comes_from_the_run(shell: Shell) -> None:
    """L74 needs the account's side in the master wiring; embedded, it is computed on the chart."""
    text = (
        Path(MASTER).read_text(encoding="utf-8").replace("symbols: [BTCUSDT, ETHUSDT, XRPUSDT]", "symbols: [BTCUSDT]")
    )
    text = text.replace("- ", f"- {ROOT / 'specs'}/").replace("record: [", "record: [L98.changed, ")
    run_of(shell, written(text), "run")
    assert shell.run("mirror", "pine", "wiring.yaml", "--json") == 0
    assert "L98.changed" in json.loads(shell.out)["not_shown"]
    asked = ("--embed", "run", "--json")
    assert shell.run("mirror", "pine", "wiring.yaml", *asked) == 0
    missing = json.loads(shell.out)["not_shown"]
    assert "L98.changed" in missing, "the drawdown is not recorded, so it cannot be fed in"
    text = text.replace("record: [", "record: [L80.drawdown, ")
    run_of(shell, written(text), "run")
    assert shell.run("mirror", "pine", "wiring.yaml", *asked) == 0
    facts = json.loads(shell.out)
    assert "L98.changed" in facts["shown"] and "L80.drawdown" in facts["embedded"] and "L4.target" in facts["embedded"]


BAD = {
    "nothing translatable": (HOLLOW, (), 1, ("M001", "L80: has portfolio scope")),
    "unknown port": (RSI, ("--ports", "L14.rsy"), 1, ("M005", "did you mean L14.rsi?")),
    "port outside": (RSI + "roles: {x: L14.rsi}\n", ("--ports", "L0.bid_px"), 1, ("M002", "it is a vector")),
    "no run": (RSI, ("--embed", "nowhere"), 3, ("M020", "nowhere/result.json: no such file", "stratoquant backtest")),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_gets_one_clear_message(name: str, shell: Shell) -> None:
    text, options, code, words = BAD[name]
    assert shell.run("mirror", "pine", written(text), *options, "-o", "out.pine") == code
    assert "Traceback" not in shell.err and all(word in shell.err for word in words), shell.err
    assert not Path("out.pine").exists()


def test_a_kernel_without_a_pine_form_is_named_with_its_line(shell: Shell) -> None:
    Path("own/blocks").mkdir(parents=True)
    Path("own/blocks/bits.py").write_text(BITS, encoding="utf-8")
    text = RSI.replace("nodes:\n", "layers: [own]\nnodes:\n  bits: {inputs: {close: L0.close}}\n")
    assert shell.run("mirror", "pine", written(text.replace("record: [", "record: [bits.value, "))) == 1
    assert "M004" in shell.err and "own/blocks/bits.py:16:" in shell.err and "bit operators" in shell.err


def test_runs_that_do_not_fit_are_refused(shell: Shell) -> None:
    run_of(shell, written(RSI), "run")
    assert shell.run("mirror", "pine", "wiring.yaml", "--embed", "run", "--set", "L14.window=15") == 1
    assert "M021" in shell.err and "another wiring" in shell.err
    assert shell.run("mirror", "pine", "wiring.yaml", "--embed", "run", "--symbol", "BBB") == 1
    assert "M022" in shell.err and "AAA" in shell.err
    part = next(Path("run/values").glob("*.parquet"))
    part.write_bytes(part.read_bytes()[:500])
    assert shell.run("mirror", "pine", "wiring.yaml", "--embed", "run") == 3
    assert "M020" in shell.err


def test_every_code_has_a_page(shell: Shell) -> None:
    assert shell.run("check", "--explain", "M004") == 0
    assert "without a Pine form" in shell.out


def test_a_folder_that_cannot_be_written(shell: Shell) -> None:
    assert shell.run("mirror", "pine", written(RSI), "-o", "nowhere/out.pine") == 3
    assert "Traceback" not in shell.err
