"""Rules that cut the size of a position: declared by their layers, resolved along the wires of a graph."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from stratoquant.graph.model import Graph, Node, PortRef


@dataclass(frozen=True)
class CutPort:
    """A port that says what a rule leaves of a size: as a factor, as 1 - that with `taken`, or as an amount of the one
    at the port `of`. rule: the node's key and its layer's name."""

    port: str
    rule: str
    of: str | None = None
    taken: bool = False


def cut_ports(graph: Graph) -> tuple[CutPort, ...]:
    """Every port whose layer declares that it cuts size, in the order of the nodes."""
    return tuple(found for node in graph.nodes.values() for found in _of_node(node))


def _of_node(node: Node) -> Iterator[CutPort]:
    for port, cut in node.layer.cuts.items():
        source = node.inputs[cut.of] if cut.of else None
        if cut.of and not isinstance(source, PortRef):
            continue  # a constant is no size that somebody asked for
        of = f"{source.node}.{source.port}" if isinstance(source, PortRef) else None
        yield CutPort(f"{node.key}.{port}", f"{node.key} {node.layer.name}", of, cut.taken)
