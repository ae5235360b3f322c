"""L83 against pandas and hand-made accounts, over several symbols at once."""

from __future__ import annotations

from functools import cache, reduce

import numpy as np
import pandas as pd
import pytest

from stratoquant.layers import catalogue
from tests.layers.real_data import real_bars
from tests.layers.single import run_layer

Values = dict[str, np.ndarray]
nan = float("nan")
SYMBOLS = ("binance_btcusdt_1m", "binance_ethusdt_1m", "binance_xrpusdt_1m", "binance_ltcusdt_1m")


def run(key: str, inputs: dict[str, object], params: dict[str, float] | None = None, symbols: int = 1) -> Values:
    return run_layer(catalogue().get(key), inputs, params, symbols)


@cache
def recorded() -> np.ndarray:
    """Returns of the symbols on the minutes that all of them have, one column each."""
    bars = [real_bars(name) for name in SYMBOLS]
    common = reduce(np.intersect1d, [b["time"] for b in bars])
    close = np.stack([b["close"][np.searchsorted(b["time"], common)] for b in bars], axis=1)
    return np.diff(np.log(close), axis=0)


def with_gaps(r1: np.ndarray, share: float = 0.1) -> np.ndarray:
    r1 = r1.copy()
    r1[np.random.default_rng(5).random(r1.shape) < share] = nan
    r1[np.isnan(r1).all(axis=1), 0] = 0.0
    return r1


# ---------------------------------------------------------------- L83

ZERO = {"held": np.zeros((1, 4)), "equity": 1000.0}
FREE = {"allowed": np.zeros((1, 4)), "held": np.zeros((1, 4)), "equity": 1000.0}


def correlations(r1: np.ndarray, half_life: int) -> np.ndarray:
    """pandas' matrices, one a bar; each pair over the bars that have both."""
    n = r1.shape[1]
    rho = np.ones((len(r1), n, n))
    for i in range(n):
        for j in range(i):
            both = pd.DataFrame(r1[:, [i, j]])
            both[both.isna().any(axis=1)] = nan
            found = both[0].ewm(halflife=half_life).corr(both[1]).ffill().to_numpy()
            rho[:, i, j] = rho[:, j, i] = found
    return rho


@pytest.mark.parametrize(("half_life", "gaps"), [(720, 0.0), (20, 0.0), (60, 0.1)])
def test_l83_correlates_as_pandas(half_life: int, gaps: float) -> None:
    r1 = with_gaps(recorded()[:20_000], gaps)
    found = run("L83", {**FREE, "r1": r1}, {"half_life": half_life}, 4)
    rho = correlations(r1, half_life)
    off = rho[:, *np.tril_indices(4, -1)]
    strongest = off[np.arange(len(off)), np.abs(off).argmax(axis=1)]
    assert np.isnan(found["max_corr"][:half_life]).all()
    np.testing.assert_allclose(found["max_corr"][half_life:], strongest[half_life:], rtol=1e-7)
    for t in range(half_life, len(r1), 240):
        shares = np.linalg.eigvalsh(rho[t])
        shares = shares[shares > 0.0] / shares[shares > 0.0].sum()
        bets = np.exp(-(shares * np.log(shares)).sum())
        assert found["effective_bets"][t] == pytest.approx(bets, rel=1e-7)
        assert found["effective_bets"][min(t + 239, len(r1) - 1)] == found["effective_bets"][t]
    assert np.ptp(found["effective_bets"][half_life:]) > 0.1


