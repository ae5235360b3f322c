"""L85, L86, L93 and L94: tails, stress, hedges and the reasons to stop."""

from __future__ import annotations

import numpy as np
import pytest
import talib
from scipy.stats import genpareto
from scipy.stats import t as student

from stratoquant.layers import catalogue
from stratoquant.layers.risk import l86_stress, l94_emergency_stop
from tests.layers.real_data import real_bars
from tests.layers.single import run_layer

Values = dict[str, np.ndarray]
nan = float("nan")


def run(key: str, inputs: dict[str, object], params: dict[str, float] | None = None, symbols: int = 1) -> Values:
    return run_layer(catalogue().get(key), inputs, params, symbols)


# ---------------------------------------------------------------- L85


def returns(symbol: str, bars: int) -> Values:
    r1 = np.diff(np.log(real_bars(symbol, bars)["close"]))
    sigma = np.full(len(r1), nan)
    power = 1e-6
    for t, r in enumerate(r1):
        power += (r * r - power) * 2.0 / 31.0
        sigma[t] = np.sqrt(power)
    return {"r1": r1, "sigma": sigma}


@pytest.mark.parametrize("symbol", ["bitfinex_btcusd_1m", "binance_dogeusdt_1m"])
@pytest.mark.parametrize(("window", "share"), [(2000, 0.05), (240, 0.1)])
def test_l85_is_hills_estimate_on_the_window(symbol: str, window: int, share: float) -> None:
    inputs = returns(symbol, 20_001)
    found = run("L85", inputs, {"window": window, "share": share})
    x = np.r_[nan, -inputs["r1"][1:] / inputs["sigma"][:-1]]
    k = int(share * window)
    assert np.isnan(found["tail"][window - 1]) and not np.isnan(found["tail"][window])
    for t in range(window, len(x), 60):
        ranked = np.sort(x[t - window + 1 : t + 1])
        edge, tail = ranked[-k - 1], ranked[-k:]
        xi = np.log(tail / edge).mean()
        assert found["tail"][t] == pytest.approx(1 / xi, rel=1e-9)
        assert found["es"][t] == pytest.approx(min(inputs["sigma"][t] * edge / (1 - xi), 1) if xi < 1 else 1, rel=1e-9)
        assert found["heavy"][t] == float(1 / xi < 4)
        later = min(t + 59, len(x) - 1)
        assert found["tail"][later] == found["tail"][t]  # held until the next estimate
    assert len(np.unique(found["heavy"][window:])) == 2 or window == 2000


def test_l85_finds_the_index_of_a_pareto_tail() -> None:
    random = np.random.default_rng(1)
    losses = genpareto.rvs(1 / 3, scale=1 / 3, loc=1.0, size=60_000, random_state=random)  # tail index 3
    found = run("L85", {"r1": -losses * 0.01, "sigma": np.full(60_000, 0.01)}, {"window": 50_000, "share": 0.02})
    assert found["tail"][-1] == pytest.approx(3.0, rel=0.1) and found["heavy"][-1] == 1.0


@pytest.mark.parametrize("seed", [4, 5])
def test_l85_measures_the_tail_of_t_distributed_returns(seed: int) -> None:
    """The volatility is an average of 30 bars that contains this bar's return, as L1's: a sigma that is used too early
    bounds |x| at sqrt(15.5) = 3.94, and the tail index reads 6."""
    r1 = 1e-3 * student.rvs(3.0, size=52_000, random_state=np.random.default_rng(seed))
    sigma = np.sqrt(talib.EMA(r1 * r1, 30))
    found = run("L85", {"r1": r1[29:], "sigma": sigma[29:]}, {"window": 50_000, "share": 0.01})
    assert found["tail"][-1] == pytest.approx(3.0, rel=0.15) and found["heavy"][-1] == 1.0


@pytest.mark.parametrize("freedom", [3.0, 6.0])
def test_l85_expects_the_loss_of_the_distribution(freedom: float) -> None:
    scale = 1e-3
    r1 = scale * student.rvs(freedom, size=52_000, random_state=np.random.default_rng(4))
    found = run("L85", {"r1": r1, "sigma": np.full(52_000, 1e-3)}, {"window": 50_000, "share": 0.01})
    edge = student.isf(0.01, freedom)
    beyond = student.expect(lambda x: x, args=(freedom,), lb=edge, conditional=True)
    assert found["es"][-1] == pytest.approx(scale * beyond, rel=0.07)


