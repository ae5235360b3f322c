"""What a check of market data found, and the exception that carries it. Knows no rule and reads no file."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from stratoquant.graph.clock import format_time
from stratoquant.runtime.data.codes import CODES
from stratoquant.runtime.errors import StratoError


@dataclass(frozen=True)
class Finding:
    """One kind of problem in one place, with its first example.

    file: name of the file, or what stands for it. row: counted from 1, without a header. time: UTC milliseconds.
    count: how many rows have the problem. An error stops loading, a warning is only reported.
    """

    code: str
    file: str
    detail: str
    row: int | None = None
    time: int | None = None
    count: int = 1
    severity: Literal["error", "warning"] = "error"
    hint: str = ""

    @property
    def fix(self) -> str:
        return self.hint or CODES[self.code].fix

    @property
    def message(self) -> str:
        place = self.file
        if self.row is not None:
            place += f", row {self.row}"
        if self.time is not None:
            place += f" ({format_time(self.time)})"
        more = f" (and {self.count - 1} more such rows)" if self.count > 1 else ""
        return f"{place}: {CODES[self.code].title}: {self.detail}{more}"


class DataError(StratoError):
    """Market data that cannot be used, with everything that was found in it."""

    def __init__(self, findings: Iterable[Finding]) -> None:
        self.findings = tuple(findings)
        first = self.findings[0]
        if len(self.findings) == 1:
            super().__init__(first.message, first.fix, first.code)
            return
        lines = [f"{f.code} {f.message}\n  fix: {f.fix}" for f in self.findings]
        super().__init__("\n".join([f"{len(lines)} problems in the data:", *lines]))


def refuse(code: str, file: str, detail: str, hint: str = "") -> DataError:
    """The exception for a single problem that has no row."""
    return DataError([Finding(code, file, detail, hint=hint)])
