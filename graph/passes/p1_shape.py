"""Part of pass 1: whether a file has the shape of a wiring.

What does not fit is reported and dropped; the rest is kept, so that its findings are reported as well.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from stratoquant.graph.diagnostics import Findings, suggestion
from stratoquant.graph.wiring import SCHEMA_VERSION, NodeSection, Wiring
from stratoquant.graph.yaml_source import Source, plain_kind

_HOLD_NODES = ("nodes", "include", "layers")


@dataclass(frozen=True)
class Shape:
    """What of a file fits. dropped: its keys that do not. broken: nodes of which a part is dropped.

    complete: False when nodes, or files with nodes, may be among what is dropped.
    """

    wiring: Wiring
    dropped: frozenset[str] = frozenset()
    broken: frozenset[str] = frozenset()
    complete: bool = True


def shape_of(source: Source, findings: Findings) -> Shape | None:
    """The wiring that a file holds; None when there is nothing to go on with."""
    if not isinstance(source.data, dict):
        findings.error("W007", "a wiring is a set of keys, not a list or a word", source.place(), "write `key: value`")
        return None
    try:
        return Shape(Wiring.model_validate(source.data))
    except ValidationError as problem:
        errors = {_path(error): error for error in problem.errors()}
    for error in errors.values():
        _schema_error(error, source, findings)
    rest = deepcopy(source.data)
    dropped = {_drop(rest, path) for path in errors}
    try:
        wiring = Wiring.model_validate(rest)
    except ValidationError:
        return None
    whole = frozenset(path[0] for path in dropped if len(path) == 1)
    nodes = frozenset(path[1] for path in dropped if len(path) in (2, 3))
    known = Wiring.model_fields
    return Shape(wiring, whole, nodes, all(key in known and key not in _HOLD_NODES for key in whole))


def _drop(data: dict[str, Any], path: tuple[Any, ...]) -> tuple[str, ...]:
    """Removes what does not fit; returns the path of it: a key, a node, a key of a node, or an entry of that."""
    if path == ("stratoquant",):
        data["stratoquant"] = SCHEMA_VERSION
        return path
    in_node = path[0] in ("nodes", "override") and len(path) > 1
    length = min(len(path), 4 if in_node else 1)
    holder: Any = data
    for key in path[: length - 1]:
        holder = holder[key]
    if in_node and length == 2 and path[0] == "nodes":
        holder[path[1]] = {}
    else:
        holder.pop(path[length - 1], None)
    return tuple(map(str, path[:length]))


def _path(error: Any) -> tuple[Any, ...]:
    """Keys and indices on the way to the value; a parameter is one of two kinds of number, and pydantic names both."""
    location = tuple(error["loc"])
    return location[:4] if location[2:3] == ("params",) else location


def _schema_error(error: Any, source: Source, findings: Findings) -> None:
    path = _path(error)
    if error["type"] == "extra_forbidden":
        message, hint = f"unknown key `{path[-1]}`", _unknown_key(path, error["input"])
        findings.error("W007", message, source.key_place(*path), hint)
    elif path == ("stratoquant",):
        written = source.data.get("stratoquant")
        what = "is missing" if error["type"] == "missing" else f"is {written!r}; this program reads version 1"
        message, hint = f"the format version `stratoquant` {what}", "start the file with `stratoquant: 1`"
        findings.error("W008", message, source.place("stratoquant"), hint)
    else:
        name = ".".join(str(part) for part in path)
        wanted = _WANTED.get(error["type"], str(error["msg"]).lower())
        text = source.plain.get(path)
        message = f"`{name}` must be {wanted}, not {_written(error['input'], text)}"
        quote = error["type"] == "string_type" and text is not None
        findings.error("W007", message, source.place(*path), _quoted(path, text or "") if quote else _example(path))


_SET, _NUMBER = "a set of `key: value`", "a number"
_WANTED = {
    "string_type": "text",
    "list_type": "a list",
    "dict_type": _SET,
    "model_type": _SET,
    "model_attributes_type": _SET,
    "int_type": _NUMBER,
    "float_type": _NUMBER,
    "finite_number": "a finite number",
    "literal_error": "`all` or `used`",
}
_EXAMPLES = {
    "name": "name: my_strategy",
    "description": "description: what it trades, and why",
    "clock": "clock: 1m",
    "symbols": "symbols: [BTCUSDT, ETHUSDT]",
    "include": "include: [kinematics.yaml]",
    "layers": "layers: [my_layers]",
    "nodes": "nodes: {L14: {inputs: {close: L0.close}}}",
    "override": "override: {L14: {params: {window: 21}}}",
    "orders": "orders: {side: L5.order_side, qty: L96.qty}",
    "record": "record: [L14.rsi]",
    "outputs": "outputs: used",
    "roles": "roles: {price: L0.close}",
    "layer": "layer: L14",
    "inputs": "inputs: {close: L0.close}",
    "params": "params: {window: 14}",
    "model": "model: {file: models/regime.json, sha256: 9f86d081...}",
}


def _example(path: tuple[Any, ...]) -> str:
    """How the key at hand, or the nearest one around it, is written."""
    known = path[2] if path[0] in ("nodes", "override") and len(path) > 2 else path[0]
    return f"write it as `{_EXAMPLES.get(str(known), _EXAMPLES['nodes'])}`"


def _unknown_key(path: tuple[Any, ...], value: Any) -> str:
    in_node = path[0] in ("nodes", "override") and len(path) > 1
    known = NodeSection.model_fields if in_node else Wiring.model_fields
    if in_node and isinstance(value, int | float):
        return f"parameters stand under `params: {{{path[-1]}: {value}}}`"
    if in_node and isinstance(value, str) and "." in value:
        return f"inputs stand under `inputs: {{{path[-1]}: {value}}}`"
    return suggestion(str(path[-1]), known) or f"known keys here: {', '.join(known)}"


def _quoted(path: tuple[Any, ...], text: str) -> str:
    """How a word is written that YAML would take for something else."""
    if path[-1] == "layer" and text.isdigit():
        return f"write the key of the layer: `layer: L{text}`"
    if path[-1] == "clock" and text.isdigit():
        return f"add the unit: `clock: {text}m`"
    if path[0] in ("record", "roles"):
        return _example(path)
    return f'put it in quotes, `"{text}"`: without them YAML reads {plain_kind(text)}' if text else _example(path)


def _written(value: Any, text: str | None) -> str:
    """A value as it stands in the file. text: what is written there, if it is one plain word."""
    if isinstance(value, dict | list):
        return "a list" if isinstance(value, list) else "a set of keys"
    if text == "" or (value is None and text is None):
        return "empty"
    return f"`{value if text is None else text}`"
