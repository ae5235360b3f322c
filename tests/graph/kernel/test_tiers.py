"""Quick machine code first, optimised behind it: the same bits wherever one takes the other's place."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stratoquant.graph import alone
from stratoquant.graph.compiler import checked_or_raise
from stratoquant.graph.kernel import entry
from stratoquant.graph.kernel.behind import Build
from stratoquant.graph.kernel.call import Argument, MachineCode
from stratoquant.graph.kernel.code import NativeCode
from stratoquant.graph.kernel.objects import ObjectStore
from stratoquant.graph.kernel.program import Program
from stratoquant.graph.kernel.units import Unit
from stratoquant.graph.plan import Plan, compile_plan
from stratoquant.graph.session import Session
from stratoquant.layers import catalogue
from stratoquant.runtime.data.synthetic import synthetic_market
from stratoquant.runtime.venue import SIMULATED
from tests.graph.kernel.test_backends import COMPLETE, KEYS, NAMES, SAMPLE, of_layer, of_session, session_of
from tests.specs.test_wirings import SPECS, gathered, recorded_bars

BARS, BLOCK = 2000, 250


@dataclass
class Tiers:
    """An entry whose machine code a test replaces."""

    quick: list[bytes]
    optimised: Sequence[bytes] = ()
    broken: Sequence[bytes] = ()

    def __post_init__(self) -> None:
        self.codes: list[NativeCode] = []

    def enter(self, arguments: tuple[Argument, ...]) -> MachineCode:
        self.codes.append(NativeCode(self.quick))
        return self.codes[-1]

    def finish(self) -> None:
        """The test does it."""

    def swap(self, objects: Sequence[bytes]) -> None:
        for code in self.codes:
            code.replace(objects)


class _AskedError(Exception):
    """Carries the arguments that a session enters with."""


class _Asking:
    def enter(self, arguments: tuple[Argument, ...]) -> MachineCode:
        raise _AskedError(arguments)

    def finish(self) -> None:
        """Never reached."""


@cache
def tiers_of(name: str, folder: Path) -> tuple[Plan, Tiers]:
    """A wiring's plan, with an entry of both tiers."""
    plan = compile_plan(checked_or_raise(SPECS / f"{name}.yaml", catalogue()), SIMULATED, NAMES)
    with pytest.raises(_AskedError) as asked:
        session_of(replace(plan, run=_Asking())).prepare()
    units = entry.translate(plan.text, asked.value.args[0])
    program = Program(name, units, ObjectStore(folder))
    others = [Unit(unit.name, unit.text.replace("fsub double", "fadd double")) for unit in units]
    tiers = Tiers(program.quick(), program.optimised(), Program("broken", others, ObjectStore(folder)).quick())
    assert tiers.quick != tiers.optimised
    return replace(plan, run=tiers), tiers


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tiers")


@pytest.fixture
def cross(folder: Path) -> Iterator[tuple[Plan, Tiers]]:
    plan, tiers = tiers_of("sma_cross", folder)
    tiers.codes.clear()
    yield plan, tiers


@cache
def market() -> tuple[np.ndarray, np.ndarray]:
    return gathered(synthetic_market(NAMES, BARS, 5))


def in_blocks(plan: Plan, size: int, before: Callable[[int], None]) -> tuple[object, ...]:
    """before: called with the number of each block."""
    session, fills = session_of(plan), list[bytes]()
    times, events = market()
    session.prepare()
    for number, start in enumerate(range(0, BARS, size)):
        before(number)
        session.run(times[start : start + size], events[start : start + size], lambda log: fills.append(log.tobytes()))
    return outcome(session, fills)


def in_steps(plan: Plan, before: Callable[[int], None]) -> tuple[object, ...]:
    session, fills = session_of(plan), list[bytes]()
    for number, (time, events) in enumerate(zip(*market(), strict=True)):
        before(number)
        session.step(int(time), events, lambda log: fills.append(log.tobytes()))
    return outcome(session, fills)


