"""L66, L67, L70 to L73 and L82: what an edge is worth, the opinions of models, and models that are not there."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit, logit
from sklearn.metrics import brier_score_loss

from stratoquant.layers import catalogue
from tests.layers.real_data import real_bars
from tests.layers.single import run_layer

Values = dict[str, np.ndarray]
RIDGE = 0.001


def run(key: str, inputs: dict[str, object], params: dict[str, float] | None = None) -> Values:
    return run_layer(catalogue().get(key), inputs, params)


def calibrated(edge: np.ndarray, close: np.ndarray, horizon: int, rate: float) -> tuple[np.ndarray, np.ndarray]:
    """p_up and the coefficients by matrices: a Newton step for each outcome as it becomes known."""
    theta, hessian, rate = np.zeros(2), 0.25 * np.eye(2), rate / horizon
    p_up, thetas = np.full(len(edge), np.nan), np.zeros((len(edge), 2))
    for t in range(len(edge)):
        if t >= horizon and close[t] != close[t - horizon]:
            x, y = np.array([edge[t - horizon], 1.0]), float(close[t] > close[t - horizon])
            p = expit(theta @ x)
            hessian = (1.0 - rate) * hessian + rate * p * (1.0 - p) * np.outer(x, x)
            theta = theta + rate * np.linalg.solve(hessian + RIDGE * np.eye(2), (y - p) * x - RIDGE * theta)
            theta = np.clip(theta, -10.0, 10.0)
        p_up[t], thetas[t] = expit(theta @ [edge[t], 1.0]), theta
    return p_up, thetas


@pytest.mark.parametrize(("horizon", "rate"), [(60, 0.02), (5, 0.3)])
def test_l66_is_its_newton_step(horizon: int, rate: float) -> None:
    close = real_bars("bitfinex_ethusd_1m", 20_000)["close"]
    edge = np.clip(np.random.default_rng(1).normal(0.0, 0.4, len(close)), -1.0, 1.0)
    found = run("L66", {"edge": edge, "close": close}, {"horizon": horizon, "rate": rate})
    p_up, _ = calibrated(edge, close, horizon, rate)
    np.testing.assert_allclose(found["p_up"][horizon:], p_up[horizon:], rtol=1e-9)
    judged = [t for t in range(horizon, len(close)) if close[t] != close[t - horizon]]
    q = np.array([p_up[u - horizon] for u in judged])
    y = np.array([close[u] > close[u - horizon] for u in judged], dtype=float)
    for n in (horizon, horizon + 8, len(judged)):  # outcomes so far
        at, weights = judged[n - 1], (1.0 - rate / horizon) ** np.arange(n - 1, -1, -1)
        assert found["brier"][at] == pytest.approx(brier_score_loss(y[:n], q[:n], sample_weight=weights), rel=1e-9)
        cells = [np.minimum((q[:n] * 10).astype(int), 9) == k for k in range(10)]
        gaps = [(np.average(q[:n][c] - y[:n][c], weights=weights[c]) ** 2, weights[c].sum()) for c in cells if c.any()]
        expected = sum(gap * weight for gap, weight in gaps) / weights.sum()
        assert found["reliability"][at] == pytest.approx(expected, rel=1e-7, abs=1e-12)
    assert np.isnan(found["brier"][judged[horizon - 2]])


@pytest.mark.parametrize(("slope", "beats"), [(0.0, 0.0), (2.0, 1.0)])
def test_l66_is_ok_when_it_beats_the_base_rate(slope: float, beats: float) -> None:
    """An edge that says nothing, and one that moves the next bar, on closes that rise more than they fall."""
    random = np.random.default_rng(11)
    edge = random.uniform(-1, 1, 60_000)
    close = 100.0 * np.exp(np.cumsum(random.normal(2e-5, 1e-3, 60_000) + 5e-4 * slope * np.r_[0.0, edge[:-1]]))
    found = run("L66", {"edge": edge, "close": close}, {"horizon": 5})
    assert np.mean(found["ok"][30_000:] == beats) > 0.9
    rises = (close[5:] > close[:-5]).astype(float)
    said, base = found["p_up"][30_000:-5], rises[30_000:].mean()
    worth = brier_score_loss(rises[30_000:], np.full(len(said), base)) - brier_score_loss(rises[30_000:], said)
    assert worth > (5e-3 if beats else -3e-3)


def test_l66_learns_what_an_edge_is_worth() -> None:
    """Outcomes drawn with chance 1 / (1 + e^-(1.5 edge + 0.4)): the slope and the bias come out."""
    random = np.random.default_rng(2)
    bars, horizon = 200_000, 5
    edge = random.uniform(-1, 1, bars)
    rises = random.random(bars) < expit(1.5 * edge + 0.4)
    change = np.where(rises, 1.0, -1.0)
    close = np.full(bars, 100.0)
    for t in range(horizon, bars):  # the close of t is judged against that of t - horizon alone
        close[t] = close[t - horizon] + 1e-6 * change[t - horizon]
    found = run("L66", {"edge": edge, "close": close}, {"horizon": horizon, "rate": 0.005})
    late = slice(bars // 2, None)
    learnt = logit(found["p_up"][late])
    slope, bias = np.polyfit(edge[late], learnt, 1)
    assert slope == pytest.approx(1.5, abs=0.15) and bias == pytest.approx(0.4, abs=0.1)


def test_l66_with_equal_closes_learns_nothing() -> None:
    found = run("L66", {"edge": np.full(300, 0.7), "close": np.full(300, 5.0)}, {"horizon": 5})
    assert np.all(found["p_up"][5:] == 0.5) and np.isnan(found["brier"]).all()


def test_l66_mirrors() -> None:
    close = real_bars("bitfinex_ethusd_1m", 3_000)["close"]
    edge = np.clip(np.random.default_rng(3).normal(0.0, 0.4, len(close)), -1.0, 1.0)
    plain, turned = (run("L66", {"edge": s * edge, "close": close**s}) for s in (1.0, -1.0))
    np.testing.assert_allclose(turned["p_up"], 1.0 - plain["p_up"], rtol=1e-9)
    np.testing.assert_allclose(turned["brier"], plain["brier"], rtol=1e-9)


SIGNAL = {"direction": 1.0, "edge": 0.3, "sigma": 1e-3, "vol_rank": 0.5, "tradeability": 0.9, "agreement": 0.8}


def test_l67_takes_at_the_threshold_and_above() -> None:
    p_win = np.array([0.0, 0.4999, 0.5, 0.7])
    found = run("L67", SIGNAL | {"p_win": p_win}, {"threshold": 0.5})
    assert found["take"].tolist() == [0, 0, 1, 1]
    np.testing.assert_array_equal(found["p_take"], p_win)
    assert run("L67", SIGNAL | {"p_win": p_win, "ok": 0.0})["take"].tolist() == [0, 0, 0, 0]
    assert run("L67", SIGNAL | {"p_win": p_win, "ok": 1.0})["take"].tolist() == [0, 0, 1, 1]
    assert run("L67", SIGNAL | {"p_win": p_win, "direction": 0.0})["take"].tolist() == [0, 0, 0, 0]
    assert run("L67", SIGNAL | {"p_win": p_win, "direction": -1.0})["take"].tolist() == [0, 0, 1, 1]


@pytest.mark.parametrize(
    ("key", "inputs"),
    [
        ("L70", {"features": np.random.default_rng(1).normal(size=(20, 64))}),
        ("L71", {"close": np.arange(1.0, 21.0), "sigma": 0.01}),
        ("L72", {"close": np.arange(1.0, 21.0), "sigma": 0.01}),
    ],
)
def test_without_a_model_there_is_no_opinion(key: str, inputs: dict[str, object]) -> None:
    found = run(key, inputs)
    assert np.all(found["ok"] == 0.0)
    assert all(np.isnan(values).all() for name, values in found.items() if name != "ok")


@pytest.mark.parametrize("mode", [0, 1, 2])
def test_l82_without_a_policy_leaves_the_proposal_as_it_is(mode: int) -> None:
    inputs = {"observation": np.ones((5, 64)), "position": 0.3, "unrealised": -2.0}
    found = run("L82", inputs, {"mode": mode})
    assert np.all(found["multiplier"] == 1.0) and np.all(found["action"] == 0.0) and np.all(found["ok"] == 0.0)
    assert np.isnan(found["value"]).all()


MEMBERS = ("trees", "nhits", "patch")
DEFAULTS = {"w_trees": 0.5, "w_nhits": 0.3, "w_patch": 0.2}
maybe_p = st.one_of(st.none(), st.floats(0.0, 1.0))


def ensemble(p: list[float | None], ok: list[float], cal: float, weights: list[float] | None = None) -> Values:
    inputs: dict[str, object] = {"label": 0.0, "p_cal": np.array([cal])}
    for name, chance, sound in zip(MEMBERS, p, ok, strict=True):
        inputs |= {f"p_{name}": np.nan if chance is None else chance, f"ok_{name}": sound}
    if weights is not None:
        inputs["weights"] = np.array([[*weights, 0.5]])
    return run("L73", inputs)


@settings(max_examples=100, deadline=None)
@given(
    p=st.lists(maybe_p, min_size=3, max_size=3),
    ok=st.lists(st.sampled_from([0.0, 1.0]), min_size=3, max_size=3),
    learned=st.one_of(st.none(), st.lists(st.floats(0.0, 1.0), min_size=3, max_size=3)),
)
def test_l73_is_the_weighted_mean_of_log_odds(
    p: list[float | None], ok: list[float], learned: list[float] | None
) -> None:
    found = {name: values[0] for name, values in ensemble(p, ok, 0.3, learned).items()}
    own = [w * (1.0 if learned is None else learned[k]) for k, w in enumerate(DEFAULTS.values())]
    heard = [(w, c) for w, c, sound in zip(own, p, ok, strict=True) if sound and c is not None]
    assert found["members"] == len(heard)
    total = sum(w for w, _ in heard)
    if not heard or total <= 0.0:
        assert np.isnan(found["p_up"]) and (found["ok"], found["consensus"]) == (0.0, 0.0)
        return
    odds = sum(w * logit(np.clip(c, 1e-6, 1 - 1e-6)) for w, c in heard) / total
    assert found["p_up"] == pytest.approx(expit(odds), rel=1e-9) and found["ok"] == 1.0
    side = np.sign(odds)
    if abs(odds) > 1e-12:
        agreeing = sum(w for w, c in heard if np.sign(c - 0.5) == side)
        assert found["consensus"] == pytest.approx(agreeing / total, rel=1e-9, abs=1e-12)


@settings(max_examples=50, deadline=None)
@given(p=st.lists(st.floats(0.01, 0.99), min_size=3, max_size=3), who=st.integers(0, 2), more=st.floats(0.0, 0.5))
def test_l73_rises_with_each_member(p: list[float], who: int, more: float) -> None:
    higher = [min(c + more, 0.99) if k == who else c for k, c in enumerate(p)]
    before, after = ensemble(p, [1.0] * 3, 0.5)["p_up"][0], ensemble(higher, [1.0] * 3, 0.5)["p_up"][0]
    assert after >= before - 1e-12
    turned = ensemble([1.0 - c for c in p], [1.0] * 3, 0.5)["p_up"][0]
    assert turned == pytest.approx(1.0 - before, abs=1e-9)


def test_l73_needs_as_many_members_as_it_is_told() -> None:
    inputs = {"p_trees": 0.8, "ok_trees": 1.0, "label": 0.0, "p_cal": np.array([0.4])}
    assert run("L73", inputs, {"min_members": 1})["p_up"][0] == pytest.approx(0.8)
    assert np.isnan(run("L73", inputs, {"min_members": 2})["p_up"][0])
    assert run("L73", {"label": 0.0, "p_cal": np.array([0.4]), "ok_cal": 1.0})["p_up"][0] == pytest.approx(0.4)
    assert run("L73", {"label": 0.0, "p_cal": np.array([0.4]), "ok_cal": 0.0})["ok"][0] == 0.0
    even = {"p_trees": 0.5, "ok_trees": 1.0, "label": 0.0, "p_cal": np.array([0.4])}
    assert run("L73", even)["consensus"][0] == 0.5
