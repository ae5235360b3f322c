"""L79, L80, L81 and L95: limits of the whole account."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stratoquant.layers.risk import l79_loss_limits, l80_drawdown_control, l81_exposure_caps, l95_safety_governor
from tests.layers.single import run_layer

nan, inf = np.nan, np.inf
HOUR = 3_600_000


def wandering(seed, n, spread=0.01):
    return 1e4 * np.exp(np.cumsum(np.random.default_rng(seed).normal(0, spread, n)))


# ---------------------------------------------------------------- L79


def loss_limits_by_calendar(time, equity, daily, weekly):
    """By Python's calendar: all steps of a day or week are looked up anew."""
    moments = [datetime.fromtimestamp(t / 1000, UTC) for t in time]
    days = [m.date() for m in moments]
    weeks = [m.date() - timedelta(days=m.weekday()) for m in moments]
    halted_until = datetime(1970, 1, 1, tzinfo=UTC)
    rows = []
    for t, e in enumerate(equity):
        losses = []
        for periods in (days, weeks):
            first = periods.index(periods[t])
            begin = equity[first - 1] if first else equity[0]
            losses.append(min(max(1 - e / begin, 0), 1) if begin > 0 else 1.0)
        if losses[0] >= daily:
            halted_until = max(halted_until, datetime(*days[t].timetuple()[:3], tzinfo=UTC) + timedelta(days=1))
        if losses[1] >= weekly:
            halted_until = max(halted_until, datetime(*weeks[t].timetuple()[:3], tzinfo=UTC) + timedelta(days=7))
        halt = moments[t] < halted_until
        rows.append([*losses, float(halt), halted_until.timestamp() * 1000 if halt else 0.0])
    return np.array(rows).T


@pytest.mark.parametrize("seed", range(4))
def test_loss_limits_against_the_calendar(seed):
    n = 900
    start = int(datetime(2024, 2, 27, 5, tzinfo=UTC).timestamp() * 1000)
    time = (start + np.arange(n) * 3 * HOUR).astype(float)
    equity = wandering(seed, n)
    out = run_layer(l79_loss_limits.step, {"time": time, "equity": equity})
    day, week, halt, resume = loss_limits_by_calendar(time, equity, 0.03, 0.07)
    np.testing.assert_allclose(out["day"], day, rtol=1e-9, atol=1e-15)
    np.testing.assert_allclose(out["week"], week, rtol=1e-9, atol=1e-15)
    np.testing.assert_array_equal(out["halt"], halt)
    np.testing.assert_array_equal(out["resume"], resume)
    assert 0.02 < halt.mean() < 0.98


def test_a_halt_outlasts_a_comeback_and_a_gap():
    day = 86_400_000.0
    time = day * np.array([10.0, 10.1, 10.2, 10.9, 11.0, 13.5])
    out = run_layer(l79_loss_limits.step, {"time": time, "equity": np.array([100, 96, 100, 101, 101, 101.0])})
    assert out["halt"].tolist() == [0, 1, 1, 1, 0, 0]
    assert out["resume"].tolist() == [0, 11 * day, 11 * day, 11 * day, 0, 0]


def test_loss_limits_of_a_small_account_from_the_first_day_on():
    time, equity = 8 * HOUR * np.arange(60.0), wandering(5, 60)
    out = run_layer(l79_loss_limits.step, {"time": time, "equity": 1e-9 * equity})
    day, _, halt, _ = loss_limits_by_calendar(time, equity, 0.03, 0.07)
    np.testing.assert_allclose(out["day"], day, rtol=1e-9, atol=1e-15)
    np.testing.assert_array_equal(out["halt"], halt)


def test_loss_limits_without_equity():
    out = run_layer(l79_loss_limits.step, {"time": HOUR * np.arange(5.0), "equity": np.array([0.0, -5, 1e308, inf, 5])})
    assert np.isfinite(np.array(list(out.values()))).all()
    assert out["halt"].tolist() == [1, 1, 1, 1, 1]
    assert out["day"].tolist() == [1, 1, 1, 1, 1]


# ---------------------------------------------------------------- L80


