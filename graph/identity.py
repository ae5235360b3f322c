"""What a wiring is, as one short word: two wirings with the same one compute the same on the same data."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from stratoquant.graph.derived import derived
from stratoquant.graph.kernels import reachable
from stratoquant.graph.language import Layer
from stratoquant.graph.model import Binding, Constant, Graph, PortRef, Scalar, elements, kept_ports


def wiring_digest(graph: Graph) -> str:
    """16 hexadecimal digits over clock, nodes, wires, parameters, constants and the source of every kernel.

    Names of files, symbols, roles and recorded ports do not count: they change nothing that is computed, unless the
    wiring computes only what is used.
    """
    parts = [f"clock {graph.clock_ms}"]
    parts += [f"opens {ms} {origin}" for ms, origin in graph.origins.items() if ms != graph.clock_ms and origin]
    for key, node in sorted(graph.nodes.items()):
        wires = "; ".join(f"{port}={_exact(binding)}" for port, binding in sorted(node.inputs.items()))
        params = "" if node.params is None else repr(sorted(node.params.model_dump().items()))
        model = "" if node.model is None else node.model.sha256
        parts.append(f"{key} {node.layer.key} {node.clock_ms} {params} {model} {wires}")
    layers = {node.layer.key: node.layer for node in graph.nodes.values()}
    parts.append(_texts([layer for _, layer in sorted(layers.items())]))
    parts += [f"{port}={_exact(binding)}" for port, binding in sorted(graph.orders.items())]
    if graph.used_only:
        parts += [f"used {key}.{port}" for key, node in sorted(graph.nodes.items()) for port in kept_ports(graph, node)]
    return hashlib.sha256("\x00".join(parts).encode()).hexdigest()[:16]


def _texts(layers: Sequence[Layer]) -> str:
    """The source of every kernel."""

    def join() -> str:
        return "\x00".join(source.text for layer in layers for source in reachable(layer.step))

    return derived("texts", layers, (), join)


def _exact(binding: Binding) -> str:
    """A binding with every digit of its numbers."""
    return f"{binding} {[_number(s) for s in elements(binding)]}"


def _number(scalar: Scalar) -> float | None:
    if isinstance(scalar, Constant):
        return scalar.value
    return scalar.otherwise if isinstance(scalar, PortRef) else None
