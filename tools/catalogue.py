"""`stratoquant layers` and `stratoquant schema`: what the layers declare, for people, scripts and editors."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stratoquant.tools.terminal import deliver, painter

if TYPE_CHECKING:
    from stratoquant.graph.language import Layer
    from stratoquant.graph.registry import Registry
    from stratoquant.graph.types import PortType

SCHEMA_FILE = Path("specs/wiring.schema.json")
SPECS = Path(__file__).parents[1] / "specs"


def layers(
    key: Annotated[
        str | None, typer.Argument(help="One layer, such as L14 or rsi; without it the whole table.")
    ] = None,
    blocks: Annotated[bool, typer.Option("--blocks", help="Also the blocks, which have no number.")] = False,
    domain: Annotated[str | None, typer.Option(help="Only one domain, such as kinematics.")] = None,
    folder: Annotated[Path | None, typer.Option(help="Also the layers of your own in this folder.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON list.")] = False,
) -> None:
    """List the layers, or show the page of one: ports, types, parameters, rule, source.

    \b
    Example: stratoquant layers --domain risk
             stratoquant layers L14
    """
    from stratoquant.layers import catalogue

    registry = catalogue()
    if folder is not None:
        if not folder.is_dir():
            raise typer.BadParameter(f"{folder} is no folder")
        registry = registry.with_folder(folder)
    chosen = [find_layer(key, registry)] if key else _chosen(registry, blocks, domain)
    if as_json:
        deliver(json.dumps([described(layer) for layer in chosen], indent=2), None)
    else:
        deliver(page(chosen[0]) if key else table(chosen), None)


def schema(
    output: Annotated[Path, typer.Option("--output", "-o", help="Where to write it; - prints it.")] = SCHEMA_FILE,
) -> None:
    """Write the JSON Schema by which editors complete and check wirings.

    A wiring finds it by its first line: # yaml-language-server: $schema=wiring.schema.json

    \b
    Example: stratoquant schema
             stratoquant schema -o - > my_schema.json
    """
    from stratoquant.graph.schema import schema_text
    from stratoquant.layers import catalogue

    deliver(schema_text(catalogue()), output)
    if str(output) != "-" and sys.stderr.isatty():
        print(f"wrote {output}", file=sys.stderr)


def described(layer: Layer) -> dict[str, Any]:
    """A layer as data; `id` is its number, null for a block."""
    return {
        "id": layer.number,
        "name": layer.name,
        "domain": layer.domain,
        "inputs": [{"name": name, "type": str(port)} for name, port in layer.inputs.items()],
        "outputs": [{"name": name, "type": str(port)} for name, port in layer.outputs.items()],
        "params": {
            name: {key: fact[key] for key in ("default", "low", "high", "meaning")}
            for name, fact in _params(layer).items()
        },
    }


def table(chosen: Sequence[Layer]) -> str:
    """One line a layer."""
    paint = painter(sys.stdout)
    rows = [(one.key, one.name, one.domain, _names(one.inputs), _names(one.outputs)) for one in chosen]
    widths = [max((len(row[i]) for row in rows), default=0) for i in range(3)]
    lines = []
    for key, name, domain, inputs, outputs in rows:
        head = f"{key:<{widths[0]}}  {name:<{widths[1]}}  {domain:<{widths[2]}}"
        lines.append(f"{paint('place', head)}  {inputs} -> {outputs}")
    return "\n".join(lines)


def page(layer: Layer) -> str:
    """All that a layer declares, as text."""
    scope = "portfolio: steps once for all symbols" if layer.portfolio else "symbol: steps once for each"
    facts = [("domain", layer.domain), ("scope", scope), ("source", layer.source), ("compared with", layer.oracle)]
    if layer.closed_loop:
        facts.append(("loop", "closed: reads the account"))
    facts += [("wired in", ", ".join(wired_in(layer))), ("cost", cost_of(layer))]
    lines = [layer.doc, "", *(f"{name + ':':<14} {text}" for name, text in facts if text)]
    inputs = [(name, kind, meaning + _from(layer, name)) for name, kind, meaning in port_rows(layer.inputs)]
    lines += _section("inputs", inputs) + _section("outputs", output_rows(layer))
    return "\n".join(lines + _section("parameters", param_rows(layer)) + _labels(layer))


def wired_in(layer: Layer) -> list[str]:
    """The places of a layer in the wirings that come with the product: FILE, and the node's name where it differs."""
    import yaml

    found = []
    for path in sorted(SPECS.glob("*.yaml")):
        nodes = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader).get("nodes") or {}
        keys = [key for key, node in nodes.items() if ((node or {}).get("layer") or key) == layer.key]
        found += [path.name if key == layer.key else f"{path.name} as {key}" for key in keys]
    return found


