"""L5, L96, L98, L99 and L100: orders, the venue's rules, the packed decision, reconciliation and the digest."""

import struct
from decimal import ROUND_CEILING, Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from stratoquant.layers.execution import (
    l5_execution_bridge,
    l96_venue_rules,
    l98_mirror_encode,
    l99_reconciliation,
    l100_decision_record,
)
from tests.ccxt_rounding import NO_PADDING, ROUND, TICK_SIZE, TRUNCATE, decimal_to_precision
from tests.layers.real_data import real_bars
from tests.layers.single import run_layer

nan, inf = np.nan, np.inf
STEPS = [1e-8, 1e-6, 0.00025, 0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 5, 10, 250]


# ---------------------------------------------------------------- L5


def bridge(target, position, working=0.0, approved=1.0):
    out = run_layer(
        l5_execution_bridge.step,
        {"target": np.array([target], float), "position": position, "working": working, "approved": approved},
    )
    intent = l5_execution_bridge.INTENTS[int(out["intent"][0])]
    return out["order_side"][0], out["order_qty"][0], out["reduce_only"][0], intent


@pytest.mark.parametrize(
    ("case", "order"),
    [
        ((10, 0), (1, 10, 0, "open")), ((-10, 0), (-1, 10, 0, "open")), ((10, 4), (1, 6, 0, "increase")),
        ((-10, -4), (-1, 6, 0, "increase")), ((4, 10), (-1, 6, 1, "reduce")), ((-4, -10), (1, 6, 1, "reduce")),
        ((0, 10), (-1, 10, 1, "close")), ((0, -10), (1, 10, 1, "close")), ((-3, 10), (-1, 10, 1, "flip_close")),
        ((3, -10), (1, 10, 1, "flip_close")), ((10, 10), (0, 0, 0, "none")), ((0, 0), (0, 0, 0, "none")),
        ((10, 0, 4), (1, 6, 0, "open")), ((10, 2, 8), (0, 0, 0, "none")), ((0, 10, -10), (0, 0, 0, "none")),
        ((-3, 10, -4), (-1, 6, 1, "flip_close")), ((3, 0, 7), (1, 3, 0, "open")), ((0, 0, 5), (0, 0, 0, "withdraw")),
        ((0, 5, 5), (-1, 5, 1, "close")), ((10, 0, 0, 0), (0, 0, 0, "none")), ((0.3, 0.1, 0.2), (0, 0, 0, "none")),
    ],
)  # fmt: skip
def test_the_order_that_leads_to_the_target(case, order):
    assert bridge(*case) == order


@settings(max_examples=200, deadline=None)
@given(arrays(np.float64, (4, 3), elements=st.one_of(st.sampled_from([0.0, 1e308, -1e308, 5e-324]), st.floats(-9, 9))))
def test_an_order_never_leads_past_its_target(rows):
    target, position, working = np.ascontiguousarray(rows.T)
    out = run_layer(
        l5_execution_bridge.step, {"target": target, "position": position, "working": working, "approved": 1.0}
    )
    with np.errstate(over="ignore"):
        after = position + out["order_side"] * out["order_qty"]
        room = 1e-9 * np.maximum(np.abs(target), np.abs(position))
        finite = np.isfinite(target - position)
    assert ((after >= np.minimum(target, position) - room) & (after <= np.maximum(target, position) + room))[
        finite
    ].all()
    assert (np.sign(position) * after >= 0)[out["reduce_only"] == 1].all()
    assert np.isfinite(np.array(list(out.values()))).all()
    assert (out["order_qty"] >= 0).all()


@pytest.mark.parametrize("unit", [1e-9, 1e9])
def test_an_order_of_any_unit_leads_to_the_target(unit):
    assert bridge(10 * unit, 4 * unit, 2 * unit) == (1, pytest.approx(4 * unit, rel=1e-9), 0, "increase")


def test_a_flip_takes_two_steps():
    first = bridge(-6, 10)
    second = bridge(-6, 10 + first[0] * first[1])
    assert (first[2:], second) == ((1, "flip_close"), (-1, 6, 0, "open"))


