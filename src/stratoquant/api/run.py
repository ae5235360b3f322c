"""A finished run as an object, fresh or from its folder: figures, trades, fills, equity and recorded values."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl

from stratoquant.config.settings import Settings, default_settings, read_settings
from stratoquant.graph.compiler import Checked
from stratoquant.graph.plan import compile_plan
from stratoquant.runtime.backtest import (
    RUN_FILES,
    VALUES,
    RunSettings,
    role_labels,
    role_ports,
    run_backtest,
    write_results,
)
from stratoquant.runtime.capital import with_capital
from stratoquant.runtime.data.check import errors_of
from stratoquant.runtime.data.findings import DataError
from stratoquant.runtime.data.market import Market
from stratoquant.runtime.data.survey import survey_of
from stratoquant.runtime.errors import StratoError
from stratoquant.runtime.folders import write_folder
from stratoquant.runtime.market_fit import check_clocks, check_fit, quotes_of, rules_in_numbers
from stratoquant.runtime.metrics import Metrics, compute_metrics
from stratoquant.runtime.venue import SIMULATED


class Run:
    """A run's results, read from its folder when they are asked for. Times are UTC milliseconds of the bars' open."""

    def __init__(self, folder: Path, kept: TemporaryDirectory[str] | None = None) -> None:
        self.folder = folder
        self._kept = kept  # removed with the run
        self._facts = _facts(folder)

    @property
    def name(self) -> str:
        return str(self._facts["name"])

    @property
    def symbols(self) -> tuple[str, ...]:
        return tuple(self._facts["symbols"])

    @property
    def digest(self) -> str:
        """Of every recorded value and every fill."""
        return str(self._facts["digest"])

    @property
    def notes(self) -> tuple[str, ...]:
        """What is unusual about the market that was run."""
        return tuple(self._facts["notes"])

    @property
    def metrics(self) -> Metrics:
        """Every figure; see stratoquant.runtime.metrics for their formulas."""
        return Metrics.model_validate(self._facts["metrics"])

    @property
    def trades(self) -> pl.DataFrame:
        """A row per round trip; columns as in stratoquant.runtime.results.TRADE_SCHEMA."""
        return pl.read_parquet(self.folder / "trades.parquet")

    @property
    def fills(self) -> pl.DataFrame:
        """A row per fill, in the order in which they happened."""
        return pl.read_parquet(self.folder / "fills.parquet")

    @property
    def equity(self) -> pl.DataFrame:
        """A row per bar: the account at its close."""
        return pl.read_parquet(self.folder / "equity.parquet")

    @property
    def report(self) -> Path:
        """The HTML page."""
        return self.folder / "report.html"

    def values(self, ports: Sequence[str] | None = None) -> pl.DataFrame:
        """Recorded ports: time, symbol and a column per port. Raises StratoError for a port that was not recorded."""
        scan = pl.scan_parquet(self.folder / VALUES / "*.parquet")
        recorded = scan.collect_schema().names()
        wanted = list(ports) if ports is not None else recorded[2:]
        if missing := [port for port in wanted if port not in recorded]:
            hint = f"record it in the wiring: `record: [{missing[0]}]`; recorded are {', '.join(recorded[2:])}"
            raise StratoError(f"{missing[0]} was not recorded", hint)
        return scan.select("time", "symbol", *wanted).collect()

    def __repr__(self) -> str:
        metrics = self.metrics
        result = "-" if metrics.total_return is None else f"{metrics.total_return:+.2%}"
        return f"<Run {self.name}: {', '.join(self.symbols)}; {result}, {metrics.trades} trades>"


def open_run(folder: str | os.PathLike[str]) -> Run:
    """The run in a folder that `backtest` wrote. Raises StratoError where there is none, or one of another version."""
    return Run(Path(folder))


def backtest(
    checked: Checked,
    market: Market,
    cash: float | None = None,
    settings: Settings | str | os.PathLike[str] | None = None,
    out: str | os.PathLike[str] | None = None,
) -> Run:
    """Runs a sound wiring over a market; see Wiring.backtest."""
    chosen = settings if isinstance(settings, Settings) else default_settings()
    if isinstance(settings, str | os.PathLike):
        chosen = read_settings(Path(settings))
    if cash is not None:
        chosen = Settings.model_validate(chosen.model_dump() | {"cash": cash})
    checked = with_capital(checked, chosen.cash)
    assert checked.graph is not None
    quotes = quotes_of(market)
    rules = {symbol: rules_in_numbers(chosen.rules_of(symbol), quote, chosen.cash) for symbol, quote in quotes.items()}
    survey = survey_of(market)
    unfit = check_fit(checked.graph, quotes, rules, chosen.cash, chosen.venue.max_leverage)
    if errors := errors_of((*survey.findings, *check_clocks(checked.graph, market), *unfit)):
        raise DataError(errors)
    plan = compile_plan(checked, SIMULATED, market.symbols)
    given = RunSettings(chosen.venue, chosen.cash, rules, chosen.limits)
    kept = None if out is not None else TemporaryDirectory(prefix="stratoquant_")
    target = Path(out) if out is not None else Path(kept.name if kept else "") / "run"
    with write_folder(target, RUN_FILES) as folder:
        result = run_backtest(plan, market, given, folder, survey=survey)
        roles, labels = role_ports(plan), role_labels(plan)
        write_results(result, compute_metrics(result, roles, labels), roles, labels, folder)
    return Run(target, kept)


def compare(runs: Sequence[Run]) -> pl.DataFrame:
    """The figures of several runs: a row per figure, a column per run, named by its folder."""
    names = [run.folder.name if run.folder.name != "run" else run.name for run in runs]
    columns = {
        f"{name} ({k})" if names.count(name) > 1 else name: run.metrics
        for k, (name, run) in enumerate(zip(names, runs, strict=True), 1)
    }
    plain = [name for name, field in Metrics.model_fields.items() if field.annotation in _NUMBERS]
    table: dict[str, list[Any]] = {"figure": plain}
    for name, metrics in columns.items():
        table[name] = [None if (x := getattr(metrics, figure)) is None else float(x) for figure in plain]
    return pl.DataFrame(table, schema={"figure": pl.String} | dict.fromkeys(columns, pl.Float64))


_NUMBERS = (int, float, float | None, int | None)


def _facts(folder: Path) -> dict[str, Any]:
    try:
        facts = json.loads((folder / "result.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as problem:
        raise StratoError(f"{folder} holds no run", "give the folder that `backtest` wrote") from problem
    if not {"notes", "metrics", "digest", "symbols"} <= facts.keys():
        raise StratoError(f"{folder} holds a run of an older version", "run the backtest again")
    return dict(facts)