def cost_of(layer: Layer) -> str:
    """What a step costs, as the benchmark measured it; empty for a layer that it has not."""
    from stratoquant.layers import COSTS

    if not COSTS.exists():
        return ""
    facts = json.loads(COSTS.read_text(encoding="utf-8"))
    cost = facts["costs"].get(layer.key)
    return "" if cost is None else f"{cost:g} {facts['unit']}, on {facts['machine']}"


def find_layer(key: str, registry: Registry) -> Layer:
    """By key, number or name. Raises typer.BadParameter with the nearest one that there is."""
    from stratoquant.graph.diagnostics import suggestion
    from stratoquant.graph.passes.p2_resolve import read_layer

    names = {registry.name(k): k for k in registry.keys()}  # noqa: SIM118 - a registry is no mapping
    found = key if key in registry else names.get(key, f"L{key}" if f"L{key}" in registry else "")
    if not found:
        hint = suggestion(key, [*registry.keys(), *names]) or "`stratoquant layers --blocks` lists all"
        raise typer.BadParameter(f"there is no layer {key}; {hint}")
    return read_layer(found, registry)


def _chosen(registry: Registry, blocks: bool, domain: str | None) -> list[Layer]:
    from stratoquant.graph.language import DOMAINS
    from stratoquant.graph.passes.p2_resolve import read_layer

    if domain is not None and domain not in DOMAINS:
        raise typer.BadParameter(f"there is no domain {domain}; they are {', '.join(DOMAINS)}")
    found = [read_layer(key, registry) for key in registry.keys()]  # noqa: SIM118
    numbered = [one for one in found if blocks or one.number is not None]
    return [one for one in numbered if domain is None or one.domain == domain]


def _params(layer: Layer) -> dict[str, dict[str, Any]]:
    from stratoquant.graph.passes.p2_resolve import parameter_bounds

    if layer.params is None:
        return {}
    facts = {}
    for name, field in layer.params.model_fields.items():
        whole = field.annotation is int
        low, high = (int(b) if whole else b for b in parameter_bounds(layer.params, name))
        facts[name] = {"default": field.default, "low": low, "high": high, "meaning": field.description, "whole": whole}
    return facts


def _names(ports: Mapping[str, PortType]) -> str:
    return ", ".join(name + ("?" if port.optional else "") for name, port in ports.items())


def port_rows(ports: Mapping[str, PortType]) -> list[tuple[str, str, str]]:
    return [
        (name, str(port) + (" a symbol" if port.per_symbol else ""), f"{port.edge.meaning} ({port.edge.range_text()})")
        for name, port in ports.items()
    ]


def output_rows(layer: Layer) -> list[tuple[str, str, str]]:
    """The outputs, with what they forecast and cut."""
    return [(name, kind, meaning + _use(layer, name)) for name, kind, meaning in port_rows(layer.outputs)]


def _use(layer: Layer, name: str) -> str:
    if name in layer.cuts:
        cut = layer.cuts[name]
        return f"; cuts the size at `{cut.of}`" if cut.of else "; cuts size"
    if name not in layer.forecasts:
        return ""
    forecast = layer.forecasts[name]
    if forecast.like:
        return f"; forecasts what `{forecast.like}` does"
    event = f"a move to `{forecast.side}`" if forecast.side else "a rise"
    return f"; forecasts {event} over `{forecast.horizon}` steps"


def _from(layer: Layer, name: str) -> str:
    return f"; from {layer.origins[name]}" if name in layer.origins else ""


def param_rows(layer: Layer) -> list[tuple[str, str, str]]:
    rows = []
    for name, fact in _params(layer).items():
        kind = "whole, " if fact["whole"] else ""
        rows.append((name, f"{fact['default']:g}", f"{fact['meaning']} ({kind}{fact['low']:g} to {fact['high']:g})"))
    return rows


def _section(title: str, rows: Sequence[tuple[str, str, str]]) -> list[str]:
    if not rows:
        return []
    widths = [max(len(row[i]) for row in rows) for i in range(2)]
    return ["", f"{title}:", *(f"  {a:<{widths[0]}}  {b:<{widths[1]}}  {c}" for a, b, c in rows)]


def _labels(layer: Layer) -> list[str]:
    return [line for port, names in layer.labels.items() for line in ("", f"{port}: {', '.join(names)}")]
