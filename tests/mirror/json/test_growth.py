"""A file grows only by what belongs to it, by one writer at a time, and keeps its whole lines whatever happens."""

from __future__ import annotations

import errno
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from stratoquant.mirror.json.models import Bar, Header
from stratoquant.mirror.json.reader import read
from stratoquant.mirror.json.writer import Writer, latest_path, writing
from stratoquant.runtime.errors import StratoError

HEADER = Header(name="w", wiring="0123456789abcdef", symbols=("A",), clock_ms=60_000, run="r", start=0)


def bars(first: int, end: int, regime: str = "calm") -> list[Bar]:
    return [Bar(time=60_000 * t, symbol="A", close=1.0 + t, regime=regime) for t in range(first, end)]


def interrupted_after(count: int) -> Iterator[Bar]:
    yield from bars(0, count)
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    "other", [{"run": "s"}, {"start": 60_000}, {"lines": "changes"}, {"symbols": ("A", "B")}, {"wiring": "f" * 16}]
)
def test_other_runs_and_other_options_are_kept_apart(other: dict[str, object], tmp_path: Path) -> None:
    path = tmp_path / "m.jsonl"
    with writing(path, HEADER) as writer:
        writer.append(bars(0, 3))
    before = path.read_bytes()
    with pytest.raises(StratoError, match=f"M032.*{next(iter(other))} differ"):
        Writer(path, HEADER.model_copy(update=other))
    assert path.read_bytes() == before


def test_a_run_that_decided_otherwise_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "m.jsonl"
    with writing(path, HEADER) as writer:
        writer.append(bars(0, 3))
    before = path.read_bytes()
    with (
        pytest.raises(StratoError, match=r"M032.*last bar of A was decided otherwise"),
        writing(path, HEADER) as writer,
    ):
        writer.append(bars(0, 5, regime="up"))
    assert path.read_bytes() == before


def test_one_writer_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "m.jsonl"
    with Writer(path, HEADER) as writer:
        with pytest.raises(StratoError, match=r"M033.*another process"):
            Writer(path, HEADER)
        writer.append(bars(0, 2))
    with Writer(path, HEADER) as writer:
        writer.append(bars(0, 3))
    assert list(read(path)) == bars(0, 3)


def test_a_new_file_appears_only_when_it_is_complete(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), writing(tmp_path / "m.jsonl", HEADER) as writer:
        writer.append(interrupted_after(5))
    assert list(tmp_path.iterdir()) == []


def test_an_interrupted_continuation_keeps_whole_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stratoquant.mirror.json.writer.BATCH", 2)
    path = tmp_path / "m.jsonl"
    with Writer(path, HEADER) as writer, pytest.raises(KeyboardInterrupt):
        writer.append(interrupted_after(5))
    assert list(read(path)) == bars(0, 4)
    with Writer(path, HEADER) as writer:
        writer.append(bars(0, 7))
    assert list(read(path)) == bars(0, 7)


def test_a_full_disk_takes_the_batch_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "m.jsonl"
    with Writer(path, HEADER) as writer:
        writer.append(bars(0, 2))

        def full(_: int) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        with monkeypatch.context() as patch, pytest.raises(StratoError, match=r"F004.*disk full"):
            patch.setattr("stratoquant.mirror.json.writer.os.fsync", full)
            writer.append(bars(2, 4))
    assert list(read(path)) == bars(0, 2)


def test_the_latest_bar_is_the_last_one_even_where_nothing_changed(tmp_path: Path) -> None:
    path = tmp_path / "m.jsonl"
    with writing(path, HEADER.model_copy(update={"lines": "changes"})) as writer:
        writer.append(bars(0, 5))
    assert list(read(path)) == bars(0, 1)
    assert json.loads(latest_path(path).read_text(encoding="utf-8"))["A"]["time"] == 240_000


def test_changes_go_on_from_the_last_line(tmp_path: Path) -> None:
    path, header = tmp_path / "m.jsonl", HEADER.model_copy(update={"lines": "changes"})
    for end in (3, 6, 6):
        with writing(path, header) as writer:
            writer.append([*bars(0, 4), *bars(4, 8, regime="up")][:end])
    assert list(read(path)) == [*bars(0, 1), *bars(4, 5, regime="up")]


def test_a_bar_of_a_symbol_that_the_header_lacks_is_not_written(tmp_path: Path) -> None:
    with Writer(tmp_path / "m.jsonl", HEADER) as writer, pytest.raises(ValueError, match="B is none of the symbols"):
        writer.append([Bar(time=0, symbol="B")])


def test_two_mirrors_share_a_folder() -> None:
    assert latest_path(Path("run/btc.jsonl")) == Path("run/btc.latest.json")
