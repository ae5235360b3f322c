"""L69, L88 and L90: how an order goes to the market, in which pieces, and what its fills cost."""

from math import acosh, cosh, nan, sinh, sqrt

import numpy as np
import pytest
from scipy.stats import norm

from stratoquant.graph.account import ORDER_KINDS
from stratoquant.layers.execution import l69_order_router, l88_order_slicer, l90_fill_quality
from stratoquant.layers.execution.l5_execution_bridge import INTENTS
from stratoquant.layers.execution.order_words import COMMANDS, HEALTH
from stratoquant.runtime.venue import orders, records
from tests.layers.real_data import real_bars
from tests.layers.single import run_layer

NONE, OPEN, INCREASE, REDUCE, CLOSE, FLIP_CLOSE, WITHDRAW = range(len(INTENTS))
MARKET, LIMIT = 0, 1
GOOD, BAD, BROKEN = 0, 1, 2


def test_the_numbers_are_those_of_the_venue() -> None:
    assert [ORDER_KINDS.index(k) for k in ("market", "limit")] == [records.MARKET, records.LIMIT] == [MARKET, LIMIT]
    assert [COMMANDS.index(c) for c in ("place", "keep", "replace", "cancel")] == [
        0, orders.KEEP, orders.REPLACE, orders.CALL_OFF,
    ]  # fmt: skip
    assert HEALTH == l90_fill_quality.step.labels["router_health"] == ("good", "bad", "broken")
    assert INTENTS[REDUCE : FLIP_CLOSE + 1] == ("reduce", "close", "flip_close")


# ---------------------------------------------------------------- L69

ASK = {
    "order_side": 1, "order_qty": 2, "spread": 2, "cost": 3, "imbalance": 0, "sigma": 1e-3, "router_health": GOOD,
    "urgency": 0.2, "intent": OPEN, "price": 100, "taker_fee": 5, "maker_fee": 2,
}  # fmt: skip


def route(params=None, **changes):
    inputs = ASK | changes
    out = run_layer(l69_order_router.step, inputs | {"price": np.atleast_1d(float(inputs["price"]))}, params)
    return {name: values[0] for name, values in out.items()}


def routed_by_hand(row, bias=0.5, most=5.0, fee=3.0):
    """kind, limit price, offset, post-only and ttl by the rule, the chance from the normal distribution."""
    side, spread, cost, imbalance, sigma, urgency, price = row
    ttl = int(1 + 9 * (1 - urgency) + 0.5)
    reach = sigma * ttl**0.5 * 1e4
    lean = 0.0 if imbalance != imbalance else side * imbalance
    half = cost if spread != spread else spread / 2
    offset = min(max(half + (1 - urgency) * sigma * 1e4 * (1 - lean) / 2, 0), most)
    chance = min(2 * norm.sf(offset / reach) * (1 - lean), 1.0)
    if bias * chance * (cost + fee) > (1 - bias) * (1 - chance) * urgency * reach:
        return LIMIT, price - side * offset * price / 1e4, offset, 1, ttl
    return MARKET, nan, 0, 0, ttl


def market_rows(name, bars):
    """side, spread, cost, imbalance, sigma, urgency and price on recorded bars; what they do not tell is drawn."""
    close = real_bars(name, bars + 30)["close"]
    r = np.abs(np.diff(np.log(close)))
    sigma = np.convolve(r, np.full(30, 1 / 30), "valid")[:bars] + 1e-6
    random = np.random.default_rng(9)
    spread = random.exponential(2.0, bars)
    spread[random.random(bars) < 0.3] = nan
    imbalance = random.uniform(-1, 1, bars)
    imbalance[random.random(bars) < 0.3] = nan
    side = random.choice([-1.0, 1.0], bars)
    cost = random.exponential(4.0, bars)
    return np.stack([side, spread, cost, imbalance, sigma, random.random(bars), close[30 : bars + 30]])


COLUMNS = ("order_side", "spread", "cost", "imbalance", "sigma", "urgency", "price")


