"""Costs, flow and tradeability against plain transcriptions of their sources, and the directions they must keep."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pytest
import talib
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit
from scipy.stats import norm

from stratoquant.layers import catalogue
from stratoquant.runtime.data.synthetic import synthetic_market
from tests.layers.real_data import FOLDER, real_bars
from tests.layers.single import run_layer

LADDERS = ("bid_px", "bid_qty", "ask_px", "ask_qty")


def books(seed: int, bars: int) -> dict[str, np.ndarray]:
    random = np.random.default_rng(seed)
    mid = 100.0 * np.exp(np.cumsum(random.normal(0, 1e-3, bars)))[:, None]
    away = np.cumsum(random.uniform(0.001, 0.05, (2, bars, 10)), axis=2)
    quantity = random.lognormal(2, 1, (2, bars, 10))
    return {"bid_px": mid - away[0], "ask_px": mid + away[1], "bid_qty": quantity[0], "ask_qty": quantity[1]}


VENUE = {"half_spread": 2.0, "impact": 1.0, "taker_fee": 5.0}


def walked(prices: np.ndarray, quantities: np.ndarray, notional: float) -> tuple[float, float]:
    """Mean price of taking `notional` level by level, and the share that the levels hold."""
    value = np.minimum(np.diff(np.minimum(np.cumsum(prices * quantities), notional), prepend=0.0), notional)
    left = notional - value.sum()
    return notional / ((value / prices).sum() + left / prices[-1]), 1.0 - left / notional


@pytest.mark.parametrize("notional", [100.0, 10_000.0, 1e6])
def test_l10_walks_the_book(notional: float) -> None:
    book = books(1, 300)
    flat = {"close": np.full(300, 100.0), "sigma": np.full(300, 1e-3), "volume": np.ones(300)}
    found = run_layer(catalogue().get("L10"), {**book, **flat, **VENUE}, {"share": 1.0, "capital": notional})
    for row in range(300):
        middle = 0.5 * (book["bid_px"][row, 0] + book["ask_px"][row, 0])
        buy, held_ask = walked(book["ask_px"][row], book["ask_qty"][row], notional)
        sell, held_bid = walked(book["bid_px"][row], book["bid_qty"][row], notional)
        assert found["buy"][row] == pytest.approx((buy / middle - 1.0) * 1e4, rel=1e-9, abs=1e-9)
        assert found["sell"][row] == pytest.approx((1.0 - sell / middle) * 1e4, rel=1e-9, abs=1e-9)
        assert found["fillable"][row] == pytest.approx(min(held_ask, held_bid), rel=1e-9)
    assert np.all(found["from_book"] == 1.0)


def recorded_books() -> dict[str, np.ndarray]:
    """The ten best levels on each side after every message of a recorded book, or on the built-in market's closes."""
    file = FOLDER / "book" / "bybit_xrpusdt_ob500_20241201.parquet"
    if not file.exists():
        (block,) = synthetic_market(("XRPUSDT",), 2_000, seed=1, book=True).blocks(2_000)
        present = ~np.isnan(block.events["time"][:, 0])
        return {name: block.events[name][present, 0] for name in LADDERS}
    levels: dict[int, dict[float, float]] = {1: {}, -1: {}}
    rows: dict[str, list[list[float]]] = {name: [] for name in LADDERS}
    for _, message in pl.read_parquet(file).group_by("update_id", maintain_order=True):
        for side, price, quantity in message.select("side", "price", "qty").iter_rows():
            levels[side][price] = quantity
        for side, name in ((1, "bid"), (-1, "ask")):
            best = sorted((p for p, q in levels[side].items() if q > 0.0), key=lambda price: -side * price)[:10]
            rows[f"{name}_px"].append(best)
            rows[f"{name}_qty"].append([levels[side][price] for price in best])
    return {name: np.array(values) for name, values in rows.items()}


