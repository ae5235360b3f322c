"""What the chart shows: lines over the price, the regime behind it, decisions as labels, a panel, and an alert."""

from __future__ import annotations

from collections.abc import Sequence

from stratoquant.graph.types import PortType
from stratoquant.mirror.pine.pipeline import Pipeline
from stratoquant.mirror.pine.syntax import (
    NA,
    TRUE,
    Assign,
    Binary,
    Call,
    Choice,
    Comment,
    Declare,
    Do,
    Expr,
    If,
    Literal,
    Name,
    Statement,
    Unary,
    integer,
    text,
)

LINES = ("#2962ff", "#ff6d00", "#00897b", "#8e24aa", "#c0ca33", "#6d4c41")
REGIMES = ("#90a4ae", "#fff176", "#66bb6a", "#ef5350", "#ffa726", "#ab47bc", "#26c6da", "#8d6e63")
LONG, SHORT, FLAT, VETO = "#089981", "#f23645", "#787b86", "#ff9800"
CANDLE = ("open", "high", "low", "close")
PANEL_ROWS = 24


def plots(pipeline: Pipeline, ports: Sequence[str]) -> list[Statement]:
    """A plot a port: prices over the candles, everything else in the data window."""
    lines: list[Statement] = [Comment("Ports: prices over the candles, the others in the data window.")]
    colours = iter(LINES * len(ports))
    candle = {role(pipeline, part) for part in CANDLE}
    for port in ports:
        if _kind(pipeline, port).edge.name == "price" and port not in candle:
            lines.append(_plot(pipeline.port(port), port, next(colours), on_chart=True))
        else:
            lines.append(_plot(pipeline.port(port), port, "", on_chart=False))
    return lines


def decorations(pipeline: Pipeline, ports: Sequence[str]) -> list[Statement]:
    """Regime, labels, panel and alert, each where the wiring has what it needs."""
    lines: list[Statement] = []
    lines += _regime(pipeline)
    lines += _decisions(pipeline)
    lines += _panel(pipeline, ports)
    lines += _alert(pipeline)
    return lines


def direction(pipeline: Pipeline) -> str | None:
    """The port that says which way: the role `direction`."""
    return role(pipeline, "direction")


def role(pipeline: Pipeline, part: str) -> str | None:
    """The port that plays a part in reports, when it is on the chart."""
    ref = pipeline.graph.roles.get(part)
    return f"{ref.node}.{ref.port}" if ref is not None and ref.node in pipeline.cut.nodes else None


def _kind(pipeline: Pipeline, port: str) -> PortType:
    node, name = port.split(".")
    return pipeline.graph.nodes[node].layer.outputs[name]


def _plot(value: Expr, title: str, color: str, *, on_chart: bool) -> Do:
    named = (("color", _colour(color)),) if color else ()
    if not on_chart:
        named = (("display", Literal("display", "display.data_window")),)
    return Do(Call("void", "plot", (value, text(title)), named))


def _colour(code: str, transparency: int = 0) -> Expr:
    solid = Literal("color", code)
    return Call("color", "color.new", (solid, integer(transparency))) if transparency else solid


def _regime(pipeline: Pipeline) -> list[Statement]:
    port = role(pipeline, "regime")
    if port is None:
        return []
    names = pipeline.graph.nodes[port.split(".")[0]].layer.labels.get(port.split(".")[1], ())
    colour: Expr = Literal("color", "na")
    for k in reversed(range(min(len(names), len(REGIMES)))):
        colour = Choice(
            "color", Binary("bool", "==", Name("float", "regime"), integer(k)), _colour(REGIMES[k], 88), colour
        )
    legend = ", ".join(f"{REGIMES[k]} {name}" for k, name in enumerate(names[: len(REGIMES)]))
    return [
        Comment(f"Regime behind the candles: {legend}."),
        Declare("float", "regime", pipeline.port(port)),
        Do(Call("void", "bgcolor", (colour,), (("title", text("regime")),))),
    ]


def _decisions(pipeline: Pipeline) -> list[Statement]:
    """A label where the direction changes, and where something vetoes a direction that is there."""
    port = direction(pipeline)
    if port is None:
        return []
    side, before = Name("float", "side"), Name("float", "side_before")
    changed = Binary("bool", "and", _known(side), Unary("bool", "not", Binary("bool", "==", side, before)))
    up, down = Binary("bool", ">", side, integer(0)), Binary("bool", "<", side, integer(0))
    words: Expr = Choice("string", up, text("long"), Choice("string", down, text("short"), text("flat")))
    colour: Expr = Choice("color", up, _colour(LONG), Choice("color", down, _colour(SHORT), _colour(FLAT)))
    lines: list[Statement] = [
        Comment("Decisions: a label on the bar on which the direction changes."),
        Declare("float", "side", pipeline.port(port)),
        Declare("float", "side_before", NA, kept=True),
        If(changed, (_label(words, colour, up),)),
    ]
    lines += _vetoes(pipeline)
    return [*lines, Declare("bool", "decided", changed), Assign(before, side)]


