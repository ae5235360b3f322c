"""The whole script: constants, types, functions, inputs, nodes, the bar-by-bar drive, and what is shown."""

from __future__ import annotations

from collections.abc import Sequence

from stratoquant.graph.clock import format_clock
from stratoquant.graph.market import SCALARS
from stratoquant.mirror.pine.library import GRAPH, TAKE_STEP
from stratoquant.mirror.pine.names import safe
from stratoquant.mirror.pine.pipeline import CLOCK, Pipeline
from stratoquant.mirror.pine.syntax import (
    Assign,
    Binary,
    Call,
    Comment,
    Declare,
    Do,
    Field,
    If,
    Loop,
    Name,
    Script,
    Statement,
    Unary,
    integer,
    number,
    text,
)
from stratoquant.mirror.pine.types import EVENT

LONGEST_GAP = 20_000  # steps that one bar of the chart may make up for
_FROM_CHART = ("open", "high", "low", "close", "volume")
_NOW = Name("int", "time")


def assemble(
    pipeline: Pipeline,
    head: Call,
    title: list[str],
    shown: Sequence[Statement],
    exported: Sequence[Statement] = (),
) -> Script:
    """Puts a script together. shown: the statements after the drive: plots, labels and tables. exported: the series
    that come from a run."""
    script = Script(head, title)
    script.constants = [
        Declare("float", "EXACT", number(1e200)),
        Declare("float", "INFINITY", number(1e100)),
        Declare("int", "CLOCK", integer(pipeline.graph.clock_ms)),
        Comment(""),
        Comment("Knobs: the parameters of the wiring, with the values that were exported."),
        *pipeline.inputs,
    ]
    script.types = list(pipeline.library.types.values())
    script.functions = list(pipeline.library.functions.values())
    script.main = [
        *exported,
        Comment("Nodes: each keeps its memory, its parameters and its last outputs."),
        *pipeline.instances,
        Comment(""),
        *_drive(pipeline),
        Comment(""),
        *shown,
    ]
    return script


def _drive(pipeline: Pipeline) -> list[Statement]:
    """Steps once for each closed bar, and for each bar of the clock that the chart leaves out, as the plan does."""
    graph, event = Name(GRAPH, "graph"), Field(EVENT, Name(GRAPH, "graph"), "event")
    now = Field("float", graph, "now")
    wrong = f"This chart must have bars of {format_clock(pipeline.graph.clock_ms)}"
    spacing = Binary("int", "*", Call("int", "timeframe.in_seconds"), integer(1000))
    refuse = Do(Call("void", "runtime.error", (text(wrong),)))
    missed = Name("int", "missed")
    skipped = Binary("float", "/", Binary("float", "-", _NOW, now), CLOCK)
    ago = Binary("float", "+", now, CLOCK)
    catch_up = Loop(
        "k",
        integer(1),
        missed,
        (
            Do(Call("int", TAKE_STEP, (graph, Field(EVENT, graph, "nothing"), ago))),
            Assign(now, ago),
        ),
    )
    take = [Assign(Field("float", event, safe("time")), _NOW)]
    take += [Assign(Field("float", event, safe(name)), Name("float", name)) for name in _FROM_CHART if name in SCALARS]
    return [
        Comment(
            "Drive: closed bars only, so that nothing repaints. A bar that the chart lacks is stepped over as missing."
        ),
        If(Unary("bool", "not", Binary("bool", "==", spacing, CLOCK)), (refuse,)),
        If(
            Name("bool", "barstate.isconfirmed"),
            (
                Declare("int", "missed", integer(0)),
                If(
                    Unary("bool", "not", Call("bool", "na", (now,))),
                    (
                        Assign(
                            missed,
                            Call(
                                "int",
                                "math.min",
                                (
                                    Binary("int", "-", Call("int", "math.round", (skipped,)), integer(1)),
                                    integer(LONGEST_GAP),
                                ),
                            ),
                        ),
                    ),
                ),
                If(Binary("bool", ">", missed, integer(0)), (catch_up,)),
                *take,
                Do(Call("int", TAKE_STEP, (graph, event, _NOW))),
                Assign(now, _NOW),
            ),
        ),
    ]


def probe(pipeline: Pipeline, ports: Sequence[str]) -> Script:
    """A script that only plots ports, without regard to TradingView's limits: for interpreters."""
    head = Call("void", "indicator", (text(pipeline.graph.name),))
    lines = [Do(Call("void", "plot", (pipeline.port(port), text(port)))) for port in ports]
    return assemble(pipeline, head, [f"{pipeline.graph.name}: every port, for comparison"], lines)
