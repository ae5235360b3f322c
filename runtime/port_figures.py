"""What each port of a run was like: how often it is missing, at a bound, saturated or constant. Prints nothing.

A share is over bars that exist: a symbol's bar counts where its market has one. Figures of a vector are over its
elements.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf

import numpy as np
import numpy.typing as npt

from stratoquant.graph.passes.p6_warmup import measure_warmup
from stratoquant.graph.plan import Plan
from stratoquant.graph.session import Recorded
from stratoquant.graph.types import EdgeType

NEAR = 0.01
"""A value is near a bound when less than this part of the port's range lies between them."""

SATURATED = 0.5
"""A port is saturated when more than this share of its values is near a bound."""

BLOCK_VALUES = 1 << 22
"""Values of all ports that are held at once."""

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]


@dataclass(frozen=True)
class PortFigures:
    """layer: of the node. bars: bars that exist, of all symbols. values: how many of them have a value.

    missing: share of all bars without a value. missing_after: share of those after the declared warm-up, None where
    there is none. at_bound, near_bound: shares of the values; None without values or without a bound.
    """

    port: str
    layer: str
    edge: str
    warm_up: int
    bars: int
    values: int
    missing: float
    missing_after: float | None
    at_bound: float | None
    near_bound: float | None
    lowest: float | None
    highest: float | None

    @property
    def silent(self) -> bool:
        """Whether there are bars after the warm-up, and none has a value."""
        return self.missing_after == 1.0

    @property
    def constant(self) -> bool:
        """Whether it has one value only, on more bars than one."""
        return self.values > 1 and self.lowest == self.highest

    @property
    def saturated(self) -> bool:
        """Whether most values are near a bound of a score or a probability. A constant port is not called so."""
        return not self.constant and (self.near_bound or 0.0) > SATURATED

    @property
    def name(self) -> str:
        """LAYER.port, whatever the node is called."""
        return f"{self.layer}.{self.port.split('.')[1]}"


def bars_per_block(plan: Plan) -> int:
    """How many bars of every port fit into BLOCK_VALUES."""
    per_bar = sum(c.size * (1 if c.shared else len(plan.symbols)) for c in plan.layout.columns.values())
    return max(BLOCK_VALUES // max(per_bar, 1), 1)


class PortCounter:
    """Counts over blocks of a session that records every port, in the order of the plan's columns.

    start_ms: open of the first bar.
    """

    def __init__(self, plan: Plan, start_ms: int = 0) -> None:
        self._plan = plan
        warm_ups = measure_warmup(plan.graph, start_ms).total
        columns = plan.layout.columns.values()
        self._halves = tuple(
            _Half(
                plan,
                warm_ups,
                [c.name for c in columns if c.shared == shared],
                [c.size for c in columns if c.shared == shared],
            )
            for shared in (False, True)
        )
        self._done = 0

    def add(self, events: npt.NDArray[np.void], recorded: Recorded) -> None:
        """A block's values. events: of the same bars, (bars, symbols)."""
        exists = ~np.isnan(events["time"])
        own, shared = self._halves
        own.add(recorded.symbols, exists, self._done)
        shared.add(recorded.shared[:, None, :], exists.any(axis=1)[:, None], self._done)
        self._done += len(exists)

    def figures(self) -> list[PortFigures]:
        """In the order of the nodes."""
        found = {figures.port: figures for half in self._halves for figures in half.figures()}
        return [found[name] for name in self._plan.layout.columns]


class _Half:
    """The ports that each symbol has, or those that all share."""

    def __init__(self, plan: Plan, warm_ups: Mapping[str, int], names: Sequence[str], sizes: Sequence[int]) -> None:
        self._names = names
        self._layers = [plan.graph.nodes[name.split(".")[0]].layer for name in names]
        self._edges = [layer.outputs[name.split(".")[1]].edge for layer, name in zip(self._layers, names, strict=True)]
        self._warm_ups = np.array([warm_ups[name.split(".")[0]] for name in names], np.int64)
        self._starts = np.cumsum([0, *sizes])[:-1]
        bounds = np.repeat(np.array([_bounds(edge) for edge in self._edges]).reshape(-1, 4), sizes, axis=0)
        self._low, self._high, self._near_low, self._near_high = bounds.T
        count, width = len(names), int(sum(sizes))
        self._bars = 0
        self._present, self._after, self._present_after = (np.zeros(count, np.int64) for _ in range(3))
        self._values, self._at_bound, self._near = (np.zeros(width, np.int64) for _ in range(3))
        self._lowest, self._highest = np.full(width, np.nan), np.full(width, np.nan)

    def add(self, values: Floats, exists: npt.NDArray[np.bool_], first: int) -> None:
        """values: (bars, lanes, width). exists: (bars, lanes). first: the number of the first bar."""
        if not self._names or not exists.any():
            return
        rows = values[exists]
        bars = np.nonzero(exists)[0] + first
        valid = ~np.isnan(rows)
        present = np.logical_or.reduceat(valid, self._starts, axis=1)
        after = bars[:, None] >= self._warm_ups
        self._bars += len(rows)
        self._present += present.sum(axis=0)
        self._after += after.sum(axis=0)
        self._present_after += (present & after).sum(axis=0)
        self._values += valid.sum(axis=0)
        self._at_bound += ((rows == self._low) | (rows == self._high)).sum(axis=0)
        self._near += ((rows < self._near_low) | (rows > self._near_high)).sum(axis=0)
        self._lowest = np.fmin(self._lowest, np.fmin.reduce(rows, axis=0))
        self._highest = np.fmax(self._highest, np.fmax.reduce(rows, axis=0))

    def figures(self) -> list[PortFigures]:
        found = []
        ends = [*self._starts[1:], len(self._values)]
        for k, name in enumerate(self._names):
            own = slice(self._starts[k], ends[k])
            edge, values = self._edges[k], int(self._values[own].sum())
            bounded = edge.low > -inf or edge.high < inf
            after = int(self._after[k])
            found.append(
                PortFigures(
                    port=name,
                    layer=self._layers[k].key,
                    edge=edge.name,
                    warm_up=int(self._warm_ups[k]),
                    bars=self._bars,
                    values=values,
                    missing=1.0 - self._present[k] / self._bars if self._bars else 1.0,
                    missing_after=1.0 - self._present_after[k] / after if after else None,
                    at_bound=float(self._at_bound[own].sum() / values) if values and bounded else None,
                    near_bound=float(self._near[own].sum() / values) if values and saturates(edge) else None,
                    lowest=float(np.fmin.reduce(self._lowest[own])) if values else None,
                    highest=float(np.fmax.reduce(self._highest[own])) if values else None,
                )
            )
        return found


def saturates(edge: EdgeType) -> bool:
    """Whether a port of this type can be saturated: a score or a probability. A share rests at 0 or 1 where nothing was
    found or cut, and a flag, a side or a set of reasons has no value in between."""
    return edge.name in ("score", "prob")


def _bounds(edge: EdgeType) -> tuple[float, float, float, float]:
    """Low, high, and the values beyond which a value is near the one or the other."""
    if not saturates(edge):
        return edge.low, edge.high, -inf, inf
    margin = NEAR * (edge.high - edge.low)
    return edge.low, edge.high, edge.low + margin, edge.high - margin
