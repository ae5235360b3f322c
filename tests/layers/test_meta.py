"""L6 and L65: how well the account does, and what has been right lately."""

from __future__ import annotations

import numpy as np
import pytest

from stratoquant.layers import catalogue
from tests.layers.real_data import real_bars
from tests.layers.single import run_layer

Values = dict[str, np.ndarray]


def run(key: str, inputs: dict[str, object], params: dict[str, float] | None = None) -> Values:
    return run_layer(catalogue().get(key), inputs, params)


def account(bars: int, seed: int, drift: float) -> Values:
    random = np.random.default_rng(seed)
    equity = 1e5 * np.exp(np.cumsum(random.normal(drift, 1e-3, bars)))
    steps = np.where(random.random(bars) < 0.05, random.normal(5.0, 40.0, bars), 0.0)
    return {"realised": np.cumsum(steps), "equity": equity, "label": np.zeros(bars)}


def decayed(x: np.ndarray, half_life: int, t: int, first: float) -> np.ndarray:
    """Weights of the bars up to t: each bar by its age, and the rest of 1 on the value that all began with."""
    pace = 1.0 - 0.5 ** (1.0 / half_life)
    weights = pace * (1.0 - pace) ** np.arange(t, -1, -1.0)
    return np.r_[1.0 - weights.sum(), weights]


@pytest.mark.parametrize("drift", [1e-4, -2e-4])
def test_l6_is_its_rule(drift: float) -> None:
    half_life = 120
    inputs = account(1_500, 1, drift)
    found = run("L6", inputs, {"half_life": half_life})
    equity, realised = inputs["equity"], inputs["realised"]
    returns = np.r_[0.0, equity[1:] / equity[:-1] - 1.0]
    result = np.sign(np.diff(realised, prepend=realised[0]))
    for t in (0, 1, 7, 400, 1_499):
        weights = decayed(returns, half_life, t, 0.0)
        r = np.r_[0.0, returns[: t + 1]]
        mean = weights @ r
        sd = np.sqrt(weights @ (r - mean) ** 2)
        sharpe = mean / sd * np.sqrt(half_life) if sd > 1e-12 else 0.0
        assert found["sharpe"][t] == pytest.approx(sharpe, rel=1e-7, abs=1e-9)
        age = 0.5 ** (np.arange(t, -1, -1.0) / half_life)
        wins, losses = age @ (result[: t + 1] > 0), age @ (result[: t + 1] < 0)
        assert found["hit_rate"][t] == pytest.approx((wins + 1) / (wins + losses + 2), rel=1e-9)
        peak = equity[: t + 1].max()
        assert found["drawdown"][t] == pytest.approx(1 - equity[t] / peak, abs=1e-12)
        e, at = np.r_[equity[0], equity[: t + 1]], np.r_[1.0, np.arange(1.0, t + 2)]
        me, mt = weights @ e, weights @ at
        cov, ve, vt = weights @ ((e - me) * (at - mt)), weights @ (e - me) ** 2, weights @ (at - mt) ** 2
        r2 = cov * cov / (ve * vt) if ve * vt > 0 else 0.0
        assert found["stability"][t] == pytest.approx(r2, rel=1e-6, abs=1e-9)
        parts = [1 / (1 + np.exp(-sharpe)), found["hit_rate"][t], max(1 - 2 * found["drawdown"][t], 0)]
        parts.append((1 + np.sign(cov) * r2) / 2)
        assert found["health"][t] == pytest.approx(np.mean(parts), rel=1e-6)


def test_l6_tells_a_good_account_from_a_bad_one() -> None:
    good, bad = (run("L6", account(20_000, 2, drift))["health"][-1] for drift in (2e-4, -2e-4))
    assert good > 0.7 > 0.4 > bad
    idle = {"realised": np.zeros(500), "equity": np.full(500, 1e5), "label": np.zeros(500)}
    assert run("L6", idle)["health"][-1] == pytest.approx((0.5 + 0.5 + 1.0 + 0.5) / 4)


