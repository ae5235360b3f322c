"""The check of bars: every rule at once, each with its first example. Reads tables it is given; opens no file."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

import numpy as np
import polars as pl

from stratoquant.graph.clock import Clock, format_clock, format_opening, format_time, usual_origin
from stratoquant.graph.names import symbol_problem
from stratoquant.graph.steps import EXACT
from stratoquant.runtime.data.bars import BOOK, NUMBERS, OPTIONAL, PRICES, REQUIRED
from stratoquant.runtime.data.findings import Finding
from stratoquant.runtime.data.splits import looks_split

_EARLIEST_MS = 10**10  # 26 April 1970: seconds taken for milliseconds lie before it
_LATEST_MS = 10**14  # the year 5138: microseconds taken for milliseconds lie after it
_FINER = "finer ones to resample"
_ENOUGH_PAIRS = 8  # fewer neighbours do not tell coarse bars from sparse ones

MOST_FUNDING = 0.05
"""Exchanges bound what one payment may be, mostly to 0.3 to 3 % of the position."""
WILD_FUNDING = pl.col("funding_rate").is_finite() & (pl.col("funding_rate").abs() > MOST_FUNDING)

_finite = pl.all_horizontal(pl.col(p).is_finite() for p in PRICES)


@dataclass(frozen=True)
class Rule:
    """A code and the rows that break it; `says` is filled with the values of the first such row."""

    code: str
    broken: pl.Expr
    says: str
    severity: Literal["error", "warning"] = "error"


_OHLC = "open {open}, high {high}, low {low}, close {close}"
_RULES = (
    Rule("D006", pl.col("time").is_null(), "there is no time in this row"),
    Rule("D007", pl.any_horizontal(pl.col(p).is_nan() for p in PRICES), _OHLC),
    Rule("D008", pl.any_horizontal(pl.col(p).is_infinite() for p in PRICES), _OHLC),
    Rule("D009", pl.any_horizontal(pl.col(p) <= 0 for p in PRICES), _OHLC),
    Rule("D010", _finite & (pl.col("high") < pl.max_horizontal("open", "close", "low") * (1.0 - EXACT)), _OHLC),
    Rule("D011", _finite & (pl.col("low") > pl.min_horizontal("open", "close") * (1.0 + EXACT)), _OHLC),
    Rule("D012", ~pl.col("volume").is_finite() | (pl.col("volume") < 0), "volume {volume}"),
    Rule("D013", pl.col("time") < pl.col("before"), "the bar before it opens at {before}"),
    Rule("D014", pl.col("time") == pl.col("before"), "the bar before it opens at the same time"),
    Rule("D016", pl.col("symbol").is_null() | (pl.col("symbol") == ""), "the symbol is empty"),
    Rule("D025", pl.col("bid_px_0") >= pl.col("ask_px_0"), "best bid {bid_px_0}, best ask {ask_px_0}", "warning"),
    Rule(
        "D026",
        (pl.col("buy_volume") < 0) | (pl.col("buy_volume") > pl.col("volume") * (1.0 + EXACT)),
        "bought {buy_volume} of {volume}",
        "warning",
    ),
    Rule(
        "D044",
        (pl.col("close_before") > 0) & looks_split(pl.col("close_before"), pl.col("open")),
        "from {close_before} to {open}, as a split would",
        "warning",
    ),
    Rule("D045", WILD_FUNDING, "{funding_rate} of the position in one payment", "warning"),
)

# To the last digit, as layers take them; `runtime.data.bars.without_rounding` gives them so.
# NaN sorts above every number in polars, so a NaN fails one of these as well.
SOUND = (
    (pl.col("low") > 0)
    & (pl.col("low") <= pl.col("open"))
    & (pl.col("low") <= pl.col("close"))
    & (pl.col("open") <= pl.col("high"))
    & (pl.col("close") <= pl.col("high"))
    & (pl.col("high") < float("inf"))
    & (pl.col("volume") >= 0)
    & (pl.col("volume") < float("inf"))
)


class Spacing(NamedTuple):
    """The distance between neighbouring bars. certain: there are enough of them, and they lie on such a grid. origin:
    when the grid's first bar opens after 1970 began; where that is not certain, when such bars usually open."""

    ms: int
    certain: bool
    origin: int


def all_sound(columns: Iterable[str]) -> pl.Expr:
    """True where every bar of a table with these columns is sound. It costs little, and does not tell what is wrong."""
    beside = [~pl.col(name).is_infinite() for name in columns if name in (*OPTIONAL, *BOOK)]
    return pl.all_horizontal(SOUND, *beside).all()


