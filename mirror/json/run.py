"""The bars of a finished backtest as lines, read from its folder a part at a time."""

from __future__ import annotations

import hashlib
import json
import math
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import polars as pl

from stratoquant.graph.clock import format_time
from stratoquant.mirror.json.models import Bar, Decision, Fill, Header, Risk
from stratoquant.mirror.pine.series import run_facts
from stratoquant.runtime.errors import StratoError

PRICES = ("open", "high", "low", "close")
SHOWN_ELSEWHERE = (*PRICES, "regime", "direction", "edge", "confidence", "winner", "target", "stop", "take", "veto")


class Run:
    """A run's folder. Raises StratoError when it is none, or incomplete."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.facts = run_facts(folder)
        if "roles" not in self.facts:
            message = f"{folder}: the run does not say which of its ports play which role"
            raise StratoError(message, "an earlier release made it: run the backtest again", "M020")
        self.roles: Mapping[str, str] = self.facts["roles"]
        self.labels: Mapping[str, list[str]] = self.facts.get("labels", {})

    def header(self, symbol: str | None = None, start: int | None = None, *, only_changes: bool = False) -> Header:
        """The header of a file that covers the bars from `start` on, UTC milliseconds, of one symbol or of all."""
        first = int(self.facts["start_ms"])
        return Header(
            name=self.facts["name"],
            wiring=self.facts["wiring"],
            run=self._identity(),
            symbols=(symbol,) if symbol else tuple(self.facts["symbols"]),
            start=first if start is None else max(first, start),
            lines="changes" if only_changes else "bars",
            clock_ms=self.facts["clock_ms"],
            regimes=tuple(self.labels.get("regime", ())),
            reasons=tuple(self.labels.get("veto", ())),
        )

    def bars(self, symbol: str | None = None, start: int | None = None, end: int | None = None) -> Iterator[Bar]:
        """Lines in order of time, then of symbols. start, end: UTC milliseconds, end excluded.

        Raises StratoError at once for a symbol or a period that the run does not have.
        """
        if symbol is not None and symbol not in self.facts["symbols"]:
            held = ", ".join(self.facts["symbols"])
            raise StratoError(f"{self.folder}: the run has no symbol {symbol}", f"its symbols are {held}", "M022")
        first, last = self.facts["start_ms"], self.facts["end_ms"]
        if max(first, start or first) >= min(last, end if end is not None else last):
            message = f"{self.folder}: no bar lies in that period"
            raise StratoError(message, f"the run reaches from {format_time(first)} to {format_time(last)}", "M041")
        fills, equity = self._fills(), self._equity()
        return (self._bar(row, fills, equity) for row in self._rows(symbol, start, end))

    def _identity(self) -> str:
        """Does not move as a run grows at its end. Venue and cash decide fills, and so every later bar."""
        venue, cash = self.facts.get("venue"), self.facts.get("metrics", {}).get("initial_equity")
        parts = (self.facts["symbols"], self.facts["start_ms"], venue, cash)
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]

    def _rows(self, symbol: str | None, start: int | None, end: int | None) -> Iterator[dict[str, Any]]:
        order = {name: place for place, name in enumerate(self.facts["symbols"])}
        files = sorted((self.folder / "values").glob("*.parquet"))
        if not files:
            raise StratoError(f"{self.folder}: no recorded values", "record ports or give roles, and run again", "M020")
        for file in files:
            try:
                part = pl.read_parquet(file)
            except (OSError, pl.exceptions.PolarsError) as problem:
                raise StratoError(f"{file}: cannot be read: {problem}", "run the backtest again", "M020") from None
            part = part.filter(pl.col("symbol") == symbol) if symbol else part
            part = part.filter(pl.col("time") >= start) if start is not None else part
            part = part.filter(pl.col("time") < end) if end is not None else part
            part = part.with_columns(_place=pl.col("symbol").replace_strict(order, return_dtype=pl.Int64))
            yield from part.sort("time", "_place").drop("_place").iter_rows(named=True)

    def _fills(self) -> dict[tuple[int, str], list[Fill]]:
        found: dict[tuple[int, str], list[Fill]] = defaultdict(list)
        for row in self._table("fills").iter_rows(named=True):
            fill = Fill(side=row["side"], qty=row["qty"], price=row["price"], reason=row["reason"])
            found[row["time"], row["symbol"]].append(fill)
        return found

    def _equity(self) -> dict[int, tuple[float, float]]:
        """Equity and drawdown at the close of each bar."""
        table = self._table("equity").select("time", "equity")
        peak = table["equity"].cum_max()
        falls = ((peak - table["equity"]) / peak).clip(0.0)
        return dict(
            zip(table["time"].to_list(), zip(table["equity"].to_list(), falls.to_list(), strict=True), strict=True)
        )

    def _table(self, name: str) -> pl.DataFrame:
        path = self.folder / f"{name}.parquet"
        try:
            return pl.read_parquet(path)
        except (OSError, pl.exceptions.PolarsError):
            raise StratoError(f"{path}: cannot be read", "run the backtest again", "M020") from None

    def _bar(
        self,
        row: Mapping[str, Any],
        fills: Mapping[tuple[int, str], list[Fill]],
        equity: Mapping[int, tuple[float, float]],
    ) -> Bar:
        def part(role: str) -> float | None:
            return _known(row.get(self.roles.get(role, "")))

        direction, target = part("direction"), part("target")
        money, fall = equity.get(row["time"], (None, None))
        shown = {self.roles[r] for r in SHOWN_ELSEWHERE if r in self.roles}
        return Bar(
            time=row["time"],
            symbol=row["symbol"],
            **{name: part(name) for name in PRICES},
            regime=self._name("regime", part("regime")),
            decision=Decision(
                direction=None if direction is None else int(direction),
                edge=part("edge"),
                confidence=part("confidence"),
                pattern=self._name("winner", part("winner")),
                target=target,
            ),
            risk=Risk(
                stop=part("stop"), take=part("take"), equity=money, drawdown=fall, vetoes=self._vetoes(part("veto"))
            ),
            fills=tuple(fills.get((row["time"], row["symbol"]), ())),
            values={n: _known(v) for n, v in row.items() if "." in n and n not in shown},
        )

    def _name(self, role: str, number: float | None) -> str | None:
        names = self.labels.get(role, ())
        if number is None or not names:
            return None
        return names[int(number)] if int(number) < len(names) else str(int(number))

    def _vetoes(self, mask: float | None) -> tuple[str, ...]:
        names = self.labels.get("veto", ())
        bits = 0 if mask is None else int(mask)
        return tuple(name for k, name in enumerate(names) if bits >> k & 1)


def _known(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else value