def outcome(session: Session, fills: list[bytes]) -> tuple[object, ...]:
    return session.digest(), b"".join(fills), {name: r.tobytes() for name, r in session.snapshot().items()}


@cache
def expected(folder: Path) -> tuple[object, ...]:
    """With optimised machine code from the first bar on."""
    plan, tiers = tiers_of("sma_cross", folder)
    made = in_blocks(replace(plan, run=Tiers(tiers.optimised)), BLOCK, lambda _: None)
    assert made[1], "the run trades, so the code of the venue is compared too"
    return made


@pytest.mark.parametrize("border", [0, 1, 3, 7, None])
def test_a_run_in_blocks_gives_the_same_bits_wherever_the_code_is_replaced(
    border: int | None, cross: tuple[Plan, Tiers], folder: Path
) -> None:
    plan, tiers = cross
    before = lambda number: tiers.swap(tiers.optimised) if number == border else None  # noqa: E731
    assert in_blocks(plan, BLOCK, before) == expected(folder)


@pytest.mark.parametrize("border", [0, 1, 570, BARS - 1, None])
def test_single_steps_give_the_same_bits_wherever_the_code_is_replaced(
    border: int | None, cross: tuple[Plan, Tiers], folder: Path
) -> None:
    plan, tiers = cross
    before = lambda number: tiers.swap(tiers.optimised) if number == border else None  # noqa: E731
    assert in_steps(plan, before) == expected(folder)


def test_code_that_is_replaced_at_every_border_gives_the_same_bits(cross: tuple[Plan, Tiers], folder: Path) -> None:
    plan, tiers = cross
    before = lambda number: tiers.swap(tiers.optimised if number % 2 else tiers.quick)  # noqa: E731
    assert in_blocks(plan, 7, before) == expected(folder)


def test_code_that_computes_something_else_is_noticed(cross: tuple[Plan, Tiers], folder: Path) -> None:
    plan, tiers = cross
    before = lambda number: tiers.swap(tiers.broken) if number == 1 else None  # noqa: E731
    assert in_blocks(plan, BLOCK, before) != expected(folder)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[Program]:
    """Everything runs on quick machine code, and what is to be optimised behind it waits in the list."""
    waiting: list[Program] = []

    def wait(program: Program, code: NativeCode) -> Build:
        waiting.append(program)
        return Build(program, code)

    monkeypatch.setenv("STRATOQUANT_CACHE", str(tmp_path))
    monkeypatch.setattr(entry, "quick_pays", bool)
    monkeypatch.setattr(entry, "optimise_behind", wait)
    return waiting


def quick_layer(key: str) -> list[tuple[object, ...]]:
    alone._compiled.cache_clear()
    made = of_layer(key)
    alone._compiled.cache_clear()
    return made


@pytest.mark.parametrize("key", SAMPLE)
def test_a_layer_gives_the_same_bits_on_both_tiers(key: str, quick: list[Program]) -> None:
    made = quick_layer(key)
    assert quick
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(entry, "quick_pays", lambda _: False)
        assert made == of_layer(key)


@pytest.mark.slow
@pytest.mark.parametrize("key", [key for key in KEYS if key not in SAMPLE])
def test_every_layer_gives_the_same_bits_on_both_tiers(key: str, quick: list[Program]) -> None:
    test_a_layer_gives_the_same_bits_on_both_tiers(key, quick)


@pytest.mark.slow
@pytest.mark.parametrize("name", COMPLETE)
def test_every_wiring_gives_the_same_bits_on_both_tiers(name: str, folder: Path) -> None:
    plan, tiers = tiers_of(name, folder)
    markets: list[tuple[Any, ...]] = [gathered(synthetic_market(NAMES, 6000, 5, book=True))]
    if name == "wiring_master":
        markets.append(recorded_bars(20_000))
    optimised = replace(plan, run=Tiers(tiers.optimised))
    for each in markets:
        assert of_session(session_of(plan), *each) == of_session(session_of(optimised), *each)
