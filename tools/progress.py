"""Progress of long work as lines on the standard error stream: each new step, and a sign of life in a long one."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

LEAST = 2.0  # seconds between two lines of the same work
PULSE = 10.0  # seconds after which a step that still runs is printed again


def to_stderr(line: str) -> None:
    """One write per line: several processes share the stream."""
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


class Progress:
    """The steps of one piece of work. `step` and `pulse` decide by the clock whether a line is due."""

    def __init__(
        self, work: str, write: Callable[[str], None] = to_stderr, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._work, self._write, self._clock = work, write, clock
        self._begun = clock()
        self._printed = -LEAST - 1.0 + self._begun
        self._step = "started"
        self._lock = threading.Lock()

    def step(self, what: str) -> None:
        """Enter a step. Its line is left out when the line before it is younger than LEAST."""
        with self._lock:
            self._step = what
            self._print_after(LEAST)

    def pulse(self) -> None:
        """Print the current step again when nothing was printed for PULSE."""
        with self._lock:
            self._print_after(PULSE)

    def end(self, result: str) -> None:
        """Print the result, in any case."""
        with self._lock:
            self._step = result
            self._print_after(0.0)

    def _print_after(self, seconds: float) -> None:
        now = self._clock()
        if now - self._printed >= seconds:
            self._printed = now
            self._write(f"{self._work}: {self._step} ({now - self._begun:.0f} s)")


@contextmanager
def progress(work: str) -> Iterator[Progress]:
    """A `Progress` whose pulse beats in a thread of its own until the block ends."""
    shown = Progress(work)
    ended = threading.Event()

    def beat() -> None:
        while not ended.wait(PULSE / 4.0):
            shown.pulse()

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield shown
    finally:
        ended.set()
        thread.join()
