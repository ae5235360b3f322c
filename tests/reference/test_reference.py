"""The reference runs give what is on record; and a record notices what differs."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest

from tests.reference import record as records
from tests.reference.__main__ import main
from tests.reference.processor import kind_of_processor
from tests.reference.record import differences, read, renewed, write
from tests.reference.runs import RUNS, Outcome, ReferenceRun, outcome_of

KIND = "x86_64 avx2 fma glibc 2.36"
STATISTICS = {
    "account": {"cash": 99_000.25, "fees": 12.5},
    "fills": {"count": 7},
    "L14.rsi": {"known": 100, "size": 0.5, "mean": 1e-12},
    "L4.veto": {"known": 0},
}
OUTCOME = Outcome(STATISTICS, "ab12")
RECORD = {"digests": {KIND: "ab12", "aarch64 Darwin": "cd34"}, "statistics": STATISTICS}


@pytest.mark.parametrize("name", RUNS)
def test_a_run_gives_what_is_on_record(name: str) -> None:
    outcome = outcome_of(RUNS[name])
    found = differences(read(name), outcome, kind_of_processor())
    assert not found, "\n".join([*found, "after a deliberate change: make reference"])


def test_the_records_are_of_runs_that_trade() -> None:
    for name in RUNS:
        statistics = read(name)["statistics"]
        assert statistics["fills"]["count"] > 10 and statistics["account"]["fees"] > 0.0, name


def changed(key: str, name: str, value: float) -> Outcome:
    statistics = copy.deepcopy(STATISTICS)
    statistics[key][name] = value
    return Outcome(statistics, "ef56")


@pytest.mark.parametrize(
    ("key", "name", "value"),
    [
        ("account", "cash", 99_000.2502),
        ("account", "fees", 12.5 * (1 + 2e-9)),
        ("fills", "count", 8),
        ("L14.rsi", "known", 101),
        ("L14.rsi", "mean", 2e-9),
        ("L4.veto", "known", 1),
    ],
)
def test_a_statistic_that_differs_is_named(key: str, name: str, value: float) -> None:
    (line,) = differences(RECORD, changed(key, name, value), "another kind")
    assert line == f"{key} {name}: {STATISTICS[key][name]} on record, {value} now"


def test_ports_that_come_and_go_are_named() -> None:
    other = {**{k: v for k, v in STATISTICS.items() if k != "L14.rsi"}, "L14.up": {"known": 0}}
    found = differences(RECORD, Outcome(other, "ab12"), KIND)
    assert found == ["L14.rsi: only on record", "L14.up: only in the run"]


def test_a_digest_counts_on_its_own_kind_of_processor_alone() -> None:
    other = changed("account", "cash", 99_000.25 * (1 + 1e-15))
    assert differences(RECORD, other, "a kind that is not on record") == []
    (line,) = differences(RECORD, other, KIND)
    assert line.startswith(f"digest: ab12 on record for {KIND}, ef56 now")


def test_a_renewed_record_drops_digests_that_are_stale() -> None:
    same = changed("account", "cash", 99_000.25 * (1 + 1e-15))
    assert renewed(RECORD, OUTCOME, KIND) == RECORD
    assert renewed(RECORD, same, "new kind") == {**RECORD, "digests": {**RECORD["digests"], "new kind": "ef56"}}
    assert renewed(RECORD, same, KIND) == {"digests": {KIND: "ef56"}, "statistics": same.statistics}
    assert renewed(None, OUTCOME, KIND) == {"digests": {KIND: "ab12"}, "statistics": STATISTICS}


def test_a_record_is_read_as_it_was_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "FOLDER", tmp_path)
    write("mine", RECORD)
    assert read("mine") == RECORD


def test_the_command_compares_and_renews(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import tests.reference.__main__ as command

    for module in (records, command):
        monkeypatch.setattr(module, "FOLDER", tmp_path)
    monkeypatch.setattr(command, "RUNS", {"mine": ReferenceRun("mine", 1, 1)})
    monkeypatch.setattr(command, "outcome_of", lambda run: OUTCOME)
    assert main([]) == 1
    assert main(["--renew"]) == 0
    assert main(["mine"]) == 0
    monkeypatch.setattr(command, "outcome_of", lambda run: changed("fills", "count", 9))
    capsys.readouterr()
    assert main([]) == 1
    assert "mine: fills count: 7 on record, 9 now\nmine: differs (" in capsys.readouterr().out
    with pytest.raises(SystemExit, match="2"):
        main(["nothing"])
