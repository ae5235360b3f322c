"""L4: no input gives a target above a cap, closing is never vetoed, levels only tighten."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from stratoquant.layers.risk.l4_risk_manager import REASONS, step
from tests.layers.single import run_layer

nan, inf = np.nan, np.inf
CALM = {
    "side": 1, "notional": 1000, "allowed": 1000, "stop_price": 95, "take_price": 110, "pass": 1, "avoid": 0,
    "trade": 1,
    "close_only": 0, "flatten": 0, "scale": 1, "reduce": 0, "exit": 0, "add": 0, "alarm": 0, "freeze": 0, "hedge": 0,
    "position": 0, "price": 100, "equity": 10000, "standing": nan,
}  # fmt: skip
EXTREME = st.one_of(
    st.sampled_from(
        [0.0, 1.0, -1.0, nan, inf, -inf, 1e308, -1e308, 5e-324, -5e-324, 0.5, 2.0, 100.0, -100.0, 1e-9, 1e9, -0.0]
    ),
    st.floats(allow_nan=True, allow_infinity=True),
)


def gate(params=None, **changes):
    rows = max((len(v) for v in changes.values() if np.ndim(v)), default=1)
    inputs = {n: np.broadcast_to(np.asarray(v, float), (rows,)) for n, v in (CALM | changes).items()}
    return run_layer(step, inputs, params)


def one(params=None, **changes):
    return {n: v[0] for n, v in gate(params, **changes).items()}


def reasons(veto):
    return {name for bit, name in enumerate(REASONS) if int(veto) >> bit & 1}


def unit(x):
    return np.where(np.isfinite(x), np.clip(x, 0, 1), 1.0)


@settings(max_examples=150, deadline=None)
@given(arrays(np.float64, (24, len(CALM)), elements=EXTREME), st.integers(0, 2**32 - 1))
def test_no_input_breaks_the_gate(wild, seed):
    """Each row takes a random few of its inputs from `wild` and the rest from a calm day."""
    random = np.random.default_rng(seed)
    calm = np.array(list(CALM.values()), float)
    rows = np.where(random.random(wild.shape) < random.choice([0.1, 0.5, 1.0], (len(wild), 1)), wild, calm)
    inputs = {n: np.ascontiguousarray(rows[:, k]) for k, n in enumerate(CALM)}
    out = run_layer(step, inputs)
    taken = ~np.isnan(inputs["position"])
    there = {n: np.where(taken, out[n], 0.0) for n in ("target", "approved", "veto", "veto_first")}
    target, position = there["target"], np.where(taken, inputs["position"], 0.0)

    assert np.isfinite(target).all()
    assert not (taken & np.isnan(out["target"])).any()
    reduce = np.where(np.isfinite(inputs["reduce"]), np.clip(inputs["reduce"], 0, 1), 0.0)
    with np.errstate(all="ignore"):
        share = unit(inputs["scale"]) * (1 - reduce)
        priced = np.isfinite(inputs["price"]) & (inputs["price"] > 0)
        for limit in ("notional", "allowed"):
            cap = np.where(np.isfinite(inputs[limit]), np.abs(inputs[limit]) * share / inputs["price"], inf)
            above = np.abs(target) > cap * (1 + 1e-12) + 1e-320
            assert not (above & priced).any(), (limit, rows[above & priced])
        assert not ((share == 0) & (target != 0)).any()

    same = np.sign(target) == np.sign(position)
    grown = (target != 0) & (~same | (np.abs(target) > np.abs(position)))
    judged = [
        "side",
        "notional",
        "allowed",
        "pass",
        "avoid",
        "trade",
        "close_only",
        "flatten",
        "scale",
        "reduce",
        "exit",
    ]
    judged += ["add", "alarm", "freeze", "hedge", "price", "equity"]
    known = np.all([np.isfinite(inputs[n]) for n in judged], axis=0)
    clear = known & (inputs["pass"] == 1) & (inputs["trade"] == 1) & (inputs["reduce"] <= 0) & (inputs["equity"] > 0)
    for flag in ("avoid", "close_only", "flatten", "exit", "alarm", "freeze"):
        clear &= inputs[flag] == 0
    assert not (grown & ~clear).any(), "grew against a veto"
    assert not (grown & (there["veto"] != 0)).any()
    side = np.where(np.isfinite(inputs["side"]), np.sign(inputs["side"]), nan)
    flat = (side == 0) | ((inputs["flatten"] != 0) & ~np.isnan(inputs["flatten"]))
    flat |= (inputs["exit"] != 0) & ~np.isnan(inputs["exit"])
    assert not (flat & (target != 0)).any(), "closing was refused"
    against = (side * np.sign(position) < 0) & (np.sign(target) == np.sign(position)) & (target != 0)
    assert not against.any(), "a position outlived the opposite side"
    assert ((there["approved"] == 1) == (taken & (target != inputs["position"]))).all()

    for name, direction in (("stop_price", -1), ("take_price", 1)):
        level = out[name]
        said = ~np.isnan(level)
        assert np.isfinite(level[said]).all() and (level[said] > 0).all()
        assert (target[said] != 0).all()
        opened = said & ~same & priced
        assert (direction * np.sign(target) * (level - inputs["price"]) > 0)[opened].all()
    veto = there["veto"].astype(np.int64)
    first = there["veto_first"].astype(int)
    assert (veto < 1 << len(REASONS)).all()
    assert ((veto == 0) == (first == 0)).all()
    assert all(v & ((1 << f - 1) - 1) == 0 and v >> (f - 1) & 1 for v, f in zip(veto, first, strict=True) if f)


def test_an_entry_takes_the_smallest_limit():
    assert one()["target"] == 10
    assert one(allowed=400)["target"] == 4
    assert one(side=-1, stop_price=105, take_price=90, scale=0.5)["target"] == -5
    assert one(side=-1, allowed=-300, stop_price=105, take_price=90)["target"] == -3
    assert one()["approved"] == 1 and one()["veto"] == 0 and one()["veto_first"] == 0


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("missing input", {"hedge": nan}), ("missing input", {"price": nan}), ("missing input", {"notional": inf}),
        ("no trade", {"trade": 0}), ("close only", {"close_only": 1}), ("flatten", {"flatten": 1}),
        ("exit", {"exit": 1}),
        ("cost", {"pass": 0}), ("avoid", {"avoid": 1}), ("jump alarm", {"alarm": 1}),
        ("liquidity freeze", {"freeze": 1}),
        ("no equity", {"equity": 0}), ("reduce", {"reduce": 0.2}), ("no size", {"allowed": 0}),
        ("no size", {"scale": 0}),
        ("levels", {"stop_price": 101}), ("levels", {"take_price": 99}), ("levels", {"stop_price": inf}),
    ],
)  # fmt: skip
def test_every_reason_stops_an_entry_and_lets_a_close_pass(name, change):
    entry = one(**change)
    assert entry["target"] == 0 and entry["approved"] == 0
    assert name in reasons(entry["veto"])
    assert REASONS[int(entry["veto_first"]) - 1] in reasons(entry["veto"])
    for side, position in ((0, 7), (0, -7), (-1, 7)):
        assert one(**change | {"side": side, "position": position})["target"] <= 0
        assert one(**change | {"side": side, "position": position})["approved"] == 1


def test_two_reasons_are_both_written():
    out = one(**{"avoid": 1, "pass": 0})
    assert reasons(out["veto"]) == {"cost", "avoid"}
    assert REASONS[int(out["veto_first"]) - 1] == "cost"


def test_a_position_is_cut_at_once_and_grows_in_large_steps():
    assert one(position=12)["target"] == 9.75  # within half of min_change under the cap, not to be cut again at once
    assert one(position=10)["target"] == 10
    assert one({"min_change": 0}, position=12)["target"] == 10
    for above in (np.nextafter(10.0, 11.0), 10.0 * (1 + 5e-10)):  # a position of the cap itself, but for rounding
        assert one(position=above)["target"] == one(position=-above, side=-1)["target"] * -1 == above
    assert one(position=10.0 * (1 + 2e-9))["target"] == 9.75
    assert one(position=9.6)["target"] == 9.6
    assert one(position=9.6)["approved"] == 0
    assert one(position=9.4)["target"] == 10
    assert one(position=9.4, avoid=1)["target"] == 9.4
    assert one(position=9.6, add=0.01)["target"] == pytest.approx(9.7)
    assert one(position=9.6, add=1)["target"] == 10
    assert one(position=4, reduce=0.5)["target"] == 2  # far below the cap, and still reduced
    assert one({"min_change": 0}, position=20, reduce=0.5)["target"] == 5  # and so is the cap
    assert one({"min_change": 0}, position=9.99)["target"] == 10


def test_a_gap_in_the_data_neither_opens_nor_sells():
    gap = dict.fromkeys(set(CALM) - {"position"}, nan)
    assert one(**gap, position=5)["target"] == 5
    assert one(**gap, position=0)["target"] == 0
    assert one(**gap | {"flatten": 1}, position=5)["target"] == 0
    assert one(**gap | {"scale": 0}, position=-5)["target"] == 0
    assert one(**gap | {"allowed": 200, "price": 100}, position=-5)["target"] == -1.95


def test_a_reversal_needs_no_veto_but_its_close_does_not():
    assert one(side=-1, position=5, stop_price=105, take_price=90)["target"] == -10
    assert one(side=-1, position=5, stop_price=105, take_price=90, avoid=1)["target"] == 0


def test_a_hedge_only_makes_smaller():
    assert one(hedge=-3)["target"] == 7
    assert one(hedge=3)["target"] == 10
    assert one(hedge=-30)["target"] == 0
    assert one(side=-1, position=-10, hedge=3, stop_price=105)["target"] == -7


def test_the_stop_only_moves_towards_the_price():
    out = gate(
        position=[0, 10, 10, 10, 10, 10, 0],
        price=[100, 101, 104, 103, 97, 99, 94],
        stop_price=[95, 96, 99, 98, nan, 99.5, nan],
        take_price=[110, 111, 114, nan, nan, 109, nan],
        notional=2000, allowed=2000, avoid=1,
    )  # fmt: skip
    assert out["stop_price"].tolist()[1:6] == [96, 99, 99, 99, 99]
    assert out["take_price"].tolist()[1:6] == [111, 111, 111, 111, 111]
    short = gate(side=-1, position=[-5, -5, -5, -5], price=[100, 98, 99, 97], stop_price=[105, 103, 104, 102])
    assert short["stop_price"].tolist() == [105, 103, 103, 102]


def test_the_stop_at_the_venue_is_never_loosened():
    out = gate(position=[10] * 4, standing=[nan, 96, 94, nan])
    assert out["stop_price"].tolist() == [95, 96, 96, 96]
    short = gate(side=-1, position=[-10] * 3, standing=[nan, 104, 106], stop_price=105, take_price=90)
    assert short["stop_price"].tolist() == [105, 104, 104]


def test_a_stop_at_the_venue_counts_where_the_gate_has_none():
    """An order that was called off filled after all."""
    assert one(position=10, stop_price=nan, standing=97)["stop_price"] == 97
    assert one(side=-1, position=-10, stop_price=nan, take_price=90, standing=103)["stop_price"] == 103
    assert one(position=10, stop_price=96, standing=97)["stop_price"] == 97
    assert one(side=nan, position=10, stop_price=nan, standing=97)["stop_price"] == 97


def test_a_stop_at_the_venue_beyond_the_price_or_of_no_position_is_none():
    assert one(position=10, standing=101)["stop_price"] == 95
    assert np.isnan(one(position=10, stop_price=nan, standing=101)["stop_price"])
    assert np.isnan(one(side=-1, position=-10, stop_price=nan, take_price=90, standing=99)["stop_price"])
    assert one(position=0, standing=97)["stop_price"] == 95
    assert np.isnan(one(side=-1, position=10, stop_price=105, take_price=90, standing=97)["stop_price"])


def test_levels_follow_the_inputs_until_the_position_is_held():
    out = gate(
        position=[0, 0, 0, 10], price=[100, 98, 97, 97], stop_price=[95, 93, nan, 92], take_price=[110, 108, nan, 107]
    )
    assert out["stop_price"].tolist() == [95, 93, 93, 93]
    assert out["take_price"].tolist() == [110, 108, 108, 108]


def test_old_levels_do_not_come_back():
    out = gate(position=[10, 0, 0], price=[100, 90, 90], stop_price=[95, nan, nan], take_price=[110, nan, nan])
    assert np.isnan(out["stop_price"][1:]).all()
    flip = gate(side=[1, -1, -1], position=[10, 10, 0], stop_price=[95, 105, 105], take_price=[110, 90, 90])
    assert np.isnan(flip["stop_price"][1]) and flip["target"][1] == -10
    assert flip["stop_price"][2] == 105 and flip["take_price"][2] == 90
    assert np.isnan(one(side=0, position=10)["stop_price"])


def test_a_stop_outlives_a_close_that_did_not_come():
    """What was sent on the first bar may not have reached the venue when the position turns out to stay."""
    out = gate(position=[10, 10, 10], exit=[0, 1, 0], stop_price=[97, 97, 95])
    assert out["target"].tolist() == [10, 0, 10]
    np.testing.assert_array_equal(out["stop_price"], [97, nan, 97])


def test_tiny_and_huge_prices():
    for price in (1e-9, 1e9):
        out = one(price=price, stop_price=0.9 * price, take_price=1.2 * price)
        assert out["target"] == pytest.approx(1000 / price, rel=1e-15)
        assert out["stop_price"] == 0.9 * price
