"""L78, L91 and L92 against plain transcriptions of their rules."""

import math

import numpy as np
import pandas as pd
import pytest

from stratoquant.layers.risk import l78_trailing_and_amplify, l91_liquidity_freeze, l92_margin_guard
from tests.layers.real_data import real_bars
from tests.layers.single import run_layer

nan, inf = np.nan, np.inf


# ---------------------------------------------------------------- L78


def follow(**changes):
    """A long of 10 at 100, stop 98 (R = 2), after one flat bar."""
    price = np.array(changes.pop("price"), float)
    n = len(price)
    calm = {
        "position": np.r_[0.0, np.full(n - 1, 10.0)], "entry": np.r_[nan, np.full(n - 1, 100.0)], "price": price,
        "atr": 0.5, "stop_price": np.r_[98.0, np.full(n - 1, nan)],
        "held": np.maximum(np.arange(n) - 1.0, 0), "hold": 500, "bias": 1,
    }  # fmt: skip
    params = changes.pop("params", None)
    return run_layer(l78_trailing_and_amplify.step, calm | changes, params)


def states(out):
    return [l78_trailing_and_amplify.STATES[int(x)] for x in out["state"]]


def test_a_stop_follows_a_long():
    out = follow(price=[100, 100, 101, 102, 103.5, 105, 104, 103.5, 103.4])
    assert out["stop_price"].tolist() == [98, 98.5, 99.5, 100.5, 102, 103.5, 103.5, 103.5, 103.5]
    assert out["exit"].tolist() == [0, 0, 0, 0, 0, 0, 0, 1, 1]
    wide = follow(price=[100, 100, 101, 102, 101], atr=2)
    assert wide["stop_price"].tolist() == [98, 98, 98, 100, 100]  # break-even, the chandelier is further away


def test_a_stop_follows_a_short():
    n = 6
    out = run_layer(
        l78_trailing_and_amplify.step,
        {
            "position": np.r_[0, np.full(n - 1, -3.0)], "entry": np.r_[nan, np.full(n - 1, 100.0)],
            "price": np.array([100.0, 100, 98, 96, 97, 97.5]), "atr": 0.5, "stop_price": 102,
            "held": np.arange(n) * 1.0,
        },
    )  # fmt: skip
    assert out["stop_price"].tolist() == [102, 101.5, 99.5, 97.5, 97.5, 97.5]
    assert out["exit"].tolist() == [0, 0, 0, 0, 0, 1]


def test_what_a_position_becomes():
    out = follow(price=[100, 100, 101, 98.9, 102, 102.5, 103.2, 103.1, 101], atr=5)
    expected = ["new", "new", "new", "loser", "winner", "winner", "breakout", "winner", "fading"]
    assert states(out) == expected


def test_a_time_stop():
    out = follow(price=[100] + [100.1] * 9, hold=np.r_[3.0, np.full(9, 50.0)])
    assert out["exit"].tolist() == [0, 0, 0, 0, 1, 1, 1, 1, 1, 1]  # held 3 bars at the fifth
    assert not follow(price=[100] + [100.1] * 9, hold=nan)["exit"].any()


def test_an_addition_does_not_raise_what_can_be_lost():
    price = [100, 100, 102, 103.2, 104, 104]
    position = np.array([0, 10, 10, 10, 13.0, 13.0])
    out = follow(price=price, position=position, entry=np.array([nan, 100, 100, 100, 101, 101.0]))
    assert out["add"][:3].tolist() == [0, 0, 0]
    assert out["add"][3] == 1  # 20 could be lost at first; the stop at 101.7 has won 17
    assert out["add"][4:].tolist() == [0, 0]  # gain 1.5 R, the second addition is due at 3 R
    wide = follow(price=price, atr=1.4, position=np.r_[0, np.full(5, 10.0)])
    stop = max(100.0, 103.2 - 3 * 1.4)
    share = (2 * 10 - (100 - stop) * 10) / ((103.2 - stop) * 10)
    assert wide["add"][3] == pytest.approx(share)
    added, size = share * 10, 10
    at_risk = size * (100 - stop) + added * (103.2 - stop)
    assert at_risk <= 20 + 1e-9
    for change in ({"bias": -1}, {"bias": nan}, {"params": {"max_adds": 0}}, {"params": {"add_at": 3}}):
        assert not follow(price=price, **change)["add"].any()


