"""Recorded depth updates and trades as they lie in Parquet files: read, checked, put in the order of application.

One rule says when anything happened, in both files: `recv_ns`, the recorder's clock at the receipt of the row. It is
the only time that every row has (a snapshot asked for over REST may have none of the exchange), the only one that never
goes back inside a file, and the only one by which a strategy beside the recorder could have acted: by the exchange's
own times a message would be known before it arrived. Where the recorder's clock was wrong, all bars are shifted by as
much, and nothing comes earlier to another thing than it did; `Depth.lag_ms` shows it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from stratoquant.runtime.data.check import Rule
from stratoquant.runtime.data.findings import DataError, Finding
from stratoquant.runtime.data.pieces import readable, scan, schema_of

_NS = 1_000_000  # nanoseconds in a millisecond
_EARLIEST_NS, _LATEST_NS = 10**17, 9 * 10**18  # 1973 to 2255: milliseconds or microseconds lie before it

_DEPTH = ("recv_ns", "first_id", "last_id", "side", "price", "qty", "is_snapshot")
_TRADES = ("recv_ns", "trade_id", "price", "qty", "buyer_is_maker")
_FLOATS = ("price", "qty")
_TEXTS = ("kind",)

_sound_time = pl.col("recv_ns").is_between(_EARLIEST_NS, _LATEST_NS).fill_null(False)
_number = pl.col("price").is_finite() & (pl.col("price") > 0) & pl.col("qty").is_finite()
_RULES = (
    Rule("D028", ~_sound_time, "recv_ns {recv_ns} is no time of a market in UTC nanoseconds"),
    Rule("D029", pl.col("recv_ns") < pl.col("recv_ns").shift(1), "it was received before the row above it"),
)
_DEPTH_RULES = (
    Rule("D028", ~(_number & (pl.col("qty") >= 0)).fill_null(False), "price {price}, quantity {qty}"),
    Rule("D028", ~pl.col("side").is_in([1, -1]).fill_null(False), "side {side}; a bid is 1, an ask -1"),
    Rule("D028", ~pl.col("is_snapshot").is_in([0, 1]).fill_null(False), "is_snapshot {is_snapshot}; it is 0 or 1"),
    Rule("D028", pl.col("last_id").is_null(), "last_id is missing"),
    Rule("D028", pl.col("first_id").is_null() & (pl.col("is_snapshot") == 0), "first_id of an update is missing"),
)
_TRADE_RULES = (
    Rule("D028", ~(_number & (pl.col("qty") > 0)).fill_null(False), "price {price}, quantity {qty}"),
    Rule("D028", pl.col("buyer_is_maker").is_null(), "buyer_is_maker is missing"),
    Rule("D028", pl.col("trade_id").is_null(), "trade_id is missing"),
    Rule(
        "D031",
        pl.col("trade_id") <= pl.col("trade_id").shift(1),
        "trade {trade_id} comes after a trade of a later or the same number",
    ),
)


@dataclass(frozen=True)
class Depth:
    """The messages of a depth file, in the order in which they change the book.

    known: nanoseconds at which a message is applied, never going back; an update that had to wait for its snapshot has
    the snapshot's. start, stop: its rows. snapshot: True where it replaces the whole book. side (1 bid, -1 ask), price
    and qty (base asset, 0 deletes the level): the rows as they lie in the file. first_ns, last_ns: when the first and
    the last row were received. lag_ms: median of receipt minus the exchange's time, milliseconds; None where the file
    has no time of the exchange.
    """

    name: str
    known: np.ndarray
    start: np.ndarray
    stop: np.ndarray
    snapshot: np.ndarray
    side: np.ndarray
    price: np.ndarray
    qty: np.ndarray
    first_ns: int
    last_ns: int
    lag_ms: float | None


@dataclass(frozen=True)
class Trades:
    """The trades of a file that were made on the book, in order: recv_ns, price, qty (base asset), buyer_is_maker.

    off_book: how many were not (insurance fund, auto-deleveraging). first_ns: when the first of the others was
    received. last_ns: when the last row was. missing: a warning where numbers of trades are left out.
    """

    name: str
    table: pl.DataFrame
    off_book: int
    first_ns: int
    last_ns: int
    missing: tuple[Finding, ...]


def read_depth(path: Path) -> Depth:
    """Read and check a file of depth updates, whole into memory. Raises DataError, with all that is wrong in it.

    Columns: recv_ns, first_id, last_id, side, price, qty, is_snapshot; prev_id and event_ms are used where they exist.
    The rows of a message lie together; those of a snapshot replace the book, those of an update set its levels. What a
    snapshot already holds (last_id not above its own) is passed over, whether it was received before or after it.
    """
    table = _read(path, _DEPTH, ("prev_id", "event_ms"))
    _refuse_unsound(table, path.name, (*_RULES, *_DEPTH_RULES))
    key = pl.struct("recv_ns", "last_id", "is_snapshot")
    heads = table.with_row_index("at").filter((key != key.shift(1)).fill_null(True))
    start = heads["at"].to_numpy().astype(np.int64)
    snapshot = heads["is_snapshot"].to_numpy() == 1
    last = heads["last_id"].to_numpy()
    before = heads.select(pl.coalesce("prev_id", pl.col("first_id") - 1).fill_null(0)).to_series().to_numpy()
    order, since = _in_order(path.name, last, before, snapshot, start)
    received = heads["recv_ns"].to_numpy()
    lag = heads.filter(pl.col("is_snapshot") == 0).select((pl.col("recv_ns") / _NS - pl.col("event_ms")).median())
    return Depth(
        name=path.name,
        known=received[since],
        start=start[order],
        stop=np.append(start[1:], table.height)[order],
        snapshot=snapshot[order],
        side=table["side"].to_numpy(),
        price=table["price"].to_numpy(),
        qty=table["qty"].to_numpy(),
        first_ns=int(received[0]),
        last_ns=int(received[-1]),
        lag_ms=lag.item(),
    )


def read_trades(path: Path) -> Trades:
    """Read and check a file of single trades, whole into memory. Raises DataError, with all that is wrong in it.

    Columns: recv_ns, trade_id, price, qty, buyer_is_maker; kind where it exists: only MARKET and unnamed trades count.
    """
    table = _read(path, _TRADES, _TEXTS)
    _refuse_unsound(table, path.name, (*_RULES, *_TRADE_RULES))
    on_book = table.filter((pl.col("kind") == "MARKET").fill_null(True))
    if on_book.is_empty():
        raise DataError([Finding("D003", path.name, "not one of its trades was made on the book")])
    names = table["trade_id"].to_numpy()
    lost = int(names[-1] - names[0]) + 1 - names.size
    warnings = []
    if lost:
        row = int(np.flatnonzero(np.diff(names) > 1)[0]) + 1
        detail = f"{lost} of {lost + names.size} numbers of trades are left out, first after trade {names[row - 1]}"
        hint = "Volumes are too low there; record again if that matters."
        warnings.append(Finding("D031", path.name, detail, row + 1, severity="warning", hint=hint))
    first, last = int(on_book["recv_ns"][0]), int(table["recv_ns"][-1])
    return Trades(path.name, on_book, table.height - on_book.height, first, last, tuple(warnings))


def _read(path: Path, required: Sequence[str], optional: Sequence[str]) -> pl.DataFrame:
    """The columns in the types used here; optional ones that the file lacks are null."""
    schema = schema_of(path)
    if missing := [name for name in required if name not in schema]:
        detail = f"{', '.join(missing)}; its columns are {', '.join(schema) or 'none'}"
        raise DataError([Finding("D027", path.name, detail)])
    chosen, wrong = [], []
    for name in (*required, *optional):
        kind = schema.get(name, pl.Null)
        if name in _TEXTS:
            fits, target = kind == pl.String, pl.String
        elif name in _FLOATS:
            fits, target = kind.is_numeric(), pl.Float64
        else:
            fits, target = kind.is_integer() or kind == pl.Boolean, pl.Int64
        if not fits and kind != pl.Null:
            wrong.append(f"column {name} has type {kind}")
        column = pl.col(name) if name in schema else pl.lit(None).alias(name)
        chosen.append(column.cast(target))
    if wrong:
        raise DataError([Finding("D027", path.name, "; ".join(wrong))])
    with readable(path):
        table = scan(path).select(chosen).collect()
    if table.is_empty():
        raise DataError([Finding("D003", path.name, "the table is empty")])
    return table


def _refuse_unsound(table: pl.DataFrame, name: str, rules: Sequence[Rule]) -> None:
    """Raises DataError with the first row that breaks each rule."""
    findings = []
    for rule in rules:
        broken = table.with_row_index("row", offset=1).filter(rule.broken.fill_null(False))
        if broken.height:
            row = broken.row(0, named=True)
            sound = row["recv_ns"] is not None and _EARLIEST_NS <= row["recv_ns"] <= _LATEST_NS
            time = row["recv_ns"] // _NS if sound else None
            findings.append(Finding(rule.code, name, rule.says.format(**row), row["row"], time, broken.height))
    if findings:
        raise DataError(findings)


def _in_order(
    name: str, last: np.ndarray, before: np.ndarray, snapshot: np.ndarray, start: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Which message is applied when: their indices in order, and for each the message whose receipt allows it.

    last: id of the last change in a message. before: id of the last change before it. A snapshot is asked for apart
    from the stream, so what arrived before it may be newer than it: those updates are applied again on top of it.
    """
    at = np.flatnonzero(snapshot)
    if at.size == 0:
        raise DataError([Finding("D030", name, f"none of its {last.size} messages is a snapshot")])
    updates = np.flatnonzero(~snapshot)
    used = updates[last[updates] > last[at[0]]]
    broken = np.flatnonzero(before[used[1:]] != last[used[:-1]]) + 1
    if broken.size:
        here, above = used[broken[0]], used[broken[0] - 1]
        detail = f"this update follows on id {before[here]}, the one before it ends with {last[above]}"
        raise DataError([Finding("D031", name, detail, int(start[here]) + 1, count=int(broken.size))])
    order, since = [], []
    for index, first in enumerate(at):
        newer = used[last[used] > last[first]]
        if newer.size and before[newer[0]] > last[first]:
            detail = f"the snapshot ends with id {last[first]}, the first update after it follows on {before[newer[0]]}"
            raise DataError([Finding("D031", name, detail, int(start[first]) + 1)])
        until = at[index + 1] if index + 1 < at.size else last.size
        chosen = newer[newer < until]
        order.append(np.concatenate([[first], chosen]))
        since.append(np.maximum(order[-1], first))
    return np.concatenate(order), np.concatenate(since)
