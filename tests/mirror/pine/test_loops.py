"""Loops of no turns: Pine counts down from 0 to -1, a kernel does nothing, and so does its translation."""

from __future__ import annotations

import numpy as np

from stratoquant.graph.language import Array, State, array, kernel
from stratoquant.mirror.engines import Engine, run_script
from stratoquant.mirror.pine import lint
from stratoquant.mirror.pine.library import Library
from stratoquant.mirror.pine.printing import script_text
from stratoquant.mirror.pine.syntax import Call, Declare, Do, Name, Script, Statement, number, text
from stratoquant.mirror.pine.types import first_value
from tests.mirror.pine.engines import on_each_engine

BACKWARDS = """//@version=6
indicator("backwards")
int n = math.round(volume)
float turns = 0.0
for k = 0 to n - 1
    turns += 1
float stepped = 0.0
for k = 0 to n - 1 by 1
    stepped += 1
plot(turns, "turns")
plot(stepped, "stepped")
"""
COUNTS = np.array([0.0, 1.0, 2.0, 0.0, 5.0])


class Box(State):
    values: Array = array(8)


@kernel
def turns(n: int) -> float:
    """How often a loop turns, the inner one from its own counter on."""
    found = 0.0
    for k in range(n):
        for j in range(k + 1, n - 1):
            found += 100.0 * j
        found += 1.0
    return found


@kernel
def visited(s: Box, n: int) -> float:
    """Bounds that are expressions, one of which the loop itself moves."""
    found = 0.0
    last = n - 2
    for k in range(3 - n, last):
        last = last - 1
        found += 1.0 + k
    for k in range(n, len(s.values)):
        found += s.values[k] + 1000.0
    return found


def bars() -> dict[str, np.ndarray]:
    price = np.full(len(COUNTS), 100.0)
    time = 1_700_000_040_000 + 60_000 * np.arange(len(COUNTS))
    return {"time": time, "open": price, "high": price, "low": price, "close": price, "volume": COUNTS}


@on_each_engine
def test_a_bare_loop_counts_down_and_a_step_does_not_help(engine: Engine) -> None:
    said = run_script(engine, BACKWARDS, bars(), 60_000)
    assert said["turns"].tolist() == said["stepped"].tolist() == [2.0, 1.0, 2.0, 2.0, 5.0]


@on_each_engine
def test_a_translated_loop_turns_as_often_as_the_kernels(engine: Engine) -> None:
    library = Library()
    placed = {kernel_.__name__: library.need(kernel_).name for kernel_ in (turns, visited)}
    box = library.type_name(Box)
    n = Name("int", "n")
    main: list[Statement] = [
        Declare("int", "n", Call("int", "math.round", (Name("float", "volume"),))),
        Declare(box, "held", first_value(Box, library.type_names, None), kept=True),
        Declare("float", "turned", Call("float", placed["turns"], (n,))),
        Declare("float", "seen", Call("float", placed["visited"], (Name(box, "held"), n))),
        *(Do(Call("void", "plot", (Name("float", name), text(name)))) for name in ("turned", "seen")),
    ]
    script = Script(Call("void", "indicator", (text("loops"),)))
    script.constants = [Declare("float", "EXACT", number(1e200)), Declare("float", "INFINITY", number(1e100))]
    script.types, script.functions, script.main = list(library.types.values()), list(library.functions.values()), main
    lint.check(script)
    said = run_script(engine, script_text(script), bars(), 60_000)
    memory = Box()
    memory.values = np.zeros(8)
    assert said["turned"].tolist() == [turns(int(k)) for k in COUNTS]
    assert said["seen"].tolist() == [visited(memory, int(k)) for k in COUNTS]
