"""Pass 1: YAML files to one document, every value with its place; includes merged, overrides applied."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from graph.diagnostics import Findings, Place
from graph.wiring import NodeSection, Wiring
from graph.yaml_source import Source, read_yaml


@dataclass(frozen=True)
class Placed:
    """A value of the document together with where it stood."""

    value: Any
    place: Place


@dataclass(frozen=True)
class NodeDocument:
    """A node as written. inputs and params keep the place of each value."""

    key: str
    layer: str
    clock: Placed | None
    inputs: dict[str, Placed]
    params: dict[str, Placed]
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
    layer_folders: tuple[Path, ...]
    place: Place


@dataclass
class _Merge:
    """What the files read so far add up to."""

    findings: Findings
    nodes: dict[str, NodeDocument] = field(default_factory=dict)
    overrides: list[tuple[Source, Wiring]] = field(default_factory=list)
    orders: dict[str, Placed] = field(default_factory=dict)
    record: list[Placed] = field(default_factory=list)
    roles: dict[str, Placed] = field(default_factory=dict)
    folders: list[Path] = field(default_factory=list)


def load(path: Path, findings: Findings, settings: Mapping[str, float] | None = None) -> Document | None:
    """Reads a wiring and what it includes. `settings` sets parameters from outside, as {"L14.window": 21}.

    Returns None when the files cannot be understood; the reasons are among the findings.
    """
    merge = _Merge(findings)
    top = _read(path, merge, ())
    if top is None:
        return None
    source, wiring = top
    for overriding, section in merge.overrides:
        _override(overriding, section, merge)
    for name, value in (settings or {}).items():
        _set_param(name, value, merge, source.file)
    clock = Placed(wiring.clock or "", source.place("clock"))
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
        layer_folders=tuple(merge.folders),
        place=source.place(),
    )


def _read(path: Path, merge: _Merge, above: tuple[Path, ...]) -> tuple[Source, Wiring] | None:
    source = read_yaml(path, merge.findings)
    wiring = None if source is None else _validate(source, merge.findings)
    if source is None or wiring is None:
        return None
    for i, name in enumerate(wiring.include):
        _include(path, name, source.place("include", i), merge, (*above, path.resolve()))
    _add(source, wiring, path, merge)
    return source, wiring


def _include(path: Path, name: str, place: Place, merge: _Merge, above: tuple[Path, ...]) -> None:
    target = path.parent / name
    if target.resolve() in above:
        chain = " -> ".join(p.name for p in (*above, target))
        merge.findings.error("W006", f"the include is circular: {chain}", place, "remove one of these includes")
    elif not target.is_file():
        near = get_close_matches(target.name, [p.name for p in target.parent.glob("*.yaml")], 1)
        hint = f"did you mean `{near[0]}`?" if near else "give the path relative to this file"
        merge.findings.error("W005", f"the included file `{name}` does not exist", place, hint)
    else:
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
        merge.nodes[key] = _node(source, "nodes", key, section)
    merge.overrides += [(source, wiring)] if wiring.override else []
    merge.orders |= {n: Placed(v, source.place("orders", n)) for n, v in wiring.orders.items()}
    merge.record += [Placed(v, source.place("record", i)) for i, v in enumerate(wiring.record)]
    merge.roles |= {n: Placed(v, source.place("roles", n)) for n, v in wiring.roles.items()}
    merge.folders += [path.parent / folder for folder in wiring.layers]


def _node(source: Source, section_name: str, key: str, section: NodeSection) -> NodeDocument:
    at = (section_name, key)
    return NodeDocument(
        key=key,
        layer=section.layer or key,
        clock=Placed(section.clock, source.place(*at, "clock")) if section.clock is not None else None,
        inputs={n: Placed(v, source.place(*at, "inputs", n)) for n, v in section.inputs.items()},
        params={n: Placed(v, source.place(*at, "params", n)) for n, v in section.params.items()},
        place=source.key_place(*at),
    )


def _override(source: Source, wiring: Wiring, merge: _Merge) -> None:
    for key, section in wiring.override.items():
        place = source.key_place("override", key)
        if key not in merge.nodes:
            merge.findings.error(
                "W011",
                f"`override` names the node `{key}`, which is not placed",
                place,
                suggestion(key, merge.nodes) or "place it under `nodes`",
            )
            continue
        old, new = merge.nodes[key], _node(source, "override", key, section)
        merge.nodes[key] = NodeDocument(
            key=key,
            layer=section.layer or old.layer,
            clock=new.clock or old.clock,
            inputs=old.inputs | new.inputs,
            params=old.params | new.params,
            place=old.place,
        )


def _set_param(name: str, value: float, merge: _Merge, file: str) -> None:
    key, _, param = name.partition(".")
    place = Place(f"--set {name}")
    if key not in merge.nodes or not param:
        merge.findings.error(
            "W011",
            f"`{name}` sets a parameter of a node that is not placed",
            place,
            suggestion(key, merge.nodes) or "write NODE.parameter=value",
        )
        return
    old = merge.nodes[key]
    merge.nodes[key] = NodeDocument(
        old.key, old.layer, old.clock, old.inputs, old.params | {param: Placed(value, place)}, old.place
    )


def suggestion(word: str, known: Any) -> str:
    """`did you mean` with the nearest known word, or nothing."""
    near = get_close_matches(word, list(known), 1, 0.5)
    return f"did you mean `{near[0]}`?" if near else ""


def _validate(source: Source, findings: Findings) -> Wiring | None:
    if not isinstance(source.data, dict):
        findings.error("W007", "a wiring is a set of keys, not a list or a word", source.place(), "write `key: value`")
        return None
    try:
        return Wiring.model_validate(source.data)
    except ValidationError as problem:
        for error in problem.errors():
            _schema_error(error, source, findings)
        return None


def _schema_error(error: Any, source: Source, findings: Findings) -> None:
    path = tuple(part for part in error["loc"] if part not in ("int", "float"))
    name = ".".join(str(part) for part in path)
    if error["type"] == "extra_forbidden":
        model = NodeSection if path[0] in ("nodes", "override") and len(path) > 1 else Wiring
        known = ", ".join(model.model_fields)
        hint = suggestion(str(path[-1]), model.model_fields) or f"known keys here: {known}"
        findings.error("W007", f"unknown key `{path[-1]}`", source.key_place(*path), hint)
    elif path == ("stratoquant",):
        what = "is missing" if error["type"] == "missing" else f"is {source.data.get('stratoquant')!r}"
        findings.error(
            "W008",
            f"the format version `stratoquant` {what}",
            source.place("stratoquant"),
            "start the file with `stratoquant: 1`",
        )
    else:
        findings.error(
            "W007",
            f"`{name}`: {error['msg'][0].lower()}{error['msg'][1:]}",
            source.place(*path),
            "see `stratoquant check --explain W007` for the shape of a wiring",
        )


__all__ = ["Document", "NodeDocument", "Placed", "load", "suggestion"]
