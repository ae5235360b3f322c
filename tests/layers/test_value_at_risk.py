"""L84 against numpy on the same window, on simulated returns with a known tail, and by Kupiec's test on real ones."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom, chi2, norm

from stratoquant.layers import catalogue
from tests.layers.single import run_layer
from tests.layers.test_risk_portfolio import recorded, with_gaps

Values = dict[str, np.ndarray]
nan = float("nan")


def run(inputs: dict[str, object], params: dict[str, float] | None = None, symbols: int = 1) -> Values:
    return run_layer(catalogue().get("L84"), inputs, params, symbols)


def filtered(r1: np.ndarray, half_life: int, horizon: int) -> tuple[np.ndarray, np.ndarray]:
    """Sums of z over the horizon, and the volatility that is expected next; pandas' weights for a running mean."""
    squares = pd.DataFrame(r1**2)
    weights = squares.ewm(halflife=half_life, adjust=True, ignore_na=True, min_periods=half_life)
    v = weights.mean().ffill().to_numpy()
    before = np.vstack([np.full((1, v.shape[1]), nan), v[:-1]])
    z = np.nan_to_num(np.where(before > 0.0, r1 / np.sqrt(np.where(before > 0.0, before, 1.0)), 0.0))
    z = np.clip(z, -20.0, 20.0)
    total = np.vstack([np.zeros((1, z.shape[1])), np.cumsum(z, axis=0)])
    sums = np.full(z.shape, nan)
    sums[horizon - 1 :] = total[horizon:] - total[:-horizon]
    return sums, np.sqrt(v)


@pytest.mark.parametrize(
    ("window", "level", "horizon", "half_life", "gaps"),
    [
        (4000, 0.99, 60, 60, 0.0),
        (100, 0.9, 1, 23, 0.0),
        (101, 0.999, 7, 5, 0.1),
        (500, 0.975, 150, 200, 0.1),
    ],
)
def test_is_numpys_tail_of_the_same_window(
    window: int, level: float, horizon: int, half_life: int, gaps: float
) -> None:
    """At every bar, whatever is held on it."""
    r1 = with_gaps(recorded()[:9_000], gaps)
    held = np.random.default_rng(9).normal(0, 500, (len(r1), 4))  # another mix on each bar
    params = {"window": window, "level": level, "horizon": horizon, "half_life": half_life}
    found = run({"r1": r1, "held": held, "equity": 1e4}, params, 4)
    sums, sigma = filtered(r1, half_life, horizon)
    first = half_life + horizon - 1
    speaks = first + min(window, 1000) - 1
    assert np.isnan(found["var"][:speaks]).all() and not np.isnan(found["var"][speaks:]).any()
    for t in (*range(speaks, speaks + 5), *range(speaks + 5, len(r1), 37)):
        losses = -(sums[max(first, t - window + 1) : t + 1] * (held[t] * sigma[t])).sum(axis=1)
        q = np.quantile(losses, level)
        tail = np.sort(losses)[int(level * (len(losses) - 1)) + 1 :].mean()
        assert found["var"][t] == pytest.approx(min(max(q / 1e4, 0.0), 1.0), rel=1e-9)
        assert found["cvar"][t] == pytest.approx(min(max(tail / 1e4, 0.0), 1.0), rel=1e-9)
        assert found["cvar"][t] >= found["var"][t]
    assert np.array_equal(found["breach"][speaks:], found["var"][speaks:] > 0.05)


def kupiec(exceeded: int, bars: int, level: float) -> float:
    """The p value of Kupiec's (1995) test that losses exceed the value at risk with a chance of 1 - level."""
    here = binom.logpmf(exceeded, bars, 1.0 - level)
    return float(chi2.sf(2.0 * (binom.logpmf(exceeded, bars, exceeded / bars) - here), 1))


def exceedances(r1: np.ndarray, held: np.ndarray, params: dict[str, float]) -> tuple[int, int]:
    """How often the loss over the next horizon exceeded the value at risk, on periods that do not overlap."""
    horizon = int(params["horizon"])
    found = run({"r1": r1, "held": held[None, :], "equity": 1e6}, params, len(held))["var"] * 1e6
    loss = np.concatenate([[0.0], np.cumsum(-(r1 * held).sum(axis=1))])
    at = np.arange(np.flatnonzero(~np.isnan(found))[0], len(r1) - horizon, horizon)
    return int(np.sum(loss[at + 1 + horizon] - loss[at + 1] > found[at])), len(at)


BOOKS = {"one": [1.0, 0.0, 0.0, 0.0], "short": [0.0, -1.0, 0.0, 0.0], "four": [1.0, 1.0, 1.0, 1.0]}


@pytest.mark.parametrize("book", BOOKS)
@pytest.mark.parametrize("level", [0.95, 0.99])
@pytest.mark.parametrize(("horizon", "half_life"), [(1, 60), (60, 240)])
def test_kupiec_does_not_reject_it_on_real_bars(book: str, level: float, horizon: int, half_life: int) -> None:
    params = {"level": level, "horizon": horizon, "half_life": half_life}
    exceeded, bars = exceedances(recorded(), 1e4 * np.array(BOOKS[book]), params)
    assert kupiec(exceeded, bars, level) > 0.01, (exceeded, bars, exceeded / bars)


