"""Optimised machine code, made while a run goes on with the quick one: in worker processes, one program after another.

A build ends with the last use of its code, and with this process. The units made by then are in the store, and the next
build of the program begins with them.
"""

from __future__ import annotations

import atexit
import os
import warnings
from collections import deque
from threading import Event, Lock, Thread
from weakref import ref

from stratoquant.graph.kernel.code import NativeCode
from stratoquant.graph.kernel.program import Program


class TierWarning(UserWarning):
    """A run keeps the quick machine code, because no other could be made."""


class Build:
    """The optimised build of a program. code: what takes its objects."""

    def __init__(self, program: Program, code: NativeCode) -> None:
        self._program = program
        self._code = ref(code)
        self._stop = Event()
        self._ended = Event()

    def run(self) -> None:
        """Makes the objects and hands them to the code, unless it is stopped first."""
        try:
            if not self._is_stopped():
                self._replace(self._program.optimised_behind(self._is_stopped))
        except Exception as problem:
            message = f"this run keeps slower machine code: internal error, please report it: {problem!r}"
            warnings.warn(message, TierWarning, stacklevel=1)
        finally:
            self._ended.set()

    def stop(self) -> None:
        self._stop.set()

    def end(self) -> None:
        """Says that it will not be run."""
        self._ended.set()

    def wait(self) -> None:
        """Until it has run, or was stopped."""
        self._ended.wait()

    def _replace(self, objects: list[bytes] | None) -> None:
        code = self._code()
        if objects is not None and code is not None:
            code.replace(objects)

    def _is_stopped(self) -> bool:
        return self._stop.is_set() or self._code() is None


class Line:
    """Builds that wait for the one before them, and the thread that runs them while there are any."""

    def __init__(self) -> None:
        self._clear()

    def _clear(self) -> None:
        self._lock = Lock()
        self._builds: deque[Build] = deque()  # the first is being run
        self._thread: Thread | None = None

    def add(self, build: Build) -> None:
        with self._lock:
            self._builds.append(build)
            if self._thread is None:
                self._thread = Thread(target=self._run, name="optimised builds", daemon=True)
                self._thread.start()

    def stop(self) -> None:
        """Stops all builds, and returns when no worker is left."""
        with self._lock:
            for build in self._builds:
                build.stop()
            thread = self._thread
        if thread is not None:
            thread.join()

    def forget(self) -> None:
        """In a process that was forked off this one: its threads and its workers are not the new one's."""
        for build in self._builds:
            build.end()
        self._clear()

    def _run(self) -> None:
        while True:
            with self._lock:
                if not self._builds:
                    self._thread = None
                    return
                build = self._builds[0]
            build.run()
            with self._lock:
                self._builds.popleft()


_LINE = Line()
atexit.register(_LINE.stop)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_LINE.forget)


def optimise_behind(program: Program, code: NativeCode) -> Build:
    """Begins the optimised build of a program that runs on quick code, or lets it wait for those begun before."""
    build = Build(program, code)
    _LINE.add(build)
    return build
