"""A script for TradingView's own strategy tester: its head, and the orders that it sends.

Either the wiring's own orders, where all that leads to them can be computed with the tester's account, or a position of
fixed size that follows the wiring's direction.
"""

from __future__ import annotations

from stratoquant.graph.model import Constant, Graph, Missing, PortRef
from stratoquant.mirror.pine.account import NAMES
from stratoquant.mirror.pine.cut import Cut, cut, first_cause
from stratoquant.mirror.pine.limits import LABELS
from stratoquant.mirror.pine.pipeline import Pipeline
from stratoquant.mirror.pine.shown import direction, role
from stratoquant.mirror.pine.syntax import (
    TRUE,
    Binary,
    Block,
    Call,
    Comment,
    Declare,
    Do,
    Expr,
    If,
    Literal,
    Name,
    Statement,
    integer,
    number,
    text,
)
from stratoquant.runtime.errors import StratoError

CASH = 100_000.0
SHARE = 10  # percent of equity in a position that follows a direction
FEE = 0.05  # percent of each side
_UNWIRED = {"side": 0.0, "qty": 0.0, "valid": 1.0, "reduce_only": 0.0}
_OF_AN_ORDER = tuple(_UNWIRED)
POSITION = Name("float", "strategy.position_size")


def order_ports(graph: Graph) -> list[str]:
    """The ports (NODE.port) that orders come from."""
    return [f"{ref.node}.{ref.port}" for ref in graph.orders.values() if isinstance(ref, PortRef)]


def no_orders(graph: Graph, part: Cut) -> str:
    """Why the tester cannot be sent the wiring's own orders, empty when it can."""
    if not graph.orders:
        return "the wiring sends no orders"
    for name, binding in graph.orders.items():
        if name not in _OF_AN_ORDER and not isinstance(binding, Missing):
            return f"its orders have {name}, and the tester is sent market orders alone"
        if isinstance(binding, PortRef) and binding.delay:
            return f"its orders read {binding}"
        if isinstance(binding, PortRef) and binding.node in part.left_out:
            key = first_cause(graph, part, binding.node)
            return f"{key}: {part.left_out[key]}"
    return ""


def head(pipeline: Pipeline, *, strategy: bool) -> Call:
    """`indicator(...)`, or `strategy(...)` with every property that matters written out."""
    name = pipeline.graph.name
    named: tuple[tuple[str, Expr], ...] = (
        ("shorttitle", text(name)),
        ("overlay", TRUE),
        ("max_labels_count", integer(LABELS)),
    )
    if not strategy:
        return Call("void", "indicator", (text(f"StratoQuant {name}"),), named)
    size: tuple[tuple[str, Expr], ...] = (
        ("default_qty_type", Literal("string", "strategy.percent_of_equity")),
        ("default_qty_value", integer(SHARE)),
    )
    if pipeline.cut.strategy:
        size = (("default_qty_type", Literal("string", "strategy.fixed")), ("default_qty_value", integer(1)))
    named += (
        ("initial_capital", number(CASH)),
        *size,
        ("commission_type", Literal("string", "strategy.commission.percent")),
        ("commission_value", number(FEE)),
        ("slippage", integer(0)),
        ("pyramiding", integer(0)),
        ("margin_long", integer(0)),
        ("margin_short", integer(0)),
        ("calc_on_every_tick", Literal("bool", "false")),
        ("process_orders_on_close", Literal("bool", "false")),
    )
    return Call("void", "strategy", (text(f"StratoQuant {name}"),), named)


def title(pipeline: Pipeline) -> list[str]:
    """What the head of a strategy says about its orders and its risk."""
    graph = pipeline.graph
    if not pipeline.cut.strategy:
        return [
            f"Orders follow the direction with {SHARE}% of equity. The wiring's own gate and sizes are left out:",
            f"{no_orders(graph, cut(graph, strategy=True))}.",
        ]
    lines = [
        "Orders are the wiring's own: its gate is computed here, with the tester's account in place of the plan's:",
        f"{', '.join(NAMES)}.",
        "Always 0: orders at work, least notional, largest quantity, the operator's kill and reset.",
        "A bar that the chart lacks sends no order; what still holds on the next bar is sent then.",
        "Left out: rules of the venue beyond tick and lot, spread, market impact, latency, funding, margin and its",
        "liquidation. A market order fills whole at the next open.",
    ]
    if len(graph.symbols) > 1:
        lines.append(f"Each chart has an account of its own; the plan has one for its {len(graph.symbols)} symbols.")
    return lines


