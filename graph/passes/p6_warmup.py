"""Pass 6: how many base steps pass before a node's outputs, and orders, can be relied on."""

from __future__ import annotations

from dataclasses import dataclass
from math import lcm

from graph.model import Graph
from graph.passes.p4_causality import wires
from graph.passes.p5_liveness import order_nodes


@dataclass(frozen=True)
class WarmUp:
    """own: steps of its own clock that a node withholds. total: base steps before its first output with all inputs.

    orders: the base steps before orders have all that they read. earliest: of a run that begins where it needs least,
    just before the bars of slow clocks close.
    """

    own: dict[str, int]
    total: dict[str, int]
    orders: int
    earliest: int


def measure_warmup(graph: Graph, start_ms: int = 0) -> WarmUp:
    """The longest path of withheld steps, in base steps; wires of the step before do not count.

    start_ms: open of the run's first bar, which decides when the first bar of a slow clock closes. At 0 all slow bars
    begin there, and every path takes longest.
    """
    own = {key: int(node.layer.warmup(node.params)) for key, node in graph.nodes.items()}
    total = _totals(graph, own, start_ms)
    last_bar = lcm(*(node.clock_ms for node in graph.nodes.values())) - graph.clock_ms
    return WarmUp(own, total, _orders(graph, total), _orders(graph, _totals(graph, own, last_bar)))


def _totals(graph: Graph, own: dict[str, int], start_ms: int) -> dict[str, int]:
    drawn = wires(graph)
    total: dict[str, int] = {}
    for key in drawn.sorted(list(graph.nodes).index):
        ratio = graph.nodes[key].clock_ms // graph.clock_ms
        before = max((total[p] for p in drawn.before(key)), default=0)
        waited = -(start_ms // graph.clock_ms + before + 1) % ratio  # for the next close of its own clock
        total[key] = before + waited + own[key] * ratio
    return total


def _orders(graph: Graph, total: dict[str, int]) -> int:
    return max((total[key] for key in order_nodes(graph)), default=0)
