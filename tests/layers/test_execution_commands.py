"""L89 and L97: which command goes to the venue, under which name, and when."""

import re
from hashlib import sha256
from itertools import product

import numpy as np
import pytest

from stratoquant.graph.account import ORDER_PORTS
from stratoquant.layers.execution import l89_order_lifecycle, l97_rate_limit
from stratoquant.layers.execution.l5_execution_bridge import INTENTS
from stratoquant.layers.execution.l89_order_lifecycle import client_id
from stratoquant.layers.execution.order_words import COMMANDS
from tests.layers.real_data import real_bars
from tests.layers.single import run_layer, run_with_state

nan = np.nan
NONE, OPEN, INCREASE, REDUCE, CLOSE, FLIP_CLOSE, WITHDRAW = range(len(INTENTS))
MARKET, LIMIT = 0, 1

# ---------------------------------------------------------------- L89

QUIET = {
    "slice_qty": 2, "kind": LIMIT, "limit_price": 99, "ttl": 5, "open_orders": 0, "open_age": 0, "rejects": 0,
    "price": 100, "order_qty": 10, "side": 1, "working": 0, "intent": OPEN,
}  # fmt: skip
WORKS = {"open_orders": 1, "working": 2}


def told(*rows, params=None):
    """The commands by name over rows that each change QUIET, and all outputs."""
    columns = {name: np.array([float((QUIET | row)[name]) for row in rows]) for name in QUIET}
    out = run_layer(l89_order_lifecycle.step, columns, params)
    return [COMMANDS[int(c)] for c in out["command"]], {name: values.tolist() for name, values in out.items()}


@pytest.mark.parametrize(
    ("change", "command"),
    [
        ({}, "keep"),
        # nothing is wanted any more
        ({"slice_qty": 0, "order_qty": 0, "side": 0, "intent": NONE}, "cancel"),
        ({"slice_qty": 0, "order_qty": nan, "side": 0, "intent": WITHDRAW}, "cancel"),
        # too much at work, or on the wrong side
        ({"order_qty": 1.9}, "cancel"), ({"order_qty": 2}, "keep"), ({"order_qty": 2 - 1e-12}, "keep"),
        ({"working": -2}, "cancel"), ({"side": -1}, "cancel"), ({"side": -1, "working": -2}, "keep"),
        ({"side": -1, "working": -20}, "cancel"), ({"side": nan}, "keep"),
        ({"side": nan, "order_qty": 2}, "keep"), ({"side": nan, "working": -1}, "cancel"),
        ({"side": -1, "intent": CLOSE}, "replace"), ({"order_qty": 1, "intent": REDUCE}, "replace"),
        ({"side": -1, "intent": FLIP_CLOSE}, "replace"), ({"side": -1, "intent": nan}, "cancel"),
        ({"side": -1, "intent": CLOSE, "slice_qty": 0}, "cancel"),
        # nothing to add
        ({"slice_qty": 0, "kind": MARKET}, "keep"),
        # all of it filled, though the venue still counts it
        ({"slice_qty": 0, "working": 0}, "keep"), ({"working": 0}, "replace"),
        # a limit that should not rest on
        ({"kind": MARKET, "limit_price": nan}, "replace"), ({"kind": nan}, "replace"),
        ({"open_age": 5}, "replace"), ({"open_age": 4.9}, "keep"), ({"open_age": 9, "slice_qty": 0}, "keep"),
        ({"ttl": 0}, "replace"), ({"ttl": nan}, "keep"), ({"open_age": nan}, "keep"),
        ({"limit_price": 99.0499}, "keep"), ({"limit_price": 98.9501}, "keep"),
        ({"limit_price": 99.0501}, "replace"), ({"limit_price": 98.9499}, "replace"),
        ({"limit_price": 99.0501, "price": 101}, "keep"), ({"limit_price": 99.06, "price": nan}, "keep"),
        ({"limit_price": 100, "price": 2000}, "keep"),  # 5 bps to the bit
        ({"limit_price": nan}, "keep"),
        # a slice that has grown
        ({"slice_qty": 3}, "keep"), ({"slice_qty": 3.001}, "replace"),
        ({"slice_qty": 9, "working": nan}, "keep"), ({"slice_qty": 9, "working": nan, "open_age": 6}, "replace"),
        # the order is gone: filled, refused, or ended at the venue
        ({"open_orders": 0, "working": 0}, "place"), ({"open_orders": 0, "working": 0, "slice_qty": 0}, "keep"),
        ({"open_orders": 0, "working": 0, "slice_qty": 2, "order_qty": 0}, "keep"), ({"open_orders": nan}, "place"),
        ({"open_orders": 3}, "keep"),
    ],
)  # fmt: skip
def test_the_command_while_a_limit_works(change, command) -> None:
    commands, out = told({}, WORKS | change)
    assert commands == ["place", command]
    assert out["replace"] == [0, command == "replace"]
    assert out["client_seq"] == [1, 1 + (command in ("place", "replace"))]
    assert out["give_up"] == [0, 0]


