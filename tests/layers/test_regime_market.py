"""L1 against a transcription of its rule from whole windows."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.lib.stride_tricks import sliding_window_view
from scipy.special import softmax

from stratoquant.layers.regime.l1_market_regime import step as market_regime
from tests.layers.real_data import real_bars
from tests.layers.single import run_layer

SHARES = ("p_calm", "p_range", "p_up", "p_down", "p_highvol", "p_chaotic")


def smoothed(x: np.ndarray, n: int) -> np.ndarray:
    """ewm(x, n) of the catalogue; leading missing values are skipped."""
    out = np.full(len(x), np.nan)
    first = int(np.argmax(~np.isnan(x))) + n - 1
    out[first] = x[first - n + 1 : first + 1].mean()
    for t in range(first + 1, len(x)):
        out[t] = out[t - 1] + 2 / (n + 1) * (x[t] - out[t - 1])
    return out


def transcribed(close: np.ndarray, p: dict[str, float]) -> dict[str, np.ndarray]:
    fast, slow, rank = int(p["fast"]), int(p["slow"]), int(p["rank"])
    r = np.r_[np.nan, np.diff(np.log(close))]
    sigma = np.sqrt(smoothed(r * r, fast))
    vol_rank = pd.Series(sigma).rolling(rank).rank(method="average", pct=True).to_numpy() - 0.5 / rank
    net = np.abs(close - np.r_[np.full(slow, np.nan), close[:-slow]])
    path = np.r_[np.full(slow, np.nan), sliding_window_view(np.abs(np.diff(close)), slow).sum(axis=1)]
    efficiency = net / path
    windows = sliding_window_view(r[1:], slow)
    t = np.r_[np.full(slow, np.nan), windows.mean(axis=1) / (windows.std(axis=1) / np.sqrt(slow))]
    quiet = np.r_[np.nan, sigma[:-1]]
    jump = np.where(np.isnan(quiet), np.nan, np.abs(r) / quiet > 4)
    jumps = np.minimum(1.0, smoothed(jump, fast) * fast / 3)
    wild = np.maximum(0.0, 2 * vol_rank - 1)
    scores = np.stack(
        [
            1 - vol_rank,
            (1 - efficiency) * (1 - np.abs(vol_rank - 0.5)),
            efficiency * np.clip(t / 3, 0, 1),
            efficiency * np.clip(-t / 3, 0, 1),
            wild,
            wild * (1 - efficiency) * jumps,
        ]
    )
    p_of = softmax(scores / p["temperature"], axis=0)
    label, age = np.full(len(close), np.nan), np.full(len(close), np.nan)
    start = max(fast + rank - 1, 2 * fast, slow)
    best = p_of[:, start:].argmax(axis=0)
    label[start], age[start] = best[0], 0
    confirm = int(p["confirm"])
    for i in range(start + 1, len(close)):
        k = i - start
        held = int(label[i - 1])
        leads = [
            j > 0 and best[j] == best[k] != held and p_of[best[j], start + j] - p_of[held, start + j] >= p["margin"]
            for j in range(k - confirm + 1, k + 1)
        ]
        since_change = min(confirm, int(age[i - 1]) + 1)
        turned = all(leads) and since_change >= confirm
        label[i], age[i] = (best[k], 0) if turned else (held, age[i - 1] + 1)
    out = {"label": label, "age": age, "sigma": sigma, "vol_rank": vol_rank, "efficiency": efficiency}
    out |= dict(zip(SHARES, p_of, strict=True))
    return {name: np.where(np.arange(len(close)) < start, np.nan, values) for name, values in out.items()}


DEFAULTS = {"fast": 30, "slow": 240, "rank": 1440, "temperature": 0.35, "margin": 0.1, "confirm": 3}
QUICK = {"fast": 40, "slow": 20, "rank": 60, "temperature": 0.1, "margin": 0.05, "confirm": 2}


@pytest.mark.parametrize("symbol", ["bitfinex_btcusd_1m", "binance_dogeusdt_1m"])
@pytest.mark.parametrize("params", [DEFAULTS, QUICK])
def test_recorded_bars(symbol: str, params: dict[str, float]) -> None:
    bar = real_bars(symbol, 20_000)
    ours = run_layer(market_regime, {c: bar[c] for c in ("high", "low", "close")}, params)
    theirs = transcribed(bar["close"], params)
    for name, values in theirs.items():
        np.testing.assert_allclose(ours[name], values, rtol=1e-9, atol=1e-12, err_msg=name)
    assert len(set(ours["label"][~np.isnan(ours["label"])])) >= 3, "several states occur"


def regime_of(close: np.ndarray, params: dict[str, float]) -> dict[str, np.ndarray]:
    return run_layer(market_regime, {"high": close, "low": close, "close": close}, params)


def test_each_state_is_found_where_it_is_made() -> None:
    generator = np.random.default_rng(3)
    params = QUICK | {"temperature": 0.05}
    noise = generator.normal(0, 1e-3, 400)
    trend = 100 * np.exp(np.r_[noise, 2e-4 * np.ones(200)].cumsum())
    for close, label in ((trend, 2), (1e4 / trend, 3)):
        assert regime_of(close, params)["label"][-1] == label
    quiet = 100 * np.exp(np.r_[noise, 0.05 * noise[:100]])
    assert regime_of(quiet, params)["label"][430] == 0
    loud = 100 * np.exp(np.r_[noise, 10 * noise[:60]])
    assert regime_of(loud, params)["label"][440] in (4, 5)


def test_flat_prices_and_straight_growth() -> None:
    flat = regime_of(np.full(300, 7.0), QUICK)
    known = slice(max(40 + 60 - 1, 80), None)
    assert (flat["efficiency"][known] == 0).all() and (flat["vol_rank"][known] == 0.5).all()
    assert (flat["p_up"] == flat["p_down"])[known].all()
    assert np.isfinite([values[known] for values in flat.values()]).all()
    doubling = regime_of(2.0 ** np.arange(300.0), QUICK)
    assert (doubling["label"][known] == 2).all(), "returns without any spread still have a side"


def test_scale_does_not_matter() -> None:
    close = real_bars("bitfinex_btcusd_1m", 3_000)["close"]
    at_one = regime_of(close, QUICK)
    for scale in (2.0**-40, 2.0**30):
        scaled = regime_of(close * scale, QUICK)
        for name, values in at_one.items():
            np.testing.assert_allclose(scaled[name], values, rtol=1e-9, atol=1e-12, err_msg=name)
