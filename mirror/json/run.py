"""The bars of a finished backtest as lines, read from its folder a part at a time."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import polars as pl

from mirror.json.models import Bar, Decision, Fill, Header, Risk
from mirror.pine.series import run_facts
from runtime.errors import StratoError

PRICES = ("open", "high", "low", "close")
SHOWN_ELSEWHERE = (*PRICES, "regime", "direction", "edge", "confidence", "winner", "target", "stop", "take", "veto")


class Run:
    """A run's folder. Raises StratoError when it is none, or incomplete."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.facts = run_facts(folder)
        self.roles: Mapping[str, str] = self.facts.get("roles", {})
        self.labels: Mapping[str, list[str]] = self.facts.get("labels", {})

    def header(self) -> Header:
        return Header(
            name=self.facts["name"],
            wiring=self.facts["wiring"],
            symbols=tuple(self.facts["symbols"]),
            clock_ms=self.facts["clock_ms"],
            regimes=tuple(self.labels.get("regime", ())),
            reasons=tuple(self.labels.get("veto", ())),
        )

    def bars(
        self,
        symbol: str | None = None,
        start: int | None = None,
        end: int | None = None,
        *,
        only_changes: bool = False,
    ) -> Iterator[Bar]:
        """Lines in order of time, then of symbols. start, end: UTC milliseconds, end excluded.

        only_changes: leaves out a bar whose decision, regime, vetoes and levels are those of the symbol's bar before,
        and that has no fill. Raises StratoError at once for a symbol that the run does not have.
        """
        if symbol is not None and symbol not in self.facts["symbols"]:
            held = ", ".join(self.facts["symbols"])
            raise StratoError(f"{self.folder}: the run has no symbol {symbol}", f"its symbols are {held}", "M022")
        return self._lines(self._rows(symbol, start, end), only_changes=only_changes)

    def _lines(self, rows: Iterator[dict[str, Any]], *, only_changes: bool) -> Iterator[Bar]:
        fills, equity = self._fills(), self._equity()
        before: dict[str, Bar] = {}
        for row in rows:
            bar = self._bar(row, fills, equity)
            if not only_changes or bar.fills or not _says_the_same(bar, before.get(bar.symbol)):
                yield bar
            before[bar.symbol] = bar

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


def _says_the_same(bar: Bar, before: Bar | None) -> bool:
    if before is None:
        return False
    one, other = bar.decision, before.decision
    same = (one.direction, one.pattern, one.target) == (other.direction, other.pattern, other.target)
    levels = (bar.risk.vetoes, bar.risk.stop, bar.risk.take) == (before.risk.vetoes, before.risk.stop, before.risk.take)
    return same and levels and bar.regime == before.regime