@pytest.mark.parametrize("change", [{"open_age": 9}, {"limit_price": 99, "kind": LIMIT}, {"price": 90}])
def test_what_works_at_the_market_is_left_to_fill(change) -> None:
    at_market = {"kind": MARKET, "limit_price": nan}
    assert told(at_market, at_market | WORKS | change)[0] == ["place", "keep"]
    assert told(at_market, at_market | WORKS | {"slice_qty": 4})[0] == ["place", "replace"]


def test_a_replaced_limit_is_measured_by_its_own_price() -> None:
    first, second = WORKS | {"limit_price": 99.06}, WORKS | {"limit_price": 99.105}
    assert told({}, first, second)[0] == ["place", "replace", "keep"]
    assert told({}, first, second, params={"drift": 10})[0] == ["place", "keep", "replace"]
    then = [WORKS | {"kind": MARKET}, WORKS | {"open_age": 9}]
    assert told({}, *then)[0] == ["place", "replace", "keep"]


def test_giving_up_after_refusals() -> None:
    rows = [{"rejects": k} for k in (0, 1, 2, 3, 4)]
    commands, out = told(*rows)
    assert commands == ["place"] * 3 + ["keep"] * 2
    assert out["give_up"] == [0, 0, 0, 1, 1]
    assert out["client_seq"] == [1, 2, 3, 3, 3]
    assert told(*rows, params={"max_rejects": 1})[1]["give_up"] == [0, 1, 1, 1, 1]
    commands, out = told(*rows[:3], WORKS | {"rejects": 3})
    assert commands[-1] == "cancel" and out["give_up"][-1] == 1
    for change in ({"intent": CLOSE}, {"intent": REDUCE}, {"intent": FLIP_CLOSE}):
        commands, out = told(*(change | row for row in rows))
        assert commands == ["place"] * 5 and not any(out["give_up"])


def test_a_new_wish_is_tried_again() -> None:
    given_up = [{"rejects": 0}, {"rejects": 3}]
    nothing = {"rejects": 3, "slice_qty": 0, "order_qty": 0, "side": 0, "intent": NONE}
    assert told(*given_up, nothing, {"rejects": 3})[0] == ["place", "keep", "keep", "place"]
    assert told(*given_up, nothing | {"side": 1}, {"rejects": 3})[0] == ["place", "keep", "keep", "place"]
    assert told(*given_up, nothing)[1]["give_up"] == [0, 1, 0]
    assert told(*given_up, {"rejects": 3, "side": -1})[0] == ["place", "keep", "place"]
    assert told({"rejects": 5}, {"rejects": 7}, {"rejects": 8})[1]["give_up"] == [0, 0, 1]
    # one was accepted: the count begins anew, also where it had begun at more
    assert told({"rejects": 5}, {"rejects": 0}, {"rejects": 2}, {"rejects": 3})[1]["give_up"] == [0, 0, 0, 1]
    assert told({"rejects": 5}, {"rejects": 3}, {"rejects": 4})[1]["give_up"] == [0, 1, 1]
    unsided = [{"side": nan, "rejects": r} for r in (0, nan, 3)]
    assert told(*unsided)[1]["give_up"] == [0, 0, 1]


