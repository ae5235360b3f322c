"""The editor's schema: it is valid, fresh, accepts what is right and refuses what is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from stratoquant.graph.schema import schema_text, wiring_schema
from stratoquant.layers import catalogue
from tests.graph.bad_wirings import GATE, ORDERS, RISK

ROOT = Path(__file__).parents[2]
SCHEMA = wiring_schema(catalogue().with_package("tests.graph", Path(__file__).parent))


def problems(text: str) -> list[str]:
    return [e.message for e in jsonschema.Draft202012Validator(SCHEMA).iter_errors(yaml.safe_load(text))]


def wiring(nodes: str, more: str = "") -> str:
    return f"stratoquant: 1\nclock: 1m\nnodes:\n  feed: {{inputs: {{raw: market}}}}\n{nodes}\n{more}"


def test_schema_is_valid() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_written_schema_is_fresh() -> None:
    written = ROOT / "specs" / "wiring.schema.json"
    assert written.read_text(encoding="utf-8") == schema_text(catalogue()), "run `stratoquant schema`"


@pytest.mark.parametrize(
    "text",
    [
        RISK + GATE + ORDERS,
        wiring("  L14: {clock: 5m, inputs: {close: feed.close}, params: {window: 21}}"),
        wiring("  slow: {layer: L14, inputs: {close: 'feed.close@-1 else 1'}}"),
        wiring("  L14: {layer: smooth, inputs: {x: 5}}"),
        wiring("  mix: {inputs: {a: feed.close}}", "override: {mix: {params: {weight: 0.1}}}"),
        wiring("  gather: {inputs: {values: [feed.close, none, 3]}}"),
        wiring("  own: {layer: my_layer, inputs: {x: feed.close}}", "layers: [mine]"),
    ],
)
def test_good_wirings(text: str) -> None:
    assert problems(text) == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (wiring("", "nods: {}"), "'nods' was unexpected"),
        (wiring("  L14: {inputs: {clos: feed.close}}"), "'clos' was unexpected"),
        (wiring("  L14: {inputs: {}}"), "'close' is a required property"),
        (wiring("  L14: {}"), "'inputs' is a required property"),
        (wiring("  L14: {inputs: {close: 5}, params: {window: 1}}"), "1 is less than the minimum of 2"),
        (wiring("  L14: {inputs: {close: 5}, params: {window: 2.5}}"), "2.5 is not of type 'integer'"),
        (wiring("  L14: {inputs: {close: 5}, params: {length: 5}}"), "'length' was unexpected"),
        (wiring("  slow: {layer: L14, inputs: {close: 5}, params: {window: 501}}"), "greater than the maximum of 500"),
        (wiring("  slow: {layer: L141, inputs: {close: 5}}"), "'L141' is not one of"),
        (wiring("  a-b: {layer: L14, inputs: {close: 5}}"), "'a-b' does not match"),
        (wiring("", "override: {L14: {params: {window: 1}}}"), "1 is less than the minimum of 2"),
        ("clock: 1m\n", "'stratoquant' is a required property"),
        ("stratoquant: 2\n", "1 was expected"),
    ],
)
def test_bad_wirings(text: str, message: str) -> None:
    found = problems(text)
    assert any(message in problem for problem in found), found


def test_shipped_wirings() -> None:
    validator = jsonschema.Draft202012Validator(wiring_schema(catalogue()))
    layers_here = set(catalogue().keys())
    for path in sorted((ROOT / "specs").glob("*.yaml")):
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        nodes: dict[str, Any] = document.get("nodes", {})
        if {node.get("layer", key) for key, node in nodes.items()} <= layers_here:
            assert [e.message for e in validator.iter_errors(document)] == [], path.name


def test_layers_are_described() -> None:
    section = SCHEMA["properties"]["nodes"]["properties"]["L14"]
    assert section["description"].startswith("L14: ")
    window = SCHEMA["$defs"]["layer_L14"]["properties"]["params"]["properties"]["window"]
    assert window == {
        "type": "integer",
        "minimum": 2,
        "maximum": 500,
        "default": 14,
        "description": "bars of Wilder's average",
    }