def drawdown_by_hand(equity, soft, hard, recover):
    """Looks back from every step: peak, worst since the peak, most won back since the worst."""
    rows = []
    for t in range(len(equity)):
        peak_at = t - int(np.argmax(equity[: t + 1][::-1]))
        falls = 1 - equity[peak_at : t + 1] / equity[peak_at]
        worst_at = len(falls) - 1 - int(np.argmax(falls[::-1]))
        worst, now = falls[worst_at], falls[-1]
        won = 0.0 if worst == 0 else (worst - falls[worst_at:].min()) / worst
        stages = min(int(4 * won / recover + 1e-9), 4)
        line = np.interp([worst, now], [soft, hard], [1, 0])
        rows.append((now, min(line[1], max(line[0], stages / 4))))
    return np.array(rows).T


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("recover", [0.5, 1.0])
def test_drawdown_control_by_looking_back(seed, recover):
    equity = wandering(seed, 1500, 0.006)
    out = run_layer(l80_drawdown_control.step, {"equity": equity}, {"recover": recover})
    drawdown, scale = drawdown_by_hand(equity, 0.05, 0.15, recover)
    np.testing.assert_allclose(out["drawdown"], drawdown, rtol=1e-9, atol=1e-15)
    np.testing.assert_allclose(out["scale"], scale, rtol=1e-9, atol=1e-12)
    assert ((out["stage"] == 0) == (scale >= 1)).all()
    assert ((out["stage"] == 2) == (scale <= 0)).all()


def test_what_was_won_back_counts_anew_when_the_worst_is_reached_again():
    equity = np.array([100.0, 90, 95, 90, 92.5])
    out = run_layer(l80_drawdown_control.step, {"equity": equity}, {"recover": 0.5})
    np.testing.assert_allclose(out["scale"], [1, 0.5, 1, 0.5, 0.5], atol=1e-12)
    np.testing.assert_allclose(out["scale"], drawdown_by_hand(equity, 0.05, 0.15, 0.5)[1], atol=1e-12)


def test_drawdown_in_any_unit_of_money():
    equity = np.array([100.0, 104, 96, 90, 95, 101, 104, 80])
    usual, small = (run_layer(l80_drawdown_control.step, {"equity": equity * unit}) for unit in (1.0, 2.0**-20))
    for port, values in usual.items():
        np.testing.assert_array_equal(small[port], values, err_msg=port)


def test_drawdown_control_comes_back_in_quarters():
    equity = 100 * (1 - np.array([0, 0.04, 0.10, 0.16, 0.145, 0.14, 0.13, 0.12, 0.11, 0.10, 0.08, 0.06, 0.03, 0.0]))
    out = run_layer(l80_drawdown_control.step, {"equity": equity})
    expected = [1, 1, 0.5, 0, 0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.7, 0.9, 1, 1]
    expected[4:9] = [0, 0.1, 0.2, 0.3, 0.4]
    ceiling = [1, 1, 1, 0, 0, 0.25, 0.25, 0.5, 0.5, 0.75, 1, 1, 1, 1]
    np.testing.assert_allclose(out["scale"], np.minimum(expected, ceiling), atol=1e-12)
    assert out["stage"].tolist() == [0, 0, 1, 2, 2, 3, 3, 3, 3, 3, 3, 3, 0, 0]


def test_drawdown_control_without_equity():
    out = run_layer(l80_drawdown_control.step, {"equity": np.array([0.0, -3, 100, inf, 100, -1, 1e308, 1e300])})
    assert np.isfinite(np.array(list(out.values()))).all()
    assert out["scale"].tolist() == [0, 0, 1, 0, 1, 0, 1, 0]
    swapped = run_layer(l80_drawdown_control.step, {"equity": np.array([100.0, 90, 80])}, {"soft": 0.2, "hard": 0.15})
    assert swapped["scale"].tolist() == [1, 1, 0]


def test_drawdown_control_stops_at_the_limit_itself():
    out = run_layer(l80_drawdown_control.step, {"equity": np.array([100.0, 50.5, 50.0])}, {"soft": 0.25, "hard": 0.5})
    assert out["scale"][1] > 0.0 and out["scale"][2] == 0.0 and out["stage"].tolist() == [0, 1, 2]


# ---------------------------------------------------------------- L81