def test_l83_shows_the_strongest_with_its_sign_and_counts_opposites_once() -> None:
    x = np.random.default_rng(1).normal(0, 1e-3, 200)
    other = np.random.default_rng(2).normal(0, 1e-3, 200)
    found = run("L83", {**FREE, "r1": np.stack([x, -x, other, other], axis=1)}, {"half_life": 20}, 4)
    assert abs(found["max_corr"][-1]) == pytest.approx(1.0)
    assert found["effective_bets"][-1] < 2.01
    pair = {"r1": np.stack([x, -x], axis=1), "allowed": np.zeros((1, 2)), "held": np.zeros((1, 2)), "equity": 1.0}
    found = run("L83", pair, {"half_life": 20}, 2)
    assert found["max_corr"][-1] == pytest.approx(-1.0)
    assert found["effective_bets"][-1] == pytest.approx(1.0)
    alone = {"r1": x[:, None], "allowed": np.full((1, 1), 9.0), "held": np.zeros((1, 1)), "equity": 1.0}
    found = run("L83", alone, {"half_life": 20})
    assert (found["max_corr"][-1], found["effective_bets"][-1], found["allowed"][-1, 0]) == (0.0, 1.0, 9.0)


def cut(allowed: list[float], held: list[float] | None = None, equity: float = 1000.0, **params: float) -> list[float]:
    """What L83 leaves of `allowed` where the first three move as one (the second against them), the last alone."""
    x, alone = np.random.default_rng(3).normal(0, 1e-3, (2, 100))
    r1 = np.stack([x, -x, 2.0 * x, alone], axis=1)
    inputs = {"r1": r1, "allowed": np.array([allowed]), "held": np.array([held or [0.0] * 4]), "equity": equity}
    left: list[float] = run("L83", inputs, {"half_life": 50, "cluster": 0.5, **params}, 4)["allowed"][-1].tolist()
    return left


def approx(*values: float) -> object:
    return pytest.approx(list(values), rel=1e-12, nan_ok=True)


def test_l83_cuts_a_cluster_in_proportion_and_leaves_the_others() -> None:
    assert cut([400, -400, 200, 9000]) == approx(200, -200, 100, 9000)
    assert cut([-400, 400, -200, -9000]) == approx(-200, 200, -100, -9000)
    assert cut([200, -100, 200, 9000]) == [200, -100, 200, 9000]
    assert cut([900, 0, 0, 900]) == [900, 0, 0, 900]  # alone in its cluster
    assert cut([600, -400, 0, 0], cluster=1.0) == [600, -400, 0, 0]


def test_l83_takes_a_hedge_for_no_concentration() -> None:
    """The second moves against the first, so both long is a hedge, and long and short of x and 2 x as well."""
    assert cut([400, 400, 200, 0], [400, 400, 200, 0]) == [400, 400, 200, 0]  # 600 up, 400 down
    assert cut([400, 0, -300, 0]) == [400, 0, -300, 0]
    held = [1200, 600, 0, 0]
    assert cut([1200, 600, 0, 0], held) == approx(1100, 600, 0, 0)  # 500 beyond the hedge
    assert cut([600, 1200, 0, 0], [600, 1200, 0, 0]) == approx(600, 1100, 0, 0)


def test_l83_counts_a_hedge_once_it_is_held_and_only_while_it_stays() -> None:
    assert cut([1100, 600, 0, 0]) == approx(500, 500, 0, 0)  # either of them may be filled alone
    assert cut([1100, 600, 0, 0], [0, 600, 0, 0]) == approx(1000, 500, 0, 0)  # alone, 600 are too many
    assert cut([1100, 600, 0, 0], [0, 200, 0, 0]) == approx(700, 500, 0, 0)
    assert cut([1100, 100, 0, 0], [500, 600, 0, 0]) == approx(600, 100, 0, 0)  # most of the hedge goes
    assert cut([400, nan, 400, 0], [0, 900, 0, 0]) == approx(250, nan, 250, 0)  # an absent one hedges nothing


def test_l83_clusters_only_above_the_cap() -> None:
    assert cut([400, -400, 200, 9000], cap=1.0) == [400, -400, 200, 9000]
    assert cut([400, -400, 200, 9000], cap=0.999999) == approx(200, -200, 100, 9000)


