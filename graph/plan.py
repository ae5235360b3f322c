"""A plan: a checked wiring, laid out and compiled. It is frozen; what changes while it runs lives in a Session."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from stratoquant.graph.compiler import Checked
from stratoquant.graph.kernel.call import Entry
from stratoquant.graph.language import Parameters
from stratoquant.graph.layout import params_dtype, write_params
from stratoquant.graph.model import Graph, kept_ports
from stratoquant.graph.passes.p6_warmup import WarmUp
from stratoquant.graph.passes.p7_schedule import Schedule
from stratoquant.graph.passes.p8_layout import Column, Layout, constants, lay_out
from stratoquant.graph.passes.p9_emit import emit
from stratoquant.graph.passes.p10_build import build, is_built, module_name
from stratoquant.graph.types import EdgeType
from stratoquant.graph.venue import Venue


@dataclass(frozen=True, eq=False)
class Plan:
    """What can be run. text: the generated module. run: its compiled entry. bounds: low, high, whole per column."""

    graph: Graph
    warmup: WarmUp
    schedule: Schedule
    layout: Layout
    venue: Venue
    symbols: tuple[str, ...]
    text: str
    module: str
    run: Entry
    params: npt.NDArray[np.void]
    constants: npt.NDArray[np.void]
    bounds: npt.NDArray[np.float64]
    shared_bounds: npt.NDArray[np.float64]

    @property
    def fingerprint(self) -> str:
        """Identifies code, wiring, parameters and symbols: equal plans give equal results on equal data."""
        parts = (self.module.encode(), self.params.tobytes(), self.constants.tobytes(), repr(self.symbols).encode())
        return hashlib.sha256(b"\x00".join(parts)).hexdigest()[:16]

    def column(self, name: str) -> Column:
        """Where NODE.port lies. Raises KeyError with the known names for an unknown one."""
        if name not in self.layout.columns:
            hint = "; the wiring has `outputs: used`, record it there" if self.graph.used_only else ""
            raise KeyError(f"the plan has no port {name!r}{hint}")
        return self.layout.columns[name]


def compile_plan(
    checked: Checked,
    venue: Venue,
    symbols: Sequence[str],
    announce: Callable[[str], None] = lambda _: None,
) -> Plan:
    """Lays out, emits and builds. Machine code comes from the cache, or is made at the first step (`announce` says so).

    symbols: the instruments of the run, in the order of the second axis of its blocks.
    """
    graph, warmup, order = checked.graph, checked.warmup, checked.schedule
    assert graph is not None and warmup is not None and order is not None, "compile only what was checked and sound"
    layout = lay_out(graph, warmup, len(symbols))
    text = emit(graph, order, venue)
    name = module_name(graph.name, text, layout)
    if not is_built(name):
        announce(f"compiling {len(graph.nodes)} nodes to machine code; this happens once for a wiring")
    return Plan(
        graph=graph,
        warmup=warmup,
        schedule=order,
        layout=layout,
        venue=venue,
        symbols=tuple(symbols),
        text=text,
        module=name,
        run=build(name, text),
        params=_params_record(graph, warmup, layout),
        constants=_constants_record(graph, layout),
        bounds=_bounds(graph, layout, shared=False),
        shared_bounds=_bounds(graph, layout, shared=True),
    )


def _params_record(graph: Graph, warmup: WarmUp, layout: Layout) -> npt.NDArray[np.void]:
    record = np.zeros(1, layout.params)
    for key, node in graph.nodes.items():
        record[key]["warmup"] = warmup.own[key]
        if node.params is not None:
            write_params(node.params, record[key]["values"])
        if node.model is not None:
            for name, numbers in node.model.values.items():
                record[key]["model"][name] = numbers
    return record


def _constants_record(graph: Graph, layout: Layout) -> npt.NDArray[np.void]:
    record = np.zeros(1, layout.constants)
    for field, value in constants(graph):
        record[field] = value
    return record


def _bounds(graph: Graph, layout: Layout, *, shared: bool) -> npt.NDArray[np.float64]:
    """Low, high and whole of each double of an edge record; what is kept for a late read has no bounds of its own."""
    dtype = layout.shared if shared else layout.edges
    bounds = np.tile([-np.inf, np.inf, 0.0], (dtype.itemsize // 8, 1))
    for node in graph.nodes.values():
        for port, kind in kept_ports(graph, node).items():
            column = layout.columns[f"{node.key}.{port}"]
            if column.shared == shared:
                bounds[column.start : column.start + column.size] = _edge_bounds(kind.edge)
    return bounds


def _edge_bounds(edge: EdgeType) -> tuple[float, float, float]:
    largest = np.finfo(np.float64).max
    low = np.nextafter(edge.low, np.inf) if edge.low_open else max(edge.low, -largest)
    return float(low), min(edge.high, float(largest)), float(edge.whole)


def settings_record(settings: Parameters) -> npt.NDArray[np.void]:
    """A venue's settings as the one-element array that `run` takes."""
    record: npt.NDArray[Any] = np.zeros(1, params_dtype(type(settings)))
    write_params(settings, record)
    return record