number = st.one_of(
    st.sampled_from([nan, inf, -inf, 0.0, -0.0, 1e308, -1e308, 5e-324, 100.0, -100.0]), st.floats(-3000, 3000)
)
rank = st.one_of(st.sampled_from([nan, 0.0, inf]), st.integers(1, 6).map(float))


def caps(want, held, equity, ranks, **params):
    out = run_layer(
        l81_exposure_caps.step,
        {
            "want": np.array([want], float),
            "held": np.array([held], float),
            "equity": equity,
            "rank": np.array([ranks], float),
        },
        params,
        symbols=len(want),
    )
    return {name: v[0] for name, v in out.items()}


def test_each_position_takes_one_place():
    out = caps([100, 100, 100, 100], [100, 100, 0, 0], 10_000.0, [1, 2, 3, 4], max_positions=3)
    assert list(out["allowed"]) == [100, 100, 100, 0]


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(number, number, rank), min_size=6, max_size=6),
    st.one_of(st.sampled_from([0.0, -1.0, 1e308, 5e-324]), st.floats(10, 5000)),
    st.floats(0.01, 2),
    st.floats(0.05, 3),
    st.floats(0.05, 3),
    st.integers(1, 6),
)
def test_no_input_breaks_the_caps(rows, equity, per_symbol, gross, net, places):
    want, held, ranks = np.array(rows).T
    if np.isnan(want).all() or np.isnan(held).all() or np.isnan(ranks).all():
        return
    out = caps(want, held, equity, ranks, per_symbol=per_symbol, gross=gross, net=net, max_positions=places)
    allowed, capital = out["allowed"], max(equity, 0.0)
    absent = ~np.isfinite(want)
    holding = np.where(np.isfinite(held), held, 0.0)
    assert (np.isnan(allowed) == absent).all()
    size = np.where(absent, 0.0, allowed)
    assert (np.abs(size) <= np.where(absent, 0, np.abs(want))).all()
    assert (size * np.sign(want) >= 0)[~absent].all()
    assert (np.abs(size) <= per_symbol * capital).all()
    taken = np.where(absent, holding, 0.0)
    slack = 1 + 1e-9
    with np.errstate(all="ignore"):
        if size.any():
            assert np.abs(size).sum() + np.abs(taken).sum() <= gross * capital * slack
            assert np.abs(size.sum() + taken.sum()) <= max(net * capital, abs(taken.sum())) * slack
            assert ((size != 0) | (taken != 0)).sum() <= places
        same = np.sign(size) == np.sign(holding)
        grown = np.where(same, np.maximum(np.abs(size) - np.abs(holding), 0), np.abs(size))
        if grown.any():
            assert np.abs(holding).sum() + grown.sum() <= gross * capital * slack
            opened = (grown > 0) & (holding == 0)
            assert not opened.any() or (holding != 0).sum() + opened.sum() <= places
    assert np.isfinite([out["gross"], out["net"], out["slots"]]).all()
    assert 0 <= out["slots"] <= places


def test_room_goes_by_rank():
    out = caps([600, 600, -600], [0, 0, 0], 1000, [3, 1, 2], per_symbol=0.5, gross=0.8)
    assert out["allowed"].tolist() == [0, 500, -300]
    assert out["gross"] == 0.8 and out["net"] == pytest.approx(0.2) and out["slots"] == 3
    out = caps([600, 600, 600], [0, 0, 0], 1000, [0, nan, 1], per_symbol=0.5, gross=0.8)
    assert out["allowed"].tolist() == [300, 0, 500]
    assert caps([90, 90, 90], [0, 0, 0], 1000, [2, 3, 1], max_positions=2)["allowed"].tolist() == [90, 0, 90]
    small = caps([6e-7, 6e-7, -6e-7], [0, 0, 0], 1e-6, [3, 1, 2], per_symbol=0.5, gross=0.75)
    np.testing.assert_allclose(small["allowed"], [0, 5e-7, -2.5e-7], rtol=1e-12)
    assert caps([900, 900], [0, 0], 1000, [1, 2], per_symbol=1, gross=5, net=1)["allowed"].tolist() == [900, 100]
    assert caps([900, -900], [0, 0], 1000, [1, 2], per_symbol=1, gross=5, net=0.5)["allowed"].tolist() == [500, -900]
    assert caps([-900, 900], [0, 0], 1000, [1, 2], per_symbol=1, gross=5, net=0.5)["allowed"].tolist() == [-500, 900]