def test_only_a_bias_to_the_side_of_the_position_adds():
    price = [100, 100, 102, 103.2]
    assert follow(price=price, bias=0.005)["add"][3] == 1
    assert not follow(price=price, bias=0)["add"].any()


def test_a_position_without_a_stop_gets_one():
    for stop in (nan, 104.0):
        out = follow(price=[100, 100, 100.2], stop_price=np.array([stop, nan, nan]))
        assert out["stop_price"][1:].tolist() == [98.5, pytest.approx(98.7)]


@pytest.mark.parametrize("seed", range(3))
def test_a_stop_never_moves_away(seed):
    random = np.random.default_rng(seed)
    n = 3000
    price = 100 * np.exp(np.cumsum(random.normal(0, 0.004, n)))
    position = np.repeat(random.choice([-2.0, 0.0, 1.0, 5.0], n // 30), 30)
    entry = np.where(position == 0, nan, np.repeat(price[::30], 30))
    out = run_layer(
        l78_trailing_and_amplify.step,
        {
            "position": position, "entry": entry, "price": price, "atr": 0.003 * price,
            "stop_price": np.where(random.random(n) < 0.3, nan, price * random.uniform(0.98, 1.02, n)),
            "held": np.tile(np.arange(30.0), n // 30), "hold": np.where(random.random(n) < 0.5, nan, 12), "bias": 1,
        },
    )  # fmt: skip
    side = np.sign(position)
    same = (side[1:] == side[:-1]) & (side[1:] != 0)
    moved = side[1:] * np.diff(out["stop_price"])
    assert (moved[same] >= 0).all() and (moved[same] > 0).any()
    kept = (side != 0) & (out["exit"] == 0)
    assert (side * (price - out["stop_price"]) > 0)[kept].all()
    assert np.isin(out["exit"], [0, 1]).all() and ((out["add"] >= 0) & (out["add"] <= 1)).all()
    assert (out["add"] > 0).any()


def test_a_position_whose_entry_is_not_known_yet_counts_as_flat():
    out = follow(price=[100.0, 100, 100, 101], entry=np.array([nan, nan, 100, 100]), stop_price=np.full(4, 98.0))
    assert out["stop_price"].tolist() == [98, 98, 98.5, 99.5]
    gone = follow(price=[100.0, 100, 100], position=np.array([0, 10.0, 0]), entry=100.0, stop_price=np.full(3, 90.0))
    assert gone["stop_price"].tolist() == [90, 98.5, 90]


def test_nothing_while_flat():
    out = follow(price=[100.0] * 4, position=0.0, entry=nan, stop_price=np.array([98, nan, 97, 96.0]))
    np.testing.assert_array_equal(out["stop_price"], [98, nan, 97, 96])
    assert not out["exit"].any() and not out["add"].any() and not out["state"].any()


# ---------------------------------------------------------------- L91


@pytest.mark.parametrize("name", ["binance_xrpusdt_1m", "bitfinex_ltcusd_1m"])
def test_a_freeze_on_real_volumes(name):
    bars = real_bars(name, 20000)
    volume = bars["volume"]
    n = len(volume)
    random = np.random.default_rng(8)
    spread, cost = random.lognormal(0, 0.7, n), random.lognormal(0, 0.6, n)
    fillable = np.where(random.random(n) < 0.02, random.random(n), 1.0)
    fillable[random.random(n) < 0.005] = 0
    stale = (random.random(n) < 0.01).astype(float)
    inputs = {"volume": volume, "spread": spread, "cost": cost, "stale": stale, "fillable": fillable}
    out = run_layer(l91_liquidity_freeze.step, inputs, {"window": 101, "widen": 4, "cut": 0.1})
    middle = {k: pd.Series(v).rolling(101).median().to_numpy() for k, v in inputs.items()}
    known = np.arange(n) >= 100
    assert np.isnan(out["freeze"][~known]).all()
    freeze = (volume < 0.1 * middle["volume"]) & (middle["volume"] > 0)
    freeze |= (spread > 4 * middle["spread"]) | (cost > 4 * middle["cost"]) | (stale > 0) | (fillable == 0)
    np.testing.assert_array_equal(out["freeze"][known], freeze[known])
    with np.errstate(all="ignore"):
        thin = np.where(middle["volume"] > 0, (1 - volume / middle["volume"]) / 0.9, 0)
        worst = np.maximum.reduce(
            [thin, (spread / middle["spread"] - 1) / 3, (cost / middle["cost"] - 1) / 3, 1 - fillable]
        )
    np.testing.assert_allclose(
        out["severity"][known], np.where(freeze, 1, np.clip(worst, 0, 1))[known], rtol=1e-9, atol=1e-12
    )
    age = 0
    for t in np.flatnonzero(known):
        age = age + 1 if freeze[t] else 0
        assert out["age"][t] == age or t < 130  # the row may have begun in the warm-up
    assert 0.005 < freeze[known].mean() < 0.5


def test_a_market_without_volume_or_book_is_not_frozen():
    out = run_layer(
        l91_liquidity_freeze.step, {"volume": np.zeros(60), "cost": 0, "stale": 0, "fillable": 1}, {"window": 30}
    )
    assert not out["freeze"][29:].any() and not out["severity"][29:].any()


# ---------------------------------------------------------------- L92


@pytest.mark.parametrize("side", [1, -1])
@pytest.mark.parametrize("leverage", [0.5, 3.0, 12.0, 40.0, 300.0])
def test_liquidation_comes_where_the_margin_is_gone(side, leverage):
    equity, price, sigma = 1000.0, 50.0, 0.001
    position = side * leverage * equity / price
    inputs = {
        "position": np.array([position]), "price": price, "equity": equity, "leverage": leverage, "sigma": sigma,
        "entry": 9, "bars_per_day": 1440, "maintenance": 0.005,
    }  # fmt: skip
    out = run_layer(l92_margin_guard.step, inputs)
    daily = sigma * math.sqrt(1440)
    move = out["distance"][0] * daily
    if move > 0:
        at = price * (1 - side * move)
        left = equity + position * (at - price)
        assert left == pytest.approx(0.005 * abs(position) * at, rel=1e-9)
    assert (out["distance"][0] == 0.0) == (leverage > 200.0)  # of which the maintenance margin of 0.5% takes all
    rest = 1 - out["reduce"][0]
    after = run_layer(
        l92_margin_guard.step, inputs | {"position": inputs["position"] * rest, "leverage": leverage * rest}
    )
    if out["reduce"][0] > 0:
        assert after["distance"][0] == pytest.approx(4, rel=1e-9)
    else:
        assert out["distance"][0] >= 4
    assert after["reduce"][0] == pytest.approx(0, abs=1e-12)
    assert (out["reduce"][0] > 0) == (leverage > 6)


def test_carry_against_its_limit():
    n = 12
    rate = np.full(n, nan)
    rate[[1, 4, 7, 10]] = 0.0001, 0.0001, 0.01, -0.01
    inputs = {"price": 1, "equity": 1000, "leverage": 0.1, "sigma": 0, "funding_rate": rate}
    inputs |= {"bars_per_day": 12, "maintenance": 0.005}
    params = {"max_carry": 30}
    out = run_layer(l92_margin_guard.step, inputs | {"position": np.full(n, 5.0)}, params)
    expected = [0, 1, 1, 1, 4, 4, 4, 400, 400, 400, -400, -400]
    np.testing.assert_allclose(out["carry"], expected)
    assert out["reduce"].tolist() == [0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 0, 0]
    short = run_layer(l92_margin_guard.step, inputs | {"position": np.full(n, -5.0)}, params)
    np.testing.assert_allclose(short["carry"], -np.array(expected))
    assert short["reduce"].tolist() == [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1]
    flat = run_layer(l92_margin_guard.step, inputs | {"position": np.zeros(n)}, params)
    assert not flat["carry"].any() and flat["reduce"].tolist() == [0] * 7 + [1] * 5
    assert np.isnan(flat["distance"]).all()


def test_margin_without_equity_or_volatility():
    calm = {"position": np.array([5.0, -5, 0]), "price": 100, "leverage": 3, "sigma": 0.001}
    calm |= {"bars_per_day": 1440, "maintenance": 0.005}
    for equity in (0.0, -10.0):
        out = run_layer(l92_margin_guard.step, calm | {"equity": equity})
        assert out["reduce"].tolist() == [1, 1, 0] and out["distance"][:2].tolist() == [0, 0]
        assert np.isnan(out["distance"][2])
    still = run_layer(l92_margin_guard.step, calm | {"equity": 1, "sigma": 0})
    assert np.isnan(still["distance"]).all() and still["reduce"].tolist() == [0, 0, 0]
    full = run_layer(l92_margin_guard.step, calm | {"equity": 1, "sigma": 0, "leverage": 1000})
    assert full["reduce"][:2] == pytest.approx(0.8)