@pytest.mark.parametrize("notional", [1e3, 1e5, 1e7])
def test_l10_walks_recorded_books(notional: float) -> None:
    book = recorded_books()
    bars = len(book["bid_px"])
    flat = {"close": np.full(bars, 1.95), "sigma": np.full(bars, 1e-3), "volume": np.ones(bars)}
    found = run_layer(catalogue().get("L10"), {**book, **flat, **VENUE}, {"share": 1.0, "capital": notional})
    assert np.all(found["from_book"] == 1.0)
    for row in range(bars):
        middle = 0.5 * (book["bid_px"][row, 0] + book["ask_px"][row, 0])
        buy, held_ask = walked(book["ask_px"][row], book["ask_qty"][row], notional)
        sell, held_bid = walked(book["bid_px"][row], book["bid_qty"][row], notional)
        assert found["buy"][row] == pytest.approx((buy / middle - 1.0) * 1e4, rel=1e-9)
        assert found["sell"][row] == pytest.approx((1.0 - sell / middle) * 1e4, rel=1e-9)
        assert found["fillable"][row] == pytest.approx(min(held_ask, held_bid), rel=1e-9)


def test_l10_passes_over_levels_that_are_not_there_and_takes_no_crossed_book() -> None:
    full = {"bid_px": [99.0, 98.0], "bid_qty": [1.0, 5.0], "ask_px": [101.0, 102.0], "ask_qty": [1.0, 5.0]}
    flat = {"close": np.full(60, 100.0), "sigma": 1e-3, "volume": np.full(60, 100.0)}

    def cost(**changed: list[float]) -> dict[str, float]:
        ladders = {n: v + [np.nan] * (10 - len(v)) for n, v in {**full, **changed}.items()}
        book = {n: np.tile(v, (60, 1)) for n, v in ladders.items()}
        return {
            n: v[-1]
            for n, v in run_layer(
                catalogue().get("L10"), {**book, **flat, **VENUE}, {"share": 0.5, "capital": 610.0}
            ).items()
        }

    found = cost()
    assert found["buy"] == pytest.approx((305.0 / 3.0 / 100.0 - 1.0) * 1e4)
    assert found["fillable"] == 1.0
    assert cost(ask_px=[101.0, np.nan, 102.0], ask_qty=[1.0, np.nan, 5.0]) == found
    assert cost(ask_qty=[1.0, 0.5])["fillable"] == pytest.approx(152.0 / 305.0)
    for bad in ({"ask_px": [99.0, 102.0]}, {"bid_px": [102.0, 98.0]}, {"bid_qty": [0.0, 5.0]}, {"ask_px": []}):
        assert cost(**bad)["from_book"] == 0.0, bad


def test_l10_takes_what_little_a_level_holds_and_nothing_from_an_empty_one() -> None:
    asks = {"bid_px": [99.0], "bid_qty": [10.0], "ask_px": [101.0, 102.0], "ask_qty": [1.0, 0.0]}
    flat = {"close": np.full(60, 100.0), "sigma": 1e-3, "volume": np.full(60, 100.0)}

    def cost(**changed: list[float]) -> dict[str, float]:
        ladders = {n: v + [np.nan] * (10 - len(v)) for n, v in {**asks, **changed}.items()}
        book = {n: np.tile(v, (60, 1)) for n, v in ladders.items()}
        return {
            n: v[-1]
            for n, v in run_layer(
                catalogue().get("L10"), {**book, **flat, **VENUE}, {"share": 0.5, "capital": 610.0}
            ).items()
        }

    assert cost()["buy"] == pytest.approx(100.0)  # the rest at 101, the last price that had a quantity
    assert cost(ask_qty=[1.0, 0.005])["fillable"] == pytest.approx(101.51 / 305.0)
    rest = cost(ask_px=[101.665, 102.0], ask_qty=[3.0, 5.0])  # 0.005 is left for the second level
    assert rest["fillable"] == pytest.approx(1.0, abs=1e-9)


