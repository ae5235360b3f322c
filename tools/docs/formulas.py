"""Formulas in the notation of the layers' pages, set as MathML.

The notation is that of the field in one line of text: x[1] is x of the step before, ^ a power, |x| a size, +- a sign of
either kind, and two names beside each other a product. A formula is an equation whose every name is known; whatever
else stands in a rule is prose and stays as it is.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator
from html import escape

_WORDS = (
    "abs acos asin atan atan2 atr clip cos cosh erf ewm exp fabs floor hh hypot ll ln log log10 max mean median min "
    "Phi pct_rank percentile range rma sd sign sin sinh sma sqrt sum tan tanh var z"
)
FUNCTIONS = frozenset(_WORDS.split())
_GREEK = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ε", "eta": "η", "kappa": "κ", "lambda": "λ",
    "mu": "μ", "nu": "ν", "omega": "ω", "phi": "φ", "pi": "π", "rho": "ρ", "sigma": "σ", "tau": "τ", "theta": "θ",
    "Phi": "Φ", "Sigma": "Σ", "sum": "∑", "ln": "ln",
}  # fmt: skip
_TOKEN = re.compile(r"\s*(\d+(?:\.\d+)?(?:e-?\d+)?|[A-Za-z]\w*|\+-|<=|>=|!=|==|[-+*/^()\[\]|,<>])")
_SIDE = re.compile(r"(?<![\w.\]])[A-Za-z]\w*(?:\[\w+\])?(?:, [A-Za-z]\w*)* = ")
_GOES_ON = re.compile(r"\s*[(\[+*/^|<>=-]")  # what stands behind an equation that was not read to its end
_COMPARISONS = {
    ast.Lt: "&lt;", ast.LtE: "≤", ast.Gt: "&gt;", ast.GtE: "≥", ast.Eq: "=", ast.NotEq: "≠",
}  # fmt: skip
_TIMES = "\u2062"  # a product that is not written
_SIGNS = {ast.USub: "−", ast.UAdd: "+", ast.Invert: "±"}
_STRENGTH = {ast.Add: 1, ast.Sub: 1, ast.BitOr: 1, ast.Mult: 2, ast.Div: 2, ast.Pow: 4}


def with_formulas(text: str, names: Collection[str]) -> str:
    """HTML of a rule: its equations as MathML, everything else as text.

    names: ports and parameters of the layer, known besides the functions, the letters, and what the rule defines.
    """
    text = " ".join(text.split())
    known = {*names, *FUNCTIONS, *_GREEK}
    known |= {name for match in _SIDE.finditer(text) for name in re.findall(r"[A-Za-z]\w*", match[0])}
    html, done = "", 0
    for match in _SIDE.finditer(text):
        if match.start() < done:
            continue
        found = _longest(text, match.start(), known)
        if found is not None:
            end, formula = found
            html += _prose(text[done : match.start()]) + formula
            done = end
    return html + _prose(text[done:])


def _prose(text: str) -> str:
    """Text with what stands in backticks as code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text, quote=False))


def _longest(text: str, start: int, known: Collection[str]) -> tuple[int, str] | None:
    """The longest equation that begins at a place, with its end; None where there is none."""
    ends = [start]
    for token in _tokens(text, start):
        ends.append(token)
    for end in reversed(ends[1:]):
        formula = equation(text[start:end], known)
        if formula is not None:
            return None if _GOES_ON.match(text, end) else (end, formula)
    return None


def _tokens(text: str, start: int) -> Iterator[int]:
    """Ends of the tokens from a place on, as far as they can belong to one equation."""
    place = start
    while True:
        match = _TOKEN.match(text, place)
        equals = re.match(r"\s*=(?!=)", text[place:])
        if match is None and equals is None:
            return
        place = match.end() if match else place + equals.end()  # type: ignore[union-attr]
        yield place


def equation(text: str, known: Collection[str]) -> str | None:
    """MathML of `a = b` or `a = b = c`; None when a side is no formula or names something unknown."""
    sides = re.split(r"\s=\s", text)
    if len(sides) < 2:
        return None
    parsed = [_parsed(side, known) for side in sides]
    if any(side is None for side in parsed) or isinstance(parsed[-1], ast.Tuple):
        return None
    return f"<math><mrow>{'<mo>=</mo>'.join(_set(side) for side in parsed if side is not None)}</mrow></math>"


def _parsed(text: str, known: Collection[str]) -> ast.expr | None:
    source = _as_python(text, known)
    if source is None:
        return None
    try:
        tree = ast.parse(source, mode="eval").body
        _set(tree)
    except (SyntaxError, NotImplementedError):
        return None
    return tree


