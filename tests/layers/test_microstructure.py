"""Costs, flow and tradeability against plain transcriptions of their sources, and the directions they must keep."""

from __future__ import annotations

import numpy as np
import pytest
import talib
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from layers import catalogue
from tests.layers.real_data import real_bars
from tests.layers.single import run_layer

LADDERS = ("bid_px", "bid_qty", "ask_px", "ask_qty")


def books(seed: int, bars: int) -> dict[str, np.ndarray]:
    random = np.random.default_rng(seed)
    mid = 100.0 * np.exp(np.cumsum(random.normal(0, 1e-3, bars)))[:, None]
    away = np.cumsum(random.uniform(0.001, 0.05, (2, bars, 10)), axis=2)
    quantity = random.lognormal(2, 1, (2, bars, 10))
    return {"bid_px": mid - away[0], "ask_px": mid + away[1], "bid_qty": quantity[0], "ask_qty": quantity[1]}


def walked(prices: np.ndarray, quantities: np.ndarray, notional: float) -> tuple[float, float]:
    """Mean price of taking `notional` level by level, and the share that the levels hold."""
    value = np.minimum(np.diff(np.minimum(np.cumsum(prices * quantities), notional), prepend=0.0), notional)
    left = notional - value.sum()
    return notional / ((value / prices).sum() + left / prices[-1]), 1.0 - left / notional


@pytest.mark.parametrize("notional", [100.0, 10_000.0, 1e6])
def test_l10_walks_the_book(notional: float) -> None:
    book = books(1, 300)
    flat = {"close": np.full(300, 100.0), "sigma": np.full(300, 1e-3), "volume": np.ones(300)}
    found = run_layer(catalogue().get("L10"), {**book, **flat}, {"notional": notional})
    for row in range(300):
        middle = 0.5 * (book["bid_px"][row, 0] + book["ask_px"][row, 0])
        buy, held_ask = walked(book["ask_px"][row], book["ask_qty"][row], notional)
        sell, held_bid = walked(book["bid_px"][row], book["bid_qty"][row], notional)
        assert found["buy"][row] == pytest.approx((buy / middle - 1.0) * 1e4, rel=1e-9, abs=1e-9)
        assert found["sell"][row] == pytest.approx((1.0 - sell / middle) * 1e4, rel=1e-9, abs=1e-9)
        assert found["fillable"][row] == pytest.approx(min(held_ask, held_bid), rel=1e-9)
    assert np.all(found["from_book"] == 1.0)


def test_l10_follows_the_square_root_law_without_a_book() -> None:
    bars = real_bars("bitfinex_ethusd_1m", 20_000)
    sigma = np.full(20_000, 8e-4)
    found = run_layer(catalogue().get("L10"), {"close": bars["close"], "volume": bars["volume"], "sigma": sigma})
    turnover = bars["close"] * talib.EMA(bars["volume"], 60)
    expected = 2.0 + 8e-4 * np.sqrt(10_000.0 / turnover) * 1e4
    assert np.allclose(found["buy"][59:], expected[59:], rtol=1e-9, atol=0.0)
    assert np.all(np.isnan(found["buy"][:59]))
    assert np.array_equal(found["buy"], found["sell"], equal_nan=True)


def test_l59_uses_trades_where_there_are_some() -> None:
    random = np.random.default_rng(3)
    volume = random.uniform(1, 5, 500)
    buys = volume * random.random(500)
    close = 100.0 + np.cumsum(random.normal(size=500))
    found = run_layer(catalogue().get("L59"), {"close": close, "volume": volume, "buy_volume": buys})
    signed = 2.0 * buys - volume
    assert np.allclose(found["signed"], signed, rtol=1e-12)
    pressure = talib.EMA(signed, 30) / talib.EMA(volume, 30)
    assert np.allclose(found["pressure"][29:], pressure[29:], rtol=1e-9, atol=1e-12)
    assert np.allclose(found["aggressor"], buys / volume, rtol=1e-9)
    assert np.all(found["from_trades"] == 1.0)


def test_l59_classifies_bulk_volume_without_trades() -> None:
    bars = real_bars("bitfinex_btcusd_1m", 30_000)
    found = run_layer(catalogue().get("L59"), {"close": bars["close"], "volume": bars["volume"]})
    change = np.diff(np.log(bars["close"]))
    spread = np.lib.stride_tricks.sliding_window_view(change, 30).std(axis=1)
    expected = bars["volume"][30:] * (2.0 * norm.cdf(change[29:] / np.where(spread > 0, spread, 1.0)) - 1.0)
    expected = np.where(spread > 0.0, expected, 0.0)
    assert np.allclose(found["signed"][30:], expected, rtol=1e-7, atol=1e-9 * bars["volume"].max())
    assert np.all(found["from_trades"][30:] == 0.0)


CALM = {
    "spread": 3.0, "cost_buy": 4.0, "cost_sell": 3.0, "fillable": 1.0, "vpin_rank": 0.5, "quality": 1.0, "stale": 0.0,
    "sigma": 1e-3,
}  # fmt: skip


def tradeability(**changed: np.ndarray | float) -> dict[str, np.ndarray]:
    bars = max((np.size(v) for v in changed.values()), default=1)
    return run_layer(catalogue().get("L63"), {n: np.full(bars, v) for n, v in {**CALM, **changed}.items()})


@pytest.mark.parametrize(
    ("name", "values", "rises"),
    [
        ("spread", np.linspace(0, 60, 200), False),
        ("cost_buy", np.linspace(0, 60, 200), False),
        ("cost_sell", np.linspace(0, 60, 200), False),
        ("vpin_rank", np.linspace(0, 1, 200), False),
        ("quality", np.linspace(0, 1, 200), True),
        ("sigma", np.linspace(1e-6, 1e-2, 200), True),
    ],
)
def test_l63_moves_one_way_in_each_input(name: str, values: np.ndarray, rises: bool) -> None:
    score = tradeability(**{name: values})["score"]
    steps = np.diff(score) if rises else -np.diff(score)
    assert np.all(steps >= 0.0)
    assert score.max() > score.min()


def test_l63_keeps_away_for_each_of_its_reasons() -> None:
    assert tradeability()["avoid"][0] == 0.0
    for reason in ({"stale": 1.0}, {"fillable": 0.9}, {"cost_sell": 16.0}, {"vpin_rank": 0.96}):
        assert tradeability(**reason)["avoid"][0] == 1.0, reason


@settings(max_examples=50, deadline=None)
@given(st.floats(0, 30), st.floats(0, 1))
def test_l63_leaves_out_what_a_venue_does_not_have(spread: float, rank: float) -> None:
    without = tradeability(spread=np.nan, vpin_rank=np.nan)["score"][0]
    assert without >= tradeability(spread=spread, vpin_rank=rank)["score"][0] > 0.0
