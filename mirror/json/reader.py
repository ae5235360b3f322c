"""Reads a JSON mirror line by line, and says where a file is not one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from pydantic import ValidationError

from stratoquant.mirror.json.models import LINE, VERSION, Bar, Header
from stratoquant.runtime.errors import StratoError


def read_header(path: Path) -> Header:
    """The first line. Raises StratoError when the file cannot be read or is no JSON mirror of a known version."""
    with _opened(path) as file:
        return _header(path, file.readline())


def read(path: Path) -> Iterator[Bar]:
    """The bars in order. A last line without its end is left out: it was being written. Raises StratoError."""
    with _opened(path) as file:
        _header(path, file.readline())
        last: dict[str, int] = {}
        for number, text in enumerate(file, start=2):
            if not text.endswith(b"\n"):
                return
            bar = _bar(path, number, text)
            if bar.time <= last.get(bar.symbol, -1):
                raise _refused(path, number, f"{bar.symbol} goes back in time", "write the file again")
            last[bar.symbol] = bar.time
            yield bar


def _opened(path: Path) -> IO[bytes]:
    try:
        return path.open("rb")
    except OSError as problem:
        reason = (problem.strerror or str(problem)).lower()
        raise StratoError(f"{path}: {reason}", "give a file that `stratoquant mirror json` wrote", "M030") from None


def _header(path: Path, text: bytes) -> Header:
    facts = _json(path, 1, text)
    if facts.get("kind") != "header" or not text.endswith(b"\n"):
        raise _refused(path, 1, "the first line is no header", "give a file that `stratoquant mirror json` wrote")
    version = facts.get("stratoquant")
    if isinstance(version, int) and version > VERSION:
        message = f"version {version} is newer than the {VERSION} that this program reads"
        raise StratoError(f"{path}:1: {message}", "update stratoquant", "M031")
    line = _line(path, 1, text)
    assert isinstance(line, Header)
    return line


def _bar(path: Path, number: int, text: bytes) -> Bar:
    line = _line(path, number, text)
    if not isinstance(line, Bar):
        raise _refused(path, number, "a second header", "keep one run in one file")
    return line


def _json(path: Path, number: int, text: bytes) -> dict[str, object]:
    try:
        facts = json.loads(text)
    except ValueError:
        raise _refused(path, number, "no JSON", "the file is damaged; write it again") from None
    if not isinstance(facts, dict):
        raise _refused(path, number, "no object", "the file is damaged; write it again")
    return facts


def _line(path: Path, number: int, text: bytes) -> Header | Bar:
    try:
        return LINE.validate_json(text)
    except ValidationError as problem:
        first = problem.errors()[0]
        place = ".".join(str(p) for p in first["loc"])
        raise _refused(
            path, number, f"{place}: {first['msg'].lower()}", "the file is damaged; write it again"
        ) from None


def _refused(path: Path, number: int, message: str, fix: str) -> StratoError:
    return StratoError(f"{path}:{number}: {message}", fix, "M030")