def test_buying_and_selling_are_treated_alike() -> None:
    random = np.random.default_rng(21)
    n = 3000
    side = random.choice([-1.0, 0, 1], n, p=[0.4, 0.2, 0.4])
    qty = np.where(side == 0, 0, random.choice([1.0, 5, 20], n))
    columns = {
        "slice_qty": qty / random.choice([1, 4], n), "kind": random.integers(0, 2, n).astype(float), "side": side,
        "limit_price": 100 + random.choice([-1.0, 0, 1], n), "ttl": 5, "open_orders": random.integers(0, 2, n) * 1.0,
        "open_age": random.integers(0, 8, n) * 1.0, "rejects": random.integers(0, 5, n) * 1.0, "price": 100,
        "order_qty": qty, "working": random.normal(scale=5, size=n), "intent": random.integers(0, 7, n) * 1.0,
    }  # fmt: skip
    ours = run_layer(l89_order_lifecycle.step, columns)
    theirs = run_layer(l89_order_lifecycle.step, columns | {"side": -side, "working": -columns["working"]})
    for name, values in ours.items():
        np.testing.assert_array_equal(values, theirs[name], err_msg=name)
    small = {name: columns[name] * 2.0**-30 for name in ("slice_qty", "order_qty", "working")}
    for name, values in run_layer(l89_order_lifecycle.step, columns | small).items():
        np.testing.assert_array_equal(values, ours[name], err_msg=name)
    assert set(ours["command"]) == {0, 1, 2, 3} and set(ours["give_up"]) == {0, 1}
    again = run_layer(l89_order_lifecycle.step, {k: np.tile(v, 2) if np.ndim(v) else v for k, v in columns.items()})
    assert (np.diff(again["client_seq"]) == np.isin(again["command"][1:], (0, 2))).all()


def test_a_restart_gives_the_same_names() -> None:
    """The numbers of a run in one piece are those of a run that was stopped and goes on from its memory."""
    rows = [{"rejects": k % 3, "open_orders": k % 2, "working": k % 2, "slice_qty": 1 + k % 5} for k in range(60)]
    whole = told(*rows)[1]["client_seq"]
    columns = {name: np.array([float((QUIET | row)[name]) for row in rows[:31]]) for name in QUIET}
    _, memory = run_with_state(l89_order_lifecycle.step, columns)
    assert memory["seq"] == whole[30]
    assert told(*rows[:31])[1]["client_seq"] == whole[:31]


def test_the_name_of_an_order() -> None:
    """The same from the same, another from any other; 32 hexadecimal digits, which venues take."""
    names = {
        client_id(run, symbol, time, seq)
        for run, symbol, time, seq in product(
            ("a", "a1", "live-7"), ("BTCUSDT", "1BTCUSDT", "ETH/USDT:USDT"), (0, 60_000, 1_700_000_040_000), (1, 11, 7)
        )
    }
    assert len(names) == 81
    assert all(re.fullmatch("[0-9a-f]{32}", name) for name in names)
    assert client_id("a", "BTCUSDT", 60_000, 7) == client_id("a", "BTCUSDT", 60_000.0, 7.0)
    assert client_id("a", "1B", 0, 1) != client_id("a1", "B", 0, 1)
    written_out = sha256(b"4:live7:BTCUSDT13:17000000400001:7").hexdigest()
    assert client_id("live", "BTCUSDT", 1_700_000_040_000, 7) == written_out[:32]


# ---------------------------------------------------------------- L97

PLACE, KEEP, REPLACE, CANCEL = range(len(COMMANDS))


def limited(time, command, params=None, **more):
    inputs = {"time": np.array(time, float), "command": np.array(command, float)} | more
    return {name: v.tolist() for name, v in run_layer(l97_rate_limit.step, inputs, params).items()}


BUCKET = {"per_minute": 60, "burst": 5, "reserve": 0.5}  # a token a second, 2 of 5 for exits


def test_the_bucket_empties_and_fills() -> None:
    out = limited([0, 0, 0, 0, 999, 1000, 1500], [PLACE] * 7, BUCKET)
    assert out["send"] == [1, 1, 1, 0, 0, 1, 0]
    assert out["tokens"] == pytest.approx([4, 3, 2, 2, 2.999, 2, 2.5])
    assert out["wait_ms"] == pytest.approx([0, 0, 0, 1000, 1, 0, 500])
    assert out["released"] == [PLACE] * 3 + [KEEP] * 2 + [PLACE, KEEP]
    assert limited([0, 0, 50_000, 51_000], [PLACE] * 4, BUCKET)["tokens"] == [4, 3, 4, 4]


def test_what_costs_a_token() -> None:
    out = limited([0] * 6, [KEEP, PLACE, REPLACE, KEEP, CANCEL, 4], BUCKET)
    assert out["send"] == [0, 1, 1, 0, 1, 0]
    assert out["tokens"] == [5, 4, 3, 3, 2, 2]
    assert out["released"] == [KEEP, PLACE, REPLACE, KEEP, CANCEL, KEEP]
    assert out["wait_ms"] == [0] * 6


