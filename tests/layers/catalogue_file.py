"""The catalogue of layers as the design fixed it (catalogue.json), and how a declaration differs from its entry."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from stratoquant.graph.language import Layer

FILE = Path(__file__).with_name("catalogue.json")


@cache
def entries() -> dict[str, dict[str, Any]]:
    """The entry of each numbered layer by key. Ports are in order; a parameter is its default, lowest and highest."""
    return {f"L{entry['number']}": entry for entry in json.loads(FILE.read_text(encoding="utf-8"))}


def differences(layer: Layer, entry: dict[str, Any]) -> dict[str, str]:
    """What differs, by what it concerns (`in.price`, `param.window`, `pine`), and how."""
    found: dict[str, str] = {}

    def compare(concern: str, ours: object, theirs: object) -> None:
        if ours != theirs:
            found[concern] = f"{ours} here, {theirs} in the catalogue"

    compare("name", layer.name, entry["name"])
    compare("domain", layer.domain, entry["domain"])
    compare("pine", layer.pine, entry["pine"])
    compare("scope", "portfolio" if layer.portfolio else "symbol", entry["scope"])
    compare("loop", "closed" if layer.closed_loop else "open", entry["loop"])
    for side, ports in (("in", layer.inputs), ("out", layer.outputs)):
        theirs = entry[f"{side}puts"]
        for port in dict.fromkeys((*theirs, *ports)):
            there = theirs[port].removeprefix("opt ") if port in theirs else None
            here = _signed_as_qty(str(ports[port]).removeprefix("opt "), there) if port in ports else None
            compare(f"{side}.{port}", here, there)
        common = [p for p in ports if p in theirs]
        compare(f"{side} order", common, [p for p in theirs if p in ports])
    shared_ports = [p for p in layer.inputs if p in entry["inputs"]]
    ours_optional = [p for p in shared_ports if layer.inputs[p].optional]
    compare("optional", ours_optional, [p for p in shared_ports if entry["inputs"][p].startswith("opt ")])
    if layer.portfolio:
        shared = [p for p, kind in layer.outputs.items() if not kind.per_symbol and p in entry["outputs"]]
        compare("shared", shared, [p for p in entry["outputs"] if p in entry["shared"] and p in layer.outputs])
    fields = layer.params.model_fields if layer.params else {}
    ours_params = {}
    for name, field in fields.items():
        low = next(m.ge for m in field.metadata if hasattr(m, "ge"))
        high = next(m.le for m in field.metadata if hasattr(m, "le"))
        ours_params[name] = [field.default, low, high]
    theirs_params = entry["params"]
    for name in dict.fromkeys((*theirs_params, *ours_params)):
        compare(f"param.{name}", ours_params.get(name), theirs_params.get(name))
    return found


def _signed_as_qty(ours: str, theirs: str | None) -> str:
    """The catalogue has one word for quantities; where they can be negative, ours is signed_qty."""
    as_qty = ours.replace("signed_qty", "qty")
    return as_qty if as_qty == theirs else ours
