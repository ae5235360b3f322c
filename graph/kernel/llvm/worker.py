"""A process that compiles units: `python -m graph.kernel.llvm.worker`, texts on standard input, objects on its output.

llvmlite lets one thread of a process compile at a time, so more processors need more processes. A message is its length
in 8 bytes and its content. The first messages are the machine; then each unit is two, its tier and its text. A text
that fails ends the process.

It ends at once when its input does, in the midst of a unit too: so it never outlives the process that started it,
however that ended. Ctrl-C in a terminal is meant for that process alone.
"""

from __future__ import annotations

import os
import struct
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import IO

from stratoquant.graph.kernel.llvm.target import Machine, compile_unit
from stratoquant.graph.kernel.tiers import Tier

_LENGTH = struct.Struct("<Q")
_ROOT = Path(__file__).resolve().parents[3]


class Worker:
    """A worker process, seen from the one that started it."""

    def __init__(self, machine: Machine) -> None:
        """Starts it; raises OSError when that cannot be done."""
        path = os.pathsep.join(filter(None, (str(_ROOT), os.environ.get("PYTHONPATH"))))
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": path},
            start_new_session=True,
        )
        assert self._process.stdin is not None and self._process.stdout is not None
        self._to, self._from = self._process.stdin, self._process.stdout
        for part in machine:
            _send(self._to, part.encode())

    def compile(self, text: str, tier: Tier) -> bytes:
        """Raises OSError when the process is gone."""
        _send(self._to, tier.value.encode())
        _send(self._to, text.encode())
        return _receive(self._from)

    def close(self) -> None:
        """Ends the process, whatever it is at."""
        self._process.kill()
        self._process.wait()
        with suppress(OSError):  # what was not read yet has nowhere to go
            self._to.close()
        self._from.close()


def _send(stream: IO[bytes], content: bytes) -> None:
    stream.write(_LENGTH.pack(len(content)))
    stream.write(content)
    stream.flush()


def _receive(stream: IO[bytes]) -> bytes:
    head = stream.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        raise OSError("the compiling process has ended")
    (length,) = _LENGTH.unpack(head)
    content = stream.read(length)
    if len(content) < length:
        raise OSError("the compiling process has ended")
    return content


def main() -> None:
    """Compiles until its input ends."""
    messages: SimpleQueue[str] = SimpleQueue()
    Thread(target=_listen, args=(messages,), daemon=True).start()
    machine = Machine(*(messages.get() for _ in Machine._fields))
    while True:
        tier = Tier(messages.get())
        code = compile_unit(messages.get(), machine, tier)
        with suppress(BrokenPipeError):  # the input has ended as well, and with it this process
            _send(sys.stdout.buffer, code)


def _listen(messages: SimpleQueue[str]) -> None:
    while True:
        try:
            messages.put(_receive(sys.stdin.buffer).decode())
        except OSError:
            os._exit(0)


if __name__ == "__main__":
    main()