def test_a_better_rank_waits_until_the_room_is_free():
    held = [500.0, 0.0]
    out = caps([500, 500], held, 1000, [2, 1], per_symbol=0.5, gross=0.5)
    assert out["allowed"].tolist() == [0, 0]  # the holding gives way, the better one has no room yet
    assert caps([500, 500], [0, 0], 1000, [2, 1], per_symbol=0.5, gross=0.5)["allowed"].tolist() == [0, 500]
    assert caps([90, 90], [90, 0], 1000, [2, 1], max_positions=1)["allowed"].tolist() == [0, 0]


def test_reductions_and_absent_symbols():
    assert caps([100, -50], [400, -300], 1000, [1, 2])["allowed"].tolist() == [100, -50]
    assert caps([0, 0], [400, -300], -5, [1, 2])["allowed"].tolist() == [0, 0]
    out = caps([nan, 600], [700, 0], 1000, [1, 2], per_symbol=1)
    assert np.isnan(out["allowed"][0]) and out["allowed"][1] == 300
    assert out["gross"] == 1 and out["slots"] == 3


# ---------------------------------------------------------------- L95


def govern(n=1, symbols=2, **changes):
    fine = np.ones((n, symbols))
    calm = {"kill": 0, "stop": 0, "halt": 0, "scale": 1, "health": fine, "quality": fine, "reset": 0}
    params = {"cooldown": changes.pop("cooldown", 3)}
    inputs = {name: v if np.ndim(v) else np.full(n, float(v)) for name, v in (calm | changes).items()}
    return run_layer(l95_safety_governor.step, inputs, params, symbols=symbols)


def why(out, t=0):
    return {r for bit, r in enumerate(l95_safety_governor.REASONS) if int(out["reasons"][t]) >> bit & 1}


def test_a_kill_stays_until_a_reset():
    out = govern(6, kill=np.array([0, 1.0, 0, 1, 0, 0]), reset=np.array([0, 0, 0, 1.0, 0, 1]))
    assert out["trade"].tolist() == [1, 0, 0, 0, 0, 1]
    assert out["flatten"].tolist() == [0, 1, 1, 1, 1, 0]
    assert (out["close_only"] == 1 - out["trade"]).all()


def test_a_stop_cools_down():
    stop = np.array([0, 1.0, 1, 0, 0, 0, 0, 1, 0, 0])
    reset = np.array([0, 0, 0, 0, 0, 0, 0, 0, 1.0, 0])
    out = govern(10, stop=stop, reset=reset)
    assert out["flatten"].tolist() == [0, 1, 1, 1, 1, 0, 0, 1, 0, 0]
    assert why(out, 1) == {"stop"} and why(out, 3) == {"cooldown"}
    assert govern(3, stop=np.array([1.0, 0, 0]), cooldown=0)["flatten"].tolist() == [1, 0, 0]


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("halt", {"halt": 1}),
        ("health", {"health": np.array([[0.3, 0.1]])}),
        ("quality", {"quality": np.array([[0.3, nan]])}),
    ]
    + [("missing", {n: nan}) for n in ("kill", "stop", "halt", "scale")]
    + [("missing", {n: np.array([[nan, nan]])}) for n in ("quality", "health")],
)
def test_a_gauge_stops_growth_and_sells_nothing(name, change):
    out = govern(**change)
    assert why(out) == {name}
    assert (out["trade"][0], out["close_only"][0], out["flatten"][0]) == (0, 1, 0)


def test_the_scale_passes_through():
    out = govern(4, scale=np.array([nan, 0.4, nan, inf]))
    assert out["scale"].tolist() == [0, 0.4, 0.4, 1]
    assert govern(quality=np.array([[1.0, 0.2]]))["trade"][0] == 1
    assert govern(health=np.array([[0.6, nan]]))["trade"][0] == 1
    assert np.isnan(run_layer(l95_safety_governor.step, {"kill": np.full(3, nan)}, symbols=2)["trade"]).sum() == 0
