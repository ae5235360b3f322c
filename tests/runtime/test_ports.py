"""The report on ports against plain numpy, and that of the master wiring on real bars: as its layers declare."""

from __future__ import annotations

from functools import cache
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from stratoquant.graph.compiler import checked_or_raise
from stratoquant.graph.observation import Observed, observe
from stratoquant.graph.plan import compile_plan
from stratoquant.graph.session import Recorded, Session
from stratoquant.layers import catalogue, expected
from stratoquant.runtime.backtest import RunSettings
from stratoquant.runtime.data.market import Market
from stratoquant.runtime.data.store import open_market
from stratoquant.runtime.data.synthetic import synthetic_market
from stratoquant.runtime.effects import Effect, measure_effects, neutral_values, target_ports
from stratoquant.runtime.port_figures import PortCounter, PortFigures
from stratoquant.runtime.port_report import PortReport, is_guard
from stratoquant.runtime.report.port_tables import print_ports
from stratoquant.runtime.venue import SIMULATED, VenueSettings
from stratoquant.tools.ports import declared_reason, measured
from tests.graph.plans import plan_of
from tests.layers.real_data import FOLDER

SPECS = Path(__file__).parents[2] / "specs"
TEN = [f"{coin}USDT" for coin in ("BTC", "ETH", "XRP", "ADA", "ALGO", "ATOM", "BCH", "DOGE", "DOT", "LINK")]

VARIED = """
stratoquant: 1
clock: 1m
symbols: [A, B]
nodes:
  L0: {inputs: {raw: market, now: clock.time}}
  L14: {inputs: {close: L0.close}, params: {window: 20}}
  L11: {inputs: {close: L0.close}}
record: [L14.rsi, L11.stack]
"""


@cache
def figures_of(sizes: tuple[int, ...]) -> tuple[list[PortFigures], np.ndarray, np.ndarray]:
    """Figures of made values, counted in blocks of these sizes; the values of every column, and which bars exist."""
    plan = plan_of(VARIED, ("A", "B"))
    rng = np.random.default_rng(5)
    width = sum(c.size for c in plan.layout.columns.values())
    values = rng.choice([np.nan, -1.0, 0.0, 0.995, 1.0, 0.5], (400, 2, width))
    exists = rng.random((400, 2)) > 0.1
    events = np.zeros((400, 2), [("time", "f8")])
    events["time"] = np.where(exists, 1.0, np.nan)
    counter = PortCounter(plan)
    ends = np.cumsum(sizes)
    for start, end in zip([0, *ends[:-1]], ends, strict=True):
        part = slice(start, end)
        counter.add(events[part], Recorded(values[part], np.empty((end - start, 0)), np.empty((end - start, 5))))
    return counter.figures(), values, exists


@pytest.mark.parametrize("sizes", [(400,), (1, 7, 192, 200), (399, 1)])
def test_figures_are_those_of_plain_numpy(sizes: tuple[int, ...]) -> None:
    found, values, exists = figures_of(sizes)
    plan = plan_of(VARIED, ("A", "B"))
    for figures in found:
        column = plan.column(figures.port)
        own = [values[bar, k, column.start : column.start + column.size] for bar, k in np.argwhere(exists)]
        late = [x for x, (bar, _) in zip(own, np.argwhere(exists), strict=True) if bar >= figures.warm_up]
        present = np.concatenate(own)
        present = present[~np.isnan(present)]
        assert figures.bars == len(own) and figures.values == len(present)
        assert figures.missing == pytest.approx(np.mean([np.isnan(x).all() for x in own]))
        if late:
            assert figures.missing_after == pytest.approx(np.mean([np.isnan(x).all() for x in late]))
        assert (figures.lowest, figures.highest) == (present.min(), present.max())
        if figures.edge == "score":
            assert figures.at_bound == pytest.approx(np.mean(np.abs(present) == 1.0))
            assert figures.near_bound == pytest.approx(np.mean(np.abs(present) > 0.98))
    assert {f.edge for f in found} > {"score", "unit", "price"}


def test_a_bar_that_does_not_exist_counts_nowhere() -> None:
    found, _, exists = figures_of((400,))
    assert found[0].bars == exists.sum() < exists.size


@pytest.mark.parametrize(
    ("condition", "guard"),
    [
        ("isnan(x)", True),
        ("not isnan(x) and y > 0.0", True),
        ("x == inf or not isfinite(y)", True),
        ("x > 0.5", False),
        ("x > 0.0 and flag", False),
        ("halt", False),
        ("x > y or isnan(y)", False),
    ],
)
def test_a_guard_asks_only_for_missing_infinite_and_zero(condition: str, guard: bool) -> None:
    assert is_guard(condition) is guard


@cache
def observed(name: str, symbols: tuple[str, ...]) -> Observed:
    return observe(compile_plan(checked_or_raise(SPECS / name, catalogue()), SIMULATED, symbols))


