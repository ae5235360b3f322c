"""Each way around the gate that was ever found, and each rule of the check: without it, one of them would be sound."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from stratoquant.graph import compiler
from stratoquant.graph.compiler import Checked, check
from stratoquant.graph.passes import p1_load, p2_resolve, p5_gate
from stratoquant.graph.registry import Registry
from stratoquant.layers import catalogue

SPECS = Path(__file__).parents[2] / "specs"
HEAD = f"stratoquant: 1\nclock: 1m\nsymbols: [BTCUSDT]\ninclude: [{SPECS / 'sma_cross.yaml'}]\n"
MASTER = f"stratoquant: 1\nclock: 1m\nsymbols: [BTCUSDT]\ninclude: [{SPECS / 'wiring_master.yaml'}]\n"
OWN = '''"""A layer of the user's own."""

from typing import NamedTuple

from stratoquant.graph.language import layer
from stratoquant.graph.types import Flag, Opt, Price, Qty, Side, SignedQty, Unit


class Out(NamedTuple):
    side: Side
    qty: Qty
    bound: Qty
    trade: Flag
    scale: Unit
    stop_price: Price
    take_price: Price


@layer({number}, "{name}", domain="{domain}", source="me"{more})
def step(target: Opt[SignedQty], close: Opt[Price]) -> Out:
    return Out(1.0, 5.0, 5.0, 1.0, 1.0, close, close)
