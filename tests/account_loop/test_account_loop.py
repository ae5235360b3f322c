"""A machine that drives risk, execution and venue with hostile bars, refusals and a nervous operator, and looks after
each step whether anything happened that must not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.account_loop.loop import SYMBOLS, fresh, hostile, plan, quiet

DAY = 86_400_000
TINY = 1e-9
SYMBOL = st.integers(0, len(SYMBOLS) - 1)


def limit(name: str) -> float:
    node, param = name.split(".")
    return float(getattr(plan().graph.nodes[node].params, param))


class AccountLoop(RuleBasedStateMachine):
    """What must hold is in the methods `check_...`; each says it once."""

    @initialize(latency=st.sampled_from([0, 0, 2]))
    def begin(self, latency: int) -> None:
        self.loop = fresh(latency)
        self.session = self.loop.session
        self.latency = latency
        self.killed = False
        self.halted_day = -1

    # ------------------------------------------------------------ what may happen

    @rule(seed=st.integers(0, 2**32 - 1), bars=st.integers(1, 40), wildness=st.floats(0.0, 1.0))
    def trade(self, seed: int, bars: int, wildness: float) -> None:
        random = np.random.default_rng(seed)
        for _ in range(bars):
            self.step(hostile(random, self.loop.closes, wildness))

    @rule(kill=st.booleans(), reset=st.booleans())
    def press(self, kill: bool, reset: bool) -> None:
        self.session.control["kill"] = float(kill)
        self.session.control["reset"] = float(reset)

    @rule(symbol=SYMBOL, times=st.integers(0, 5))
    def refuse(self, symbol: int, times: int) -> None:
        """The venue has refused so many orders in a row."""
        self.session.accounts["rejects"][symbol] = float(times)

    @rule(symbol=SYMBOL, share=st.sampled_from([0.0, 0.5, 2.0]))
    def report(self, symbol: int, share: float) -> None:
        """The venue says that it holds something else than we think."""
        self.session.accounts["reported"][symbol] = share * self.session.accounts["position"][symbol] + 1.0 - share

    @rule(symbol=SYMBOL, least=st.sampled_from([0.0, 5.0, 5000.0]), lot=st.sampled_from([0.0, 0.001, 10.0]))
    def new_rules(self, symbol: int, least: float, lot: float) -> None:
        self.session.accounts["min_notional"][symbol] = least
        self.session.accounts["lot"][symbol] = lot

    @rule(seed=st.integers(0, 2**32 - 1))
    def resume_from_a_snapshot(self, seed: int) -> None:
        events = hostile(np.random.default_rng(seed), self.loop.closes, 0.3)
        memory, time, closes = self.session.snapshot(), self.loop.time, self.loop.closes
        self.loop.step(events.copy())
        once = {name: record.tobytes() for name, record in self.session.snapshot().items()}
        self.session.restore(memory)
        self.loop.time, self.loop.closes = time, closes
        self.step(events.copy())
        assert {name: record.tobytes() for name, record in self.session.snapshot().items()} == once

    @rule()
    def everything_can_be_closed(self) -> None:
        memory, time, closes = self.session.snapshot(), self.loop.time, self.loop.closes
        self.session.control["kill"] = 1.0
        for _ in range(12 + 4 * self.latency):
            self.loop.step(quiet(self.loop.closes))
        assert not self.session.accounts["position"].any(), self.session.accounts["position"]
        self.session.restore(memory)
        self.loop.time, self.loop.closes = time, closes

    # ------------------------------------------------------------ what must hold

    def step(self, events: np.ndarray) -> None:
        before = self.session.accounts[["position", "stop_price"]].copy()
        time = self.loop.time
        self.loop.step(events)
        accounts = self.session.accounts
        self.check_latches(time)
        self.check_caps(accounts["position"])
        self.check_closing(accounts)
        self.check_stops(before, accounts)

    def check_latches(self, time: int) -> None:
        control = self.session.control[0]
        if control["kill"] > 0.0:
            self.killed = True
        elif control["reset"] > 0.0:
            self.killed = False
        if self.killed:
            assert self.loop.shared("L95.flatten") == 1.0
            assert not self.loop.ports("L4.target").any()
        if time // DAY == self.halted_day:
            assert self.loop.shared("L79.halt") == 1.0
        if self.loop.shared("L79.halt") == 1.0:
            self.halted_day = time // DAY
            assert self.loop.shared("L95.trade") == 0.0

    def check_caps(self, position: np.ndarray) -> None:
        target, price, equity = self.loop.ports("L4.target"), self.loop.closes, self.session.wallet["equity"][0]
        held, meant = np.abs(position) * price, np.abs(target) * price
        grown = (meant > held * (1.0 + TINY)) | (target * position < 0.0)
        scale = self.loop.shared("L95.scale")
        assert np.all(meant[grown] <= limit("L81.per_symbol") * equity * scale * (1.0 + TINY))
        assert not grown.any() or self.loop.shared("L95.trade") == 1.0
        room = max(limit("L81.gross") * equity, held.sum())
        assert np.maximum(meant, held).sum() <= room * (1.0 + TINY)
        new_places = np.count_nonzero((position == 0.0) & (target != 0.0))
        assert new_places == 0 or np.count_nonzero(position) + new_places <= limit("L81.max_positions")

    def check_closing(self, accounts: np.ndarray) -> None:
        """A position that must go is on its way out at once, and no order leads past its target."""
        position, working, target = accounts["position"], accounts["working"], self.loop.ports("L4.target")
        leaves = (position != 0.0) & (target == 0.0)
        assert np.all(working[leaves] * position[leaves] < 0.0), (position, working)
        if self.latency == 0:
            reach = np.maximum(np.abs(position), np.abs(target)) * (1.0 + TINY)
            assert np.all(np.abs(position + working) <= reach), (position, working, target)

    def check_stops(self, before: np.ndarray, accounts: np.ndarray) -> None:
        side = np.sign(accounts["position"])
        kept = (side != 0.0) & (side == np.sign(before["position"])) & (accounts["held"] > 0.0)
        moved = side * (accounts["stop_price"] - before["stop_price"])
        assert not np.any(moved[kept] < 0.0), (before["stop_price"], accounts["stop_price"])

    @invariant()
    def equity_is_cash_and_positions(self) -> None:
        wallet, accounts = self.session.wallet[0], self.session.accounts
        value = accounts["position"] * accounts["mark"]
        known = np.where(accounts["position"] == 0.0, 0.0, value)
        size = abs(wallet["cash"]) + np.abs(known).sum()
        assert abs(wallet["equity"] - wallet["cash"] - known.sum()) <= TINY * size

    @invariant()
    def no_port_leaves_its_range(self) -> None:
        assert self.session.violation() is None


AccountLoop.TestCase.settings = settings(
    max_examples=150, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)
TestAccountLoop = AccountLoop.TestCase


def test_the_loop_trades_when_it_is_left_alone() -> None:
    """Without this, the machine could pass because nothing ever happens."""
    loop = fresh(0)
    random = np.random.default_rng(2)
    opened = limits = stopped = 0
    for _ in range(1500):
        before = loop.session.accounts["position"].copy()
        loop.step(hostile(random, loop.closes, 0.05))
        opened += np.count_nonzero((before == 0.0) & (loop.session.accounts["position"] != 0.0))
        limits += np.count_nonzero(loop.ports("L69.kind") == 1.0)
        stopped += np.count_nonzero(loop.session.accounts["stop_price"] > 0.0)
    assert opened > 50 and limits > 50 and stopped > 50


@pytest.mark.parametrize("latency", [1, 2, 3, 4, 5])
def test_an_exit_that_follows_an_entry_is_not_called_off_with_it(latency: int) -> None:
    """The entry still counts as fillable while the exit is on its way to take its place."""
    for seed in range(4):
        state = AccountLoop()
        state.begin(latency)
        state.trade(bars=60, seed=seed, wildness=0.0)
