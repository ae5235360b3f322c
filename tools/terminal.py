"""What differs on a terminal: colour, and a sign of life while something takes long. Content is made elsewhere."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING, TextIO

from stratoquant.graph.render import Paint, plain

if TYPE_CHECKING:
    from stratoquant.runtime.data.findings import Finding

_STYLES = {"error": "1;31", "warning": "1;33", "note": "1;36", "place": "1", "source": "2", "fix": "1;32", "ok": "32"}


def painter(stream: TextIO) -> Paint:
    """Colours on a terminal that wants them (https://no-color.org), plain text elsewhere."""
    if not stream.isatty() or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return plain
    return lambda role, text: f"\x1b[{_STYLES[role]}m{text}\x1b[0m" if role in _STYLES else text


def print_findings(found: Iterable[Finding], stream: TextIO) -> None:
    """Findings on market data, each with its fix."""
    paint = painter(stream)
    for f in found:
        head = paint(f.severity, f"{f.severity} {f.code}")
        print(f"{head}: {f.message}\n  {paint('fix', 'fix:')} {f.fix}", file=stream)


@contextmanager
def noticing_ctrl_c() -> Iterator[Callable[[], None]]:
    """Yields what raises KeyboardInterrupt again when a Ctrl-C was pressed inside the block and somebody dropped it.

    Libraries that call Python back from compiled code lose an exception now and then; a long run would go on.
    """
    if threading.current_thread() is not threading.main_thread():
        yield lambda: None
        return
    pressed = False

    def press(number: int, frame: FrameType | None) -> None:
        nonlocal pressed
        pressed = True
        raise KeyboardInterrupt

    def check() -> None:
        if pressed:
            raise KeyboardInterrupt

    before = signal.getsignal(signal.SIGINT)
    ignored = before is signal.SIG_IGN  # as in a background job, which Ctrl-C is not meant for
    if not ignored:
        signal.signal(signal.SIGINT, press)
    try:
        yield check
    finally:
        if not ignored:
            signal.signal(signal.SIGINT, before)


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
        from stratoquant.runtime.files import write_text

        write_text(target, text)
