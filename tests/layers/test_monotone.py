"""Each input of the cost gate, the position size and the exposure caps moves the result one way, whatever else holds.

The same is shown for fusion in test_fusion.py and for tradeability in test_microstructure.py.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stratoquant.layers import catalogue
from tests.layers.single import run_layer

STEPS = np.linspace(0.0, 1.0, 60)
shares = st.floats(0.0, 1.0)
QUICK = settings(max_examples=40, deadline=None)


def swept(key: str, base: dict[str, object], name: str, low: float, high: float, port: str) -> np.ndarray:
    """The port while one input goes from low to high and the others stand still; each step is a run of its own."""
    layer = catalogue().get(key)
    values = low + (high - low) * STEPS
    return np.array([run_layer(layer, base | {name: np.array([x])})[port][0] for x in values])


def assert_moves(values: np.ndarray, rises: bool) -> None:
    steps = np.diff(values) if rises else -np.diff(values)
    assert np.all(steps >= -1e-9 * np.abs(values).max()), values


GATE = {
    "reward": 120.0, "p_success": 0.6, "risk": 90.0, "cost_buy": 4.0, "cost_sell": 5.0, "hold": 60.0, "taker_fee": 5.0,
}  # fmt: skip


@pytest.mark.parametrize("side", [1.0, -1.0])
@pytest.mark.parametrize(
    ("name", "low", "high", "rises"),
    [
        ("reward", 0.0, 500.0, True),
        ("p_success", 0.0, 1.0, True),
        ("risk", 0.0, 500.0, False),
        ("cost_buy", 0.0, 50.0, False),
        ("cost_sell", 0.0, 50.0, False),
        ("taker_fee", 0.0, 50.0, False),
    ],
)
def test_l74_what_is_left_falls_with_every_cost(name: str, low: float, high: float, rises: bool, side: float) -> None:
    left = swept("L74", GATE | {"side": side, "funding_rate": 1e-4}, name, low, high, "net_edge")
    assert_moves(left, rises)
    assert abs(left[-1] - left[0]) > 1.0
    passed = swept("L74", GATE | {"side": side, "funding_rate": 1e-4}, name, low, high, "pass")
    assert_moves(passed, rises)
    assert {0.0, 1.0} == set(passed)


@pytest.mark.parametrize("side", [1.0, -1.0])
def test_l74_falls_with_the_funding_that_its_side_pays(side: float) -> None:
    left = swept("L74", GATE | {"side": side}, "funding_rate", -1e-3, 1e-3, "net_edge")
    assert_moves(left, rises=side < 0.0)
    assert left.max() - left.min() > 1.0


@pytest.mark.parametrize("side", [1.0, -1.0])
def test_l74_a_longer_hold_costs_the_side_that_pays_more(side: float) -> None:
    """Two payments, 10 steps apart, tell the interval."""
    layer = catalogue().get("L74")
    rate = np.full(30, np.nan)
    rate[[5, 15]] = 1e-4 * side
    holds = [10.0, 20.0, 40.0, 80.0]
    inputs = {**GATE, "side": side, "funding_rate": rate}
    left = [run_layer(layer, inputs | {"hold": hold})["net_edge"][-1] for hold in holds]
    assert np.all(np.diff(left) < 0.0)


SIZE = {
    "side": 1.0, "size_hint": 0.5, "kelly": 0.3, "stop": 80.0, "sigma": 5e-4, "price": 100.0, "equity": 50_000.0,
    "drawdown": 0.02, "bars_per_year": 525_960.0,
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "low", "high", "rises"),
    [
        ("size_hint", 0.0, 1.0, True),
        ("kelly", -0.2, 0.2, True),
        ("equity", 1_000.0, 200_000.0, True),
        ("multiplier", 0.0, 1.0, True),
        ("stop", 20.0, 500.0, False),
        ("sigma", 0.0, 5e-3, False),
        ("drawdown", 0.0, 0.5, False),
    ],
)
@QUICK
@given(hint=shares, kelly=st.floats(0.01, 1.0), fall=st.floats(0.0, 0.3), sigma=st.floats(0.0, 2e-3))
def test_l76_size_moves_one_way(
    name: str, low: float, high: float, rises: bool, hint: float, kelly: float, fall: float, sigma: float
) -> None:
    base = SIZE | {"size_hint": hint, "kelly": kelly, "drawdown": fall, "sigma": sigma}
    layer = catalogue().get("L76")
    values = low + (high - low) * STEPS
    size = run_layer(layer, base | {name: values})["notional"]  # the layer has no memory
    assert_moves(size, rises)
    mirrored = run_layer(layer, base | {name: values, "side": -1.0})["notional"]
    np.testing.assert_array_equal(mirrored, -size)


@pytest.mark.parametrize("name", ["size_hint", "kelly", "equity", "multiplier", "stop", "drawdown"])
def test_l76_every_input_counts(name: str) -> None:
    layer = catalogue().get("L76")
    base = SIZE | {"sigma": 0.0, "kelly": 0.05 if name == "kelly" else 1.0}
    wide = {"equity": (2_000.0, 9_000.0), "stop": (20.0, 500.0)}.get(name, (0.0, 0.2 if name == "kelly" else 1.0))
    size = run_layer(layer, base | {name: np.array(wide)})["notional"]
    assert size[0] != size[1]


wants = st.lists(st.floats(-60_000, 60_000), min_size=4, max_size=4)
ranks = st.permutations([1.0, 2.0, 3.0, 4.0])


def allowed(want: list[float], held: list[float], rank: list[float], equity: float = 100_000.0) -> np.ndarray:
    inputs = {"want": [want], "held": [held], "rank": [rank], "equity": np.array([equity])}
    rows = {name: np.array(value) for name, value in inputs.items()}
    return run_layer(catalogue().get("L81"), rows, symbols=4)["allowed"][0]


@QUICK
@given(want=wants, held=wants, rank=ranks, more=st.floats(1.0, 5.0), who=st.integers(0, 3))
def test_l81_who_wants_more_gets_no_less(
    want: list[float], held: list[float], rank: list[float], more: float, who: int
) -> None:
    larger = [w * more if i == who else w for i, w in enumerate(want)]
    before, after = allowed(want, held, rank), allowed(larger, held, rank)
    assert abs(after[who]) >= abs(before[who]) - 1e-6
    assert np.all(np.abs(after) <= np.abs(larger) + 1e-6)


@QUICK
@given(want=st.lists(st.floats(0, 60_000), min_size=4, max_size=4), rank=ranks, more=st.floats(1.0, 5.0))
def test_l81_what_the_first_takes_the_others_do_not_get(want: list[float], rank: list[float], more: float) -> None:
    """All on one side, nothing held: a larger want of the best rank never enlarges another's share."""
    first = rank.index(1.0)
    larger = [w * more if i == first else w for i, w in enumerate(want)]
    nothing = [0.0] * 4
    before, after = allowed(want, nothing, rank), allowed(larger, nothing, rank)
    others = [i for i in range(4) if i != first]
    assert np.all(after[others] <= before[others] + 1e-6)


@QUICK
@given(want=st.floats(-60_000, 60_000), equity=st.floats(1_000, 1e6), more=st.floats(1.0, 4.0))
def test_l81_one_symbol_gets_no_less_of_a_larger_account(want: float, equity: float, more: float) -> None:
    row, nothing, rank = [want, 0.0, 0.0, 0.0], [0.0] * 4, [1.0, 2.0, 3.0, 4.0]
    assert abs(allowed(row, nothing, rank, equity * more)[0]) >= abs(allowed(row, nothing, rank, equity)[0])


@QUICK
@given(want=st.lists(st.floats(0, 60_000), min_size=4, max_size=4), rank=ranks)
def test_l81_a_better_rank_gets_no_less(want: list[float], rank: list[float]) -> None:
    """Swapping places with the best never makes a symbol smaller."""
    for who in range(4):
        first = rank.index(1.0)
        swapped = list(rank)
        swapped[who], swapped[first] = swapped[first], swapped[who]
        nothing = [0.0] * 4
        assert allowed(want, nothing, swapped)[who] >= allowed(want, nothing, rank)[who] - 1e-6
