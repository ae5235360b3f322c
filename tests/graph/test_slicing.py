"""A step reduced to some of its outputs says of them what the whole step says, and does nothing else."""

from __future__ import annotations

import ast
from collections import namedtuple
from collections.abc import Callable, Collection
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
import pytest

from stratoquant.graph.compiler import Checked, checked_or_raise
from stratoquant.graph.identity import wiring_digest
from stratoquant.graph.language import Array, Layer, State, array, field_name, kernel, layer
from stratoquant.graph.layout import state_dtype, write_first_values
from stratoquant.graph.plan import compile_plan
from stratoquant.graph.session import Session
from stratoquant.graph.slicing import sliced_step
from stratoquant.graph.types import Real
from stratoquant.layers import catalogue
from stratoquant.runtime.data.synthetic import synthetic_market
from tests.graph.null_venue import NULL_VENUE, Settings
from tests.layers.hostile import SYMBOLS, inputs_for
from tests.layers.models import shipped_model

BARS = 150
KEYS = catalogue().keys()


class Interpreted:
    """A step as Python runs it, over a memory of its own: no compiler stands between the source and what it says."""

    def __init__(self, layer: Layer, ports: Collection[str]) -> None:
        tree = sliced_step(layer, ports)
        tree.decorator_list, tree.returns = [], None
        tree.args.args = [ast.arg(a.arg) for a in tree.args.args]
        told = namedtuple("told", [field_name(p) for p in layer.outputs if p in ports])  # type: ignore[misc]
        names = layer.step.__globals__ | {layer.output.__name__: told}
        exec(compile(ast.fix_missing_locations(ast.Module([tree], [])), layer.key, "exec"), names)
        self._step: Callable[..., Any] = names[tree.name]
        self._records = _records(layer)

    def __call__(self, values: list[Any]) -> list[Any]:
        return [np.array(told) for told in self._step(*self._records, *values)]


def _records(layer: Layer) -> list[Any]:
    """Memory, parameters at their lowest and model, with their fields as attributes."""
    fields = layer.params.model_fields if layer.params else {}
    lowest = {name: next(m.ge for m in f.metadata if hasattr(m, "ge")) for name, f in fields.items()}
    params = layer.params(**lowest) if layer.params else None
    records = []
    if layer.state:
        memory = np.zeros(1, state_dtype(layer.state, params, SYMBOLS))
        write_first_values(layer.state, memory)
        records.append(_with_attributes(memory[0]))
    if params is not None:
        records.append(SimpleNamespace(**params.model_dump()))
    if model := shipped_model(layer):
        records.append(SimpleNamespace(**{name: np.array(numbers) for name, numbers in model.values.items()}))
    return records


def _with_attributes(record: np.void) -> SimpleNamespace:
    fields = {name: record[name] for name in record.dtype.names}
    return SimpleNamespace(**{n: _with_attributes(v) if isinstance(v, np.void) else v for n, v in fields.items()})


@pytest.mark.parametrize("key", KEYS)
def test_what_is_left_says_the_same(key: str) -> None:
    layer = catalogue().get(key)
    inputs = inputs_for(layer, "ordinary", BARS, seed=3)
    steps = {port: Interpreted(layer, [port]) for port in layer.outputs}
    whole = Interpreted(layer, list(layer.outputs))
    with np.errstate(all="ignore"):
        for t in range(BARS):
            values = [_with_attributes(c[t]) if c.dtype.names else c[t] for c in inputs.values()]
            for (port, step), wanted in zip(steps.items(), whole(values), strict=True):
                np.testing.assert_array_equal(step(values)[0], wanted, err_msg=f"{port} at bar {t}")


