"""The JSON Schema of a wiring, for editors: the wiring model and, of each layer, its inputs and parameters.

An editor that knows the schema completes layers, ports and parameters, shows what they mean, and marks what is wrong
while it is typed. What the schema cannot say (types of wires, cycles, risk) is the compiler's business.
"""

from __future__ import annotations

import json
from typing import Any

from stratoquant.graph.language import Layer, Parameters
from stratoquant.graph.passes.p2_resolve import parameter_bounds
from stratoquant.graph.registry import Registry
from stratoquant.graph.wiring import Wiring

Schema = dict[str, Any]

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def wiring_schema(registry: Registry) -> Schema:
    """The schema of wirings over the layers of a registry."""
    layers = [registry.get(key) for key in registry.keys()]  # noqa: SIM118
    schema = Wiring.model_json_schema()
    definitions = schema["$defs"]
    for layer in layers:
        definitions[f"layer_{layer.key}"] = _layer(layer)
        definitions[f"wired_{layer.key}"] = _wired(layer)
    definitions["PlacedNode"] = _node_section(definitions["NodeSection"], layers, "wired")
    definitions["OverridingNode"] = _node_section(definitions.pop("NodeSection"), layers, "layer")
    nodes, override = schema["properties"]["nodes"], definitions["Overrides"]
    nodes["additionalProperties"] = {"$ref": "#/$defs/PlacedNode"}
    nodes["propertyNames"] = {"pattern": "^[A-Za-z][A-Za-z0-9]*(_[A-Za-z0-9]+)*$"}
    override["additionalProperties"] = {"$ref": "#/$defs/OverridingNode"}
    for section, kind in ((nodes, "wired"), (override, "layer")):
        section["properties"] = section.get("properties", {}) | {layer.key: _keyed(layer, kind) for layer in layers}
    schema["if"] = {"not": {"required": ["layers"]}}
    schema["then"] = {"properties": {"nodes": {"additionalProperties": {"properties": {"layer": _keys(layers)}}}}}
    return {"$schema": DIALECT, "title": "StratoQuant wiring"} | schema


def schema_text(registry: Registry) -> str:
    """The schema as the file in specs/ holds it."""
    return json.dumps(wiring_schema(registry), indent=1, sort_keys=False) + "\n"


def _keys(layers: list[Layer]) -> Schema:
    """A wiring that names folders of its own under `layers` may use other keys than these."""
    return {"enum": [layer.key for layer in layers], "enumDescriptions": [_headline(layer) for layer in layers]}


def _node_section(base: Schema, layers: list[Layer], kind: str) -> Schema:
    """A node's section, which takes the ports of the layer that its `layer:` names."""
    branches = [
        {
            "if": {"properties": {"layer": {"const": layer.key}}, "required": ["layer"]},
            "then": {"$ref": f"#/$defs/{kind}_{layer.key}"},
        }
        for layer in layers
    ]
    return base | {"allOf": branches}


def _keyed(layer: Layer, kind: str) -> Schema:
    """A node under the key of a layer is that layer, unless it says `layer:`."""
    section = "PlacedNode" if kind == "wired" else "OverridingNode"
    return {
        "description": _headline(layer),
        "$ref": f"#/$defs/{section}",
        "if": {"not": {"required": ["layer"]}},
        "then": {"$ref": f"#/$defs/{kind}_{layer.key}"},
    }


def _layer(layer: Layer) -> Schema:
    inputs = {name: {"description": f"{port}: {port.edge.meaning}"} for name, port in layer.inputs.items()}
    return {
        "description": _headline(layer),
        "properties": {
            "inputs": {"properties": inputs, "additionalProperties": False},
            "params": {"properties": _params(layer.params), "additionalProperties": False},
        },
    }


def _wired(layer: Layer) -> Schema:
    """A layer whose required inputs must be there; under `override` they need not."""
    needed = [name for name, port in layer.inputs.items() if not port.optional]
    schema: Schema = {"$ref": f"#/$defs/layer_{layer.key}"}
    sections = (["inputs"] if needed else []) + (["model"] if layer.model else [])
    if sections:
        schema |= {"required": sections}
    if needed:
        schema |= {"properties": {"inputs": {"required": needed}}}
    return schema


def _params(params: type[Parameters] | None) -> Schema:
    described: Schema = {}
    if params is None:
        return described
    for name, field in params.model_fields.items():
        low, high = parameter_bounds(params, name)
        whole = field.annotation is int
        described[name] = {
            "type": "integer" if whole else "number",
            "minimum": int(low) if whole else low,
            "maximum": int(high) if whole else high,
            "default": field.default,
            "description": field.description,
        }
    return described


def _headline(layer: Layer) -> str:
    """The first line of the layer's page, which begins with its key."""
    first = layer.doc.partition("\n")[0]
    return first or f"{layer.key}: {layer.name}"
