"""L33: a chart for each comparison, and TA-Lib's candle with the filters of the rule."""

from __future__ import annotations

import numpy as np
import pytest
import talib

from tests.layers.pattern.candles import OHLC, Row, before, candles, chart, on_atr
from tests.layers.pattern.charts import SIDES, fired, lived, run
from tests.layers.real_data import real_bars

FALL = [(40, 40, 38, 38), (38, 38, 36, 36), (36, 36, 34, 34)]
BLACK = (34, 34, 33, 33)


def engulfs(last: Row, side: float = 1.0, rows: list[Row] | None = None, **inputs: float) -> float:
    bars = chart([*(FALL if rows is None else rows), BLACK, last], side)
    return side * run("L33", {**bars, "atr": inputs.get("atr", 1.0)}, {"trend": 3, "body": 0.5})["signal"][-1]


@SIDES
def test_l33_fires_on_a_body_that_swallows_the_one_before(side: float) -> None:
    assert engulfs((32, 35, 32, 35), side) == 1.0
    assert engulfs((33, 35, 33, 35), side) == 1.0
    assert engulfs((32, 34, 32, 34), side) == 1.0
    for last in ((33, 34, 33, 34), (33.5, 35, 33, 35), (32, 35, 32, 33.5), (35, 35, 32, 32), (33, 33, 33, 33)):
        assert engulfs(last, side) == 0.0


@SIDES
def test_l33_wants_a_strong_body_after_a_move_the_other_way(side: float) -> None:
    assert engulfs((33, 35, 33, 35), side, atr=4.0) == 1.0
    assert engulfs((33, 35, 33, 35), side, atr=4.125) == 0.0
    flat: list[Row] = [(33, 33, 33, 33), (40, 40, 38, 38), (36, 36, 34, 34)]
    assert engulfs((32, 35, 32, 35), side, flat) == 0.0
    assert engulfs((32, 35, 32, 35), side, [(32, 32, 32, 32), *FALL[1:]]) == 0.0
    assert engulfs((32, 35, 32, 35), side, [(33.5, 33.5, 33.5, 33.5), *FALL[1:]]) == 1.0


@pytest.mark.parametrize("name", ["bitfinex_btcusd_1m", "bitfinex_ethusd_1m", "bitfinex_xrpusd_1m"])
def test_l33_is_the_engulfing_candle_of_ta_lib_with_its_filters(name: str) -> None:
    """Equal on every bar but after bars without a body, which TA-Lib takes for white ones."""
    bars = real_bars(name, 120_000)
    atr = talib.ATR(bars["high"], bars["low"], bars["close"], 14)
    bars = {n: bars[n][14:] for n in OHLC} | {"atr": atr[14:]}
    close = bars["close"]
    body = np.abs(close - bars["open"])
    shape = np.where(before(body, 1) > 0.0, candles("CDLENGULFING", bars), 0.0)
    against = shape * (before(close, 1) - before(close, 6)) < 0.0
    fires = np.where(against & (body >= 0.5 * bars["atr"]), shape, 0.0)
    found = run("L33", bars)
    assert np.abs(fires).sum() > 1000
    assert np.array_equal(fired(found)[6:], fires[6:])
    assert np.allclose(found["quality"][fires != 0.0], on_atr(body, bars["atr"])[fires != 0.0], rtol=1e-9)
    assert np.array_equal(found["signal"][6:], lived(fires, 5)[6:])
