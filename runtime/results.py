"""What a backtest leaves behind: plain frames and facts with fixed columns. Judging and showing them is not done here.

Times are UTC milliseconds and name a bar by its open. Money is in the quote currency, quantity in the base asset.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from stratoquant.graph.forecasts import ForecastPort
from stratoquant.runtime.size_cuts import SizeCut

FILL_SCHEMA: dict[str, pl.DataType] = {
    "time": pl.Int64(),  # the bar in which it filled
    "symbol": pl.String(),
    "side": pl.Int8(),  # +1 buy, -1 sell
    "qty": pl.Float64(),  # > 0
    "price": pl.Float64(),
    "fee": pl.Float64(),  # paid; negative for a rebate
    "slippage": pl.Float64(),  # money lost against the reference price; >= 0 is a cost
    "maker": pl.Boolean(),  # filled passively
    "reason": pl.String(),  # one of graph.account.FILL_REASONS
    "decision_time": pl.Int64(),  # the bar whose step made the order
    "position": pl.Float64(),  # signed, after the fill
}
"""One row a fill, in the order in which they happened."""

EQUITY_SCHEMA: dict[str, pl.DataType] = {
    "time": pl.Int64(),
    "equity": pl.Float64(),  # cash and all positions
    "cash": pl.Float64(),
    "gross": pl.Float64(),  # sum of |position value|
    "net": pl.Float64(),  # sum of position value
    "funding": pl.Float64(),  # paid since the start; negative when received
    "present": pl.Int64(),  # symbols that had a bar
}
"""One row per step of the base clock, warm-up and steps without a bar included: the account at the step's close."""

TRADE_SCHEMA: dict[str, pl.DataType] = {
    "symbol": pl.String(),
    "side": pl.Int8(),  # +1 long, -1 short
    "entry_time": pl.Int64(),
    "exit_time": pl.Int64(),  # null while open
    "entry_price": pl.Float64(),  # mean, by quantity, of the fills that enlarged the position
    "exit_price": pl.Float64(),  # mean, by quantity, of the fills that reduced it; null while open
    "qty": pl.Float64(),  # largest |position|
    "bars": pl.Int64(),  # in which a symbol had one, from the entry's to the exit's, or to the last one
    "pnl": pl.Float64(),  # gross_pnl less fees
    "gross_pnl": pl.Float64(),  # from prices alone; while open, marked at the last price (null without one)
    "fees": pl.Float64(),
    "slippage": pl.Float64(),  # already inside gross_pnl
    "return": pl.Float64(),  # pnl over the notional of the entry fills
    "risk": pl.Float64(),  # money lost between entry price and the stop that stood at the entry decision
    "mae": pl.Float64(),  # worst price reached, as a return on the entry price
    "mfe": pl.Float64(),  # best price reached, likewise
    "regime": pl.Int64(),  # label at the entry decision
    "entry_reason": pl.String(),  # the first fill's reason, until runtime.trades.with_reasons knows better
    "exit_reason": pl.String(),  # the last fill's; null while open
    "decision_time": pl.Int64(),  # the bar that decided the entry
    "open": pl.Boolean(),  # still held at the end
}
"""One row a round trip of one symbol, from flat to flat, ordered by entry. Funding is in no column. Unknown is null."""

VALUE_KEYS: dict[str, pl.DataType] = {"time": pl.Int64(), "symbol": pl.String()}
"""First columns of the recorded values: a row for each symbol at each bar, in order of time. One Float64 column a port,
`NODE.port`, follows. Missing: null or NaN."""

Roles = Mapping[str, str]
"""Which recorded column plays a part that the report knows; each may be absent. Parts: open, high, low, close, regime,
edge, confidence, winner, veto, target, stop, take, charged."""

Labels = Mapping[str, Sequence[str]]
"""Names of the values of a role that counts classes (regime, winner) or bits (veto), by number."""


@dataclass(frozen=True)
class BacktestResult:
    """One finished run."""

    name: str
    symbols: tuple[str, ...]
    clock_ms: int  # length of a base bar
    start_ms: int  # open of the first bar
    end_ms: int  # close of the last
    initial_equity: float
    digest: str  # of every decision: two runs agree if and only if theirs do
    fills: pl.DataFrame
    trades: pl.DataFrame
    equity: pl.DataFrame
    values: pl.LazyFrame  # on disk while the run's folder lasts: read the columns you need
    wiring: Mapping[str, Any]  # nodes and edges as plain data, for drawing
    venue: Mapping[str, Any]  # settings of the simulated venue
    seconds: float  # wall time
    bars: int  # of the base clock, warm-up included
    warm_up: int  # leading bars before orders have all that they read
    limits: Mapping[str, Any] = field(default_factory=dict)  # of the account, as in the settings
    held_back: Mapping[str, int] = field(default_factory=dict)  # orders cut, kept back or called off, by limit
    unmet: Mapping[str, int] = field(default_factory=dict)  # bars on which an order met a market without volume
    notes: Sequence[str] = ()  # what is unusual about the market that was run
    size_cuts: tuple[SizeCut, ...] = ()  # how far each rule cut sizes, the one that did so on most bars first
    ruined: bool = False  # equity was used up, and the run ended with that bar
    identity: str = ""  # graph.identity.wiring_digest of what was run
    decisions: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=VALUE_KEYS))
    # the rows of `values` that decided an entry
    signed: tuple[str, ...] = ()  # recorded ports with a direction: scores and sides
    forecasts: tuple[ForecastPort, ...] = ()  # what ports of the wiring forecast, recorded or not
    stateless: tuple[str, ...] = ()  # probability ports that forecast no close


def role_column(columns: Collection[str], roles: Roles, role: str) -> str | None:
    """The column that plays `role`, or None when nothing does or it was not recorded."""
    column = roles.get(role)
    return column if column in columns else None


def label_name(labels: Labels, role: str, number: int) -> str:
    """The name of class or bit `number` of a role, or the role and the number where it has none."""
    names = labels.get(role, ())
    return names[number] if 0 <= number < len(names) else f"{role} {number}"
