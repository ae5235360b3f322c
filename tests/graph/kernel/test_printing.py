"""The intermediate representation as text: every layer prints, and every load, store and call of it stands there."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import fields

import numpy as np
import pytest

from stratoquant.graph.kernel.nodes import Call, Cast, Expression, Field, Function, Item, Statement, Store
from stratoquant.graph.kernel.printing import type_name
from stratoquant.graph.kernel.touches import touches
from stratoquant.graph.kernel.types import Number, type_of
from stratoquant.graph.kernels import kernel_source, reachable
from stratoquant.graph.layer_program import LayerProgram, layer_program
from stratoquant.graph.passes.p8_layout import room_for
from stratoquant.layers import catalogue
from stratoquant.tools.ir import as_text


def program_of(key: str, *, guarded: bool = False) -> LayerProgram:
    layer = catalogue().get(key)
    return layer_program(layer, layer.params() if layer.params else None, room_for(1), guarded=guarded)


def nodes(part: object) -> Iterator[Statement | Expression]:
    """All below a function, an expression or a statement, itself included."""
    if isinstance(part, list | tuple):
        for one in part:
            yield from nodes(one)
    elif isinstance(part, Statement | Expression):
        yield part
        for field in fields(part):
            yield from nodes(getattr(part, field.name))


def is_load(node: Statement | Expression) -> bool:
    return isinstance(node, Field | Item) and isinstance(node.type, Number)


@pytest.mark.parametrize("key", catalogue().keys())
def test_each_load_store_call_and_cast_is_printed(key: str) -> None:
    program = program_of(key)
    text = as_text(program)
    assert [part.splitlines()[1].split("(")[0].split(".")[0] for part in text.split("\n\n")] == [
        function.name for function in program.functions
    ]
    for function, part in zip(program.functions, text.split("\n\n"), strict=True):
        body = "\n".join(line for line in part.splitlines() if " | " in line)
        found = list(nodes(function.body))
        stores = sum(isinstance(node, Store) for node in found)
        printed = Counter(re.findall(r"\w+", body))
        assert printed["store"] == stores
        assert printed["load"] == sum(map(is_load, found)) - stores
        assert printed["call"] == sum(isinstance(node, Call) for node in found)
        assert printed["as"] == sum(isinstance(node, Cast) for node in found)


@pytest.mark.parametrize("key", ["L0", "L14", "L4", "sma", "L61"])
def test_lines_are_those_of_the_kernels_own_files(key: str) -> None:
    program = program_of(key)
    sources = {source.function.__name__: source for source in reachable(catalogue().get(key).step)}
    for function in program.functions[:-1]:
        source = sources[function.name]
        last = source.tree.end_lineno or 0
        lines = {program.line_of(node.place) for node in nodes(function.body) if isinstance(node, Statement)}
        assert None not in lines and all(source.tree.lineno < line <= last for line in lines if line), function.name
    step = kernel_source(catalogue().get(key).step)
    returned = [node for node in nodes(program.functions[-1].body) if type(node).__name__ == "Return"]
    lines = {statement.lineno for statement in step.tree.body}
    assert program.line_of(returned[-1].place) in lines


def test_a_kernel_of_two_types_has_two_names() -> None:
    """Where a layer calls one kernel with records of different sizes."""
    for key in catalogue().keys():  # noqa: SIM118 - a registry is no mapping
        program = program_of(key)
        heads = [part.splitlines()[1].split("(")[0] for part in as_text(program).split("\n\n")]
        assert len(set(heads)) == len(heads)


def test_own_layers_check_their_indices() -> None:
    assert " checked]" in as_text(program_of("sma", guarded=True))
    assert " checked]" not in as_text(program_of("sma"))


def test_types_are_written_in_full() -> None:
    inner = np.dtype([("n", np.int64), ("held", np.float64, (8,))])
    kind = type_of(np.dtype([("x", np.float64), ("part", inner), ("table", np.float64, (2, 3))]))
    assert type_name(kind) == "{x: float, part: {n: int, held: float[8]}, table: float[2, 3]}"


def function_of(key: str, name: str) -> Function:
    (found,) = (function for function in program_of(key).functions if function.name == name)
    return found


def test_what_a_kernel_touches_is_what_it_and_its_callees_touch() -> None:
    found = touches(function_of("sma", "sma"))
    assert set(found.writes) == {f"s.mean.{name}" for name in ("sums[]", "anchor", "head", "count", "full", "value")}
    assert set(found.reads) == {*found.writes, "p.window"}
