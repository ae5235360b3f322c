"""Fusion is monotone and never turned by what is missing; expectancy knows nothing too soon; proposals are ranked."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from layers import catalogue
from tests.layers.real_data import real_bars
from tests.layers.single import run_layer

LAYER = "L3"
RISING = ("bias", "pattern_side", "flow", "imbalance", "regime_up", "model_p")
SHARES = st.floats(0.0, 1.0)
SCORES = st.floats(-1.0, 1.0)
STATE = st.fixed_dictionaries(
    {
        "bias": SCORES, "persistence": SHARES,
        "pattern_side": st.sampled_from([-1.0, 0.0, 1.0]), "pattern_conf": SHARES,
        "flow": SCORES, "imbalance": SCORES, "regime_up": SHARES, "regime_down": SHARES, "chaotic": SHARES,
        "tradeability": SHARES, "model_p": SHARES, "model_ok": st.sampled_from([0.0, 1.0]),
    }
)  # fmt: skip


def fuse(*states: dict[str, float]) -> dict[str, np.ndarray]:
    inputs = {name: np.array([s[name] for s in states]) for name in states[0]}
    return run_layer(catalogue().get(LAYER), inputs)


@settings(max_examples=300, deadline=None)
@given(STATE, st.sampled_from(RISING), SHARES)
def test_l3_rises_with_every_directional_input(state: dict[str, float], name: str, up: float) -> None:
    lowest = {"regime_up": 0.0, "model_p": 0.0}.get(name, -1.0)
    low = {**state, name: lowest}
    high = {**state, name: 1.0 if name == "pattern_side" else lowest + up * (1.0 - lowest)}
    assert fuse(low)["edge"][0] <= fuse(high)["edge"][0]


@settings(max_examples=200, deadline=None)
@given(STATE, SHARES)
def test_l3_falls_with_the_chance_of_a_falling_market(state: dict[str, float], down: float) -> None:
    assert fuse({**state, "regime_down": down})["edge"][0] >= fuse({**state, "regime_down": 1.0})["edge"][0]


@settings(max_examples=200, deadline=None)
@given(STATE)
def test_l3_is_odd(state: dict[str, float]) -> None:
    turned = dict(state)
    for name in ("bias", "pattern_side", "flow", "imbalance"):
        turned[name] = -state[name]
    turned |= {"regime_up": state["regime_down"], "regime_down": state["regime_up"], "model_p": 1.0 - state["model_p"]}
    assert fuse(state)["edge"][0] == pytest.approx(-fuse(turned)["edge"][0], abs=1e-9)


@settings(max_examples=200, deadline=None)
@given(STATE, st.sets(st.sampled_from(["pattern_side", "flow", "imbalance", "model_p"]), min_size=1))
def test_l3_missing_evidence_that_said_nothing_lowers_confidence_only(state: dict[str, float], gone: set[str]) -> None:
    silent = {**state, **{name: {"model_p": 0.5}.get(name, 0.0) for name in gone}, "model_ok": 1.0}
    if "flow" in gone or "imbalance" in gone:  # half of a pair that goes leaves the other whole
        silent |= {"flow": 0.0, "imbalance": 0.0}
        gone = gone | {"flow", "imbalance"}
    missing = {**silent, **dict.fromkeys(gone, np.nan)}
    whole, part = fuse(silent), fuse(missing)
    assert part["edge"][0] == pytest.approx(whole["edge"][0], abs=1e-12)
    assert part["confidence"][0] <= whole["confidence"][0]


def test_l3_takes_a_side_late_and_leaves_it_later() -> None:
    base = {
        "persistence": 1.0, "pattern_side": np.nan, "pattern_conf": np.nan, "flow": np.nan, "imbalance": np.nan,
        "regime_up": 0.0, "regime_down": 0.0, "chaotic": 0.0, "tradeability": 1.0, "model_p": np.nan, "model_ok": 0.0,
    }  # fmt: skip
    path = [0.2, 0.3, 0.2, 0.13, 0.12, -0.2, -0.3, -0.2, 0.05]
    states = [{**base, "bias": float(np.arctanh(edge))} for edge in path]
    assert fuse(*states)["direction"].tolist() == [0, 1, 1, 1, 0, 0, -1, -1, 0]


def expect(close: np.ndarray, direction: np.ndarray, label: object = 0.0, **params: float) -> dict[str, np.ndarray]:
    layer = catalogue().get("L7")
    return run_layer(layer, {"direction": direction, "label": label, "close": close, "cost": 1.0}, params)


def test_l7_scores_a_signal_exactly_a_horizon_later() -> None:
    close = np.full(40, 100.0)
    close[20:] = 110.0
    direction = np.zeros(40)
    direction[12] = 1.0
    found = expect(close, direction, horizon=10)
    assert np.all(found["samples"][10:22] == 0.0)
    assert np.all(found["samples"][22:] == 1.0)
    assert found["p_win"][21] == 0.5
    assert found["p_win"][22] == pytest.approx((1 + 10) / (1 + 20), rel=1e-12)


def test_l7_agrees_with_a_plain_count_over_recorded_bars() -> None:
    close = real_bars("binance_ethusdt_1m", 6000)["close"]
    random = np.random.default_rng(8)
    direction = random.integers(-1, 2, 6000).astype(float)
    label = random.integers(0, 6, 6000).astype(float)
    found = expect(close, direction, label, horizon=30, prior=10, half_life=500)
    decay = 2.0 ** (-1.0 / 500)
    at = 5999
    wins = losses = won = lost = 0.0
    for t in range(at - 29):
        if direction[t] == direction[at] and label[t] == label[at] and t + 30 <= at:
            outcome = direction[t] * np.log(close[t + 30] / close[t])
            wins, losses, won, lost = wins * decay, losses * decay, won * decay, lost * decay
            if outcome > 0:
                wins, won = wins + 1, won + outcome
            else:
                losses, lost = losses + 1, lost - outcome
    if direction[at] != 0.0:
        p_win = (wins + 5) / (wins + losses + 10)
        common = (won + lost) / (wins + losses)
        mean_win, mean_loss = (won + 5 * common) / (wins + 5), (lost + 5 * common) / (losses + 5)
        assert found["p_win"][at] == pytest.approx(p_win, rel=1e-9)
        assert found["payoff"][at] == pytest.approx(mean_win / mean_loss, rel=1e-9)
        worth = (p_win * mean_win - (1 - p_win) * mean_loss) * 1e4 - 2.0
        assert found["expectancy"][at] == pytest.approx(worth, rel=1e-9, abs=1e-9)


def propose(top: int = 5, **changed: list[float]) -> dict[str, np.ndarray]:
    usual = {
        "direction": [1.0, -1.0, 1.0, 0.0], "confidence": [0.5, 0.5, 0.5, 0.5], "p_win": [0.6] * 4, "take": [1.0] * 4,
        "hold": [60.0] * 4, "target": [50.0] * 4, "stop": [30.0] * 4, "expectancy": [4.0, 9.0, 4.0, 20.0],
        "tradeability": [1.0] * 4,
    }  # fmt: skip
    inputs = {name: np.array([values]) for name, values in {**usual, **changed}.items()}
    return run_layer(catalogue().get("L75"), inputs, {"top": top}, symbols=4)


def test_l75_ranks_by_worth_and_breaks_ties_by_order() -> None:
    found = propose()
    assert found["rank"][0].tolist() == [2, 1, 3, 0]
    assert found["side"][0].tolist() == [1, -1, 1, 0]


def test_l75_keeps_only_the_top() -> None:
    assert propose(top=1)["side"][0].tolist() == [0, -1, 0, 0]


def test_l75_leaves_out_what_is_not_taken_or_missing() -> None:
    found = propose(take=[1.0, 0.0, 1.0, 1.0], expectancy=[np.nan, 9.0, 4.0, 20.0])
    assert np.isnan(found["side"][0, 0])
    assert found["side"][0, 1:].tolist() == [0, 1, 0]
    assert found["rank"][0, 1:].tolist() == [0, 1, 0]