def test_l10_follows_the_square_root_law_without_a_book() -> None:
    bars = real_bars("bitfinex_ethusd_1m", 20_000)
    sigma = np.full(20_000, 8e-4)
    found = run_layer(
        catalogue().get("L10"), {"close": bars["close"], "volume": bars["volume"], "sigma": sigma, **VENUE}
    )
    turnover = bars["close"] * talib.EMA(bars["volume"], 60)
    expected = 2.0 + 8e-4 * np.sqrt(10_000.0 / turnover) * 1e4
    assert np.allclose(found["buy"][59:], expected[59:], rtol=1e-9, atol=0.0)
    assert np.all(np.isnan(found["buy"][:59]))
    assert np.array_equal(found["buy"], found["sell"], equal_nan=True)
    assert np.array_equal(found["fill"], found["buy"] + 5.0, equal_nan=True)
    cheap = {
        "close": bars["close"],
        "volume": bars["volume"],
        "sigma": sigma,
        **VENUE,
        "half_spread": 0.5,
        "impact": 0.7,
    }
    less = run_layer(catalogue().get("L10"), cheap)["buy"]
    assert np.allclose(less[59:], 0.5 + 0.7 * (expected[59:] - 2.0), rtol=1e-9, atol=0.0)


def test_l10_is_at_its_dearest_where_nothing_is_traded() -> None:
    still = {"close": np.full(70, 100.0), "sigma": 1e-3, "volume": np.zeros(70), **VENUE}
    assert np.all(run_layer(catalogue().get("L10"), still)["buy"][59:] == 10_002.0)


def test_l59_is_silent_about_a_market_without_trading_or_moves() -> None:
    still = {"close": np.full(70, 100.0), "volume": np.zeros(70)}
    for changed in ({}, {"volume": np.full(70, 2.0)}, {"close": 100.0 + np.arange(70) % 2}):
        found = run_layer(catalogue().get("L59"), {**still, **changed})
        for name, neutral in (("signed", 0.0), ("pressure", 0.0), ("aggressor", 0.5)):
            assert np.all(found[name][59:] == neutral), (name, changed)


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


def test_flow_does_not_depend_on_the_unit_of_quantity() -> None:
    bars = signed_bars("bitfinex_btcusd_1m", 3000)
    small = {n: bars[n] * 2.0**-40 for n in ("volume", "signed")}
    for key, names in (("L59", ("close", "volume")), ("L62", ("high", "low", "close", "volume", "signed"))):
        plain, other = (run_layer(catalogue().get(key), {n: b[n] for n in names}) for b in (bars, bars | small))
        name = {"L59": "pressure", "L62": "vpin"}[key]
        assert np.nanstd(plain[name]) > 0.0
        assert np.array_equal(plain[name], other[name], equal_nan=True)


def test_l59_classifies_bulk_volume_without_trades() -> None:
    bars = real_bars("bitfinex_btcusd_1m", 30_000)
    found = run_layer(catalogue().get("L59"), {"close": bars["close"], "volume": bars["volume"]})
    change = np.diff(np.log(bars["close"]))
    spread = np.lib.stride_tricks.sliding_window_view(change, 30).std(axis=1)
    expected = bars["volume"][30:] * (2.0 * norm.cdf(change[29:] / np.where(spread > 0, spread, 1.0)) - 1.0)
    expected = np.where(spread > 0.0, expected, 0.0)
    assert np.allclose(found["signed"][30:], expected, rtol=1e-9, atol=1e-12 * bars["volume"].max())
    assert np.all(found["from_trades"][30:] == 0.0)


def signed_bars(name: str, bars: int) -> dict[str, np.ndarray]:
    """Recorded bars with a signed volume that is made of the bar alone: where it closed in its range."""
    found = dict(real_bars(name, bars))
    width = np.maximum(found["high"] - found["low"], 1e-12 * found["close"])
    found["signed"] = found["volume"] * (found["close"] - found["open"]) / width
    found["quote_volume"] = found["volume"] * found["close"]
    return found


