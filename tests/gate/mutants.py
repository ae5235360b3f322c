"""Wirings changed at random, as a careless or hostile author would: rewired, overridden, with layers of their own.

Each is the text of a wiring that includes a sound one, and the files of layers that it brings along. Nothing here knows
which of them are sound.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from stratoquant.graph.account import (
    CLOCK_PORTS,
    OPERATOR_PORTS,
    ORDER_PORTS,
    SHARED_ACCOUNT_PORTS,
    SYMBOL_ACCOUNT_PORTS,
)
from stratoquant.graph.compiler import check, checked_or_raise
from stratoquant.graph.language import DOMAINS
from stratoquant.graph.model import Graph
from stratoquant.graph.passes.p2_resolve import parameter_bounds
from stratoquant.graph.registry import Registry
from stratoquant.graph.types import PortType
from stratoquant.layers import catalogue

HERE = Path(__file__).parent
BASES = ("small.yaml", "whole.yaml")
OWN_FOLDER = "own"
_SOURCES = {
    **{f"account.{name}": port for name, port in (SYMBOL_ACCOUNT_PORTS | SHARED_ACCOUNT_PORTS).items()},
    **{f"operator.{name}": port for name, port in OPERATOR_PORTS.items()},
    **{f"clock.{name}": port for name, port in CLOCK_PORTS.items()},
}
_NUMBERS = (0, 1, -1, 0.5, 3, 4000, 4_000_000, 1e15)
_OWN_OUTPUTS = {
    "side": "Side", "qty": "Qty", "bound": "Qty", "target": "SignedQty", "price": "Price", "notional": "Notional",
    "flag": "Flag", "share": "Unit", "label": "Label", "bars": "Bars",
}  # fmt: skip
_OWN_LAYER = '''"""A layer of somebody's own that always wants more."""

from typing import NamedTuple

from stratoquant.graph.language import layer
from stratoquant.graph.types import Bars, Flag, Label, Notional, Opt, Price, Qty, Side, SignedQty, Unit


class Out(NamedTuple):
    {outputs}


@layer({number}, "{name}", domain="{domain}", source="me"{role})
def step(target: Opt[SignedQty], close: Opt[Price]) -> Out:
    return Out({values})
