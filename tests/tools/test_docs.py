"""The catalogue as HTML: formulas are set where they are formulas, pages are whole, links lead somewhere."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest

from stratoquant.layers import catalogue
from stratoquant.tools.docs.formulas import equation, with_formulas
from stratoquant.tools.docs.pages import file_name, pages
from tests.tools.shell import Shell, shell

__all__ = ["shell"]
LETTERS: set[str] = {"sigma", "close", "window", "fast", "sd", "sqrt", "ln", "ewm", "abs", "sum"}


def flat(markup: str | None) -> str:
    """What a formula says without its layout: fractions and powers in brackets."""
    assert markup is not None
    tree = ElementTree.fromstring(markup)

    def said(node: ElementTree.Element) -> str:
        inner = [said(child) for child in node]
        if node.tag == "mfrac":
            return f"[{inner[0]}]/[{inner[1]}]"
        if node.tag == "msup":
            return f"{inner[0]}^[{inner[1]}]"
        if node.tag == "msub":
            return f"{inner[0]}_[{inner[1]}]"
        if node.tag == "msqrt":
            return f"√[{''.join(inner)}]"
        return (node.text or "").replace("\u2062", "").replace("\u2061", "") + "".join(inner)

    return said(tree)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("r = ln(c / c[1])", "r=ln([c]/[c_[t−1]])"),
        ("sigma = sqrt(ewm(r^2, fast))", "σ=√[ewm(r^[2],fast)]"),
        ("x = 2 close - 1", "x=2close−1"),
        ("x = (a - b)(c - d)", "x=(a−b)(c−d)"),
        ("x = a - (b - c)", "x=a−(b−c)"),
        ("x = |close - close[window]|", "x=|close−close_[t−window]|"),
        ("x, y = m +- k sd", "x,y=m±ksd"),
        ("u = +-t / 3", "u=±[t]/[3]"),
        ("x = e^(-a / 2) = y", "x=e^[−[a]/[2]]=y"),
        ("p = x <= 3", "p=x≤3"),
        ("s = sum d Q / sum d^2", "s=[∑dQ]/[∑d^[2]]"),
        ("s = -sum p ln p / ln 4", "s=−[∑pln(p)]/[ln(4)]"),
        ("s = sum (x - y)(x[1] - y) / n", "s=[∑(x−y)(x_[t−1]−y)]/[n]"),
        ("s = a / b c", "s=[a]/[b]c"),
        ("s = sum(|x|, window) + sum(x)", "s=∑(|x|,window)+∑x"),
        ("m = (a B_k + b A_k) / n_ij", "m=[aB_[k]+bA_[k]]/[n_[ij]]"),
        ("v = |H1 - |AB|| / P00", "v=[|H_[1]−|AB||]/[P_[00]]"),
        ("v = |a| |b|", "v=|a||b|"),
        ("v = gain / (gain + loss)", "v=[gain]/[gain+loss]"),
        ("v = x^-2", "v=x^[−2]"),
        ("v = (a / b)^2 1e4", "v=([a]/[b])^[2]·10^[4]"),
        ("u = m -+ 2.5e-3 sd", "u=m∓2.5·10^[−3]sd"),
    ],
)
def test_equations_are_set(text: str, expected: str) -> None:
    assert flat(equation(text, LETTERS)) == expected


@pytest.mark.parametrize(
    "text",
    [
        "x = the mean of a",
        "x",
        "x = a b c unknown",
        "x = (a",
        "x = |a",
        "x = a, b",
        "= 3",
        "x = sum",
        "x = a gain",
        "x = z-score",
        "x = mystery(a)",
        "x = a ^",
        "x = a)",
    ],
)
def test_prose_is_no_equation(text: str) -> None:
    assert equation(text, LETTERS) is None


def test_a_rule_is_prose_with_equations_in_it() -> None:
    html = with_formulas("gain = a - b, the `gain` & loss of x; z = gain when it is > 0.", {"gain"})
    assert html.count("<math>") == 2
    assert "</math>, the <code>gain</code> &amp; loss of x; <math>" in html and html.endswith(" when it is &gt; 0.")


@pytest.mark.parametrize(
    "text", ["x = a + mystery(b)", "x = Ehlers' smoother", "x = bars since then", "x = a y mod m", "x = 2 / the mean"]
)
def test_an_equation_that_cannot_be_read_to_its_end_stays_text(text: str) -> None:
    assert "<math>" not in with_formulas(text, {"y"})


def test_an_equation_ends_where_prose_begins() -> None:
    assert [flat(m) for m in formulas("x = side 1e4 pay a day; y = sum p q over all; z = gain / loss.")] == [
        "x=side·10^[4]pay",
        "y=∑pq",
        "z=[gain]/[loss]",
    ]
    assert [flat(m) for m in formulas("over the last bars, up = 1; m, sd = 2 and a, b = 3")] == [
        "up=1",
        "m,sd=2",
        "a,b=3",
    ]


def formulas(text: str) -> list[str]:
    return re.findall(r"<math>.*?</math>", with_formulas(text, {"side", "pay"}))


class Outline(HTMLParser):
    """Finds tags that are not closed, and collects links."""

    VOID = frozenset({"meta", "input", "br", "link"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.links: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in self.VOID:
            self.open.append(tag)
        self.links |= {value for name, value in attrs if name == "href" and value}

    def handle_endtag(self, tag: str) -> None:
        assert self.open and self.open.pop() == tag, f"</{tag}> closes nothing"


def test_every_page_is_whole_and_every_link_leads_to_one() -> None:
    layers = [catalogue().get(key) for key in catalogue().keys()]  # noqa: SIM118 - a registry is no mapping
    made = pages(layers)
    assert set(made) == {"index.html", *(file_name(layer) for layer in layers)}
    for text in made.values():
        outline = Outline()
        outline.feed(text)
        assert outline.open == [] and outline.links <= set(made)
        for formula in re.findall(r"<math>.*?</math>", text):
            ElementTree.fromstring(formula)
    assert sum(text.count("<math>") for text in made.values()) > len(layers)


def test_a_page_says_what_the_layer_declares() -> None:
    layer = catalogue().get("L14")
    text = pages([layer])[file_name(layer)]
    for said in ("Wilder 1978", "TA-Lib RSI", "kinematics.yaml", "bars of Wilder", "centred", "def step("):
        assert said in text, said


def test_every_numbered_layer_says_what_its_step_costs() -> None:
    layers = [catalogue().get(f"L{number}") for number in range(101)]
    made = pages(layers)
    without = [layer.key for layer in layers if "ns a step and symbol, on " not in made[file_name(layer)]]
    assert without == []


def test_the_command_writes_a_folder_and_replaces_its_own_only(shell: Shell) -> None:
    Path("site").mkdir()
    Path("site/index.html").write_text("old", encoding="utf-8")
    assert shell.run("docs", "-o", "site") == 0
    assert shell.out.strip() == "site/index.html" and Path("site/l14_rsi.html").exists()
    assert Path("site/index.html").read_text(encoding="utf-8") != "old"
    Path("site/mine.html").write_text("mine", encoding="utf-8")
    assert shell.run("docs", "-o", "site") == 3
    assert "F007" in shell.err and "it holds mine.html" in shell.err
    assert Path("site/mine.html").exists() and Path("site/l14_rsi.html").exists()
    assert shell.run("docs", "-o", "other", "--folder", "nowhere") == 2
    assert "nowhere is no folder" in shell.err and not Path("other").exists()
