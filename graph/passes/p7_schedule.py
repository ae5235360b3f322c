"""Pass 7: the order of the steps: stages by scope, in each a stable topological order, and what of it can run ahead.

Symbol stages run once a symbol, portfolio stages once for all; a stage reads what earlier stages wrote. What depends on
one symbol's market alone need not wait for the others or for the account: it runs ahead, a few nodes at a time over
several bars, so that a processor finds their code and their memory where it last used them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain

import networkx as nx

from graph.model import Graph, Node, SourceRef, elements
from graph.passes.p4_causality import wires

AHEAD = 32
"""How many bars what can run ahead does run ahead."""

GROUP = 4
"""About as many nodes as have their code and their memory in a processor's nearest cache."""

FEW = 24
"""Up to so many nodes that all run ahead are one group: LLVM sees them whole."""


@dataclass(frozen=True)
class Stage:
    """Nodes that step one after another. portfolio: once for all symbols instead of once a symbol."""

    number: int
    portfolio: bool
    nodes: tuple[str, ...]


@dataclass(frozen=True)
class Schedule:
    """closed_loop: nodes that depend on the account, directly or through others. ahead: the nodes that can step over
    several bars before any other node does, in groups that can do so one after another; the first stage begins with
    them."""

    stages: tuple[Stage, ...]
    closed_loop: frozenset[str]
    ahead: tuple[tuple[str, ...], ...]

    @property
    def chunk(self) -> int:
        """How many bars the nodes that run ahead step over at a time."""
        return AHEAD if self.ahead else 1

    def waiting(self, stage: Stage) -> tuple[str, ...]:
        """The nodes of a stage that do not run ahead."""
        ahead = set(chain(*self.ahead))
        return tuple(key for key in stage.nodes if key not in ahead)


def schedule(graph: Graph) -> Schedule:
    """The same wiring always gives the same order: the order of the files where dependencies leave a choice."""
    drawn, with_late = wires(graph), wires(graph, delayed=True)
    position = {key: i for i, key in enumerate(graph.nodes)}
    order = list(nx.lexicographical_topological_sort(drawn, key=lambda key: position[key]))
    level: dict[str, int] = {}
    for key in order:
        portfolio = graph.nodes[key].layer.portfolio
        level[key] = 1 if portfolio else 0
        for before in drawn.predecessors(key):
            changes = graph.nodes[before].layer.portfolio != portfolio
            level[key] = max(level[key], level[before] + changes)
    loop = _with_descendants(with_late, (key for key, node in graph.nodes.items() if reads_account(node)))
    tied = _tied(graph, with_late)
    waiting = _with_descendants(tied, loop | {key for key, node in graph.nodes.items() if node.layer.portfolio})
    ahead = _groups(tied.subgraph(graph.nodes.keys() - waiting), order)
    order = [*chain(*ahead), *(key for key in order if key in waiting)]
    numbers = sorted(set(level.values()))
    stages = tuple(Stage(n, n % 2 == 1, tuple(key for key in order if level[key] == n)) for n in numbers)
    return Schedule(stages, frozenset(loop), ahead)


def _with_descendants(drawn: nx.DiGraph[str], keys: Iterable[str]) -> set[str]:
    found = set(keys)
    return found.union(*(nx.descendants(drawn, key) for key in found))


def _tied(graph: Graph, with_late: nx.DiGraph[str]) -> nx.DiGraph[str]:
    """The wires, and what else must step over the same bars together: those that read the bars of one slow clock, which
    are made once for all of them."""
    tied = with_late.copy()
    for keys in slow_readers(graph).values():
        nx.add_cycle(tied, keys)
    return tied


def slow_readers(graph: Graph) -> dict[int, list[str]]:
    """By slow clock, the nodes that read its bars as the market gives them, in the order of the files."""
    readers: dict[int, list[str]] = {}
    for key, node in graph.nodes.items():
        if node.clock_ms != graph.clock_ms and _reads_market(node):
            readers.setdefault(node.clock_ms, []).append(key)
    return readers


def _reads_market(node: Node) -> bool:
    return _reads(node, "market")


def reads_account(node: Node) -> bool:
    """True for a layer made to read the account, and for any other that this wiring lets read it."""
    return node.layer.closed_loop or _reads(node, "account")


def _reads(node: Node, group: str) -> bool:
    return any(isinstance(s, SourceRef) and s.group == group for b in node.inputs.values() for s in elements(b))


def _groups(drawn: nx.DiGraph[str], order: list[str]) -> tuple[tuple[str, ...], ...]:
    """Nodes that read one another a step late stay together; what reads a group stands behind it."""
    position = {key: i for i, key in enumerate(order)}
    loops = nx.condensation(drawn)
    members = {loop: sorted(keys, key=position.__getitem__) for loop, keys in loops.nodes(data="members")}
    most = len(drawn) if len(drawn) == len(order) <= FEW else GROUP
    groups: list[list[str]] = []
    for loop in nx.lexicographical_topological_sort(loops, key=lambda loop: position[members[loop][0]]):
        if not groups or len(groups[-1]) + len(members[loop]) > most:
            groups.append([])
        groups[-1] += members[loop]
    return tuple(map(tuple, groups))
