"""The rule for names that become names of files: wirings and symbols. Knows no file and reports nothing."""

from __future__ import annotations

import re
import unicodedata

LONGEST = 100
"""Bytes of a name in UTF-8. Files add a clock, a hash or an ending to it, and a file's name has 255 bytes."""

_SEPARATORS = frozenset('/\\:*?"<>|')  # of folders and drives, and what Windows keeps for itself
_DEVICES = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(\..*)?", re.IGNORECASE | re.DOTALL)
_BETWEEN = re.compile(r"[/:]")  # what separates the parts of a symbol: BTC/USDT, BINANCE:BTCUSDT


def name_problem(name: str) -> str | None:
    """Why a word cannot be the name of a file or folder on every system, None where it can."""
    if not name:
        return "it is empty"
    if bad := next((ch for ch in name if unicodedata.category(ch)[0] == "C"), None):
        return f"it contains the control character U+{ord(bad):04X}"
    if bad := next((ch for ch in name if ch in _SEPARATORS), None):
        return f"it contains `{bad}`"
    if name[0] == ".":
        return "it begins with a dot"
    if name[-1] == "." or name != name.strip():
        return "it begins or ends with a space, or ends with a dot"
    if _DEVICES.fullmatch(name):
        return "Windows keeps this word for a device"
    if len(name.encode()) > LONGEST:
        return f"it has {len(name.encode())} bytes, more than {LONGEST}"
    return None


def symbol_problem(symbol: str) -> str | None:
    """Why a word cannot be a symbol, None where it can: all of it, and each part between `/` or `:`, must be a name."""
    problems = (name_problem(part) for part in (*_BETWEEN.split(symbol), symbol_file_name(symbol)))
    return next((problem for problem in problems if problem), None)


def symbol_file_name(symbol: str) -> str:
    """A symbol as a part of a file's name: BTC/USDT becomes BTC-USDT."""
    return _BETWEEN.sub("-", symbol)
