"""L47 to L49: hand-made charts for each clause, plain transcriptions over recorded bars, mirrored and scaled prices."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tests.layers.real_data import real_bars
from tests.layers.test_patterns import TOP, Values, grid_bars, lived, mirrored, run
from tests.layers.test_patterns_range import SIDES, fired, turn

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
MONDAY = 1_600_041_600_000  # 2020-09-14 00:00 UTC


def assert_mirrored(plain: Values, other: Values, bars: Values) -> None:
    assert bars["high"].max() < TOP
    assert np.nansum(np.abs(fired(plain))) > 10
    assert np.array_equal(plain["signal"], -other["signal"], equal_nan=True)
    assert np.array_equal(plain["quality"], other["quality"], equal_nan=True)
    assert np.array_equal(plain["age"], other["age"], equal_nan=True)


# ---------------------------------------------------------------- L47

QUIET = 14  # bars of range 1 and volumes 1 and 2 by turns


def climax(after: list[float], side: float = 1.0, busy: float = 20.0, width: float = 4.0, **more: object) -> Values:
    """A bar from 100 to 100 + width after quiet ones, then closes; window 14."""
    count = QUIET + 1 + len(after)
    close = np.r_[np.full(QUIET, 100.0), 100.0 + 0.75 * width, after]
    open_, high, low = close - 0.25, close + 0.5, close - 0.5
    open_[QUIET], high[QUIET], low[QUIET] = 100.25, 100.0 + width, 100.0
    bars = turn({"high": high, "low": low, "close": close}, side)
    volume = 1.0 + np.arange(count) % 2
    volume[QUIET] = busy
    opens = open_ if side > 0.0 else 200.0 - open_
    inputs: dict[str, object] = {**bars, "open": opens, "volume": volume, **more}
    return run("L47", inputs, {"window": 14, "z": 3.0})


@SIDES
def test_l47_fires_against_a_climax_that_nothing_comes_of(side: float) -> None:
    found = climax([103.5, 102.0, 102.0], side)
    assert found["signal"][QUIET:].tolist() == [0, 0, -side, -side]
    assert found["age"][QUIET + 2 :].tolist() == [0, 1]
    volume = np.r_[1.0 + np.arange(1, QUIET) % 2, 20.0]
    effort = (20.0 - volume.mean()) / volume.std()
    assert found["effort"][QUIET] == pytest.approx(effort)
    assert found["quality"][QUIET + 2] == pytest.approx(0.5 * (2.0 / 4.0 + 1.0 - 3.0 / effort))
    deep = climax([103.5, 90.0], side)
    assert deep["quality"][QUIET + 2] == pytest.approx(0.5 * (1.0 + 1.0 - 3.0 / effort))
    assert climax([104.0, 104.0], side)["signal"][QUIET + 2] == -side  # at its end is not beyond it


@SIDES
@pytest.mark.parametrize("after", [[104.0625, 100.0, 100.0], [100.0, 104.0625, 100.0]])
def test_l47_is_called_off_by_a_close_beyond_the_bar(side: float, after: list[float]) -> None:
    assert not np.any(climax(after, side)["signal"][QUIET:])


@SIDES
def test_l47_wants_effort_width_and_a_body(side: float) -> None:
    volume = 1.0 + np.arange(QUIET) % 2
    weak = next(v for v in np.arange(2.0, 9.0, 0.01) if _effort(volume, v) > 3.0)
    assert climax([100.0, 100.0], side, busy=weak)["signal"][-1] == -side
    assert climax([100.0, 100.0], side, busy=weak - 0.01)["signal"][-1] == 0.0
    edge = 1.5 * 13.0 / 12.5  # of a range that is itself one of the 14
    assert climax([100.0, 100.0], side, width=edge + 0.001)["signal"][-1] == -side
    assert climax([100.0, 100.0], side, width=edge - 0.001)["signal"][-1] == 0.0
    still = climax([100.0, 100.0], side)
    assert still["signal"][-1] == -side
    close = np.r_[np.full(QUIET, 100.0), 100.25, 100.0, 100.0]
    no_body = climax([100.0, 100.0], side, close=close if side > 0.0 else 200.0 - close)
    assert not np.any(no_body["signal"][QUIET:])


def _effort(before: np.ndarray, busy: float) -> float:
    volume = np.r_[before[1:], busy]
    return float((busy - volume.mean()) / volume.std())


def test_l47_lets_a_climax_between_take_the_place_of_the_first() -> None:
    inputs = {
        "open": np.r_[np.full(QUIET, 99.75), 100.25, 103.75, 101.0, 101.0, 101.0],
        "high": np.r_[np.full(QUIET, 100.5), 104.0, 104.0, 102.0, 102.0, 102.0],
        "low": np.r_[np.full(QUIET, 99.5), 100.0, 100.0, 100.5, 100.5, 100.5],
        "close": np.r_[np.full(QUIET, 100.0), 103.0, 101.0, 101.5, 101.0, 101.0],
        "volume": np.r_[1.0 + np.arange(QUIET) % 2, 20.0, 500.0, 1.0, 1.0, 1.0],
    }
    found = run("L47", inputs, {"window": 14, "z": 3.0})
    assert found["signal"][QUIET:].tolist() == [0, 0, 0, 1, 1]
    once = run("L47", {**inputs, "volume": np.r_[inputs["volume"][: QUIET + 1], np.ones(4)]}, {"window": 14, "z": 3.0})
    assert once["signal"][QUIET:].tolist() == [0, 0, -1, -1, -1]


def test_l47_lives_for_ten_bars() -> None:
    found = climax([103.0] * 14)
    assert fired(found)[QUIET:].tolist() == [0, 0, -1] + [0] * 12
    assert found["signal"][QUIET:].tolist() == [0, 0] + [-1] * 10 + [0] * 3


def climaxes_by_hand(bars: Values, window: int, z: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Side and quality of each bar on which L47 fires, and its effort: each climax with the two bars that follow."""
    high, low, close = bars["high"], bars["low"], bars["close"]
    windows = np.lib.stride_tricks.sliding_window_view(bars["volume"], window)
    effort = np.full(len(close), np.nan)
    effort[window - 1 :] = (bars["volume"][window - 1 :] - windows.mean(axis=1)) / windows.std(axis=1)
    usual = np.full(len(close), np.nan)
    usual[window - 1 :] = np.lib.stride_tricks.sliding_window_view(high - low, window).mean(axis=1)
    side = np.sign(close - bars["open"])
    is_climax = (effort > z) & (high - low > 1.5 * usual) & (side != 0.0)
    fires, quality = np.zeros(len(close)), np.zeros(len(close))
    for t in np.flatnonzero(is_climax[:-2]):
        end = high[t] if side[t] > 0.0 else low[t]
        if not is_climax[t + 1] and not np.any(side[t] * (close[t + 1 : t + 3] - end) > 0.0):
            fires[t + 2] = -side[t]
            given = min(side[t] * (end - close[t + 2]) / (high[t] - low[t]), 1.0)
            quality[t + 2] = 0.5 * (given + 1.0 - z / effort[t])
    return fires, quality, effort


