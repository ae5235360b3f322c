"""L49: hours that repeat themselves, put there by hand, and visits grouped by pandas over recorded bars."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tests.layers.pattern.charts import SIDES, Values, fired, run
from tests.layers.real_data import real_bars

MINUTE, HOUR = 60_000, 3_600_000
MONDAY = 1_600_041_600_000  # 2020-09-14 00:00 UTC


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
