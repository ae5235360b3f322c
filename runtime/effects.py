"""What each node does to the target: the run repeated with the node neutral, and the bars on which the target differs.

The repeated run has an account of its own, so a changed order also changes what follows from the position. Prints
nothing.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from math import nan
from threading import Event

import numpy as np
import numpy.typing as npt

from stratoquant.graph.model import Graph, Node, PortRef, elements
from stratoquant.graph.observation import Observed, ObservedSession
from stratoquant.graph.passes.p4_causality import wires
from stratoquant.graph.types import PortType
from stratoquant.runtime.backtest import BLOCK, RunSettings
from stratoquant.runtime.data.market import Market

NEUTRAL = {
    "score": 0.0,  # evidence for neither side
    "side": 0.0,
    "sigma": 0.0,
    "logreturn": 0.0,
    "prob": 0.5,  # as likely as not
    "unit": 1.0,  # the whole: as a factor it cuts nothing
    "flag": 0.0,
    "bitmask": 0.0,  # no reason
    "count": 0.0,
    "bps": 0.0,
    "qty": 0.0,
    "signed_qty": 0.0,
    "notional": 0.0,
    "real": 0.0,
}
"""What stands for a port of a neutral node, by edge type. Other types (a price, a volatility, a number of bars, a
class, a time) have no neutral value: the port is missing then, as is every port whose readers all do without it."""


@dataclass(frozen=True)
class Effect:
    """changed: bars x symbols on which a target port differs when the node is neutral. bars: all bars x symbols."""

    node: str
    layer: str
    changed: int
    bars: int


def target_ports(graph: Graph) -> list[str]:
    """What the effect of a node is measured on: the role `target`, else the ports that feed the orders."""
    if "target" in graph.roles:
        return [f"{graph.roles['target'].node}.{graph.roles['target'].port}"]
    feeding = [ref for binding in graph.orders.values() for ref in elements(binding) if isinstance(ref, PortRef)]
    return list(dict.fromkeys(f"{ref.node}.{ref.port}" for ref in feeding))


def neutral_values(graph: Graph, node: Node) -> dict[str, float]:
    """What stands for each output of a node that is put to neutral."""
    return {f"{node.key}.{port}": _neutral(graph, node.key, port, kind) for port, kind in node.layer.outputs.items()}


def _neutral(graph: Graph, key: str, port: str, kind: PortType) -> float:
    readers = [
        reader.layer.inputs[name]
        for reader in graph.nodes.values()
        for name, ref in reader.references()
        if (ref.node, ref.port) == (key, port)
    ]
    if readers and all(reader.optional or reader.size is not None for reader in readers):
        return nan
    return NEUTRAL.get(kind.edge.name, nan)


def measure_effects(
    observed: Observed, market: Market, settings: RunSettings, on_done: Callable[[int], None] = lambda _: None
) -> list[Effect]:
    """The effect of every node, in their order. on_done gets the number of nodes measured.

    Every processor runs another node. An exception in `on_done`, as from Ctrl-C, ends all runs at their next block.
    """
    graph = observed.plan.graph
    reaching = _reaching(graph)
    stop = Event()
    usual = _targets(observed, market, settings, {}, stop)
    results = {key: Effect(key, node.layer.key, 0, usual.size) for key, node in graph.nodes.items()}
    with ThreadPoolExecutor(_processors()) as pool:

        def measure(key: str) -> int:
            values = {p: v for p, v in neutral_values(graph, graph.nodes[key]).items() if p in observed.switches}
            return _differing(usual, _targets(observed, market, settings, values, stop))

        waiting = {pool.submit(measure, key): key for key in graph.nodes if key in reaching}
        try:
            for done, future in enumerate(as_completed(waiting), len(graph.nodes) - len(waiting) + 1):
                key = waiting[future]
                results[key] = Effect(key, graph.nodes[key].layer.key, future.result(), usual.shape[0] * usual.shape[1])
                on_done(done)
        except BaseException:
            stop.set()
            pool.shutdown(cancel_futures=True)
            raise
    return list(results.values())


def _reaching(graph: Graph) -> set[str]:
    """The nodes from which a wire, late ones included, leads to the target or to an order; no other can matter."""
    ends = {port.split(".")[0] for port in target_ports(graph)}
    ends |= {ref.node for b in graph.orders.values() for ref in elements(b) if isinstance(ref, PortRef)}
    return wires(graph, delayed=True).with_sources(ends)


def _targets(
    observed: Observed, market: Market, settings: RunSettings, neutral: dict[str, float], stop: Event
) -> npt.NDArray[np.float64]:
    """The target ports of one run, (bars, symbols, ports); of a run that the account did not survive, to its end."""
    session = observed_session(observed, settings, target_ports(observed.plan.graph))
    session.put_in_place(neutral)
    return np.concatenate(list(_target_blocks(session, market, stop)))


def _target_blocks(session: ObservedSession, market: Market, stop: Event) -> Iterator[npt.NDArray[np.float64]]:
    for block in market.blocks(BLOCK):
        if stop.is_set():
            raise KeyboardInterrupt
        recorded = session.run(block.times, block.events)
        bars, symbols = recorded.symbols.shape[:2]
        shared = np.broadcast_to(recorded.shared[:, None, :], (bars, symbols, recorded.shared.shape[1]))
        yield np.concatenate([recorded.symbols, shared], axis=2)
        if session.ruined:
            return


def observed_session(observed: Observed, settings: RunSettings, record: list[str]) -> ObservedSession:
    """A session as the backtest has it, of an observed plan."""
    rules = [dict(settings.rules.get(s, settings.rules.get("default", {}))) for s in observed.plan.symbols]
    return ObservedSession(
        observed, settings.venue, cash=settings.cash, rules=rules, limits=settings.limits, record=record
    )


def _differing(usual: npt.NDArray[np.float64], other: npt.NDArray[np.float64]) -> int:
    """Bars x symbols with another value, or with one where there was none; those after an earlier end included."""
    length = min(len(usual), len(other))
    one, two = usual[:length], other[:length]
    same = (one == two) | (np.isnan(one) & np.isnan(two))
    lost = abs(len(usual) - len(other)) * usual.shape[1]
    return int((~same).any(axis=2).sum()) + lost


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
