"""What TradingView would refuse is found before it is written: wrong types and names, scripts that are too large."""

from __future__ import annotations

from pathlib import Path

import pytest

from stratoquant.graph.compiler import checked_or_raise
from stratoquant.layers import catalogue
from stratoquant.mirror.pine import limits, lint
from stratoquant.mirror.pine.export import choose, export
from stratoquant.mirror.pine.limits import measure
from stratoquant.mirror.pine.printing import expr_text, script_text
from stratoquant.mirror.pine.script import LONGEST_GAP
from stratoquant.mirror.pine.syntax import (
    FLOATS,
    NA,
    TRUE,
    Assign,
    Binary,
    Call,
    Choice,
    Declare,
    Do,
    Field,
    Function,
    If,
    Literal,
    Loop,
    Name,
    Script,
    Statement,
    TypeDef,
    Unary,
    integer,
    number,
    text,
)

SPECS = Path(__file__).parents[3] / "specs"
X = Name("float", "x")
POINT = TypeDef("Point", (("value", "float"), ("count", "int")))


def script(*main: Statement, functions: tuple[Function, ...] = ()) -> Script:
    made = Script(Call("void", "indicator", (text("t"),)))
    made.types, made.functions, made.main = [POINT], list(functions), list(main)
    return made


def function(
    *body: Statement, result: object = None, parameters: tuple[tuple[str, str], ...] = (("x", "float"),)
) -> Function:
    return Function("f", parameters, body, result or integer(0))  # type: ignore[arg-type]


DEFECTS = {
    "a bool that counts": (script(Declare("float", "x", Binary("float", "+", TRUE, number(1.0)))), "is bool"),
    "a number as condition": (script(If(number(1.0), (Do(integer(0)),))), "the condition is float"),
    "an int that gets a float": (script(Declare("int", "n", number(1.5))), "n is float, not int"),
    "a name that is not there": (script(Do(X)), "x is read before it is declared"),
    "a name declared twice": (
        script(Declare("int", "n", integer(1)), Declare("int", "n", integer(2))),
        "declared twice",
    ),
    "a reserved name": (script(Declare("float", "close", number(1.0))), "close is reserved and cannot be a variable"),
    "a field that is not there": (
        script(
            Declare("Point", "p", Call("Point", "Point.new", (NA, integer(0)))),
            Do(Field("float", Name("Point", "p"), "size")),
        ),
        "Point has no field size",
    ),
    "too few fields": (script(Declare("Point", "p", Call("Point", "Point.new", (NA,)))), "takes 2 arguments"),
    "an unknown function": (
        script(Do(Call("float", "ta.ema", (number(1.0), integer(2))))),
        "is not defined before its call",
    ),
    "two parameters of one name": (
        script(functions=(function(parameters=(("x", "float"), ("x", "int"))),)),
        "two parameters of one name",
    ),
    "a function that is called like a variable": (
        script(Declare("int", "f", integer(1)), functions=(function(),)),
        "f is declared twice, as a function and as a variable",
    ),
    "a parameter that is assigned to": (script(functions=(function(Assign(X, number(1.0))),)), "is assigned to"),
    "a loop variable that is assigned to": (
        script(Loop("k", integer(0), integer(3), (Assign(Name("int", "k"), integer(1)),))),
        "is assigned to",
    ),
    "a loop that may count down": (
        script(
            Declare("int", "n", integer(0)),
            Loop("k", integer(0), Binary("int", "-", Name("int", "n"), integer(1)), (Do(integer(0)),)),
        ),
        "the loop over k may count down",
    ),
    "a loop with a test of something else": (
        script(
            Declare("int", "n", integer(0)),
            If(
                Binary("bool", ">", Name("int", "n"), integer(0)),
                (Loop("k", integer(2), Binary("int", "-", Name("int", "n"), integer(1)), (Do(integer(0)),)),),
            ),
        ),
        "the loop over k may count down",
    ),
    "a loop of numbers that counts down": (
        script(Loop("k", integer(0), integer(-1), (Do(integer(0)),))),
        "the loop over k may count down",
    ),
    "a global that a function assigns to": (
        script(functions=(function(Assign(Name("float", "y"), number(1.0))),)),
        "y is read before it is declared",
    ),
    "unlike sides of a choice": (script(Declare("float", "x", Choice("float", TRUE, number(1.0), TRUE))), "two sides"),
    "a comparison of a bool": (
        script(Declare("bool", "b", Binary("bool", "<", TRUE, integer(1)))),
        "< between bool and int",
    ),
    "not of a number": (script(Declare("bool", "b", Unary("bool", "not", integer(1)))), "operand of not is int"),
    "an argument of another type": (script(Do(Call("float", "array.get", (X, integer(0))))), "x is read before"),
    "an empty block": (script(If(TRUE, ())), "a block without a line"),
    "a claim that is wrong": (script(Do(Binary("bool", "+", number(1.0), number(2.0)))), "claims to be bool"),
    "a list of something else than numbers": (
        script(Do(Call(FLOATS, "array.from", (number(1.0), TRUE)))),
        "an argument of array.from is bool, not float",
    ),
    "a vector as a number": (
        script(Declare("float", "x", Call(FLOATS, "array.new<float>", (integer(3), NA)))),
        "not float",
    ),
}


