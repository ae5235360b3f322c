"""Prices upside down turn a pattern's signal, and other units of price and volume change none of it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest

from stratoquant.graph.types import edge
from stratoquant.layers import catalogue
from tests.layers.pattern.charts import MIRRORED_KINDS, TOP, Values, fired, grid_bars, mirrored, run, with_grid_atr

OTHER_SIDE = {"top": "bottom", "support": "resistance", "high_level": "low_level"}
OTHER_SIDE |= {theirs: ours for ours, theirs in OTHER_SIDE.items()}


class Case(NamedTuple):
    """params: so that the pattern fires on at least `least` bars; rtol: where sums of other numbers are rounded; apart:
    the share of bars that rounding may change."""

    least: int
    params: dict[str, float] | None = None
    rtol: float = 0.0
    apart: float = 0.0


CASES = {
    "L28": Case(100),
    "L30": Case(100),
    "L32": Case(100),
    "L33": Case(100),
    "L34": Case(100),
    "L35": Case(100),
    "L36": Case(100, {"pivot": 4}),
    "L37": Case(100, {"pivot": 4}, 1e-9),
    "L38": Case(100, {"pivot": 4}),
    "L39": Case(50),
    "L40": Case(50, {"window": 40, "touch": 0.5}),
    "L41": Case(1000, {"pivot": 3}, 1e-9, 1e-3),  # a level between points of the grid
    "L42": Case(300, {"pivot": 3, "tolerance": 0.3}, 1e-9, 1e-3),
    "L43": Case(1000, {"pivot": 3}, 1e-9, 1e-3),
    "L44": Case(50),
    "L45": Case(50, {"impulse": 1.5}),
    "L46": Case(100),
    "L47": Case(50),
    "L48": Case(10),
}


def charted(key: str, bars: Values, bias: np.ndarray, units: float = 1.0) -> Values:
    """What the layer gives on these bars, with prices and volumes in other units."""
    declared = catalogue().get(key)
    prices = {n: values * units for n, values in bars.items() if n != "volume"}
    time = 1_600_041_600_000 + 60_000.0 * np.arange(len(bias))
    all_of_them = prices | {
        "volume": bars["volume"] / units,
        "bias": bias,
        "bandwidth_rank": np.abs(bias),
        "time": time,
    }
    return run(key, {n: all_of_them[n] for n in declared.inputs}, CASES[key].params)


def is_price(key: str, name: str) -> bool:
    return catalogue().get(key).outputs[name] == edge("price")


def other_side(key: str, name: str, found: Values) -> np.ndarray:
    """The output that the chart upside down is to give, of a chart as it is."""
    value = found[OTHER_SIDE.get(name, name)]
    if is_price(key, name):
        return TOP - value
    if name in ("signal", "trend"):
        return -value
    if name == "kind" and key in MIRRORED_KINDS:
        return np.where(np.isnan(value), np.nan, np.array(MIRRORED_KINDS[key])[np.nan_to_num(value).astype(int)])
    if name == "position":
        return 1.0 - value
    return value


@pytest.mark.parametrize("key", CASES)
def test_upside_down(key: str) -> None:
    bars = with_grid_atr(grid_bars(60_000))
    bias = np.random.default_rng(9).uniform(-1.0, 1.0, len(bars["close"]))
    turned = mirrored(bars)
    assert turned["high"].max() < TOP
    plain, other = charted(key, bars, bias), charted(key, turned, -bias)
    assert np.nansum(np.abs(fired(plain))) > CASES[key].least
    same = plain["signal"] == -other["signal"]
    for name in plain:
        rounding = 1e-12 if name == "position" else 0.0  # a share, taken from 1
        expected = other_side(key, name, plain)
        apart = ~np.isclose(other[name], expected, rtol=CASES[key].rtol, atol=rounding, equal_nan=True)
        assert np.mean(apart[same] if name != "signal" else apart) <= CASES[key].apart, name


@pytest.mark.parametrize("key", CASES)
def test_other_units(key: str) -> None:
    bars = with_grid_atr(grid_bars(60_000))
    bias = np.random.default_rng(9).uniform(-1.0, 1.0, len(bars["close"]))
    units = 2.0**-40
    plain, scaled = charted(key, bars, bias), charted(key, bars, bias, units)
    for name, values in plain.items():
        expected = values * units if is_price(key, name) else values
        assert np.array_equal(expected, scaled[name], equal_nan=True), name
