"""How long and how far each rule cut the size of positions, counted while a run goes on. Keeps no value of any bar."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from stratoquant.graph.plan import Plan
from stratoquant.graph.session import Recorded, Session
from stratoquant.graph.size_cuts import CutPort, cut_ports

EXACT = 1.0 - 1e-9
"""What is left of an uncut size, but for rounding."""

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class SizeCut:
    """bars: those on which there was a size to cut, of all symbols unless the rule is one for all. cut: those on which
    the rule left less. mean, least: what it left of the size on these, as a share. longest: the most of them in a row.
    """

    rule: str
    port: str
    bars: int
    cut: int
    mean: float
    least: float
    longest: int


def watched_ports(plan: Plan) -> list[str]:
    """The ports that must be recorded for the figures."""
    ports = [port for cut in _cuts(plan) for port in (cut.port, cut.of) if port is not None]
    return list(dict.fromkeys(ports))


def _cuts(plan: Plan) -> list[CutPort]:
    held = plan.layout.columns
    return [cut for cut in cut_ports(plan.graph) if cut.port in held and (cut.of is None or cut.of in held)]


class SizeCutCounter:
    """Counts over blocks. Every rule has a lane per symbol, or one for all."""

    def __init__(self, plan: Plan) -> None:
        self._rules = [(cut, _Lanes(1 if plan.column(cut.port).shared else len(plan.symbols))) for cut in _cuts(plan)]

    def add(self, values: dict[str, Floats], present: Flags) -> None:
        """values: of every watched port, (bars, symbols), or (bars, 1) of a shared one. present: which bars exist."""
        for cut, lanes in self._rules:
            left = values[cut.port]
            if cut.of is not None:
                asked = np.abs(values[cut.of])
                left = np.divide(np.abs(left), asked, out=np.full(left.shape, np.nan), where=asked > 0.0)
            left = 1.0 - left if cut.taken else left
            exists = present if left.shape[1] == present.shape[1] else present.any(axis=1, keepdims=True)
            lanes.add(np.where(exists, left, np.nan))

    def figures(self) -> list[SizeCut]:
        """Of the rules that cut, the one that cut longest first."""
        found = [lanes.figures(cut) for cut, lanes in self._rules if lanes.cut]
        return sorted(found, key=lambda f: -f.cut / f.bars)


def watched_values(session: Session, recorded: Recorded) -> dict[str, Floats]:
    """The watched ports among the recorded ones, as `SizeCutCounter.add` takes them."""
    wanted, found = set(watched_ports(session.plan)), {}
    places = [0, 0]
    for column in session.recorded_columns:
        if column.name in wanted:
            k = places[column.shared]
            found[column.name] = recorded.shared[:, k : k + 1] if column.shared else recorded.symbols[:, :, k]
        places[column.shared] += column.size
    return found


class _Lanes:
    """Stretches and sums of what one rule left, per lane."""

    def __init__(self, count: int) -> None:
        self.bars = self.cut = self.longest = 0
        self._sum = 0.0
        self._least = 1.0
        self._running = [0] * count  # cut bars at the end of what each lane has seen

    def add(self, left: Floats) -> None:
        for lane, column in enumerate(left.T):
            known = column[~np.isnan(column)]
            cut = known < EXACT
            self.bars += len(known)
            if cut.any():
                self.cut += int(cut.sum())
                self._sum += float(known[cut].sum())
                self._least = min(self._least, float(known[cut].min()))
            self._follow(lane, cut)

    def _follow(self, lane: int, cut: Flags) -> None:
        """Takes the lengths of stretches further; one may have begun in an earlier block."""
        ends = np.flatnonzero(~cut)
        if not len(ends):
            self._running[lane] += len(cut)
            self.longest = max(self.longest, self._running[lane])
            return
        inner = int(np.diff(ends).max(initial=1)) - 1
        self.longest = max(self.longest, self._running[lane] + int(ends[0]), inner)
        self._running[lane] = len(cut) - 1 - int(ends[-1])
        self.longest = max(self.longest, self._running[lane])

    def figures(self, cut: CutPort) -> SizeCut:
        return SizeCut(cut.rule, cut.port, self.bars, self.cut, self._sum / self.cut, self._least, self.longest)