def test_l85_where_nothing_is_lost() -> None:
    found = run("L85", {"r1": np.full(300, 1e-3), "sigma": np.full(300, 0.01)}, {"window": 200})
    assert found["tail"][-1] == pytest.approx(1e3) and found["es"][-1] == 0.0 and found["heavy"][-1] == 0.0
    still = run("L85", {"r1": np.zeros(300), "sigma": np.zeros(300)}, {"window": 200})
    assert np.isnan(still["tail"]).all()
    certain = np.r_[np.full(200, -1.0), np.full(10, -1.0)]
    assert run("L85", {"r1": certain, "sigma": np.full(210, 1.0)}, {"window": 200})["es"][-1] == 1.0


# ---------------------------------------------------------------- L86

CALM = {"equity": 1000.0, "sigma": np.array([[1e-3, 2e-3]]), "cost": np.array([[5.0, 20.0]]), "bars_per_day": 1440.0}


def stress(held: list[float], **params: float) -> tuple[float, str, float]:
    found = run("L86", CALM | {"held": np.array([held])}, params, 2)
    name = l86_stress.SCENARIOS[int(found["scenario"][0])]
    return float(found["worst"][0]), name, float(found["breach"][0])


QUIET = {"gap": 0.01, "vol_x": 1.0, "cost_x": 1.0}
DAY = np.sqrt(1440.0)


@pytest.mark.parametrize(
    ("held", "params", "worst", "name"),
    [
        ([100.0, 200.0], {"gap": 0.9, "vol_x": 1, "cost_x": 1}, 0.9 * 300 / 1000, "gap"),
        ([100.0, -50.0], QUIET | {"vol_x": 50}, 50 * DAY * np.hypot(0.1, 0.1) / 1000, "volatile day"),
        ([100.0, 50.0], QUIET | {"vol_x": 50}, 50 * DAY * 0.2 / 1000, "all as one"),
        ([100.0, -100.0], QUIET | {"cost_x": 100}, 100 * (100 * 5 + 100 * 20) * 1e-4 / 1000, "dear exit"),
        ([200.0, 100.0], QUIET, 0.5 * 300 / 1000, "march 2020"),
        ([-200.0, -100.0], QUIET, 0.25 * 300 / 1000, "squeeze"),
        ([0.0, 0.0], QUIET, 0.0, "gap"),
    ],
)
def test_l86_names_the_worst_scenario(held: list[float], params: dict[str, float], worst: float, name: str) -> None:
    found = stress(held, **params)
    assert found[:2] == (pytest.approx(worst, rel=1e-9), name)
    assert found[2] == float(worst > 0.2)


def test_l86_knows_how_long_a_day_is() -> None:
    """On bars of a second a day has sixty times as many, and the volatile day is as much worse."""
    held = {"held": np.array([[100.0, 50.0]])}
    minutes = run("L86", CALM | held, {"vol_x": 1.0, "gap": 0.01}, 2)["worst"][0]
    seconds = run("L86", CALM | held | {"bars_per_day": 86_400.0}, {"vol_x": 50.0, "gap": 0.01}, 2)["worst"][0]
    assert seconds == pytest.approx(min(50 * np.sqrt(86_400.0) * 0.2 / 1000, 1.0))
    assert minutes < seconds


def test_l86_at_its_ends() -> None:
    assert stress([9000.0, 0.0], **QUIET)[0] == 1.0
    assert stress([400.0, 0.0], **QUIET)[::2] == (0.2, 0.0)  # at the limit is not beyond it
    broke = run("L86", CALM | {"equity": np.array([0.0]), "held": np.array([[1.0, 0.0]])}, {}, 2)
    assert broke["worst"][0] == 1.0 == broke["breach"][0]
    absent = run("L86", {**CALM, "held": np.array([[100.0, nan]]), "sigma": np.array([[nan, 1e-3]])}, {"gap": 0.6}, 2)
    assert absent["worst"][0] == pytest.approx(0.06)


# ---------------------------------------------------------------- L93


