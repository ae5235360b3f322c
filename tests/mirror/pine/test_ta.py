"""The interpreters checked themselves: their `ta.*` against our primitives, and both against TradingView's values."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from stratoquant.layers import catalogue
from stratoquant.mirror.engines import Engine, run_script
from tests.layers.real_data import FOLDER
from tests.layers.single import run_layer
from tests.mirror.pine.engines import on_each_engine
from tests.mirror.pine.ta_layer import step as ta_layer

SCRIPT = """//@version=6
indicator("built-ins")
ema = ta.ema(close, 20)
rma = ta.rma(high, 15)
rsi = ta.rsi(close, 14)
atr = ta.atr(14)
[macd, signal, hist] = ta.macd(close, 12, 26, 9)
deviation = ta.stdev(close, 20)
linreg = ta.linreg(close, 20, 0)
highest = ta.highest(high, 10)
lowest = ta.lowest(low, 10)
wma = ta.wma(close, 20)
plot(ema, "ema")
plot(rma, "rma")
plot(rsi, "rsi")
plot(atr, "atr")
plot(macd, "macd")
plot(signal, "signal")
plot(deviation, "stdev")
plot(linreg, "linreg")
plot(highest, "highest")
plot(lowest, "lowest")
plot(wma, "wma")
"""

COLUMNS = {
    "ema": ("ta_ma", "ta.ema(close, 20)"),
    "rma": ("ta_ma", "ta.rma(high, 15)"),
    "wma": ("ta_ma", "ta.wma(close, 20)"),
    "rsi": ("ta_mfi+rsi+stoch", "ta.rsi(close, 14)"),
    "atr": ("ta_tr", "ta.atr(14)"),
    "macd": ("ta_macd", "ta.macd(close, 12, 26, 9).macd"),
    "signal": ("ta_macd", "ta.macd(close, 12, 26, 9).signal"),
    "linreg": ("ta_linreg", "ta.linreg(close, 20, 0)"),
    "highest": ("ta_highest+lowest", "ta.highest(10)"),
    "lowest": ("ta_highest+lowest", "ta.lowest(10)"),
    "stdev": ("ta_bb", "ta.bb(close, 20, 2).upper"),
}
"""Where TradingView's own values are. The deviation is half the distance of a band from its middle."""
TOLERANCE = {"stdev": 1e-6}  # TradingView takes it as E[x^2] - E[x]^2, which loses digits


def tv(name: str) -> pl.DataFrame:
    path = FOLDER / "tv" / f"{name}.csv"
    if not path.exists():
        pytest.skip("TradingView's values (../shared/data) are absent")
    return pl.read_csv(path, null_values=["NaN"], schema_overrides={"time": pl.Int64}, infer_schema_length=None)


def bars_of(table: pl.DataFrame) -> dict[str, np.ndarray]:
    columns = {c: table[c].cast(pl.Float64).to_numpy() for c in ("open", "high", "low", "close")}
    return {"time": table["time"].to_numpy() * 1000, **columns, "volume": table["Volume"].cast(pl.Float64).to_numpy()}


def ours(bars: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    prices = {c: bars[c] for c in ("high", "low", "close")}
    found = run_layer(ta_layer, prices)
    found["rsi"] = 100.0 * run_layer(catalogue().get("L14"), {"close": bars["close"]})["rsi"]
    found["stdev"] = np.sqrt(found["variance"])
    return found


def theirs(name: str) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """The bars behind a column of TradingView, and its values."""
    file, column = COLUMNS[name]
    table = tv(file)
    values = table[column].cast(pl.Float64).fill_null(np.nan).to_numpy()
    if name == "stdev":
        values = (values - table["ta.bb(close, 20, 2).base"].cast(pl.Float64).fill_null(np.nan).to_numpy()) / 2.0
    return bars_of(table), values


def assert_close(name: str, one: np.ndarray, other: np.ndarray, scale: float) -> None:
    both = ~np.isnan(one) & ~np.isnan(other)
    assert both.sum() > 80, name
    np.testing.assert_allclose(one[both], other[both], rtol=TOLERANCE.get(name, 1e-9), atol=1e-9 * scale, err_msg=name)


@pytest.mark.parametrize("name", COLUMNS)
def test_our_primitives_agree_with_tradingview(name: str) -> None:
    bars, values = theirs(name)
    found = ours(bars)[name]
    assert_close(name, found, values, float(np.nanmax(np.abs(values))))
    assert np.isnan(found).sum() == np.isnan(values).sum(), "the first value stands on another bar"


@on_each_engine
def test_an_engines_built_ins_agree_with_our_primitives_and_with_tradingview(engine: Engine) -> None:
    for name in COLUMNS:
        bars, values = theirs(name)
        said = run_script(engine, SCRIPT, bars, 3_600_000)[name]
        scale = float(np.nanmax(np.abs(values)))
        assert_close(name, said, ours(bars)[name], scale)
        assert_close(name, said, values, scale)


SUPERTREND = """//@version=6
indicator("supertrend")
[line, way] = ta.supertrend(1.0, 2)
plot(line, "line")
plot(way, "way")
"""


@on_each_engine
def test_l19_is_the_supertrend_of_an_engine_where_closes_lie_on_its_bands(engine: Engine) -> None:
    """Every bar has a range of 4, and none leaves the bar before by more: bands and closes are whole numbers."""
    random = np.random.default_rng(5)
    middle = np.full(2_000, 200.0)
    close = middle.copy()
    for k in range(1, len(close)):
        middle[k] = close[k - 1] + random.integers(-2, 3)
        close[k] = middle[k] + random.integers(-2, 3)
    high, low = middle + 2.0, middle - 2.0
    time = 1_700_000_040_000 + 60_000 * np.arange(len(close))
    bars = {"time": time, "open": close, "high": high, "low": low, "close": close, "volume": np.ones(len(close))}
    prices = {name: bars[name] for name in ("high", "low", "close")}
    found = run_layer(catalogue().get("L19"), prices, {"window": 2, "mult": 1.0})
    said = run_script(engine, SUPERTREND, bars, 60_000)
    assert np.count_nonzero(close[2:] == found["line"][2:]) > 100, "no close lies on a band"
    np.testing.assert_allclose(found["line"][2:], said["line"][2:], rtol=1e-12)
    np.testing.assert_array_equal(found["side"][2:], -said["way"][2:])
