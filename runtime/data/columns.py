"""Which column of a foreign table is which, and what its times mean. Recognises and converts; reads no file."""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection, Mapping, Sequence

import numpy as np
import polars as pl

from stratoquant.runtime.data.bars import BOOK, NUMBERS, REQUIRED
from stratoquant.runtime.data.findings import refuse

# The usual names, written as `_plain` gives them; of several that a table has, the first counts.
_NAMES: dict[str, tuple[str, ...]] = {
    "time": ("time", "open_time", "timestamp", "unix", "datetime", "date", "date_time", "ts", "start", "start_time"),
    "open": ("open", "o", "open_price", "opening_price"),
    "high": ("high", "h", "high_price", "max"),
    "low": ("low", "l", "low_price", "min"),
    "close": ("close", "c", "close_price", "last", "price"),
    "volume": ("volume", "v", "vol", "base_volume", "volume_base", "base_asset_volume"),
    "quote_volume": ("quote_volume", "quote_asset_volume", "volume_quote", "turnover", "quote_vol"),
    "trades": ("trades", "number_of_trades", "trade_count", "tradecount", "num_trades", "n_trades", "count"),
    "buy_volume": ("buy_volume", "taker_buy_volume", "taker_buy_base_asset_volume", "taker_buy_base_volume"),
    "funding_rate": ("funding_rate", "fundingrate"),
    "symbol": ("symbol", "ticker", "pair", "instrument", "market"),
}

# The columns of the kline files that Binance publishes without a header.
KLINE_COLUMNS = (
    "time", "open", "high", "low", "close", "volume",
    "close_time", "quote_volume", "trades", "buy_volume", "buy_quote_volume", "ignore",
)  # fmt: skip

# Each ends as the text does; `%#z` takes an offset or Z, `%.f` a fraction or nothing.
_PATTERNS = (
    "%Y-%m-%dT%H:%M:%S%.f%#z",
    "%Y-%m-%d %H:%M:%S%.f%#z",
    "%Y-%m-%d %H:%M:%S%.f UTC",
    "%Y-%m-%dT%H:%M:%S%.f",
    "%Y-%m-%d %H:%M:%S%.f",
    "%Y-%m-%dT%H:%M",
    "%Y-%m-%d %H:%M",
    "%Y/%m/%d %H:%M:%S",
    "%Y/%m/%d %H:%M",
    "%Y%m%d %H%M%S",
    "%Y%m%d %H:%M:%S",
    "%Y-%m-%d",
    "%Y/%m/%d",
)
_SECONDS_OF_A_MARKET = 10**7  # 26 April 1970
_JOIN = "Write date and time into one column, such as 2024-03-01 12:30, and name it in --map time=COLUMN."
_TIME_OF_DAY = re.compile(r"[0-9]{1,2}:[0-9]{2}(:[0-9.]+)?")
_DATES = (19_000_101, 21_001_231)  # a whole number between them is a date written YYYYMMDD
_UNITS = ((10**11, "seconds", 1_000, 1), (10**14, "milliseconds", 1, 1), (10**17, "microseconds", 1, 1_000))


def recognise(columns: Sequence[str], given: Mapping[str, str]) -> dict[str, str]:
    """The source column of each canonical one; what the user has `given` comes first. Raises DataError."""
    known = (*REQUIRED, *NUMBERS, "symbol")
    if strange := [name for name in given if name not in known]:
        raise refuse("D023", "--map", f"{strange[0]!r} is no column of a bar; there are {', '.join(_NAMES)}")
    if absent := [source for source in given.values() if source not in columns]:
        raise refuse("D023", "--map", f"the source has no column {absent[0]!r}; it has {', '.join(columns)}")
    plain: dict[str, list[str]] = {}
    for column in columns:
        if column not in given.values():
            plain.setdefault(_plain(column), []).append(column)
    mapping = dict(given)
    for name, usual in {**_NAMES, **{level: (level,) for level in BOOK}}.items():
        found = next((plain[u] for u in usual if u in plain), [])
        if name in mapping or not found:
            continue
        if len(found) > 1:
            raise refuse("D023", "import", f"{name} may be {' or '.join(map(repr, found))}")
        mapping[name] = found[0]
    if missing := [name for name in REQUIRED if name not in mapping]:
        raise refuse(
            "D023",
            "import",
            f"no column was recognised as {', '.join(missing)}; the source has {', '.join(columns)}",
            f"Name it, such as --map {_quoted(missing[0], columns, mapping.values())}.",
        )
    return mapping


def _quoted(name: str, columns: Sequence[str], taken: Collection[str]) -> str:
    """A mapping of a canonical name as a shell takes it, to the free column that resembles it most."""
    free = [column for column in columns if column not in taken]
    like = [column for column in free if name in _plain(column)]
    return shlex.quote(f"{name}={(like or free or ['COLUMN'])[0]}")


