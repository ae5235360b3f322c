"""Pass 7: the order of the steps: stages by scope, in each a stable topological order.

Symbol stages run once a symbol, portfolio stages once for all; a stage reads what earlier stages wrote.
"""

from __future__ import annotations

from dataclasses import dataclass

import networkx as nx

from graph.model import Graph
from graph.passes.p4_causality import wires


@dataclass(frozen=True)
class Stage:
    """Nodes that step one after another. portfolio: once for all symbols instead of once a symbol."""

    number: int
    portfolio: bool
    nodes: tuple[str, ...]


@dataclass(frozen=True)
class Schedule:
    """closed_loop: nodes that depend on the account, directly or through others."""

    stages: tuple[Stage, ...]
    closed_loop: frozenset[str]


def schedule(graph: Graph) -> Schedule:
    """The same wiring always gives the same order: the order of the files where dependencies leave a choice."""
    drawn = wires(graph)
    position = {key: i for i, key in enumerate(graph.nodes)}
    order = list(nx.lexicographical_topological_sort(drawn, key=lambda key: position[key]))
    level: dict[str, int] = {}
    for key in order:
        portfolio = graph.nodes[key].layer.portfolio
        level[key] = 1 if portfolio else 0
        for before in drawn.predecessors(key):
            changes = graph.nodes[before].layer.portfolio != portfolio
            level[key] = max(level[key], level[before] + changes)
    numbers = sorted(set(level.values()))
    stages = tuple(Stage(n, n % 2 == 1, tuple(key for key in order if level[key] == n)) for n in numbers)
    loop = {key for key, node in graph.nodes.items() if node.layer.closed_loop}
    loop |= {below for key in loop for below in nx.descendants(wires(graph, delayed=True), key)}
    return Schedule(stages, frozenset(loop))
