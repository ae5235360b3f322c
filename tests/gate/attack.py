"""Runs an accepted mutant over hostile bars and looks after each step whether an order went beyond what was allowed.

The watch reads the messages at the venue themselves, not the account's own sums of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stratoquant.graph.border import Limits
from stratoquant.graph.plan import Plan
from stratoquant.graph.session import Session
from stratoquant.runtime.venue import VenueSettings
from stratoquant.runtime.venue.records import CANCEL, STOP
from tests.account_loop.loop import CASH, HOUR, RULES, hostile, quiet

TINY = 1e-9
ROUNDING = 2e-9
"""Of the border itself, 1e-9, and of the sums made here."""


@dataclass
class Seen:
    """What a run did, so that a pass is no run in which nothing happened. position, gross: largest share of equity."""

    orders: int = 0
    fills: int = 0
    held_back: int = 0
    position: float = 0.0
    gross: float = 0.0


class Attack:
    """One session under attack."""

    def __init__(self, plan: Plan, seed: int, latency: int, limits: Limits) -> None:
        self.random = np.random.default_rng(seed)
        settings = VenueSettings(latency_bars=latency, participation=float(self.random.choice([0.0, 0.02, 0.1])))
        self.session = Session(plan, settings, cash=CASH, rules=RULES, limits=limits)
        self.gate = plan.graph.gate.key if plan.graph.gate else ""
        self.limits, self.latency, self.seen = limits, latency, Seen()
        self.closes, self.time = np.array([100.0, 2000.0, 0.5]), 0
        self.most = np.zeros((2, len(self.closes)))  # largest bound, by side, since the symbol was idle

    def run(self, bars: int) -> Seen:
        for _ in range(bars):
            if self.session.ruined:
                break
            if self.random.random() < 0.02:
                self._disturb()
            self._step(hostile(self.random, self.closes, float(self.random.choice([0.0, 0.2, 0.6]))))
        if not self.session.ruined:
            self._close_everything()
        self.seen.held_back = sum(self.session.held_back().values())
        return self.seen

    def _disturb(self) -> None:
        """New rules at the venue, so that it refuses; rejects that were never seen; somebody presses a key."""
        accounts = self.session.accounts
        symbol = int(self.random.integers(len(self.closes)))
        accounts["min_notional"][symbol] = self.random.choice([0.0, 5.0, 5000.0])
        accounts["max_qty"][symbol] = self.random.choice([0.0, 2e4, 1e5]) / self.closes[symbol]
        accounts["rejects"][symbol] = self.random.integers(5)
        self.session.control["kill"] = float(self.random.random() < 0.1)
        self.session.control["reset"] = float(self.random.random() < 0.5)

    def _step(self, events: np.ndarray) -> None:
        events["time"] = np.where(np.isnan(events["close"]), np.nan, self.time)
        sequence = int(self.session.wallet["sequence"][0])
        self.session.step(self.time, events, self._count)
        self.time += HOUR
        self.closes = np.where(np.isnan(events["close"]), self.closes, events["close"])
        if not self.session.ruined:
            self._watch(sequence)

    def _count(self, fills: np.ndarray) -> None:
        self.seen.fills += len(fills)

    def _watch(self, sequence: int) -> None:
        accounts, equity = self.session.accounts, float(self.session.wallet["equity"][0])
        gross = before = 0.0
        for i, account in enumerate(accounts):
            bound = float(self.session.value(f"{self.gate}.bound", i)[0])
            position = float(account["position"])
            reach = old = 0.0
            for row, side in enumerate((1.0, -1.0)):
                held = max(side * position, 0.0)
                far = max(side * position + fillable(account, side), 0.0)
                reach = max(reach, far)
                old = max(old, side * position + fillable(account, side, sequence))
                self._watch_bound(account, side, bound, held, far, sequence)
                self._watch_position(i, row, bound, held, far)
            gross += reach * self.closes[i]
            before += old * self.closes[i]
            self._watch_limits(account, i, sequence, equity)
            self.seen.position = max(self.seen.position, abs(position) * self.closes[i] / equity)
        self.seen.gross = max(self.seen.gross, float(self.session.wallet["gross"][0]) / equity)
        most = max(self.limits.gross * equity, before)
        assert gross <= most * (1.0 + ROUNDING), ("gross", gross / equity, before / equity)

    def _watch_bound(self, account: np.void, side: float, bound: float, held: float, far: float, sequence: int) -> None:
        """At release nothing leads beyond the bound; what was sent under a larger one is called off or replaced."""
        new = [k for k in orders(account, side) if account["message_sequence"][k] > sequence]
        self.seen.orders += len(new)
        allowed = 0.0 if np.isnan(bound) else bound
        if new:
            assert far <= allowed * (1.0 + ROUNDING), ("bound", far, allowed, held)
        elif far > max(allowed, held) * (1.0 + ROUNDING) and not np.isnan(bound):
            newest = last_word(account)
            sent_now = newest >= 0 and account["message_sequence"][newest] > sequence
            called_off = newest >= 0 and account["message_kind"][newest] == CANCEL
            replaced = newest >= 0 and newest not in orders(account, side)  # by what closes, and was sent before
            assert sent_now or called_off or replaced, ("excess", far, allowed, held)

    def _watch_position(self, symbol: int, row: int, bound: float, held: float, far: float) -> None:
        """A position is never larger than the largest bound since the symbol was idle."""
        if held == 0.0 and far == 0.0:
            self.most[row, symbol] = 0.0
        self.most[row, symbol] = max(self.most[row, symbol], 0.0 if np.isnan(bound) else bound)
        assert held <= self.most[row, symbol] * (1.0 + ROUNDING) or far == held, (held, self.most[row, symbol])

    def _watch_limits(self, account: np.void, symbol: int, sequence: int, equity: float) -> None:
        price = self.closes[symbol]
        for side in (1.0, -1.0):
            for k in orders(account, side):
                if account["message_sequence"][k] <= sequence:
                    continue
                far = max(side * account["position"] + fillable(account, side), 0.0)
                assert far * price <= self.limits.position * equity * (1.0 + ROUNDING), (
                    "position",
                    far * price / equity,
                )
                grows = account["message_qty"][k] - max(-side * account["position"], 0.0)
                assert grows * price <= self.limits.order * equity * (1.0 + ROUNDING), "order"

    def _close_everything(self) -> None:
        """Whatever was wired: with the kill switch on, everything is flat after a few quiet bars: at most ten orders of
        the largest size that the venue takes, each as long on its way as there is latency."""
        self.session.control["kill"], self.session.control["reset"] = 1.0, 0.0
        for _ in range(14 * (2 + self.latency)):
            self._step(quiet(self.closes))
        assert not self.session.accounts["position"].any(), ("not closed", self.session.accounts["position"])


def orders(account: np.void, side: float) -> list[int]:
    """Slots of the orders of a side, on their way or at the venue, that can do more than reduce the position."""
    slots = range(int(account["messages"]))
    growing = [k for k in slots if account["message_kind"][k] <= STOP and account["message_reduce"][k] == 0.0]
    return [k for k in growing if account["message_side"][k] == side]


def fillable(account: np.void, side: float, newest: float = np.inf) -> float:
    """Quantity of the orders of a side; of those up to a sequence number, where one is given."""
    slots = [k for k in orders(account, side) if account["message_sequence"][k] <= newest]
    return float(sum(account["message_qty"][k] for k in slots))


def last_word(account: np.void) -> int:
    """Slot of the newest order or cancel; -1 for none."""
    told = [
        k
        for k in range(int(account["messages"]))
        if account["message_kind"][k] <= STOP or account["message_kind"][k] == CANCEL
    ]
    return told[-1] if told else -1
