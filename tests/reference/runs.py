"""What is run for reference, and what of a run is kept."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from stratoquant.graph.compiler import checked_or_raise
from stratoquant.graph.plan import Plan, compile_plan
from stratoquant.graph.session import Session
from stratoquant.layers import catalogue
from stratoquant.runtime.data.synthetic import synthetic_market
from stratoquant.runtime.venue import SIMULATED, VenueSettings

SPECS = Path(__file__).parents[2] / "specs"
SYMBOLS = ("BTCUSDT", "ETHUSDT", "XRPUSDT")
CASH = 100_000.0
RULES = {"tick": 1e-4, "lot": 1e-4, "min_notional": 5.0}

Statistics = dict[str, dict[str, float]]


@dataclass(frozen=True)
class ReferenceRun:
    """A wiring over bars of the built-in market, with every port recorded."""

    wiring: str
    bars: int
    seed: int
    book: bool = False


RUNS = {
    "sma_cross": ReferenceRun("sma_cross", 6_000, 21),
    "trend_two_clocks": ReferenceRun("trend_two_clocks", 10_000, 22),
    "master": ReferenceRun("../tests/specs/forced_master", 6_000, 23),
    "master_with_book": ReferenceRun("../tests/specs/forced_master", 4_000, 24, book=True),
}


@dataclass(frozen=True)
class Outcome:
    """statistics: by `account`, `fills` and each port. digest: of every recorded value, balance and fill."""

    statistics: Statistics
    digest: str


def outcome_of(run: ReferenceRun) -> Outcome:
    """Runs it. Every value of every port counts, those of no consequence to the account too."""
    plan = compile_plan(checked_or_raise(SPECS / f"{run.wiring}.yaml", catalogue()), SIMULATED, SYMBOLS)
    names = tuple(plan.layout.columns)
    session = Session(plan, VenueSettings(), cash=CASH, rules=[RULES] * len(SYMBOLS), record=names)
    each, shared, balances, fills = [], [], [], [np.zeros(0, plan.venue.fill)]
    for block in synthetic_market(SYMBOLS, run.bars, run.seed, book=run.book).blocks(2_048):
        recorded = session.run(block.times, block.events, lambda log: fills.append(log.copy()))
        each.append(recorded.symbols.copy())
        shared.append(recorded.shared.copy())
        balances.append(recorded.balances.copy())
    values = [np.concatenate(parts) for parts in (each, shared, balances)]
    filled = np.concatenate(fills)
    statistics = {"account": _account(session), "fills": _fills(filled)}
    statistics |= {name: _port(found) for name, found in _ports(plan, names, values[0], values[1])}
    digest = hashlib.blake2b(digest_size=16)
    for part in (*values, filled):
        digest.update(np.ascontiguousarray(part).tobytes())
    return Outcome(statistics, digest.hexdigest())


def _account(session: Session) -> dict[str, float]:
    wallet = {name: float(session.wallet[name][0]) for name in ("cash", "equity")}
    totals = {name: float(np.abs(session.accounts[name]).sum()) for name in ("position", "fees")}
    return wallet | totals


def _fills(fills: np.ndarray) -> dict[str, float]:
    return {
        "count": len(fills),
        "bought": int((fills["side"] > 0).sum()),
        "turnover": float((fills["qty"] * fills["price"]).sum()),
        "fees": float(fills["fee"].sum()),
    }


def _port(values: np.ndarray) -> dict[str, float]:
    """known: how many values there are. size: mean of |x|. mean: compared relative to `size`."""
    known = values[~np.isnan(values)]
    if not known.size:
        return {"known": 0}
    return {"known": int(known.size), "size": float(np.abs(known).mean()), "mean": float(known.mean())}


def _ports(
    plan: Plan, names: tuple[str, ...], each: np.ndarray, shared: np.ndarray
) -> Iterator[tuple[str, np.ndarray]]:
    """Each port with all of its values, in the order in which they were recorded."""
    starts = {False: 0, True: 0}
    for name in names:
        column = plan.column(name)
        start = starts[column.shared]
        starts[column.shared] += column.size
        values = shared if column.shared else each
        yield name, values[..., start : start + column.size]