def _as_python(text: str, known: Collection[str]) -> str | None:
    """The text with its products written out and in Python's signs; None for a word that is no name here."""
    parts: list[str] = []
    place, open_bar = 0, False
    while place < len(text):
        match = _TOKEN.match(text, place)
        if match is None:
            return None if text[place:].strip() else "".join(parts)
        token, apart = match[1], match.start(1) > place
        place = match.end()
        if token[0].isalpha() and len(token) > 1 and token not in known:
            return None
        if token == "|":
            open_bar = not open_bar
            opens = open_bar
            token = "abs(" if opens else ")"
        else:
            opens = token == "("
        operand = token[0].isalnum() or opens
        ended = bool(parts) and (parts[-1][-1].isalnum() or parts[-1][-1] in ")]_")
        closed = bool(parts) and parts[-1] in (")", "]")
        if ended and operand and (apart or token == "abs(" or closed):
            parts.append("*")
        either = "|" if ended else "~"
        parts.append({"^": "**", "+-": either, "lambda": "lambda_"}.get(token, token))
    return None if open_bar else "".join(parts)


def _set(node: ast.expr, above: int = 0) -> str:
    """MathML of an expression; `above` is how strongly the operator around it binds."""
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        return f"<mn>{node.value}</mn>"
    if isinstance(node, ast.Name):
        return _name(node.id)
    if isinstance(node, ast.Tuple):
        return "<mo>,</mo>".join(_set(e) for e in node.elts)
    if isinstance(node, ast.Subscript):
        return f"<msub>{_set(node.value, 9)}<mrow><mi>t</mi><mo>−</mo>{_set(node.slice, 2)}</mrow></msub>"
    if isinstance(node, ast.UnaryOp) and type(node.op) in _SIGNS:
        sign = _SIGNS[type(node.op)]
        return f"<mo>{sign}</mo>{_set(node.operand, 3)}"
    if isinstance(node, ast.Compare) and all(type(op) in _COMPARISONS for op in node.ops):
        rest = zip(node.ops, node.comparators, strict=True)
        return _set(node.left) + "".join(f"<mo>{_COMPARISONS[type(op)]}</mo>{_set(side)}" for op, side in rest)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and not node.keywords:
        return _call(node.func.id, node.args)
    if isinstance(node, ast.BinOp) and type(node.op) in _STRENGTH:
        return _binary(node, above)
    raise NotImplementedError(type(node).__name__)


def _binary(node: ast.BinOp, above: int) -> str:
    strength = _STRENGTH[type(node.op)]
    if isinstance(node.op, ast.Div):
        return f"<mfrac><mrow>{_set(node.left)}</mrow><mrow>{_set(node.right)}</mrow></mfrac>"
    if isinstance(node.op, ast.Pow):
        return f"<msup><mrow>{_set(node.left, 5)}</mrow><mrow>{_set(node.right)}</mrow></msup>"
    sign = {ast.Add: "+", ast.Sub: "−", ast.BitOr: "±", ast.Mult: _TIMES}[type(node.op)]
    if isinstance(node.op, ast.Mult) and isinstance(node.right, ast.Constant):
        sign = "·"
    space = ' lspace="0.12em" rspace="0.12em"' if sign == _TIMES else ""
    written = f"{_set(node.left, strength)}<mo{space}>{sign}</mo>{_set(node.right, strength + 1)}"
    return f"<mo>(</mo>{written}<mo>)</mo>" if strength < above else f"<mrow>{written}</mrow>"


def _call(name: str, arguments: list[ast.expr]) -> str:
    inner = "<mo>,</mo>".join(_set(a) for a in arguments)
    if name == "sqrt":
        return f"<msqrt>{inner}</msqrt>"
    if name in ("abs", "fabs"):
        return f"<mrow><mo>|</mo>{inner}<mo>|</mo></mrow>"
    if name == "floor":
        return f"<mrow><mo>⌊</mo>{inner}<mo>⌋</mo></mrow>"
    return f"{_name(name)}<mo>&#x2061;</mo><mrow><mo>(</mo>{inner}<mo>)</mo></mrow>"


def _name(name: str) -> str:
    name = name.removesuffix("_")
    if name == "sum":
        return "<mo>∑</mo>"
    text = _GREEK.get(name, name)
    upright = ' mathvariant="normal"' if len(text) > 1 else ""
    return f"<mi{upright}>{escape(text)}</mi>"
