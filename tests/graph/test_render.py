"""Findings in each format: complete, stable, and escaped as the reader of the format expects."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from stratoquant.graph.diagnostics import Diagnostic, Place, Severity
from stratoquant.graph.render import as_annotations, as_json, as_sarif, as_text, summary

WIRING = "stratoquant: 1\nclock: 1m\nnodes:\n  L14: {inputs: {close: L0.volume}}\n"
WRONG = Diagnostic("W020", "L14.close takes a price, but L0.volume is a qty", Place("w.yaml", 4, 25), "wire L0.close")
DEAD = Diagnostic("W040", "L14 (rsi) feeds nothing", Place("w.yaml", 4, 3), "", Severity.WARNING)
SETTING = Diagnostic("W011", "no such node", Place("--set L1.x", 0, 0), "look")
ODD = Diagnostic("W017", "100% wrong:\r\nyes", Place("a,b:c%.yaml", 1, 2), "no, no")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("w.yaml").write_text(WIRING, encoding="utf-8")


def test_text_shows_the_line_and_the_column() -> None:
    assert as_text([WRONG]).splitlines() == [
        "w.yaml:4:25: error W020: L14.close takes a price, but L0.volume is a qty",
        "    4 |   L14: {inputs: {close: L0.volume}}",
        "      |                         ^",
        "  fix: wire L0.close",
    ]


def test_text_without_a_source() -> None:
    assert as_text([SETTING]).splitlines() == ["--set L1.x: error W011: no such node", "  fix: look"]


def test_text_of_a_long_line_stays_short() -> None:
    Path("long.yaml").write_text("x" * 500 + "HERE" + "y" * 500, encoding="utf-8")
    shown = as_text([Diagnostic("W017", "m", Place("long.yaml", 1, 501))]).splitlines()
    assert max(map(len, shown)) < 130
    assert shown[1][shown[2].index("^")] == "H"


def test_text_is_painted_by_role() -> None:
    text = as_text([WRONG], lambda role, part: f"<{role}>{part}</{role}>")
    assert "<place>w.yaml:4:25</place>: <error>error W020</error>" in text
    assert "<fix>fix:</fix> wire L0.close" in text


def test_summary() -> None:
    assert summary([WRONG, DEAD, SETTING]) == "2 errors, 1 warning"
    assert summary([]) == "no findings"


def test_json_keeps_its_shape() -> None:
    data = json.loads(as_json([WRONG, DEAD], ["w.yaml"]))
    assert list(data) == ["version", "files", "errors", "warnings", "findings"]
    assert (data["version"], data["files"], data["errors"], data["warnings"]) == (1, ["w.yaml"], 1, 1)
    assert data["findings"][0] == {
        "code": "W020",
        "title": "wrong type of edge",
        "severity": "error",
        "file": "w.yaml",
        "line": 4,
        "column": 25,
        "message": WRONG.message,
        "fix": WRONG.hint,
    }


def test_sarif_has_what_the_standard_requires() -> None:
    log = json.loads(as_sarif([WRONG, DEAD, SETTING, ODD], "1.2.3"))
    assert log["version"] == "2.1.0"
    assert log["$schema"].endswith("sarif-2.1.0.json")
    (run,) = log["runs"]
    driver = run["tool"]["driver"]
    assert driver["name"] and driver["version"] == "1.2.3"
    rules = [rule["id"] for rule in driver["rules"]]
    assert len(set(rules)) == len(rules)
    for rule in driver["rules"]:
        assert rule["shortDescription"]["text"] and rule["fullDescription"]["text"] and rule["help"]["text"]
    assert len(run["results"]) == 4
    for result in run["results"]:
        assert rules[result["ruleIndex"]] == result["ruleId"]
        assert result["level"] in ("none", "note", "warning", "error")
        assert result["message"]["text"]
        for location in result.get("locations", []):
            physical = location["physicalLocation"]
            assert re.fullmatch(r"[A-Za-z0-9._~/%@:-]+", physical["artifactLocation"]["uri"])
            assert physical["region"]["startLine"] >= 1
            assert physical["region"]["startColumn"] >= 1
    without = [r["ruleId"] for r in run["results"] if "locations" not in r]
    assert without == ["W011"]


def test_sarif_uri_of_an_absolute_path(tmp_path: Path) -> None:
    log = json.loads(as_sarif([Diagnostic("W017", "m", Place(str(tmp_path / "a b.yaml"), 1, 1))]))
    uri = log["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert uri.startswith("file:///") and uri.endswith("/a%20b.yaml")


def test_annotations_are_escaped() -> None:
    lines = as_annotations([WRONG, DEAD, SETTING, ODD]).splitlines()
    assert lines == [
        "::error file=w.yaml,line=4,col=25,title=W020::L14.close takes a price, but L0.volume is a qty"
        "%0Afix: wire L0.close",
        "::warning file=w.yaml,line=4,col=3,title=W040::L14 (rsi) feeds nothing",
        "::error title=W011::no such node%0Afix: look",
        "::error file=a%2Cb%3Ac%25.yaml,line=1,col=2,title=W017::100%25 wrong:%0D%0Ayes%0Afix: no, no",
    ]