def _plain(column: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", column.strip().lower()).strip("_")


def to_milliseconds(column: pl.Series, pattern: str | None = None) -> tuple[pl.Series, str]:
    """UTC milliseconds, and in words how the column was understood. Text without an offset is UTC. Raises DataError."""
    kind: pl.DataType = column.dtype
    if isinstance(kind, pl.Date | pl.Datetime):
        return column.dt.epoch("ms"), str(kind)
    if kind == pl.String and pattern is None and (number := _number_in(column)) is not None:
        return _from_number(number)
    if kind == pl.String:
        return _from_text(column, pattern)
    if kind.is_integer():
        return _from_number(column.cast(pl.Int64, strict=False))
    if kind.is_numeric():
        return _from_number(column.cast(pl.Float64))
    hint = "Name the column of the times, such as --map time=COLUMN."
    raise refuse("D024", "import", f"column {column.name!r} has type {kind}, which is no time", hint)


def _number_in(text: pl.Series) -> pl.Series | None:
    """The numbers of a column of text: whole ones, else floats; None where most texts are none. Raises DataError."""
    plain = text.str.strip_chars()
    for kind in (pl.Int64, pl.Float64):
        found = plain.cast(kind, strict=False)
        if found.null_count() == text.null_count():
            _refuse_shortened(plain)
            return found
    wrong = found.is_null() & text.is_not_null()
    if wrong.sum() * 2 > text.len() - text.null_count():
        return None
    row = wrong.arg_max() or 0
    detail = f"column {text.name!r}, row {row + 1}: {text[row]!r} is no number, as the other times are"
    raise refuse("D024", "import", detail, "Correct or remove the row.")


def _refuse_shortened(text: pl.Series) -> None:
    """Raises DataError for times that a spreadsheet has rounded; written so, none is exact to an hour."""
    if text.len() > 1 and text.drop_nulls().str.contains(r"^[0-9]([.,][0-9]{1,5})?[eE]\+?[0-9]+$").all():
        detail = f"column {text.name!r} has lost its last digits, such as in {text.drop_nulls()[0]}"
        raise refuse("D024", "import", detail, "Export the file again with the times in full.")


def _from_number(column: pl.Series) -> tuple[pl.Series, str]:
    """Whole numbers are converted exactly. A float is rounded to the nearest millisecond, as its last digits are not
    those of the time."""
    known = column.filter(column.is_finite()) if column.dtype.is_float() else column.drop_nulls()
    if known.is_empty():
        raise refuse("D024", "import", f"column {column.name!r} has no value")
    middle = float(np.median(known.abs().to_numpy()))
    if _DATES[0] <= middle <= _DATES[1]:
        return _from_text(column.cast(pl.Int64, strict=False).cast(pl.String), "%Y%m%d")
    if middle < _SECONDS_OF_A_MARKET:
        detail = f"column {column.name!r} has {known[0]}, which is no time of a market in any unit"
        raise refuse("D024", "import", detail, _JOIN)
    name, times, per = next((u[1:] for u in _UNITS if middle < u[0]), ("nanoseconds", 1, 1_000_000))
    if column.dtype.is_float():
        return (column * times / per).round().cast(pl.Int64, strict=False), name
    return column * times // per, name


def _from_text(column: pl.Series, pattern: str | None) -> tuple[pl.Series, str]:
    closest: tuple[int, pl.Series] | None = None
    for candidate in (pattern,) if pattern else _PATTERNS:
        moments = column.str.strip_chars().str.to_datetime(candidate, time_unit="ms", time_zone="UTC", strict=False)
        failed = moments.is_null() & column.is_not_null()
        if not failed.any():
            return moments.dt.epoch("ms"), candidate
        if closest is None or failed.sum() < closest[0]:
            closest = (int(failed.sum()), failed)
    row = (closest[1].arg_max() or 0) if closest else 0
    told = f"does not follow {pattern}" if pattern else "is no time in a form that is known"
    hint = "Correct the row, or the pattern of --time-format." if pattern else _hint_on_text(str(column[row]))
    raise refuse("D024", "import", f"column {column.name!r}, row {row + 1}: {column[row]!r} {told}", hint)


def _hint_on_text(text: str) -> str:
    """What to do about a text that is no time in a known form."""
    if _TIME_OF_DAY.fullmatch(text.strip()):
        return _JOIN
    if not any(ch.isdigit() for ch in text):
        return "Correct or remove the row, or name the column of the times, such as --map time=COLUMN."
    return "Say how it is written, such as --time-format '%d.%m.%Y %H:%M', or correct the row."


def numbers(table: pl.DataFrame) -> pl.DataFrame:
    """The table with text columns of numbers as numbers; text that is none is left to be reported by the check."""
    casts = []
    for name in (n for n in NUMBERS if n in table.columns and table.schema[n] == pl.String):
        text = table[name].str.strip_chars()
        text = text.set(text == "", None)
        values = text.cast(pl.Float64, strict=False)
        if values.null_count() == text.null_count():
            casts.append(values.alias(name))
    return table.with_columns(casts)
