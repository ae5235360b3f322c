"""Why a node has no place in a script: the true cause, of a kind that a program can read."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import cache

from stratoquant.graph.kernels import kernel_source
from stratoquant.graph.language import Layer
from stratoquant.graph.model import Graph, Node, PortRef, SourceRef, elements
from stratoquant.mirror.pine.kernels import NoPineFormError
from stratoquant.mirror.pine.library import Library
from stratoquant.mirror.pine.nodes import add_layer
from stratoquant.mirror.pine.rewrites import UntranslatableError

PORTFOLIO = "portfolio"
BOOK = "book"
ACCOUNT = "account"
MODEL = "model"
NO_FORM = "no Pine form"
NOT_DECLARED = "not declared"
DECLARED = "declared"
INPUT = "input"


@dataclass(frozen=True)
class Reason:
    """kind: one of the words above. text: a clause about the node, such as `reads the order book, ...`."""

    kind: str
    text: str

    def __str__(self) -> str:
        return self.text


def own_reason(graph: Graph, node: Node, *, strategy: bool = False) -> Reason | None:
    """Why a node by itself cannot be in a script, None when it can.

    strategy: the script is a strategy, whose account is the tester's and whose portfolio is the chart's symbol.
    """
    layer = node.layer
    if layer.pine in ("yes", "source") and not layer.portfolio:
        return None
    if strategy and (layer.portfolio or layer.closed_loop or _reads_account(node)):
        return _in_a_strategy(layer)
    return _on_a_chart(graph, node)


def _in_a_strategy(layer: Layer) -> Reason | None:
    if _declares_pine(layer) and layer.pine == "no":
        return Reason(DECLARED, 'declares pine="no"')
    each = [name for name, kind in layer.outputs.items() if kind.per_symbol]
    if each:
        return Reason(PORTFOLIO, f"outputs {each[0]} per symbol; a chart has one symbol")
    return _without_form(layer)


def _on_a_chart(graph: Graph, node: Node) -> Reason | None:
    layer = node.layer
    if layer.portfolio:
        return Reason(PORTFOLIO, "has portfolio scope; a chart has one symbol")
    if book := _book(graph, node):
        return Reason(BOOK, f"reads the order book ({book}), which a chart does not have")
    if layer.closed_loop or _reads_account(node):
        return Reason(ACCOUNT, "needs the account, which only a strategy has")
    if layer.model is not None:
        return Reason(MODEL, 'holds a fitted model and does not declare pine="yes"')
    if reason := _without_form(layer):
        return reason
    if _declares_pine(layer):
        return Reason(DECLARED, f'declares pine="{layer.pine}"')
    return Reason(NOT_DECLARED, 'does not declare pine="yes", although its kernel can be translated')


def _declares_pine(layer: Layer) -> bool:
    """True when the declaration has the word: `no` is also what a layer is that does not say."""
    decorators = (d for d in kernel_source(layer.step).tree.decorator_list if isinstance(d, ast.Call))
    return any(keyword.arg == "pine" for d in decorators for keyword in d.keywords)


def _reads_account(node: Node) -> bool:
    scalars = (scalar for binding in node.inputs.values() for scalar in elements(binding))
    return any(isinstance(s, SourceRef) and s.group in ("account", "operator") for s in scalars)


def _book(graph: Graph, node: Node) -> str:
    for binding in node.inputs.values():
        for scalar in elements(binding):
            if isinstance(scalar, PortRef) and is_book(graph, scalar):
                return str(scalar)
    return ""


def is_book(graph: Graph, ref: PortRef) -> bool:
    """True for the vectors of the market's door: a chart has no order book."""
    layer = graph.nodes[ref.node].layer
    return layer.pine == "source" and layer.outputs[ref.port].size is not None


@cache
def _without_form(layer: Layer) -> Reason | None:
    """What of the kernels has no form in Pine: found by translating them."""
    try:
        add_layer(layer, Library(), ())
    except NoPineFormError as problem:
        return Reason(NO_FORM, f"has no Pine form: {problem.place}: kernel {problem.kernel}: {problem.message}")
    except UntranslatableError as problem:
        return Reason(NO_FORM, f"has no Pine form: {problem.message}")
    return None