def test_it_finds_the_tail_of_normal_returns_over_the_horizon() -> None:
    """A known answer: the quantile of a normal sum grows with the root of the horizon."""
    r1 = 1e-3 * np.random.default_rng(2).normal(size=(60_000, 2))
    for horizon, tolerance in ((1, 0.03), (16, 0.07)):
        params = {"window": 20_000, "horizon": horizon, "half_life": 2000, "level": 0.95}
        found = run({"r1": r1, "held": np.array([[300.0, 400.0]]), "equity": 1e4}, params, 2)
        expected = norm.ppf(0.95) * 500.0 * 1e-3 * np.sqrt(horizon) / 1e4
        assert np.median(found["var"][25_000:]) == pytest.approx(expected, rel=tolerance)


def test_the_horizon_knows_of_returns_that_follow_each_other() -> None:
    """Returns that undo each other leave little over two bars, where a root of time would add to the loss."""
    x = 1e-3 * np.random.default_rng(3).normal(size=30_000)
    r1 = np.diff(x)[:, None]  # a price that only bounces
    inputs = {"r1": r1, "held": np.array([[1e3]]), "equity": 1e4}
    one, many = (np.median(run(inputs, {"horizon": h})["var"][5000:]) for h in (1, 100))
    assert many == pytest.approx(one, rel=0.1)


def steady(held: np.ndarray, equity: object = 1e4, bars: int = 400, **params: float) -> tuple[Values, np.ndarray]:
    r1 = np.random.default_rng(10).normal(0, 1e-3, (bars, 2))
    params = {"window": 100, "horizon": 1, "half_life": 23, **params}
    return run({"r1": r1, "held": held, "equity": equity}, params, 2), r1


FIRST = 122  # bar on which `steady` speaks


def test_scales_with_the_holding_and_the_equity() -> None:
    held = np.tile([[100.0, 50.0]], (400, 1))
    plain, _ = steady(held)
    for other, factor in ((steady(3.0 * held)[0], 3.0), (steady(held, 5e3)[0], 2.0)):
        np.testing.assert_allclose(other["var"][FIRST:], factor * plain["var"][FIRST:], rtol=1e-12)
        np.testing.assert_allclose(other["cvar"][FIRST:], factor * plain["cvar"][FIRST:], rtol=1e-12)
    edge = float(plain["var"][200])
    assert steady(held, edge * 1e4 / 0.0501)[0]["breach"][200] == 1.0
    assert steady(held, edge * 1e4 / 0.0499)[0]["breach"][200] == 0.0


def test_a_turned_position_is_ranked_at_once() -> None:
    one = np.tile([[100.0, 0.0]], (200, 1))
    turned, r1 = steady(np.vstack([one, -one]))
    sums, sigma = filtered(r1, 23, 1)
    for t in (199, 200):
        side = 1.0 if t < 200 else -1.0
        quantile = np.quantile(-side * sums[t - 99 : t + 1, 0], 0.99)
        assert turned["var"][t] == pytest.approx(quantile * 100.0 * sigma[t, 0] / 1e4, rel=1e-9)


def test_without_holdings_or_without_equity() -> None:
    none, _ = steady(np.zeros((1, 2)), 0.0)
    assert none["var"][-1] == none["cvar"][-1] == none["breach"][-1] == 0.0
    for equity in (0.0, -10.0):
        broke, _ = steady(np.array([[1.0, nan]]), equity)
        assert broke["var"][-1] == broke["cvar"][-1] == broke["breach"][-1] == 1.0
    absent, _ = steady(np.array([[100.0, nan]]))
    alone, _ = steady(np.array([[100.0, 0.0]]))
    assert np.array_equal(absent["var"], alone["var"], equal_nan=True)
    still = {"r1": np.zeros((400, 2)), "held": np.full((1, 2), 10.0), "equity": 100.0}
    assert run(still, {"window": 100, "horizon": 1}, 2)["var"][-1] == 0.0  # nothing ever moved


def test_the_first_move_after_a_standstill_is_no_measure_of_the_tail() -> None:
    r1 = 1e-3 * np.random.default_rng(14).normal(size=(6000, 1))
    r1[2000:4000] = 0.0
    found = run({"r1": r1, "held": np.array([[1e3]]), "equity": 1e4}, {"window": 1000, "horizon": 1})
    assert found["cvar"][4500] < 3.0 * found["cvar"][1900]


def test_counts_as_lost_what_it_does_not_know() -> None:
    params = {"window": 100, "horizon": 1, "half_life": 23}
    r1 = np.random.default_rng(11).normal(0, 1e-3, (300, 2))
    r1[:278, 1] = nan  # 22 returns are too few
    inputs = {"r1": r1, "held": np.array([[0.0, -300.0]]), "equity": 1000.0}
    found = run(inputs, params, 2)
    assert found["var"][-1] == found["cvar"][-1] == 0.3 and found["breach"][-1] == 1.0
    r1[277, 1] = 1e-3
    assert run(inputs, params, 2)["var"][-1] < 0.01
    many = np.zeros((1, 66))
    many[0, 65] = 400.0
    wide = {"r1": np.random.default_rng(12).normal(0, 1e-3, (200, 66)), "held": many, "equity": 1000.0}
    assert run(wide, params, 66)["var"][-1] == 0.4
