"""`stratoquant fit regime`: the model that it writes is hmmlearn's, the same each time, and runs in a wiring."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from hmmlearn import hmm

from tests.tools.shell import ROOT, Shell, shell

__all__ = ["shell"]
WIRING = str(ROOT / "specs" / "regime_model.yaml")
RUN = ("fit", "regime", WIRING, "--symbols", "AAA")
USE = (
    "stratoquant: 1\nname: use\nclock: 1m\nsymbols: [AAA]\nnodes:\n  L0: {{inputs: {{raw: market, now: clock.time}}}}\n"
    "  L1: {{inputs: {{high: L0.high, low: L0.low, close: L0.close}}}}\n"
    "  L64: {{inputs: {{close: L0.close, sigma: L1.sigma}}, model: {{file: regime.json, sha256: {}}}}}\n"
    "record: [L64.label]\nroles: {{regime: L64.label, close: L0.close}}\n"
)


@pytest.fixture
def facts(shell: Shell) -> dict[str, object]:
    assert shell.run(*RUN, "--json") == 0, shell.err
    return dict(json.loads(shell.out))


def test_the_model_is_whole_and_runs(shell: Shell, facts: dict[str, object]) -> None:
    content = Path("regime.json").read_bytes()
    assert hashlib.sha256(content).hexdigest() == facts["sha256"]
    made = json.loads(content)["made"]
    assert made["symbols"] == ["AAA"] and made["seed"] == 1 and made["by"].startswith("hmmlearn ")
    assert made["data"] == "the built-in market" and len(made["data_sha256"]) == 64
    assert made["from"] < made["until"] and len(made["bars_in_state"]) == 4 and made["converged"] is True
    Path("use.yaml").write_text(USE.format(facts["sha256"]), encoding="utf-8")
    assert shell.run("check", "use.yaml") == 0, shell.err
    assert shell.run("mirror", "pine", "use.yaml", "--json") == 0, shell.err
    assert "array.from(" in Path("use.pine").read_text(encoding="utf-8")


def test_the_states_are_ordered_and_a_local_optimum(facts: dict[str, object]) -> None:
    values = {n: np.array(v) for n, v in json.loads(Path("regime.json").read_text())["values"].items()}
    levels = values["mean"].reshape(4, 2)[:, 1]
    assert np.all(np.diff(levels) > 0.1) and np.all(values["variance"] > 0)
    moves = values["transition"].reshape(4, 4)
    assert np.allclose(moves.sum(axis=1), 1.0) and np.all(np.diagonal(moves) > 0.8)
    assert isinstance(facts["log_likelihood_per_bar"], float)
    chance = hmm.GaussianHMM(1, covariance_type="diag").fit(np.random.default_rng(1).normal(size=(5_000, 2)))
    alone = chance.score(np.random.default_rng(2).normal(size=(5_000, 2))) / 5_000
    assert facts["log_likelihood_per_bar"] > alone + 0.2  # far better than one normal state


def test_the_same_seed_gives_the_same_file_and_another_another(shell: Shell, facts: dict[str, object]) -> None:
    assert shell.run(*RUN, "--json", "-o", "again.json") == 0
    assert json.loads(shell.out)["sha256"] == facts["sha256"]
    assert shell.run(*RUN, "--json", "--end", "2024-01-05", "-o", "shorter.json") == 0
    assert json.loads(shell.out)["data_sha256"] != facts["data_sha256"]
    assert shell.run(*RUN, "--seed", "2", "--json", "-o", "other.json") == 0
    assert json.loads(shell.out)["sha256"] != facts["sha256"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--close", "L0.clse"), "has no port L0.clse"),
        (("--end", "2024-01-01T09:00"), "a fit of four states needs at least 1000"),
    ],
)
def test_bad_input(shell: Shell, arguments: tuple[str, ...], message: str) -> None:
    assert shell.run(*RUN, *arguments) != 0
    assert message in shell.err and "Traceback" not in shell.err
    assert not Path("regime.json").exists()