def spacing_of(times: np.ndarray) -> Spacing | None:
    """The smallest distance in time that more than one pair of neighbours has, and one in a hundred at the least.

    Minutes without a trade have no bar, so the distance varies; a few wrong times must not pass for the clock. None
    where there are less than two bars.
    """
    steps = np.diff(times)
    sizes, counts = np.unique(steps[steps > 0], return_counts=True)
    if sizes.size == 0:
        return None
    pairs = int(counts.sum())
    frequent = sizes[(counts > 1) & (counts * 100 >= pairs)]
    ms = int(frequent[0] if frequent.size else sizes[0])
    certain = pairs >= _ENOUGH_PAIRS and int(counts[sizes % ms == 0].sum()) * 100 >= pairs * 99
    origin = _origin_in(times, ms) if certain else None
    return Spacing(ms, certain, usual_origin(ms) if origin is None else origin)


def _origin_in(times: np.ndarray, ms: int) -> int | None:
    """Where in their clock bars open, if ninety-nine in a hundred open there."""
    places, counts = np.unique(times % ms, return_counts=True)
    most = int(counts.argmax())
    return int(places[most]) if int(counts[most]) * 100 >= times.size * 99 else None


def check_schema(schema: pl.Schema, file: str) -> list[Finding]:
    """Columns that are missing or hold something else than numbers."""
    missing = [name for name in REQUIRED if name not in schema]
    findings = []
    if missing:
        held = ", ".join(schema) or "none"
        findings.append(Finding("D004", file, f"{', '.join(missing)}; its columns are {held}"))
    if "time" in schema and not schema["time"].is_integer():
        findings.append(Finding("D024", file, f"column time has type {schema['time']}, not whole numbers"))
    return findings


def wrong_types(schema: pl.Schema) -> list[str]:
    """Number columns whose type is not numeric. A column without a single value has the type Null, which is none."""
    return [n for n in NUMBERS if n in schema and not (schema[n].is_numeric() or schema[n] == pl.Null)]


def is_placeable(time: int) -> bool:
    """True for a time that can be UTC milliseconds of a market."""
    return _EARLIEST_MS <= time <= _LATEST_MS