def test_the_reserve_is_for_exits() -> None:
    commands = [PLACE] * 4 + [CANCEL, PLACE, REPLACE, PLACE]
    exits = np.array([0, 0, 0, 0, 0, 0, 1, 1.0])
    out = limited([0] * 8, commands, BUCKET, reduce_only=exits)
    assert out["send"] == [1, 1, 1, 0, 1, 0, 1, 0]
    assert out["wait_ms"] == [0, 0, 0, 1000, 0, 2000, 0, 1000]
    assert out["tokens"][-1] == 0
    smallest = {"per_minute": 1, "burst": 1, "reserve": 0.9}
    assert limited([0, 59_999, 60_000], [PLACE] * 3, smallest)["send"] == [1, 0, 1]


def test_the_weight_that_the_venue_tells() -> None:
    for used, entry, exit_ in (
        (0, 1, 1),
        (28, 1, 1),
        (29.5, 1, 1),
        (29.505, 0, 1),
        (59, 0, 1),
        (59.5, 0, 0),
        (-9, 1, 1),
    ):
        for reduce_only, sent in ((0, entry), (1, exit_), (nan, entry)):
            out = limited([7_500], [PLACE], BUCKET, weight_used=used, reduce_only=reduce_only)
            assert (out["send"], out["wait_ms"]) == ([sent], [0 if sent else 52_500]), (used, reduce_only)
    assert limited([0], [PLACE], BUCKET, weight_used=nan)["send"] == [1]
    full = limited([0, 0, 0, 59_500], [PLACE] * 4, BUCKET, weight_used=np.array([0, 0, 0, 60.0]))
    assert full["wait_ms"][-1] == 500
    both = limited([0, 0, 0, 100], [PLACE] * 4, BUCKET | {"per_minute": 1}, weight_used=np.array([0, 0, 0, 1.0]))
    assert both["wait_ms"][-1] == pytest.approx(60_000 - 100)
    slow = limited([0, 0, 0, 59_900], [PLACE] * 4, BUCKET | {"per_minute": 2}, weight_used=np.array([0, 0, 0, 2.0]))
    assert slow["wait_ms"][-1] == pytest.approx(100)


def test_time_that_goes_back_gives_nothing() -> None:
    out = limited([10_000, 10_000, 9_000, 10_000, 11_000], [CANCEL] * 5, BUCKET)
    assert out["tokens"] == [4, 3, 2, 1, 1]


def test_after_the_wait_it_goes() -> None:
    """The time that is told is enough, and nothing less is."""
    random = np.random.default_rng(22)
    for _ in range(200):
        params = {"per_minute": int(random.integers(1, 5000)), "burst": int(random.integers(1, 9))}
        times = np.cumsum(random.exponential(40_000 / params["per_minute"], 30)) + 1.7e12
        out = limited(times, [PLACE] * 30, params)
        k = int(np.argmax(np.array(out["send"]) == 0))
        if out["send"][k] == 0:
            for extra, sent in ((1.0, 1), (-1.0, 0)):
                at = times[k] + out["wait_ms"][k] + extra
                if at > times[k]:
                    assert limited([*times[: k + 1], at], [PLACE] * (k + 2), params)["send"][-1] == sent


def test_no_minute_of_recorded_time_sees_more_than_the_limit() -> None:
    """Against a bucket written out in whole numbers, and counted over every window of time."""
    time = real_bars("binance_btcusdt_1m", 20_000)["time"].astype(float)
    random = np.random.default_rng(23)
    command, exits = random.integers(0, 4, 20_000), random.integers(0, 2, 20_000)
    time = np.repeat(time[:5000], 4)  # four messages a bar
    params = {"per_minute": 2, "burst": 6, "reserve": 0.2}
    out = limited(time, command, params, reduce_only=exits.astype(float))
    halves, at, sent = 12, time[0], []  # in halves of a token, of which a minute brings four
    for now, what, leaves in zip(time, command, exits, strict=True):
        halves, at = min(12, halves + 4 * int((now - at) / 60_000)), now
        goes = what != KEEP and halves - 2 >= (0 if leaves or what == CANCEL else 2)
        halves -= 2 * goes
        sent.append(goes)
    np.testing.assert_array_equal(out["send"], sent)
    total = np.cumsum(sent)
    for span in (1, 7, 100, 3000):
        minutes = (time[span:] - time[:-span]) / 60_000
        assert (total[span:] - total[:-span] <= params["burst"] + params["per_minute"] * minutes).all()
    assert 0.2 < np.mean(sent) < 0.7


def test_the_ports_reach_the_venue() -> None:
    outputs = l89_order_lifecycle.step.outputs | l97_rate_limit.step.outputs
    assert ORDER_PORTS["command"].accepts(outputs["released"])
