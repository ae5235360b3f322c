"""What differs on a terminal: colour, and a sign of life while something takes long. Content is made elsewhere."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from graph.render import Paint, plain

_STYLES = {"error": "1;31", "warning": "1;33", "note": "1;36", "place": "1", "source": "2", "fix": "1;32", "ok": "32"}


def painter(stream: TextIO) -> Paint:
    """Colours on a terminal that wants them (https://no-color.org), plain text elsewhere."""
    if not stream.isatty() or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return plain
    return lambda role, text: f"\x1b[{_STYLES[role]}m{text}\x1b[0m" if role in _STYLES else text


@contextmanager
def working(what: str) -> Iterator[None]:
    """Shows on a terminal that something is being done."""
    if not sys.stderr.isatty():
        yield
        return
    from rich.console import Console

    with Console(stderr=True).status(what):
        yield


def deliver(text: str, target: str | os.PathLike[str] | None) -> None:
    """Prints a text, or writes it to a file, whole or not at all."""
    text = text if text.endswith("\n") else text + "\n"
    if target is None or str(target) == "-":
        sys.stdout.write(text)
    else:
        from runtime.files import write_text

        write_text(target, text)
