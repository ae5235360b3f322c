"""L28: a chart for each comparison, and squeezes followed one by one over recorded bars."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import talib

from tests.layers.pattern.charts import SIDES, Values, fired, lived, run, turn
from tests.layers.real_data import real_bars


def squeezed(closes: list[float], widths: list[float], side: float = 1.0, **more: object) -> Values:
    """Bars around their closes, after eight quiet ones; window 5."""
    close = np.array([100.0] * 8 + closes)
    half = 0.5 * np.array([2.0] * 8 + widths)
    bars = turn({"high": close + half, "low": close - half, "close": close}, side)
    params = {"window": 5, "bb": 2.0, "kc": 1.5}
    return run("L28", {**bars, "bandwidth_rank": 0.2, **more}, params)


@SIDES
def test_l28_fires_to_the_side_of_the_close_that_ends_a_squeeze(side: float) -> None:
    found = squeezed([110.0, 110.0], [2.0, 2.0], side)
    assert found["squeeze"][6:].tolist() == [1, 1, 0, 0]
    assert found["signal"][6:].tolist() == [0, 0, side, side]
    assert found["age"][8:].tolist() == [0, 1]
    assert found["quality"][8] == pytest.approx(0.8 * 0.75)


def test_l28_counts_a_narrow_bar_of_the_squeeze_and_the_lowest_rank() -> None:
    ranks = np.r_[np.full(6, 0.01), 0.5, 0.4, 0.3, 0.6, 0.1]
    found = squeezed([100.0, 100.0, 110.0], [1.0, 2.0, 2.0], bandwidth_rank=ranks)
    assert found["nr7"][6:].tolist() == [0, 0, 1, 0, 0]
    assert found["quality"][10] == pytest.approx(0.99)
    again = squeezed([110.0, *[110.0] * 5, 120.0], [1.0, *[2.0] * 5, 2.0])
    assert again["squeeze"][8:].tolist() == [0, 0, 0, 0, 1, 1, 0]
    assert again["nr7"][8] == 1.0  # but not of the squeeze that follows
    assert again["quality"][14] == pytest.approx(0.8 * 0.75)
    twice = squeezed([100.0, 110.0, *[110.0] * 5, 120.0], [1.0, 2.0, *[2.0] * 5, 2.0])
    assert [twice["quality"][k] for k in (9, 15)] == pytest.approx([0.8, 0.8 * 0.75])


def test_l28_calls_a_bar_narrow_only_below_each_of_the_six_before() -> None:
    assert squeezed([100.0], [2.0])["nr7"][8] == 0.0
    wide = squeezed([100.0] * 7, [0.5, 1, 1, 1, 1, 1, 0.75])
    assert wide["nr7"][8:].tolist() == [1, 0, 0, 0, 0, 0, 0]
    assert squeezed([100.0] * 8, [0.5, 1, 1, 1, 1, 1, 1, 0.75])["nr7"][15] == 1.0


def test_l28_is_silent_where_nothing_moves() -> None:
    still = run("L28", {"high": 100.0, "low": 100.0, "close": np.full(40, 100.0), "bandwidth_rank": 0.5})
    assert not np.any(still["squeeze"][19:])
    assert not np.any(still["nr7"][19:])
    assert not np.any(still["signal"][19:])


@pytest.mark.parametrize(("last", "side"), [(100.0, 0.0), (100.0625, 1.0), (99.9375, -1.0)])
def test_l28_fires_on_no_side_when_the_close_is_in_the_middle(last: float, side: float) -> None:
    inputs = {"high": np.r_[np.full(12, 105.0), 101.0], "low": np.r_[np.full(12, 95.0), 99.0]}
    close = np.array([100.0] * 8 + [102.0, 98.0, 102.0, 98.0, last])
    params = {"window": 5, "bb": 2.5, "kc": 0.51}
    found = run("L28", {**inputs, "close": close, "bandwidth_rank": 0.2}, params)
    assert found["squeeze"][11:].tolist() == [1, 0]
    assert found["signal"][11:].tolist() == [0, side]


@SIDES
def test_l28_wants_both_bands_strictly_inside(side: float) -> None:
    """The band of 105 stands on the channel's edge on the last bar, the other one well inside."""
    inputs = turn({"high": 105.0, "low": 95.0, "close": np.array([95.0, 100, 105, 100, 100, 100, 100])}, side)
    on_edge, wider = (
        run("L28", {**inputs, "bandwidth_rank": 0.2}, {"window": 5, "bb": 2.0, "kc": kc}) for kc in (0.5, 0.5625)
    )
    assert [on_edge["squeeze"][6], wider["squeeze"][6]] == [0.0, 1.0]


def rma_of_ranges(bars: Values, n: int) -> np.ndarray:
    """Wilder's average of the true range, the first of which is high - low."""
    last = np.r_[np.nan, bars["close"][:-1]]
    true = np.fmax(bars["high"], last) - np.fmin(bars["low"], last)
    seeded = np.r_[np.full(n - 1, np.nan), true[:n].mean(), true[n:]]
    return pd.Series(seeded).ewm(alpha=1.0 / n, adjust=False).mean().to_numpy()


@pytest.mark.parametrize(("window", "bb", "kc"), [(20, 2.0, 1.5), (13, 1.5, 1.25)])
def test_l28_agrees_with_its_squeezes_followed_one_by_one(window: int, bb: float, kc: float) -> None:
    bars = real_bars("bitfinex_ethusd_1m", 60_000)
    close = pd.Series(bars["close"])
    rank = np.random.default_rng(3).random(len(close))
    inputs = {n: bars[n] for n in ("high", "low", "close")} | {"bandwidth_rank": rank}
    found = run("L28", inputs, {"window": window, "bb": bb, "kc": kc})
    mean, sd = close.rolling(window).mean().to_numpy(), close.rolling(window).std(ddof=0).to_numpy()
    middle, reach = talib.EMA(bars["close"], window), kc * rma_of_ranges(bars, window)
    squeeze = (mean + bb * sd < middle + reach) & (mean - bb * sd > middle - reach)
    width = bars["high"] - bars["low"]
    nr7 = width < pd.Series(width).rolling(6).min().shift(1).to_numpy()
    tops, bottoms = pd.Series(bars["high"]).rolling(window).max(), pd.Series(bars["low"]).rolling(window).min()
    side = np.sign(bars["close"] - 0.5 * (0.5 * (tops + bottoms).to_numpy() + mean))
    fires, quality = np.zeros(len(close)), np.zeros(len(close))
    starts = np.flatnonzero(squeeze & ~np.r_[False, squeeze[:-1]])
    ends = np.flatnonzero(~squeeze & np.r_[False, squeeze[:-1]])
    for first, end in zip(starts, ends, strict=False):
        fires[end] = side[end]
        quality[end] = (1.0 - rank[first:end].min()) * (1.0 if nr7[first:end].any() else 0.75)
    known = slice(max(window - 1, 6), None)
    assert np.abs(fires).sum() > 300
    assert np.array_equal(found["squeeze"][known], squeeze[known])
    assert np.array_equal(found["nr7"][known], nr7[known])
    assert np.array_equal(fired(found)[known], fires[known])
    assert np.allclose(found["quality"][fires != 0.0], quality[fires != 0.0], rtol=1e-9)
    assert np.array_equal(found["signal"][known], lived(fires, 10)[known])
