"""L31: stretched prices and the regimes that forbid them, over hand-made and recorded bars."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import talib

from tests.layers.pattern.charts import Values, lived, run
from tests.layers.real_data import real_bars


def reversion(regime: float = 0.0, reverting: float = 1.0, side: float = 1.0) -> Values:
    close = 100.0 - side * np.array([0.0, 1.0, 2.0, 3.0, 4.0])
    stretched = {"percent_b": 0.5 - side * 0.8, "z": -side * 2.6}
    return run("L31", {"close": close, **stretched, "reverting": reverting, "regime": regime})


@pytest.mark.parametrize("side", [1.0, -1.0])
def test_l31_buys_what_is_stretched(side: float) -> None:
    found = reversion(side=side)
    assert found["signal"][2:].tolist() == [side] * 3
    assert found["quality"][2] == pytest.approx(1.0 - np.exp(-0.3))
    assert found["age"][2:].tolist() == [0, 1, 2]


def test_l31_does_not_stand_against_a_trend() -> None:
    assert not np.any(reversion(regime=3.0)["signal"][2:])
    assert np.any(reversion(regime=3.0, side=-1.0)["signal"][2:])
    assert not np.any(reversion(regime=2.0, side=-1.0)["signal"][2:])
    assert not np.any(reversion(regime=5.0)["signal"][2:])
    assert not np.any(reversion(reverting=0.0)["signal"][2:])


def test_l31_agrees_with_its_conditions_on_recorded_bars() -> None:
    bars = real_bars("bitfinex_btcusd_1m", 60_000)
    close = bars["close"]
    upper, middle, lower = talib.BBANDS(close, 20, 2.0, 2.0)
    regime = np.random.default_rng(5).integers(0, 6, len(close)).astype(float)
    chart = {
        "close": close, "percent_b": (close - lower) / (upper - lower), "z": 2.0 * (close - middle) / (upper - middle),
        "reverting": np.repeat([0.0, 1.0, 1.0], len(close) // 3), "regime": regime,
    }  # fmt: skip
    chart = {n: values[20:] for n, values in chart.items()}
    gain, loss = (np.maximum(s * np.diff(chart["close"], prepend=chart["close"][0]), 0.0) for s in (1.0, -1.0))
    gain, loss = (np.r_[np.nan, _wilder(x[1:], 2)] for x in (gain, loss))
    open_ = (chart["reverting"] > 0) & (regime[20:] != 5)
    rise = open_ & (gain < 0.1 * (gain + loss)) & (chart["percent_b"] < 0) & (chart["z"] < -1.5) & (regime[20:] != 3)
    fall = open_ & (loss < 0.1 * (gain + loss)) & (chart["percent_b"] > 1) & (chart["z"] > 1.5) & (regime[20:] != 2)
    side = rise.astype(float) - fall
    fired = np.where(side != np.r_[0.0, side[:-1]], side, 0.0)
    missing = np.isnan(chart["percent_b"] + chart["z"])
    assert not missing.any()
    found = run("L31", chart, {"extreme": 0.1, "z": 1.5})
    assert np.abs(fired).sum() > 300
    assert np.array_equal(np.where(found["age"] == 0.0, found["signal"], 0.0), fired)
    quality = 1.0 - np.exp(1.0 - np.abs(chart["z"]) / 1.5)
    assert np.allclose(found["quality"][fired != 0.0], quality[fired != 0.0], rtol=1e-9)
    assert np.array_equal(found["signal"][2:], lived(fired, 10)[2:])


def _wilder(x: np.ndarray, n: int) -> np.ndarray:
    """Wilder's average by pandas, seeded with the mean of the first n."""
    seeded = np.r_[np.full(n - 1, np.nan), x[:n].mean(), x[n:]]
    return pd.Series(seeded).ewm(alpha=1.0 / n, adjust=False, ignore_na=True).mean().to_numpy()
