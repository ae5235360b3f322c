"""L47: a chart for each clause, and climaxes followed one by one over recorded bars."""

from __future__ import annotations

import numpy as np
import pytest

from tests.layers.pattern.charts import SIDES, Values, fired, lived, run, turn
from tests.layers.real_data import real_bars

QUIET = 14  # bars of range 1 and volumes 1 and 2 by turns


def climax(after: list[float], side: float = 1.0, busy: float = 20.0, width: float = 4.0, **more: object) -> Values:
    """A bar from 100 to 100 + width after quiet ones, then closes; window 14."""
    count = QUIET + 1 + len(after)
    close = np.r_[np.full(QUIET, 100.0), 100.0 + 0.75 * width, after]
    open_, high, low = close - 0.25, close + 0.5, close - 0.5
    open_[QUIET], high[QUIET], low[QUIET] = 100.25, 100.0 + width, 100.0
    bars = turn({"open": open_, "high": high, "low": low, "close": close}, side)
    volume = 1.0 + np.arange(count) % 2
    volume[QUIET] = busy
    return run("L47", {**bars, "volume": volume, **more}, {"window": 14, "z": 3.0})


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