# ---------------------------------------------------------------- L96

FREE = {"price": 100.0, "tick": 0.0, "lot": 0.0, "min_notional": 0.0, "max_qty": 0.0}


def rules(**changes):
    rows = max((len(v) for v in changes.values() if np.ndim(v)), default=1)
    inputs = {n: np.broadcast_to(np.asarray(v, float), (rows,)) for n, v in (FREE | changes).items()}
    return run_layer(l96_venue_rules.step, inputs)


def verdict(**changes):
    out = rules(**changes)
    return out["qty"][0], out["valid"][0], l96_venue_rules.REASONS[int(out["reason"][0])]


@pytest.mark.parametrize("step", STEPS)
def test_rounding_against_ccxt(step):
    """Quantities down, prices down for a buy and to the nearest tick without a side, each to the very double."""
    random = np.random.default_rng(4)
    count = 10000
    steps = np.floor(10 ** random.uniform(0, 7, count)) + random.choice([0.0, 0.0, 0.5, 0.25, 0.999, 0.001], count)
    values = np.array([float(Decimal(str(step)) * Decimal(str(n))) for n in steps])
    values = np.concatenate([values, np.nextafter(values[:2000], inf), np.nextafter(values[:2000], 0)])
    values = values[values >= step]
    down = np.array([float(decimal_to_precision(v, TRUNCATE, step, TICK_SIZE, NO_PADDING)) for v in values.tolist()])
    near = np.array([float(decimal_to_precision(v, ROUND, step, TICK_SIZE, NO_PADDING)) for v in values.tolist()])
    exact = [Decimal(str(v)) / Decimal(str(step)) for v in values.tolist()]
    up = np.array([float(e.to_integral_value(ROUND_CEILING) * Decimal(str(step))) for e in exact])
    out = rules(slice_qty=values, lot=step, limit_price=values, tick=step, side=1)
    np.testing.assert_array_equal(out["qty"], down)
    np.testing.assert_array_equal(out["price"], down)
    np.testing.assert_array_equal(rules(slice_qty=1, limit_price=values, tick=step, side=-1)["price"], up)
    nearest = rules(slice_qty=1, limit_price=values, tick=step)["price"]
    clear = [abs(e % 1 - Decimal("0.5")) > Decimal("5e-16") * e for e in exact]  # no ties
    np.testing.assert_array_equal(nearest[clear], near[clear])


def test_precision_of_a_ccxt_venue():
    import ccxt

    venue = ccxt.binance()
    venue.markets = {
        "A/B": {"symbol": "A/B", "precision": {"amount": 0.001, "price": 0.1}, "limits": {"amount": {}, "price": {}}}
    }
    bars = real_bars("binance_btcusdt_1m", 3000)
    qty = np.abs(np.diff(bars["close"], prepend=bars["close"][0] - 1)) * 1e-2 + 0.001
    out = rules(slice_qty=qty, limit_price=bars["close"], tick=0.1, lot=0.001)
    assert out["qty"].tolist() == [float(venue.amount_to_precision("A/B", q)) for q in qty.tolist()]
    assert out["price"].tolist() == [float(venue.price_to_precision("A/B", c)) for c in bars["close"].tolist()]


def test_steps_are_exact_decimals():
    out = rules(slice_qty=np.array([0.3, 0.1 + 0.2, 0.35, 0.7]), lot=0.1)
    assert out["qty"].tolist() == [0.3, 0.3, 0.3, 0.7]
    assert 3 * 0.1 != 0.3
    for step in (1 / 3, 1 / 32, 1e-15, 1e9):
        qty = rules(slice_qty=np.array([7.4 * step]), lot=step)["qty"][0]
        assert qty == pytest.approx(7 * step, rel=1e-12)


