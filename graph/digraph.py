"""Directed graphs with named nodes, as the passes need them. Whatever is found in one depends on the order in which its
nodes and edges were added, and on nothing else."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator


class Digraph:
    """Nodes and edges, each once, in the order in which they were added."""

    def __init__(self, nodes: Iterable[str] = (), edges: Iterable[tuple[str, str]] = ()) -> None:
        self._after: dict[str, dict[str, None]] = {node: {} for node in nodes}
        self._before: dict[str, dict[str, None]] = {node: {} for node in self._after}
        for before, after in edges:
            self.add(before, after)

    def add(self, before: str, after: str) -> None:
        """Adds an edge, and its nodes where they are new."""
        for node in (before, after):
            self._after.setdefault(node, {})
            self._before.setdefault(node, {})
        self._after[before][after] = self._before[after][before] = None

    def __contains__(self, node: str) -> bool:
        return node in self._after

    def __iter__(self) -> Iterator[str]:
        return iter(self._after)

    def __len__(self) -> int:
        return len(self._after)

    @property
    def edges(self) -> Iterator[tuple[str, str]]:
        return ((before, after) for before, found in self._after.items() for after in found)

    def before(self, node: str) -> Iterable[str]:
        """The nodes from which an edge leads to this one."""
        return self._before[node]

    def part(self, nodes: Iterable[str]) -> Digraph:
        """The graph of some of the nodes, and of the edges between them."""
        kept = set(nodes)
        edges = ((before, after) for before, after in self.edges if before in kept and after in kept)
        return Digraph((node for node in self if node in kept), edges)

    def with_sources(self, nodes: Iterable[str]) -> set[str]:
        """The nodes, and all from which a path leads to one of them."""
        return _reached(nodes, self._before)

    def with_targets(self, nodes: Iterable[str]) -> set[str]:
        """The nodes, and all to which a path leads from one of them."""
        return _reached(nodes, self._after)

    def shortest_path(self, start: str, end: str) -> list[str] | None:
        """From one node to another; None where there is none. From a node to itself: the shortest cycle."""
        came_from: dict[str, str] = {}
        rim = [start]
        while rim and end not in came_from:
            found = [(after, node) for node in rim for after in self._after[node] if after not in came_from]
            came_from = dict(reversed(found)) | came_from
            rim = list(dict.fromkeys(after for after, _ in found))
        if end not in came_from:
            return None
        path = [came_from[end], end]
        while path[0] != start:
            path.insert(0, came_from[path[0]])
        return path

    def dominators(self, start: str, end: str) -> list[str]:
        """The nodes that every path from one node to another leads through, in their order; none without a path."""
        path = self.shortest_path(start, end) or []
        inner = (node for node in path[1:-1] if end not in _reached([start], self._after, without=node))
        return [path[0], *inner, path[-1]] if path else []

    def sorted(self, position: Callable[[str], int]) -> list[str]:
        """Each node behind those before it, and as early as its position lets it be. Nodes on a cycle, and what is
        behind one, are left out."""
        waits_for = {node: len(before) for node, before in self._before.items()}
        ready = [(position(node), node) for node, count in waits_for.items() if not count]
        heapq.heapify(ready)
        order = []
        while ready:
            order.append(heapq.heappop(ready)[1])
            for after in self._after[order[-1]]:
                waits_for[after] -= 1
                if not waits_for[after]:
                    heapq.heappush(ready, (position(after), after))
        return order

    def loops(self) -> list[list[str]]:
        """All nodes in groups: those of a group reach one another, and no group is part of a larger one."""
        number = dict.fromkeys(self, 0)
        in_order = set(self.sorted(number.__getitem__))
        found = [[node] for node in self if node in in_order]
        left = [node for node in self if node not in in_order]
        while left:
            around = self.with_targets([left[0]]) & self.with_sources([left[0]])
            found.append([node for node in left if node in around])
            left = [node for node in left if node not in around]
        return found


def _reached(nodes: Iterable[str], ways: dict[str, dict[str, None]], without: str | None = None) -> set[str]:
    reached = set(nodes)
    waiting = list(reached)
    while waiting:
        for node in ways[waiting.pop()]:
            if node not in reached and node != without:
                reached.add(node)
                waiting.append(node)
    return reached
