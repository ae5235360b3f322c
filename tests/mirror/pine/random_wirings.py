"""Random wirings over the layers that a chart can compute: inputs from ports of their type, parameters at random."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any

import yaml

from stratoquant.graph.language import Layer
from stratoquant.graph.types import PortType
from stratoquant.layers import catalogue
from tests.layers.models import model_section

SOURCES = [
    "L0",
    "L1",
    "L2",
    "L7",
    "L10",
    "L11",
    "L13",
    "L14",
    "L15",
    "L17",
    "L19",
    "L20",
    "L21",
    "L26",
    "L50",
    "L59",
    "L63",
    "L68",
    "atr",
]  # wired as the product wires them: among them is a port of every type
_OHLC = {"high": "L0.high", "low": "L0.low", "close": "L0.close"}
FEW_SOURCES: dict[str, dict[str, object]] = {
    "L0": {"inputs": {"raw": "market", "now": "clock.time"}},
    "L1": {"inputs": _OHLC},
    "L2": {"inputs": {"close": "L0.close"}},
    "L11": {"inputs": {"close": "L0.close"}},
    "L15": {"inputs": _OHLC},
    "L19": {"inputs": _OHLC},
    "L59": {"inputs": {"close": "L0.close", "volume": "L0.volume", "buy_volume": "L0.buy_volume"}},
}  # quick to compile
FROM_BARS = ("open", "high", "low", "close", "volume", "time")
CLOCKS = ("3m", "5m", "15m")


def translatable() -> list[Layer]:
    """Every layer that a chart computes from bars, the door for data left out."""
    known = catalogue()
    layers = (known.get(key) for key in known.keys())  # noqa: SIM118 - not a dictionary
    return [layer for layer in layers if layer.pine == "yes" and not layer.portfolio]


@dataclass
class Wirer:
    """Writes nodes. ports: those that may be read so far, with their types."""

    random: random.Random
    includes: list[str]
    ports: dict[str, PortType] = field(default_factory=dict)
    nodes: dict[str, Any] = field(default_factory=dict)

    def add_sources(self, keys: list[str]) -> None:
        for key in keys:
            self._offer(key, catalogue().get(key))

    def _offer(self, key: str, layer: Layer) -> None:
        self.ports |= {f"{key}.{name}": kind for name, kind in layer.outputs.items() if kind.size is None}

    def add(self, key: str, layer: Layer, *, clock: str = "", chained: bool = False, bounds: float = 1.5) -> None:
        """Places a layer. chained: others may read it. bounds: how far whole parameters may exceed their defaults."""
        feed = f"feed_{clock}" if clock else "L0"
        node: dict[str, Any] = {"layer": layer.key, "inputs": {}}
        if clock:
            node["clock"] = clock
            self.nodes.setdefault(
                feed, {"layer": "L0", "clock": clock, "inputs": {"raw": "market", "now": "clock.time"}}
            )
        for name, kind in layer.inputs.items():
            node["inputs"][name] = f"{feed}.{name}" if name in FROM_BARS else self._input(kind)
        params = self._params(layer, bounds)
        if params:
            node["params"] = params
        if layer.model:
            node["model"] = model_section(layer)
        self.nodes[key] = node
        if chained:
            self._offer(key, layer)

    def _input(self, kind: PortType) -> object:
        if kind.size is not None:
            element = PortType(kind.edge)
            return [self._scalar(element, optional=True) for _ in range(kind.size)]
        return self._scalar(kind, optional=kind.optional)

    def _scalar(self, kind: PortType, *, optional: bool) -> object:
        plain = PortType(kind.edge)
        fitting = [name for name, source in self.ports.items() if plain.accepts(source)]
        pick = self.random.random()
        if optional and pick < 0.2:
            return "none"
        if not fitting or pick > 0.95:
            return self._constant(kind)
        port = self.random.choice(fitting)
        return f"{port}@-1 else {self._constant(kind)}" if pick > 0.85 else port

    def _constant(self, kind: PortType) -> float:
        low, high = max(kind.edge.low, -2.0), min(kind.edge.high, 3.0)
        value = self.random.uniform(low + 0.1, high)
        return float(round(value)) if kind.edge.whole else round(value, 3)

    def _params(self, layer: Layer, bounds: float) -> dict[str, float]:
        if layer.params is None:
            return {}
        chosen: dict[str, float] = {}
        for name, declared in layer.params.model_fields.items():
            low = next(m.ge for m in declared.metadata if hasattr(m, "ge"))
            high = next(m.le for m in declared.metadata if hasattr(m, "le"))
            default = declared.default
            if declared.annotation is int:
                chosen[name] = self.random.randint(int(low), max(int(low), min(int(high), int(bounds * default))))
            else:
                spread = sorted((0.6 * default, 1.5 * default))
                chosen[name] = round(min(max(self.random.uniform(*spread), low), high), 9)
        return chosen

    def text(self) -> str:
        head: dict[str, Any] = {"stratoquant": 1, "name": "random", "clock": "1m"}
        if self.includes:
            head["include"] = self.includes
        return yaml.safe_dump({**head, "nodes": self.nodes, "record": [], "roles": {}}, sort_keys=False)


def each_layer_alone(seed: int, layers: list[Layer], includes: list[str]) -> tuple[str, list[str]]:
    """A wiring with one node a layer, fed by the sources alone, and the names of those nodes."""
    wirer = Wirer(random.Random(seed), includes)
    wirer.add_sources(SOURCES)
    keys = []
    for layer in layers:
        keys.append(f"alone_{layer.identifier}")
        wirer.add(keys[-1], layer)
    return wirer.text(), keys


def chained_layers(seed: int, layers: list[Layer], count: int = 8) -> tuple[str, list[str]]:
    """A wiring whose nodes read each other, on several clocks and one step late, and the names of those nodes."""
    wirer = Wirer(random.Random(seed), [], nodes={key: dict(node) for key, node in FEW_SOURCES.items()})
    wirer.add_sources(list(FEW_SOURCES))
    keys = []
    for k in range(count):
        layer = wirer.random.choice(layers)
        clock = wirer.random.choice(("", "", *CLOCKS))
        keys.append(f"chained_{k}")
        wirer.add(keys[-1], layer, clock=clock, chained=True, bounds=0.4 if clock else 1.0)
    return wirer.text(), keys
