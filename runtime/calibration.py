"""Whether forecasts came true: probabilities against what happened, expectancies against returns, and the cost that the
gate charged against the cost that was paid. Computes figures; shows nothing.

What a forecast says is judged where its horizon has passed, over bars that exist. Forecasts of neighbouring bars share
most of their outcome, so `independent` counts how many do not overlap.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
import numpy.typing as npt
import polars as pl

from stratoquant.graph.forecasts import ForecastPort
from stratoquant.runtime.results import Roles, role_column
from stratoquant.runtime.trade_figures import Figures

BINS = 10
QUANTILES = 5
BPS = 1e4

Floats = npt.NDArray[np.float64]


class Group(Figures):
    """Forecasts of about the same size. forecast, realised: their means."""

    forecast: float
    realised: float
    count: int


class ChanceFigures(Figures):
    """A probability, and every port that passes it on. base_rate: how often the event happened. base_brier: Brier score
    of a forecast that always says so. bins: of equal width, without the empty ones.
    """

    ports: list[str]
    side: str | None
    horizon: int
    count: int
    independent: int
    base_rate: float
    brier: float
    base_brier: float
    bins: list[Group]

    @property
    def beats_base_rate(self) -> bool:
        return self.brier < self.base_brier


class ExpectancyFigures(Figures):
    """A port that forecasts the mean return on a side, bps. quintiles: from the lowest forecasts to the highest."""

    port: str
    side: str | None
    cost: str | None
    horizon: int
    count: int
    independent: int
    quintiles: list[Group]


class CostFigures(Figures):
    """Of closed round trips, bps of the entry notional. charged: what the gate reckoned with at the entry's decision.
    paid: fees and slippage of all fills, without funding. ratio: median of charged over paid; low, high: its quartiles.
    """

    trades: int
    charged: float
    paid: float
    ratio: float
    low: float
    high: float


class Calibration(Figures):
    """lacking: by forecast that could not be judged, the ports that the run did not record. idle: forecasts that were
    recorded and never had a value with a known outcome. stateless: probability ports that forecast no close."""

    chances: list[ChanceFigures]
    expectancies: list[ExpectancyFigures]
    cost: CostFigures | None
    lacking: dict[str, list[str]]
    idle: list[str]
    stateless: list[str]


def calibrate(
    values: pl.LazyFrame,
    trades: pl.DataFrame,
    decisions: pl.DataFrame,
    roles: Roles,
    forecasts: Sequence[ForecastPort],
    stateless: Sequence[str] = (),
) -> Calibration:
    """Figures of a run. values: what it recorded; decisions: the rows of it that decided an entry."""
    recorded = set(values.collect_schema().names())
    close = role_column(recorded, roles, "close")
    lacking = {f.port: missing for f in forecasts if (missing := _missing(f, recorded, close))}
    chances: list[ChanceFigures] = []
    expectancies: list[ExpectancyFigures] = []
    idle: list[str] = []
    for forecast in forecasts:
        if forecast.port in lacking or close is None:
            continue
        said, moved, cost, lanes = _judged(values, forecast, close)
        if not len(said):
            idle.append(forecast.port)
        elif forecast.kind == "chance":
            _merge(chances, _chance(forecast, said, moved > 0.0, lanes))
        else:
            expectancies.append(_expectancy(forecast, said, moved * BPS - 2.0 * cost, lanes))
    return Calibration(
        chances=chances,
        expectancies=expectancies,
        cost=_cost(trades, decisions, role_column(decisions.columns, roles, "charged")),
        lacking=lacking,
        idle=idle,
        stateless=list(stateless),
    )


def _merge(chances: list[ChanceFigures], one: ChanceFigures) -> None:
    """Adds a probability, or its port to the same one that was found before."""
    for k, known in enumerate(chances):
        if known.model_copy(update={"ports": one.ports}) == one:
            chances[k] = known.model_copy(update={"ports": [*known.ports, *one.ports]})
            return
    chances.append(one)


def _missing(forecast: ForecastPort, recorded: Collection[str], close: str | None) -> list[str]:
    """What a run would have to record besides; the role `close` under its own name."""
    lacking = [port for port in forecast.needs if port not in recorded]
    return lacking if close is not None else [*lacking, "the role close"]


def _judged(values: pl.LazyFrame, forecast: ForecastPort, close: str) -> tuple[Floats, Floats, Floats, int]:
    """Forecasts whose horizon has passed, the log return on their side until then, the bps of a fill, and the number of
    symbols that have some."""
    side = pl.lit(1.0) if forecast.side is None else pl.col(forecast.side).sign()
    cost = pl.lit(0.0) if forecast.cost is None else pl.col(forecast.cost)
    rows = (
        values.filter(pl.col(close).is_finite())
        .select(
            "symbol",
            said=pl.col(forecast.port),
            moved=side * (pl.col(close).shift(-forecast.horizon).over("symbol") / pl.col(close)).log(),
            side=side,
            cost=cost,
        )
        .filter(pl.all_horizontal(pl.col("said", "moved", "cost").is_finite()) & (pl.col("side") != 0.0))
        .collect()
    )
    said, moved, price = (rows[name].to_numpy() for name in ("said", "moved", "cost"))
    return said, moved, price, rows["symbol"].n_unique()


def _independent(count: int, horizon: int, lanes: int) -> int:
    """How many of them do not overlap: one per horizon and symbol."""
    return max(count // horizon, min(lanes, count))


def _chance(forecast: ForecastPort, said: Floats, happened: npt.NDArray[np.bool_], lanes: int) -> ChanceFigures:
    base = float(happened.mean())
    place = np.minimum((said * BINS).astype(np.int64), BINS - 1)
    return ChanceFigures(
        ports=[forecast.port],
        side=forecast.side,
        horizon=forecast.horizon,
        count=len(said),
        independent=_independent(len(said), forecast.horizon, lanes),
        base_rate=base,
        brier=float(np.mean((said - happened) ** 2)),
        base_brier=base * (1.0 - base),
        bins=_groups(said, happened.astype(np.float64), place, BINS),
    )


def _expectancy(forecast: ForecastPort, said: Floats, realised: Floats, lanes: int) -> ExpectancyFigures:
    """Quintiles by rank, so that each has as many; forecasts of the same size may fall into two of them."""
    place = np.empty(len(said), np.int64)
    place[np.argsort(said, kind="stable")] = np.arange(len(said)) * QUANTILES // len(said)
    return ExpectancyFigures(
        port=forecast.port,
        side=forecast.side,
        cost=forecast.cost,
        horizon=forecast.horizon,
        count=len(said),
        independent=_independent(len(said), forecast.horizon, lanes),
        quintiles=_groups(said, realised, place, QUANTILES),
    )


def _groups(said: Floats, realised: Floats, place: npt.NDArray[np.int64], count: int) -> list[Group]:
    sizes = np.bincount(place, minlength=count)
    sums = [np.bincount(place, weights=weights, minlength=count) for weights in (said, realised)]
    return [
        Group(forecast=float(sums[0][k] / sizes[k]), realised=float(sums[1][k] / sizes[k]), count=int(sizes[k]))
        for k in np.flatnonzero(sizes)
    ]


def _cost(trades: pl.DataFrame, decisions: pl.DataFrame, charged: str | None) -> CostFigures | None:
    """None without the role `charged`, or without a closed round trip that it charged and that cost something."""
    if charged is None:
        return None
    at_entry = decisions.select("symbol", pl.col("time").alias("decision_time"), charged=pl.col(charged).fill_nan(None))
    paid = (pl.col("fees") + pl.col("slippage")) / (pl.col("qty") * pl.col("entry_price")) * BPS
    pairs = (
        trades.filter(~pl.col("open"))
        .join(at_entry, on=("symbol", "decision_time"), how="left")
        .select("charged", paid=paid)
        .drop_nulls()
        .filter((pl.col("paid") > 0.0) & (pl.col("charged") > 0.0))
    )
    if pairs.is_empty():
        return None
    one, other = pairs["charged"].to_numpy(), pairs["paid"].to_numpy()
    low, ratio, high = np.quantile(one / other, (0.25, 0.5, 0.75)).tolist()
    medians = (float(np.median(x)) for x in (one, other))
    return CostFigures(trades=pairs.height, charged=next(medians), paid=next(medians), ratio=ratio, low=low, high=high)
