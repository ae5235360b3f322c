"""Every way in which a wiring can be wrong: the code, the place, the reason and the fix that a user is told."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stratoquant.graph.compiler import check
from stratoquant.graph.diagnostics import Severity
from stratoquant.layers import catalogue
from tests.graph.bad_wirings import CASES, FEED, GATE, ORDERS, RISK
from tests.graph.findings import HEAD, Desk, desk

__all__ = ["desk"]


@pytest.mark.parametrize("name", CASES)
def test_finding(name: str, desk: Desk) -> None:
    text, (code, place, message, fix) = CASES[name]
    desk.write({"more.yaml": "stratoquant: 1\n", "sub/deep.yaml": "stratoquant: 1\n"})
    found = desk.only_error(text)
    assert (found.code, str(found.place)) == (code, f"w.yaml:{place}")
    assert message in found.message
    assert fix in found.hint


def test_sound_wiring_has_no_finding(desk: Desk) -> None:
    checked = desk.check(RISK + GATE + ORDERS)
    assert checked.findings == ()
    assert checked.sound


def test_five_mistakes_give_five_findings(desk: Desk) -> None:
    text = (
        FEED
        + "  L14: {inputs: {close: feed.clos}, params: {window: 1}}\n"
        + "  smooth: {inputs: {y: 1, x: feed.close}}\n"
        + "  mix: {clock: 90s, inputs: {a: nowhere.x}}\n"
        + "record: [L14.rsi]\n"
    )
    codes = [(f.code, f.place.line) for f in desk.errors(text)]
    assert codes == [("W012", 5), ("W015", 5), ("W013", 6), ("W025", 7), ("W011", 7)]


def test_unknown_layer_is_told_once(desk: Desk) -> None:
    found = desk.only_error(
        FEED + "  L999: {inputs: {x: feed.close}}\n  L14: {inputs: {close: L999.y}}\nrecord: [L999.y]\n"
    )
    assert found.code == "W010"


def test_dead_node_is_a_warning(desk: Desk) -> None:
    checked = desk.check(FEED + "  L14: {inputs: {close: feed.close}}\nrecord: [feed.close]\n")
    (found,) = checked.findings
    assert checked.sound
    assert (found.code, found.severity, str(found.place)) == ("W040", Severity.WARNING, "w.yaml:5:3")
    assert "record: [L14.rsi]" in found.hint


def test_circular_include(desk: Desk) -> None:
    desk.write({"a.yaml": "stratoquant: 1\ninclude: [b.yaml]\n", "b.yaml": "stratoquant: 1\ninclude: [a.yaml]\n"})
    found = desk.only_error(FEED + "include: [a.yaml]\n")
    assert (found.code, str(found.place)) == ("W006", "b.yaml:2:11")
    assert found.message == "the include is circular: a.yaml -> b.yaml -> a.yaml"


def test_same_node_in_two_files(desk: Desk) -> None:
    desk.write({"a.yaml": "stratoquant: 1\nnodes: {feed: {inputs: {raw: market}}}\n"})
    found = desk.only_error(FEED + "include: [a.yaml]\n")
    assert (found.code, str(found.place)) == ("W018", "w.yaml:4:3")
    assert found.message == "the node `feed` is already placed at a.yaml:2:9"
    assert "change it under `override`" in found.hint


def test_file_included_twice_is_read_once(desk: Desk) -> None:
    desk.write(
        {
            "base.yaml": "stratoquant: 1\nnodes: {feed: {inputs: {raw: market}}}\n",
            "a.yaml": "stratoquant: 1\ninclude: [base.yaml]\nnodes: {L14: {inputs: {close: feed.close}}}\n",
        }
    )
    checked = desk.check(HEAD + "include: [a.yaml, base.yaml]\nrecord: [L14.rsi]\n")
    assert checked.findings == ()


def test_place_in_an_included_file(desk: Desk) -> None:
    desk.write({"parts/a.yaml": "stratoquant: 1\nnodes:\n  L14: {inputs: {close: fed.close}}\n"})
    assert str(desk.only_error(FEED + "include: [parts/a.yaml]\n").place) == "parts/a.yaml:3:25"


def test_place_in_an_override(desk: Desk) -> None:
    desk.write({"a.yaml": "stratoquant: 1\nnodes: {L14: {inputs: {close: 5}}}\n"})
    found = desk.only_error(HEAD + "include: [a.yaml]\noverride:\n  L14: {params: {window: 0}}\n")
    assert (found.code, str(found.place)) == ("W015", "w.yaml:5:26")


def test_setting_of_an_unknown_node(desk: Desk) -> None:
    found = desk.only_error(FEED, **{"L14.window": 3})
    assert (found.code, str(found.place)) == ("W011", "--set L14.window")


def test_setting_out_of_bounds(desk: Desk) -> None:
    found = desk.only_error(FEED + "  L14: {inputs: {close: feed.close}}\n", **{"L14.window": 1})
    assert (found.code, str(found.place)) == ("W015", "--set L14.window")


@pytest.mark.parametrize(
    ("name", "message", "fix"),
    [
        ("nothing.yaml", "nothing.yaml does not exist", "check its spelling"),
        ("wring.yaml", "wring.yaml does not exist", "did you mean `wiring.yaml`?"),
        ("no/such/w.yaml", "w.yaml does not exist", "the folder no/such does not exist either"),
        ("folder", "folder is a folder, not a wiring", "name a YAML file in it"),
        ("binary.yaml", "binary.yaml is no UTF-8 text: byte 1 is 0xff", "give a YAML text file"),
    ],
)
def test_unreadable_file(name: str, message: str, fix: str, desk: Desk) -> None:
    desk.write({"wiring.yaml": HEAD, "folder/x.yaml": HEAD, "binary.yaml": b"\xff\xfe\x00"})
    (found,) = check(Path(name), catalogue()).findings
    assert found.code == "W001"
    assert message in found.message
    assert fix in found.hint


def test_character_that_is_no_text(desk: Desk) -> None:
    found = desk.only_error(HEAD + "name: a\x01b\n")
    assert (found.code, str(found.place)) == ("W002", "w.yaml:3:8")
    assert "the character U+0001 is no text" in found.message


def test_endless_nesting(desk: Desk) -> None:
    assert desk.only_error("[" * 5000 + "]" * 5000).code == "W002"


def test_every_finding_says_what_to_do(desk: Desk) -> None:
    for text, _ in CASES.values():
        for found in desk.check(text).findings:
            assert found.message
            assert found.hint, str(found)
            assert found.place.line > 0


SEED = RISK + GATE + ORDERS + "record: [gate.qty]\nroles: {price: feed.close}\nsymbols: [A, B]\n"


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_text_makes_the_check_fail(data: st.DataObject, desk: Desk) -> None:
    """A few characters of a sound wiring are replaced: whatever comes of it, the check ends with findings or none."""
    text = SEED
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(text)))
        stop = min(len(text), start + data.draw(st.integers(0, 8)))
        text = text[:start] + data.draw(st.text(alphabet=" \n\t:{}[],.@-_'\"&*!#|>%0159eLnx", max_size=6)) + text[stop:]
    checked = desk.check(text)
    for found in checked.findings:
        assert found.message and found.hint
        assert found.place.line <= text.count("\n") + 2
