"""L26: breaks with volume, their retests and their holds, over hand-made and recorded bars."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import talib

from tests.layers.pattern.charts import TOP, Values, grid_bars, lived, mirrored, run
from tests.layers.real_data import real_bars

BREAK = {"close": [100.0] * 10 + [103.0, 103.0, 103.0, 103.0, 103.0], "volume": [1.0] * 10 + [9.0] + [1.0] * 4}


def breakout(close: list[float], volume: list[float], low: list[float] | None = None) -> Values:
    price = np.array(close)
    lows = price - 0.5 if low is None else np.array(low)
    inputs = {"high": price + 0.5, "low": lows, "close": price, "volume": np.array(volume)}
    return run("L26", {**inputs, "upper": 101.0, "lower": 99.0, "atr": 1.0}, {"hold": 3, "window": 5})


def test_l26_confirms_a_break_after_its_hold() -> None:
    found = breakout(**BREAK)
    assert found["signal"][4:].tolist() == [0] * 9 + [1, 1]
    assert found["age"][13:].tolist() == [0, 1]
    assert found["level"][13] == 101.0
    assert found["quality"][13] == pytest.approx(1.0 - np.exp(-1.0))


def test_l26_wants_volume_and_no_return() -> None:
    assert not np.any(breakout(BREAK["close"], [1.0] * 15)["signal"][4:])
    failed = [100.0] * 10 + [103.0, 100.5, 103.0, 103.0, 103.0]
    assert not np.any(breakout(failed, BREAK["volume"])["signal"][4:])


def test_l26_is_confirmed_sooner_by_a_retest_that_holds() -> None:
    close = [100.0] * 10 + [103.0, 102.0, 103.0, 103.0, 103.0]
    low = [99.5] * 10 + [102.5, 101.05, 102.5, 102.5, 102.5]
    found = breakout(close, BREAK["volume"], low)
    assert found["signal"][4:].tolist() == [0] * 7 + [1] * 4
    assert found["quality"][11] == pytest.approx(1.0 - np.exp(-0.5))
    low[11] = 101.15  # not all the way back
    assert found["age"][13] == 2.0
    assert breakout(close, BREAK["volume"], low)["age"][13] == 0.0


def breaks_by_hand(bars: Values, hold: int, volume_x: float) -> np.ndarray:
    """Sides in which L26 fires, from break to break: each is followed to its end before the next is looked for."""
    close, margin = bars["close"], 0.1 * bars["atr"]
    usual = pd.Series(bars["volume"]).rolling(50).mean().to_numpy()
    busy = bars["volume"] > volume_x * usual
    up, down = busy & (close > bars["upper"] + margin), busy & (close < bars["lower"] - margin)
    fired = np.zeros(len(close))
    t = 0
    while t < len(close):
        side = float(up[t]) - float(down[t])
        if side == 0.0:
            t += 1
            continue
        level = bars["upper"][t] if side > 0 else bars["lower"][t]
        for u in range(t + 1, min(t + hold, len(close) - 1) + 1):
            beyond = side * (close[u] - level)
            reach = side * ((bars["low"][u] if side > 0 else bars["high"][u]) - level)
            off = beyond < -margin[u]
            confirmed = beyond > 0 and (u == t + hold or (reach <= margin[u] and beyond > margin[u]))
            if off or confirmed:
                fired[u] = side if confirmed else 0.0
                break
        t = u if t + 1 < len(close) else t + 1
    return fired


def test_l26_agrees_with_breaks_followed_one_by_one() -> None:
    bars = real_bars("bitfinex_ethusd_1m", 60_000)
    bars = {**bars, "atr": talib.ATR(bars["high"], bars["low"], bars["close"], 14)}
    bars["upper"] = pd.Series(bars["high"]).rolling(30).max().shift(1).to_numpy()
    bars["lower"] = pd.Series(bars["low"]).rolling(30).min().shift(1).to_numpy()
    bars = {n: values[30:] for n, values in bars.items()}
    names = ("upper", "lower", "high", "low", "close", "volume", "atr")
    found = run("L26", {n: bars[n] for n in names}, {"hold": 3, "volume_x": 1.5})
    fired = breaks_by_hand(bars, 3, 1.5)
    assert np.abs(fired).sum() > 500
    assert np.array_equal(np.where(found["age"] == 0.0, found["signal"], 0.0), fired)
    assert np.array_equal(found["signal"][49:], lived(fired, 9)[49:])


def test_l26_mirrors() -> None:
    bars = grid_bars()
    highs, lows = (np.lib.stride_tricks.sliding_window_view(bars[n], 30) for n in ("high", "low"))
    bars["upper"] = np.concatenate([np.full(30, TOP), highs.max(axis=1)[:-1]])
    bars["lower"] = np.concatenate([np.full(30, 1.0), lows.min(axis=1)[:-1]])
    turned = mirrored(bars) | {"upper": TOP - bars["lower"], "lower": TOP - bars["upper"]}
    names = ("upper", "lower", "high", "low", "close", "volume")
    plain, other = (run("L26", {**{n: chart[n] for n in names}, "atr": 1.0}) for chart in (bars, turned))
    assert np.nansum(np.abs(plain["signal"])) > 50
    assert np.array_equal(plain["signal"], -other["signal"], equal_nan=True)
    assert np.array_equal(plain["quality"], other["quality"], equal_nan=True)