def account_plots() -> list[Statement]:
    """Position and equity in the data window, under the names that the wiring has for them."""
    named = (("display", Literal("display", "display.data_window")),)
    shown = (("account.position", POSITION), ("account.equity", Name("float", "strategy.equity")))
    return [Do(Call("void", "plot", (value, text(name)), named)) for name, value in shown]


def own_orders(pipeline: Pipeline) -> list[Statement]:
    """The wiring's market orders. One that only reduces, by the whole position or more, closes it: so no rounding of
    the tester to its least quantity leaves a rest."""
    side, qty, valid, reduces = (Name("float", f"order_{name}") for name in _OF_AN_ORDER)
    zero, one, held = integer(0), integer(1), Call("float", "math.abs", (POSITION,))
    sends = Binary("bool", "and", Binary("bool", "==", valid, one), Binary("bool", ">", qty, zero))
    closes = Binary("bool", "and", Binary("bool", "==", reduces, one), Binary("bool", ">=", qty, held))
    way: Block = ()
    for word, operator, trade in (("sell", "<", "strategy.short"), ("buy", ">", "strategy.long")):
        order = Do(Call("void", "strategy.order", (text(word), Literal("int", trade), qty)))
        way = (If(Binary("bool", operator, side, zero), (order,), way),)
    closing = Do(Call("void", "strategy.close_all"))
    return [
        Comment("Orders, for the strategy tester: those that the wiring sends, filled at the next open."),
        *(Declare("float", f"order_{name}", _of_an_order(pipeline, name)) for name in _OF_AN_ORDER),
        Declare("bool", "sends", sends),
        Declare("bool", "closes", closes),
        If(
            Binary("bool", "and", Name("bool", "barstate.isconfirmed"), Name("bool", "sends")),
            (If(Name("bool", "closes"), (closing,), way),),
        ),
    ]


def _of_an_order(pipeline: Pipeline, name: str) -> Expr:
    binding = pipeline.graph.orders.get(name)
    if isinstance(binding, Constant):
        return number(float(binding.value))
    if isinstance(binding, PortRef):
        return pipeline.port(f"{binding.node}.{binding.port}")
    return number(_UNWIRED[name])


def follow(pipeline: Pipeline) -> list[Statement]:
    """Follows the direction: in with its barriers where the wiring has them, out where it ends or turns.

    Orders of a bar fill at the open of the next, as the venue of a backtest fills them. Raises StratoError without a
    direction.
    """
    if direction(pipeline) is None:
        why = no_orders(pipeline.graph, cut(pipeline.graph, strategy=True))
        message = f"{pipeline.graph.file}: a strategy needs orders that it can send, or a direction: {why}"
        raise StratoError(message, "give a port the role `direction`, such as L3.direction", "M006")
    side = Name("float", "side")
    lines: list[Statement] = [Comment("Orders, for the strategy tester: the same decisions, filled at the next open.")]
    enters: list[Statement] = []
    for word, operator, way in (("long", ">", "strategy.long"), ("short", "<", "strategy.short")):
        entry = Do(Call("void", "strategy.entry", (text(word), Literal("int", way))))
        enters.append(If(Binary("bool", operator, side, integer(0)), (entry, *_exit(pipeline, word))))
    leave = Do(Call("void", "strategy.close_all"))
    enters.append(If(Binary("bool", "==", side, integer(0)), (leave,)))
    return [*lines, If(Name("bool", "decided"), tuple(enters))]


def _exit(pipeline: Pipeline, word: str) -> tuple[Statement, ...]:
    """The barriers that stood at the decision."""
    named = tuple(
        (name, pipeline.port(port))
        for name, part in (("stop", "stop"), ("limit", "take"))
        if (port := role(pipeline, part))
    )
    if not named:
        return ()
    return (Do(Call("void", "strategy.exit", (text(f"{word} exit"), text(word)), named)),)