def test_l83_joins_through_a_chain() -> None:
    x, y = np.random.default_rng(4).normal(0, 1e-3, (2, 4000))
    r1 = np.stack([x, x + y, y], axis=1)  # about 0.7, 0 and 0.7
    inputs = {"r1": r1, "allowed": np.full((1, 3), 500.0), "held": np.zeros((1, 3)), "equity": 1000.0}
    params = {"half_life": 1000, "cap": 0.5, "cluster": 0.6}
    assert run("L83", inputs, params, 3)["allowed"][-1].tolist() == approx(200, 200, 200)
    inputs["allowed"] = np.array([[500.0, 0.0, 500.0]])  # who joined them is not there
    assert run("L83", inputs, params, 3)["allowed"][-1].tolist() == [500, 0, 500]
    inputs["held"] = np.array([[0.0, 10.0, 0.0]])  # but on its way out it counts
    left = run("L83", inputs, params, 3)["allowed"][-1]
    assert left.tolist() == approx(295, 0, 295)


def test_l83_lets_others_in_only_once_there_is_room() -> None:
    assert cut([250, -250, 0, 0], [500, 0, 0, 0]) == [250, 0, 0, 0]
    assert cut([250, -250, 0, 0], [400, 0, 0, 0]) == approx(250, -100, 0, 0)
    assert cut([250, -250, 0, 0], [250, 0, 0, 0]) == [250, -250, 0, 0]
    assert cut([250, -250, 0, 0], [-400, 0, 0, 0]) == [250, -250, 0, 0]  # what is sold was on the other side
    assert cut([500, -500, 0, 0], [200, -100, 0, 0]) == approx(250, -250, 0, 0)


def test_l83_keeps_room_for_what_absent_members_hold() -> None:
    assert cut([nan, -400, 400, 0], [100, 0, 0, 0]) == approx(nan, -200, 200, 0)
    assert cut([nan, -400, 400, 0], [600, 0, 0, 0]) == approx(nan, 0, 0, 0)
    assert cut([nan, 400, 0, nan], [nan, nan, 0, 900]) == approx(nan, 400, 0, nan)
    assert cut([nan, nan, 300, 100], [700, 700, 0, 0]) == approx(nan, nan, 0, 100)


@pytest.mark.parametrize("equity", [0.0, -5.0])
def test_l83_allows_a_cluster_nothing_without_equity(equity: float) -> None:
    assert cut([400, -400, 0, 70], [400, 0, 0, 0], equity) == [0, 0, 0, 70]
    assert cut([400, 400, 0, 70], [400, 400, 0, 0], equity) == [400, 400, 0, 70]  # a hedge in full


def test_l83_takes_what_it_does_not_know_for_one() -> None:
    r1 = np.random.default_rng(6).normal(0, 1e-3, (60, 3))
    r1[:, 2] = 0.0  # stands still
    inputs = {"r1": r1, "allowed": np.full((1, 3), 400.0), "held": np.zeros((1, 3)), "equity": 1200.0}
    found = run("L83", inputs, {"half_life": 50}, 3)
    assert found["max_corr"][-1] == 1.0
    assert found["allowed"][-1].tolist() == approx(200, 200, 200)
    r1[::2, 0] = r1[1::2, 1] = nan  # never together
    pair = {"r1": r1[:, :2], "allowed": np.full((1, 2), 400.0), "held": np.zeros((1, 2)), "equity": 1200.0}
    found = run("L83", pair, {"half_life": 50}, 2)
    assert found["max_corr"][-1] == 1.0 and found["allowed"][-1].tolist() == approx(300, 300)
    assert found["effective_bets"][-1] == pytest.approx(1.0)


def test_l83_takes_symbols_after_the_first_64_for_one() -> None:
    r1 = np.random.default_rng(7).normal(0, 1e-3, (1500, 66))
    inputs = {"r1": r1, "held": np.zeros((1, 66)), "equity": 1000.0}
    allowed = np.zeros((1, 66))
    allowed[0, [0, 1, 65]] = 500.0
    found = run("L83", inputs | {"allowed": allowed}, {"half_life": 1000}, 66)
    assert found["allowed"][-1, [0, 1, 65]].tolist() == approx(500 / 3, 500 / 3, 500 / 3)
    assert found["max_corr"][-1] == 1.0
    matrix = pd.DataFrame(r1[:1481, :64]).ewm(halflife=1000).corr().to_numpy()[-64:]
    shares = np.linalg.eigvalsh(matrix) / 64.0
    assert 50 < found["effective_bets"][-1] < 64
    assert found["effective_bets"][-1] == pytest.approx(np.exp(-(shares * np.log(shares)).sum()), rel=1e-9)


