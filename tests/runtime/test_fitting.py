"""Tables keep every number whole, whatever the width of the terminal."""

from __future__ import annotations

import re
from io import StringIO

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from stratoquant.runtime.metrics import compute_metrics
from stratoquant.runtime.report.fitting import plain_table, print_table
from stratoquant.runtime.report.terminal import print_summary
from stratoquant.runtime.results import BacktestResult
from tests.runtime.made_results import LABELS, ROLES, made_result, random_bars

WIDTHS = (40, 60, 80, 120)


def printed(width: int) -> Console:
    return Console(width=width, record=True, file=StringIO())


@settings(deadline=None, max_examples=60)
@given(
    st.sampled_from(WIDTHS),
    st.lists(st.tuples(st.text("abcdefg_.", min_size=1, max_size=50), *[st.integers(-(10**9), 10**9)] * 6), min_size=1),
)
def test_a_table_keeps_every_number_and_every_name(width: int, rows: list[tuple[str, int]]) -> None:
    table = plain_table("name", *(f"number {k}" for k in range(6)))
    for name, *numbers in rows:
        table.add_row(name, *(f"{n:,}" for n in numbers))
    console = printed(width)
    print_table(console, table)
    text = console.export_text()
    assert max(map(len, text.splitlines())) <= width and "…" not in text
    for _, *numbers in rows:
        for number in numbers:
            assert re.search(rf"(?<![\d,]){number:,}(?![\d,])", text)


@pytest.fixture(scope="module")
def result() -> BacktestResult:
    rng = np.random.default_rng(7)
    return made_result({f"SYMBOL{k}USDT": random_bars(rng, 4_000) for k in range(3)}, initial=12_345_678.0)


@pytest.mark.parametrize("width", WIDTHS)
def test_the_summary_cuts_no_number(result: BacktestResult, width: int) -> None:
    metrics = compute_metrics(result, ROLES, LABELS)
    console = printed(width)
    print_summary(result, metrics, console)
    text = console.export_text()
    assert "…" not in text
    assert max(map(len, text.splitlines())) <= max(width, len(f"digest {result.digest}"))
    for figure in (metrics.fees, metrics.slippage, *(s.pnl for s in metrics.per_symbol.values())):
        assert f"{figure:,.2f}" in text
    for name in ("return", "Sharpe", "hit rate", "profit factor", "leverage"):
        assert name in text


def test_the_best_and_the_worst_group_are_never_among_those_left_out(result: BacktestResult) -> None:
    metrics = compute_metrics(result, ROLES, LABELS)
    usual = next(iter(metrics.per_pattern.values())).model_copy(update={"pnl": 1.0, "best": 2.0, "worst": -2.0})
    groups = {f"pattern_{k}": usual for k in range(14)}
    changes = {9: {"pnl": -50.0}, 10: {"pnl": 50.0}, 11: {"best": 999.0}, 12: {"worst": -999.0}}
    groups |= {f"pattern_{k}": usual.model_copy(update=change) for k, change in changes.items()}
    console = printed(100)
    print_summary(result, metrics.model_copy(update={"per_pattern": groups}), console)
    text = console.export_text()
    assert all(f"pattern_{k} " in text for k in (*range(8), 9, 10, 11, 12))
    assert "pattern_8" not in text and "and 2 more, in the report" in text
