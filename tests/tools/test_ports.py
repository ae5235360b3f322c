"""`stratoquant ports` as a user meets it."""

from __future__ import annotations

import json

import pytest

from tests.tools.shell import ROOT, Shell, shell  # noqa: F401

CROSS = str(ROOT / "specs" / "sma_cross.yaml")
SHORT = ("--bars", "3000", "--seed", "3")


def test_json_holds_every_port_and_every_condition(shell: Shell) -> None:  # noqa: F811
    assert shell.run("ports", CROSS, *SHORT, "--json", "--effects") == 0
    found = json.loads(shell.out)
    assert found["bars"] == 3000 and found["symbols"] == ["BTCUSDT"] and found["target"] == ["L4.target"]
    by_name = {port["port"]: port for port in found["ports"]}
    assert {"L0.close", "fast.value", "signal.side", "L4.target"} <= by_name.keys()
    assert by_name["L79.halt"]["constant"] and by_name["L79.halt"]["declared"].startswith("a limit")
    assert by_name["slow.value"]["warm_up"] == 399
    assert 0.13 < by_name["slow.value"]["missing"] < 0.15 and by_name["slow.value"]["missing_after"] < 0.01
    assert {b["layer"] for b in found["branches"]} >= {"L0", "L4", "L5", "crossover"}
    changed = {e["node"]: e["changed"] for e in found["effects"]}
    assert changed["signal"] > 1000


def test_strict_fails_where_something_is_not_declared(shell: Shell) -> None:  # noqa: F811
    assert shell.run("ports", CROSS, *SHORT, "--set", "fast.window=400", "--strict") == 1
    assert "constant" in shell.out and "L4.target" in shell.out, "equal averages never cross"
    assert shell.run("ports", CROSS, *SHORT, "--set", "fast.window=400") == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("good.yaml", "--symbols", "A", "--effects"), "no target and no orders"),
        (("good.yaml", "--symbols", "A", "--set", "L14"), "write NODE.parameter=value"),
        (("missing.yaml",), "missing.yaml"),
    ],
)
def test_what_cannot_be_measured_is_refused_with_a_fix(shell: Shell, arguments: tuple[str, ...], said: str) -> None:  # noqa: F811
    assert shell.run("ports", *arguments) in (2, 3)
    assert said in shell.err and "fix:" in shell.err
