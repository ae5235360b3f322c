"""JSON lines: what is written is read back, files grow by whole lines, and the published schema does not break."""

from __future__ import annotations

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stratoquant.mirror.json import schema
from stratoquant.mirror.json.models import LINE, VERSION, Bar, Decision, Fill, Header, Risk, line_text
from stratoquant.mirror.json.reader import read, read_header
from stratoquant.mirror.json.writer import Writer, latest_path, writing
from stratoquant.runtime.errors import StratoError

HEADER = Header(
    name="w", wiring="0123456789abcdef", symbols=("A", "B"), clock_ms=60_000, regimes=("calm", "up"), reasons=("x",)
)
NUMBERS = st.one_of(st.none(), st.floats(allow_nan=False, allow_infinity=False))
PRICES = st.one_of(st.none(), st.floats(1e-9, 1e9))
UNITS = st.one_of(st.none(), st.floats(0.0, 1.0))
FILLS = st.builds(
    Fill, side=st.sampled_from([-1, 1]), qty=st.floats(1e-9, 1e9), price=st.floats(1e-9, 1e9), reason=st.text()
)
BARS = st.builds(
    Bar,
    time=st.integers(0, 2**53),
    symbol=st.text(min_size=1),
    open=PRICES,
    close=PRICES,
    regime=st.one_of(st.none(), st.text()),
    decision=st.builds(
        Decision, direction=st.sampled_from([None, -1, 0, 1]), edge=UNITS, confidence=UNITS, target=NUMBERS
    ),
    risk=st.builds(
        Risk, stop=PRICES, take=PRICES, equity=NUMBERS, drawdown=UNITS, vetoes=st.lists(st.text()).map(tuple)
    ),
    fills=st.lists(FILLS, max_size=2).map(tuple),
    values=st.dictionaries(st.text(), NUMBERS, max_size=3),
)


def bars(first: int, count: int) -> list[Bar]:
    return [Bar(time=60_000 * t, symbol=s, close=1.0 + t) for t in range(first, first + count) for s in ("A", "B")]


def written(path: Path, lines: list[Bar]) -> Path:
    with writing(path, HEADER) as writer:
        writer.append(lines)
    return path


@settings(max_examples=200, deadline=None)
@given(BARS)
def test_a_line_is_read_back_as_it_was(bar: Bar) -> None:
    text = line_text(bar)
    assert text.count("\n") == 1 and LINE.validate_json(text) == bar


@settings(max_examples=100, deadline=None)
@given(BARS)
def test_a_line_keeps_to_the_published_schema(bar: Bar) -> None:
    jsonschema.validate(json.loads(line_text(bar)), schema.published())
    jsonschema.validate(json.loads(line_text(HEADER)), schema.published())


def test_a_file_is_read_back_and_the_last_bars_stand_beside_it(tmp_path: Path) -> None:
    path = written(tmp_path / "m.jsonl", bars(0, 5))
    assert read_header(path) == HEADER
    assert list(read(path)) == bars(0, 5)
    latest = json.loads(latest_path(path).read_text(encoding="utf-8"))
    assert list(latest) == ["A", "B"] and latest["B"]["time"] == 240_000


def test_a_longer_run_goes_on_where_the_file_ends(tmp_path: Path) -> None:
    path = written(tmp_path / "m.jsonl", bars(0, 5))
    before = path.read_bytes()
    with Writer(path, HEADER) as writer:
        writer.append(bars(0, 8))
        assert writer.written == 6
    assert path.read_bytes().startswith(before) and list(read(path)) == bars(0, 8)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cut=st.integers(1, 10_000))
def test_a_file_that_broke_off_anywhere_is_mended(cut: int, tmp_path: Path) -> None:
    path = tmp_path / f"m{cut}.jsonl"
    written(path, bars(0, 12))
    whole = path.read_bytes()
    head = len(line_text(HEADER))
    kept = head + cut % (len(whole) - head)
    path.write_bytes(whole[:kept])
    assert list(read(path)) == bars(0, 12)[: whole[head:kept].count(b"\n")]
    assert written(path, bars(0, 12)).read_bytes() == whole


