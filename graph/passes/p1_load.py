"""Pass 1: YAML files to one document, every value with its place; includes merged, overrides applied."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from stratoquant.graph.diagnostics import Findings, Place, suggestion
from stratoquant.graph.names import name_problem, symbol_problem
from stratoquant.graph.passes.p1_shape import Shape, shape_of
from stratoquant.graph.shipped import located
from stratoquant.graph.wiring import ModelSection, NodeSection, Wiring
from stratoquant.graph.yaml_source import Source, read_yaml, similar_file


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
    """The whole wiring as written, includes merged.

    complete: False when a part could not be read, so that a node may be there that is not known. broken: nodes with a
    part that could not be read.
    """

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
    complete: bool
    broken: frozenset[str]


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
    complete: bool = True
    broken: set[str] = field(default_factory=set)


def load(path: Path, findings: Findings, settings: Mapping[str, float] | None = None) -> Document | None:
    """Reads a wiring and what it includes. `settings` sets parameters from outside, as {"L14.window": 21}.

    Returns None when the files cannot be understood; the reasons are among the findings.
    """
    path = located(path)
    merge = _Merge(findings)
    top = _read(path, merge, ())
    if top is None:
        return None
    source, wiring = top[0], top[1].wiring
    for overriding in merge.overrides:
        _override(*overriding, merge)
    for name, value in (settings or {}).items():
        _set_param(name, value, merge)
    name = wiring.name or path.stem
    _check_names(source, name, wiring.symbols, findings)
    clock = _placed(source, wiring.clock or "", "clock")
    if wiring.clock is None and "clock" not in top[1].dropped:
        findings.error("W007", "the wiring has no `clock`", source.place(), "add the spacing of its bars: `clock: 1m`")
    return Document(
        file=source.file,
        name=name,
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
        complete=merge.complete,
        broken=frozenset(merge.broken),
    )


def _check_names(source: Source, name: str, symbols: Sequence[str], findings: Findings) -> None:
    """The names that become names of files."""
    if problem := name_problem(name):
        message = f"the wiring's name {name!r} cannot name a folder: {problem}"
        findings.error("W060", message, source.place("name"), "write it as `name: my_strategy`")
    for i, symbol in enumerate(symbols):
        place = source.place("symbols", i)
        if problem := symbol_problem(symbol):
            findings.error("W060", f"{symbol!r} cannot be a symbol: {problem}", place, "write it as the data names it")
        elif symbol in symbols[:i]:
            first = source.place("symbols", symbols.index(symbol))
            findings.error("W061", f"the symbol {symbol} is already named at {first}", place, "remove one of the two")


def _read(path: Path, merge: _Merge, above: tuple[Path, ...]) -> tuple[Source, Shape] | None:
    merge.read.add(path.resolve())
    source = read_yaml(path, merge.findings)
    shape = None if source is None else shape_of(source, merge.findings)
    if source is None or shape is None:
        merge.complete = False
        return None
    wiring = shape.wiring
    merge.complete = merge.complete and shape.complete
    merge.broken |= shape.broken
    for i, name in enumerate(wiring.include):
        _include(path, name, source.place("include", i), merge, (*above, path.resolve()))
    _add(source, wiring, path, merge)
    return source, shape


def _include(path: Path, name: str, place: Place, merge: _Merge, above: tuple[Path, ...]) -> None:
    """Reads an included file, unless another include has read it already."""
    target = path.parent / located(Path(name))
    if target.resolve() in above:
        chain = " -> ".join(p.name for p in (*above[above.index(target.resolve()) :], target))
        merge.findings.error("W006", f"the include is circular: {chain}", place, "remove one of these includes")
    elif target.is_dir():
        merge.complete = False
        merge.findings.error("W005", f"`{name}` is a folder", place, "name each file, one entry of the list a file")
    elif not target.is_file():
        merge.complete = False
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
        if key not in merge.nodes and not merge.complete:
            continue
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
    if not merge.complete:
        return
    place = source.key_place("override", "orders")
    message, hint = "`override` names `orders`, but no included file has any", "write them as `orders: {...}`"
    merge.findings.error("W011", message, place, hint)


def _set_param(name: str, value: float, merge: _Merge) -> None:
    key, _, param = name.partition(".")
    place = Place(f"--set {name}", 0, 0)
    if key not in merge.nodes and not merge.complete:
        return
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


__all__ = ["Document", "NodeDocument", "Placed", "load", "suggestion"]
