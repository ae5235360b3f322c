"""Formulas in the notation of the layers' pages, set as MathML.

A formula is an equation. Whatever else stands in a rule is prose and stays as it is: a word that is not known and has
another beside it, an equation that cannot be read to its end.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection
from html import escape

from stratoquant.tools.docs.notation import FUNCTIONS, SYMBOL, is_loose, parsed, tokens

_GREEK = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ε", "eta": "η", "kappa": "κ", "lambda": "λ",
    "mu": "μ", "nu": "ν", "omega": "ω", "phi": "φ", "pi": "π", "rho": "ρ", "sigma": "σ", "tau": "τ", "theta": "θ",
    "xi": "ξ", "Phi": "Φ", "Sigma": "Σ", "sum": "∑", "ln": "ln",
}  # fmt: skip
_SIDE = re.compile(r"(?<![\w.\]])[A-Za-z]\w*(?:\[\w+\])?(?:, [A-Za-z]\w*)* = ")
_EQUALS = re.compile(r"\s*=(?!=)")
_GOES_ON = re.compile(r"\s*[(\[+*/^|<>=-]")  # what stands behind an equation that was not read to its end
_WORD = re.compile(r"\s+[`\w]|[-']")
_WORDS_THAT_GO_ON = re.compile(r"\s+(mod|xor)\b")
_COMPARISONS = {
    ast.Lt: "&lt;", ast.LtE: "≤", ast.Gt: "&gt;", ast.GtE: "≥", ast.Eq: "=", ast.NotEq: "≠",
}  # fmt: skip
_TIMES = "\u2062"  # a product that is not written
_SIGNS = {ast.USub: "−", ast.UAdd: "+", ast.Invert: "±"}
_STRENGTH = {ast.Add: 1, ast.Sub: 1, ast.BitOr: 1, ast.BitXor: 1, ast.Mult: 2, ast.Div: 2, ast.Pow: 4}


def with_formulas(text: str, names: Collection[str]) -> str:
    """HTML of a rule: its equations as MathML, everything else as text.

    names: ports and parameters of the layer, known besides the functions, the letters, and what the rule defines.
    """
    text = " ".join(text.split())
    sides = {_begins(text, match): match.end() for match in _SIDE.finditer(text)}
    known = {*names, *FUNCTIONS, *_GREEK}
    known |= {name for start, end in sides.items() for name in re.findall(r"[A-Za-z]\w*", text[start:end])}
    html, done = "", 0
    for start in sides:
        found = _longest(text, start, known) if start >= done else None
        if found is not None:
            end, formula = found
            html += _prose(text[done:start]) + formula
            done = end
    return html + _prose(text[done:])


def _begins(text: str, side: re.Match[str]) -> int:
    """Where the left side of an equation begins: with the first of names that commas part, or, where prose runs up to
    that one, as in `over the last bars, up = 1`, with the last."""
    before = text[: side.start()].rstrip()
    if not before or before[-1] in ".,;:(" or before.endswith(" and"):
        return side.start()
    return side.start() + len("".join(side[0].rpartition(", ")[:2]))


def _prose(text: str) -> str:
    """Text with what stands in backticks as code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text, quote=False))


def _longest(text: str, start: int, known: Collection[str]) -> tuple[int, str] | None:
    """The longest equation that begins at a place, with its end; None where there is none."""
    read = _read(text, start)
    for end, word in reversed(read):
        formula = equation(text[start:end], known)
        if formula is not None:
            if (word == "a" or is_loose(word, known)) and _WORD.match(text, end):
                continue
            goes_on = _GOES_ON.match(text, end) or _WORDS_THAT_GO_ON.match(text, end)
            return None if goes_on else (end, formula)
    return None


def _read(text: str, start: int) -> list[tuple[int, str]]:
    """The tokens from a place on, = among them, as far as they can belong to one equation, with where each ends."""
    found: list[tuple[int, str]] = []
    place = start
    while True:
        found += [(token.ends, token.text) for token in tokens(text, place)]
        place = found[-1][0] if found else place
        equals = _EQUALS.match(text, place)
        if equals is None:
            return found
        place = equals.end()
        found.append((place, "="))


def equation(text: str, known: Collection[str]) -> str | None:
    """MathML of `a = b` or `a = b = c`; None when a side is no formula."""
    sides = [parsed(side, known) for side in re.split(r"\s=\s", text)]
    whole = [side for side in sides if side is not None]
    if len(sides) < 2 or len(whole) < len(sides) or isinstance(whole[-1], ast.Tuple):
        return None
    return f"<math><mrow>{'<mo>=</mo>'.join(_set(side) for side in whole)}</mrow></math>"


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
        return f"<mo>{sign}</mo>{_set(node.operand, 2)}"
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
        fraction = f"<mfrac><mrow>{_set(node.left)}</mrow><mrow>{_set(node.right)}</mrow></mfrac>"
        return f"<mrow><mo>(</mo>{fraction}<mo>)</mo></mrow>" if above > _STRENGTH[ast.Pow] else fraction
    if isinstance(node.op, ast.Pow):
        return f"<msup><mrow>{_set(node.left, 5)}</mrow><mrow>{_set(node.right)}</mrow></msup>"
    sign = {ast.Add: "+", ast.Sub: "−", ast.BitOr: "±", ast.BitXor: "∓", ast.Mult: _TIMES}[type(node.op)]
    is_power = isinstance(node.right, ast.BinOp) and isinstance(node.right.op, ast.Pow)
    first = node.right.left if is_power else node.right
    if isinstance(node.op, ast.Mult) and isinstance(first, ast.Constant):
        sign = "·"
    space = ' lspace="0.12em" rspace="0.12em"' if sign == _TIMES else ""
    written = f"{_set(node.left, strength)}<mo{space}>{sign}</mo>{_set(node.right, strength + 1)}"
    return f"<mo>(</mo>{written}<mo>)</mo>" if strength < above else f"<mrow>{written}</mrow>"


def _call(name: str, arguments: list[ast.expr]) -> str:
    if name == "sum" and len(arguments) == 1:
        return f'<mrow>{_name(name)}<mspace width="0.15em"/>{_set(arguments[0], 2)}</mrow>'
    inner = "<mo>,</mo>".join(_set(a) for a in arguments)
    if name == "sqrt":
        return f"<msqrt>{inner}</msqrt>"
    if name in ("abs", "fabs"):
        return f"<mrow><mo>|</mo>{inner}<mo>|</mo></mrow>"
    if name == "floor":
        return f"<mrow><mo>⌊</mo>{inner}<mo>⌋</mo></mrow>"
    return f"{_name(name)}<mo>&#x2061;</mo><mrow><mo>(</mo>{inner}<mo>)</mo></mrow>"


def _name(name: str) -> str:
    if name == "sum":
        return "<mo>∑</mo>"
    if (symbol := SYMBOL.fullmatch(name)) and symbol.lastindex:
        letter, index = (part for part in symbol.groups() if part)
        return f"<msub><mi>{letter}</mi>{f'<mn>{index}</mn>' if index.isdigit() else f'<mi>{index}</mi>'}</msub>"
    text = _GREEK.get(name, name)
    upright = ' mathvariant="normal"' if len(text) > 1 else ""
    return f"<mi{upright}>{escape(text)}</mi>"
