"""The simulated venue against lists of trades that TradingView made: the same strategies over the same bars.

Every fill of a list must be there, in its bar and on its side. Tolerance of the price, as a share of it:
    flip        1e-12  the bars have all the digits that TradingView had
    bollinger   1e-12  likewise; only the rounding of the trigger to the tick makes it exact
    magnifier   2^-24  the source keeps its bars in single precision; 1e-12 once they are back on their cents
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import polars as pl
import pytest

from stratoquant.runtime.venue import FRICTIONLESS
from tests.layers.real_data import FOLDER
from tests.runtime.venue_driver import Outcome, block_of, no_orders, order, simulate

STOP = 2
DOUBLE, SINGLE = 1e-12, 2.0**-24


def frame_of(name: str, column: str) -> pl.DataFrame:
    path = FOLDER / "tv" / name
    if not path.exists():
        pytest.skip("recorded market data (../shared/data) is absent")
    frame = pl.read_csv(path, infer_schema_length=None)
    time = frame[column].str.to_datetime("%Y-%m-%dT%H:%M:%S%z", time_unit="ms").dt.timestamp("ms")
    return frame.with_columns(time.alias("ms"))


def bars_of(name: str) -> dict[str, np.ndarray]:
    frame = frame_of(name, "time")
    return {"time": frame["ms"].to_numpy()} | {c: frame[c].to_numpy() for c in ("open", "high", "low", "close")}


def entries_of(name: str) -> pl.DataFrame:
    """The first row of every trade; a strategy that always turns has one fill a trade."""
    return frame_of(name, "Date/Time").filter(pl.col("Type").str.starts_with("Entry"))


def check_entries(r: Outcome, entries: pl.DataFrame) -> None:
    assert len(r.fills) == len(entries)
    assert np.array_equal(r.fills["time"], entries["ms"].to_numpy())
    assert np.array_equal(r.fills["side"] > 0, entries["Type"].str.ends_with("long").to_numpy())
    np.testing.assert_allclose(r.fills["price"], entries["Price USD"].to_numpy(), rtol=DOUBLE)


def test_flips_with_slippage_and_commission() -> None:
    """2304 market orders, 15 ticks of slippage, 0.1 % commission: prices to 1e-12, results to the digits printed."""
    bars = bars_of("strat_flip_ohlcv.csv.gz")
    entries = entries_of("strat_flip_trades.csv.gz")
    steps = len(bars["open"])
    script = no_orders(steps)
    at = np.arange(20, steps, 10)
    order(script, at, np.where(np.arange(len(at)) % 2, -1.0, 1.0), 2.0)
    script[20, 0, 1] = 1.0
    venue = FRICTIONLESS.model_copy(update={"slippage_ticks": 15.0, "taker_fee": 10.0})
    r = simulate(block_of(bars), script, venue, cash=10_000.0, tick=1e-5, times=bars["time"])
    check_entries(r, entries)
    cumulative = entries["Cumulative P&L USD"].to_numpy()[:-1]  # the last trade is open
    at_exit = np.flatnonzero(np.isin(bars["time"], r.fills["time"][1:]))
    flat_value = r.cash + r.watched["position"][:, 0] * np.nan_to_num(r.watched["fill_price"][:, 0])
    entry_fee = 1e-3 * r.fills["price"][1:]  # of the trade that the same fill opens
    assert np.abs(flat_value[at_exit] + entry_fee - 10_000.0 - cumulative).max() <= 0.005 + 1e-9
    assert cumulative[-1] == pytest.approx(-5.51)


TRIGGERS = {
    "band": lambda side, price: price,
    "on the tick": lambda side, price: side * np.ceil(side * price * 1e5 - 1e-6) / 1e5,
    "ticks times 1e-5": lambda side, price: side * np.ceil(side * price / 1e-5 - 1e-6) * 1e-5,
    "a rounding beyond it": lambda side, price: np.nextafter(side * np.ceil(side * price * 1e5 - 1e-6) / 1e5, side * 9),
}


@pytest.mark.parametrize("trigger", TRIGGERS.values(), ids=TRIGGERS)
def test_bands_with_stop_entries(trigger: Callable[[float, float], float]) -> None:
    """579 fills of stop orders at the Bollinger bands, which live for one bar and turn the position.

    All but five find the open beyond the band and fill there; the five show how TradingView rounds a trigger. A trigger
    that arithmetic leaves a rounding off its tick makes the same fills.
    """
    bars = bars_of("strat_ohlcv.csv.gz")
    close = pd.Series(bars["close"])
    basis, width = close.rolling(20).mean(), 2.0 * close.rolling(20).std(ddof=0)
    lower, upper = (basis - width).to_numpy(), (basis + width).to_numpy()
    crosses_over = (close > lower) & (close.shift() <= pd.Series(lower).shift())
    crosses_under = (close < upper) & (close.shift() >= pd.Series(upper).shift())
    script = no_orders(len(close))
    position = 0.0
    for t in np.flatnonzero(crosses_over | crosses_under)[:-1]:
        side = 1.0 if crosses_over[t] else -1.0
        price = lower[t] if side > 0 else upper[t]
        if position != side:
            order(script, t, side, 1.0 + abs(position), kind=STOP, price=trigger(side, price), ttl=1)
            best = bars["high"][t + 1] if side > 0 else bars["low"][t + 1]
            level = side * np.ceil(side * price / 1e-5) * 1e-5
            position = side if side * (best - level) >= -1e-9 else position
    r = simulate(block_of(bars), script, FRICTIONLESS, cash=1e6, tick=1e-5, times=bars["time"])
    check_entries(r, entries_of("strat_bollinger_trades.csv"))


@pytest.mark.parametrize(("cents", "tolerance"), [(None, SINGLE), (2, DOUBLE)], ids=["single precision", "cents"])
def test_brackets_inside_a_day_of_hours(cents: int | None, tolerance: float) -> None:
    """56 brackets decided on daily closes and filled inside 60-minute bars: TradingView's bar magnifier.

    All entries, stops and targets, on the same days.
    """
    path = FOLDER / "tv" / "strat_magnifier_60m.parquet"
    trades = frame_of("strat_magnifier_trades.csv", "Date/Time")
    frame = pl.read_parquet(path).sort("time")
    bars = {c: frame[c].to_numpy() for c in ("time", "open", "high", "low", "close")}
    if cents is not None:
        bars |= {c: np.round(bars[c], cents) for c in ("open", "high", "low", "close")}
    day = bars["time"] // 86_400_000
    ends = np.flatnonzero(np.diff(day))
    close = pd.Series(bars["close"][ends])
    fast, slow = close.rolling(3).mean(), close.rolling(10).mean()
    over = (fast > slow) & (fast.shift() <= slow.shift())
    under = (fast < slow) & (fast.shift() >= slow.shift())
    script = no_orders(len(day))
    for k in np.flatnonzero(over | under):
        side = 1.0 if over[k] else -1.0
        order(
            script, ends[k], side, 0.01, stop_price=close[k] - side * 1000.0, take_price=close[k] + side * 1500.0
        )  # fmt: skip
    r = simulate(block_of(bars), script, FRICTIONLESS, cash=1000.0, times=bars["time"], tick=0.01)
    assert len(r.fills) == len(trades) == 112
    assert np.array_equal(r.fills["time"] // 86_400_000, trades["ms"].to_numpy() // 86_400_000)
    np.testing.assert_allclose(r.fills["price"], trades["Price USDT"].to_numpy(), rtol=tolerance)
    won = trades["Net P&L USDT"].to_numpy()[1::2] > 0.0
    assert np.array_equal(r.fills["reason"][1::2], np.where(won, 2, 1))
    assert r.equity[-1] - 1000.0 == pytest.approx(trades["Cumulative P&L USDT"][-1], abs=tolerance * 1e5)