@pytest.mark.parametrize("name", DEFECTS)
def test_a_defect_is_found(name: str) -> None:
    bad, message = DEFECTS[name]
    with pytest.raises(lint.PineDefectError, match=message):
        lint.check(bad)


def test_a_sound_script_passes() -> None:
    body = (
        Declare("float", "y", Binary("float", "*", X, number(2.0))),
        If(Binary("bool", ">", Name("float", "y"), integer(0)), (Assign(Name("float", "y"), NA),)),
    )
    good = function(*body, result=Name("float", "y"))
    lint.check(script(Declare("float", "z", Call("float", "f", (number(1.0),))), functions=(good,)))


def test_the_text_of_an_expression_means_the_tree() -> None:
    a, b, c = (Name("float", n) for n in "abc")
    assert expr_text(Binary("float", "-", a, Binary("float", "-", b, c))) == "a - (b - c)"
    assert expr_text(Binary("float", "*", Binary("float", "-", a, b), c)) == "(a - b) * c"
    assert expr_text(Unary("float", "-", Binary("float", "+", a, b))) == "-(a + b)"
    assert expr_text(Binary("float", "-", a, Literal("float", "-1.0"))) == "a - -1.0"
    test = Binary("bool", "==", a, b)
    assert expr_text(Unary("bool", "not", test)) == "not (a == b)"
    assert expr_text(Choice("float", test, a, Choice("float", test, b, c))) == "a == b ? a : (a == b ? b : c)"


def test_usage_counts_what_tradingview_counts() -> None:
    coloured = Choice("color", TRUE, Literal("color", "#000000"), Literal("color", "na"))
    lines: list[Statement] = [Declare("int", f"n{k}", integer(k)) for k in range(30)]
    lines += [Do(Call("void", "plot", (X, text("abc")))) for _ in range(3)]
    lines += [
        Do(Call("void", "plot", (X, text("d")), (("color", coloured),))),
        Do(Call("void", "bgcolor", (coloured,))),
    ]
    many = function(*(Declare("float", f"v{k}", number(0.5)) for k in range(40)))
    made = script(*lines, functions=(many,))
    usage = measure(made, script_text(made))
    assert usage.plots == 3 + 2 + 1
    assert usage.variables == 41
    assert usage.longest_string == 3
    assert not usage.exceeded()


@pytest.mark.parametrize(
    ("what", "made"),
    [
        ("plots", script(*(Do(Call("void", "plot", (number(1.0), text(f"p{k}")))) for k in range(65)))),
        ("variables", script(*(Declare("int", f"n{k}", integer(k)) for k in range(1001)))),
        ("characters in one text", script(Declare("string", "s", text("x" * 5000)))),
        (
            "elements in one array",
            script(Declare(FLOATS, "a", Call(FLOATS, "array.new<float>", (integer(200_000), NA)))),
        ),
        ("tokens", script(*(Declare("string", f"s{k}", text("x" * 4000)) for k in range(13)))),
    ],
)
def test_a_limit_that_is_passed_is_named(what: str, made: Script) -> None:
    assert any(what in line for line in measure(made, script_text(made)).exceeded())


def test_more_plots_than_fit_are_left_out_from_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    checked = checked_or_raise(SPECS / "bars_only.yaml", catalogue())
    chosen = choose(checked)
    whole = export(checked, chosen)
    assert not whole.dropped and whole.usage.plots <= limits.PLOTS
    monkeypatch.setattr("stratoquant.mirror.pine.limits.PLOTS", 9)
    monkeypatch.setattr("stratoquant.mirror.pine.export.PLOTS", 9)
    less = export(checked, chosen)
    assert less.usage.plots <= 9 and less.shown == chosen.ports[: len(less.shown)]
    assert {port for port, _ in less.dropped} == set(chosen.ports[len(less.shown) :])
    assert all("plots" in reason for _, reason in less.dropped)


def test_what_only_dropped_ports_needed_goes_too() -> None:
    checked = checked_or_raise(SPECS / "bars_only.yaml", catalogue())
    small = export(checked, choose(checked, ["L14.rsi"]))
    assert small.cut.nodes == {"L0", "L14"}
    assert "l1_market_regime" not in small.text and "l14_rsi" in small.text


def test_the_page_of_limits_says_what_is_checked() -> None:
    page = (SPECS.parent / "docs" / "pine_limits.md").read_text(encoding="utf-8")
    allowed = {
        "compiled tokens": limits.TOKENS,
        "variables in one scope": limits.VARIABLES,
        "plots": limits.PLOTS,
        "requests": limits.REQUESTS,
        "characters in one text": limits.STRING,
        "elements in one array": limits.ELEMENTS,
        "bytes of source": limits.TEXT_BYTES,
        "labels": limits.LABELS,
    }
    for name, bound in allowed.items():
        assert f"| {name} | {bound:,} |" in page
    assert f"up to {LONGEST_GAP:,} times" in page and "## Not known" in page
    checked = checked_or_raise(SPECS / "bars_only.yaml", catalogue())
    assert export(checked, choose(checked)).usage.tokens == pytest.approx(78_000, rel=0.05), (
        "the page says another size"
    )