@pytest.mark.parametrize(
    ("key", "port", "gone", "kept"),
    [
        ("L0", "close", ("beyond_mad", "admit_book", "quote_volume", "log("), ("admit(", "s.missed")),
        ("L18", "kama", ("rolling_moments", "s.apart"), ("rolling_sum",)),
        ("L16", "k", ("s.signal", "s.lead"), ("s.slow",)),
        ("bollinger", "middle", ("sqrt",), ("rolling_moments",)),
    ],
)
def test_what_nothing_needs_is_left_out(key: str, port: str, gone: Collection[str], kept: Collection[str]) -> None:
    text = ast.unparse(sliced_step(catalogue().get(key), [port]))
    assert [word for word in gone if word in text] == []
    assert [word for word in kept if word not in text] == []


class Ring(State):
    recent: Array = array(4)
    other: Array = array(4)
    count: int = 0
    total: float = 0.0
    peak: float = 0.0


class Told(NamedTuple):
    oldest: Real
    total: Real
    first: Real


@kernel
def put(values: Array, place: int, x: float) -> int:
    values[place] = x
    return place


@layer(None, "made_up", domain="block", source="test")
def made_up(s: Ring, x: Real) -> Told:
    ring = s.recent if s.count % 8 < 4 else s.other
    put(ring, s.count % 4, x)
    s.count += 1
    s.total += x
    s.peak = max(s.peak, x)
    first = 0
    while first < 4:
        if s.other[first] > 0.0:
            break
        first += 1
    return Told(s.recent[s.count % 4], s.total, first)


def test_a_local_may_stand_for_an_array_and_a_loop_may_be_left() -> None:
    columns = np.random.default_rng(1).normal(size=(20, 1))
    steps = [Interpreted(made_up, [port]) for port in made_up.outputs]
    whole = Interpreted(made_up, list(made_up.outputs))
    told = np.array([[step(list(row))[0] for step in steps] for row in columns])
    np.testing.assert_array_equal(told, [whole(list(row)) for row in columns])
    assert len(np.unique(told[:, 2])) > 1
    assert "peak" not in ast.unparse(sliced_step(made_up, ["total"]))


@pytest.fixture(scope="module")
def twenty() -> Checked:
    return checked_or_raise(Path("specs/twenty_indicators.yaml"), catalogue())


def with_outputs(checked: Checked, *, used_only: bool) -> Checked:
    assert checked.graph is not None
    return replace(checked, graph=replace(checked.graph, used_only=used_only))


def test_a_plan_of_what_is_used_records_what_the_whole_plan_records(twenty: Checked) -> None:
    assert twenty.graph is not None
    record = [str(port) for port in twenty.graph.record]
    blocks = list(synthetic_market(("A", "B"), 3000, 4).blocks(3000))
    recorded = []
    for used_only in (True, False):
        plan = compile_plan(with_outputs(twenty, used_only=used_only), NULL_VENUE, ("A", "B"))
        session = Session(plan, Settings(), cash=1000.0, record=record)
        recorded.append(session.run(blocks[0].times, blocks[0].events).symbols.copy())
    np.testing.assert_array_equal(*recorded)
    assert np.isfinite(recorded[0][-1]).all()


def test_a_plan_of_what_is_used_keeps_nothing_else(twenty: Checked) -> None:
    plan = compile_plan(twenty, NULL_VENUE, ("A",))
    assert "rolling_moments" in plan.text
    assert "beyond_mad" not in plan.text
    assert set(plan.layout.columns) == {str(port) for port in plan.graph.record} | {
        "L0.high",
        "L0.low",
        "L0.close",
        "L0.volume",
    }
    with pytest.raises(KeyError, match="record it"):
        plan.column("L14.centred")


def test_memory_of_what_is_used_belongs_to_what_is_recorded(twenty: Checked) -> None:
    """Another record needs another memory, so a run over one cannot go on with the other."""
    assert twenty.graph is not None
    fewer = replace(twenty.graph, record=twenty.graph.record[1:])
    assert wiring_digest(fewer) != wiring_digest(twenty.graph)
    whole, less = (replace(graph, used_only=False) for graph in (twenty.graph, fewer))
    assert wiring_digest(whole) == wiring_digest(less)
