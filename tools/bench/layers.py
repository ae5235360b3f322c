"""Nanoseconds a step of each layer of the master wiring, alone, over the inputs that the wiring gives it."""

from __future__ import annotations

import json
import platform
from pathlib import Path

import numpy as np

from stratoquant.graph.account import SHARED_ACCOUNT_PORTS
from stratoquant.graph.alone import prepare
from stratoquant.graph.compiler import checked_or_raise
from stratoquant.graph.model import Binding, Constant, Node, PortRef, SourceRef, VectorOf, elements
from stratoquant.graph.plan import Plan, compile_plan
from stratoquant.graph.session import Session
from stratoquant.layers import COSTS, catalogue
from stratoquant.runtime.data.synthetic import synthetic_market
from stratoquant.runtime.venue import SIMULATED, VenueSettings
from stratoquant.tools.bench.measure import median_seconds

SYMBOLS = ("BTCUSDT", "ETHUSDT", "XRPUSDT")
Table = dict[str, np.ndarray]


class Seen:
    """What every node read at each step of a run: ports, account and events, (bars, symbols) each."""

    def __init__(self, wiring: Path, bars: int) -> None:
        checked = checked_or_raise(wiring, catalogue())
        self.plan: Plan = compile_plan(checked, SIMULATED, SYMBOLS)
        market = synthetic_market(SYMBOLS, bars, 1, book=True)
        blocks = [(b.times.copy(), b.events.copy()) for b in market.blocks(bars)]
        self.times, self.events = (np.concatenate(parts) for parts in zip(*blocks, strict=True))
        sizes = {port: self.plan.column(port).size for port in _read_ports(self.plan)}
        self._values = {port: np.full((bars, len(SYMBOLS), size), np.nan) for port, size in sizes.items()}
        self._account: Table = {n: np.full((bars, len(SYMBOLS)), np.nan) for n in _account_ports(self.plan)}
        self._run()

    def _run(self) -> None:
        session = Session(self.plan, VenueSettings(), cash=100_000.0)
        for bar in range(len(self.times)):
            for name, column in self._account.items():
                shared = name in SHARED_ACCOUNT_PORTS
                column[bar] = session.wallet[name][0] if shared else session.accounts[name]
            session.step(int(self.times[bar]), self.events[bar])
            for port, table in self._values.items():
                for i in range(len(SYMBOLS)):
                    table[bar, i] = session.value(port, i)

    def inputs(self, node: Node) -> dict[str, np.ndarray]:
        """What the layer alone takes: of the first symbol, or of all for a portfolio layer."""
        return {name: self._input(node, name, binding) for name, binding in node.inputs.items()}

    def _input(self, node: Node, name: str, binding: Binding) -> np.ndarray:
        kind = node.layer.inputs[name]
        if kind.edge.name == "market_event":
            return self.events[:, 0]
        if isinstance(binding, VectorOf):
            missing = np.full((len(self.times), kind.size or 0), np.nan)
            for k, scalar in enumerate(elements(binding)):
                missing[:, k] = self._scalar(scalar)[:, 0, 0]
            return missing
        values = self._scalar(binding)
        if kind.per_symbol:
            return values[:, :, 0]
        return values[:, 0] if kind.size is not None else values[:, 0, 0]

    def _scalar(self, binding: Binding) -> np.ndarray:
        shape = (len(self.times), len(SYMBOLS), 1)
        if isinstance(binding, Constant):
            return np.full(shape, binding.value)
        if isinstance(binding, PortRef):
            table = self._values[f"{binding.node}.{binding.port}"]
            if not binding.delay:
                return table
            late = np.concatenate([np.full_like(table[:1], np.nan), table[:-1]])
            return late if binding.otherwise is None else np.where(np.isnan(late), binding.otherwise, late)
        if isinstance(binding, SourceRef) and binding.group == "account":
            return self._account[binding.port][:, :, None]
        if isinstance(binding, SourceRef) and binding.group == "clock":
            return np.broadcast_to(self.times[:, None, None].astype(float), shape)
        return np.full(shape, 0.0 if isinstance(binding, SourceRef) else np.nan)


def _read_ports(plan: Plan) -> list[str]:
    nodes = plan.graph.nodes.values()
    return sorted({f"{ref.node}.{ref.port}" for node in nodes for _, ref in node.references()})


def _account_ports(plan: Plan) -> set[str]:
    bound = [s for node in plan.graph.nodes.values() for b in node.inputs.values() for s in elements(b)]
    return {s.port for s in bound if isinstance(s, SourceRef) and s.group == "account"}


def layer_costs(wiring: Path, bars: int) -> dict[str, float]:
    """Median nanoseconds a step and symbol by layer, dearest first; of several nodes of a layer the first counts."""
    seen = Seen(wiring, bars)
    costs: dict[str, float] = {}
    for node in seen.plan.graph.nodes.values():
        if node.layer.key in costs:
            continue
        params = node.params.model_dump() if node.params else {}
        symbols = len(SYMBOLS) if node.layer.portfolio else 1
        model = node.model.values if node.model else None
        prepared = prepare(node.layer, seen.inputs(node), params, symbols, model=model)
        costs[node.layer.key] = median_seconds(prepared.run) / bars / symbols * 1e9
    return dict(sorted(costs.items(), key=lambda item: -item[1]))


def keep(costs: dict[str, float]) -> None:
    """Writes the figures where the catalogue's pages find them."""
    facts = {"machine": f"{platform.machine()}, {platform.system()}", "unit": "ns a step and symbol"}
    COSTS.write_text(json.dumps(facts | {"costs": {k: round(v, 1) for k, v in costs.items()}}, indent=1) + "\n")