def slow_mean(volume: np.ndarray, seed: int, span: int) -> np.ndarray:
    seeded = np.r_[np.full(seed - 1, np.nan), volume[:seed].mean(), volume[seed:]]
    return pd.Series(seeded).ewm(span=span, adjust=False, ignore_na=True).mean().to_numpy()


def vpin_by_hand(volume: np.ndarray, signed: np.ndarray, buckets: int, bucket_bars: int) -> np.ndarray:
    """VPIN from the cumulated volume: the edges of all buckets on it, and what was signed between two edges."""
    size = bucket_bars * slow_mean(volume, bucket_bars, buckets * bucket_bars)
    first = bucket_bars - 1
    clock, flow = (np.r_[0.0, np.cumsum(x[first + 1 :])] for x in (volume, signed))
    edges, sizes, at = [0.0], [size[first]], 0
    while edges[-1] + sizes[-1] <= clock[-1]:
        edges.append(edges[-1] + sizes[-1])
        at = int(np.searchsorted(clock, edges[-1]))  # the bar in which this bucket ends and the next one opens
        sizes.append(size[first + at])
    one_sided = np.abs(np.diff(np.interp(edges, clock, flow)))
    ended = np.searchsorted(edges[1:], clock, side="right")  # buckets that are full after each bar
    vpin = np.full(len(volume), np.nan)
    for t, count in enumerate(ended):
        if count >= buckets:
            last = slice(count - buckets, count)
            vpin[first + t] = one_sided[last].sum() / np.sum(sizes[last])
    return vpin


@pytest.mark.parametrize(("buckets", "bucket_bars"), [(50, 30), (10, 3), (5, 1)])
def test_l62_agrees_with_the_cumulated_volume(buckets: int, bucket_bars: int) -> None:
    bars = signed_bars("bitfinex_ethusd_1m", 20_000)
    names = ("high", "low", "close", "volume", "signed")
    params = {"buckets": buckets, "bucket_bars": bucket_bars, "rank": 500}
    found = run_layer(catalogue().get("L62"), {n: bars[n] for n in names}, params)
    expected = vpin_by_hand(bars["volume"], bars["signed"], buckets, bucket_bars)
    known = ~np.isnan(expected)
    assert known.sum() > 15_000
    assert np.array_equal(~np.isnan(found["vpin"]), known)
    assert np.allclose(found["vpin"][known], expected[known], rtol=1e-9)
    windows = np.lib.stride_tricks.sliding_window_view(found["vpin"][known], 500)[::37]
    last = windows[:, -1:]
    rank = (windows < last).mean(axis=1) + 0.5 * (windows == last).mean(axis=1)
    assert np.allclose(found["vpin_rank"][known][499::37], rank, rtol=1e-12)


def test_l62_counts_every_bucket_that_one_bar_fills() -> None:
    """The bar raises the mean volume itself, so that it fills half of all buckets at most."""
    volume = np.r_[np.full(40, 1.0), 1e9, np.full(20, 1e8)]
    signed = 0.25 * volume
    signed[40] = -0.5e9
    price = {"high": np.full(61, 101.0), "low": np.full(61, 99.0), "close": np.full(61, 100.0)}
    params = {"buckets": 5, "bucket_bars": 2}
    found = run_layer(catalogue().get("L62"), {**price, "volume": volume, "signed": signed}, params)["vpin"]
    assert found[39] == pytest.approx(0.25, rel=1e-12)
    expected = vpin_by_hand(volume, signed, 5, 2)
    assert expected[40] == pytest.approx(0.5, rel=1e-8)
    assert np.allclose(found, expected, rtol=1e-9, equal_nan=True)


