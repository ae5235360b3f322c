"""Fusion is monotone and never turned by what is missing; expectancy knows nothing too soon; proposals are ranked."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import logit

from stratoquant.layers import catalogue
from tests.layers.real_data import real_bars
from tests.layers.single import run_layer

LAYER = "L3"
OPTIONAL = ("pattern_side", "flow", "imbalance", "model_p")
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


@settings(max_examples=400, deadline=None)
@given(STATE, st.sampled_from(RISING), SHARES, SHARES, st.sets(st.sampled_from(OPTIONAL)))
def test_l3_rises_with_every_directional_input(
    state: dict[str, float], name: str, one: float, other: float, gone: set[str]
) -> None:
    """Whatever else is missing, more of one input is never a lower edge."""
    lowest = -1.0 if name in ("bias", "pattern_side", "flow", "imbalance") else 0.0
    below, above = (lowest + share * (1.0 - lowest) for share in sorted((one, other)))
    if name == "pattern_side":
        below, above = np.round(below), np.round(above)
    rest = {**state, **dict.fromkeys(gone - {name}, np.nan)}
    assert fuse({**rest, name: below})["edge"][0] <= fuse({**rest, name: above})["edge"][0]


@settings(max_examples=200, deadline=None)
@given(STATE, SHARES, SHARES)
def test_l3_falls_with_the_chance_of_a_falling_market(state: dict[str, float], one: float, other: float) -> None:
    less, more = (fuse({**state, "regime_down": share})["edge"][0] for share in sorted((one, other)))
    assert less >= more


@settings(max_examples=200, deadline=None)
@given(STATE)
def test_l3_is_odd(state: dict[str, float]) -> None:
    turned = dict(state)
    for name in ("bias", "pattern_side", "flow", "imbalance"):
        turned[name] = -state[name]
    turned |= {"regime_up": state["regime_down"], "regime_down": state["regime_up"], "model_p": 1.0 - state["model_p"]}
    assert fuse(state)["edge"][0] == pytest.approx(-fuse(turned)["edge"][0], abs=1e-9)


@settings(max_examples=200, deadline=None)
@given(STATE, st.sets(st.sampled_from(OPTIONAL), min_size=1))
def test_l3_missing_evidence_that_said_nothing_lowers_confidence_only(state: dict[str, float], gone: set[str]) -> None:
    silent = {**state, **{name: {"model_p": 0.5}.get(name, 0.0) for name in gone}, "model_ok": 1.0}
    whole, part = fuse(silent), fuse({**silent, **dict.fromkeys(gone, np.nan)})
    assert part["edge"][0] == pytest.approx(whole["edge"][0], abs=1e-12)
    assert part["direction"][0] == whole["direction"][0]
    assert part["confidence"][0] <= whole["confidence"][0] + 1e-15
    if abs(whole["edge"][0]) > 1e-9:
        assert part["confidence"][0] < whole["confidence"][0]


def test_l3_agrees_with_its_formula() -> None:
    random = np.random.default_rng(6)
    bars = 2000
    x = {name: random.uniform(-1.0, 1.0, bars) for name in ("bias", "flow", "imbalance")}
    shares = ("persistence", "pattern_conf", "regime_up", "regime_down", "chaotic", "tradeability", "model_p")
    x |= {name: random.random(bars) for name in shares}
    x |= {"pattern_side": random.integers(-1, 2, bars).astype(float), "model_ok": random.integers(0, 2, bars) * 1.0}
    for name in OPTIONAL:
        x[name][random.random(bars) < 0.3] = np.nan
    w = {"w_bias": 0.7, "w_pattern": 1.3, "w_flow": 0.9, "w_model": 1.7}
    found = run_layer(catalogue().get(LAYER), x, w)
    pieces = np.stack(
        [
            w["w_bias"] * x["bias"] * (1.0 + x["persistence"]) / 2.0, 0.5 * (x["regime_up"] - x["regime_down"]),
            w["w_pattern"] * x["pattern_side"] * x["pattern_conf"], w["w_flow"] / 2.0 * x["flow"],
            w["w_flow"] / 2.0 * x["imbalance"],
            np.where(x["model_ok"] == 1.0, w["w_model"] / 4.0 * logit(np.clip(x["model_p"], 0.001, 0.999)), np.nan),
        ]
    )  # fmt: skip
    edge = np.tanh(np.nansum(pieces, axis=0)) * x["tradeability"] * (1.0 - x["chaotic"])
    weights = np.array([w["w_bias"], 0.5, w["w_pattern"], w["w_flow"] / 2.0, w["w_flow"] / 2.0, w["w_model"]])
    there = (~np.isnan(pieces)).T @ weights / weights.sum()
    assert np.allclose(found["edge"], edge, rtol=1e-9, atol=1e-14)
    assert np.allclose(found["confidence"], np.abs(edge) * (0.5 + 0.5 * there), rtol=1e-9, atol=1e-14)


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
    return run_layer(layer, {"direction": direction, "label": label, "close": close, "cost": 1.0, "stop": 40.0}, params)


def uniqueness(direction: np.ndarray, horizon: int) -> np.ndarray:
    """Of the outcome of each signal that is scored: the mean of 1 / (signals that are open) over its life."""
    bars = len(direction)
    signals = np.r_[np.zeros(horizon), direction != 0.0]
    alive = np.array([signals[t : t + horizon].sum() for t in range(bars)])  # those of the `horizon` bars before t
    share = np.cumsum(np.divide(1.0, alive, out=np.zeros(bars), where=alive > 0))
    return (share[horizon:] - share[:-horizon]) / horizon


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
    """At random bars, from all signals of the same regime and side that are a horizon old by then."""
    bars, horizon, prior, half_life = 6000, 30, 10.0, 500.0
    close = real_bars("binance_ethusdt_1m", bars)["close"]
    random = np.random.default_rng(8)
    direction = random.integers(-1, 2, bars).astype(float)
    label = random.integers(0, 6, bars).astype(float)
    found = expect(close, direction, label, horizon=horizon, prior=prior, half_life=half_life)
    outcome = direction[:-horizon] * np.log(close[horizon:] / close[:-horizon])
    unique = uniqueness(direction, horizon)
    for at in random.choice(np.flatnonzero(direction[horizon:]) + horizon, 300, replace=False):
        past = slice(0, at - horizon + 1)
        same = (direction[past] == direction[at]) & (label[past] == label[at])
        alike = outcome[past][same]
        weights = unique[past][same] * 2.0 ** (-np.arange(len(alike) - 1, -1, -1) / half_life)
        win = alike > 0.0
        wins, losses = weights[win].sum(), weights[~win].sum()
        won, lost = (weights * alike)[win].sum(), -(weights * alike)[~win].sum()
        common = (won + lost) / (wins + losses) if len(alike) else 0.0
        half = 0.5 * prior
        p_win = (wins + half) / (wins + losses + prior)
        mean_win, mean_loss = (won + half * common) / (wins + half), (lost + half * common) / (losses + half)
        payoff = np.clip(mean_win / mean_loss, 0.01, 100.0) if mean_loss > 0.0 else 1.0
        worth = (p_win * mean_win - (1.0 - p_win) * mean_loss) * 1e4 - 2.0
        assert found["p_win"][at] == pytest.approx(p_win, rel=1e-9)
        assert found["payoff"][at] == pytest.approx(payoff, rel=1e-9)
        assert found["expectancy"][at] == pytest.approx(worth, rel=1e-9, abs=1e-9)
        gain, loss = mean_win * 1e4, mean_loss * 1e4
        kelly = p_win - (1.0 - p_win) * (40.0 + 2.0) / (gain - 2.0) if gain > 2.0 else -1.0
        assert found["kelly"][at] == pytest.approx(max(kelly, -1.0), rel=1e-9, abs=1e-9)
        assert (found["gain"][at], found["loss"][at]) == pytest.approx((gain, loss), rel=1e-9)
        assert found["samples"][at] == np.floor(wins + losses + 0.5)


@pytest.mark.parametrize("drift", [1e-3, -1e-3])
def test_l7_tells_without_a_signal_of_the_better_side(drift: float) -> None:
    close = 100.0 * np.exp(np.arange(60) * drift)
    direction = np.tile([1.0, -1.0], 30)
    asked = (np.r_[direction[:-1], last] for last in (np.sign(drift), -np.sign(drift), 0.0))
    label = np.r_[np.full(20, 1.0), np.full(40, 2.0)]  # the regime before was otherwise
    better, worse, none = (expect(close, last, label, horizon=10, prior=2) for last in asked)
    for name in ("p_win", "payoff", "expectancy", "kelly", "samples"):
        assert none[name][-1] == better[name][-1]
    assert better["p_win"][-1] > 0.7 > 0.3 > worse["p_win"][-1]


def test_l7_looks_without_a_signal_at_no_other_regime() -> None:
    direction = np.r_[np.full(2, 1.0), np.full(20, -1.0), np.zeros(38)]  # on a still price all lose, the shorts oftener
    found = expect(np.full(60, 100.0), direction, horizon=10, prior=2)
    longs = uniqueness(direction, 10)[:2].sum()
    assert found["p_win"][-1] == pytest.approx(1.0 / (longs + 2.0), rel=1e-2)


def test_l7_knows_only_the_prior_before_a_signal_is_scored_and_shares_the_last_regime() -> None:
    close = 100.0 * np.exp(np.arange(60) * 1e-3)
    nothing = expect(close, np.zeros(60), horizon=10)
    figures = [nothing[name][-1] for name in ("p_win", "payoff", "expectancy", "kelly", "samples")]
    assert figures == [0.5, 1.0, -2.0, -1.0, 0.0]  # what wins nothing pays no cost
    label = np.repeat([7.0, 8.0, 30.0], 20)
    alone = np.zeros(60)
    alone[::10] = 1.0  # each is scored when the next one comes
    assert expect(close, alone, label, horizon=10)["samples"][-1] == 5.0
    assert expect(close, alone, label - 1.0, horizon=10)["samples"][-1] < 5.0


@pytest.mark.parametrize("every", [1, 7, 60, 100])
def test_l7_counts_overlapping_outcomes_as_the_independent_ones_that_they_are(every: int) -> None:
    bars, horizon = 6_060, 60
    close = 100.0 * np.exp(np.cumsum(np.random.default_rng(1).normal(0, 1e-3, bars)))
    direction = (np.arange(bars) % every == 0).astype(float)
    direction[-1] = 1.0  # asks for the figures of this side
    found = expect(close, direction, horizon=horizon, half_life=200_000)
    independent = 6_000 / max(every, horizon)
    assert found["samples"][-1] == pytest.approx(independent, rel=0.05, abs=1.5)


@pytest.mark.parametrize(("drift", "beats"), [(0.0, 0.0), (3e-4, 1.0)])
def test_l7_is_ok_when_its_chance_beats_the_base_rate(drift: float, beats: float) -> None:
    """Signals that say nothing of a walk, and signals that know its drift."""
    random = np.random.default_rng(5)
    way = np.repeat(random.choice([-1.0, 1.0], 80), 500)
    close = 100.0 * np.exp(np.cumsum(drift * way + random.normal(0, 1e-3, 40_000)))
    found = expect(close, way, horizon=60)
    assert np.mean(found["ok"][20_000:] == beats) > 0.9


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


def test_l75_keeps_what_is_held_until_there_is_an_opinion_against_it() -> None:
    still = propose(direction=[0.0, 0.0, 1.0, np.nan], position=[3.0, -2.0, -5.0, 4.0])
    assert still["side"][0, :3].tolist() == [1, -1, 1] and np.isnan(still["side"][0, 3])
    assert still["rank"][0, :3].tolist() == [0, 0, 1]
    assert propose(direction=[0.0] * 4, position=[0.0] * 4)["side"][0].tolist() == [0] * 4


def test_l75_keeps_only_the_top() -> None:
    assert propose(top=1)["side"][0].tolist() == [0, -1, 0, 0]


def test_l75_leaves_out_what_is_not_taken_or_missing() -> None:
    found = propose(take=[1.0, 0.0, 1.0, 1.0], expectancy=[np.nan, 9.0, 4.0, 20.0])
    assert np.isnan(found["side"][0, 0])
    assert found["side"][0, 1:].tolist() == [0, 1, 0]
    assert found["rank"][0, 1:].tolist() == [0, 1, 0]
    for name in ("direction", "confidence", "p_win", "take", "hold", "target", "stop", "expectancy", "tradeability"):
        found = propose(**{name: [np.nan, 1.0, 1.0, 0.0]})
        assert all(np.isnan(values[0, 0]) for values in found.values()), name
        assert not any(np.isnan(values[0, 1:]).any() for values in found.values()), name


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**20))
def test_l75_agrees_with_a_stable_sort(seed: int) -> None:
    random = np.random.default_rng(seed)
    expectancy, confidence = random.integers(-3, 6, 4).astype(float), random.choice([0.25, 0.5, 1.0], 4)
    direction, take = random.integers(-1, 2, 4).astype(float), random.integers(0, 2, 4).astype(float)
    top, tradeability = int(random.integers(1, 5)), random.choice([0.25, 0.5, 1.0], 4)
    found = propose(
        top, expectancy=expectancy, confidence=confidence, direction=direction, take=take, tradeability=tradeability
    )
    candidates = np.flatnonzero((direction != 0.0) & (take == 1.0))
    order = candidates[np.argsort(-(expectancy * confidence * tradeability)[candidates], kind="stable")]
    rank, side = np.zeros(4), np.zeros(4)
    rank[order] = np.arange(1, len(order) + 1)
    side[order[:top]] = direction[order[:top]]
    assert found["rank"][0].tolist() == rank.tolist()
    assert found["side"][0].tolist() == side.tolist()
    gain = np.maximum(expectancy, 0.0) * confidence * tradeability
    assert np.allclose(found["priority"][0], gain / (1.0 + gain), rtol=1e-12)


def horizon(**changed: float) -> dict[str, float]:
    usual = {"half_life": 40.0, "expected_stay": 90.0, "period": 25.0, "sigma": 1e-3, "cost": 2.0}
    inputs = {n: np.array([v]) for n, v in (usual | {k: v for k, v in changed.items() if k in usual}).items()}
    params = {k: v for k, v in changed.items() if k not in usual}
    return {n: float(v[0]) for n, v in run_layer(catalogue().get("L68"), inputs, params).items()}


@settings(max_examples=200, deadline=None)
@given(st.permutations(["half_life", "expected_stay", "period"]), st.tuples(*[st.floats(0.0, 1e5)] * 3))
def test_l68_holds_for_the_median_of_its_times(order: list[str], bars: tuple[float, float, float]) -> None:
    found = horizon(**dict(zip(order, bars, strict=True)))
    assert found["hold"] == np.clip(np.median(bars), 5.0, 1440.0)


@settings(max_examples=200, deadline=None)
@given(st.floats(0.0, 0.1), st.floats(-5.0, 500.0), st.floats(0.5, 10.0))
def test_l68_keeps_both_barriers_three_costs_away(sigma: float, cost: float, reward: float) -> None:
    found = horizon(sigma=sigma, cost=cost, reward=reward)
    assert found["target"] == pytest.approx(reward * found["stop"], rel=1e-12)
    assert min(found["stop"], found["target"]) >= 3.0 * cost * (1.0 - 1e-12)
    wide = sigma * np.sqrt(40.0) * 1e4
    assert found["stop"] == pytest.approx(wide, rel=1e-12) or found["stop"] < 3.0 * cost * max(1.0, 1.0 / reward) * 1.01


def test_l68_by_hand() -> None:
    assert horizon() == pytest.approx({"hold": 40.0, "stop": np.sqrt(40.0) * 10.0, "target": np.sqrt(40.0) * 20.0})
    assert horizon(sigma=0.0) == pytest.approx({"hold": 40.0, "stop": 6.0, "target": 12.0})
    assert horizon(sigma=0.0, reward=0.5) == pytest.approx({"hold": 40.0, "stop": 12.0, "target": 6.0})
    assert horizon(min_hold=100)["hold"] == 100.0
    assert horizon(min_hold=1000, max_hold=5)["hold"] == 5.0
