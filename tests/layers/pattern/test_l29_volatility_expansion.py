"""L29: a chart for each comparison, and its windows over recorded bars."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tests.layers.pattern.candles import OHLC, Row, before, chart
from tests.layers.pattern.charts import SIDES, Values, fired, lived, run
from tests.layers.real_data import real_bars


def expansion(last: Row, side: float = 1.0, z: float = 2.5) -> Values:
    quiet = (32.0, 32.0, 32.0, 32.0)
    return run("L29", {**chart([quiet] * 11 + [last], side), "sigma": 0.01}, {"window": 10, "z": z})


@SIDES
def test_l29_fires_on_a_wide_bar_that_closes_at_its_end(side: float) -> None:
    found = expansion((31, 34, 30, 33), side)
    assert found["signal"][10:].tolist() == [0, side]
    assert found["range_z"][11] == pytest.approx(3.0)
    assert found["quality"][11] == pytest.approx(1.0 - np.exp(-0.2))
    assert found["age"][11] == 0.0
    assert expansion((31, 34, 30, 32.9375), side)["signal"][11] == 0.0
    assert expansion((33.5, 34, 30, 33), side)["signal"][11] == 0.0
    assert expansion((31, 34, 30, 33), side, 3.5)["signal"][11] == 0.0


def test_l29_wants_more_than_its_threshold() -> None:
    inputs = {"open": 1.0, "low": 1.0, "sigma": np.log(2.0)}
    high = np.r_[np.ones(10), 1024.0]
    found = run("L29", {**inputs, "high": high, "close": high}, {"window": 10, "z": 3.0})
    assert found["range_z"][10] == 3.0
    assert found["signal"][10] == 0.0


def test_l29_agrees_with_its_windows_on_recorded_bars() -> None:
    bars = real_bars("bitfinex_ethusd_1m", 40_000)
    moves = np.diff(np.log(bars["close"]), prepend=np.log(bars["close"][0]))
    sigma = np.sqrt(pd.Series(moves**2).ewm(span=30, adjust=False).mean().to_numpy())
    sigma[::97] = 0.0
    found = run("L29", {**{n: bars[n] for n in OHLC}, "sigma": sigma})
    width = np.log(bars["high"] / bars["low"])
    scale = before(sigma, 1)
    x = np.divide(width, scale, out=np.zeros(len(width)), where=scale != 0.0)
    windows = np.lib.stride_tricks.sliding_window_view(x[1:], 100)
    z = np.r_[np.full(100, np.nan), (windows[:, -1] - windows.mean(axis=1)) / windows.std(axis=1)]
    assert np.allclose(found["range_z"], z, rtol=1e-9, atol=1e-9, equal_nan=True)
    share = (bars["close"] - bars["low"]) / np.where(width > 0.0, bars["high"] - bars["low"], np.inf)
    side = np.sign(bars["close"] - bars["open"])
    held = np.where(side > 0.0, share >= 0.75, share <= 0.25)
    fires = np.where((z > 2.5) & held, side, 0.0)
    assert np.abs(fires).sum() > 300
    assert np.array_equal(fired(found), fires)
    assert np.allclose(found["quality"][fires != 0.0], 1.0 - np.exp(1.0 - z[fires != 0.0] / 2.5), rtol=1e-7, atol=1e-12)
    assert np.array_equal(found["signal"][100:], lived(fires, 10)[100:])
