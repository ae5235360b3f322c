"""Random wirings over the test nodes, for hypothesis: clocks, delays, optional inputs, vectors and portfolio nodes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import yaml
from hypothesis import strategies as st

from stratoquant.graph.market import missing_events

CLOCKS = ("1m", "3m", "5m", "15m")
MINUTE = 60_000


@dataclass(frozen=True)
class _Output:
    """An output that later nodes may read."""

    name: str
    size: int | None = None


@st.composite
def wirings(draw: st.DrawFn, most: int = 8) -> str:
    """A sound wiring as YAML text. Every node reads earlier nodes, or any node a step late."""
    kinds = draw(st.lists(st.sampled_from(["feed", "smooth", "mix", "gather", "place"]), min_size=2, max_size=most))
    names = [f"n{i}" for i in range(len(kinds))]
    nodes: dict[str, dict[str, object]] = {"feed": {"inputs": {"raw": "market"}}}
    scalars = ["feed.close", "feed.volume"]
    every_scalar = scalars + [f"{n}.{_scalar_port(k)}" for n, k in zip(names, kinds, strict=True)]
    for name, kind in zip(names, kinds, strict=True):
        now = st.sampled_from(list(scalars))
        late = st.sampled_from(every_scalar).map(lambda port: f"{port}@-1 else 0.25")
        constant = st.floats(-1, 1).map(lambda x: round(x, 3))
        value = st.one_of(now, now, late, constant)
        node: dict[str, object] = {"layer": kind, "inputs": draw(_inputs(kind, now, value))}
        if draw(st.booleans()):
            node["clock"] = draw(st.sampled_from(CLOCKS))
        if kind == "smooth":
            node["params"] = {"window": draw(st.integers(1, 12))}
        if kind == "mix":
            node["params"] = {"weight": 0.1}
        nodes[name] = node
        scalars.append(f"{name}.{_scalar_port(kind)}")
    return yaml.safe_dump({"stratoquant": 1, "name": "random", "clock": "1m", "nodes": nodes, "record": []})


def _scalar_port(kind: str) -> str:
    return {"feed": "close", "smooth": "mean", "mix": "value", "gather": "present", "place": "share"}[kind]


def _inputs(kind: str, now: st.SearchStrategy[object], value: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    if kind == "feed":
        return st.just({"raw": "market"})
    if kind == "smooth":
        return st.fixed_dictionaries({"x": value})
    if kind == "mix":
        return st.fixed_dictionaries({"a": value}, optional={"b": st.one_of(value, st.just("none"))})
    if kind == "gather":
        element = st.one_of(value, st.just("none"))
        return st.fixed_dictionaries({"values": st.lists(element, min_size=1, max_size=4)})
    return st.fixed_dictionaries({"x": now, "scale": st.floats(-1, 1).map(lambda x: round(x, 3))})


def random_market(seed: int, bars: int, symbols: int) -> tuple[np.ndarray, np.ndarray]:
    """Times and events of a made market with gaps."""
    rng = np.random.default_rng(seed)
    times = 1_600_000_000_000 // MINUTE * MINUTE + np.arange(bars, dtype=np.int64) * MINUTE
    events = missing_events(bars, symbols)
    price = 100.0 * np.exp(np.cumsum(rng.normal(0.0, 0.01, (bars, symbols)), axis=0))
    present = rng.random((bars, symbols)) > 0.1
    for name, values in (("open", price), ("high", price * 1.01), ("low", price * 0.99), ("close", price)):
        events[name] = np.where(present, values, np.nan)
    events["time"] = np.where(present, times[:, None], np.nan)
    events["volume"] = np.where(present, rng.random((bars, symbols)), np.nan)
    return times, events
