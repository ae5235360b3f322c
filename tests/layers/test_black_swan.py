"""L87 against a transcription of its sources, and on simulated markets whose jumps are known."""

from __future__ import annotations

import numpy as np
import pytest

from stratoquant.layers import catalogue
from tests.layers.real_data import real_bars
from tests.layers.single import run_layer

Values = dict[str, np.ndarray]
nan = float("nan")
MINUTE = 60_000.0
MED = np.pi / (6.0 - 4.0 * np.sqrt(3.0) + np.pi)


def run(inputs: dict[str, object], params: dict[str, float] | None = None) -> Values:
    return run_layer(catalogue().get("L87"), inputs, params)


def minutes(change: np.ndarray) -> dict[str, object]:
    """Bars of every minute from midnight on, with these returns."""
    return {"time": MINUTE * np.arange(len(change)), "close": 100.0 * np.exp(np.cumsum(change)), "volume": 1.0}


def critical(n: int, level: float) -> float:
    q = np.sqrt(2.0 * np.log(n))
    return q - (np.log(np.pi) + np.log(np.log(n))) / (2.0 * q) - np.log(-np.log(level)) / q


def transcribed(bars: Values, window: int, parts: int, days: int) -> np.ndarray:
    """jump, bar by bar, with plain lists."""
    length = 86_400_000.0 / parts
    sizes: list[float] = []
    squares: list[float] = []
    visits: dict[int, list[float]] = {}
    level: dict[int, float] = {}
    values: list[float] = []
    visit, close = None, nan
    jump = np.full(len(bars["close"]), nan)
    for t, price in enumerate(bars["close"]):
        if bars["gap"][t] > 0 and bars["volume"][t] == 0 and price == close:
            jump[t] = 0.0 if len(squares) >= window - 3 else nan
            continue
        now = bars["time"][t] // length
        if now != visit:
            if values:
                k = int(visit % parts)
                visits.setdefault(k, []).append(float(np.mean(values)))
                share = 1.0 / min(len(visits[k]), days)
                level[k] = level.get(k, 0.0) + (visits[k][-1] - level.get(k, 0.0)) * share
            visit, values = now, []
        k = int(now % parts)
        count = len(visits.get(k, ()))
        usual_level = np.mean(list(level.values())) if level else 1.0
        squared = (count * level.get(k, 0.0) / usual_level + 4.0) / (count + 4.0)
        x = np.log(price / close) / np.sqrt(squared * (1.0 + bars["gap"][t]))
        median = np.median([abs(x), *sizes[-2:]]) if len(sizes) >= 2 else nan
        if len(squares) >= window - 3:
            usual = np.mean(squares[-(window - 3) :])
            jump[t] = x / np.sqrt(usual) if usual > 0.0 else 0.0
            if usual > 0.0:
                values.append(min(squared * MED * median**2 / usual, 25.0))
        if not np.isnan(median):
            squares.append(MED * median**2)
        if not np.isnan(x):
            sizes.append(abs(x))
        close = price
    return jump


def bars_with_gaps(count: int) -> Values:
    """Real minutes; every seventh hour a few are filled as L0 fills them, and the next one ends the gap."""
    bars = {name: np.array(v, dtype=float) for name, v in real_bars("bitfinex_xrpusd_1m", count).items()}
    gap = np.zeros(count)
    for start in range(400, count - 10, 420):
        gap[start : start + 3] = (1.0, 2.0, 3.0)
        bars["close"][start : start + 3] = bars["close"][start - 1]
        bars["volume"][start : start + 3] = 0.0
        gap[start + 3] = 3.0
    return {name: bars[name] for name in ("time", "close", "volume")} | {"gap": gap}


@pytest.mark.parametrize(
    ("window", "level", "cool", "parts", "days"), [(270, 0.999, 60, 24, 20), (40, 0.95, 3, 1, 20), (50, 0.99, 9, 96, 2)]
)
def test_is_the_test_of_lee_and_mykland_on_medians(window: int, level: float, cool: int, parts: int, days: int) -> None:
    bars = bars_with_gaps(12_000)
    found = run(bars, {"window": window, "level": level, "cool": cool, "parts": parts, "days": days})
    jump, threshold = transcribed(bars, window, parts, days), critical(window, level)
    np.testing.assert_allclose(found["jump"], jump, rtol=1e-8, atol=1e-12)
    jumped = np.abs(jump) > threshold
    assert jumped.sum() > 20
    severity, since, alarmed = 0.0, 0, False
    for t in range(window, len(jump)):
        since += 1
        if jumped[t]:
            since, alarmed, severity = 0, True, max(severity, 1 - threshold / abs(jump[t]))
        elif since >= cool:
            alarmed, severity = False, 0.0
        assert found["alarm"][t] == float(alarmed) and found["calm"][t] == since
        assert found["severity"][t] == pytest.approx(severity, rel=1e-8, abs=1e-12)