@pytest.mark.parametrize("taker_fee", [5.0, 1.0])
@pytest.mark.parametrize("params", [{}, {"maker_bias": 0.8, "max_offset": 20.0}])
def test_routes_by_the_rule_on_recorded_bars(params, taker_fee) -> None:
    rows = market_rows("binance_btcusdt_1m", 20_000)
    inputs = ASK | dict(zip(COLUMNS, rows, strict=True)) | {"taker_fee": taker_fee}
    out = run_layer(l69_order_router.step, inputs, params)
    hand = {"bias": params.get("maker_bias", 0.5), "most": params.get("max_offset", 5.0)}
    expected = np.array([routed_by_hand(row, fee=taker_fee - 2.0, **hand) for row in rows.T.tolist()]).T
    for name, theirs in zip(("kind", "limit_price", "offset", "post_only", "ttl"), expected, strict=True):
        np.testing.assert_allclose(out[name], theirs, rtol=1e-12, err_msg=name)
    assert 0.05 < out["kind"].mean() < 0.95


def test_buying_and_selling_mirror_each_other() -> None:
    rows = dict(zip(COLUMNS, market_rows("binance_ethusdt_1m", 5000), strict=True))
    ours = run_layer(l69_order_router.step, ASK | rows)
    turned = rows | {"order_side": -rows["order_side"], "imbalance": -rows["imbalance"]}
    theirs = run_layer(l69_order_router.step, ASK | turned)
    for name in ("kind", "offset", "post_only", "ttl"):
        np.testing.assert_array_equal(ours[name], theirs[name])
    np.testing.assert_allclose(ours["limit_price"] + theirs["limit_price"], 2 * rows["price"] + 0 * ours["limit_price"])
    scaled = run_layer(l69_order_router.step, ASK | rows | {"price": rows["price"] * 2.0**40})
    np.testing.assert_array_equal(scaled["limit_price"], ours["limit_price"] * 2.0**40)


TAKES = {"kind": MARKET, "offset": 0, "post_only": 0, "ttl": 1}


@pytest.mark.parametrize(
    "change",
    [
        {"intent": REDUCE}, {"intent": CLOSE}, {"intent": FLIP_CLOSE}, {"router_health": BROKEN}, {"cost": nan},
        {"sigma": nan}, {"urgency": nan}, {"price": nan}, {"order_side": 0}, {"order_qty": 0},
    ],
)  # fmt: skip
def test_what_is_always_taken(change) -> None:
    out = route({"maker_bias": 1.0}, **change)
    assert np.isnan(out.pop("limit_price"))
    assert out == TAKES


def test_a_patient_order_waits() -> None:
    for still in ({"intent": INCREASE}, {"intent": nan}, {"router_health": BAD}, {"router_health": nan}):
        out = route(**still)
        assert (out["kind"], out["post_only"], out["ttl"]) == (LIMIT, 1, 8)
    out = route(urgency=0.2)
    assert out["offset"] == pytest.approx(1 + 0.8 * 10 / 2)
    assert out["limit_price"] == pytest.approx(100 - 5e-2)
    assert route(urgency=0.2, max_offset=nan)["offset"] == 5.0
    assert route({"max_offset": 0.0})["limit_price"] == 100


def test_time_falls_with_urgency() -> None:
    assert [route(urgency=u)["ttl"] for u in (0, 0.25, 0.5, 0.94, 0.95, 1)] == [10, 8, 6, 2, 1, 1]


def test_what_decides_between_waiting_and_taking() -> None:
    """Each of them alone turns the choice, in its own direction."""
    base = {"urgency": 0.6, "cost": 3.0, "spread": 12.0}
    swept = {"cost": np.linspace(-3, 40, 30), "urgency": np.linspace(1, 0, 30), "spread": np.linspace(60, 0, 30)}
    for name, values in swept.items():
        limit = {"max_offset": 60.0}
        kinds = [route(limit, **(base | {name: x}))["kind"] for x in values]
        assert kinds == sorted(kinds) and set(kinds) == {MARKET, LIMIT}, name
    biased = [route({"maker_bias": b}, **base)["kind"] for b in np.linspace(0, 1, 30)]
    assert biased == sorted(biased) and biased[0] == MARKET and biased[-1] == LIMIT
    paid = [route(taker_fee=2.0 + f, **base)["kind"] for f in np.linspace(-3, 60, 30)]
    assert paid == sorted(paid) and set(paid) == {MARKET, LIMIT}