def test_l93_hedges_to_the_nearer_edge_of_the_band() -> None:
    delta = np.array([[0.9, -0.9, 0.05, nan]])
    gamma = np.array([[0.02, 0.02, 0.02, 0.02]])
    inputs = {"delta": delta, "gamma": gamma, "price": np.full((1, 4), 50.0), "sigma": np.full((1, 4), 0.01)}
    found = run("L93", inputs | {"cost": np.full((1, 4), 40.0)}, {"risk_aversion": 0.5}, 4)
    band = (1.5 * 0.004 * 50.0 * 0.02**2 / 0.5) ** (1 / 3)
    np.testing.assert_allclose(found["band"][0], [band, band, band, 0.0], rtol=1e-12)
    assert 0.05 < band < 0.9
    np.testing.assert_allclose(found["hedge"][0], [band - 0.9, 0.9 - band, 0.0, 0.0], rtol=1e-12)
    assert found["act"][0].tolist() == [1, 1, 0, 0]
    free = run("L93", inputs | {"cost": np.zeros((1, 4))}, {}, 4)
    np.testing.assert_allclose(free["hedge"][0], [-0.9, 0.9, -0.05, 0.0])
    none = {"price": np.full((1, 2), 50.0), "sigma": np.full((1, 2), 0.01), "cost": np.full((1, 2), 5.0)}
    assert np.all(run("L93", none, {}, 2)["act"] == 0.0) and np.all(run("L93", none, {}, 2)["hedge"] == 0.0)


# ---------------------------------------------------------------- L94

FINE = {
    "positions": 3.0, "drawdown": 0.05, "vol_rank": [0.6, 0.7], "gross": 1.0, "alarm": [0.0, 0.0],
    "freeze": [0.0, 0.0], "breach_var": 0.0, "breach_stress": 0.0, "sentiment": [0.1, nan],
}  # fmt: skip
ONE_EACH = {
    "positions": {"positions": 21.0},
    "drawdown": {"drawdown": 0.15},
    "volatility": {"vol_rank": [0.98, 0.98]},
    "exposure": {"gross": 3.01},
    "sentiment": {"sentiment": [-0.8, nan]},
    "jumps": {"alarm": [1.0, 0.0]},
    "freeze": {"freeze": [0.0, 1.0]},
    "value at risk": {"breach_var": 1.0},
    "stress": {"breach_stress": 1.0},
}


def stop(votes: int = 2, **changes: object) -> tuple[float, set[str], str]:
    inputs = {n: np.array([v], dtype=float) for n, v in (FINE | changes).items()}
    found = run("L94", inputs, {"votes": votes}, 2)
    named = {r for bit, r in enumerate(l94_emergency_stop.REASONS) if int(found["reasons"][0]) >> bit & 1}
    return float(found["stop"][0]), named, ("safe", "normal", "aggressive", "critical")[int(found["level"][0])]


@pytest.mark.parametrize("reason", ONE_EACH)
def test_l94_each_reason_is_one_vote(reason: str) -> None:
    assert stop(**ONE_EACH[reason]) == (0.0, {reason}, "safe")
    assert stop(votes=1, **ONE_EACH[reason]) == (1.0, {reason}, "critical")
    other = "stress" if reason != "stress" else "exposure"
    assert stop(**ONE_EACH[reason], **ONE_EACH[other]) == (1.0, {reason, other}, "critical")


@pytest.mark.parametrize(
    "changes",
    [
        {"positions": 20.0},
        {"drawdown": 0.1499},
        {"vol_rank": [0.98, 0.979]},
        {"gross": 3.0},
        {"sentiment": [-0.79, nan]},
        {"sentiment": [nan, nan]},
    ],
)
def test_l94_just_below_a_limit_there_is_no_vote(changes: dict[str, object]) -> None:
    assert stop(**changes) == (0.0, set(), "normal")


def test_l94_is_aggressive_only_when_all_is_calm() -> None:
    assert stop(drawdown=0.019, vol_rank=[0.4, 0.5])[2] == "aggressive"
    assert stop(drawdown=0.02, vol_rank=[0.4, 0.5])[2] == "normal"
    assert stop(drawdown=0.0, vol_rank=[0.5, 0.5])[2] == "normal"
