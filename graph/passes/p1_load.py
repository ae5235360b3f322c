"""Pass 1: YAML files to one document, every value with its place; includes merged, overrides applied."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from graph.diagnostics import Findings, Place, suggestion
from graph.wiring import ModelSection, NodeSection, Wiring
from graph.yaml_source import Source, read_yaml, similar_file


@dataclass(frozen=True)
class Placed:
    """A value of the document and where it stood. key: the place of its key. items: those of a list's elements."""

    value: Any
    place: Place
    key: Place
    items: tuple[Place, ...] = ()


@dataclass(frozen=True)
class ModelDocument:
    """A node's model file as written. path: where it must lie."""

    path: Path
    section: ModelSection
    file_place: Place
    hash_place: Place


@dataclass(frozen=True)
class NodeDocument:
    """A node as written. inputs and params keep the place of each value. layer_place: where the layer is named."""

    key: str
    layer: str
    layer_place: Place
    clock: Placed | None
    inputs: dict[str, Placed]
    params: dict[str, Placed]
    model: ModelDocument | None
    place: Place


@dataclass(frozen=True)
class Document:
    """The whole wiring as written, includes merged."""

    file: str
    name: str
    clock: Placed
    symbols: tuple[str, ...]
    nodes: dict[str, NodeDocument]
    orders: dict[str, Placed]
    record: tuple[Placed, ...]
    roles: dict[str, Placed]
    used_only: bool
    layer_folders: tuple[Placed, ...]
    place: Place
    orders_place: Place


@dataclass
class _Merge:
    """What the files read so far add up to."""

    findings: Findings
    nodes: dict[str, NodeDocument] = field(default_factory=dict)
    overrides: list[tuple[Source, Path, Wiring]] = field(default_factory=list)
    orders: dict[str, Placed] = field(default_factory=dict)
    record: list[Placed] = field(default_factory=list)
    roles: dict[str, Placed] = field(default_factory=dict)
    folders: list[Placed] = field(default_factory=list)
    read: set[Path] = field(default_factory=set)
    orders_place: Place | None = None


def load(path: Path, findings: Findings, settings: Mapping[str, float] | None = None) -> Document | None:
    """Reads a wiring and what it includes. `settings` sets parameters from outside, as {"L14.window": 21}.

    Returns None when the files cannot be understood; the reasons are among the findings.
    """
    merge = _Merge(findings)
    top = _read(path, merge, ())
    if top is None:
        return None
    source, wiring = top
    for overriding in merge.overrides:
        _override(*overriding, merge)
    for name, value in (settings or {}).items():
        _set_param(name, value, merge)
    clock = _placed(source, wiring.clock or "", "clock")
    if wiring.clock is None:
        findings.error("W007", "the wiring has no `clock`", source.place(), "add the spacing of its bars: `clock: 1m`")
    return Document(
        file=source.file,
        name=wiring.name or path.stem,
        clock=clock,
        symbols=tuple(wiring.symbols),
        nodes=merge.nodes,
        orders=merge.orders,
        record=tuple(merge.record),
        roles=merge.roles,
        used_only=wiring.outputs == "used",
        layer_folders=tuple(merge.folders),
        place=source.place(),
        orders_place=merge.orders_place or source.place(),
    )


def _read(path: Path, merge: _Merge, above: tuple[Path, ...]) -> tuple[Source, Wiring] | None:
    merge.read.add(path.resolve())
    source = read_yaml(path, merge.findings)
    wiring = None if source is None else _validate(source, merge.findings)
    if source is None or wiring is None:
        return None
    for i, name in enumerate(wiring.include):
        _include(path, name, source.place("include", i), merge, (*above, path.resolve()))
    _add(source, wiring, path, merge)
    return source, wiring


def _include(path: Path, name: str, place: Place, merge: _Merge, above: tuple[Path, ...]) -> None:
    """Reads an included file, unless another include has read it already."""
    target = path.parent / name
    if target.resolve() in above:
        chain = " -> ".join(p.name for p in (*above[above.index(target.resolve()) :], target))
        merge.findings.error("W006", f"the include is circular: {chain}", place, "remove one of these includes")
    elif target.is_dir():
        merge.findings.error("W005", f"`{name}` is a folder", place, "name each file, one entry of the list a file")
    elif not target.is_file():
        near = similar_file(target)
        hint = f"did you mean `{near.name}`?" if near else f"paths start at the folder of {path.name}"
        merge.findings.error("W005", f"the included file `{name}` does not exist", place, hint)
    elif target.resolve() not in merge.read:
        _read(target, merge, above)


