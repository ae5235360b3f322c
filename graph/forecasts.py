"""What ports forecast: declared by their layers, resolved along the wires of a graph. Judges nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from stratoquant.graph.model import Graph, Node, PortRef


@dataclass(frozen=True)
class ForecastPort:
    """A port of a wiring that forecasts the close `horizon` base bars later, counted over bars that exist.

    kind: `chance` that it is higher or, with `side`, on the side that this port shows; `expectancy`, the mean return on
    that side in bps, net of two fills at the bps of the port `cost`.
    """

    port: str
    kind: str
    horizon: int
    side: str | None = None
    cost: str | None = None

    @property
    def needs(self) -> tuple[str, ...]:
        """The ports that must be recorded to judge it, besides the close."""
        return tuple(port for port in (self.port, self.side, self.cost) if port is not None)


def forecast_ports(graph: Graph) -> tuple[ForecastPort, ...]:
    """Every port whose layer declares what it forecasts, in the order of the nodes."""
    return tuple(found for node in graph.nodes.values() for found in _of_node(graph, node))


def undeclared_chances(graph: Graph) -> tuple[str, ...]:
    """The probability ports that forecast no close, such as those of a state or a regime."""
    declared = {forecast.port for forecast in forecast_ports(graph)}
    ports = [
        f"{node.key}.{port}"
        for node in graph.nodes.values()
        for port, kind in node.layer.outputs.items()
        if kind.edge.name == "prob"
    ]
    return tuple(port for port in ports if port not in declared)


def _of_node(graph: Graph, node: Node) -> Iterator[ForecastPort]:
    for port in node.layer.forecasts:
        found = _resolved(graph, node, port)
        if found is not None:
            yield found


def _resolved(graph: Graph, node: Node, port: str) -> ForecastPort | None:
    """None for a port that forecasts what an input does, where that input is fed by no forecast."""
    declared = node.layer.forecasts[port]
    name = f"{node.key}.{port}"
    if declared.like:
        source = node.inputs[declared.like]
        if not isinstance(source, PortRef) or source.port not in graph.nodes[source.node].layer.forecasts:
            return None
        like = _resolved(graph, graph.nodes[source.node], source.port)
        return None if like is None else ForecastPort(name, like.kind, like.horizon, like.side, like.cost)
    bars = int(getattr(node.params, declared.horizon)) * (node.clock_ms // graph.clock_ms)
    kind = "chance" if node.layer.outputs[port].edge.name == "prob" else "expectancy"
    side, cost = (_source(node, name) for name in (declared.side, declared.cost))
    return ForecastPort(name, kind, bars, side, cost)


def _source(node: Node, port: str) -> str | None:
    source = node.inputs[port] if port else None
    return f"{source.node}.{source.port}" if isinstance(source, PortRef) else None