@pytest.mark.parametrize(
    ("case", "expected"),
    [
        ({"slice_qty": 0}, (0, 0, "nothing to do")),
        ({"slice_qty": inf}, (0, 0, "nothing to do")),
        ({"slice_qty": 1, "reduce_only": 1, "position": 0}, (0, 0, "nothing to do")),
        ({"slice_qty": 0.04, "lot": 0.1, "reduce_only": 1}, (0.1, 1, "exit of one lot")),
        ({"slice_qty": 0.05, "lot": 0.1}, (0, 0, "below lot")),
        ({"slice_qty": 0.05, "min_notional": 10}, (0, 0, "below min_notional")),
        ({"slice_qty": 0.1, "min_notional": 10}, (0.1, 1, "none")),
        ({"slice_qty": 0.1, "min_notional": 10, "limit_price": 99}, (0, 0, "below min_notional")),
        ({"slice_qty": 7.77, "lot": 0.1, "max_qty": 5.05}, (5, 1, "cut to max_qty")),
        ({"slice_qty": 1, "price": nan}, (0, 0, "no price")),
        ({"slice_qty": 1, "limit_price": 0.004, "tick": 0.01, "side": 1}, (0, 0, "no price")),
        ({"slice_qty": 1, "lot": nan}, (0, 0, "no rule")),
        ({"slice_qty": 1, "lot": nan, "reduce_only": 1, "position": 1}, (1, 1, "none")),
        ({"slice_qty": 1, "price": nan, "reduce_only": 1, "position": 1}, (1, 1, "none")),
        ({"slice_qty": 1.23, "lot": 0.1, "reduce_only": 1, "position": 1.23}, (1.2, 1, "none")),
        ({"slice_qty": 0.03, "lot": 0.1, "reduce_only": 1, "position": -0.03}, (0.03, 1, "exit of odd lot")),
        ({"slice_qty": 0.03, "lot": 0.1, "reduce_only": 1, "position": 2}, (0.1, 1, "exit of one lot")),
        ({"slice_qty": 0.7 - 0.4, "lot": 0.1, "reduce_only": 1, "position": 0.7 - 0.4}, (0.3, 1, "none")),
        (
            {"slice_qty": 0.01, "min_notional": 10, "reduce_only": 1, "position": 1},
            (0.01, 1, "exit below min_notional"),
        ),
        ({"slice_qty": 9, "max_qty": 4, "reduce_only": 1, "position": 9}, (4, 1, "cut to max_qty")),
    ],
)
def test_minima_maxima_and_exits(case, expected):
    assert verdict(**case) == expected


@settings(max_examples=200, deadline=None)
@given(
    arrays(np.float64, (5, 6), elements=st.one_of(st.sampled_from([nan, inf, 0.0, 1e308, 5e-324]), st.floats(0, 1e6))),
    st.sampled_from([nan, -1.0, 0.0, 1.0]),
    st.sampled_from([nan, 0.0, 1.0]),
)
def test_no_input_breaks_the_rules(rows, side, reduce_only):
    asked, limit, price, lot, least, most = np.ascontiguousarray(rows.T)
    out = rules(
        slice_qty=asked, limit_price=limit, price=price, lot=lot, tick=np.flip(lot), min_notional=least, max_qty=most,
        side=side, reduce_only=reduce_only, position=asked,
    )  # fmt: skip
    taken = ~np.isnan(asked)
    qty, valid = out["qty"][taken], out["valid"][taken]
    assert np.isfinite(qty).all() and (qty >= 0).all()
    assert ((valid == 1) == (qty > 0)).all()
    assert not np.isinf(out["price"]).any()
    assert not (out["price"] <= 0).any()
    if reduce_only != 1:
        assert (qty <= asked[taken]).all()
        assert (qty <= np.where(most[taken] > 0, most[taken], inf)).all()


# ---------------------------------------------------------------- L98