def test_it_measures_in_standard_deviations_and_rarely_alarms_without_jumps() -> None:
    random = np.random.default_rng(2)
    change = random.normal(0, 1e-3, 30_000)
    quiet = run(minutes(change), {"cool": 1})
    assert np.nanstd(quiet["jump"]) == pytest.approx(1.0, rel=0.03)
    assert np.nansum(quiet["alarm"]) < 5  # of 110 windows, each with a chance of 0.001
    often = run(minutes(change), {"cool": 1, "level": 0.9})
    windows = np.add.reduceat(often["alarm"][270:], np.arange(0, 29_730, 270)) > 0
    assert windows.mean() == pytest.approx(0.1, abs=0.07)


def test_it_alarms_at_each_jump_and_for_as_long_as_it_says() -> None:
    random = np.random.default_rng(2)
    change = random.normal(0, 1e-3, 30_000)
    change[20_000:20_003] = (0.012, -0.012, 0.012)  # neighbours that would raise a product of two
    found = run(minutes(change))
    assert found["alarm"][19_999] == 0.0 and np.all(found["alarm"][20_000:20_062] == 1.0)
    assert found["alarm"][20_062] == 0.0 and found["severity"][20_000] > 0.4
    assert np.all(np.abs(found["jump"][20_000:20_003]) > 9.0)


def test_the_pattern_of_the_day_is_no_jump() -> None:
    """The first hour of each day moves four times as much; without a factor for it, its bars are taken for jumps."""
    random = np.random.default_rng(3)
    days = 40
    scale = np.where(np.arange(1440 * days) % 1440 < 60, 4e-3, 1e-3)
    bars = minutes(scale * random.normal(size=1440 * days))
    late = slice(1440 * 20, None)
    without, within = (np.abs(run(bars, {"parts": parts})["jump"][late]) > critical(270, 0.999) for parts in (1, 24))
    assert without.sum() > 50 and within.sum() < 0.1 * without.sum()
    found = run(bars)["jump"][late]
    assert np.std(found[scale[late] > 2e-3]) == pytest.approx(1.0, rel=0.25)
    assert np.std(found[scale[late] < 2e-3]) == pytest.approx(1.0, rel=0.1)


def test_filled_bars_are_no_observations() -> None:
    """They would halve the variance, and every second return would be a jump."""
    random = np.random.default_rng(4)
    change = 1e-3 * random.normal(size=3000)
    whole = minutes(change)
    bars = {
        "close": np.repeat(whole["close"], 2),
        "volume": np.tile([1.0, 0.0], 3000),
        "gap": np.tile([0.0, 1.0], 3000),
    }
    found = run(bars | {"time": MINUTE * np.arange(6000)}, {"parts": 1})
    np.testing.assert_allclose(found["jump"][::2], run(whole, {"parts": 1})["jump"], rtol=1e-12)
    assert np.all(found["jump"][601::2] == 0.0)


def test_a_move_over_a_gap_has_the_time_of_the_gap() -> None:
    random = np.random.default_rng(5)
    change = 1e-3 * random.normal(size=1000)
    change[600] = 4e-3
    gap = np.zeros(1000)
    plain = run(minutes(change) | {"gap": gap})["jump"][600]
    gap[600] = 15.0
    assert run(minutes(change) | {"gap": gap})["jump"][600] == pytest.approx(plain / 4.0, rel=1e-12)


def test_a_market_that_stands_still_has_no_jumps() -> None:
    flat = run({"time": MINUTE * np.arange(400), "close": np.full(400, 7.0), "volume": 0.0})
    assert np.isnan(flat["jump"][:270]).all()
    assert np.all(flat["jump"][270:] == 0.0) and np.all(flat["alarm"][270:] == 0.0)
