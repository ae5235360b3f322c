"""A wiring as an object: what is wrong with it, what it looks like, and what comes of running it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from stratoquant.graph.compiler import Checked, check
from stratoquant.graph.diagnostics import Diagnostic, WiringError
from stratoquant.graph.drawing import as_dot, as_listing, as_mermaid, draw
from stratoquant.graph.identity import wiring_digest
from stratoquant.graph.model import Graph
from stratoquant.layers import catalogue

if TYPE_CHECKING:
    from stratoquant.api.run import Run
    from stratoquant.config.settings import Settings
    from stratoquant.runtime.data.market import Market

_STYLES = {"text": as_listing, "mermaid": as_mermaid, "dot": as_dot}


def load(path: str | os.PathLike[str], set: Mapping[str, float] | None = None) -> Wiring:
    """Reads and checks a wiring; compiles nothing.

    set: parameters in place of those of the file, as {"fast.window": 30}. A wiring with errors is returned as well:
    `findings` names them, and running it raises WiringError.
    """
    return Wiring(Path(path), dict(set or {}))


class Wiring:
    """A wiring that was read and checked."""

    def __init__(self, path: Path, settings: Mapping[str, float]) -> None:
        self.path = path
        self.settings = dict(settings)
        self._checked = check(path, catalogue(), self.settings)

    @property
    def findings(self) -> tuple[Diagnostic, ...]:
        """Errors and warnings, each with file, line, column and fix."""
        return self._checked.findings

    @property
    def sound(self) -> bool:
        """Whether it has no error."""
        return self._checked.sound

    @property
    def graph(self) -> Graph:
        """Nodes and wires. Raises WiringError where there are errors."""
        graph = self.checked().graph
        assert graph is not None
        return graph

    @property
    def warmup(self) -> int:
        """Base bars before orders have all that they read; 0 for a wiring without orders."""
        warmup = self.checked().warmup
        assert warmup is not None
        return warmup.orders

    @property
    def fingerprint(self) -> str:
        """16 hexadecimal digits: two wirings with the same ones compute the same on the same data."""
        return wiring_digest(self.graph)

    def draw(self, style: str = "text") -> str:
        """The graph in the order of its steps: "text", "mermaid" or "dot"."""
        if style not in _STYLES:
            raise ValueError(f"{style!r} is no style; choose {', '.join(_STYLES)}")
        return _STYLES[style](draw(self.checked()))

    def pine(self, *, strategy: bool = False) -> str:
        """The wiring as a TradingView script, Pine v6. Raises StratoError where nothing of it can be translated."""
        from stratoquant.mirror.pine.export import choose, export

        checked = self.checked()
        return export(checked, choose(checked, strategy=strategy), strategy=strategy).text

    def backtest(
        self,
        bars: Market,
        cash: float | None = None,
        settings: Settings | str | os.PathLike[str] | None = None,
        out: str | os.PathLike[str] | None = None,
    ) -> Run:
        """Runs it over a market.

        cash: what the account starts with, quote currency. settings: of account and venue, or a file of them; without
        them those of config/default.yaml. out: the folder of the results; without it they are kept while the run is.
        Raises WiringError for a wiring with errors, and DataError for bars that cannot be run over.
        """
        from stratoquant.api.run import backtest

        return backtest(self.checked(), bars, cash, settings, out)

    def checked(self) -> Checked:
        """What the compiler takes. Raises WiringError where there are errors."""
        if not self._checked.sound:
            raise WiringError(self._checked.findings)
        return self._checked

    def __repr__(self) -> str:
        errors = sum(f.severity.value == "error" for f in self.findings)
        if errors:
            return f"<Wiring {self.path}: {errors} error{'s' if errors > 1 else ''}, see .findings>"
        symbols = ", ".join(self.graph.symbols) or "no symbols"
        return f"<Wiring {self.graph.name}: {len(self.graph.nodes)} nodes, {symbols}>"