def test_a_file_of_another_run_is_left_alone(tmp_path: Path) -> None:
    path = written(tmp_path / "m.jsonl", bars(0, 2))
    before = path.read_bytes()
    with pytest.raises(StratoError, match=r"M032.*another run \(wiring differ"):
        Writer(path, HEADER.model_copy(update={"wiring": "f" * 16}))
    assert path.read_bytes() == before


BROKEN = {
    "not there": (None, "M030.*no such file"),
    "no header": ('{"kind":"bar","time":1,"symbol":"A"}\n', "1: the first line is no header"),
    "bytes": (b"\xf5\x00\xff\n", "1: no JSON"),
    "header cut off": (line_text(HEADER).rstrip("\n"), "1: the first line is no header"),
    "no json": (line_text(HEADER) + "{\n", "2: .*invalid json"),
    "newer": (line_text(HEADER).replace('"stratoquant":1', '"stratoquant":2'), "M031.*version 2 is newer"),
    "a price below 0": (line_text(HEADER) + '{"kind":"bar","time":1,"symbol":"A","close":-1}\n', "2: bar.close: "),
    "a second header": (line_text(HEADER) * 2, "2: a second header"),
    "backwards": (line_text(HEADER) + "".join(map(line_text, bars(1, 1) + bars(0, 1))), "4: A goes back in time"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_is_refused_with_its_line(name: str, tmp_path: Path) -> None:
    text, message = BROKEN[name]
    path = tmp_path / "m.jsonl"
    if text is not None:
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(StratoError, match=f"(?s){message}"):
        list(read(path))


def test_fields_that_a_reader_does_not_know_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "m.jsonl"
    path.write_text(line_text(HEADER) + '{"kind":"bar","time":1,"symbol":"A","mood":"fine"}\n', encoding="utf-8")
    assert [bar.symbol for bar in read(path)] == ["A"]


def test_the_published_schema_is_that_of_the_models() -> None:
    """A change that breaks readers needs a new VERSION; any other is published by `stratoquant mirror schema`."""
    assert not schema.breaks(schema.published(VERSION), schema.present())
    assert (schema.FOLDER / f"v{VERSION}.json").read_text(encoding="utf-8") == schema.text()


def _without(found: dict[str, Any]) -> None:
    del found["$defs"]["Bar"]["properties"]["regime"]


def _other_type(found: dict[str, Any]) -> None:
    found["$defs"]["Bar"]["properties"]["time"]["type"] = "string"


def _wider(found: dict[str, Any]) -> None:
    found["$defs"]["Fill"]["properties"]["side"] = {"enum": [-1, 0, 1]}


def _new_and_required(found: dict[str, Any]) -> None:
    found["$defs"]["Bar"]["properties"]["mood"] = {"type": "string"}
    found["$defs"]["Bar"]["required"].append("mood")


def _no_longer_there(found: dict[str, Any]) -> None:
    found["$defs"]["Bar"]["required"].remove("symbol")


def _required_now(found: dict[str, Any]) -> None:
    found["$defs"]["Bar"].setdefault("required", []).append("regime")


def _other_default(found: dict[str, Any]) -> None:
    found["$defs"]["Header"]["properties"]["lines"]["default"] = "changes"


def _new_kind(found: dict[str, Any]) -> None:
    found["discriminator"]["mapping"]["order"] = "#/$defs/Order"


def _model_gone(found: dict[str, Any]) -> None:
    del found["$defs"]["Risk"]


@pytest.mark.parametrize(
    "change",
    [
        _without,
        _other_type,
        _wider,
        _new_and_required,
        _no_longer_there,
        _required_now,
        _other_default,
        _new_kind,
        _model_gone,
    ],
)
def test_each_kind_of_break_is_found(change: Any) -> None:
    changed = deepcopy(schema.present())
    change(changed)
    assert schema.breaks(schema.present(), changed)


def test_what_readers_pass_over_is_no_break() -> None:
    changed = deepcopy(schema.present())
    changed["$defs"]["Bar"]["properties"]["mood"] = {"type": "string"}
    changed["$defs"]["Bar"]["properties"]["time"]["description"] = "other words"
    assert not schema.breaks(schema.present(), changed)
