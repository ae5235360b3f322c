"""Exported series in a script: the type that holds one, the functions that follow it, and the parity table."""

from __future__ import annotations

from collections.abc import Sequence

from stratoquant.mirror.pine.library import CHECK, SEEK, SERIES, Library
from stratoquant.mirror.pine.pipeline import CLOCK, Pipeline, series_name
from stratoquant.mirror.pine.series import Packed
from stratoquant.mirror.pine.syntax import (
    FLOATS,
    NA,
    Assign,
    Binary,
    Break,
    Call,
    Choice,
    Comment,
    Declare,
    Do,
    Expr,
    Field,
    Forever,
    Function,
    If,
    Loop,
    Name,
    Statement,
    TypeDef,
    Unary,
    integer,
    number,
    text,
)

_S = Name(SERIES, "s")


def add_series(library: Library) -> None:
    """Type and functions of exported series."""
    fields = (
        ("times", FLOATS),
        ("values", FLOATS),
        ("last", "float"),
        ("end", "float"),
        ("next", "int"),
        ("now", "float"),
    )
    library.add_type(TypeDef(SERIES, fields, "Values of a run that was exported: the bars on which they change."))
    library.add_function(_load())
    library.add_function(_seek())


def declare(packed: Packed) -> list[Statement]:
    """A series and the lines that fill it on the first bar."""
    empty = Call(FLOATS, "array.new<float>", (integer(0), NA))
    values = (empty, empty, number(float(packed.first)), number(float(packed.end)), integer(0), NA)
    name = series_name(packed.port)
    loads = tuple(Do(Call("int", "embedded_load", (Name(SERIES, name), text(t)))) for t in packed.texts)
    return [
        Declare(SERIES, name, Call(SERIES, f"{SERIES}.new", values), kept=True),
        If(Name("bool", "barstate.isfirst"), loads),
    ]


def _field(name: str, kind: str) -> Field:
    return Field(kind, _S, name)


def _load() -> Function:
    """Unpacks `gap,value,gap,value`; a gap counts steps of the clock."""
    items, k = Name("array<string>", "items"), Name("int", "k")
    count = Call("int", "math.floor", (Binary("float", "/", Call("int", "array.size", (items,)), integer(2)),))
    place = Binary("int", "*", integer(2), k)
    gap = Call("float", "str.tonumber", (Call("string", "array.get", (items, place)),))
    word = Call("string", "array.get", (items, Binary("int", "+", place, integer(1))))
    last = _field("last", "float")
    missing = Binary("bool", "==", Name("string", "word"), text("n"))
    turn: tuple[Statement, ...] = (
        Assign(last, Binary("float", "+", last, Binary("float", "*", gap, CLOCK))),
        Declare("string", "word", word),
        Do(Call("void", "array.push", (_field("times", FLOATS), last))),
        Declare("float", "value", NA),
        If(
            Unary("bool", "not", missing),
            (Assign(Name("float", "value"), Call("float", "str.tonumber", (Name("string", "word"),))),),
        ),
        Do(Call("void", "array.push", (_field("values", FLOATS), Name("float", "value")))),
    )
    body: tuple[Statement, ...] = (
        Declare("array<string>", "items", Call("array<string>", "str.split", (Name("string", "packed"), text(",")))),
        Declare("int", "count", count),
        If(
            Binary("bool", ">", Name("int", "count"), integer(0)),
            (Loop("k", integer(0), Binary("int", "-", Name("int", "count"), integer(1)), turn),),
        ),
    )
    return Function(
        "embedded_load", (("s", SERIES), ("packed", "string")), body, integer(0), "Unpacks a text into changes."
    )


def _seek() -> Function:
    """Moves on to a time, and returns the value that stands there; missing before and after the series."""
    following, size = _field("next", "int"), Call("int", "array.size", (_field("times", FLOATS),))
    later = Binary("bool", ">", Call("float", "array.get", (_field("times", FLOATS), following)), Name("float", "now"))
    now = _field("now", "float")
    body: tuple[Statement, ...] = (
        Forever(
            (
                If(Binary("bool", ">=", following, size), (Break(),)),
                If(later, (Break(),)),
                Assign(now, Call("float", "array.get", (_field("values", FLOATS), following))),
                Assign(following, Binary("int", "+", following, integer(1))),
            )
        ),
        If(Binary("bool", ">=", Name("float", "now"), _field("end", "float")), (Assign(now, NA),)),
    )
    return Function(SEEK, (("s", SERIES), ("now", "float")), body, now, "The exported value at a time.")