def _label(words: Expr, colour: Expr, below: Expr) -> Do:
    style: Expr = Literal("label", "label.style_label_up")
    place: Expr = Name("float", "low")
    if below != TRUE:
        style = Choice("label", below, style, Literal("label", "label.style_label_down"))
        place = Choice("float", below, place, Name("float", "high"))
    named = (
        ("style", style),
        ("color", colour),
        ("textcolor", _colour("#ffffff")),
        ("size", Literal("size", "size.small")),
    )
    return Do(Call("label", "label.new", (Name("int", "bar_index"), place, words), named))


def _vetoes(pipeline: Pipeline) -> list[Statement]:
    """Roles `pass` (1 lets through) and `avoid` (1 keeps out)."""
    tests: list[Expr] = []
    for part, blocking in (("pass", 0), ("avoid", 1)):
        port = role(pipeline, part)
        if port is not None:
            tests.append(Binary("bool", "==", pipeline.port(port), integer(blocking)))
    if not tests:
        return []
    blocked = tests[0]
    for test in tests[1:]:
        blocked = Binary("bool", "or", blocked, test)
    side, fresh = Name("float", "side"), Unary("bool", "not", Name("bool", "vetoed_before"))
    wants = Unary("bool", "not", Binary("bool", "==", side, integer(0)))
    return [
        Declare("bool", "vetoed", Binary("bool", "and", Binary("bool", "and", _known(side), wants), blocked)),
        Declare("bool", "vetoed_before", Literal("bool", "false"), kept=True),
        If(Binary("bool", "and", Name("bool", "vetoed"), fresh), (_label(text("veto"), _colour(VETO), TRUE),)),
        Assign(Name("bool", "vetoed_before"), Name("bool", "vetoed")),
    ]


def _known(value: Expr) -> Expr:
    return Unary("bool", "not", Call("bool", "na", (value,)))


def _panel(pipeline: Pipeline, ports: Sequence[str]) -> list[Statement]:
    """Name and present value of the ports, on the last bar."""
    rows = [p for p in ports if p not in {role(pipeline, part) for part in CANDLE}][:PANEL_ROWS]
    size = (integer(2), integer(len(rows) + 1))
    named = (("bgcolor", _colour("#131722", 20)), ("border_width", integer(1)))
    panel = Call("table", "table.new", (Literal("position", "position.top_right"), *size), named)
    cells: list[Statement] = [_cell("panel", 0, 0, text(pipeline.graph.name)), _cell("panel", 1, 0, text("now"))]
    for row, port in enumerate(rows, start=1):
        cells += [_cell("panel", 0, row, text(port)), _cell("panel", 1, row, _shown(pipeline.port(port)))]
    return [
        Comment("Panel: what the ports say on the last bar."),
        Declare("table", "panel", panel, kept=True),
        If(Name("bool", "barstate.islast"), tuple(cells)),
    ]


def _shown(value: Expr) -> Expr:
    return Call("string", "str.tostring", (value, text("#.######")))


def _cell(owner: str, column: int, row: int, value: Expr) -> Do:
    arguments = (Name("table", owner), integer(column), integer(row), value)
    named = (("text_color", _colour("#d1d4dc")), ("text_size", Literal("size", "size.small")))
    return Do(Call("void", "table.cell", arguments, named))


def _alert(pipeline: Pipeline) -> list[Statement]:
    """The decision as JSON, once at the close of the bar that changes it."""
    if direction(pipeline) is None:
        return []
    message: Expr = text(f'{{"stratoquant":1,"wiring":"{pipeline.graph.name}","symbol":"')
    message = _joined(message, Name("string", "syminfo.ticker"), text('","time":'), _number(Name("int", "time")))
    for part in ("direction", "edge", "confidence", "regime", "stop", "take"):
        port = role(pipeline, part)
        if port is not None:
            message = _joined(message, text(f',"{part}":'), _json(pipeline.port(port)))
    message = _joined(message, text("}"))
    once = Literal("freq", "alert.freq_once_per_bar_close")
    return [
        Comment('Alert: the decision as JSON. Create it with "any alert() function call".'),
        If(Name("bool", "decided"), (Do(Call("void", "alert", (message, once))),)),
    ]


def _joined(first: Expr, *others: Expr) -> Expr:
    for other in others:
        first = Binary("string", "+", first, other)
    return first


def _number(value: Expr) -> Expr:
    return Call("string", "str.tostring", (value, text("#")))


def _json(value: Expr) -> Expr:
    """A number for JSON: missing is null, since JSON has no NaN."""
    return Choice(
        "string",
        Call("bool", "na", (value,)),
        text("null"),
        Call("string", "str.tostring", (value, text("0.################"))),
    )
