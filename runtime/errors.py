"""Errors meant for the person at the keyboard: what is wrong, where, and what to do. No other failure belongs here."""

from __future__ import annotations

from dataclasses import dataclass


class StratoError(Exception):
    """Something the user can put right; the command line prints it without a traceback."""

    def __init__(self, message: str, hint: str = "", code: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.code = code

    def __str__(self) -> str:
        head = f"{self.code} {self.message}" if self.code else self.message
        return f"{head}\n  fix: {self.hint}" if self.hint else head


@dataclass(frozen=True)
class CodePage:
    """What there is to know about one error code."""

    code: str
    title: str
    cause: str
    fix: str