def test_l6_of_an_account_that_is_ruined() -> None:
    ruined = {"realised": np.zeros(4), "equity": np.array([100.0, 50.0, -5.0, -5.0]), "label": np.zeros(4)}
    found = run("L6", ruined, {"half_life": 120})
    assert found["drawdown"].tolist() == [0.0, 0.5, 1.0, 1.0]
    assert np.isfinite(found["sharpe"]).all()
    weights, returns = decayed(np.zeros(4), 120, 3, 0.0), np.array([0.0, 0.0, -0.5, 0.0, 0.0])
    mean = weights @ returns
    sharpe = mean / np.sqrt(weights @ (returns - mean) ** 2) * np.sqrt(120)
    assert found["sharpe"][3] == pytest.approx(sharpe, rel=1e-7)
    lost = run("L6", {"realised": np.zeros(2), "equity": np.array([-1.0, -1.0]), "label": np.zeros(2)})
    assert lost["drawdown"].tolist() == [1.0, 1.0]


class Adapted:
    """The rule told event by event: what was said `horizon` bars ago is looked up, not kept."""

    def __init__(self, horizon: int, rate: float, prior: float, delta: float, limit: float) -> None:
        self.horizon, self.rate, self.prior, self.delta, self.limit = horizon, rate, prior, delta, limit
        self.hits, self.misses, self.weights = np.zeros(24), np.zeros(24), np.full(4, 0.25)
        self.keep = 2.0 ** (-1.0 / 5000)
        self.losses: list[float] = []

    def judge(self, signals: np.ndarray, members: np.ndarray, outcome: float, unique: np.ndarray) -> None:
        right, wrong = signals * outcome > 0, signals * outcome < 0
        self.hits = self.keep * self.hits + unique * right
        self.misses = self.keep * self.misses + unique * wrong
        spoke = ~np.isnan(members)
        held = np.clip(np.where(outcome > 0, members, 1 - members), 1e-6, 1 - 1e-6)
        loss = -np.log(held)
        if spoke.any():
            self.losses.append(float((self.weights * loss)[spoke].sum() / self.weights[spoke].sum()))
            moved = np.where(
                spoke, np.maximum(self.weights * np.exp(-self.rate / self.horizon * loss), 1e-6), self.weights
            )
            self.weights = moved / moved.sum()
        elif (right | wrong).any():
            self.losses.append(float(wrong.sum() / (right | wrong).sum()))
        else:
            return
        if self.statistic() > self.limit:
            self.losses.clear()
            self.drifted = True

    def statistic(self) -> float:
        losses = np.array(self.losses)
        if not len(losses):
            return 0.0
        means = losses.cumsum() / np.arange(1, len(losses) + 1)
        sums = np.r_[0.0, np.cumsum(losses - means - self.delta) / self.horizon]
        return float(sums[-1] - sums.min())