@pytest.mark.parametrize(
    ("symbol", "window", "z"),
    [("bitfinex_ethusd_1m", 100, 3.0), ("bitfinex_ethusd_1m", 37, 1.5), ("binance_btcusdt_1m", 500, 4.0)],
)
def test_l47_agrees_with_climaxes_followed_one_by_one(symbol: str, window: int, z: float) -> None:
    bars = real_bars(symbol, 60_000)
    inputs = {n: bars[n] for n in ("open", "high", "low", "close", "volume")}
    found = run("L47", inputs, {"window": window, "z": z})
    fires, quality, effort = climaxes_by_hand(bars, window, z)
    known = slice(window - 1, None)
    assert np.abs(fires).sum() > 100 and len(np.unique(fires)) == 3
    assert np.array_equal(fired(found)[known], fires[known])
    assert np.allclose(found["quality"][fires != 0.0], quality[fires != 0.0], rtol=1e-9)
    assert np.allclose(found["effort"][known], effort[known], rtol=1e-7, atol=1e-9)
    assert np.array_equal(found["signal"][known], lived(fires, 10)[known])


def test_l47_with_mirrored_and_scaled_prices() -> None:
    bars = grid_bars()
    plain, other = (run("L47", {n if n != "open" else "open": c[n] for n in bars}) for c in (bars, mirrored(bars)))
    assert_mirrored(plain, other, bars)
    scaled = run("L47", {n if n != "open" else "open": bars[n] * 4.0 for n in bars})
    assert all(np.array_equal(plain[n], scaled[n], equal_nan=True) for n in plain)