def _add(source: Source, wiring: Wiring, path: Path, merge: _Merge) -> None:
    for key, section in wiring.nodes.items():
        place = source.key_place("nodes", key)
        if key in merge.nodes:
            merge.findings.error(
                "W018",
                f"the node `{key}` is already placed at {merge.nodes[key].place}",
                place,
                "give one of the two another name, or change it under `override`",
            )
            continue
        merge.nodes[key] = _node(source, path, "nodes", key, section)
    merge.overrides.append((source, path, wiring))
    _add_orders(source, wiring, merge)
    merge.record += [_placed(source, v, "record", i) for i, v in enumerate(wiring.record)]
    merge.roles |= {n: _placed(source, v, "roles", n) for n, v in wiring.roles.items()}
    for i, folder in enumerate(wiring.layers):
        place = source.place("layers", i)
        merge.folders.append(Placed(path.parent / folder, place, place))
        if not (path.parent / folder).is_dir():
            message = f"the folder of layers `{folder}` does not exist"
            hint = f"paths start at the folder of {path.name}"
            merge.findings.error("W005", message, place, hint)


def _add_orders(source: Source, wiring: Wiring, merge: _Merge) -> None:
    if not wiring.orders:
        return
    if merge.orders:
        place, first = source.key_place("orders"), merge.orders_place
        message = f"`orders` would replace the one at {first}"
        hint = "remove it; what must differ is written as `override: {orders: {...}}`"
        merge.findings.error("W046", message, place, hint)
        return
    merge.orders = {n: _placed(source, v, "orders", n) for n, v in wiring.orders.items()}
    merge.orders_place = source.key_place("orders")


def _placed(source: Source, value: Any, *path: str | int) -> Placed:
    items = tuple(source.place(*path, i) for i in range(len(value))) if isinstance(value, list) else ()
    return Placed(value, source.place(*path), source.key_place(*path), items)


def _node(source: Source, path: Path, section_name: str, key: str, section: NodeSection) -> NodeDocument:
    at = (section_name, key)
    return NodeDocument(
        key=key,
        layer=section.layer or key,
        layer_place=source.key_place(*at) if section.layer is None else source.place(*at, "layer"),
        clock=_placed(source, section.clock, *at, "clock") if section.clock is not None else None,
        inputs={n: _placed(source, v, *at, "inputs", n) for n, v in section.inputs.items()},
        params={n: _placed(source, v, *at, "params", n) for n, v in section.params.items()},
        model=_model(source, path, at, section.model) if section.model is not None else None,
        place=source.key_place(*at),
    )


def _model(source: Source, path: Path, at: tuple[str, str], section: ModelSection) -> ModelDocument:
    places = [source.place(*at, "model", key) for key in ("file", "sha256")]
    return ModelDocument(path.parent / section.file, section, *places)


def _override(source: Source, path: Path, wiring: Wiring, merge: _Merge) -> None:
    if wiring.override.orders:
        _override_orders(source, wiring.override.orders, merge)
    for key, section in wiring.override.nodes.items():
        place = source.key_place("override", key)
        if key not in merge.nodes:
            merge.findings.error(
                "W011",
                f"`override` names the node `{key}`, which is not placed",
                place,
                suggestion(key, merge.nodes) or "place it under `nodes`",
            )
            continue
        old, new = merge.nodes[key], _node(source, path, "override", key, section)
        merge.nodes[key] = NodeDocument(
            key=key,
            layer=section.layer or old.layer,
            layer_place=new.layer_place if section.layer else old.layer_place,
            clock=new.clock or old.clock,
            inputs=old.inputs | new.inputs,
            params=old.params | new.params,
            model=new.model or old.model,
            place=old.place,
        )


def _override_orders(source: Source, orders: Mapping[str, Any], merge: _Merge) -> None:
    if merge.orders:
        merge.orders |= {name: _placed(source, v, "override", "orders", name) for name, v in orders.items()}
        return
    place = source.key_place("override", "orders")
    message, hint = "`override` names `orders`, but no included file has any", "write them as `orders: {...}`"
    merge.findings.error("W011", message, place, hint)


def _set_param(name: str, value: float, merge: _Merge) -> None:
    key, _, param = name.partition(".")
    place = Place(f"--set {name}", 0, 0)
    if key not in merge.nodes or not param:
        merge.findings.error(
            "W011",
            f"`{name}` sets a parameter of a node that is not placed",
            place,
            suggestion(key, merge.nodes) or "write NODE.parameter=value",
        )
        return
    old = merge.nodes[key]
    merge.nodes[key] = replace(old, params=old.params | {param: Placed(value, place, place)})


def _validate(source: Source, findings: Findings) -> Wiring | None:
    if not isinstance(source.data, dict):
        findings.error("W007", "a wiring is a set of keys, not a list or a word", source.place(), "write `key: value`")
        return None
    try:
        return Wiring.model_validate(source.data)
    except ValidationError as problem:
        for error in {_path(error): error for error in problem.errors()}.values():
            _schema_error(error, source, findings)
        return None


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
        message = f"`{name}` must be {wanted}, not {_written(error['input'])}"
        findings.error("W007", message, source.place(*path), _example(path))


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


def _written(value: Any) -> str:
    if value is None:
        return "empty"
    if isinstance(value, dict | list):
        return "a list" if isinstance(value, list) else "a set of keys"
    return f"`{value}`"


__all__ = ["Document", "NodeDocument", "Placed", "load", "suggestion"]