@pytest.mark.parametrize("with_members", [True, False])
def test_l65_agrees_with_what_was_said_looked_up(with_members: bool) -> None:
    horizon, bars = 7, 20_000
    close = real_bars("bitfinex_ethusd_1m", bars)["close"]
    random = np.random.default_rng(4)
    signals = random.choice([-1.0, 0.0, 0.0, 0.0, 1.0, np.nan], (bars, 24))
    members = np.where(random.random((bars, 4)) < 0.3, np.nan, random.random((bars, 4)))
    members[: bars // 2, 1] = 0.5
    members[::50, 0] = random.choice([0.0, 1.0], bars // 50)  # sure of it, and at times wrong
    if not with_members:
        members[:] = np.nan
    params = {"horizon": horizon, "rate": 0.3, "prior": 8.0, "delta": 0.01, "lambda_": 0.4}
    inputs = {
        "label": 0.0,
        "pattern_signals": signals,
        "member_p": members,
        "close": close,
        "time": np.arange(bars) * 6e4,
    }
    found = run("L65", inputs, params)
    rule = Adapted(horizon, 0.3, 8.0, 0.01, 0.4)
    weights, hits, misses = np.full((bars, 4), 0.25), np.zeros((bars, 24)), np.zeros((bars, 24))
    statistic, drift = np.zeros(bars), np.zeros(bars)
    spoke = np.r_[np.zeros((horizon, 24)), np.nan_to_num(signals) != 0.0]
    alive = np.array([spoke[t : t + horizon].sum(axis=0) for t in range(bars)])
    share = np.cumsum(np.divide(1.0, alive, out=np.zeros((bars, 24)), where=alive > 0), axis=0)
    for t in range(horizon, bars):
        outcome = np.sign(close[t] - close[t - horizon])
        rule.drifted = False
        if outcome:
            rule.judge(
                np.nan_to_num(signals[t - horizon]),
                members[t - horizon],
                outcome,
                (share[t] - share[t - horizon]) / horizon,
            )
        weights[t], hits[t], misses[t] = rule.weights, rule.hits, rule.misses
        statistic[t], drift[t] = rule.statistic(), rule.drifted
    told = slice(horizon, None)
    np.testing.assert_allclose(found["weights"][told], weights[told], rtol=1e-9)
    np.testing.assert_allclose(found["hit_rates"][told], ((hits + 4.0) / (hits + misses + 8.0))[told], rtol=1e-9)
    np.testing.assert_allclose(found["drift_stat"][told], statistic[told], atol=1e-9)
    np.testing.assert_array_equal(found["drift"][told], drift[told])
    assert drift.sum() > 3 and np.ptp(found["hit_rates"][-1]) > 0.01


def test_l65_trusts_the_member_that_is_right() -> None:
    close = 100.0 * np.exp(np.cumsum(np.random.default_rng(5).normal(0, 1e-3, 3_000)))
    horizon = 5
    ahead = np.r_[close[horizon:], np.full(horizon, close[-1])]
    members = np.tile([0.5, 0.5, 0.5, 0.5], (3_000, 1))
    members[:, 2] = np.where(ahead > close, 0.9, 0.1)
    inputs = {"label": 0.0, "pattern_signals": np.zeros((3_000, 24)), "member_p": members, "close": close}
    found = run("L65", inputs | {"time": np.arange(3_000) * 6e4}, {"horizon": horizon})
    assert found["weights"][-1][2] > 0.99 and found["weights"][-1].sum() == pytest.approx(1.0)


def test_l65_explores_as_the_generator_says() -> None:
    bars, start = 4_000, 1_618_963_200_000
    close = np.full(bars, 5.0)
    inputs = {"label": 0.0, "pattern_signals": np.zeros((bars, 24)), "close": close}
    found = run("L65", inputs | {"time": start + 6e4 * np.arange(bars)}, {"horizon": 5, "explore": 0.25})
    x, draws = start // 1000 % (2**31 - 1), []
    for _ in range(bars):
        x = 48271 * x % (2**31 - 1)
        draws.append(x / (2**31 - 1) < 0.25)
    np.testing.assert_array_equal(found["explore"][5:], np.array(draws[5:], dtype=float))
    assert 0.22 < np.mean(draws) < 0.28
    again = run("L65", inputs | {"time": start + 6e4 * np.arange(bars)}, {"horizon": 5, "explore": 0.25})
    np.testing.assert_array_equal(again["explore"], found["explore"])


def test_l65_judges_nothing_where_the_price_is_the_same() -> None:
    signals = np.ones((50, 24))
    inputs = {"label": 0.0, "pattern_signals": signals, "close": np.full(50, 3.0), "time": np.arange(50) * 6e4}
    found = run("L65", inputs, {"horizon": 5})
    assert np.all(found["hit_rates"][5:] == 0.5) and np.all(found["weights"][5:] == 0.25)
    assert np.all(found["drift_stat"][5:] == 0.0)