# ---------------------------------------------------------------- L48


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


def test_l48_with_mirrored_and_scaled_prices() -> None:
    bars = grid_bars(60_000)
    time = MONDAY + MINUTE * np.arange(60_000, dtype=float)
    names = ("high", "low", "close", "volume")
    plain, other = (run("L48", {"time": time, **{n: c[n] for n in names}}) for c in (bars, mirrored(bars)))
    assert_mirrored(plain, other, bars)
    assert np.array_equal(plain["high_level"], TOP - other["low_level"], equal_nan=True)
    scaled = run("L48", {"time": time, **{n: bars[n] * (2.0 if n != "volume" else 8.0) for n in names}})
    assert all(np.array_equal(plain[n], scaled[n], equal_nan=True) for n in ("signal", "quality", "age"))
    assert np.array_equal(2.0 * plain["low_level"], scaled["low_level"], equal_nan=True)


# ---------------------------------------------------------------- L49


def hours(returns: list[float], start: int = MONDAY, step: int = HOUR, sigma: object = 0.01, **params: float) -> Values:
    """Bars with these returns; as many visits as bars where a bar is an hour."""
    close = 100.0 * np.exp(np.cumsum(returns))
    time = start + step * np.arange(len(close), dtype=float)
    return run("L49", {"time": time, "close": close, "sigma": sigma}, {"buckets": 24, "shrink": 1, **params})


def daily(values: list[float], hour: int = 5) -> list[float]:
    """Returns of hourly bars of some days that move at this hour alone."""
    return [v if k == hour else 0.0 for v in values for k in range(24)]


@SIDES
def test_l49_tells_the_hour_to_come(side: float) -> None:
    values = side * 0.01 * np.array([1.0, 2.0, 1.0, 2.0, 1.0, 0.0])
    found = hours(daily(values.tolist()), t=2.0)
    before = 5 * 24 + 4  # the bar before the hour, on the sixth day
    seen = np.array([1.0, 2.0, 1.0, 2.0, 1.0])
    mean = seen.mean() * 5 / 6
    t = mean * np.sqrt(6) / seen.std(ddof=1)
    assert found["expected"][before] == pytest.approx(side * 0.01 * mean)
    assert found["t"][before] == pytest.approx(side * t)
    assert found["signal"][before - 1 : before + 2].tolist() == [0, side, 0]
    assert found["age"][before] == 0.0
    assert found["quality"][before] == pytest.approx(1.0 - np.exp(-0.25 * t))
    quiet = np.ones(len(found["t"]), dtype=bool)
    quiet[4::24] = quiet[0] = False
    assert not np.any(found["expected"][quiet]) and not np.any(found["signal"][quiet])
    assert found["expected"][2 * 24 + 4] == pytest.approx(side * 0.01 * 1.5 * 2 / 3)  # two visits are enough to expect
    assert found["t"][3 * 24 + 4] == 0.0 != found["t"][4 * 24 + 4]  # but not for a t


def test_l49_wants_t_above_the_parameter() -> None:
    values = daily([0.01, 0.02, 0.01, 0.02, 0.01])
    t = float(hours(values)["t"][4 * 24 + 4])
    assert 2.0 < t < 6.0
    assert hours(values, t=t)["signal"][4 * 24 + 4] == 0.0
    assert hours(values, t=np.nextafter(t, 0.0))["signal"][4 * 24 + 4] == 1.0


