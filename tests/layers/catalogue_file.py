"""The catalogue of layers as a file of the design, and how a declaration differs from its entry."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
import yaml

from graph.language import Layer
from tests.layers.real_data import FOLDER

FILE = FOLDER.parent / "design" / "layers.yaml"


@cache
def entries() -> dict[str, dict[str, Any]]:
    """The entry of each numbered layer by key. Skips the test where the file is absent."""
    if not FILE.exists():
        pytest.skip("the catalogue file (../shared/design/layers.yaml) is absent")
    return {f"L{entry['id']}": entry for entry in yaml.safe_load(FILE.read_text(encoding="utf-8"))}


def differences(layer: Layer, entry: dict[str, Any]) -> dict[str, str]:
    """What differs, by what it concerns (`in.price`, `param.window`, `pine`), and how."""
    found: dict[str, str] = {}

    def compare(concern: str, ours: object, theirs: object) -> None:
        if ours != theirs:
            found[concern] = f"{ours} here, {theirs} in the catalogue"

    compare("name", layer.name, entry["name"])
    compare("domain", layer.domain, entry["domain"])
    compare("pine", layer.pine, {True: "yes", False: "no"}.get(entry["pine"], entry["pine"]))
    compare("scope", "portfolio" if layer.portfolio else "symbol", entry.get("scope", "symbol"))
    compare("loop", "closed" if layer.closed_loop else "open", entry.get("loop", "open"))
    for side, ports in (("in", layer.inputs), ("out", layer.outputs)):
        theirs = entry[side]
        for port in dict.fromkeys((*theirs, *ports)):
            there = theirs[port].removeprefix("opt ") if port in theirs else None
            here = _signed_as_qty(str(ports[port]).removeprefix("opt "), there) if port in ports else None
            compare(f"{side}.{port}", here, there)
        common = [p for p in ports if p in theirs]
        compare(f"{side} order", common, [p for p in theirs if p in ports])
    shared_ports = [p for p in layer.inputs if p in entry["in"]]
    ours_optional = [p for p in shared_ports if layer.inputs[p].optional]
    compare("optional", ours_optional, [p for p in shared_ports if entry["in"][p].startswith("opt ")])
    if layer.portfolio:
        shared = [p for p, kind in layer.outputs.items() if not kind.per_symbol and p in entry["out"]]
        compare("shared", shared, [p for p in entry["out"] if p in entry.get("shared", ()) and p in layer.outputs])
    fields = layer.params.model_fields if layer.params else {}
    ours_params = {}
    for name, field in fields.items():
        low = next(m.ge for m in field.metadata if hasattr(m, "ge"))
        high = next(m.le for m in field.metadata if hasattr(m, "le"))
        ours_params[name] = [field.default, low, high]
    theirs_params = {name: [float(x) for x in values] for name, values in entry.get("params", {}).items()}
    for name in dict.fromkeys((*theirs_params, *ours_params)):
        compare(f"param.{name}", ours_params.get(name), theirs_params.get(name))
    return found


def _signed_as_qty(ours: str, theirs: str | None) -> str:
    """The catalogue has one word for quantities; where they can be negative, ours is signed_qty."""
    as_qty = ours.replace("signed_qty", "qty")
    return as_qty if as_qty == theirs else ours
