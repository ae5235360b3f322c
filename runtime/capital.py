"""What the account starts with, where layers ask for it: their parameter `capital`, unless the wiring sets it.

It is a parameter and not the account's equity, so that signals depend on the market alone: they run ahead of the
account, and a chart computes the same.
"""

from __future__ import annotations

from dataclasses import replace

from stratoquant.graph.compiler import Checked
from stratoquant.graph.model import Node

CAPITAL = "capital"


def with_capital(checked: Checked, cash: float) -> Checked:
    """The same wiring for an account that starts with `cash`, quote currency."""
    if checked.graph is None:
        return checked
    nodes = {key: _funded(node, float(cash)) for key, node in checked.graph.nodes.items()}
    return replace(checked, graph=replace(checked.graph, nodes=nodes))


def _funded(node: Node, cash: float) -> Node:
    params = node.params
    if params is None or CAPITAL not in type(params).model_fields or CAPITAL in params.model_fields_set:
        return node
    return replace(node, params=params.model_copy(update={CAPITAL: cash}))
