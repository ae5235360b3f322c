"""The synthetic market: the same for a seed, sound in every bar, and with the habits of a real one."""

from __future__ import annotations

import hashlib

import numpy as np
import polars as pl
import pytest

from stratoquant.runtime.data.check import check_table
from stratoquant.runtime.data.synthetic import START_MS, synthesise, synthetic_market
from tests.runtime.bars import MINUTE

SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT")
BARS = 100_000


@pytest.fixture(scope="module")
def market() -> pl.DataFrame:
    return synthesise(SYMBOLS, BARS, seed=7)


@pytest.fixture(scope="module")
def returns(market: pl.DataFrame) -> np.ndarray:
    """Log returns of each symbol over the minutes in which all of them have bars."""
    closes = market.pivot(on="symbol", index="time", values="close").sort("time").drop("time").to_numpy()
    steps = np.diff(np.log(closes), axis=0)
    return steps[np.isfinite(steps).all(axis=1)]


def digest(table: pl.DataFrame) -> str:
    return hashlib.sha256(b"".join(table[c].to_numpy().tobytes() for c in table.columns if c != "symbol")).hexdigest()


def test_the_same_seed_gives_the_same_bytes_and_another_does_not() -> None:
    once, again, other = (digest(synthesise(SYMBOLS, 20_000, seed)) for seed in (1, 1, 2))
    assert once == again != other


def test_more_bars_other_symbols_or_a_book_do_not_change_the_bars() -> None:
    short = synthesise(["BTCUSDT"], 17_000, seed=3)
    longer = synthesise(["ETHUSDT", "BTCUSDT"], 40_000, seed=3)
    end = START_MS + 17_000 * MINUTE
    assert longer.filter((pl.col("symbol") == "BTCUSDT") & (pl.col("time") < end)).equals(short)
    with_book = synthesise(["BTCUSDT"], 17_000, seed=3, book=True)
    assert with_book.select(short.columns).equals(short)


@pytest.mark.parametrize("clock", [MINUTE, 15 * MINUTE, 60 * MINUTE])
@pytest.mark.parametrize("seed", [0, 5])
def test_every_bar_is_sound_on_every_clock(clock: int, seed: int) -> None:
    assert check_table(synthesise(SYMBOLS, 20_000, seed, clock_ms=clock, book=True), "synthetic", clock) == []


def test_prices_lie_on_their_ticks(market: pl.DataFrame) -> None:
    for _, part in market.group_by("symbol"):
        places = max(len(str(p).split(".")[1]) for p in part["close"].head(500))
        for name in ("open", "high", "low", "close"):
            assert (part[name].round(places) == part[name]).all()


def test_tails_are_heavy_and_returns_do_not_repeat(returns: np.ndarray) -> None:
    for r in returns.T:
        assert ((r - r.mean()) ** 4).mean() / r.var() ** 2 - 3.0 > 1.0
        assert abs(np.corrcoef(r[:-1], r[1:])[0, 1]) < 0.05


def test_volatility_comes_in_clusters(returns: np.ndarray) -> None:
    for size in np.abs(returns).T:
        assert all(np.corrcoef(size[:-lag], size[lag:])[0, 1] > 0.0 for lag in range(1, 51))


def test_symbols_move_together(returns: np.ndarray) -> None:
    assert np.corrcoef(returns.T)[np.triu_indices(3, 1)].min() > 0.3


