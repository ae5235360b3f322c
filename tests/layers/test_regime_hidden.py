"""L64 against hmmlearn's own forward pass, and what its model means."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hmmlearn import hmm
from hypothesis import given, settings
from hypothesis import strategies as st

from stratoquant.layers.regime.l64_hmm_regime import step as hmm_regime
from stratoquant.runtime.fit_regime import _fitted, _stretches
from tests.layers.models import shipped_model
from tests.layers.real_data import real_bars
from tests.layers.single import run_layer

Values = dict[str, tuple[float, ...]]
STATES = ("p0", "p1", "p2", "p3")


def shipped() -> Values:
    model = shipped_model(hmm_regime)
    assert model is not None
    return model.values


def volatility(close: np.ndarray) -> np.ndarray:
    change = pd.Series(np.diff(np.log(close), prepend=np.nan))
    return np.sqrt(change.pow(2).ewm(span=30, min_periods=30).mean().to_numpy())


def bars(symbol: str, count: int) -> dict[str, np.ndarray]:
    close = real_bars(symbol, count)["close"]
    return {"close": close, "sigma": volatility(close)}


def features(inputs: dict[str, np.ndarray], values: Values) -> np.ndarray:
    change = np.diff(np.log(inputs["close"]))
    standing = np.clip(change / inputs["sigma"][:-1], -10.0, 10.0)
    raw = np.column_stack([standing, np.log(inputs["sigma"][1:])])
    return (raw - np.array(values["centre"])) / np.array(values["scale"])


def hmmlearn_model(values: Values) -> hmm.GaussianHMM:
    model = hmm.GaussianHMM(4, covariance_type="diag")
    model.startprob_ = np.array(values["start"])
    model.transmat_ = np.array(values["transition"]).reshape(4, 4)
    model.means_ = np.array(values["mean"]).reshape(4, 2)
    model.covars_ = np.array(values["variance"]).reshape(4, 2)
    model.n_features = 2
    return model


def filtered(x: np.ndarray, model: hmm.GaussianHMM) -> np.ndarray:
    """hmmlearn's forward pass: at each bar the state given the bars up to it."""
    from hmmlearn import _hmmc

    log_density = model._compute_log_likelihood(x)
    _, forward = _hmmc.forward_log(model.startprob_, model.transmat_, log_density)
    return np.exp(forward - forward.max(axis=1, keepdims=True)) / np.exp(
        forward - forward.max(axis=1, keepdims=True)
    ).sum(axis=1, keepdims=True)


@pytest.mark.parametrize("symbol", ["bitfinex_btcusd_1m", "bitfinex_ltcusd_1m"])
def test_agrees_with_the_forward_pass_of_hmmlearn(symbol: str) -> None:
    inputs, values = bars(symbol, 100_000), shipped()
    moving = inputs["sigma"] > 0
    inputs = {name: column[moving] for name, column in inputs.items()}
    found = run_layer(hmm_regime, inputs, {"floor": 0})
    theirs = filtered(features(inputs, values), hmmlearn_model(values))
    ours = np.column_stack([found[name] for name in STATES])[1:]
    np.testing.assert_allclose(ours, theirs, rtol=1e-8, atol=1e-12)
    assert np.array_equal(found["label"][1:], theirs.argmax(axis=1))
    assert len(np.unique(found["label"][1:])) == 4


def test_agrees_with_hmmlearn_on_each_prefix() -> None:
    """The last bar of a prefix has no future, so there the smoother is the filter."""
    inputs, values = bars("bitfinex_btcusd_1m", 400), shipped()
    inputs = {name: column[40:] for name, column in inputs.items()}
    found = run_layer(hmm_regime, inputs, {"floor": 0})
    x, model = features(inputs, values), hmmlearn_model(values)
    for bar in range(1, 300, 23):
        expected = model.predict_proba(x[:bar])[-1]
        assert [found[name][bar] for name in STATES] == pytest.approx(expected, rel=1e-8, abs=1e-13)


def test_the_return_is_measured_by_the_volatility_before_it() -> None:
    """A sigma that contains the return would make 1.5 volatilities of six, and the calm state the likelier."""
    values = {**MADE_UP, "mean": (0.0, -7.0) * 4, "variance": (1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 36.0, 1.0)}
    calm = np.exp(-7.0)
    inputs = {"close": np.cumprod([100.0, 1.0, np.exp(6.0 * calm)]), "sigma": calm * np.array([1.0, 1.0, 4.0])}
    found = run_layer(hmm_regime, inputs, model=values)
    assert found["label"][1] != 3 and found["label"][2] == 3


def test_one_bar_after_a_standstill_leaves_probabilities() -> None:
    close = np.r_[np.full(20, 100.0), 101.0, 101.0 + np.arange(5.0)]
    sigma = np.r_[np.full(20, 1e-200), np.full(6, 1e-3)]
    found = run_layer(hmm_regime, {"close": close, "sigma": sigma})
    assert sum(found[name][20] for name in STATES) == pytest.approx(1.0)


