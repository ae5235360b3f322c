"""The built-in synthetic market: bars of a documented model, the same for the same seed. Measures no real market.

One common factor drives all symbols. Time t counts bars, dt is a bar in days, sigma = daily_vol * sqrt(dt).

Regime. S is a Markov chain over calm, range, up, down, high-vol and chaotic, with exponential times of stay. Each
regime has a multiple of volatility m, a drift mu, a persistence phi, a pull kappa to an anchor (the level at which the
regime began) and a rate of jumps lambda (`REGIMES`).

Volatility of the factor. v(t) = sigma * m(S) * d(t) * sqrt(g), with the season of the day
    log d = a1 cos(2 pi (h - h0) / 24) + a2 cos(4 pi (h - h0) / 24),    h = hour of the day in UTC,
and an asymmetric GARCH(1,1) of mean 1, z being the bar's innovation:
    g' = 1 - alpha - gamma / 2 - beta + g (alpha z^2 + gamma z^2 [z < 0] + beta).

Return of the factor, from level f and return r of the bar before:
    r' = mu dt + phi r - kappa (f - anchor) dt - pull f dt + v z + J + R,    z ~ Student t(nu) of variance 1.
Trends persist (mu, phi > 0) and ranges revert (kappa > 0, phi < 0), so there is something for a signal to find.
Jumps J excite one another: the chance of one is lambda dt + e, e' = decay (e + offspring [jump]); sizes are
exponential and mostly negative. A part of each jump goes into a pool that is paid back over the next hours, R: a crash
recovers in part. One crash lasts some bars, whatever their length.

Symbol i. log price = log p0 + beta_i f + own_i. own_i reverts to 0, has its own GARCH and jumps, and a term of drift
imbalance_edge * I * sigma_i m d, where sigma_i^2 = (beta_i sigma)^2 + own_vol_i^2 dt and I, an AR(1), is the imbalance
of the book at the last close: the book predicts the next return, weakly.
A bar's path has `SUBSTEPS` steps; each print lies half a spread above or below it, rounded to the tick. Open, high, low
and close are the first, highest, lowest and last print.

Volume. log V = log V0 + 1.3 log d + a + noise + 0.8 log(0.25 + activity), a being an AR(1) and
activity = (|r| + log(high / low) / 2) / sigma_i. The takers' share of buying rises with r. Funding is due every eight
hours and follows the price's distance from its mean of a day. Bars are missing in single minutes, in some longer
interruptions of a symbol, and in rare ones of all symbols.

Each symbol draws from a stream of its own, keyed by its name, in chunks of fixed length: neither another symbol, nor
more bars, nor a book changes the bars that were there.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from stratoquant.graph.clock import DAY_MS
from stratoquant.graph.compiled import run_kernel
from stratoquant.graph.market import BOOK_LEVELS
from stratoquant.runtime.data.bars import SCHEMA
from stratoquant.runtime.data.market import Market, market_from
from stratoquant.runtime.data.synthetic_kernels import COLUMNS, factor_path, symbol_path

SUBSTEPS = 6
START_MS = 1_704_067_200_000  # 2024-01-01 00:00 UTC

_CHUNK = 16_384
_FUNDING_MS = 8 * 3_600_000
_MINUTES_A_DAY = 1_440


@dataclass(frozen=True)
class Regime:
    """hours: mean stay. vol: multiple of volatility. drift, pull to the anchor, jumps: a day."""

    name: str
    hours: float
    vol: float
    drift: float
    persistence: float
    pull: float
    jumps: float
    next: tuple[float, ...]


# next: the share of each regime, in this order, among those that follow.
REGIMES = (
    Regime("calm", 6.0, 0.6, 0.0, 0.0, 2.0, 0.02, (0.0, 0.5, 0.22, 0.18, 0.1, 0.0)),
    Regime("range", 8.0, 0.8, 0.0, -0.08, 14.0, 0.03, (0.3, 0.0, 0.28, 0.27, 0.15, 0.0)),
    Regime("up", 5.0, 1.0, 0.1, 0.06, 0.0, 0.05, (0.25, 0.4, 0.0, 0.1, 0.2, 0.05)),
    Regime("down", 4.0, 1.2, -0.12, 0.06, 0.0, 0.2, (0.15, 0.35, 0.2, 0.0, 0.2, 0.1)),
    Regime("high-vol", 2.0, 2.0, 0.0, 0.0, 4.0, 0.4, (0.1, 0.35, 0.2, 0.2, 0.0, 0.15)),
    Regime("chaotic", 0.75, 3.2, 0.0, -0.12, 0.0, 2.0, (0.0, 0.15, 0.2, 0.15, 0.5, 0.0)),
)


@dataclass(frozen=True)
class SyntheticModel:
    """Every number of the model, by its name in the equations; rates are a day unless said otherwise."""

    regimes: tuple[Regime, ...] = REGIMES
    daily_vol: float = 0.022
    tail: float = 5.0
    alpha: float = 0.06
    gamma: float = 0.03
    beta: float = 0.91
    g_cap: float = 12.0
    season: tuple[float, float] = (0.35, 0.12)
    season_hour: float = 14.5
    pull: float = 0.01
    jump_size: float = 0.008
    jump_down: float = 0.85
    jump_decay: float = 0.8
    jump_offspring: float = 0.19
    jump_back: float = 0.45
    jump_back_hours: float = 3.0
    betas: tuple[float, float] = (0.8, 1.3)
    own_vol: tuple[float, float] = (0.012, 0.024)
    own_pull: float = 0.25
    own_jumps: float = 0.4
    own_jump_size: float = 0.007
    imbalance_memory: float = 0.7
    imbalance_edge: float = 0.06
    half_spread: float = 0.5e-4
    first_price: tuple[float, float] = (0.5, 50_000.0)
    turnover_a_minute: float = 200_000.0
    volume_memory: float = 0.97
    funding_base: float = 1e-4
    funding_slope: float = 0.01
    outages: tuple[float, float] = (0.12, 60.0)  # of all symbols: how many a day, mean length in minutes
    breaks: tuple[float, float] = (0.08, 25.0)  # of one symbol
    skips: tuple[float, float] = (4.0, 1.5)


def synthesise(
    symbols: Sequence[str],
    bars: int,
    seed: int,
    clock_ms: int = 60_000,
    start_ms: int = START_MS,
    book: bool = False,
    model: SyntheticModel | None = None,
) -> pl.DataFrame:
    """Bars over `bars` steps of the clock in canonical columns, sorted by symbol and time; a missing bar has no row.

    `start_ms` is moved back to a multiple of the clock. book: with ten levels of the book as it stands at each close.
    """
    if bars < 1 or not symbols or len(set(symbols)) < len(symbols):
        raise ValueError("a synthetic market has at least one bar and one symbol, and each symbol once")
    numbers = model or SyntheticModel()
    start = start_ms // clock_ms * clock_ms
    factor = _factor(numbers, bars, seed, clock_ms, start)
    tables = [_symbol(symbol, numbers, factor, seed, clock_ms, start, book) for symbol in sorted(symbols)]
    return pl.concat(tables)


def synthetic_market(
    symbols: Sequence[str],
    bars: int,
    seed: int,
    clock_ms: int = 60_000,
    start_ms: int = START_MS,
    book: bool = False,
    model: SyntheticModel | None = None,
) -> Market:
    """The synthetic market in memory; its grid has exactly `bars` steps."""
    table = synthesise(symbols, bars, seed, clock_ms, start_ms, book, model)
    start = start_ms // clock_ms * clock_ms
    return replace(market_from(table, symbols, clock_ms), start=start, end=start + bars * clock_ms)


@dataclass(frozen=True)
class _Factor:
    """The common factor. steps: its path within each bar. heat: m times d. closed: 1 where no symbol has a bar."""

    steps: np.ndarray
    heat: np.ndarray
    season: np.ndarray
    closed: np.ndarray


def _factor(model: SyntheticModel, bars: int, seed: int, clock_ms: int, start: int) -> _Factor:
    table = np.array([[r.hours, r.vol, r.drift, r.persistence, r.pull, r.jumps] for r in model.regimes])
    follow = np.cumsum([r.next for r in model.regimes], axis=1)
    out = _Factor(np.empty((bars, SUBSTEPS)), np.empty(bars), _season(model, bars, clock_ms, start), np.empty(bars))
    state = np.array([0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0])
    dt = clock_ms / DAY_MS
    rng = _stream(seed, "")
    for rows in _chunks(bars):
        normals = rng.standard_normal((_CHUNK, SUBSTEPS))
        width = _width(rng, model.tail)
        chances = rng.random((_CHUNK, 6))
        n = rows.stop - rows.start
        run_kernel(
            factor_path, state, table, follow, normals[:n], width[:n], chances[:n], out.season[rows], dt,
            model.daily_vol * math.sqrt(dt), model.alpha, model.gamma, model.beta, model.g_cap, model.pull,
            model.jump_size, model.jump_down, model.jump_decay, model.jump_offspring, model.jump_back,
            1.0 - math.exp(-dt * 24.0 / model.jump_back_hours), *_interruption(model.outages, dt),
            out.steps[rows], out.heat[rows], out.closed[rows],
        )  # fmt: skip
    return out


def _symbol(
    symbol: str, model: SyntheticModel, factor: _Factor, seed: int, clock_ms: int, start: int, book: bool
) -> pl.DataFrame:
    bars, dt = factor.heat.size, clock_ms / DAY_MS
    rng = _stream(seed, symbol)
    cheap, dear = model.first_price
    price = math.exp(rng.uniform(math.log(cheap), math.log(dear)))
    places = max(0, 5 - math.floor(math.log10(price)))
    beta, own = rng.uniform(*model.betas), rng.uniform(*model.own_vol) * math.sqrt(dt)
    usual = model.turnover_a_minute / price * dt * _MINUTES_A_DAY
    out = np.empty((bars, len(COLUMNS)))
    state = np.array([0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0])
    for rows in _chunks(bars):
        normals = rng.standard_normal((_CHUNK, SUBSTEPS + 3))
        width = _width(rng, model.tail)
        chances = rng.random((_CHUNK, 7))
        sides = rng.integers(0, 1 << (SUBSTEPS + 1), _CHUNK)
        n = rows.stop - rows.start
        run_kernel(
            symbol_path, state, factor.steps[rows], factor.heat[rows], factor.season[rows], factor.closed[rows],
            normals[:n], width[:n], chances[:n], sides[:n], dt, price * 10.0**places, beta, own,
            model.daily_vol * math.sqrt(dt), model.alpha, model.gamma, model.beta, model.g_cap, model.own_pull,
            model.own_jumps * dt, model.own_jump_size, model.imbalance_memory, model.imbalance_edge,
            model.half_spread, usual, model.volume_memory,
            *_interruption(model.breaks, dt), *_interruption(model.skips, dt), out[rows],
        )  # fmt: skip
    columns = dict(zip(COLUMNS, out.T, strict=True))
    times = start + np.arange(bars, dtype=np.int64) * clock_ms
    table = _bars(columns, times, model, places, _places_of(usual))
    if book:
        table |= _book(columns, factor.season, usual, places, _stream(seed, f"book {symbol}"))
    present = columns["missing"] == 0.0
    frame = pl.DataFrame({name: values[present] for name, values in table.items()})
    frame = frame.with_columns(symbol=pl.lit(symbol))
    return frame.select(name for name in SCHEMA if name in frame.columns)


def _bars(
    columns: dict[str, np.ndarray], times: np.ndarray, model: SyntheticModel, places: int, lot_places: int
) -> dict[str, np.ndarray]:
    """The scalar columns of the bar table. Prices are whole ticks divided by a power of ten: the nearest double."""
    scale, lots = 10.0**places, 10.0**lot_places
    volume = np.maximum(np.rint(columns["volume"] * lots), 1.0)
    turnover = volume / lots * columns["average"] / scale
    rate = np.clip(model.funding_base + model.funding_slope * columns["premium"], -0.0075, 0.0075)
    return {
        "time": times,
        **{name: columns[name] / scale for name in ("open", "high", "low", "close")},
        "volume": volume / lots,
        "quote_volume": np.rint(turnover * 1e4) / 1e4,
        "trades": np.maximum(np.rint(turnover / 400.0 * columns["crowd"]), 1.0),
        "buy_volume": np.rint(volume * columns["bought"]) / lots,
        "funding_rate": np.where(times % _FUNDING_MS == 0, np.rint(rate * 1e8) / 1e8, np.nan),
    }


def _book(
    columns: dict[str, np.ndarray], season: np.ndarray, usual: float, places: int, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """Ten levels a side around the price at the close: wider when it moves, deeper when the day is busy."""
    bars, scale, lots = season.size, 10.0**places, 10.0 ** _places_of(usual)
    noise = np.concatenate([rng.standard_normal((_CHUNK, 2 * BOOK_LEVELS))[: r.stop - r.start] for r in _chunks(bars)])
    mid, half, lean = columns["mid"], columns["half_spread"], columns["imbalance"]
    bid = np.floor(mid - half)
    ask = np.maximum(np.ceil(mid + half), bid + 1.0)
    step = np.maximum(1.0, np.rint(half))
    table = {}
    for side, best, sign in (("bid", bid, 1.0), ("ask", ask, -1.0)):
        for level in range(BOOK_LEVELS):
            near = math.exp(-level / 3.0)
            shown = noise[:, level if sign > 0 else BOOK_LEVELS + level]
            depth = 0.3 * usual * (1.0 + 0.3 * level) * np.sqrt(season) * np.exp(0.3 * shown + 0.4 * sign * near * lean)
            table[f"{side}_px_{level}"] = np.maximum(best - sign * level * step, 1.0) / scale
            table[f"{side}_qty_{level}"] = np.maximum(np.rint(depth * lots), 1.0) / lots
    return table


def _season(model: SyntheticModel, bars: int, clock_ms: int, start: int) -> np.ndarray:
    """The multiple of volatility by the time of day."""
    middle = start + np.arange(bars) * clock_ms + clock_ms / 2
    angle = 2.0 * np.pi * (middle / 3_600_000 - model.season_hour) / 24.0
    return np.exp(model.season[0] * np.cos(angle) + model.season[1] * np.cos(2.0 * angle))


def _chunks(bars: int) -> Iterator[slice]:
    return (slice(first, min(first + _CHUNK, bars)) for first in range(0, bars, _CHUNK))


def _stream(seed: int, name: str) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64([seed, zlib.crc32(name.encode())]))


def _width(rng: np.random.Generator, tail: float) -> np.ndarray:
    """What makes a normal number one of a Student t distribution with variance 1."""
    return np.sqrt((tail - 2.0) / rng.chisquare(tail, _CHUNK))


def _places_of(usual: float) -> int:
    """Decimal places of a lot that is about a hundred thousandth of the usual volume."""
    return max(0, 5 - math.floor(math.log10(usual)))


def _interruption(rate_and_minutes: tuple[float, float], dt: float) -> tuple[float, float]:
    """Chance a bar of one beginning, and its mean length in bars."""
    rate, minutes = rate_and_minutes
    return rate * dt, minutes / _MINUTES_A_DAY / dt