class BarCheck:
    """Collects the findings of one table that is fed in pieces, in the order of its rows."""

    def __init__(self, schema: pl.Schema, file: str, clock_ms: int | None = None, symbol: str | None = None) -> None:
        self._file = file
        self._columns = [name for name in ("time", *NUMBERS, "symbol") if name in schema]
        self._texts = wrong_types(schema)
        self._clock = clock_ms
        self._clock_given = clock_ms is not None
        self._symbol = symbol
        self._rows = 0
        self._spacing: Spacing | None = None
        self._found: dict[str, Finding] = {f.code: f for f in check_schema(schema, file)}
        self._timed = "time" in schema and schema["time"].is_integer()
        self._tails: pl.DataFrame | None = None
        self._seen: set[str | None] = set()
        self._last_symbol: str | None = None

    def feed(self, frame: pl.DataFrame) -> None:
        if frame.height == 0:
            return
        self._check_text(frame)
        table = self._prepared(frame)
        if self._timed and self._spacing is None:
            self._spacing = spacing_of(table["time"].drop_nulls().to_numpy())
            self._clock = self._clock or (self._spacing.ms if self._spacing else None)
        available = set(table.columns)
        rules = [rule for rule in self._rules() if set(rule.broken.meta.root_names()) <= available]
        counts = table.select(rule.broken.fill_null(False).sum().alias(str(n)) for n, rule in enumerate(rules)).row(0)
        for rule, count in zip(rules, counts, strict=True):
            if count:
                self._count(rule, table, count)
        if "symbol" in available:
            self._check_runs(table)
        self._rows += frame.height

    def findings(self) -> list[Finding]:
        """Everything found so far, by code."""
        if self._rows == 0:
            self._found.setdefault("D003", Finding("D003", self._file, "the table is empty"))
        if (off := self._found.get("D015")) is not None:
            self._found["D015"] = replace(off, hint=self._way_onto_the_clock(off.count))
        return sorted(self._found.values(), key=lambda f: f.code)

    def _way_onto_the_clock(self, off: int) -> str:
        """What to do where the clock is another one, or most bars lie on another grid; else the page says it."""
        assert self._clock is not None
        if self._spacing is not None and self._spacing.certain and self._spacing.ms % self._clock:
            return f"Give the clock that the bars have, {format_clock(self._spacing.ms)}."
        if off * 2 > self._rows:
            clock = format_clock(self._clock)
            return (
                f"They open at several times, as the days of an exchange with summer time do: get {_FINER} to {clock}."
            )
        return ""

    def _rules(self) -> Iterable[Rule]:
        yield from _RULES
        if beside := [name for name in (*OPTIONAL, *BOOK) if name in self._columns and name not in self._texts]:
            shown = ", ".join(f"{name} {{{name}}}" for name in beside if name in OPTIONAL) or "a level of the book"
            yield Rule("D040", pl.any_horizontal(pl.col(name).is_infinite() for name in beside), shown)
        if self._timed:
            strange = ~pl.col("time").is_between(_EARLIEST_MS, _LATEST_MS)
            yield Rule("D024", strange, "{time_ms} is not a time of a market in UTC milliseconds")
        if self._clock is not None:
            own = self._spacing is not None and self._spacing.ms == self._clock
            origin = self._spacing.origin if own and self._spacing else usual_origin(self._clock)
            says = f"bars of {format_opening(Clock(self._clock, origin))} do not open then"
            severity: Literal["error", "warning"] = "error" if self._clock_given else "warning"
            yield Rule("D015", (pl.col("time") - origin) % self._clock != 0, says, severity)
        if self._symbol is not None:
            yield Rule("D016", pl.col("symbol") != self._symbol, f"{{symbol}} where {self._symbol} is expected")

    def _prepared(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The table with row numbers, numbers as floats, and beside each bar the time and the close before it of the
        same symbol."""
        table = frame.select(self._columns).with_row_index("row", offset=self._rows + 1)
        table = table.drop(self._texts)
        numbers = [n for n in table.columns if n in NUMBERS]
        casts = [pl.col(n).cast(pl.Float64, strict=False).fill_null(float("nan")) for n in numbers]
        table = table.with_columns(casts)
        if not self._timed:
            return table.drop("time", strict=False)
        table = table.with_columns(pl.col("time").cast(pl.Int64), pl.col("row").cast(pl.Int64))
        if self._tails is not None:
            table = pl.concat([self._tails, table], how="diagonal")
        beside = {"before": pl.col("time").shift(1)}
        if "close" in table.columns:
            beside["close_before"] = pl.col("close").shift(1)
        if "symbol" in table.columns:
            beside = {name: column.over("symbol") for name, column in beside.items()}
            self._tails = table.group_by("symbol").last()
        else:
            self._tails = table.tail(1)
        return table.with_columns(**beside).filter(pl.col("row") > self._rows)

    def _check_text(self, frame: pl.DataFrame) -> None:
        for name in self._texts:
            column = frame[name]
            bad = column.is_not_null()
            if column.dtype == pl.String:
                bad &= column.cast(pl.Float64, strict=False).is_null()
            key = f"D005 {name}"
            row, detail = None, f"column {name} has type {column.dtype}"
            if bad.any():
                first = bad.arg_max() or 0
                row, detail = self._rows + first + 1, f"{detail}, such as {column[first]!r}"
            known = self._found.get(key)
            if known is None or known.row is None:
                self._found[key] = Finding("D005", self._file, detail, row=row, count=max(int(bad.sum()), 1))
            else:
                self._found[key] = replace(known, count=known.count + int(bad.sum()))

    def _check_runs(self, table: pl.DataFrame) -> None:
        """Each symbol must be one, and its rows lie together: one that begins a second time is interleaved."""
        starts = table.filter(pl.col("symbol").ne_missing(pl.col("symbol").shift(1)) | (pl.int_range(pl.len()) == 0))
        for row, symbol in starts.select("row", "symbol").rows():
            again = symbol in self._seen and not (row == self._rows + 1 and symbol == self._last_symbol)
            if symbol and symbol not in self._seen and (problem := symbol_problem(symbol)):
                self._found.setdefault("D039", Finding("D039", self._file, f"{symbol!r}: {problem}", row=row))
            self._seen.add(symbol)
            if again and "D017" not in self._found:
                self._found["D017"] = Finding("D017", self._file, f"{symbol} begins a second time here", row=row)
        self._last_symbol = table["symbol"][-1]

    def _count(self, rule: Rule, table: pl.DataFrame, count: int) -> None:
        known = self._found.get(rule.code)
        if known is not None and known.row is not None:
            self._found[rule.code] = replace(known, count=known.count + count)
            return
        values = table.filter(rule.broken.fill_null(False)).row(0, named=True)
        time = values.get("time")
        shown = {k: format_time(v) if k in ("time", "before") and v is not None else v for k, v in values.items()}
        detail = rule.says.format(time_ms=time, **shown)
        row, severity = values["row"], rule.severity
        self._found[rule.code] = Finding(rule.code, self._file, detail, row, time, count, severity)


def check_table(table: pl.DataFrame, name: str, clock_ms: int | None = None) -> list[Finding]:
    """Everything that is wrong with a table of bars in memory."""
    check = BarCheck(table.schema, name, clock_ms)
    check.feed(table)
    return check.findings()


def errors_of(findings: Iterable[Finding]) -> list[Finding]:
    return [f for f in findings if f.severity == "error"]
