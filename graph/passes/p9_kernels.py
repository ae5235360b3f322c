"""Pass 9, its beginning: the text of every kernel that a graph needs. It follows from the kernels alone, so it is kept
on disk for the next start."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from graph.aggregate import aggregate
from graph.border import open_border, release
from graph.derived import derived
from graph.kernel_text import KernelText
from graph.language import Layer
from graph.model import Graph, told_ports
from graph.venue import Venue


@dataclass(frozen=True)
class Kernels:
    """text: of all kernels. steps: the name of each node's step in it. functions: of each of the venue's and of ours,
    by its own name."""

    text: str
    steps: dict[str, str]
    functions: dict[str, str]


def kernels_of(graph: Graph, venue: Venue, taken: Collection[str]) -> Kernels:
    """taken: names that the rest of the module uses."""

    def find() -> str:
        texts = collect_kernels(graph, venue, taken)
        steps = {node.key: texts.name_of(node.layer.step) for node in graph.nodes.values()}
        return json.dumps([texts.text(), steps, {f.__name__: texts.name_of(f) for f in _functions(venue)}])

    told = (f"{node.key} {sorted(told_ports(graph, node.layer))}" for node in graph.nodes.values())
    code: list[Layer | Callable[..., Any]] = [node.layer for node in graph.nodes.values()]
    return Kernels(*json.loads(derived("kernels", [*code, *_functions(venue)], (*told, "", *sorted(taken)), find)))


def collect_kernels(graph: Graph, venue: Venue, taken: Collection[str]) -> KernelText:
    """Every kernel with its source."""
    texts = KernelText(frozenset(taken))
    for node in graph.nodes.values():
        texts.add_layer(node.layer, told_ports(graph, node.layer))
    for function in _functions(venue):
        texts.add_function(function)
    return texts


def _functions(venue: Venue) -> tuple[Callable[..., Any], ...]:
    market = (venue.passes_quietly, venue.meet_market, venue.settle)
    return (*market, open_border, release, venue.outlasting, venue.place, aggregate)
