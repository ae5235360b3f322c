"""`stratoquant calibration` as a user meets it: what it shows and refuses, and that its fix works when followed."""

from __future__ import annotations

import json
import re
from pathlib import Path

from tests.tools.shell import ROOT, Shell, shell  # noqa: F401

FORECAST = """
stratoquant: 1
clock: 1m
symbols: [BTCUSDT]
nodes:
  L0: {inputs: {raw: market, now: clock.time}}
  slope: {layer: L14, inputs: {close: L0.close}}
  L66: {inputs: {edge: 0.3, close: L0.close}, params: {horizon: 30}}
"""


def test_a_run_that_recorded_too_little_is_refused_and_the_fix_works(shell: Shell) -> None:  # noqa: F811
    wiring = Path("forecast.yaml")
    wiring.write_text(FORECAST + "record: [slope.rsi]\n", encoding="utf-8")
    assert shell.run("backtest", "forecast.yaml", "--bars", "2000", "-o", "run") == 0
    assert shell.run("calibration", "run") == 1
    assert "R001" in shell.err
    fixes = re.findall(r"`(.*?)`", shell.err.split("fix:")[1])
    assert fixes == ["record: [L66.p_up]", "roles: {close: L0.close}"]
    wiring.write_text(FORECAST + "\n".join(fixes) + "\n", encoding="utf-8")
    assert shell.run("backtest", "forecast.yaml", "--bars", "2000", "-o", "run") == 0
    assert shell.run("calibration", "run") == 0
    assert "L66.p_up: a rise over 30 bars" in shell.out
    assert shell.run("calibration", "run", "--json") == 0
    (found,) = json.loads(shell.out)["chances"]
    assert found["ports"] == ["L66.p_up"] and 1800 < found["count"] <= 2000
    page = Path("run/report.html").read_text(encoding="utf-8")
    data = json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.S)[1])
    assert data["metrics"]["calibration"]["chances"] == [found]


def test_a_wiring_without_forecasts_and_a_folder_without_a_run_are_refused(shell: Shell) -> None:  # noqa: F811
    assert shell.run("backtest", str(ROOT / "specs" / "sma_cross.yaml"), "--bars", "1000", "-o", "run") == 0
    assert shell.run("calibration", "run") == 1
    assert "R002" in shell.err and "fix:" in shell.err
    assert shell.run("calibration", "nowhere") == 3 and "M020" in shell.err
    facts = json.loads(Path("run/result.json").read_text(encoding="utf-8"))
    del facts["metrics"]["calibration"]
    Path("run/result.json").write_text(json.dumps(facts), encoding="utf-8")
    assert shell.run("calibration", "run") == 3 and "run the backtest again" in shell.err
    for code in ("R001", "R002"):
        assert shell.run("check", "--explain", code) == 0 and code in shell.out


def test_a_layers_page_says_what_its_outputs_forecast_and_cut(shell: Shell) -> None:  # noqa: F811
    for layer, said in {
        "L7": "forecasts a move to `direction` over `horizon` steps",
        "L66": "forecasts a rise over `horizon` steps",
        "L67": "forecasts what `p_win` does",
        "L80": "cuts size",
        "L81": "cuts the size at `want`",
    }.items():
        assert shell.run("layers", layer) == 0
        assert said in shell.out
