"""The backtest: a market streamed through a session in blocks, and what it leaves behind, written as it comes.

Memory does not grow with history: recorded values and balances go to Parquet parts in the run's folder, and only what
a report shows is read back.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from stratoquant.graph.account import BALANCES, FILL_REASONS
from stratoquant.graph.border import Limits
from stratoquant.graph.compiler import Checked
from stratoquant.graph.drawing import draw
from stratoquant.graph.forecasts import forecast_ports, undeclared_chances
from stratoquant.graph.identity import wiring_digest
from stratoquant.graph.language import Parameters
from stratoquant.graph.passes.p6_warmup import measure_warmup
from stratoquant.graph.plan import Plan
from stratoquant.graph.session import Recorded, Session
from stratoquant.runtime.data.check import errors_of
from stratoquant.runtime.data.findings import DataError
from stratoquant.runtime.data.market import Market
from stratoquant.runtime.data.survey import Survey, survey_of
from stratoquant.runtime.files import write_atomically, write_text
from stratoquant.runtime.in_sample import check_models
from stratoquant.runtime.market_fit import check_clocks
from stratoquant.runtime.metrics import Metrics
from stratoquant.runtime.report import write_report
from stratoquant.runtime.results import FILL_SCHEMA, BacktestResult, Labels, Roles
from stratoquant.runtime.size_cuts import SizeCutCounter, watched_ports, watched_values
from stratoquant.runtime.trades import trades_from_fills, with_excursions, with_reasons

BLOCK = 8192
EQUITY_PARTS = "equity.parts"
VALUES = "values"
RUN_FILES = ("trades.parquet", "fills.parquet", "equity.parquet", "result.json", "report.html", VALUES)
"""What the folder of a run holds."""
_PART_ROWS = 1 << 15


@dataclass(frozen=True)
class RunSettings:
    """What a run needs besides plan and market. cash: quote currency. rules: fields of the account, by symbol. limits:
    of the account, enforced by the plan's border."""

    venue: Parameters
    cash: float = 100_000.0
    rules: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)


def run_backtest(
    plan: Plan,
    market: Market,
    settings: RunSettings,
    folder: Path,
    on_progress: Callable[[int], None] = lambda _: None,
    survey: Survey | None = None,
) -> BacktestResult:
    """Runs `plan` over the whole of `market`; parts of the recorded values and of the balances go to `folder`.

    The folder must exist; `on_progress` is told the number of bars done; `survey` is that of the market, if it was made
    before. Raises DataError for unsound bars and a market with a hole that makes up most of it, and WiringError when an
    output of a layer of the user's own leaves its port's range.
    """
    ports = recorded_ports(plan)
    watched = [port for port in watched_ports(plan) if port not in ports]
    survey = survey or survey_of(market)
    if errors := errors_of((*survey.findings, *check_clocks(plan.graph, market))):
        raise DataError(errors)
    rules = (settings.rules.get(s, settings.rules.get("default", {})) for s in plan.symbols)
    session = Session(
        plan,
        settings.venue,
        cash=settings.cash,
        rules=[{**own, **known.facts()} for own, known in zip(rules, survey.symbols, strict=True)],
        limits=settings.limits,
        record=[*ports, *watched],
    )
    session.prepare()
    started = time.perf_counter()
    keep, cuts = _Keeper(plan, ports, folder), SizeCutCounter(plan)
    done = 0
    for block in market.blocks(BLOCK):
        recorded = session.run(block.times, block.events, keep.fills)
        session.raise_violation()
        used = len(recorded.balances)
        present = np.isfinite(block.events["close"][:used])
        keep.block(block.times[:used], recorded, present.sum(axis=1))
        cuts.add(watched_values(session, recorded), present)
        done += used
        on_progress(done)
        if session.ruined:
            break
    keep.close()
    return _result(plan, market, settings, session, keep, cuts, survey, time.perf_counter() - started)


def write_results(result: BacktestResult, metrics: Metrics, roles: Roles, labels: Labels, folder: Path) -> None:
    """Adds to the run's folder: trades.parquet, fills.parquet, equity.parquet, result.json and report.html."""
    for name, frame in (("trades", result.trades), ("fills", result.fills), ("equity", result.equity)):
        with write_atomically(folder / f"{name}.parquet") as part:
            frame.write_parquet(part)
    shutil.rmtree(folder / EQUITY_PARTS, ignore_errors=True)
    facts = {
        "name": result.name,
        "symbols": result.symbols,
        "clock_ms": result.clock_ms,
        "start_ms": result.start_ms,
        "end_ms": result.end_ms,
        "cash": result.initial_equity,
        "digest": result.digest,
        "wiring": result.identity,
        "roles": dict(roles),
        "labels": {role: list(names) for role, names in labels.items()},
        "venue": result.venue,
        "limits": result.limits,
        "held_back": result.held_back,
        "size_cuts": [asdict(cut) for cut in result.size_cuts],
        "unmet": result.unmet,
        "notes": list(result.notes),
        "ruined": result.ruined,
        "metrics": metrics.model_dump(mode="json"),
    }
    write_text(folder / "result.json", json.dumps(facts, indent=1) + "\n")
    write_report(result, roles, labels, folder / "report.html", metrics)