def test_a_market_that_stands_still_is_taken() -> None:
    """Nothing would ever trade with an order that waits, not even at the price itself."""
    for params in ({"max_offset": 0.0}, {}):
        out = route(params, sigma=0, urgency=0)
        assert (out["kind"], out["ttl"]) == (MARKET, 10)
    assert route({"maker_bias": 1.0}, imbalance=1)["kind"] == MARKET  # all of the market runs away
    assert route(sigma=2e-5, spread=0)["kind"] == LIMIT  # half a basis point is a move


# ---------------------------------------------------------------- L88

LARGE = {"volume": 1e6, "sigma": 1e-3, "cost": 5, "ttl": 8, "intent": OPEN, "side": 1, "price": 50}


def kappa_of(risk_aversion, sigma, price, volume, cost, participation=0.05):
    impact = cost / 1e4 * price / (participation * volume)  # money per unit, for each unit of a bar's trade
    return acosh(1 + risk_aversion * (sigma * price) ** 2 / impact / 2)


@pytest.mark.parametrize("bars", [2, 3, 10, 60])
@pytest.mark.parametrize("risk_aversion", [1e-6, 1e-3, 0.1])
def test_the_closed_form_trajectory(bars, risk_aversion) -> None:
    kappa, size = kappa_of(risk_aversion, 1e-3, 50, 1e6, 5), 1000.0
    t = np.arange(bars + 1)
    left = size * np.sinh(kappa * (bars - t)) / np.sinh(kappa * bars)
    trades = 2 * sinh(kappa / 2) / sinh(kappa * bars) * np.cosh(kappa * (bars - t[1:] + 0.5)) * size
    inputs = LARGE | {"order_qty": left[:-1], "ttl": bars}
    out = run_layer(l88_order_slicer.step, inputs, {"risk_aversion": risk_aversion})
    np.testing.assert_allclose(out["slice_qty"], trades, rtol=1e-9)
    np.testing.assert_allclose(out["remaining"], left[1:], rtol=1e-9, atol=1e-12 * size)
    np.testing.assert_allclose(out["schedule"], 1 - left[1:] / size, rtol=1e-9)


def test_no_other_pieces_cost_less() -> None:
    """Impact and variance as a quadratic form over the trades, minimised by linear algebra."""
    bars, size, risk_aversion, participation = 6, 40.0, 0.02, 0.1
    impact = 5e-4 * 50 / (participation * 1e4)
    held = np.tril(np.ones((bars, bars)))  # sold until the end of each bar
    form = impact * np.eye(bars) + risk_aversion * (1e-3 * 50) ** 2 * held.T @ held
    pull = risk_aversion * (1e-3 * 50) ** 2 * size * held.T @ np.ones(bars)
    system = np.block([[form, np.ones((bars, 1))], [np.ones((1, bars)), np.zeros((1, 1))]])
    best = np.linalg.solve(system, np.r_[pull, size])[:bars]
    left = size - np.r_[0, np.cumsum(best)[:-1]]
    inputs = LARGE | {"order_qty": left, "ttl": bars, "volume": 1e4}
    out = run_layer(l88_order_slicer.step, inputs, {"risk_aversion": risk_aversion, "participation": participation})
    np.testing.assert_allclose(out["slice_qty"], best, rtol=1e-9)
    assert best[0] > 1.5 * best[-1]