'''
PLACED = "nodes: {x: {layer: %s, inputs: {target: L4.target, close: L0.close}}}\n"
OWN_ORDERS = "override: {orders: {side: x.side, qty: x.qty}}\n"


def own(name: str, number: int | None = None, domain: str = "execution", more: str = "") -> str:
    return OWN.format(name=name, number=number, domain=domain, more=more)


# name: wiring, files, code
HOLES: dict[str, tuple[str, dict[str, str], str]] = {
    "execution layer of one's own": (
        HEAD + "layers: [own]\n" + PLACED % "mine" + OWN_ORDERS,
        {"own/blocks/mine.py": own("mine")},
        "W044",
    ),
    "data layer of one's own": (
        HEAD + "layers: [own]\n" + PLACED % "mine" + OWN_ORDERS,
        {"own/blocks/mine.py": own("mine", domain="data")},
        "W044",
    ),
    "layer of one's own that says what it feeds": (
        HEAD + "layers: [own]\n" + PLACED % "mine" + OWN_ORDERS,
        {"own/blocks/mine.py": own("mine", more=', sends={"side": "side", "qty": "qty"}')},
        "W044",
    ),
    "gate of one's own": (
        HEAD + "layers: [own]\n" + PLACED % "mine" + OWN_ORDERS,
        {"own/blocks/mine.py": own("mine", domain="risk", more=', role="gate"')},
        "W047",
    ),
    "governor of one's own": (
        HEAD
        + "layers: [own]\nnodes: {x: {layer: mine, inputs: {target: account.position, close: L0.close}}}\n"
        + "override: {L4: {inputs: {trade: x.trade, scale: x.scale}}}\n",
        {"own/blocks/mine.py": own("mine", domain="risk", more=', role="governor"')},
        "W047",
    ),
    "file that takes the gate's number": (
        HEAD + "layers: [own]\n",
        {"own/risk/l4_risk_manager.py": own("risk_manager", 4, "risk")},
        "W048",
    ),
    "file that takes the gate's name": (
        HEAD + "layers: [own]\n",
        {"own/risk/l150_risk_manager.py": own("risk_manager", 150, "risk")},
        "W048",
    ),
    "block that takes a shipped name": (
        HEAD + "layers: [own]\n",
        {"own/blocks/sma.py": own("sma")},
        "W048",
    ),
    "data of one's own behind the gate": (
        MASTER + "layers: [own]\n" + PLACED % "mine" + "override: {L88: {inputs: {volume: x.qty}}}\n",
        {"own/blocks/mine.py": own("mine", domain="data")},
        "W042",
    ),
    "signal behind the gate": (MASTER + "override: {L69: {inputs: {urgency: L3.confidence}}}\n", {}, "W042"),
    "quantity that is a number": (HEAD + "override: {L96: {inputs: {slice_qty: 4000}}}\n", {}, "W045"),
    "quantity that is the volume": (HEAD + "override: {L96: {inputs: {slice_qty: L0.volume}}}\n", {}, "W042"),
    "quantity of the step before": (
        HEAD + "override: {L96: {inputs: {slice_qty: L5.order_qty@-1 else 0}}}\n",
        {},
        "W045",
    ),
    "gate that sees no position": (HEAD + "override: {L4: {inputs: {position: 0}}}\n", {}, "W045"),
    "bridge that sees no position": (HEAD + "override: {L5: {inputs: {position: 0}}}\n", {}, "W045"),
    "loss limits that see no equity": (HEAD + "override: {L79: {inputs: {equity: 1}}}\n", {}, "W045"),
    "drawdown control that sees no equity": (HEAD + "override: {L80: {inputs: {equity: 1}}}\n", {}, "W045"),
    "gate without limits": (HEAD + "override: {L4: {inputs: {allowed: none}}}\n", {}, "W045"),
    "governor that hears nobody": (HEAD + "override: {L95: {inputs: {kill: 0, stop: 0, halt: 0}}}\n", {}, "W045"),
    "gate at a price of one": (HEAD + "override: {L4: {inputs: {price: 1}}}\n", {}, "W045"),
    "gate at a price of an hour ago": (
        HEAD + "nodes: {h: {layer: L0, clock: 1h, inputs: {raw: market, now: clock.time}}}\n"
        "override: {L4: {inputs: {price: h.close}}}\n",
        {},
        "W045",
    ),
    "caps that do not count what is on its way": (
        MASTER + "override: {L81: {inputs: {held: account.exposure}}}\n",
        {},
        "W045",
    ),
    "orders replaced by an including file": (HEAD + "orders: {side: signal.side, qty: 5}\n", {}, "W046"),
    "side of a signal": (HEAD + "override: {orders: {side: signal.side}}\n", {}, "W044"),
    "quantity of a constant": (HEAD + "override: {orders: {qty: 5}}\n", {}, "W044"),
    "price of the market": (HEAD + "override: {orders: {stop_price: L0.low}}\n", {}, "W044"),
    "output of the gate for another port": (HEAD + "override: {orders: {qty: L4.bound}}\n", {}, "W044"),
    "command that is another label": (MASTER + "override: {orders: {command: L5.intent}}\n", {}, "W044"),
    "order that is never valid": (HEAD + "override: {orders: {valid: 0}}\n", {}, "W044"),
    "second gate": (
        MASTER + "nodes: {gate2: {layer: L4, inputs: {side: L75.side, notional: 4000000, allowed: 4000000, "
        "stop_price: none, take_price: none, pass: 1, avoid: 0, trade: L95.trade, close_only: L95.close_only, "
        "flatten: L95.flatten, scale: L95.scale, reduce: 0, exit: 0, add: 0, alarm: 0, freeze: 0, hedge: 0, "
        "position: account.position, price: L0.close, equity: account.equity, standing: account.stop_price}}}\n"
        "override: {L5: {inputs: {target: gate2.target}}}\n",
        {},
        "W049",
    ),
    "gate on a slow clock": (HEAD + "override: {L4: {clock: 15m}}\n", {}, "W049"),
    "venue rules on a slow clock": (HEAD + "override: {L96: {clock: 15m}}\n", {}, "W049"),
    "gate without governor": (HEAD + "override: {L4: {inputs: {trade: 1}}}\n", {}, "W043"),
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def checked(hole: str) -> Checked:
    text, files, _ = HOLES[hole]
    for name, content in files.items():
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(content, encoding="utf-8")
    Path("w.yaml").write_text(text, encoding="utf-8")
    return check(Path("w.yaml"), catalogue())


@pytest.mark.parametrize("hole", HOLES)
def test_way_around_is_refused(hole: str, folder: Path) -> None:
    found = checked(hole)
    assert not found.sound
    assert HOLES[hole][2] in {f.code for f in found.findings}
    for finding in found.findings:
        assert finding.message and finding.hint and finding.place.line > 0


# Rule: how it is removed, and a hole that only this rule closes.
RULES = {
    "only gate and execution feed an order": ("_refuse_source", "layer of one's own that says what it feeds"),
    "the gate dominates": ("_report_way_around", "quantity that is the volume"),
    "no signal behind the gate": ("_check_signals", "data of one's own behind the gate"),
    "inputs have an origin": ("_check_origins", "gate that sees no position"),
    "the gate obeys the governor": ("_check_governed", "gate without governor"),
    "one gate": ("_refuse_second_gate", "second gate"),
    "what decides an order steps at every bar": ("_check_base_clock", "venue rules on a slow clock"),
}


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_is_needed(rule: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    function, hole = RULES[rule]
    monkeypatch.setattr(p5_gate, function, lambda *_: None)
    assert checked(hole).sound


def test_rule_on_roles_is_needed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file of one's own would be a governor, and so the gate would obey it."""
    monkeypatch.setattr(Registry, "is_shipped", lambda *_: True)
    assert checked("governor of one's own").sound


def test_rule_on_numbers_is_needed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Were clashes not reported, a wiring with a gate of one's own would be sound and run another gate than it says."""
    monkeypatch.setattr(p2_resolve, "_with_own_layers", lambda registry, place, _: registry.with_folder(place.value))
    assert checked("file that takes the gate's number").sound


def test_rule_on_orders_is_needed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    replaced = HEAD + "orders: {side: L5.order_side, qty: L5.order_qty}\n"
    monkeypatch.setitem(HOLES, "orders", (replaced, {}, "W046"))
    assert not checked("orders").sound

    def replace(source: p1_load.Source, wiring: p1_load.Wiring, merge: p1_load._Merge) -> None:
        merge.orders |= {n: p1_load._placed(source, v, "orders", n) for n, v in wiring.orders.items()}
        merge.orders_place = source.key_place("orders")

    monkeypatch.setattr(p1_load, "_add_orders", replace)
    assert checked("orders").sound


def test_a_deliberate_change_of_orders_is_possible(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(HOLES, "override", (HEAD + "override: {orders: {qty: L5.order_qty, valid: 1}}\n", {}, ""))
    found = checked("override")
    assert found.sound, found.findings
    assert found.graph is not None
    assert str(found.graph.orders["qty"]) == "L5.order_qty"
    assert str(found.graph.orders["valid"]) == "1"


def test_dominators_of_the_shipped_wirings() -> None:
    for name in ("sma_cross", "trend_two_clocks", "wiring_master", "book_seconds"):
        graph = check(SPECS / f"{name}.yaml", catalogue()).graph
        assert graph is not None
        for port, chain in p5_gate.dominators(graph).items():
            assert "L4" in chain, (name, port, chain)


@pytest.fixture(autouse=True)
def _compiler_is_whole() -> Iterator[None]:
    """The rules are removed inside the passes, not in the front door."""
    assert compiler.check_gate is p5_gate.check_gate
    yield
