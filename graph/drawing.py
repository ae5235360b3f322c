"""A checked graph as plain data, for reports and `stratoquant graph`, and as text: Mermaid, Graphviz, a listing.

Every wire between nodes has a kind: `direct`; `delay` (the value of the step before); `sample` (from a fast clock to a
slow one: the value at the close); `hold` (from a slow clock to a fast one: the value of the last closed bar).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from stratoquant.graph.clock import format_clock
from stratoquant.graph.compiler import Checked
from stratoquant.graph.language import DOMAINS
from stratoquant.graph.model import Binding, Graph, Node, PortRef, elements

Drawing = dict[str, Any]
"""name, clock, nodes, edges, orders; see `draw`."""


def draw(checked: Checked) -> Drawing:
    """Nodes in the order of their steps (of the files while the wiring is unsound), wires, and what orders read.

    A node: key, layer, name, domain, clock, scope, stage, inputs (port, type, source), outputs (port, type), params.
    An edge: from, to, kind. `orders`: port, type, source.
    """
    graph = checked.graph
    assert graph is not None, "only a wiring that could be read is drawn"
    stages = {key: stage.number for stage in checked.schedule.stages for key in stage.nodes} if checked.schedule else {}
    return {
        "name": graph.name,
        "clock": _clock(graph.clock_ms),
        "nodes": [_node(graph.nodes[key], stages.get(key)) for key in stages or graph.nodes],
        "edges": list(_edges(graph)),
        "orders": [{"port": port, "source": str(binding)} for port, binding in graph.orders.items()],
    }


def _node(node: Node, stage: int | None) -> dict[str, Any]:
    layer = node.layer
    return {
        "key": node.key,
        "layer": layer.key,
        "name": layer.name,
        "domain": layer.domain,
        "clock": _clock(node.clock_ms),
        "scope": "portfolio" if layer.portfolio else "symbol",
        "stage": stage,
        "inputs": [{"port": p, "type": str(t), "source": str(node.inputs[p])} for p, t in layer.inputs.items()],
        "outputs": [{"port": p, "type": str(t)} for p, t in layer.outputs.items()],
        "params": node.params.model_dump() if node.params else {},
    }


def _clock(ms: int) -> str:
    return format_clock(ms) if ms else ""


def _edges(graph: Graph) -> Iterator[dict[str, str]]:
    for node in graph.nodes.values():
        for port, binding in node.inputs.items():
            yield from _wires(graph, f"{node.key}.{port}", node.clock_ms, binding)
    for port, binding in graph.orders.items():
        yield from _wires(graph, f"orders.{port}", graph.clock_ms, binding)


def _wires(graph: Graph, to: str, clock_ms: int, binding: Binding) -> Iterator[dict[str, str]]:
    for ref in elements(binding):
        if isinstance(ref, PortRef):
            kind = _kind(ref, graph.nodes[ref.node].clock_ms, clock_ms)
            yield {"from": f"{ref.node}.{ref.port}", "to": to, "kind": kind}


def _kind(ref: PortRef, written_ms: int, read_ms: int) -> str:
    if ref.delay:
        return "delay"
    if written_ms == read_ms:
        return "direct"
    return "sample" if written_ms < read_ms else "hold"


def as_mermaid(drawing: Drawing) -> str:
    """A flowchart, one box a node and a frame a domain; wires between two boxes are drawn once for each kind."""
    ids = _identifiers(drawing)
    lines = ["flowchart LR"]
    for domain, nodes in _by_domain(drawing):
        lines.append(f"  subgraph domain_{domain}[{domain}]")
        lines += [f'    {ids[n["key"]]}["{_label(drawing, n)}"]' for n in nodes]
        lines.append("  end")
    if drawing["orders"]:
        lines.append("  orders_([orders])")
    arrows = {"direct": "-->", "sample": "-->|sample|", "hold": "-->|hold|", "delay": "-.->|delay|"}
    lines += [f"  {ids[start]} {arrows[kind]} {ids[end]}" for start, end, kind in _pairs(drawing)]
    return "\n".join(lines) + "\n"


def as_dot(drawing: Drawing) -> str:
    """A Graphviz digraph of the same."""
    lines = [f"digraph {_quoted(drawing['name'])} {{", "  rankdir=LR;", '  node [shape=box, fontname="sans-serif"];']
    for domain, nodes in _by_domain(drawing):
        lines.append(f"  subgraph {_quoted(f'cluster_{domain}')} {{ label={_quoted(domain)};")
        lines += [f"    {_quoted(n['key'])} [label={_quoted(_label(drawing, n))}];" for n in nodes]
        lines.append("  }")
    if drawing["orders"]:
        lines.append('  "orders" [shape=oval];')
    looks = {"direct": "", "sample": ' [label="sample"]', "hold": ' [label="hold"]'}
    looks["delay"] = ' [label="delay", style=dashed, constraint=false]'
    lines += [f"  {_quoted(start)} -> {_quoted(end)}{looks[kind]};" for start, end, kind in _pairs(drawing)]
    return "\n".join([*lines, "}"]) + "\n"


def as_listing(drawing: Drawing) -> str:
    """The nodes by domain, in the order of their steps, with what each reads; conversions between clocks are named."""
    kinds = {(e["to"], e["from"]): e["kind"] for e in drawing["edges"]}
    count = len(drawing["nodes"])
    lines = [f"{drawing['name']}: {count} node{'s' if count != 1 else ''} at {drawing['clock']}"]
    for domain, nodes in _by_domain(drawing):
        lines += ["", domain]
        width = max(len(n["key"]) for n in nodes)
        for node in nodes:
            lines.append(f"  {node['key']:<{width}}  {_headline(drawing, node)}")
            lines += [f"  {'':<{width}}    {line}" for line in _reads(node["key"], node["inputs"], kinds)]
    if drawing["orders"]:
        lines += ["", "orders", *(f"  {line}" for line in _reads("orders", drawing["orders"], kinds))]
    return "\n".join(lines) + "\n"


def _headline(drawing: Drawing, node: dict[str, Any]) -> str:
    named = node["name"] if node["layer"] in (node["key"], node["name"]) else f"{node['name']} ({node['layer']})"
    details = [f"every {node['clock']}"] if node["clock"] != drawing["clock"] else []
    details += ["portfolio"] if node["scope"] == "portfolio" else []
    details += [f"{name}={value:g}" for name, value in node["params"].items()]
    return f"{named}  [{', '.join(details)}]" if details else str(named)


def _reads(key: str, inputs: Iterable[dict[str, str]], kinds: dict[tuple[str, str], str]) -> Iterator[str]:
    for wire in inputs:
        if wire["source"] == "none":
            continue
        kind = kinds.get((f"{key}.{wire['port']}", wire["source"]), "direct")
        yield f"{wire['port']} <- {wire['source']}" + (f"  ({kind})" if kind in ("sample", "hold") else "")


def _by_domain(drawing: Drawing) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    for domain in DOMAINS:
        nodes = [n for n in drawing["nodes"] if n["domain"] == domain]
        if nodes:
            yield domain, nodes


def _pairs(drawing: Drawing) -> list[tuple[str, str, str]]:
    """From node, to node, kind: each once, in the order of the wires."""
    pairs = ((e["from"].partition(".")[0], e["to"].partition(".")[0], e["kind"]) for e in drawing["edges"])
    return list(dict.fromkeys(pairs))


def _identifiers(drawing: Drawing) -> dict[str, str]:
    """Mermaid's name of each node: some plain words, `end` above all, mean something to it."""
    return {n["key"]: f"n_{n['key']}" for n in drawing["nodes"]} | {"orders": "orders_"}


def _label(drawing: Drawing, node: dict[str, Any]) -> str:
    words = [node["key"]] + ([node["name"]] if node["name"] != node["key"] else [])
    return " ".join(words) + (f" @ {node['clock']}" if node["clock"] != drawing["clock"] else "")


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