def test_the_shipped_model_fits_what_the_layer_observes() -> None:
    """The fit's own features, standardised by its centre and scale, have the moments that its file states."""
    inputs, values = bars("bitfinex_btcusd_1m", 20_000), shipped()
    moving = inputs["sigma"] > 0
    inputs = {name: column[moving] for name, column in inputs.items()}
    (fitted_to,) = _stretches(inputs["close"], inputs["sigma"])
    ours = (fitted_to - np.array(values["centre"])) / np.array(values["scale"])
    np.testing.assert_allclose(ours, features(inputs, values), rtol=1e-12)
    assert np.abs(fitted_to[:, 0]).max() > 4.0  # beyond what a sigma that contains the return allows
    assert values["scale"][0] > 1.0


def test_a_fit_finds_the_states_of_a_market_that_was_made_of_four() -> None:
    random = np.random.default_rng(8)
    stays = np.full((4, 4), 0.01 / 3.0) + np.eye(4) * (0.99 - 0.01 / 3.0)
    states = [0]
    while len(states) < 12_000:
        states.append(int(random.choice(4, p=stays[states[-1]])))
    truth = np.array(states)
    sigma = np.exp(-8.0 + truth + 0.3 * random.normal(size=truth.size))
    change = np.r_[0.0, sigma[:-1] * random.normal(size=truth.size - 1)]
    close = 100.0 * np.exp(np.cumsum(change))
    (observed,) = _stretches(close, sigma)
    centre, scale = observed.mean(axis=0), observed.std(axis=0)
    fit = _fitted((observed - centre) / scale, [len(observed)], centre, scale, 1, 100, "")
    assert scale[0] == pytest.approx(1.0, rel=0.05)  # returns in the volatilities that they were made with
    assert np.diagonal(np.reshape(fit.values["transition"], (4, 4))) == pytest.approx(np.full(4, 0.99), abs=0.005)
    found = run_layer(hmm_regime, {"close": close, "sigma": sigma}, model=fit.values)
    assert np.mean(found["label"][1:] == truth[1:]) > 0.95


def test_entropy_and_expected_stay() -> None:
    inputs, values = bars("bitfinex_btcusd_1m", 5_000), shipped()
    found = run_layer(hmm_regime, inputs)
    p = np.column_stack([found[name] for name in STATES])
    known = ~np.isnan(p[:, 0])
    assert known.sum() > 4_900
    assert found["entropy"][known] == pytest.approx(-(p[known] * np.log(p[known])).sum(axis=1) / np.log(4), rel=1e-9)
    stay = np.diagonal(np.array(values["transition"]).reshape(4, 4))
    assert found["expected_stay"][known] == pytest.approx(1 / (1 - stay[found["label"][known].astype(int)]), rel=1e-9)


def test_the_floor_is_kept() -> None:
    found = run_layer(hmm_regime, bars("bitfinex_btcusd_1m", 5_000), {"floor": 0.01})
    p = np.column_stack([found[name] for name in STATES])[40:]
    assert np.nanmin(p) >= 0.01 / 1.04 and np.nanmin(p) < 0.0101
    np.testing.assert_allclose(p.sum(axis=1), 1.0, rtol=1e-12)


MADE_UP: Values = {
    "centre": (0.0, 0.0),
    "scale": (1.0, 1.0),
    "start": (0.4, 0.3, 0.2, 0.1),
    "transition": (0.7, 0.1, 0.1, 0.1, 0.2, 0.5, 0.2, 0.1, 0.0, 0.0, 1.0, 0.0, 0.25, 0.25, 0.25, 0.25),
    "mean": (0.0, -9.0, 0.0, -8.0, 0.0, -7.0, 0.0, -6.0),
    "variance": (1.0,) * 8,
}


def test_a_market_that_stands_still_moves_by_the_transitions_alone() -> None:
    found = run_layer(hmm_regime, {"close": np.full(4, 100.0), "sigma": np.zeros(4)}, {"floor": 0}, model=MADE_UP)
    p = np.array(MADE_UP["start"])
    for bar in range(1, 4):
        assert [found[name][bar] for name in STATES] == pytest.approx(p, rel=1e-12)
        p = p @ np.array(MADE_UP["transition"]).reshape(4, 4)


def test_a_state_that_is_never_left_stays_for_a_billion_bars() -> None:
    inputs = {"close": np.full(50, 100.0), "sigma": np.full(50, np.exp(-7.0))}
    found = run_layer(hmm_regime, inputs, model=MADE_UP)
    assert found["label"][-1] == 2 and found["expected_stay"][-1] == pytest.approx(1e9)


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 2**20), wild=st.floats(-40, 3))
def test_probabilities_sum_to_one_however_unlikely_the_bar(seed: int, wild: float) -> None:
    generator = np.random.default_rng(seed)
    close = 100.0 * np.exp(np.cumsum(generator.normal(0, 0.01, 50)))
    sigma = np.exp(generator.uniform(-40, wild, 50))
    found = run_layer(hmm_regime, {"close": close, "sigma": sigma})
    p = np.column_stack([found[name] for name in STATES])[1:]
    assert np.all(p > 0) and p.sum(axis=1) == pytest.approx(np.ones(49))
