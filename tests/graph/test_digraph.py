"""Paths, orders and loops in random graphs, compared with networkx."""

from __future__ import annotations

from itertools import pairwise

import networkx as nx
from hypothesis import given, settings
from hypothesis import strategies as st

from stratoquant.graph.digraph import Digraph

NAMES = "abcdefgh"
edges = st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES)), max_size=24)
nodes = st.sampled_from(NAMES)


def pair(edges: list[tuple[str, str]]) -> tuple[Digraph, nx.DiGraph[str]]:
    other: nx.DiGraph[str] = nx.DiGraph()
    other.add_nodes_from(NAMES)
    other.add_edges_from(edges)
    return Digraph(NAMES, edges), other


@settings(max_examples=500, deadline=None)
@given(edges=edges, some=st.sets(nodes))
def test_what_reaches_what(edges: list[tuple[str, str]], some: set[str]) -> None:
    ours, theirs = pair(edges)
    assert list(ours) == list(theirs) and list(ours.edges) == list(theirs.edges) and len(ours) == len(theirs)
    assert ours.with_sources(some) == some.union(*(nx.ancestors(theirs, node) for node in some))
    assert ours.with_targets(some) == some.union(*(nx.descendants(theirs, node) for node in some))
    assert set(ours.part(some).edges) == set(theirs.subgraph(some).edges) and set(ours.part(some)) == some
    assert all(list(ours.before(node)) == list(theirs.predecessors(node)) for node in NAMES)


@settings(max_examples=500, deadline=None)
@given(edges=edges, start=nodes, end=nodes)
def test_shortest_paths(edges: list[tuple[str, str]], start: str, end: str) -> None:
    ours, theirs = pair(edges)
    path = ours.shortest_path(start, end)
    if path is None:
        assert not any(nx.has_path(theirs, after, end) for after in theirs[start])
        return
    assert path[0] == start and path[-1] == end
    assert all(theirs.has_edge(a, b) for a, b in pairwise(path))
    if start != end:
        assert len(path) == len(nx.shortest_path(theirs, start, end))
    else:
        assert len(path) == 2 + min(
            nx.shortest_path_length(theirs, after, end) for after in theirs[start] if nx.has_path(theirs, after, end)
        )


@settings(max_examples=500, deadline=None)
@given(edges=edges, start=nodes, end=nodes)
def test_dominators(edges: list[tuple[str, str]], start: str, end: str) -> None:
    ours, theirs = pair(edges)
    above = nx.immediate_dominators(theirs, start)
    chain = [end]
    while chain[0] in above and chain[0] != start:
        chain.insert(0, above[chain[0]])
    if start != end:
        assert ours.dominators(start, end) == (chain if chain[0] == start else [])


@settings(max_examples=500, deadline=None)
@given(edges=edges, names=st.permutations(NAMES))
def test_orders_and_loops(edges: list[tuple[str, str]], names: list[str]) -> None:
    ours, theirs = pair(edges)
    groups = ours.loops()
    assert sorted(map(sorted, groups)) == sorted(map(sorted, nx.strongly_connected_components(theirs)))
    forward = [(a, b) for a, b in edges if names.index(a) < names.index(b)]
    ours, theirs = pair(forward)
    assert ours.sorted(NAMES.index) == list(nx.lexicographical_topological_sort(theirs, key=NAMES.index))
    assert Digraph(NAMES, [*forward, ("a", "a")]).sorted(NAMES.index) == [
        node for node in ours.sorted(NAMES.index) if node != "a" and node not in nx.descendants(theirs, "a")
    ]
