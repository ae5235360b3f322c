"""What the commands' exit codes mean. Scripts rely on them, so a number keeps its meaning."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum

from stratoquant.graph.diagnostics import Diagnostic, Severity

UNREADABLE_WIRING = "W001"
UNREADABLE = ("D001", "D002", "M010", "M011", "M020", "M030", "M031", "M033", "M040")


class ExitCode(IntEnum):
    OK = 0
    FINDINGS = 1
    USAGE = 2
    FILES = 3
    DEFECT = 70
    INTERRUPTED = 130


MEANING = {
    ExitCode.OK: "done, nothing wrong",
    ExitCode.FINDINGS: "errors in the wiring or in the data (with --strict also warnings)",
    ExitCode.USAGE: "wrong usage of the command line",
    ExitCode.FILES: "something cannot be read or written",
    ExitCode.DEFECT: "a defect of this program",
    ExitCode.INTERRUPTED: "interrupted (Ctrl-C)",
}

HELP = "\b\nExit codes:\n" + "\n".join(f"  {code.value:>3}  {meaning}" for code, meaning in MEANING.items())


def of_findings(findings: Iterable[Diagnostic], *, strict: bool = False) -> ExitCode:
    """The exit code of a check."""
    serious = [f for f in findings if f.severity is Severity.ERROR or (strict and f.severity is Severity.WARNING)]
    if any(f.code == UNREADABLE_WIRING for f in serious):
        return ExitCode.FILES
    return ExitCode.FINDINGS if serious else ExitCode.OK


def of_error_code(code: str) -> ExitCode:
    """The exit code of a StratoError: F-codes are files that cannot be written, D about data, M about the mirror."""
    return ExitCode.FILES if code.startswith("F") or code in UNREADABLE else ExitCode.FINDINGS