def test_the_day_has_a_season(market: pl.DataFrame) -> None:
    hour = (pl.col("time") // 3_600_000 % 24).alias("hour")
    move = (pl.col("high") / pl.col("low")).log().alias("move")
    day = market.group_by(hour).agg(pl.col("volume").median(), move.median()).sort("hour")
    for name in ("volume", "move"):
        assert day[name][13:16].mean() > 1.5 * day[name][1:5].mean()


def test_volume_follows_movement_and_buying_the_sign(market: pl.DataFrame) -> None:
    one = market.filter(pl.col("symbol") == "BTCUSDT")
    change = (one["close"] / one["open"]).log()
    assert pl.DataFrame({"a": change.abs(), "b": one["volume"]}).corr()["a"][1] > 0.3
    assert pl.DataFrame({"a": change, "b": one["buy_volume"] / one["volume"]}).corr()["a"][1] > 0.3


def test_some_bars_are_missing_alone_and_some_together(market: pl.DataFrame) -> None:
    missing = BARS - market.group_by("symbol").len()["len"]
    assert (missing > 50).all()
    assert (missing < BARS // 50).all()
    steps = market.group_by("symbol").agg((pl.col("time").diff() // MINUTE).max().alias("longest"))
    assert (steps["longest"] > 30).all()
    assert market["time"].n_unique() < BARS


def test_it_crashes_and_recovers_in_part(market: pl.DataFrame) -> None:
    close = market.filter(pl.col("symbol") == "BTCUSDT")["close"].log().to_numpy()
    hour = close[60:] - close[:-60]
    worst = int(hour.argmin())
    assert hour[worst] < -0.03
    bottom = close[worst : worst + 120].min()
    after = close[worst + 60 : worst + 600].max()
    assert after > bottom + 0.1 * (close[worst] - bottom)


def test_funding_is_due_every_eight_hours(market: pl.DataFrame) -> None:
    due = market["funding_rate"].is_not_nan()
    assert (due == (market["time"] % (8 * 3_600_000) == 0)).all()
    assert market["funding_rate"].drop_nans().abs().max() <= 0.0075


def test_the_book_is_ordered_and_leans_ahead_of_the_price() -> None:
    table = synthesise(["BTCUSDT"], 60_000, seed=11, book=True)
    for level in range(9):
        assert (table[f"bid_px_{level + 1}"] < table[f"bid_px_{level}"]).all()
        assert (table[f"ask_px_{level + 1}"] > table[f"ask_px_{level}"]).all()
    assert (table["bid_px_0"] < table["ask_px_0"]).all()
    lean = (table["bid_qty_0"] - table["ask_qty_0"]) / (table["bid_qty_0"] + table["ask_qty_0"])
    ahead = (table["close"].shift(-1) / table["close"]).log()
    forecast = np.corrcoef(lean[:-1], ahead[:-1])[0, 1]
    assert 0.01 < forecast < 0.15
    spread = (table["ask_px_0"] / table["bid_px_0"]).log()
    assert np.corrcoef(spread, (table["high"] / table["low"]).log())[0, 1] > 0.2


def test_trends_persist_and_ranges_revert() -> None:
    """Over hours the model is no random walk: the variance ratio departs from one."""
    close = synthesise(["BTCUSDT"], 300_000, seed=2)["close"].log().to_numpy()
    hours = np.diff(close[::240])
    forward = np.corrcoef(np.sign(np.diff(close[::60])[:-1]), np.sign(np.diff(close[::60])[1:]))[0, 1]
    assert forward > 0.02
    assert hours.std() > 2.0 * np.diff(close[::60]).std() * 0.95


def test_a_market_in_memory_has_the_whole_grid() -> None:
    market = synthetic_market(SYMBOLS, 5_000, seed=1, start_ms=START_MS + 1)
    assert (market.symbols, market.bars, market.start) == (SYMBOLS, 5_000, START_MS)
    table = synthesise(SYMBOLS, 5_000, seed=1)
    placed = sum(int((~np.isnan(block.events["time"])).sum()) for block in market.blocks(512))
    assert placed == table.height


@pytest.mark.parametrize(("symbols", "bars"), [((), 10), (("A", "A"), 10), (("A",), 0)])
def test_what_is_no_market(symbols: tuple[str, ...], bars: int) -> None:
    with pytest.raises(ValueError, match="at least one bar and one symbol"):
        synthesise(symbols, bars, seed=1)