def recorded_ports(plan: Plan) -> list[str]:
    """The ports that a run keeps for every bar: those in `record` and those with a role, each once."""
    graph = plan.graph
    wanted = [*graph.record, *graph.roles.values()]
    return list(dict.fromkeys(f"{ref.node}.{ref.port}" for ref in wanted))


def role_ports(plan: Plan) -> dict[str, str]:
    return {role: f"{ref.node}.{ref.port}" for role, ref in plan.graph.roles.items()}


def role_labels(plan: Plan) -> Labels:
    """Names of classes and bits, from the layers' own declarations."""
    labels = {}
    for role, ref in plan.graph.roles.items():
        names = plan.graph.nodes[ref.node].layer.labels.get(ref.port)
        if names:
            labels[role] = names
    return labels


class _Keeper:
    """Takes what a session gives, block by block, and keeps it in the run's folder."""

    def __init__(self, plan: Plan, ports: Sequence[str], folder: Path) -> None:
        self._plan = plan
        self._widths = [sum(plan.column(p).size for p in ports if plan.column(p).shared == s) for s in (False, True)]
        self._names = [_names(plan, [p for p in ports if plan.column(p).shared == shared]) for shared in (False, True)]
        self._values = _Parts(folder / VALUES)
        self._balances = _Parts(folder / EQUITY_PARTS)
        self._fills: list[np.ndarray] = []
        self._symbols = np.array(plan.symbols)
        self._hashes = [hashlib.blake2b(digest_size=16) for _ in range(2)]

    def fills(self, log: np.ndarray) -> None:
        self._fills.append(log.copy())

    def block(self, times: np.ndarray, recorded: Recorded, present: np.ndarray) -> None:
        """present: by step, the number of symbols that had a bar. Ports recorded after those to keep are left out."""
        bars, symbols, _ = recorded.symbols.shape
        own, shared = recorded.symbols[:, :, : self._widths[0]], recorded.shared[:, : self._widths[1]]
        for hashed, values in zip(self._hashes, (own, shared), strict=True):
            hashed.update(np.ascontiguousarray(values))
        columns: dict[str, Any] = {
            "time": np.repeat(times, symbols),
            "symbol": np.tile(self._symbols, bars),
        }
        each = own.reshape(bars * symbols, -1)
        columns |= {name: each[:, k].copy() for k, name in enumerate(self._names[0])}
        columns |= {name: np.repeat(shared[:, k], symbols) for k, name in enumerate(self._names[1])}
        if len(columns) > 2:
            self._values.add(pl.DataFrame(columns))
        balances = {name: recorded.balances[:, k].copy() for k, name in enumerate(BALANCES)}
        self._balances.add(pl.DataFrame({"time": times.copy(), **balances, "present": present}))

    def close(self) -> None:
        self._values.close()
        self._balances.close()

    def digest(self) -> str:
        """Of every recorded value and every fill, the same however the run was cut into blocks."""
        for log in self._fills:
            self._hashes[0].update(log.tobytes())
        return hashlib.blake2b(b"".join(h.digest() for h in self._hashes), digest_size=16).hexdigest()

    def values(self) -> pl.LazyFrame:
        return self._values.scan()

    def value_parts(self, columns: Sequence[str] | None = None) -> Iterator[pl.DataFrame]:
        """The recorded values part by part; of the given columns alone, where they are given."""
        return self._values.read(columns)

    def equity(self) -> pl.LazyFrame:
        return self._balances.scan()

    def fill_frame(self) -> pl.DataFrame:
        log = np.concatenate(self._fills) if self._fills else np.zeros(0, self._plan.venue.fill)
        reasons = np.array(FILL_REASONS)
        columns = {name: log[name] for name in FILL_SCHEMA if name in (log.dtype.names or ())}
        columns |= {"symbol": self._symbols[log["symbol"]], "reason": reasons[log["reason"]]}
        return pl.DataFrame({name: pl.Series(columns[name]).cast(kind) for name, kind in FILL_SCHEMA.items()})


