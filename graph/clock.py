"""Clocks and times as people write them. Text in, milliseconds out, and back; knows nothing of data or wirings."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

DAY_MS = 86_400_000

_UNITS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": DAY_MS}
_CLOCK = re.compile(r"([0-9]+)(ms|s|m|h|d)")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def parse_clock(text: str) -> int:
    """The length of a clock in milliseconds: `1m`, `15m`, `4h`, `1d`. Raises ValueError with the reason."""
    match = _CLOCK.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is not a clock; write a whole number and one of ms, s, m, h, d, such as 15m or 4h")
    count = int(match[1])
    if count == 0:
        raise ValueError(f"{text!r} is not a clock; it must be longer than nothing")
    return count * _UNITS[match[2]]


def format_clock(ms: int) -> str:
    """The shortest text that `parse_clock` reads back as `ms`."""
    if ms <= 0:
        raise ValueError(f"a clock must be longer than nothing, not {ms} ms")
    unit = max((u for u, length in _UNITS.items() if ms % length == 0), key=lambda u: _UNITS[u])
    return f"{ms // _UNITS[unit]}{unit}"


def parse_time(text: str) -> int:
    """UTC milliseconds of an ISO date or time; text without an offset is UTC. Raises ValueError with the reason."""
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise ValueError(f"{text!r} is not a time; write it as 2024-03-01 or 2024-03-01T12:30") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def format_time(ms: int) -> str:
    """UTC milliseconds for a reader: `2024-03-01 12:30 UTC`, with seconds and below only where they are not zero."""
    try:
        moment = _EPOCH + timedelta(milliseconds=ms)
    except OverflowError:
        return f"{ms} ms"
    text = moment.strftime("%Y-%m-%d %H:%M")
    if ms % 60_000:
        text += moment.strftime(":%S")
    if ms % 1_000:
        text += f".{ms % 1_000:03d}"
    return f"{text} UTC"