def add_checks(library: Library) -> None:
    """Type and function of the parity table."""
    fields = (("compared", "int"), ("differing", "int"), ("first", "float"))
    library.add_type(TypeDef(CHECK, fields, "How a recomputed port compares with what was exported."))
    check, ours, theirs = Name(CHECK, "check"), Name("float", "recomputed"), Name("float", "exported")
    compared, differing = Field("int", check, "compared"), Field("int", check, "differing")
    first = Field("float", check, "first")
    gap = Call("float", "math.abs", (Binary("float", "-", ours, theirs),))
    allowed = Binary("float", "*", number(1e-9), Call("float", "math.abs", (theirs,)))
    far = Binary(
        "bool", ">", Binary("float", "*", Binary("float", "-", gap, allowed), Name("float", "EXACT")), integer(0)
    )
    one_missing = Unary("bool", "not", Binary("bool", "==", Call("bool", "na", (ours,)), Call("bool", "na", (theirs,))))
    both = Unary("bool", "not", Binary("bool", "and", Call("bool", "na", (ours,)), Call("bool", "na", (theirs,))))
    wrong: tuple[Statement, ...] = (
        Assign(first, Choice("float", Call("bool", "na", (first,)), Name("float", "now"), first)),
        Assign(differing, Binary("int", "+", differing, integer(1))),
    )
    body: tuple[Statement, ...] = (
        If(both, (Assign(compared, Binary("int", "+", compared, integer(1))),)),
        If(Binary("bool", "or", one_missing, far), wrong),
    )
    parameters = (("check", CHECK), ("recomputed", "float"), ("exported", "float"), ("now", "float"))
    library.add_function(Function("embedded_compare", parameters, body, differing, "Counts one bar of one port."))


def parity(pipeline: Pipeline, checked: Sequence[Packed]) -> list[Statement]:
    """Compares each port with its series on closed bars inside the exported period, and shows the counts."""
    if not checked:
        return []
    begin, end = checked[0].first, checked[0].end
    now = Name("int", "time")
    inside = Binary("bool", "and", Binary("bool", ">", now, integer(begin)), Binary("bool", "<", now, integer(end)))
    lines: list[Statement] = [Comment("Parity: recomputed here against exported by the plan.")]
    compares: list[Statement] = []
    for packed in checked:
        name = _check_name(packed)
        made = Call(CHECK, f"{CHECK}.new", (integer(0), integer(0), NA))
        lines.append(Declare(CHECK, name, made, kept=True))
        exported = Call("float", SEEK, (Name(SERIES, series_name(packed.port)), now))
        compares.append(
            Do(Call("int", "embedded_compare", (Name(CHECK, name), pipeline.port(packed.port), exported, now)))
        )
    lines.append(If(Binary("bool", "and", Name("bool", "barstate.isconfirmed"), inside), tuple(compares)))
    return [*lines, *_table(checked), *_totals(checked)]


def _totals(checked: Sequence[Packed]) -> list[Statement]:
    """The sum over all ports as a plot, so that an interpreter can be asked."""
    total: Expr = integer(0)
    for packed in checked:
        total = Binary("int", "+", total, Field("int", Name(CHECK, _check_name(packed)), "differing"))
    named = (("display", Name("display", "display.data_window")),)
    return [Do(Call("void", "plot", (total, text("parity: bars that differ")), named))]


def _check_name(packed: Packed) -> str:
    return series_name(packed.port).replace("series_", "check_", 1)


def _table(checked: Sequence[Packed]) -> list[Statement]:
    place = Name("position", "position.bottom_right")
    named = (("bgcolor", Name("color", "color.black")), ("border_width", integer(1)))
    made = Call("table", "table.new", (place, integer(4), integer(len(checked) + 1)), named)
    cells: list[Statement] = [_cell(k, 0, text(word)) for k, word in enumerate(("port", "compared", "differ", "first"))]
    for row, packed in enumerate(checked, start=1):
        check = Name(CHECK, _check_name(packed))
        first = Field("float", check, "first")
        when = Call("string", "str.format_time", (Call("int", "int", (first,)), text("yyyy-MM-dd HH:mm"), text("UTC")))
        shown: Expr = Choice("string", Call("bool", "na", (first,)), text("-"), when)
        counts = [Call("string", "str.tostring", (Field("int", check, n),)) for n in ("compared", "differing")]
        cells += [_cell(k, row, value) for k, value in enumerate((text(packed.port), *counts, shown))]
    return [Declare("table", "parity", made, kept=True), If(Name("bool", "barstate.islast"), tuple(cells))]


def _cell(column: int, row: int, value: Expr) -> Do:
    arguments = (Name("table", "parity"), integer(column), integer(row), value)
    named = (("text_color", Name("color", "color.white")), ("text_size", Name("size", "size.small")))
    return Do(Call("void", "table.cell", arguments, named))
