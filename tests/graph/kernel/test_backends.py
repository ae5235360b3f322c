"""Layers, blocks and wirings through both backends: outputs, memory, digests and fills agree byte for byte."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from stratoquant.graph.compiler import checked_or_raise
from stratoquant.graph.passes.p10_build import BACKENDS
from stratoquant.graph.plan import Plan, compile_plan
from stratoquant.graph.session import Session
from stratoquant.layers import catalogue
from stratoquant.runtime.data.synthetic import synthetic_market
from stratoquant.runtime.venue import SIMULATED, VenueSettings
from tests.graph.plans import audited, plan_of
from tests.graph.random_wirings import random_market, wirings
from tests.layers.hostile import SCENARIOS, SYMBOLS, inputs_for
from tests.layers.single import run_with_state
from tests.layers.test_all_layers import bars_for, parameter_sets
from tests.specs.test_wirings import SPECS, gathered, recorded_bars

# Branches and loops; a search in a ring; long sums and a library function; a vector; a portfolio; a record of the book.
KEYS = catalogue().keys()
SAMPLE = ("L4", "L14", "L36", "L52", "L84", "L9")
MASTER = "../tests/specs/forced_master"  # which trades on any market
COMPLETE = (
    *(MASTER, "bars_only", "book_seconds", "twenty_indicators"),
    *("trend_two_clocks", "sma_cross", "regime_model"),
)
TRADING = (MASTER, "trend_two_clocks", "sma_cross")
NAMES = ("BTCUSDT", "ETHUSDT", "XRPUSDT")
_PHASES = (Phase.explicit, Phase.reuse, Phase.generate)
FEW = settings(max_examples=3, deadline=None, suppress_health_check=list(HealthCheck), phases=_PHASES)


def by_backend(monkeypatch: pytest.MonkeyPatch, made: Callable[[], Any]) -> list[Any]:
    results = []
    for backend in BACKENDS:
        monkeypatch.setenv("STRATOQUANT_BACKEND", backend)
        results.append(made())
    return results


def of_layer(key: str) -> list[tuple[object, ...]]:
    """The bytes of all that a layer gives and keeps, for every scenario and set of parameters."""
    layer = catalogue().get(key)
    seen: list[tuple[object, ...]] = []
    for params in parameter_sets(layer):
        for scenario in SCENARIOS:
            inputs = inputs_for(layer, scenario, bars_for(layer), seed=1)
            outputs, memory = run_with_state(layer, inputs, params, SYMBOLS, sized_for={})
            seen.append((scenario, params, {n: v.tobytes() for n, v in outputs.items()}, memory.tobytes()))
    return seen


def of_session(session: Session, times: np.ndarray, events: np.ndarray) -> tuple[object, ...]:
    fills: list[bytes] = []
    session.run(times, events, lambda log: fills.append(log.tobytes()))
    return session.digest(), b"".join(fills), {name: r.tobytes() for name, r in session.snapshot().items()}


@pytest.mark.parametrize("key", SAMPLE)
def test_a_layer_gives_the_same_bits(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    llvm, numba = by_backend(monkeypatch, lambda: of_layer(key))
    assert numba == llvm


@pytest.mark.slow
@pytest.mark.parametrize("key", [key for key in KEYS if key not in SAMPLE])
def test_every_layer_and_block_gives_the_same_bits(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    llvm, numba = by_backend(monkeypatch, lambda: of_layer(key))
    assert numba == llvm


@FEW
@given(text=wirings(), seed=st.integers(0, 2**32))
def test_random_wirings_give_the_same_bits(text: str, seed: int) -> None:
    times, events = random_market(seed, 200, 3)
    with pytest.MonkeyPatch.context() as patch:
        llvm, numba = by_backend(patch, lambda: of_session(audited(plan_of(text)), times, events))
    assert numba == llvm


@pytest.mark.slow
@pytest.mark.parametrize("name", COMPLETE)
def test_every_wiring_gives_the_same_bits(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def ran() -> list[tuple[object, ...]]:
        plan = compile_plan(checked_or_raise(SPECS / f"{name}.yaml", catalogue()), SIMULATED, NAMES)
        markets = [gathered(synthetic_market(NAMES, 6000, 5, book=True))]
        if name == MASTER:
            markets.append(recorded_bars(20_000))
        return [of_session(session_of(plan), *market) for market in markets]

    llvm, numba = by_backend(monkeypatch, ran)
    assert numba == llvm
    assert any(fills for _, fills, _ in numba) == (name in TRADING)


def session_of(plan: Plan) -> Session:
    rules = [{"tick": 1e-4, "lot": 1e-4, "min_notional": 5.0}] * len(NAMES)
    return Session(plan, VenueSettings(), cash=100_000.0, rules=rules, audit=True)