def test_a_decision_survives_packing():
    random = np.random.default_rng(5)
    n = 5000
    given_in = {
        "direction": random.integers(-1, 2, n).astype(float),
        "confidence": random.random(n),
        "label": random.integers(0, 16, n).astype(float),
        "target": random.choice([-1, 0, 1], n) * 10 ** random.uniform(-15, 15, n),
        "veto": random.integers(0, 65536, n).astype(float),
        "drawdown": random.random(n),
    }
    word = run_layer(l98_mirror_encode.step, given_in)["word"]
    assert (word == np.floor(word)).all() and (word >= 0).all() and (word < 2**53).all()
    back = [l98_mirror_encode.unpack(w) for w in word]
    for name in ("direction", "label", "veto"):
        assert [b[name] for b in back] == given_in[name].tolist()
    for name in ("confidence", "drawdown"):
        assert np.abs(np.array([b[name] for b in back]) - given_in[name]).max() <= 0.5 / 127 + 1e-12
    target = np.array([b["target"] for b in back])
    sizes = np.abs(given_in["target"])
    assert not np.signbit(target[sizes == 0.0]).any()
    assert (np.abs(target) <= sizes).all()
    assert (np.abs(target - given_in["target"]) <= sizes / 512).all()
    again = run_layer(l98_mirror_encode.step, {n: np.array([b[n] for b in back]) for n in given_in})["word"]
    np.testing.assert_array_equal(again, word)


def test_packing_at_the_ends():
    ends = {
        "direction": np.array([1.0, -1, 0, 1]), "confidence": np.array([1.0, 0, -1e308, inf]),
        "label": np.array([99.0, 0, 0, inf]), "target": np.array([1e308, -1e308, 5e-324, -inf]),
        "veto": np.array([65535.0, 0, 65536, 0]), "drawdown": np.array([1.0, 0, inf, 0]),
    }  # fmt: skip
    word = run_layer(l98_mirror_encode.step, ends)["word"]
    assert (word >= 0).all() and (word < 2**53).all()
    assert [l98_mirror_encode.unpack(each)["confidence"] for each in word] == [1, 0, 0, 1]
    assert l98_mirror_encode.unpack(word[2])["target"] == 0
    assert l98_mirror_encode.unpack(word[1])["target"] == -(2.0 - 1 / 512) * 2.0**64
    for size in (2.0**-62, 1.0, 1.5, 2.0, 2.0**64):
        word = run_layer(l98_mirror_encode.step, {n: v[:1] * 0 for n, v in ends.items()} | {"target": np.array([size])})
        assert l98_mirror_encode.unpack(word["word"][0])["target"] == size


def test_packing_has_room_for_sixteen_labels():
    still = {n: np.zeros(3) for n in ("direction", "confidence", "target", "veto", "drawdown")}
    word = run_layer(l98_mirror_encode.step, still | {"label": np.array([15.0, 16.0, 40.0])})["word"]
    assert [l98_mirror_encode.unpack(w)["label"] for w in word] == [15, 15, 15]


def test_a_changed_word_is_marked():
    still = {"direction": 1, "confidence": 0.5, "label": 1, "veto": 0, "drawdown": 0}
    out = run_layer(l98_mirror_encode.step, still | {"target": np.array([1.0, 1, 2, 2, 1])})
    assert out["changed"].tolist() == [1, 0, 1, 0, 1]


def test_the_layout_is_documented():
    page = l98_mirror_encode.__doc__
    assert sum(l98_mirror_encode.FIELDS.values()) == 53
    places = [page.index(f"\n    {name}  ") for name in l98_mirror_encode.FIELDS]
    assert places == sorted(places)


# ---------------------------------------------------------------- L99


def test_a_gap_counts_when_it_lasts():
    expected = np.array([0.0, 5, 5, 5, 5, 0.3, 0.3])
    reported = np.array([0.0, 4, 4, 4, 5, 0.1 + 0.2, -0.3])
    inputs = {"expected": expected, "reported": reported, "mirror_word": 7}
    out = run_layer(l99_reconciliation.step, inputs, {"grace": 2})
    assert out["since"].tolist() == [0, 1, 2, 3, 0, 0, 1]
    assert out["mismatch"].tolist() == [0, 0, 0, 1, 0, 0, 0]
    assert out["position_gap"].tolist() == [0, -1, -1, -1, 0, 0, -0.6]
    scaled = {"expected": np.array([1e6, 1e-9]), "reported": np.array([1e6 + 1e-4, 2e-9]), "mirror_word": 7}
    assert run_layer(l99_reconciliation.step, scaled)["since"].tolist() == [0, 1]
    assert run_layer(l99_reconciliation.step, inputs, {"grace": 0})["mismatch"].tolist() == [0, 1, 1, 1, 0, 0, 1]


