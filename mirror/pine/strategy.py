"""The head of a script, and the orders of its variant for TradingView's own strategy tester."""

from __future__ import annotations

from mirror.pine.limits import LABELS
from mirror.pine.pipeline import Pipeline
from mirror.pine.shown import direction, role
from mirror.pine.syntax import (
    TRUE,
    Binary,
    Call,
    Comment,
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
from runtime.errors import StratoError

CASH = 100_000.0
SHARE = 10  # percent of equity in a position
FEE = 0.05  # percent of each side


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
    named += (
        ("initial_capital", number(CASH)),
        ("default_qty_type", Literal("string", "strategy.percent_of_equity")),
        ("default_qty_value", integer(SHARE)),
        ("commission_type", Literal("string", "strategy.commission.percent")),
        ("commission_value", number(FEE)),
        ("pyramiding", integer(0)),
        ("calc_on_every_tick", Literal("bool", "false")),
        ("process_orders_on_close", Literal("bool", "false")),
    )
    return Call("void", "strategy", (text(f"StratoQuant {name}"),), named)


def orders(pipeline: Pipeline) -> list[Statement]:
    """Follows the direction: in with its barriers where the wiring has them, out where it ends or turns.

    Orders of a bar fill at the open of the next, as the venue of a backtest fills them. Raises StratoError without a
    direction.
    """
    if direction(pipeline) is None:
        message = f"{pipeline.graph.file}: a strategy needs to know which way"
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