def test_the_first_piece_on_recorded_bars() -> None:
    bars = real_bars("binance_ethusdt_1m", 20_000)
    close, volume = bars["close"], bars["volume"] + 1e-3
    sigma = np.abs(np.diff(np.log(close), prepend=np.log(close[0]))) + 1e-5
    random = np.random.default_rng(11)
    cost, ttl = random.uniform(0.5, 20, 20_000), random.integers(1, 30, 20_000).astype(float)
    qty = 0.02 * np.cumsum(random.exponential(size=20_000))  # grows, so that every order is a new one
    inputs = {"price": close, "volume": volume, "sigma": sigma, "cost": cost, "ttl": ttl, "order_qty": qty}
    out = run_layer(l88_order_slicer.step, LARGE | inputs, {"risk_aversion": 1e-3})
    expected = []
    for q, n, arguments in zip(qty, ttl, zip(sigma, close, volume, cost, strict=True), strict=True):
        kappa = kappa_of(1e-3, *arguments)
        expected.append(q * (1 - sinh(kappa * (n - 1)) / sinh(kappa * n)))
    np.testing.assert_allclose(out["slice_qty"], np.minimum(expected, 0.05 * volume), rtol=1e-7)  # acosh near 1
    assert 0.05 < (out["slice_qty"] < np.array(expected) * 0.999).mean() < 0.95
    np.testing.assert_allclose(out["slice_qty"] + out["remaining"], qty)


def sliced(qty, params=None, **changes):
    out = run_layer(l88_order_slicer.step, LARGE | changes | {"order_qty": np.array(qty, float)}, params)
    return out["slice_qty"].tolist(), out["schedule"].tolist()


EVEN = {"risk_aversion": 0.0}


def test_even_pieces_and_what_was_left_undone() -> None:
    assert sliced([8, 7, 6, 5], EVEN)[0] == pytest.approx([1, 1, 1, 1])
    assert sliced([8, 8, 8, 8, 8, 8, 8, 8, 8, 8], EVEN)[0] == pytest.approx(
        [1, 8 / 7, 8 / 6, 8 / 5, 2, 8 / 3, 4, 8, 8, 8]
    )
    assert sliced([8, 7, 4], EVEN)[1] == pytest.approx([1 / 8, 2 / 8, 1 - 4 * 5 / 6 / 8])
    assert sliced([8, 8], EVEN, participation=nan, sigma=nan)[0] == pytest.approx([1, 8 / 7])
    for missing in ("sigma", "price"):
        assert sliced([8], {"risk_aversion": 1.0}, **{missing: nan})[0] == [1]
    assert sliced([8], {"risk_aversion": 1.0}, sigma=0)[0] == [1]


def test_when_an_order_is_a_new_one() -> None:
    assert sliced([8, 8, 16, 16], EVEN)[0] == pytest.approx([1, 8 / 7, 2, 16 / 7])
    assert sliced([8, 4, 8, 8 + 1e-9], EVEN)[0] == pytest.approx([1, 4 / 7, 8 / 6, 8 / 5])
    assert sliced([8, 8, 0, 8], EVEN)[0] == pytest.approx([1, 8 / 7, 0, 1])
    assert sliced([8, 8, 0, 8], EVEN)[1] == pytest.approx([1 / 8, 1 / 7, 1, 1 / 8])
    turned = np.array([1.0, 1, -1, -1])
    assert sliced([8] * 4, EVEN, side=turned)[0] == pytest.approx([1, 8 / 7, 1, 8 / 7])
    intent = np.array([OPEN, INCREASE, CLOSE, OPEN, INCREASE], float)
    assert sliced([8] * 5, EVEN, intent=intent)[0] == pytest.approx([1, 8 / 7, 8, 1, 8 / 7])


def test_an_exit_goes_at_once_whatever_is_missing() -> None:
    for intent in (REDUCE, CLOSE, FLIP_CLOSE):
        assert sliced([8], intent=intent, volume=nan, sigma=nan, cost=nan, ttl=nan, price=nan) == ([8], [1])
        assert sliced([8], intent=intent, volume=1) == ([8], [1])
    assert sliced([0], intent=WITHDRAW) == ([0], [1])


