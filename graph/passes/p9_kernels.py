"""Pass 9, its beginning: the text of every kernel that a graph needs. It follows from the kernels alone, so it is kept
on disk for the next start."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Hashable, Sequence
from dataclasses import dataclass
from typing import Any

from stratoquant.graph.aggregate import aggregate
from stratoquant.graph.border import open_border, release
from stratoquant.graph.content import content_of
from stratoquant.graph.derived import derived
from stratoquant.graph.kernel_text import KernelText, Part, function_parts, layer_parts
from stratoquant.graph.language import Layer
from stratoquant.graph.model import Graph, told_ports
from stratoquant.graph.venue import Venue


@dataclass(frozen=True)
class Kernels:
    """text: of all kernels. steps: the name of each node's step in it. functions: of each of the venue's and of ours,
    by its own name."""

    text: str
    steps: dict[str, str]
    functions: dict[str, str]


def kernels_of(graph: Graph, venue: Venue, taken: Collection[str]) -> Kernels:
    """taken: names that the rest of the module uses."""
    layers = {node.layer.step: node.layer for node in graph.nodes.values()}
    functions = _functions(venue)
    code: list[Layer | Callable[..., Any]] = [*layers.values(), *functions]
    if any(content_of(one) is None for one in code):
        return _named(graph, functions, collect_kernels(graph, venue, taken), lambda function: function)
    texts = KernelText(frozenset(taken))
    for one in code:
        _add_kept(texts, one, sorted(told_ports(graph, one)) if isinstance(one, Layer) else ())
    return _named(graph, functions, texts, _word)


def _named(
    graph: Graph,
    functions: Sequence[Callable[..., Any]],
    texts: KernelText,
    key: Callable[[Callable[..., Any]], Hashable],
) -> Kernels:
    """key: of a function in the texts."""
    steps = {node.key: texts.name_of(key(node.layer.step)) for node in graph.nodes.values()}
    return Kernels(texts.text(), steps, {f.__name__: texts.name_of(key(f)) for f in functions})


def _add_kept(texts: KernelText, code: Layer | Callable[..., Any], ports: Sequence[str]) -> None:
    """Adds a layer or a function from what was kept of its kernels."""

    def find() -> str:
        parts = layer_parts(code, ports) if isinstance(code, Layer) else function_parts(code)
        return json.dumps([[_word(p.key), p.wanted, p.module, p.text, list(map(_word, p.uses))] for p in parts])

    for key, wanted, module, text, uses in json.loads(derived("kernels", [code], ports, find)):
        texts.add_part(Part(key, wanted, module, text, tuple(uses)))


def _word(key: Any) -> str:
    """The key of a part in any process; code that `content_of` knows has no other of its name."""
    function, *of_outputs = key if isinstance(key, tuple) else (key,)
    return " ".join((function.__module__, function.__qualname__, *of_outputs))


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
