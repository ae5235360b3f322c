"""The cheap spike test gives the answers of the full median absolute deviation, on every kind of series."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest

from stratoquant.graph.language import Parameters, State, layer, param, sized
from stratoquant.graph.types import Flag, Real
from stratoquant.layers.primitives.spike import SpikeWindow, beyond_mad
from tests.layers.real_data import real_bars
from tests.layers.single import run_layer


class Params(Parameters):
    window: int = param(240, 2, 5000, "values")
    multiple: float = param(12.0, 0.1, 50.0, "MADs")


class Memory(State):
    window: SpikeWindow = sized(lambda p: p.window)


class Out(NamedTuple):
    beyond: Flag


@layer(None, "spike_test", domain="block", source="test")
def step(s: Memory, p: Params, x: Real) -> Out:
    return Out(1.0 if beyond_mad(s.window, x, p.window, p.multiple) else 0.0)


def by_numpy(x: np.ndarray, window: int, multiple: float) -> np.ndarray:
    views = np.lib.stride_tricks.sliding_window_view(x, window)
    mad = np.median(np.abs(views - np.median(views, axis=1, keepdims=True)), axis=1)
    inside = np.zeros(len(x))
    inside[window - 1 :] = (mad > 0.0) & (np.abs(views[:, -1]) > multiple * mad)
    return inside


def series(kind: str) -> np.ndarray:
    random = np.random.default_rng(7)
    if kind == "normal":
        return random.normal(size=6000)
    if kind == "fat tails":
        return random.standard_t(2, size=6000) * 1e-4
    if kind == "many zeros":
        return np.where(random.random(6000) < 0.45, 0.0, random.normal(size=6000))
    if kind == "mostly zeros":
        return np.where(random.random(6000) < 0.7, 0.0, random.normal(size=6000))
    if kind == "few values":
        return random.integers(-3, 4, 6000) * 0.25
    if kind == "changing scale":
        return random.normal(size=6000) * np.exp(np.cumsum(random.normal(0.0, 0.05, 6000)))
    return np.cumsum(random.normal(size=6000))


@pytest.mark.parametrize(
    "kind", ["normal", "fat tails", "many zeros", "mostly zeros", "few values", "changing scale", "walk"]
)
@pytest.mark.parametrize("window", [2, 3, 16, 31, 240])
@pytest.mark.parametrize("multiple", [0.5, 1.0, 3.0, 17.0])
def test_the_bound_never_changes_an_answer(kind: str, window: int, multiple: float) -> None:
    x = series(kind)
    found = run_layer(step, {"x": x}, {"window": window, "multiple": multiple})["beyond"]
    assert np.array_equal(found, by_numpy(x, window, multiple))


def test_on_recorded_returns() -> None:
    close = real_bars("bitfinex_xrpusd_1m", 200_000)["close"]
    x = np.diff(np.log(close))
    found = run_layer(step, {"x": x}, {"window": 240, "multiple": 12 * 1.4826})["beyond"]
    expected = np.concatenate([by_numpy(part, 240, 12 * 1.4826)[240:] for part in overlapping(x, 20_000, 240)])
    assert np.array_equal(found[240 : 240 + len(expected)], expected)
    assert 0 < found.sum() < len(x) // 50


def overlapping(x: np.ndarray, size: int, lap: int) -> list[np.ndarray]:
    return [x[start : start + size + lap] for start in range(0, len(x) - size - lap, size)]
