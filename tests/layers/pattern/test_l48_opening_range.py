"""L48: a chart for each clause, and sessions taken one by one over recorded bars."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tests.layers.pattern.charts import SIDES, Values, fired, run, turn
from tests.layers.real_data import real_bars

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
MONDAY = 1_600_041_600_000  # 2020-09-14 00:00 UTC


def session(closes: list[float], side: float = 1.0, step: int = 15, start: int = MONDAY, **params: int) -> Values:
    """Bars of `step` minutes from `start` on, 1 high around their closes, of volume 2; a range of 30 minutes."""
    close = np.array(closes)
    bars = turn({"high": close + 0.5, "low": close - 0.5, "close": close}, side)
    time = start + step * MINUTE * np.arange(len(close), dtype=float)
    return run("L48", {**bars, "time": time, "volume": 2.0}, {"minutes": 30, **params})


@SIDES
def test_l48_fires_on_the_first_close_outside(side: float) -> None:
    found = session([100, 101, 101.5, 102.5, 99.0, 103], side)
    assert found["signal"].tolist() == [0, 0, 0, side, side, 0]
    assert found["age"][3:5].tolist() == [0, 1]
    assert found["quality"][3] == pytest.approx(0.5 * (1.0 / 3.0 + 0.5))  # 1 beyond a range of 2
    levels = (101.5, 99.5) if side > 0.0 else (100.5, 98.5)
    assert (found["high_level"][3], found["low_level"][4]) == levels
    shown = ~np.isnan(found["high_level"])
    assert np.array_equal(shown, found["signal"] != 0.0) and np.array_equal(shown, ~np.isnan(found["low_level"]))


@SIDES
def test_l48_fires_once_a_session_and_begins_anew_the_next_day(side: float) -> None:
    day = [100.0, 100.0, 102.0, 100.0, 98.0, *[100.0] * 91]
    found = session([*day, 110.0, 110.0, 112.0, *[100.0] * 5], side)
    assert np.flatnonzero(fired(found)).tolist() == [2, 98]
    assert found["high_level"][98] == (110.5 if side > 0.0 else 90.5)


@pytest.mark.parametrize(
    ("at", "params", "fires"),
    [
        (4, {"expire_hours": 1}, False),
        (3, {"expire_hours": 1}, True),
        (95, {"expire_hours": 24}, True),
        (32, {}, False),
        (31, {}, True),
    ],
)
def test_l48_expires(at: int, params: dict[str, int], fires: bool) -> None:
    closes = [100.0] * 96
    closes[at] = 105.0
    assert np.flatnonzero(fired(session(closes, **params))).tolist() == ([at] if fires else [])


@pytest.mark.parametrize(("minutes", "first"), [(30, 2), (31, 3), (45, 3), (5, 1), (15, 1)])
def test_l48_takes_the_bars_that_open_within_its_minutes(minutes: int, first: int) -> None:
    found = session([100.0, 102.0, 104.0, 106.0, 108.0], minutes=minutes)
    assert np.flatnonzero(fired(found)).tolist() == [first]
    assert found["signal"].sum() == min(first, 5 - first)  # as many bars as the range had


def test_l48_knows_a_session_only_from_its_beginning() -> None:
    assert not np.any(session([100.0, 100.0, 105.0, 106.0], start=MONDAY + 15 * MINUTE)["signal"])
    late = [100.0] * 4 + [105.0] * 10  # from 23:00 on
    assert np.flatnonzero(fired(session(late, start=MONDAY - HOUR))).tolist() == []
    assert np.flatnonzero(fired(session([100.0] * 6 + [105.0], start=MONDAY - HOUR))).tolist() == [6]
    hour = session([100.0, 100.0, 105.0], start=MONDAY + 7 * HOUR, session_hour=7)
    assert fired(hour).tolist() == [0, 0, 1]
    assert not np.any(session([100.0, 100.0, 105.0], start=MONDAY + 7 * HOUR, session_hour=8)["signal"])


def test_l48_without_a_bar_in_the_range_and_without_volume() -> None:
    time = MONDAY + MINUTE * np.array([-15.0, 45.0, 60.0, 75.0])
    inputs = {"time": time, "high": 101.0, "low": 99.0, "volume": 2.0}
    assert not np.any(run("L48", {**inputs, "close": np.array([100, 100, 105, 90.0])})["signal"])
    flat = {"time": time + 15 * MINUTE, "high": 100.0, "low": 100.0, "volume": 0.0}
    found = run("L48", {**flat, "close": np.array([100, 105, 105, 90.0])})
    assert found["quality"][1] == 0.5  # a range of 0, and nothing traded


def breaks_by_hand(bars: Values, hour: int, minutes: int, expire: int) -> pd.DataFrame:
    """Side, quality, levels and bars of the range for each break, day by day."""
    frame = pd.DataFrame(bars)
    frame["day"] = (frame["time"] - hour * HOUR) // DAY
    frame["minute"] = (frame["time"] - hour * HOUR) % DAY / MINUTE
    rows = {}
    days = [day for _, day in frame.groupby("day")]
    for day in days if days[0]["minute"].iloc[0] == 0.0 else days[1:]:
        opening, rest = day[day["minute"] < minutes], day[(day["minute"] >= minutes) & (day["minute"] < 60 * expire)]
        high, low = opening["high"].max(), opening["low"].min()
        outside = rest[(rest["close"] > high) | (rest["close"] < low)]
        if len(opening) and len(outside):
            bar = outside.iloc[0]
            side = 1.0 if bar["close"] > high else -1.0
            beyond = bar["close"] - high if side > 0.0 else low - bar["close"]
            busy = bar["volume"] / (bar["volume"] + opening["volume"].mean())
            quality = 0.5 * (beyond / (beyond + high - low) + busy)
            rows[outside.index[0]] = (side, quality, high, low, len(opening))
    return pd.DataFrame.from_dict(rows, orient="index", columns=["side", "quality", "high", "low", "bars"])


@pytest.mark.parametrize(
    ("symbol", "hour", "minutes", "expire", "least"),
    [
        ("bitfinex_ethusd_1m", 0, 30, 8, 500),
        ("bitfinex_ethusd_1m", 14, 5, 24, 500),
        ("bitfinex_ethusd_1m", 22, 200, 4, 100),
        ("binance_btcusdt_1m", 0, 60, 12, 20),
    ],
)
def test_l48_agrees_with_sessions_taken_one_by_one(
    symbol: str, hour: int, minutes: int, expire: int, least: int
) -> None:
    bars = real_bars(symbol)
    inputs = {n: bars[n] for n in ("time", "high", "low", "close", "volume")}
    found = run("L48", inputs, {"session_hour": hour, "minutes": minutes, "expire_hours": expire})
    breaks = breaks_by_hand(inputs, hour, minutes, expire)
    assert len(breaks) > least and set(breaks["side"]) == {-1.0, 1.0}
    at = breaks.index.to_numpy()
    assert np.array_equal(np.flatnonzero(fired(found)), at)
    for port, column in (("signal", "side"), ("high_level", "high"), ("low_level", "low")):
        assert np.array_equal(found[port][at], breaks[column])
    assert np.allclose(found["quality"][at], breaks["quality"], rtol=1e-9)
    shown = np.zeros(len(bars["time"]))
    for t, side, life in zip(at, breaks["side"], breaks["bars"], strict=True):
        shown[t : t + life] = side
    assert np.array_equal(found["signal"], shown)
