"""The books of the simulated venue: whatever is ordered and whatever the market does, they add up."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from stratoquant.graph.account import FILL_REASONS, ORDER_PORTS, SHARED_ACCOUNT_PORTS, SYMBOL_ACCOUNT_PORTS
from stratoquant.graph.diagnostics import Findings
from stratoquant.graph.kernel.alone import faults_of
from stratoquant.graph.kernels import reachable
from stratoquant.graph.language import state_fields
from stratoquant.graph.market import missing_events
from stratoquant.runtime.results import FILL_SCHEMA
from stratoquant.runtime.venue import FRICTIONLESS, SIMULATED, VenueSettings, close_out, passes_quietly
from tests.layers.real_data import real_bars
from tests.runtime.venue_driver import MINUTE, PORTS, Outcome, block_of, no_orders, order, simulate

CASH = 10_000.0


def test_kernels_keep_to_the_language() -> None:
    findings = Findings()
    for kernel in (SIMULATED.meet_market, SIMULATED.settle, SIMULATED.place, close_out, passes_quietly):
        for source in reachable(kernel):
            findings.extend(faults_of(source.function))
    assert [str(f) for f in findings.sorted()] == []


def test_records_have_what_the_graph_and_the_results_expect() -> None:
    account = {f.name: f.kind for f in state_fields(SIMULATED.account)}
    wallet = {f.name: f.kind for f in state_fields(SIMULATED.wallet)}
    assert {account[name] for name in SYMBOL_ACCOUNT_PORTS} == {"float"}
    assert {wallet[name] for name in SHARED_ACCOUNT_PORTS} == {"float"}
    assert wallet["fills"] == "int"
    assert set(FILL_SCHEMA) == set(SIMULATED.fill.names or ())
    assert len(PORTS) == len(ORDER_PORTS)


def check_books(r: Outcome, events: np.ndarray, cash: float = CASH) -> None:
    """Replays the fill log: cash, position, realised result, fees and equity must be what the account says."""
    symbols = events.shape[1]
    scale = cash + np.abs(r.fills["qty"] * r.fills["price"]).sum()
    position = np.zeros(symbols)
    paid = 0.0
    for fill in r.fills:
        i = fill["symbol"]
        assert fill["qty"] > 0.0 and fill["price"] > 0.0
        assert fill["decision_time"] < fill["time"] or FILL_REASONS[fill["reason"]] == "liquidation"
        position[i] += fill["side"] * fill["qty"]
        assert abs(position[i] - fill["position"]) <= 1e-9 * max(fill["qty"], 1.0)
        position[i] = fill["position"]
        paid += fill["side"] * fill["qty"] * fill["price"] + fill["fee"]
    assert np.array_equal(position, r.accounts["position"])
    assert abs(cash - paid - r.accounts["funding"].sum() - r.cash[-1]) <= 1e-9 * scale
    assert np.allclose(np.bincount(r.fills["symbol"], r.fills["fee"], symbols), r.accounts["fees"], atol=1e-9 * scale)
    results = r.accounts["realised"] + r.accounts["unrealised"] - r.accounts["fees"] - r.accounts["funding"]
    assert abs(cash + results.sum() - r.equity[-1]) <= 1e-9 * scale
    closes = last_closes(events)
    value = (r.watched["position"] * np.nan_to_num(closes)).sum(axis=1)
    assert np.all(np.abs(r.cash + value - r.equity) <= 1e-9 * scale)
    assert not np.isinf(r.equity).any()
    flat = r.accounts["position"] == 0.0
    assert np.array_equal(np.isnan(r.accounts["entry"]), flat)
    assert np.isnan(r.accounts["stop_price"][flat]).all() and np.isnan(r.accounts["take_price"][flat]).all()
    bar = events["time"][r.fills["time"] // MINUTE, r.fills["symbol"]]
    assert not np.isnan(bar).any()  # nothing fills without a bar


def last_closes(events: np.ndarray) -> np.ndarray:
    closes = events["close"].copy()
    for t in range(1, len(closes)):
        closes[t] = np.where(np.isnan(closes[t]), closes[t - 1], closes[t])
    return closes


def hostile_market(rng: np.random.Generator, steps: int, symbols: int) -> np.ndarray:
    """Jumps, gaps between bars, missing bars, empty volume, funding now and then, and sometimes a book."""
    events = missing_events(steps, symbols)
    price = 100.0 * np.exp(np.cumsum(rng.normal(0, 0.03, (steps, symbols)), axis=0))
    opening = price * np.exp(rng.normal(0, 0.01, price.shape))
    events["time"] = np.arange(steps)[:, None] * MINUTE
    events["open"], events["close"] = opening, price
    events["high"] = np.maximum(opening, price) * np.exp(np.abs(rng.normal(0, 0.01, price.shape)))
    events["low"] = np.minimum(opening, price) * np.exp(-np.abs(rng.normal(0, 0.01, price.shape)))
    events["volume"] = rng.choice([0.0, 5.0, 100.0, np.nan], price.shape)
    events["funding_rate"] = np.where(rng.random(price.shape) < 0.1, rng.normal(0, 0.01, price.shape), np.nan)
    for t, i in np.argwhere(rng.random(price.shape) < 0.2):
        depth = np.arange(1, 5) * 0.01 * price[t, i]
        events["bid_px"][t, i, :4], events["ask_px"][t, i, :4] = price[t, i] - depth, price[t, i] + depth
        events["bid_qty"][t, i, :4] = events["ask_qty"][t, i, :4] = rng.exponential(10.0, 4)
    events[rng.random(price.shape) < 0.1] = missing_events(1, 1)[0, 0]
    return events


def hostile_orders(rng: np.random.Generator, events: np.ndarray) -> np.ndarray:
    """Anything that may stand on the order ports, missing values and nonsense included."""
    steps, symbols = events.shape
    script = no_orders(steps, symbols)
    close = np.nan_to_num(last_closes(events), nan=100.0)

    def some(values: np.ndarray, share: float) -> np.ndarray:
        return np.where(rng.random((steps, symbols)) < share, values, np.nan)

    def near(width: float) -> np.ndarray:
        return close * np.exp(rng.normal(0, width, (steps, symbols)))

    def among(*values: float) -> np.ndarray:
        return rng.choice(values, (steps, symbols))

    columns = {
        "side": some(among(-1, 0, 1), 0.5),
        "qty": some(among(0.1, 0.3, 1.0, 7.77, 50.0, 1e4, 0.0), 0.95),
        "price": some(near(0.02), 0.9),
        "valid": some(among(0, 1, 1, 1), 0.5),
        "reduce_only": some(among(0, 0, 1), 0.5),
        "post_only": some(among(0, 0, 1), 0.5),
        "kind": some(among(0, 0, 1, 1, 2, 3), 0.8),
        "ttl": some(among(0, 1, 2, 10), 0.3),
        "command": some(among(0, 1, 2, 3), 0.2),
        "stop_price": some(near(0.05), 0.2),
        "take_price": some(near(0.05), 0.2),
    }
    for name, values in columns.items():
        script[:, :, PORTS[name]] = values
    return script


FEES = [(maker, taker) for maker in (-1.0, 0.0, 2.0) for taker in (0.0, 5.0, 100.0) if maker + taker >= 0.0]


def venue_of(fees: tuple[float, float], **others: Any) -> VenueSettings:
    return VenueSettings(maker_fee=fees[0], taker_fee=fees[1], **others)


VENUES = st.builds(
    venue_of,
    fees=st.sampled_from(FEES),
    half_spread=st.sampled_from([0.0, 1.0, 500.0]),
    slippage_ticks=st.sampled_from([0.0, 2.0]),
    impact=st.sampled_from([0.0, 1.0, 10.0]),
    volatility_window=st.sampled_from([1, 10]),
    participation=st.sampled_from([0.0, 0.01, 1.0]),
    latency_bars=st.integers(0, 5),
    limit_through=st.integers(0, 2),
    own_price=st.integers(0, 1),
    funding=st.integers(0, 1),
    maintenance=st.sampled_from([0.0, 0.005, 0.5]),
    max_leverage=st.sampled_from([0.0, 1.0, 20.0]),
)
RULES = st.fixed_dictionaries(
    {
        "tick": st.sampled_from([0.0, 0.01, 5.0]),
        "lot": st.sampled_from([0.0, 0.1, 1.0]),
        "min_notional": st.sampled_from([0.0, 20.0]),
        "max_qty": st.sampled_from([0.0, 5.0]),
    }
)


@hypothesis_settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 2**32 - 1), symbols=st.integers(1, 3), venue=VENUES, rules=RULES)
def test_books_add_up_for_hostile_orders(
    seed: int, symbols: int, venue: VenueSettings, rules: dict[str, float]
) -> None:
    rng = np.random.default_rng(seed)
    events = hostile_market(rng, 120, symbols)
    r = simulate(events, hostile_orders(rng, events), venue, cash=CASH, **rules)
    check_books(r, events)
    assert (r.watched["open_orders"] <= 1.0).all()
    within_limits(r, events, venue, rules)


def within_limits(r: Outcome, events: np.ndarray, venue: VenueSettings, rules: dict[str, float]) -> None:
    """No bar fills more than its share, and quantities that do not close come in whole lots."""
    if venue.participation > 0.0 and len(r.fills):
        for t, i in {(int(f["time"]) // MINUTE, int(f["symbol"])) for f in r.fills}:
            filled = r.fills["qty"][(r.fills["time"] == t * MINUTE) & (r.fills["symbol"] == i)].sum()
            volume = events["volume"][t, i]
            assert np.isnan(volume) or filled <= venue.participation * volume * (1 + 1e-9)
    if rules["lot"] > 0.0:
        opened = r.fills[(r.fills["position"] != 0.0) & (r.fills["reason"] == 0)]
        lots = opened["position"] / rules["lot"]
        assert np.allclose(lots, np.round(lots), atol=1e-6)


@hypothesis_settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), cut=st.integers(1, 119), venue=VENUES)
def test_fills_do_not_know_the_future(seed: int, cut: int, venue: VenueSettings) -> None:
    """What happens after a bar changes nothing of what happened up to it."""
    rng = np.random.default_rng(seed)
    events = hostile_market(rng, 120, 2)
    script = hostile_orders(rng, events)
    whole = simulate(events, script, venue, cash=CASH)
    other = events.copy()
    other[cut:] = hostile_market(rng, 120 - cut, 2)
    other["time"][cut:] = np.where(np.isnan(other["open"][cut:]), np.nan, np.arange(cut, 120)[:, None] * MINUTE)
    changed = simulate(other, script, venue, cash=CASH)
    assert whole.equity[:cut].tobytes() == changed.equity[:cut].tobytes()
    before = [o.fills[o.fills["time"] < cut * MINUTE].tobytes() for o in (whole, changed)]
    assert before[0] == before[1]


def test_books_add_up_over_real_bars() -> None:
    """Every kind of order on 42,915 minutes of BTCUSDT with the default costs, the crash of 2021-05-19 included."""
    columns = real_bars("binance_btcusdt_1m")
    events = block_of(columns)
    events["time"][:, 0] = np.arange(len(events)) * MINUTE
    rng = np.random.default_rng(3)
    steps, close = len(events), columns["close"]
    script = no_orders(steps)
    at = np.flatnonzero(rng.random(steps) < 0.1)
    order(script, at, rng.choice([-1, 1], len(at)), rng.choice([0.01, 0.05], len(at)))
    script[at, 0, PORTS["kind"]] = rng.choice([0, 1, 2], len(at))
    script[at, 0, PORTS["price"]] = close[at] * np.exp(rng.normal(0, 0.001, len(at)))
    script[at, 0, PORTS["stop_price"]] = close[at] * (1 - 0.01 * script[at, 0, PORTS["side"]])
    script[at, 0, PORTS["take_price"]] = close[at] * (1 + 0.01 * script[at, 0, PORTS["side"]])
    r = simulate(events, script, VenueSettings(), cash=1e6, tick=0.01, lot=1e-5, min_notional=10.0)
    assert len(r.fills) > 3000 and set(r.fills["reason"]) == {0, 1, 2}
    check_books(r, events, 1e6)


def test_frictionless_is_the_textbook() -> None:
    """Market orders at the next open without costs: equity is the sum of position times change, and nothing else."""
    columns = real_bars("binance_btcusdt_1m", 20_000)
    rng = np.random.default_rng(5)
    wanted = rng.choice([-1.0, 0.0, 1.0], 20_000)
    before = np.concatenate([[0.0], wanted[:-1]])
    script = no_orders(20_000)
    order(script, slice(None), np.sign(wanted - before), np.abs(wanted - before))
    r = simulate(block_of(columns), script, FRICTIONLESS, cash=1e6)
    held = np.concatenate([[0.0], wanted[:-1]])  # after this bar's open
    earlier = np.concatenate([[0.0], held[:-1]])
    opens, closes = columns["open"], columns["close"]
    change = held * (closes - opens) + earlier * (opens - np.concatenate([[opens[0]], closes[:-1]]))
    assert np.allclose(r.equity, 1e6 + np.cumsum(change), rtol=1e-12)
    assert np.array_equal(r.watched["position"][:, 0], held)