SETTINGS = RunSettings(VenueSettings())


def effects_of_crossing() -> dict[str, Effect]:
    market = synthetic_market(TEN[:2], 6000, 3, 60_000)
    return {e.node: e for e in measure_effects(observed("sma_cross.yaml", tuple(TEN[:2])), market, SETTINGS)}


def targets(plan: Observed, market: Market) -> np.ndarray:
    session = Session(plan.normal, VenueSettings(), cash=SETTINGS.cash, record=target_ports(plan.plan.graph))
    return np.concatenate([session.run(b.times, b.events).symbols.copy() for b in market.blocks(999)])


def test_the_effect_of_a_node_is_the_bars_on_which_the_target_differs() -> None:
    found = effects_of_crossing()
    target = targets(observed("sma_cross.yaml", tuple(TEN[:2])), synthetic_market(TEN[:2], 6000, 3, 60_000))
    assert all(e.bars == 12_000 for e in found.values())
    assert found["signal"].changed == np.count_nonzero(target) > 1000, "without a signal there is never a position"
    assert found["fast"].changed > 1000 and found["slow"].changed > 1000
    assert found["L5"].changed < found["signal"].changed


def test_a_node_is_neutral_where_its_readers_do_without_it() -> None:
    graph = observed("wiring_master.yaml", tuple(TEN[:3])).plan.graph
    imbalance = neutral_values(graph, graph.nodes["L8"])["L8.imbalance"]
    assert np.isnan(imbalance), "L3 and L69 take it as optional"
    assert neutral_values(graph, graph.nodes["L3"])["L3.edge"] == 0.0
    assert np.isnan(neutral_values(graph, graph.nodes["L0"])["L0.close"]), "a price has no neutral value"


def test_an_exception_while_effects_are_measured_ends_every_run() -> None:
    def press(_: int) -> None:
        raise KeyboardInterrupt

    market = synthetic_market(TEN[:2], 6000, 3, 60_000)
    with pytest.raises(KeyboardInterrupt):
        measure_effects(observed("sma_cross.yaml", tuple(TEN[:2])), market, SETTINGS, press)


def ten_symbols(tmp: Path) -> Market:
    """A month of ten symbols: recorded, or built in where the recordings are absent."""
    if not (FOLDER / "bars").exists():
        return synthetic_market(TEN, 43_200, 1, 60_000)
    for symbol in TEN:
        name = f"binance_{symbol.lower()}_1m.parquet"
        (tmp / name).symlink_to(FOLDER / "bars" / name)
    return open_market(tmp, TEN, 60_000)


@cache
def master_report(folder: Path, effects: bool) -> PortReport:
    market = ten_symbols(folder)
    plan = observed("../tests/specs/forced_master.yaml", tuple(market.symbols))
    return measured(plan, market, SETTINGS, Console(quiet=True), effects=effects)


@pytest.fixture(scope="module")
def month(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("month")


def undeclared(report: PortReport, kind: str) -> list[str]:
    found = report.findings(declared_reason)[kind]
    return [getattr(one, "name", None) or one.node for one in found]


def test_no_port_of_the_master_is_saturated_silent_or_constant_without_a_reason(month: Path) -> None:
    report = master_report(month, False)
    assert len(report.ports) > 400 and report.bars > 43_000
    assert undeclared(report, "saturated") == []
    assert undeclared(report, "silent") == []
    assert undeclared(report, "constant") == []


def test_no_branch_of_the_master_is_dead_without_a_reason(month: Path) -> None:
    report = master_report(month, False)
    assert sum(1 for b in report.branches if b.true and b.false) > 400
    assert undeclared(report, "branch") == []


@pytest.mark.slow
def test_no_layer_of_the_master_is_without_effect_unless_it_is_declared(month: Path) -> None:
    report = master_report(month, True)
    assert report.effects is not None
    assert sum(1 for e in report.effects if e.changed) > 70
    assert undeclared(report, "effect") == []


def test_what_is_declared_exists(month: Path) -> None:
    report = master_report(month, False)
    ports, branches = {p.name for p in report.ports}, {b.name for b in report.branches}
    layers = {p.layer for p in report.ports}
    for kind, known in (("silent", ports), ("constant", ports), ("saturated", ports), ("branch", branches)):
        assert set(expected.names(expected.EXPECTED[kind])) <= known, kind
    assert set(expected.names(expected.NO_EFFECT)) <= layers


@pytest.mark.parametrize("width", [60, 80, 120])
def test_the_report_fits_and_cuts_nothing(month: Path, width: int) -> None:
    report = master_report(month, False)
    console = Console(width=width, record=True, file=StringIO())
    print_ports(report, lambda kind, name: "", console, everything=True)
    text = console.export_text()
    assert "…" not in text
    assert max(map(len, text.splitlines())) <= width
    for branch in report.branches[:50]:
        assert f"{branch.true:,}" in text
