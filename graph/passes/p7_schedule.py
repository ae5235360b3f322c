"""Pass 7: the order of the steps: stages by scope, in each a stable topological order, and what of it can run ahead.

Symbol stages run once a symbol, portfolio stages once for all; a stage reads what earlier stages wrote. What depends on
one symbol's market alone need not wait for the others or for the account: it runs ahead, a few nodes at a time over
several bars, so that a processor finds their code and their memory where it last used them.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain

from stratoquant.graph.digraph import Digraph
from stratoquant.graph.model import Graph, Node, SourceRef, elements
from stratoquant.graph.passes.p4_causality import wires

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
    order = drawn.sorted(position.__getitem__)
    level: dict[str, int] = {}
    for key in order:
        portfolio = graph.nodes[key].layer.portfolio
        level[key] = 1 if portfolio else 0
        for before in drawn.before(key):
            changes = graph.nodes[before].layer.portfolio != portfolio
            level[key] = max(level[key], level[before] + changes)
    loop = with_late.with_targets(key for key, node in graph.nodes.items() if reads_account(node))
    tied = _tied(graph, with_late)
    waiting = tied.with_targets(loop | {key for key, node in graph.nodes.items() if node.layer.portfolio})
    ahead = _groups(tied.part(graph.nodes.keys() - waiting), order)
    order = [*chain(*ahead), *(key for key in order if key in waiting)]
    numbers = sorted(set(level.values()))
    stages = tuple(Stage(n, n % 2 == 1, tuple(key for key in order if level[key] == n)) for n in numbers)
    return Schedule(stages, frozenset(loop), ahead)


def _tied(graph: Graph, with_late: Digraph) -> Digraph:
    """The wires, and what else must step over the same bars together: those that read the bars of one slow clock, which
    are made once for all of them."""
    tied = with_late.part(with_late)
    for keys in slow_readers(graph).values():
        for before, after in zip(keys, (*keys[1:], keys[0]), strict=True):
            tied.add(before, after)
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


def _groups(drawn: Digraph, order: list[str]) -> tuple[tuple[str, ...], ...]:
    """Nodes that read one another a step late stay together; what reads a group stands behind it."""
    position = {key: i for i, key in enumerate(order)}
    sets = [sorted(keys, key=position.__getitem__) for keys in drawn.loops()]
    members = {keys[0]: keys for keys in sets}
    first = {key: keys[0] for keys in sets for key in keys}
    ways = ((first[a], first[b]) for a, b in drawn.edges if first[a] != first[b])
    most = len(drawn) if len(drawn) == len(order) <= FEW else GROUP
    groups: list[list[str]] = []
    for loop in Digraph(members, ways).sorted(position.__getitem__):
        if not groups or len(groups[-1]) + len(members[loop]) > most:
            groups.append([])
        groups[-1] += members[loop]
    return tuple(map(tuple, groups))