@pytest.mark.parametrize("sure", [True, False])
def test_l83_never_lets_a_cluster_beyond_its_budget(sure: bool) -> None:
    """Whatever is held and allowed, and whichever of the orders that follow are filled first."""
    random = np.random.default_rng(8)
    bars = 3000
    allowed, held = random.normal(0, 600, (2, bars, 4))
    held[random.random((bars, 4)) < 0.3] = 0.0
    x, alone = random.normal(0, 1e-3, (2, bars))
    r1 = np.stack([x, -x, 2.0 * x, alone], axis=1)
    if not sure:
        r1[:, 2] = 0.0  # never moved: its rho is not known
    inputs = {"r1": r1, "allowed": allowed, "held": held, "equity": 1000.0}
    left = run("L83", inputs, {"half_life": 20, "cap": 0.99}, 4)["allowed"][20:]
    allowed, held = allowed[20:], held[20:]
    assert np.all(np.abs(left) <= np.abs(allowed)) and np.all(left * allowed >= 0.0)
    if sure:
        assert np.array_equal(left[:, 3], allowed[:, 3])
    side = np.array([1.0, -1.0, 1.0]) if sure else None
    count = 3 if sure else 4
    before, after = held[:, :count], left[:, :count]
    before, after = (before * side, after * side) if sure else (np.abs(before), np.abs(after))
    assert np.abs(after.sum(axis=1)).max() <= 500.0 * (1.0 + 1e-12)
    grown = 0
    for up in (1.0, -1.0):
        was, will = np.maximum(up * before, 0.0), np.maximum(up * after, 0.0)
        hedge = np.minimum(np.maximum(-up * before, 0.0), np.maximum(-up * after, 0.0)).sum(axis=1)
        worst = np.maximum(was, will).sum(axis=1) - hedge  # all that grows is filled, nothing else that shrinks
        grows = (will > was + 1e-9).any(axis=1)
        assert np.all(worst[grows] <= 500.0 * (1.0 + 1e-12))
        grown += grows.sum()
    assert grown > 100


def test_l83_knows_correlations_before_the_first_proposal() -> None:
    """What it has to learn comes from returns, so it does not wait for something to cut."""
    r1 = recorded()[:3000]
    allowed = np.full((3000, 4), nan)
    allowed[2500:] = 100.0
    found = run("L83", {"r1": r1, "allowed": allowed, "held": np.zeros((1, 4)), "equity": 1000.0}, {}, 4)
    assert np.isnan(found["max_corr"][:720]).all() and not np.isnan(found["max_corr"][720:]).any()
    assert np.isnan(found["allowed"][:2500]).all() and not np.isnan(found["allowed"][2500:]).any()
    always = run("L83", {"r1": r1, "allowed": 100.0 + 0.0 * allowed[2500:2501], **ZERO}, {}, 4)
    np.testing.assert_array_equal(found["max_corr"], always["max_corr"])


def test_l83_keeps_correlations_through_a_standstill() -> None:
    """Moments that fade together keep their ratio, also where they would be too small for a number."""
    x, y = np.random.default_rng(9).normal(0, 1e-3, (2, 500))
    r1 = np.vstack([np.stack([x, x + y], axis=1), np.zeros((40_000, 2))])
    found = run(
        "L83", {"r1": r1, "allowed": np.zeros((1, 2)), "held": np.zeros((1, 2)), "equity": 1.0}, {"half_life": 20}, 2
    )
    assert found["max_corr"][-1] == pytest.approx(found["max_corr"][2000], rel=1e-9)