def test_l49_learns_from_a_visit_only_when_it_is_over() -> None:
    """Quarters of an hour: a visit's value is the mean of its four, and its own bars do not change what it tells."""
    day = [0.0] * 20 + [0.01, 0.03, 0.02, 0.02] + [0.0] * 72
    found = hours(day * 2, step=HOUR // 4)
    assert np.all(found["expected"][96 + 19 : 96 + 23] == found["expected"][96 + 19])
    assert found["expected"][96 + 19] == pytest.approx(0.02 * 1 / 2)
    assert found["expected"][20:23].tolist() == [0, 0, 0]
    later = [0.0] * 96 + [0.0] * 20 + [0.5, 0.5, 0.5, 0.5] + [0.0] * 72
    mixed = hours((np.array(day * 2) + later).tolist(), step=HOUR // 4)
    assert np.array_equal(mixed["expected"][: 96 + 23], found["expected"][: 96 + 23], equal_nan=True)


def test_l49_lives_as_long_as_its_hour() -> None:
    day = np.r_[np.zeros(20), np.full(4, 1.0), np.zeros(72)]
    returns = np.concatenate([0.01 * k * day for k in (1, 2, 1, 2, 1, 2)]).tolist()
    found = hours(returns, step=HOUR // 4)
    at = 5 * 96 + 19
    assert found["signal"][at - 1 : at + 5].tolist() == [0, 1, 1, 1, 1, 0]
    assert found["age"][at : at + 4].tolist() == [0, 1, 2, 3]
    assert np.unique(found["quality"][at : at + 4]).size == 1


def test_l49_counts_the_hour_of_the_week_from_monday() -> None:
    week = [0.01 if k == 30 else 0.0 for k in range(168)]
    found = hours(week + week, buckets=168)
    assert np.flatnonzero(np.nan_to_num(found["expected"])).tolist() == [168 + 29]
    rolled = hours(week[100:] + week * 2, buckets=168, start=MONDAY + 100 * HOUR)
    assert np.flatnonzero(np.nan_to_num(rolled["expected"])).tolist() == [68 + 168 + 29]


def test_l49_divides_by_the_sigma_of_the_bar_before_and_bounds_what_comes() -> None:
    returns = daily([0.02, 0.0])
    sigma = np.full(48, 0.04)
    sigma[4], sigma[5] = 0.01, 0.5
    found = hours(returns, sigma=sigma)
    assert found["expected"][24 + 4] == pytest.approx(0.04 * 2.0 / 2)
    sigma[4] = 1e-300
    assert hours(returns, sigma=sigma)["expected"][24 + 4] == pytest.approx(0.04 * 25.0 / 2)
    sigma[4] = 0.0
    assert hours(returns, sigma=sigma)["expected"][24 + 4] == 0.0


def test_l49_leaves_out_a_return_over_a_gap() -> None:
    time = MONDAY + HOUR * np.r_[0:5, 7:48].astype(float)
    close = np.r_[np.full(5, 100.0), np.full(41, 120.0)]
    found = run("L49", {"time": time, "close": close, "sigma": 0.01}, {"buckets": 24, "shrink": 1})
    assert not np.any(np.nan_to_num(found["expected"]))


def seasons_by_hand(bars: Values, sigma: np.ndarray, buckets: int, shrink: int) -> tuple[np.ndarray, np.ndarray]:
    """expected and t of each bar: the visits as groups of pandas, then the moments of all that were over before."""
    frame = pd.DataFrame({"time": bars["time"], "x": np.log(bars["close"]), "sigma": sigma})
    frame["hour"] = (frame["time"] - 345_600_000) // HOUR
    frame["z"] = (frame["x"].diff() / frame["sigma"].shift(1)).clip(-25, 25)
    frame.loc[frame["time"].diff() != MINUTE, "z"] = np.nan
    visits = frame.groupby("hour")["z"].mean().dropna()
    groups = dict(list(visits.groupby(visits.index % 168 % buckets)))
    expected, t = np.zeros(len(frame)), np.zeros(len(frame))
    coming = ((frame["time"] + MINUTE - 345_600_000) // HOUR).to_numpy()
    hour = frame["hour"].to_numpy()
    starts = np.flatnonzero(np.r_[True, (np.diff(coming) != 0) | (np.diff(hour) != 0)])
    for first, end in zip(starts, np.r_[starts[1:], len(frame)], strict=True):
        past = groups.get(coming[first] % 168 % buckets, visits[:0])
        past = past[past.index < hour[first]].to_numpy()
        n = len(past)
        if n:
            mean = past.mean() * n / (n + shrink)
            expected[first:end] = mean * sigma[first:end]
            if n >= 4:
                t[first:end] = mean * np.sqrt(n + shrink) / past.std(ddof=1)
    return expected, t


@pytest.mark.parametrize(
    ("symbol", "bars", "params"),
    [
        ("bitfinex_ethusd_1m", 200_000, {"buckets": 168, "shrink": 5, "t": 0.5}),
        ("bitfinex_ethusd_1m", 60_000, {"buckets": 24, "shrink": 50, "t": 0.5}),
        ("binance_btcusdt_1m", 60_000, {"buckets": 100, "shrink": 1, "t": 1.0}),
    ],
)
def test_l49_agrees_with_visits_grouped_by_pandas(symbol: str, bars: int, params: dict[str, float]) -> None:
    chart = real_bars(symbol, bars)
    squares = pd.Series(np.log(chart["close"])).diff().fillna(1e-3) ** 2
    sigma = np.sqrt(squares.ewm(span=60).mean()).to_numpy()
    found = run("L49", {"time": chart["time"], "close": chart["close"], "sigma": sigma}, params)
    expected, t = seasons_by_hand(chart, sigma, int(params["buckets"]), int(params["shrink"]))
    assert np.allclose(found["expected"][1:], expected[1:], rtol=1e-9, atol=1e-15)
    assert np.allclose(found["t"][1:], t[1:], rtol=1e-7, atol=1e-9)
    near = np.isclose(np.abs(t), params["t"], rtol=1e-6)
    told = np.where(np.abs(t) > params["t"], np.sign(t), 0.0)
    assert np.array_equal(found["signal"][1:][~near[1:]], told[1:][~near[1:]])
    assert np.abs(fired(found)[1:]).sum() > 100 and np.abs(t[t != 0.0]).min() < params["t"]


def test_l49_finds_a_season_that_was_put_there_and_few_others() -> None:
    random = np.random.default_rng(20)
    time = MONDAY + 15 * MINUTE * np.arange(4 * 168 * 60, dtype=float)
    hour = (time - MONDAY) // HOUR % 168
    returns = random.normal(0, 0.01, len(time)) + np.where(hour == 90, 0.01, 0.0)
    close = 100.0 * np.exp(np.cumsum(returns))
    found = run("L49", {"time": time, "close": close, "sigma": 0.01}, {"shrink": 10})
    coming = (time + 15 * MINUTE - MONDAY) // HOUR % 168
    late = np.arange(len(time)) > 4 * 168 * 40
    assert np.all(found["signal"][late & (coming == 90)] == 1.0)
    assert np.mean(found["signal"][late & (coming != 90)] != 0.0) < 0.06


def test_l49_mirrors_and_knows_no_scale() -> None:
    chart = real_bars("bitfinex_ethusd_1m", 60_000)
    x = np.round(np.log(chart["close"] / chart["close"][0]), 6)
    params = {"buckets": 24, "shrink": 5, "t": 0.5}
    up, down, scaled = (
        run("L49", {"time": chart["time"], "close": c, "sigma": 1e-3}, params)
        for c in (100.0 * np.exp(x), 100.0 * np.exp(-x), 400.0 * np.exp(x))
    )
    assert np.nansum(np.abs(up["signal"])) > 50
    assert np.array_equal(up["signal"], -down["signal"], equal_nan=True)
    assert np.allclose(up["expected"], -down["expected"], rtol=1e-6, atol=1e-12, equal_nan=True)
    assert np.array_equal(up["signal"], scaled["signal"], equal_nan=True)


def test_l49_where_nothing_moves() -> None:
    still = hours([0.0] * 400, sigma=0.0)
    assert not any(np.any(still[n][1:]) for n in ("signal", "quality", "expected", "t"))
