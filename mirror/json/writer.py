"""Writes a JSON mirror so that it can always be read: a new file appears whole, an old one grows by whole lines."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType

from mirror.json.models import Bar, Header, line_text
from mirror.json.reader import read, read_header
from runtime.errors import StratoError
from runtime.files import refused_as_error, write_text


class Writer:
    """Appends bars to a file; a file that is there already goes on where it ends.

    Bars that the file holds are passed over, so that the same run can be written again, and a longer one continued.
    written: lines added so far. Raises StratoError for a file of another wiring and for what cannot be written.
    """

    def __init__(self, path: Path, header: Header) -> None:
        self._path = path
        self.written = 0
        self._latest: dict[str, Bar] = {}
        if path.exists():
            self._continue(header)
        else:
            write_text(path, line_text(header))
        with refused_as_error(path):
            self._file = path.open("a", encoding="utf-8", newline="\n")

    def _continue(self, header: Header) -> None:
        found = read_header(self._path)
        if found != header:
            fields = [n for n in Header.model_fields if getattr(found, n) != getattr(header, n)]
            message = f"{self._path}: holds another run ({', '.join(fields)} differ)"
            raise StratoError(message, "write to another file, or remove this one", "M032")
        for bar in read(self._path):
            self._latest[bar.symbol] = bar
        _cut_torn_line(self._path)

    def append(self, bars: Iterable[Bar]) -> None:
        """Adds bars that are later than the last one of their symbol; they are flushed when it returns."""
        with refused_as_error(self._path):
            for bar in bars:
                before = self._latest.get(bar.symbol)
                if before is not None and bar.time <= before.time:
                    continue
                self._file.write(line_text(bar))
                self._latest[bar.symbol] = bar
                self.written += 1
            self._file.flush()

    def close(self) -> None:
        """Waits for the disk, and writes latest.json beside the file: the last bar of every symbol."""
        with refused_as_error(self._path):
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
        write_latest(self._path.with_name("latest.json"), self._latest.values())

    def __enter__(self) -> Writer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def write_latest(path: Path, bars: Iterable[Bar]) -> None:
    """One small object for dashboards: symbol to its last bar."""
    body = ",\n".join(f'"{bar.symbol}": {line_text(bar).strip()}' for bar in sorted(bars, key=lambda b: b.symbol))
    write_text(path, f"{{\n{body}\n}}\n")


def _cut_torn_line(path: Path) -> None:
    """Removes the beginning of a line that was being written when the writer died."""
    with refused_as_error(path), path.open("rb+") as file:
        end = file.seek(0, os.SEEK_END)
        keep = end
        while keep > 0:
            start = max(keep - 4096, 0)
            file.seek(start)
            place = file.read(keep - start).rfind(b"\n")
            if place >= 0:
                keep = start + place + 1
                break
            keep = start
        if keep < end:
            file.truncate(keep)
