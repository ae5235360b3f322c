"""Where the commands start: imports nothing before Ctrl-C is taken care of, as the imports take longest."""

from __future__ import annotations

import _thread
import os
import signal
import sys
import time
from collections.abc import Callable
from types import FrameType

_INTERRUPTED = b"\ninterrupted; nothing half-written was left\n"


def stratoquant() -> None:
    """The command `stratoquant`."""

    def load() -> Callable[[], int]:
        from stratoquant.tools.cli import app
        from stratoquant.tools.entry import run

        return lambda: run(app, "stratoquant")

    _start(load)


def wiring_check() -> None:
    """The command `wiring_check`."""

    def load() -> Callable[[], int]:
        from stratoquant.tools.entry import run
        from stratoquant.tools.wiring_check import app

        return lambda: run(app, "wiring_check")

    _start(load)


def _start(load: Callable[[], Callable[[], int]]) -> None:
    """Runs what `load` imports, and leaves with its exit code.

    A Ctrl-C during the imports ends the process there and then: nothing is open yet, and an exception could be lost in
    them. During the command it is a KeyboardInterrupt, and after it ignored: all is done.
    """
    _use_utf8_file_names()
    before = signal.getsignal(signal.SIGINT)
    listening = before is not signal.SIG_IGN  # a background job does not
    if listening:
        signal.signal(signal.SIGINT, _leave)
    command = load()
    if listening:
        signal.signal(signal.SIGINT, before)
        sys.unraisablehook = _raise_again
    code = command()
    if listening:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.exit(code)


def _use_utf8_file_names() -> None:
    """Starts again in Python's UTF-8 mode where the locale knows ASCII alone, as file names may hold more than that.

    What is printed stays in the encoding that was chosen for it.
    """
    if sys.getfilesystemencoding() not in ("ascii", "us-ascii") or sys.flags.utf8_mode:
        return
    chosen = (
        {} if os.environ.get("PYTHONIOENCODING") else {"PYTHONIOENCODING": f"{sys.stdout.encoding}:backslashreplace"}
    )
    arguments = [sys.executable, *sys.orig_argv[1:]]
    os.execve(sys.executable, arguments, os.environ | {"PYTHONUTF8": "1"} | chosen)


def _raise_again(lost: sys.UnraisableHookArgs) -> None:
    """Brings back a KeyboardInterrupt that struck where Python drops exceptions, as when an object is removed."""
    if isinstance(lost.exc_value, KeyboardInterrupt):
        _thread.start_new_thread(_interrupt, ())  # by another thread, as here it would be dropped again
    else:
        sys.__unraisablehook__(lost)


def _interrupt() -> None:
    time.sleep(0.01)
    _thread.interrupt_main()


def _leave(number: int, frame: FrameType | None) -> None:
    os.write(2, _INTERRUPTED)
    os._exit(130)
