"""The published JSON Schema of every version, and what of a newer form would break readers of an older one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from stratoquant.mirror.json.models import LINE, VERSION

FOLDER = Path(__file__).parent
Schema = dict[str, Any]


def present() -> Schema:
    """The schema of the models as they are now."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"StratoQuant JSON mirror, version {VERSION}: a line",
        **LINE.json_schema(),
    }


def published(version: int = VERSION) -> Schema:
    """The schema that was published for a version. Raises FileNotFoundError."""
    schema: Schema = json.loads((FOLDER / f"v{version}.json").read_text(encoding="utf-8"))
    return schema


def text() -> str:
    """The present schema as its file holds it."""
    return json.dumps(present(), indent=1) + "\n"


def breaks(old: Schema, new: Schema) -> list[str]:
    """Why a reader of `old` could fail on what `new` allows; empty when it cannot.

    A reader may rely on every field that was there, on its type and bounds, and on what was always present. New
    optional fields are no break: readers pass over what they do not know.
    """
    found: list[str] = []
    before, after = old.get("$defs", {}), new.get("$defs", {})
    for name, definition in before.items():
        if name not in after:
            found.append(f"{name} is gone")
        else:
            found += _object_breaks(name, definition, after[name])
    found += [f"the new kind of line {kind} is unknown to readers" for kind in sorted(_kinds(new) - _kinds(old))]
    return found


def _kinds(schema: Schema) -> set[str]:
    return set(schema.get("discriminator", {}).get("mapping", {}))


def _object_breaks(name: str, old: Schema, new: Schema) -> list[str]:
    found: list[str] = []
    fields = new.get("properties", {})
    for field, before in old.get("properties", {}).items():
        if field not in fields:
            found.append(f"{name}.{field} is gone")
        elif _shape(before) != _shape(fields[field]):
            found.append(f"{name}.{field} has changed from {_shape(before)} to {_shape(fields[field])}")
    needed, known = set(new.get("required", ())), old.get("properties", {}).keys()
    lost = set(old.get("required", ())) - needed
    found += [f"{name}.{field} may be absent now" for field in sorted(lost & fields.keys())]
    found += [f"{name}.{field} is required and new: older files lack it" for field in sorted(needed - known)]
    stricter = (needed & known) - set(old.get("required", ()))
    found += [f"{name}.{field} is required now: older files may lack it" for field in sorted(stricter)]
    if old.get("enum") != new.get("enum") or old.get("type") != new.get("type"):
        found.append(f"{name} has changed from {_shape(old)} to {_shape(new)}")
    return found


def _shape(field: Schema) -> Schema:
    """What a reader relies on: everything but words for people. A default says what a field means that is left out."""
    return {key: value for key, value in field.items() if key not in ("description", "title")}
