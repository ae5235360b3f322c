"""Compiles wirings for tests, with the layers of the package and the nodes in tests/graph/blocks."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from stratoquant.graph.compiler import Checked, checked_or_raise
from stratoquant.graph.plan import Plan, compile_plan
from stratoquant.graph.registry import Registry
from stratoquant.graph.session import Session
from stratoquant.layers import catalogue
from tests.graph.null_venue import NULL_VENUE, Settings


@cache
def registry() -> Registry:
    return catalogue().with_package("tests.graph", Path(__file__).parent)


def checked(text: str) -> Checked:
    """A wiring without errors, given as text."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "wiring.yaml"
        path.write_text(text, encoding="utf-8")
        return checked_or_raise(path, registry())


def plan_of(text: str, symbols: Sequence[str] = ("A", "B", "C")) -> Plan:
    """The plan of a wiring without orders, given as text."""
    return compile_plan(checked(text), NULL_VENUE, symbols)


def audited(plan: Plan) -> Session:
    """A session that hashes every edge of every step."""
    return Session(plan, Settings(), cash=1000.0, record=list(plan.layout.columns), audit=True)
