"""Long series made short enough to draw, without losing a high or a low; numbers made short enough to send. No
trading here."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Times = npt.NDArray[np.int64]
Index = npt.NDArray[np.intp]


class Candles(NamedTuple):
    """Bars of equal numbers of bars: first open, highest high, lowest low, last close."""

    time: Times
    open: Floats
    high: Floats
    low: Floats
    close: Floats


class Runs(NamedTuple):
    """Stretches of one label, each from the open of its first bar to the open of the bar after it."""

    start: Times
    end: Times
    label: npt.NDArray[np.int64]


def bucket_starts(length: int, limit: int) -> Index:
    """First index of each of at most `limit` buckets of nearly equal size."""
    count = min(length, limit)
    return np.arange(count) * length // max(count, 1)


def extremes_kept(values: Floats, limit: int) -> Index:
    """At most `limit` indices, ascending: the lowest and the highest of each bucket, the first and the last of all."""
    length = len(values)
    if length <= limit:
        return np.arange(length)
    starts = bucket_starts(length, (limit - 2) // 2)
    ends = np.append(starts[1:], length)
    chosen = [0, length - 1]
    for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
        part = values[start:end]
        chosen += (start + int(part.argmin()), start + int(part.argmax()))
    return np.unique(chosen)


def to_candles(bars: Candles, limit: int) -> Candles:
    if len(bars.time) <= limit:
        return bars
    starts = bucket_starts(len(bars.time), limit)
    lasts = np.append(starts[1:], len(bars.time)) - 1
    return Candles(
        bars.time[starts],
        bars.open[starts],
        np.maximum.reduceat(bars.high, starts),
        np.minimum.reduceat(bars.low, starts),
        bars.close[lasts],
    )


def last_known(values: Floats, starts: Index) -> Floats:
    """The last value that is not NaN in each bucket, NaN where there is none."""
    place = np.where(np.isnan(values), -1, np.arange(len(values)))
    last = np.maximum.reduceat(place, starts)
    return np.where(last >= starts, values[last], np.nan)


def label_runs(time: Times, labels: Floats, limit: int, clock_ms: int) -> Runs:
    """Stretches of equal labels, NaN in none of them. Beyond `limit` of them: of each bucket's commonest label."""
    known = np.where(np.isnan(labels), -1, labels).astype(np.int64)
    runs = _runs(time, known, clock_ms)
    if len(runs.start) <= limit:
        return runs
    starts = bucket_starts(len(known), limit)
    parts = np.split(known + 1, starts[1:])
    common = np.array([np.bincount(part).argmax() - 1 for part in parts], dtype=np.int64)
    return _runs(time[starts], common, int(time[-1]) + clock_ms - int(time[starts[-1]]))


def _runs(time: Times, labels: npt.NDArray[np.int64], last_length: int) -> Runs:
    if not len(time):
        return Runs(time, time, labels)
    begins = np.flatnonzero(np.diff(labels, prepend=labels[0] - 1))
    ends = np.append(time[begins[1:]], time[-1] + last_length)
    kept = labels[begins] >= 0
    return Runs(time[begins][kept], ends[kept], labels[begins][kept])


def significant(values: Floats, digits: int = 7) -> list[float | None]:
    """Values as JSON can carry them: NaN and infinities as None, rounded so that the largest keeps `digits` digits."""
    finite = np.isfinite(values)
    largest = float(np.abs(values[finite]).max()) if finite.any() else 0.0
    decimals = digits - 1 - math.floor(math.log10(largest)) if largest > 0.0 else 0
    rounded = np.round(values, decimals).tolist()
    return rounded if finite.all() else [v if ok else None for v, ok in zip(rounded, finite.tolist(), strict=True)]