class _Parts:
    """A growing table as numbered Parquet files in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._waiting: list[pl.DataFrame] = []
        self._rows = 0
        self._count = 0

    def add(self, frame: pl.DataFrame) -> None:
        self._waiting.append(frame)
        self._rows += len(frame)
        if self._rows >= _PART_ROWS:
            self._write()

    def close(self) -> None:
        if self._waiting:
            self._write()

    def scan(self) -> pl.LazyFrame:
        if not self._count:
            return pl.LazyFrame(schema={"time": pl.Int64(), "symbol": pl.String()})
        return pl.scan_parquet(self._folder / "*.parquet")

    def read(self, columns: Sequence[str] | None = None) -> Iterator[pl.DataFrame]:
        """The rows, a part at a time."""
        wanted = None if columns is None else ["time", "symbol", *columns]
        return (pl.read_parquet(file, columns=wanted) for file in sorted(self._folder.glob("*.parquet")))

    def _write(self) -> None:
        self._folder.mkdir(exist_ok=True)
        pl.concat(self._waiting).write_parquet(self._folder / f"{self._count:05d}.parquet")
        self._waiting, self._rows, self._count = [], 0, self._count + 1


def _names(plan: Plan, ports: Sequence[str]) -> list[str]:
    """Column names of recorded ports: NODE.port, and NODE.port[k] for an element of a vector."""
    names = []
    for port in ports:
        size = plan.column(port).size
        names += [port] if size == 1 else [f"{port}[{k}]" for k in range(size)]
    return names


def _result(
    plan: Plan,
    market: Market,
    settings: RunSettings,
    session: Session,
    keep: _Keeper,
    cuts: SizeCutCounter,
    survey: Survey,
    seconds: float,
) -> BacktestResult:
    roles, labels = role_ports(plan), role_labels(plan)
    extremes = (roles.get("high"), roles.get("low"))
    fills, equity, values = keep.fill_frame(), keep.equity().collect(engine="streaming"), keep.values()
    times = equity.filter(pl.col("present") > 0)["time"].to_numpy()
    trades = trades_from_fills(fills, times, _marks(plan, session))
    decisions = _at_decisions(keep.value_parts(), trades)
    trades = with_reasons(trades, decisions, roles, labels)
    return BacktestResult(
        name=plan.graph.name,
        symbols=plan.symbols,
        clock_ms=plan.graph.clock_ms,
        start_ms=market.start,
        end_ms=int(equity["time"][-1]) + plan.graph.clock_ms if session.ruined else market.end,
        initial_equity=settings.cash,
        digest=keep.digest(),
        identity=wiring_digest(plan.graph),
        fills=fills,
        trades=with_excursions(trades, keep.value_parts([c for c in extremes if c is not None]), roles),
        equity=equity,
        values=values,
        wiring=draw(Checked((), plan.graph, plan.warmup, plan.schedule)),
        venue=settings.venue.model_dump(),
        limits=settings.limits.in_words(),
        held_back=session.held_back(),
        size_cuts=tuple(cuts.figures()),
        unmet=_unmet(plan, session),
        notes=tuple(f"{f.code} {f.message}" for f in (*survey.findings, *check_models(plan.graph, market))),
        ruined=session.ruined,
        seconds=seconds,
        bars=equity.height,
        warm_up=measure_warmup(plan.graph, market.start).orders,
        decisions=decisions,
        signed=_signed_ports(plan),
        forecasts=forecast_ports(plan.graph),
        stateless=undeclared_chances(plan.graph),
    )


def _signed_ports(plan: Plan) -> tuple[str, ...]:
    """Recorded ports that say long or short by their sign."""
    kinds = {p: plan.graph.nodes[p.split(".")[0]].layer.outputs[p.split(".")[1]] for p in recorded_ports(plan)}
    return tuple(port for port, kind in kinds.items() if kind.edge.name in ("score", "side") and kind.size is None)


def _unmet(plan: Plan, session: Session) -> dict[str, int]:
    """By symbol, the bars on which an order or an exit met a market without volume."""
    counts = zip(plan.symbols, session.accounts["unmet"], strict=True)
    return {symbol: int(count) for symbol, count in counts if count}


def _marks(plan: Plan, session: Session) -> dict[str, float]:
    """The last price of each symbol that is still held."""
    accounts = session.accounts
    held = {s: accounts[i] for i, s in enumerate(plan.symbols) if accounts[i]["position"] != 0.0}
    return {s: float(a["exposure"] / a["position"]) for s, a in held.items()}


def _at_decisions(parts: Iterator[pl.DataFrame], trades: pl.DataFrame) -> pl.DataFrame:
    """The recorded values of the bars that decided an entry, looked for in one part at a time."""
    decided = trades.select("symbol", pl.col("decision_time").alias("time")).unique()
    found = [part.join(decided, on=("symbol", "time"), how="semi") for part in parts]
    return pl.concat(found) if found else decided.clear()
