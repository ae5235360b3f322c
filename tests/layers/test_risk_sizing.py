"""L74, L76 and L77 against a plain transcription of their rules."""

import math

import numpy as np
import pytest

from stratoquant.layers.risk import l74_cost_gate, l76_position_size, l77_protective_levels
from tests.layers.real_data import real_bars
from tests.layers.single import run_layer

nan, inf = np.nan, np.inf


def draws(seed, n=400):
    return np.random.default_rng(seed), n


# ---------------------------------------------------------------- L74


def test_cost_gate_without_funding():
    random, n = draws(1)
    side = random.integers(-1, 2, n).astype(float)
    reward, risk = random.uniform(0, 100, n), random.uniform(0, 60, n)
    p, buy, sell = random.random(n), random.uniform(0, 12, n), random.uniform(0, 12, n)
    out = run_layer(
        l74_cost_gate.step,
        {
            "side": side, "reward": reward, "p_success": p, "risk": risk, "cost_buy": buy, "cost_sell": sell,
            "hold": random.integers(1, 500, n).astype(float), "taker_fee": 4,
        },
        {"min_edge": 2},
    )  # fmt: skip
    expected = [p[t] * reward[t] - (1 - p[t]) * risk[t] - 8 - buy[t] - sell[t] for t in range(n)]
    np.testing.assert_allclose(out["net_edge"], expected, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(out["costs"], 8 + buy + sell, rtol=1e-12)
    np.testing.assert_array_equal(out["pass"], (np.array(expected) > 2) & (side != 0))
    assert 0 < out["pass"].mean() < 1


def test_cost_gate_reckons_the_funding_of_the_hold():
    n = 30
    rate = np.full(n, nan)
    rate[[4, 12, 20]] = 0.0001, 0.0002, -0.0003
    side = np.where(np.arange(n) % 2, -1.0, 1.0)
    still = {"reward": 0, "p_success": 0.5, "risk": 0, "cost_buy": 0, "cost_sell": 0, "hold": 12, "taker_fee": 0}
    out = run_layer(l74_cost_gate.step, {"side": side, "funding_rate": rate} | still)
    expected = []
    for t in range(n):
        seen = [k for k in (4, 12, 20) if k <= t]
        if not seen:
            funding = 0.0
        elif len(seen) == 1:
            funding = max(side[t] * rate[seen[0]] * 1e4, 0.0)
        else:
            funding = side[t] * rate[seen[-1]] * 1e4 * 12 / (seen[-1] - seen[-2])
        expected.append(-funding)
    np.testing.assert_allclose(out["net_edge"], expected, rtol=1e-12, atol=1e-15)


def test_cost_gate_gives_no_infinity():
    wild = np.array([1e308, -1e308, 0.0, 5e-324])
    out = run_layer(
        l74_cost_gate.step,
        {
            "side": 1,
            "reward": wild,
            "p_success": 1,
            "risk": wild[::-1],
            "cost_buy": -wild,
            "cost_sell": 0,
            "hold": 1e308,
            "taker_fee": 5,
        },
    )
    assert not np.isinf(out["net_edge"]).any()
    assert set(out["pass"]) <= {0.0, 1.0}


def test_cost_gate_believes_its_own_fills_the_more_there_are():
    """Expected are 5 + (2 + 4) / 2 = 8 bps a fill; own fills cost 2 to open, 4 to close a gain and 12 a loss."""
    calm = {"side": 1, "reward": 0, "risk": 0, "cost_buy": 2, "cost_sell": 4, "hold": 1, "taker_fee": 5}
    own = {"cost_open": 2, "cost_win": 4, "cost_loss": 12}

    def costs(p, *counts, **other):
        counted = dict(zip(("opened", "won", "lost"), counts, strict=True))
        return run_layer(l74_cost_gate.step, calm | own | {"p_success": np.array([p])} | counted | other)["costs"][0]

    assert costs(0.5, nan, nan, nan) == costs(0.5, 0, 0, 0) == pytest.approx(16)
    assert costs(1.0, 10, 10, 10) == pytest.approx((2 * 8 + 10 * 2) / 12 + (2 * 8 + 10 * 4) / 12)
    assert costs(0.75, 1e9, 1e9, 1e9) == pytest.approx(2 + 0.75 * 4 + 0.25 * 12)
    assert costs(0.5, 10, 0, 0, cost_open=nan) == pytest.approx(16)
    assert costs(1.0, 1e9, 1e9, 1e9, cost_open=-50, cost_win=900) == pytest.approx(2 + 32)


# ---------------------------------------------------------------- L76


BARS_PER_YEAR = 525_960


def size_by_hand(p, side, hint, kelly, stop, sigma, equity, drawdown, multiplier):
    if side == 0 or equity <= 0 or stop <= 0:
        return 0.0
    scale = 1.0 if math.isnan(multiplier) else multiplier
    if equity < p["small_equity"]:
        return side * p["small_notional"] * scale
    risk = (p["risk_low"] + p["risk_high"]) / 2 * (0.5 + hint)
    risk = min(max(risk, p["risk_low"]), p["risk_high"])
    cut = risk - p["dd_cut"] * math.floor(drawdown / p["dd_step"] + 1e-9)
    risk = min(max(cut, min(p["floor"], risk)), p["kelly_fraction"] * max(kelly, 0.0))
    size = equity * risk / (stop / 1e4)
    if sigma > 0:
        size = min(size, equity * p["target_vol"] / (sigma * math.sqrt(BARS_PER_YEAR)))
    return side * size * scale


def test_position_size_follows_its_rule():
    random, n = draws(2)
    settings = l76_position_size.Params().model_dump()
    inputs = {
        "side": random.integers(-1, 2, n).astype(float),
        "size_hint": random.random(n),
        "kelly": random.uniform(-0.1, 0.3, n),
        "stop": random.uniform(0, 300, n),
        "sigma": np.where(random.random(n) < 0.1, 0.0, random.uniform(1e-5, 3e-3, n)),
        "equity": random.choice([-5.0, 0.0, 500.0, 1000.0, 25000.0], n),
        "drawdown": random.choice([0.0, 0.04, 0.05, 0.1, 0.15, 0.4], n),
        "multiplier": np.where(random.random(n) < 0.5, nan, random.random(n)),
    }
    out = run_layer(l76_position_size.step, inputs | {"price": 100.0, "bars_per_year": BARS_PER_YEAR})
    rows = zip(*inputs.values(), strict=True)
    expected = np.array([size_by_hand(settings, *(float(x) for x in row)) for row in rows])
    np.testing.assert_allclose(out["notional"], expected, rtol=1e-9)
    equity = inputs["equity"]
    leverage = np.divide(np.abs(expected), equity, out=np.zeros(n), where=equity > 0)
    np.testing.assert_allclose(out["leverage"], leverage, rtol=1e-9)
    np.testing.assert_allclose(out["risk_pct"], np.clip(leverage * inputs["stop"] / 1e4, 0, 1), rtol=1e-9)
    large = (equity >= 1000) & (expected != 0)
    assert large.sum() > 30
    assert (out["risk_pct"][large] <= 0.02 + 1e-12).all()
    assert np.isin(out["notional"][(equity == 500) & np.isnan(inputs["multiplier"]) & (expected != 0)], [10, -10]).all()


def test_position_size_example():
    """10,000 at 1 % risk (hint 0.3) and a stop of 100 bps: 10,000; three cuts of 0.25 % reach the floor."""
    calm = {"side": 1, "size_hint": 0.3, "kelly": 1, "stop": 100, "sigma": 0, "price": 1, "equity": 10000}
    calm["bars_per_year"] = BARS_PER_YEAR
    out = run_layer(l76_position_size.step, calm | {"drawdown": np.array([0.0, 0.05, 0.15, 0.5])})
    np.testing.assert_allclose(out["notional"], [10000, 7500, 2500, 2500])
    np.testing.assert_allclose(out["kept"], [1.0, 0.75, 0.25, 0.25])


def test_position_size_gives_no_infinity():
    wild = np.array([1e308, 1e-308, 5e-324, 1.0])
    for name in ("stop", "equity", "sigma"):
        calm = {
            "side": -1,
            "size_hint": 1,
            "kelly": 1,
            "stop": 10,
            "sigma": 0,
            "price": 1,
            "equity": 1e5,
            "drawdown": 0,
            "bars_per_year": BARS_PER_YEAR,
        }
        out = run_layer(l76_position_size.step, calm | {name: wild})
        assert all(np.isfinite(v).all() for v in out.values())
        if name == "equity":
            assert out["notional"][0] == out["leverage"][0] == 0.0  # no size is told where none is a number


# ---------------------------------------------------------------- L77


def test_levels_on_real_prices():
    for name in ("binance_btcusdt_1m", "binance_dogeusdt_1m", "bitfinex_ethusd_1m"):
        bars = real_bars(name, 40000)
        close, n = bars["close"], len(bars["close"])
        random = np.random.default_rng(3)
        atr = np.maximum(bars["high"] - bars["low"], 1e-7 * close)
        side = random.integers(-1, 2, n).astype(float)
        stop, target = random.uniform(0, 900, n), random.uniform(0, 900, n)
        leverage = random.choice([0.0, 0.5, 3.0, 20.0], n)
        inputs = {"side": side, "price": close, "atr": atr, "stop": stop, "target": target, "leverage": leverage}
        out = run_layer(l77_protective_levels.step, inputs)
        distance = np.minimum(np.maximum(2 * atr / close, stop / 1e4), 0.15)
        bound = np.where(leverage > 0, 0.5 / np.where(leverage > 0, leverage, 1), inf)
        distance = np.minimum(distance, bound)
        np.testing.assert_allclose(out["stop_pct"], distance, rtol=1e-9)
        long, short, flat = side == 1, side == -1, side == 0
        np.testing.assert_allclose(out["stop_price"][long], (close * (1 - distance))[long], rtol=1e-9)
        np.testing.assert_allclose(out["stop_price"][short], (close * (1 + distance))[short], rtol=1e-9)
        np.testing.assert_allclose(out["take_price"][long], (close * (1 + target / 1e4))[long], rtol=1e-9)
        np.testing.assert_allclose(out["take_price"][short], (close * (1 - target / 1e4))[short], rtol=1e-9)
        assert (side * (close - out["stop_price"]) > 0)[~flat].all()
        assert (side * (out["take_price"] - close) > 0)[~flat].all()
        assert np.isnan(out["stop_price"][flat]).all() and np.isnan(out["take_price"][flat]).all()


@pytest.mark.parametrize("price", [1e-9, 1.0, 1e9])
def test_levels_that_would_be_no_price(price):
    calm = {"side": np.array([-1.0, 1.0, -1.0]), "price": price, "atr": price * 1e-18, "leverage": 1}
    out = run_layer(l77_protective_levels.step, calm | {"stop": 0, "target": np.array([10000.0, 0.0, 20000.0])})
    assert np.isnan(out["stop_price"]).all()  # 2e-18 of the price is no distance
    assert np.isnan(out["take_price"]).all()
    low = run_layer(
        l77_protective_levels.step, calm | {"stop": 1e4, "target": 50, "leverage": 0.5}, {"liq_buffer": 0.1}
    )
    np.testing.assert_allclose(low["stop_pct"], 0.15)
    loose = {"liq_buffer": 0.1, "max_stop": 0.5}
    low = run_layer(l77_protective_levels.step, calm | {"stop": 1e4, "target": 50, "leverage": 0.5}, loose)
    np.testing.assert_allclose(low["stop_pct"], 0.2)
    wide = run_layer(l77_protective_levels.step, calm | {"stop": 1e9, "target": 50})
    np.testing.assert_allclose(wide["stop_price"] / price, [1.15, 0.85, 1.15], rtol=1e-12)
