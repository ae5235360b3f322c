"""Writes a JSON mirror so that it can always be read: a new file appears whole, an old one grows by whole lines."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from stratoquant.mirror.json.models import Bar, Header, line_text
from stratoquant.mirror.json.reader import read, read_header
from stratoquant.runtime.errors import StratoError
from stratoquant.runtime.files import refused_as_error, write_atomically, write_text

try:
    import fcntl
except ImportError:  # not on Windows
    fcntl = None  # type: ignore[assignment]

BATCH = 4096
_ANOTHER = "write to another file, or remove this one"


class Writer:
    """Appends bars to a file; a file that is there already goes on where it ends.

    Bars that the file holds are passed over, so that the same run can be written again, and a longer one continued.
    written: lines added so far. latest: the last bar of each symbol, written or not. Raises StratoError for a file of
    another run, for one that somebody else writes to, and for what cannot be written.
    """

    def __init__(self, path: Path, header: Header) -> None:
        self.path = path
        self.written = 0
        self._only_changes = header.lines == "changes"
        self._symbols = frozenset(header.symbols)
        if not path.exists():
            write_text(path, line_text(header))
        with refused_as_error(path):
            self._file = path.open("rb+", buffering=0)
        try:
            self._lock()
            self._held = self._continue(header)
        except BaseException:
            self._file.close()
            raise
        self.latest = dict(self._held)

    def append(self, bars: Iterable[Bar]) -> None:
        """Adds bars that are later than the last one of their symbol; they are on the disk when it returns.

        Raises StratoError when the last bar that the file holds says something else in `bars`.
        """
        lines: list[str] = []
        with refused_as_error(self.path):
            for bar in bars:
                if self._is_due(bar):
                    self._held[bar.symbol] = bar
                    lines.append(line_text(bar))
                if bar.time >= self.latest.get(bar.symbol, bar).time:
                    self.latest[bar.symbol] = bar
                if len(lines) == BATCH:
                    self._write(lines)
                    lines = []
            self._write(lines)

    def close(self) -> None:
        self._file.close()

    def __enter__(self) -> Writer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _is_due(self, bar: Bar) -> bool:
        if bar.symbol not in self._symbols:
            raise ValueError(f"{bar.symbol} is none of the symbols in the header of {self.path}")
        before = self._held.get(bar.symbol)
        if before is None or bar.time > before.time:
            return not self._only_changes or bool(bar.fills) or not _says_the_same(bar, before)
        if bar.time == before.time and bar != before:
            message = f"{self.path}: its last bar of {bar.symbol} was decided otherwise in this run"
            raise StratoError(message, f"the bars up to it have changed; {_ANOTHER}", "M032")
        return False

    def _write(self, lines: list[str]) -> None:
        """All of the lines or none: what fails in between is taken back, Ctrl-C included."""
        rest = memoryview("".join(lines).encode())
        try:
            while rest:
                rest = rest[self._file.write(rest) :]
            os.fsync(self._file.fileno())
        except BaseException:
            self._file.truncate(self._end)
            self._file.seek(self._end)
            raise
        self._end = self._file.tell()
        self.written += len(lines)

    def _lock(self) -> None:
        if fcntl is None:
            return
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            message = f"{self.path}: another process is writing to it"
            raise StratoError(message, "wait until it is done, or write to another file", "M033") from None

    def _continue(self, header: Header) -> dict[str, Bar]:
        """The last bar of each symbol in the file, whose torn last line is cut off."""
        found = read_header(self.path)
        if found != header:
            fields = [n for n in Header.model_fields if getattr(found, n) != getattr(header, n)]
            raise StratoError(f"{self.path}: holds another run ({', '.join(fields)} differ)", _ANOTHER, "M032")
        held = {bar.symbol: bar for bar in read(self.path)}
        with refused_as_error(self.path):
            self._end = _whole_lines(self._file)
            self._file.truncate(self._end)
            self._file.seek(self._end)
        return held


@contextmanager
def writing(path: Path, header: Header) -> Iterator[Writer]:
    """A writer for a finished run: a new file appears only once it is complete. `latest_path` is written at the end."""
    if path.exists():
        with Writer(path, header) as writer:
            yield writer
    else:
        with write_atomically(path) as part:
            part.write_text(line_text(header), encoding="utf-8", newline="\n")
            with Writer(part, header) as writer:
                yield writer
    write_latest(latest_path(path), writer.latest.values())


def latest_path(path: Path) -> Path:
    """NAME.latest.json beside NAME.jsonl, so that several mirrors may share a folder."""
    return path.with_name(f"{path.stem}.latest.json")


def write_latest(path: Path, bars: Iterable[Bar]) -> None:
    """One small object for dashboards: symbol to its last bar."""
    body = ",\n".join(f'"{bar.symbol}": {line_text(bar).strip()}' for bar in sorted(bars, key=lambda b: b.symbol))
    write_text(path, f"{{\n{body}\n}}\n")


def _says_the_same(bar: Bar, before: Bar | None) -> bool:
    """True when decision, regime, vetoes and levels are those of the last line; it stands for the bars left out."""
    if before is None:
        return False
    one, other = bar.decision, before.decision
    same = (one.direction, one.pattern, one.target) == (other.direction, other.pattern, other.target)
    levels = (bar.risk.vetoes, bar.risk.stop, bar.risk.take) == (before.risk.vetoes, before.risk.stop, before.risk.take)
    return same and levels and bar.regime == before.regime


def changes(bars: Iterable[Bar]) -> Iterator[Bar]:
    """The first bar of each symbol, those with fills, and those that say something else than the one before."""
    before: dict[str, Bar] = {}
    for bar in bars:
        if bar.fills or not _says_the_same(bar, before.get(bar.symbol)):
            before[bar.symbol] = bar
            yield bar


def _whole_lines(file: IO[bytes]) -> int:
    """Bytes up to the end of the last finished line; a line that was being written when the writer died is none."""
    keep = file.seek(0, os.SEEK_END)
    while keep > 0:
        start = max(keep - 4096, 0)
        file.seek(start)
        place = file.read(keep - start).rfind(b"\n")
        if place >= 0:
            return start + place + 1
        keep = start
    return 0