def test_the_cap_and_what_is_due_at_once() -> None:
    assert sliced([8], volume=20, ttl=1) == ([1], [1 / 8])
    assert sliced([8], {"participation": 0.1}, volume=20, ttl=nan)[0] == [2]
    assert sliced([9], EVEN, ttl=1.5)[0] == [6]
    assert sliced([8], volume=nan)[0] == sliced([8], volume=0)[0] == [0]
    assert sliced([8], cost=0)[0] == [8]
    assert sliced([8], {"risk_aversion": 1.0}, cost=1e-9, price=1e9, sigma=1)[0] == [8]
    for scale in (2.0**-30, 2.0**30):  # of quantities and prices, money staying the same
        ours, _ = sliced([8 * scale, 7 * scale], {"risk_aversion": 1e-3}, volume=1e6 * scale, price=50 / scale)
        assert np.divide(ours, scale).tolist() == pytest.approx(sliced([8, 7], {"risk_aversion": 1e-3})[0])
    hurried = [sliced([8], {"risk_aversion": a})[0][0] for a in (0, 1e-6, 1e-3, 0.1, 1)]
    assert hurried == sorted(hurried) and hurried[0] == 1 and hurried[-1] > 7
    assert cosh(kappa_of(1e-3, 1e-3, 50, 1e6, 5)) > 1


# ---------------------------------------------------------------- L90

FILL = {"arrival": 100, "fees": 0, "maker": 0, "latency_ms": 0, "rejects": 0, "realised": 0}


def quality(params=None, **inputs):
    out = run_layer(l90_fill_quality.step, FILL | inputs, params)
    return {name: values.tolist() for name, values in out.items()}


def test_the_shortfall_of_a_fill() -> None:
    """Bought 2 at 101 and sold them at 99 against 100, a fee of 0.1 each; then sold 1 dear, bought half of it back."""
    out = quality(
        position=np.array([2.0, 2, 0, -1, -0.5]), fill_price=np.array([101.0, nan, 99, 102, 101]),
        fill_qty=np.array([2.0, nan, 2, 1, 0.5]), fees=np.array([0.1, 0, 0.1, 0, 0.01]),
    )  # fmt: skip
    expected = [105, nan, 105, -200, 102]
    assert out["shortfall"] == pytest.approx(expected, nan_ok=True)
    apart = quality(position=np.array([1.0, 1]), fill_price=99, fill_qty=1)  # the second leaves the position as it was
    assert apart["shortfall"] == pytest.approx([-100, nan], nan_ok=True)
    nothing = quality(position=np.array([1.0]), fill_price=99, fill_qty=0)
    assert np.isnan([nothing[n][0] for n in ("shortfall", "slippage_ewm", "maker_share")]).all()
    assert nothing["router_health"] == [GOOD]
    assert nothing["opened"] == nothing["won"] == nothing["lost"] == [0.0]


def test_the_decayed_means_on_recorded_prices() -> None:
    """Against weights that are written out, all fills of the past at each fill."""
    bars = real_bars("binance_btcusdt_1m", 20_001)
    random = np.random.default_rng(12)
    fills = random.random(20_000) < 0.1
    arrival, price = bars["close"][:-1], bars["open"][1:] * (1 + 1e-4 * random.normal(size=20_000))
    change = np.where(fills, random.normal(size=20_000), 0.0)
    maker = (random.random(20_000) < 0.3).astype(float)
    paid = np.where(fills, 5e-4 * np.abs(change) * price, 0.0)
    inputs = {"position": np.cumsum(change), "fill_price": np.where(fills, price, nan), "arrival": arrival}
    inputs |= {"fill_qty": np.where(fills, np.abs(change), nan), "fees": paid, "maker": maker}
    out = run_layer(l90_fill_quality.step, FILL | inputs, {"half_life": 20})
    where = np.flatnonzero(fills)
    loss = (np.sign(change) * (price / arrival - 1) * 1e4 + 5 * price / arrival)[where]
    np.testing.assert_allclose(out["shortfall"][where], loss, rtol=1e-9, atol=1e-9)
    assert np.isnan(np.delete(out["shortfall"], where)).all()
    for k in (0, 1, 5, 40, len(where) - 1):
        weights = 2.0 ** (-np.arange(k, -1, -1) / 20)
        assert out["slippage_ewm"][where[k]] == pytest.approx(np.average(loss[: k + 1], weights=weights))
        assert out["maker_share"][where[k]] == pytest.approx(np.average(maker[where[: k + 1]], weights=weights))
        assert out["slippage_ewm"][where[k] + 1 - (k > 40)] == out["slippage_ewm"][where[k]] or fills[where[k] + 1]


