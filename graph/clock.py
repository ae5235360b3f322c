"""Clocks and times as people write them. Text in, milliseconds out, and back; knows nothing of data or wirings."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

DAY_MS = 86_400_000
WEEK_MS = 7 * DAY_MS

_UNITS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": DAY_MS, "w": WEEK_MS}
_CLOCK = re.compile(r"([0-9]+)(ms|s|m|h|d|w)")
_TIME_OF_DAY = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_MONDAY = 4 * DAY_MS  # 5 January 1970
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def parse_clock(text: str) -> int:
    """The length of a clock in milliseconds: `1m`, `15m`, `4h`, `1d`, `1w`. Raises ValueError with the reason."""
    match = _CLOCK.fullmatch(text.strip())
    if match is None:
        raise ValueError(
            f"{text!r} is not a clock; write a whole number and one of ms, s, m, h, d, w, such as 15m or 4h"
        )
    count = int(match[1])
    if count == 0:
        raise ValueError(f"{text!r} is not a clock; it must be longer than nothing")
    return count * _UNITS[match[2]]


class Clock(NamedTuple):
    """Bars of `ms` milliseconds that open at `origin`, at `origin + ms`, and so on. origin: from 0 to before ms."""

    ms: int
    origin: int


def read_clock(text: str) -> Clock:
    """A clock and the time at which its bars open: `4h`, `4h@02:00`, `1d@22:00`, `1w@sun`, `1w@sun 22:00`; UTC.

    Without a time, bars open on multiples of their length from 00:00, and weeks on Mondays. Raises ValueError with the
    reason.
    """
    length, at, opening = text.partition("@")
    ms = parse_clock(length)
    if not at:
        return Clock(ms, usual_origin(ms))
    day, _, time = opening.strip().lower().rpartition(" ")
    if not day and time in _DAYS:
        day, time = time, "00:00"
    moment = _TIME_OF_DAY.fullmatch(time)
    if moment is None or (day and (day not in _DAYS or ms % WEEK_MS)):
        raise ValueError(f"{text!r} is not a clock; write when its bars open as 4h@02:00, 1d@22:00 or 1w@sun 22:00")
    days = _DAYS.index(day) * DAY_MS if day else 0
    return Clock(ms, (usual_origin(ms) + days + (int(moment[1]) * 60 + int(moment[2])) * 60_000) % ms)


def usual_origin(ms: int) -> int:
    """When the first bar of a clock opens after 1970 began: at once, but weeks open on Mondays."""
    return 0 if ms % WEEK_MS else _MONDAY


def format_opening(clock: Clock) -> str:
    """A clock as `read_clock` reads it."""
    text = format_clock(clock.ms)
    days, rest = divmod((clock.origin - usual_origin(clock.ms)) % clock.ms, DAY_MS)
    if not days and not rest:
        return text
    day = f"{_DAYS[days % 7]} " if clock.ms % WEEK_MS == 0 else ""
    return f"{text}@{day}{rest // 3_600_000:02d}:{rest // 60_000 % 60:02d}"


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