def test_l62_agrees_with_corwin_and_schultz() -> None:
    bars = real_bars("binance_dogeusdt_1m", 40_000)
    ones = np.ones(40_000)
    inputs = {n: bars[n] for n in ("high", "low", "close")} | {"volume": ones, "signed": ones}
    found = run_layer(catalogue().get("L62"), inputs)["corwin_schultz"]
    high, low, before = bars["high"][1:].copy(), bars["low"][1:].copy(), bars["close"][:-1]
    above, below = low > before, high < before
    gap = np.where(above, low - before, np.where(below, high - before, 0.0))
    high, low = high - gap, low - gap
    assert (gap != 0.0).sum() > 100
    beta = np.log(high / low) ** 2 + np.log(bars["high"][:-1] / bars["low"][:-1]) ** 2
    gamma = np.log(np.maximum(high, bars["high"][:-1]) / np.minimum(low, bars["low"][:-1])) ** 2
    root = 3.0 - 2.0 * np.sqrt(2.0)
    alpha = (np.sqrt(2.0 * beta) - np.sqrt(beta)) / root - np.sqrt(gamma / root)
    spread = np.maximum(2.0 * (np.exp(alpha) - 1.0) / (1.0 + np.exp(alpha)), 0.0) * 1e4
    assert np.allclose(found[30:], spread[29:], rtol=1e-9, atol=1e-8)
    assert (spread > 0.0).mean() > 0.3


CALM = {
    "spread": 3.0, "cost_buy": 4.0, "cost_sell": 3.0, "fillable": 1.0, "vpin_rank": 0.5, "quality": 1.0, "stale": 0.0,
    "sigma": 1e-3,
}  # fmt: skip


def tradeability(**changed: np.ndarray | float) -> dict[str, np.ndarray]:
    bars = max((np.size(v) for v in changed.values()), default=1)
    return run_layer(catalogue().get("L63"), {n: np.full(bars, v) for n, v in {**CALM, **changed}.items()})


def test_l63_agrees_with_its_formula() -> None:
    random = np.random.default_rng(10)
    spread, buy, sell = random.uniform(0, 30, (3, 2000))
    rank, quality, sigma = random.uniform(0.8, 1.0, 2000), random.random(2000), random.uniform(2e-5, 2e-3, 2000)
    x = {"spread": spread, "cost_buy": buy, "cost_sell": sell, "vpin_rank": rank, "quality": quality, "sigma": sigma}
    limits = {"max_cost": 20.0, "max_spread": 14.0, "toxic": 0.9}
    inputs = x | {"fillable": np.ones(2000), "stale": np.zeros(2000)}
    found = run_layer(catalogue().get("L63"), inputs, limits)
    cost = np.maximum(buy, sell)
    score = quality * expit(-40.0 * (rank - 0.9))
    for part in (spread / 14.0, cost / 20.0, cost / (2.0 * sigma * 1e4)):
        score = score * expit(-4.0 * (part - 1.0))
    assert np.allclose(found["score"], score, rtol=1e-9, atol=1e-300)
    assert np.array_equal(found["liquidity"], np.where(cost > 10.0, 0.0, np.where(cost < 4.0, 2.0, 1.0)))
    assert np.array_equal(found["avoid"], (cost > 20.0) | (rank > 0.9))


def test_l63_does_not_avoid_what_is_just_allowed() -> None:
    assert tradeability(cost_buy=15.0, vpin_rank=0.95)["avoid"][0] == 0.0
    assert tradeability(cost_buy=0.1, fillable=0.9)["liquidity"][0] == 0.0
    free = tradeability(cost_buy=0.0, cost_sell=0.0, sigma=0.0)["score"][0]
    assert free == tradeability(cost_buy=0.0, cost_sell=0.0)["score"][0] > 0.5
    assert tradeability(sigma=0.0)["score"][0] < 1e-9
    assert tradeability(cost_buy=0.5, cost_sell=0.5, sigma=0.0)["score"][0] < 1e-9


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
