"""L61: price impact against statsmodels' rolling regressions and on markets whose impact is known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm
from statsmodels.regression.rolling import RollingOLS

from stratoquant.layers import catalogue
from tests.layers.single import run_layer
from tests.layers.test_microstructure import signed_bars


@pytest.mark.parametrize("name", ["bitfinex_btcusd_1m", "binance_dogeusdt_1m", "bitfinex_xrpusd_1m"])
def test_l61_agrees_with_rolling_regressions(name: str) -> None:
    bars = signed_bars(name, 36_000)
    found = run_layer(
        catalogue().get("L61"), {n: bars[n] for n in ("close", "signed", "quote_volume")} | {"from_trades": 1.0}
    )
    r = np.diff(np.log(bars["close"]))
    fit = RollingOLS(r, np.column_stack([np.ones(len(r)), bars["signed"][1:]]), window=120).fit()
    known = slice(121, None)
    assert np.allclose(found["kyle"][known], fit.params[120:, 1], rtol=1e-9, atol=1e-9 * np.nanstd(fit.params[:, 1]))
    assert np.allclose(found["kyle_t"][known], fit.tvalues[120:, 1], rtol=1e-9, atol=1e-10)

    ratio = pd.Series(np.abs(r) / np.where(bars["quote_volume"][1:] > 0, bars["quote_volume"][1:], np.nan))
    amihud = ratio.rolling(120, min_periods=1).mean().to_numpy() * 1e6
    assert np.allclose(found["amihud"][known], amihud[120:], rtol=1e-9)
    change = np.diff(bars["close"])
    now, before = (np.lib.stride_tricks.sliding_window_view(x, 120) for x in (change[1:], change[:-1]))
    covariance = (now * before).mean(axis=1) - now.mean(axis=1) * before.mean(axis=1)
    roll = 2.0 * np.sqrt(np.maximum(-covariance, 0.0)) / bars["close"][121:] * 1e4
    assert np.allclose(found["roll"][known], roll, rtol=1e-9, atol=1e-9)


def test_l61_tells_where_nothing_can_be_told() -> None:
    close = 100.0 * np.exp(1e-3 * np.random.default_rng(2).normal(size=60))
    found = run_layer(
        catalogue().get("L61"),
        {"close": close, "signed": np.zeros(60), "quote_volume": np.zeros(60), "from_trades": 1.0},
        {"window": 20},
    )
    assert np.all(found["kyle"][21:] == 0.0)
    assert np.all(found["kyle_t"][21:] == 0.0)
    assert np.all(np.isnan(found["amihud"]))
    still = {"close": np.full(60, 7.0), "signed": np.arange(60.0), "quote_volume": np.ones(60), "from_trades": 1.0}
    found = run_layer(catalogue().get("L61"), still, {"window": 20})
    assert all(np.all(found[name][21:] == 0.0) for name in ("kyle", "kyle_t", "amihud", "roll"))


def test_l61_takes_the_illiquidity_of_the_bars_that_traded() -> None:
    random = np.random.default_rng(9)
    close = 100.0 * np.exp(np.cumsum(1e-3 * random.normal(size=200)))
    turnover = np.where(random.random(200) < 0.1, 50.0, 0.0)
    inputs = {"close": close, "signed": random.normal(size=200), "quote_volume": turnover, "from_trades": 1.0}
    found = run_layer(catalogue().get("L61"), inputs, {"window": 20})["amihud"]
    size = np.r_[np.nan, np.abs(np.diff(np.log(close)))] / 50.0 * 1e6
    for t in range(21, 200):
        traded = size[t - 19 : t + 1][turnover[t - 19 : t + 1] > 0.0]
        assert found[t] == pytest.approx(traded.mean() if len(traded) else np.nan, rel=1e-9, nan_ok=True)


def test_l61_counts_a_bar_of_the_smallest_turnover() -> None:
    close = 100.0 * np.exp(0.01 * (np.arange(60) % 2))
    inputs = {"close": close, "signed": np.arange(60.0), "quote_volume": np.full(60, 0.005), "from_trades": 1.0}
    assert run_layer(catalogue().get("L61"), inputs, {"window": 20})["amihud"][-1] == pytest.approx(2e6)


def impact_of(close: np.ndarray, volume: np.ndarray, buys: np.ndarray | float) -> dict[str, np.ndarray]:
    """L61 as the product wires it, behind L59."""
    flow = run_layer(catalogue().get("L59"), {"close": close, "volume": volume, "buy_volume": buys})
    inputs = {"close": close, "quote_volume": close * volume, "signed": flow["signed"]}
    return run_layer(catalogue().get("L61"), inputs | {"from_trades": flow["from_trades"]})


def test_l61_finds_no_impact_in_independent_volume() -> None:
    """Without recorded trades it has no estimate; with trades whose side has nothing to do with the return, |t| is that
    of a normal variable."""
    random = np.random.default_rng(12)
    close = 100.0 * np.exp(np.cumsum(1e-3 * random.standard_t(4, 60_000)))
    volume = random.lognormal(2.0, 1.0, 60_000)
    inferred = impact_of(close, volume, np.nan)
    assert np.isnan(inferred["kyle"]).all() and np.isnan(inferred["kyle_t"]).all()
    assert not np.isnan(inferred["amihud"][200:]).any() and not np.isnan(inferred["roll"][200:]).any()
    size = np.abs(impact_of(close, volume, volume * random.random(60_000))["kyle_t"][200:])
    assert np.median(size) == pytest.approx(norm.ppf(0.75), rel=0.1)
    assert np.mean(size > norm.ppf(0.975)) == pytest.approx(0.05, abs=0.02)


def test_l61_recovers_a_known_impact_and_skips_bars_without_trades() -> None:
    random = np.random.default_rng(13)
    signed = random.normal(0.0, 5.0, 20_000)
    close = 100.0 * np.exp(np.cumsum(2e-5 * signed + 1e-4 * random.normal(size=20_000)))
    recorded = random.random(20_000) < 0.5
    inputs = {"close": close, "quote_volume": 1.0, "signed": np.where(recorded, signed, 1e6)}
    found = run_layer(catalogue().get("L61"), inputs | {"from_trades": recorded.astype(float)}, {"window": 2000})
    assert np.array_equal(np.isnan(found["kyle"][5000:]), ~recorded[5000:])
    assert found["kyle"][5000:][recorded[5000:]] == pytest.approx(2e-5, rel=0.05)


def test_l61_recovers_the_spread_of_a_bouncing_price() -> None:
    """Roll's own model: a value that walks, trades at the bid or the ask by the toss of a coin."""
    random = np.random.default_rng(4)
    value = 100.0 + np.cumsum(0.002 * random.normal(size=5000))
    price = value + 0.05 * random.choice([-1.0, 1.0], 5000)
    found = run_layer(
        catalogue().get("L61"),
        {"close": price, "signed": np.ones(5000), "quote_volume": 1.0, "from_trades": 1.0},
        {"window": 4000},
    )
    assert found["roll"][-1] == pytest.approx(0.1 / price[-1] * 1e4, rel=0.05)
