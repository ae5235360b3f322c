"""A process that compiles units: `python -m graph.kernel.llvm.worker`, texts on standard input, objects on its output.

llvmlite lets one thread of a process compile at a time, so more processors need more processes. A message is its length
in 8 bytes and its content. The first two messages are the machine and nothing else; a text that fails ends the process.
"""

from __future__ import annotations

import os
import struct
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import IO

from graph.kernel.llvm.target import Machine, compile_unit

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
        )
        assert self._process.stdin is not None and self._process.stdout is not None
        self._to, self._from = self._process.stdin, self._process.stdout
        for part in machine:
            _send(self._to, part.encode())

    def compile(self, text: str) -> bytes:
        """Raises OSError when the process is gone."""
        _send(self._to, text.encode())
        return _receive(self._from)

    def close(self) -> None:
        """Ends the process."""
        with suppress(OSError):  # it may be gone already
            self._to.close()
        self._process.wait()
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
    source, result = sys.stdin.buffer, sys.stdout.buffer
    try:
        machine = Machine(*(_receive(source).decode() for _ in Machine._fields))
        while True:
            _send(result, compile_unit(_receive(source).decode(), machine))
    except OSError:
        return


if __name__ == "__main__":
    main()
