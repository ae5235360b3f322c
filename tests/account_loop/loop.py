"""A session of the account loop, warmed up once, and bars that nobody would wish for."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np

from stratoquant.graph.compiler import checked_or_raise
from stratoquant.graph.market import missing_events
from stratoquant.graph.plan import Plan, compile_plan
from stratoquant.graph.session import Record, Session
from stratoquant.layers import catalogue
from stratoquant.runtime.venue import SIMULATED, VenueSettings

HERE = Path(__file__).parent
SYMBOLS = ("AAA", "BBB", "CCC")
HOUR = 3_600_000
CASH = 100_000.0
RULES = ({"tick": 0.01, "lot": 0.001, "min_notional": 5.0, "max_qty": 400.0}, {"tick": 0.5, "lot": 1.0}, {})
WARM_UP = 1500


@cache
def plan() -> Plan:
    registry = catalogue().with_package("tests.account_loop", HERE)
    return compile_plan(checked_or_raise(HERE / "wiring.yaml", registry), SIMULATED, SYMBOLS)


class Loop:
    """The session, the bar that comes next, and the prices so far. Times are UTC ms of the bars' open."""

    def __init__(self, latency_bars: int) -> None:
        settings = VenueSettings(latency_bars=latency_bars)
        self.session = Session(plan(), settings, cash=CASH, rules=RULES, audit=True)
        self.time = 0
        self.closes = np.array([100.0, 2000.0, 0.5])
        random = np.random.default_rng(1)
        for _ in range(WARM_UP):
            self.step(hostile(random, self.closes, wildness=0.0))

    def step(self, events: Record) -> None:
        events["time"] = np.where(np.isnan(events["close"]), np.nan, self.time)
        self.session.step(self.time, events)
        self.time += HOUR
        self.closes = np.where(np.isnan(events["close"]), self.closes, events["close"])

    def ports(self, name: str) -> np.ndarray:
        """A port's present value for each symbol."""
        return np.array([self.session.value(name, i)[0] for i in range(len(SYMBOLS))])

    def shared(self, name: str) -> float:
        return float(self.session.value(name)[0])


@cache
def warm(latency_bars: int) -> tuple[Loop, dict[str, Record], int, np.ndarray]:
    loop = Loop(latency_bars)
    return loop, loop.session.snapshot(), loop.time, loop.closes


def fresh(latency_bars: int) -> Loop:
    """The loop as it was after its warm-up; one object for all, so only the last one handed out may be used."""
    loop, memory, time, closes = warm(latency_bars)
    loop.session.restore(memory)
    loop.time, loop.closes = time, closes
    return loop


def hostile(random: np.random.Generator, closes: np.ndarray, wildness: float) -> Record:
    """One bar of each symbol. wildness, 0 to 1: how often it jumps, dries up, is missing or pays absurd funding."""
    events = missing_events(1, len(closes))[0]
    for i, before in enumerate(closes):
        if random.random() < 0.3 * wildness:
            continue
        spread = random.choice([0.0, 0.001, 0.002]) if random.random() > 0.2 * wildness else random.choice([0.02, 0.3])
        gap, move = random.normal(0.0, 0.3 * spread), random.normal(0.0, spread)
        opened = float(np.clip(before * np.exp(gap), 1e-2, 1e6))
        close = float(np.clip(opened * np.exp(move), 1e-2, 1e6))
        high = max(opened, close) * np.exp(abs(random.normal(0.0, 0.5 * spread)))
        low = min(opened, close) * np.exp(-abs(random.normal(0.0, 0.5 * spread)))
        volume = 0.0 if random.random() < 0.2 * wildness else random.lognormal(12.0, 1.0) / close
        fields = {"open": opened, "high": high, "low": low, "close": close, "volume": volume}
        fields["quote_volume"] = volume * close
        fields["trades"] = float(random.integers(1_000_000))  # the code of what all made-up layers say
        fields["funding_rate"] = random.normal(0.0, 0.01) if random.random() < 0.2 * wildness else 0.0
        for name, value in fields.items():
            events[i][name] = value
    return events


def quiet(closes: np.ndarray) -> Record:
    """A bar of each symbol in which nothing moves and everything can be traded."""
    events = missing_events(1, len(closes))[0]
    for name in ("open", "high", "low", "close"):
        events[name] = closes
    events["volume"] = 1e12 / closes
    events["trades"] = 1.0
    return events