def test_a_chart_that_decides_otherwise():
    inputs = {"expected": 1, "reported": 1, "mirror_word": 7}
    word = np.array([7, 8, nan, 8, nan, 7, nan, 6.0])
    out = run_layer(l99_reconciliation.step, inputs | {"pine_word": word}, {"grace": 1})
    assert out["pine_mismatch"].tolist() == [0, 0, 0, 1, 1, 0, 0, 0]
    assert not out["mismatch"].any()
    silent = run_layer(l99_reconciliation.step, inputs | {"mirror_word": np.arange(5.0)})
    assert not silent["pine_mismatch"].any()


# ---------------------------------------------------------------- L100

FIELDS = ("time", "direction", "edge", "target", "veto", "order_side", "qty", "quality", "health")


def decisions(n, seed=6):
    random = np.random.default_rng(seed)
    drawn = {name: random.normal(size=n) for name in FIELDS}
    drawn["time"] = 1.7e12 + 60000.0 * np.arange(n)
    drawn["edge"][random.random(n) < 0.2] = nan
    return drawn


def digests(drawn):
    return run_layer(l100_decision_record.step, drawn)["digest"]


def digest_in_python(drawn):
    word, result = 7526465159102573431, []
    for row in zip(*(drawn[name] for name in FIELDS), strict=True):
        for x in row:
            bits = 0x7FF8000000000000 if x != x else struct.unpack("<Q", struct.pack("<d", x))[0]
            word = (word ^ bits) * 1099511628211 % 2**64
            word ^= word >> 29
        result.append((word ^ word >> 32) % 2**52)
    return result


def test_the_digest_in_python():
    drawn = decisions(2000)
    digest = digests(drawn)
    assert digest.tolist() == digest_in_python(drawn)
    assert (digest < 2**52).all() and len(set(digest)) == len(digest)


def test_every_bit_of_every_field_counts():
    drawn = {name: v[:4] for name, v in decisions(40).items()}
    assert not any(np.isnan(v[1]) for v in drawn.values())
    last = digests(drawn)[-1]
    seen, tried = {last}, 1
    for name in FIELDS:
        for bit in range(64):
            changed = {n: v.copy() for n, v in drawn.items()}
            bits = changed[name].view(np.uint64)
            bits[1] ^= np.uint64(1 << bit)
            seen.add(digests(changed)[-1])
            tried += 1
    assert len(seen) == tried


def test_runs_agree_only_while_their_decisions_do():
    one, other = decisions(300), decisions(300)
    other["qty"][100] = np.nextafter(other["qty"][100], inf)
    a, b = digests(one), digests(other)
    assert (a[:100] == b[:100]).all() and (a[100:] != b[100:]).all()
    swapped = {n: v.copy() for n, v in one.items()}
    swapped["order_side"], swapped["qty"] = swapped["qty"], swapped["order_side"]
    assert digests(swapped)[-1] != a[-1]
    quiet = one["edge"].copy()
    quiet.view(np.uint64)[np.isnan(quiet)] = 0xFFF8000000000123  # another NaN
    assert digests(one | {"edge": quiet})[-1] == a[-1]


def test_the_heartbeat():
    drawn = decisions(5) | {"time": np.array([1.0, 2, 2, 1, 9])}
    out = run_layer(l100_decision_record.step, drawn)
    assert out["seq"].tolist() == [1, 2, 3, 4, 5]
    assert out["heartbeat"].tolist() == drawn["time"].tolist()
    assert out["alive"].tolist() == [1, 1, 0, 0, 1]
