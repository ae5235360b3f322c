"""Whether a run covers the data on which a model of its wiring was fitted: what it earns there says little."""

from __future__ import annotations

from stratoquant.graph.clock import format_time, parse_time
from stratoquant.graph.model import Graph, Node
from stratoquant.runtime.data.findings import Finding
from stratoquant.runtime.data.market import Market


def check_models(graph: Graph, market: Market) -> list[Finding]:
    """A warning per model whose fitted period lies in the run, or is not known."""
    found = (_check(node, market) for node in graph.nodes.values() if node.model is not None)
    return [finding for finding in found if finding is not None]


def _check(node: Node, market: Market) -> Finding | None:
    assert node.model is not None
    made = node.model.made
    try:
        start, end = (parse_time(str(made[name]).removesuffix(" UTC")) for name in ("from", "until"))
    except (KeyError, ValueError):
        return _warning(node, "its model does not say on which period it was fitted, so nothing here is out of sample")
    first, last = max(start, market.start), min(end, market.end)
    if first >= last:
        return None
    symbols = made.get("symbols") or []
    own = [symbol for symbol in market.symbols if symbol in symbols]
    share = (last - first) / (market.end - market.start)
    of = ", ".join(own) if own else "other symbols"
    detail = f"its model was fitted on {of} from {format_time(start)} to {format_time(end)}: {share:.0%} of this run"
    return _warning(node, detail)


def _warning(node: Node, detail: str) -> Finding:
    return Finding("D047", f"{node.key} ({node.layer.name})", detail, severity="warning")