@pytest.mark.parametrize(
    ("change", "health"),
    [
        ({}, GOOD), ({"rejects": 1}, BAD), ({"rejects": 2}, BROKEN), ({"rejects": 7}, BROKEN),
        ({"latency_ms": 5000}, GOOD), ({"latency_ms": 5000.5}, BAD), ({"latency_ms": 1e9}, BAD),
        ({"fill_price": 100.099}, GOOD), ({"fill_price": 100.101}, BAD), ({"fill_price": 100.299}, BAD),
        ({"fill_price": 125, "arrival": 125, "fees": 0.125}, GOOD),  # 10 bps to the bit
        ({"fill_price": 125, "arrival": 125, "fees": 0.375}, BAD),
        ({"fill_price": 100.301}, BROKEN), ({"fill_price": 99}, GOOD), ({"fill_price": 99, "rejects": 1}, BAD),
    ],
)  # fmt: skip
def test_the_health_of_the_router(change, health) -> None:
    out = quality(**({"position": np.array([1.0]), "fill_price": 100, "fill_qty": 1} | change))
    assert out["router_health"] == [health]


def test_prices_of_any_size() -> None:
    random = np.random.default_rng(13)
    price, position = 100 * np.exp(0.01 * random.normal(size=50)), random.normal(size=50)
    inputs = {"position": position, "fill_price": price, "fill_qty": 1.0}
    usual = quality(**inputs)
    small = quality(**(inputs | {"fill_price": price * 2.0**-40, "arrival": 100 * 2.0**-40}))
    for name, values in usual.items():
        np.testing.assert_array_equal(small[name], values, err_msg=name)
    mirrored = quality(**(inputs | {"position": -position, "fill_price": 200 - price}))
    np.testing.assert_allclose(mirrored["shortfall"], usual["shortfall"], rtol=1e-9)
    assert sqrt(np.square(usual["shortfall"]).mean()) > 10


def test_what_fills_cost_by_what_they_did_to_the_position() -> None:
    """Drawn fills that open, close a gain or close a loss, against weights that are written out."""
    random, n = np.random.default_rng(13), 4_000
    change = random.choice([-1.0, 0.0, 1.0], n) * random.uniform(0.5, 2.0, n)
    position = np.cumsum(change)
    gained = random.normal(0.0, 1.0, n)
    maker, fees = (random.random(n) < 0.5).astype(float), random.uniform(0.01, 0.1, n)
    filled = change != 0.0
    inputs = {"position": position, "fill_price": np.where(filled, 100.0, nan), "fill_qty": np.where(filled, 3.0, nan)}
    inputs |= {"fees": fees, "maker": maker, "realised": np.cumsum(gained), "half": 1.5}
    out = run_layer(l90_fill_quality.step, FILL | inputs, {"half_life": 20})
    cost = fees + (1.0 - maker) * 1.5e-4 * 300.0
    opens = np.sign(change) * position > 0.0
    kinds = {"open": opens, "win": ~opens & (gained > 0.0), "loss": ~opens & (gained <= 0.0)}
    for (name, kind), count in zip(kinds.items(), ("opened", "won", "lost"), strict=True):
        own = cost[filled & kind]
        weights = 2.0 ** (-np.arange(len(own) - 1, -1, -1) / 20)
        assert out[f"cost_{name}"][-1] == pytest.approx((own * weights).sum() / (300.0 * weights.sum()) * 1e4)
        assert out[count][-1] == pytest.approx(weights.sum())
