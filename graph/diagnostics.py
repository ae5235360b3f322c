"""Findings: what is wrong, where, why, and what to do. How they are printed is the business of graph.render."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from enum import Enum


class Severity(Enum):
    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, order=True)
class Place:
    """A position in a file; line and column count from 1. Line 0: no file, but a setting of the command line."""

    file: str
    line: int = 1
    column: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}" if self.line else self.file


@dataclass(frozen=True)
class Diagnostic:
    """One finding. `code` is documented in graph.codes."""

    code: str
    message: str
    place: Place
    hint: str = ""
    severity: Severity = Severity.ERROR

    def __str__(self) -> str:
        hint = f"\n  fix: {self.hint}" if self.hint else ""
        return f"{self.place}: {self.severity.value} {self.code}: {self.message}{hint}"


class WiringError(Exception):
    """A wiring cannot be compiled; carries every finding, warnings included."""

    def __init__(self, findings: Iterable[Diagnostic]) -> None:
        self.findings = tuple(findings)
        super().__init__("\n".join(str(f) for f in self.findings))


class Findings:
    """Collects findings, so that all are reported at once."""

    def __init__(self) -> None:
        self._items: list[Diagnostic] = []

    def error(self, code: str, message: str, place: Place, hint: str = "") -> None:
        self._items.append(Diagnostic(code, message, place, hint))

    def warning(self, code: str, message: str, place: Place, hint: str = "") -> None:
        self._items.append(Diagnostic(code, message, place, hint, Severity.WARNING))

    def extend(self, found: Iterable[Diagnostic]) -> None:
        self._items.extend(found)

    def blames(self, place: Place) -> bool:
        """True when an error already stands at this place, so that what follows from it need not be told as well."""
        return any(f.place == place and f.severity is Severity.ERROR for f in self._items)

    @property
    def errors(self) -> list[Diagnostic]:
        return [f for f in self.sorted() if f.severity is Severity.ERROR]

    def sorted(self) -> list[Diagnostic]:
        """By place, then code; each finding once."""
        unique = dict.fromkeys(self._items)
        return sorted(unique, key=lambda f: (f.place, f.code, f.message))

    def raise_errors(self) -> None:
        """Raises WiringError if there is any error."""
        if self.errors:
            raise WiringError(self.sorted())


def suggestion(word: str, known: Iterable[str]) -> str:
    """`did you mean` with the nearest known word, or nothing."""
    near = get_close_matches(word, list(known), 1, 0.5)
    return f"did you mean `{near[0]}`?" if near else ""