'''
_VALUES = "1.0, 5000.0, 5000.0, 5000.0, close, 4000000.0, 1.0, 1.0, 0, 1.0"


def registry() -> Registry:
    """The shipped layers and those of the bases."""
    from_loop = catalogue().with_package("tests.account_loop", HERE.parent / "account_loop")
    return from_loop.with_package("tests.gate", HERE)


@dataclass
class Mutant:
    """A wiring and the files beside it. seed: it is made again from this and the base."""

    base: str
    seed: int
    nodes: dict[str, Any] = field(default_factory=dict)
    override: dict[str, Any] = field(default_factory=dict)
    orders: dict[str, Any] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    own: list[str] = field(default_factory=list)
    changes: list[str] = field(default_factory=list)

    def text(self) -> str:
        parts: dict[str, Any] = {
            "stratoquant": 1,
            "name": f"mutant_{self.seed}",
            "clock": "1h",
            "include": [str(HERE / self.base)],
        }
        parts |= {"layers": [OWN_FOLDER]} if self.files else {}
        parts |= {"nodes": self.nodes} if self.nodes else {}
        parts |= {"override": self.override} if self.override else {}
        parts |= {"orders": self.orders} if self.orders else {}
        return json.dumps(parts)  # JSON is YAML

    def write(self, folder: Path) -> Path:
        """Puts wiring and layers into a folder; returns the wiring's path."""
        for name, content in self.files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(content, encoding="utf-8")
        path = folder / "mutant.yaml"
        path.write_text(self.text(), encoding="utf-8")
        return path

    def inputs(self, node: str) -> dict[str, Any]:
        section: dict[str, Any] = (self.nodes if node in self.nodes else self.override).setdefault(node, {})
        return section.setdefault("inputs", {})


@cache
def base_graph(base: str) -> Graph:
    graph = checked_or_raise(HERE / base, registry()).graph
    assert graph is not None
    return graph


def mutant(base: str, seed: int) -> Mutant:
    """The base with one to four changes."""
    made, pick = Mutant(base, seed), random.Random(f"{base}/{seed}")
    for _ in range(pick.choice((1, 1, 2, 3, 4))):
        change = pick.choices(list(_CHANGES), list(_CHANGES.values()))[0]
        made.changes.append(change.__name__.strip("_"))
        change(made, pick)
    return made


def varied(made: Mutant, seed: int) -> Mutant:
    """The same structure with other numbers: what compiles to the same machine code."""
    pick = random.Random(f"{made.base}/{made.seed}/{seed}")
    copy = Mutant(made.base, made.seed, files=dict(made.files), changes=[*made.changes, f"numbers {seed}"])
    copy.nodes, copy.override, copy.orders = (
        json.loads(json.dumps(x)) for x in (made.nodes, made.override, made.orders)
    )
    for _ in range(3):
        _parameter(copy, pick)
        _gate_size(copy, pick)
    return copy


def _reference(made: Mutant, pick: random.Random, wanted: PortType | None) -> Any:
    """What a port is given: now and then anything, mostly something of its type."""
    graph = base_graph(made.base)
    outputs = {f"{n.key}.{p}": kind for n in graph.nodes.values() for p, kind in n.layer.outputs.items()} | _SOURCES
    fitting = [name for name, kind in outputs.items() if wanted is None or wanted.accepts(kind)]
    own = [f"{key}.{port}" for key in made.own for port in _OWN_OUTPUTS]
    kind = pick.random()
    if own and kind < 0.4:
        return pick.choice(own)
    if kind < 0.5:
        return pick.choice(_NUMBERS)
    if kind < 0.55:
        return "none"
    if kind < 0.6:
        return f"{pick.choice(list(outputs))}@-1 else 1"
    return pick.choice(fitting if fitting and kind < 0.95 else list(outputs))


def _rewire(made: Mutant, pick: random.Random) -> None:
    graph = base_graph(made.base)
    near = [k for k, n in graph.nodes.items() if n.layer.domain in ("risk", "execution") and n.inputs]
    key = pick.choice(near if pick.random() < 0.8 else [k for k, n in graph.nodes.items() if n.inputs])
    port = pick.choice(list(graph.nodes[key].inputs))
    made.inputs(key)[port] = _reference(made, pick, graph.nodes[key].layer.inputs[port])


def _number_in_place(made: Mutant, pick: random.Random) -> None:
    graph = base_graph(made.base)
    key = pick.choice([k for k, n in graph.nodes.items() if n.layer.domain in ("risk", "execution") and n.inputs])
    made.inputs(key)[pick.choice(list(graph.nodes[key].inputs))] = pick.choice(_NUMBERS)


def _gate_size(made: Mutant, pick: random.Random) -> None:
    size = pick.choice((10, 5_000, 200_000, 4_000_000, 1e15))
    made.inputs("L4").update(notional=size, allowed=size)


def _parameter(made: Mutant, pick: random.Random) -> None:
    graph = base_graph(made.base)
    node = pick.choice([n for n in graph.nodes.values() if n.params is not None and type(n.params).model_fields])
    name = pick.choice(list(type(node.params).model_fields))
    if type(node.params).model_fields[name].annotation is int:  # windows: another one may be another structure
        return
    low, high = parameter_bounds(type(node.params), name)
    made.override.setdefault(node.key, {}).setdefault("params", {})[name] = pick.choice(
        (low, high, pick.uniform(low, high))
    )


def _order_port(made: Mutant, pick: random.Random) -> None:
    port = pick.choice(list(ORDER_PORTS))
    made.override.setdefault("orders", {})[port] = _reference(made, pick, ORDER_PORTS[port])


def _orders_again(made: Mutant, pick: random.Random) -> None:
    made.orders = {port: _reference(made, pick, ORDER_PORTS[port]) for port in ("side", "qty")}


def _own_layer(made: Mutant, pick: random.Random) -> None:
    number = pick.choice((None, None, None, 4, 5, 95, 96, 104, 150))
    name = pick.choice(("mine", "more", "risk_manager", "venue_rules", "sma", "whim"))
    role = pick.choice(("", "", "", "gate", "governor", "boss"))
    domain = pick.choice(DOMAINS)
    file = f"{OWN_FOLDER}/risk/l{number}_{name}.py" if number is not None else f"{OWN_FOLDER}/blocks/{name}.py"
    made.files[file] = _OWN_LAYER.format(
        outputs="\n    ".join(f"{port}: {kind}" for port, kind in _OWN_OUTPUTS.items()),
        number=number,
        name=name,
        domain=domain,
        role=f', role="{role}"' if role else "",
        values=_VALUES,
    )
    key = f"own{len(made.own)}"
    made.own.append(key)
    layer = name if number is None else f"L{number}"
    made.nodes[key] = {"layer": layer, "inputs": {"target": "L4.target", "close": "L0.close"}}
    for change in pick.choices((_order_port, _rewire), k=2):
        change(made, pick)


def _second_gate(made: Mutant, pick: random.Random) -> None:
    gate = base_graph(made.base).nodes["L4"]
    inputs = {port: _written(str(binding)) for port, binding in gate.inputs.items()}
    made.nodes["gate2"] = {"layer": "L4", "inputs": inputs | {"notional": 4_000_000, "allowed": 4_000_000}}
    bridge = {"target": "gate2.target", "approved": "gate2.approved", "position": "account.position", "working": 0}
    made.nodes["bridge2"] = {"layer": "L5", "inputs": bridge}
    made.override.setdefault("orders", {})[pick.choice(("side", "qty"))] = (
        f"bridge2.order_{pick.choice(('side', 'qty'))}"
    )


def _written(text: str) -> Any:
    try:
        return float(text)
    except ValueError:
        return text


def _slower(made: Mutant, pick: random.Random) -> None:
    made.override.setdefault(pick.choice(list(base_graph(made.base).nodes)), {})["clock"] = "4h"


def _other_layer(made: Mutant, pick: random.Random) -> None:
    graph = base_graph(made.base)
    made.override.setdefault(pick.choice(list(graph.nodes)), {})["layer"] = pick.choice(registry().keys())


_CHANGES: Mapping[Callable[[Mutant, random.Random], None], int] = {
    _rewire: 8,
    _number_in_place: 3,
    _gate_size: 2,
    _parameter: 2,
    _order_port: 4,
    _orders_again: 1,
    _own_layer: 4,
    _second_gate: 1,
    _slower: 1,
    _other_layer: 1,
}

__all__ = ["BASES", "Mutant", "base_graph", "check", "mutant", "registry", "varied"]
