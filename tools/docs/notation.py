"""The notation of the layers' pages, read into Python's expressions.

It is that of the field in one line of text: x[1] is x of the step before, ^ a power, |x| a size, +- and -+ a sign of
either kind, `sum` the sum of the product behind it, and two names beside each other a product. Of equal strength the
left one goes first: a / b c is c times a / b.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

_WORDS = (
    "abs acos asin atan atan2 atr clip cos cosh erf erfc ewm exp fabs floor hh hypot ll ln log log10 max mean median "
    "min Phi pct_rank percentile range rma sd sign sin sinh sma sqrt sum tan tanh var wma z"
)
FUNCTIONS = frozenset(_WORDS.split())
SYMBOL = re.compile(r"[A-Za-z]|([A-Z])(\d+)|([A-Za-z])_([ijkmn]{1,2})|[A-Z]{2}")
"""What is a quantity by its looks: x, P00, w_k, and AB, the way from A to B."""
_TOKEN = re.compile(r"\s*(\d+(?:\.\d+)?(?:e-?\d+)?|[A-Za-z]\w*|\+-|-\+|<=|>=|!=|==|[-+*/^()\[\]|,<>])")
_ADDITIVE = {"+": ast.Add, "-": ast.Sub, "+-": ast.BitOr, "-+": ast.BitXor}
_SIGNS = {"+": ast.UAdd, "-": ast.USub, "+-": ast.Invert}
_COMPARISONS = {"<": ast.Lt, "<=": ast.LtE, ">": ast.Gt, ">=": ast.GtE, "==": ast.Eq, "!=": ast.NotEq}
_APPLIED = frozenset({"ln", "log", "sqrt", "sign", "exp", "floor"})  # to what stands behind them, brackets or not


class NotAFormulaError(Exception):
    """Raised inside; `parsed` gives None."""


@dataclass(frozen=True)
class Token:
    """apart: a space stands before it. ends: its last place in the text."""

    text: str
    apart: bool
    ends: int

    @property
    def is_word(self) -> bool:
        return self.text[0].isalpha()

    @property
    def begins_operand(self) -> bool:
        return self.text[0].isalnum() or self.text in ("(", "|")


def tokens(text: str, start: int = 0) -> Iterator[Token]:
    """The tokens from a place on, as far as the notation goes."""
    place = start
    while match := _TOKEN.match(text, place):
        yield Token(match[1], match.start(1) > place, match.end())
        place = match.end()


def is_loose(word: str, known: Collection[str]) -> bool:
    """True for a word that may be a quantity that the prose around it explains, or prose itself."""
    return word[0].isalpha() and word not in known and not SYMBOL.fullmatch(word)


def parsed(text: str, known: Collection[str]) -> ast.expr | None:
    """The expression that a text is, or None. Words that are not known may not stand beside another operand."""
    read = list(tokens(text))
    if not read or text[read[-1].ends :].strip() or re.search(r"[A-Za-z]-[A-Za-z]", text):
        return None
    reader = _Reader(read, known)
    try:
        tree = reader.sides()
    except NotAFormulaError:
        return None
    return tree if reader.next is None else None


def _number(text: str) -> ast.expr:
    mantissa, _, exponent = text.partition("e")
    number = ast.Constant(float(mantissa) if "." in mantissa else int(mantissa))
    if not exponent:
        return number
    sign = ast.UnaryOp(ast.USub(), ast.Constant(-int(exponent)))
    power = ast.BinOp(ast.Constant(10), ast.Pow(), sign if int(exponent) < 0 else ast.Constant(int(exponent)))
    return power if mantissa == "1" else ast.BinOp(number, ast.Mult(), power)


class _Reader:
    """Reads by descent: sides, comparison, sum of terms, product, power, operand."""

    def __init__(self, read: list[Token], known: Collection[str]) -> None:
        self.read, self.known, self.place = read, known, 0
        self.bars = False  # inside |...|, where the next bar closes

    @property
    def next(self) -> Token | None:
        return self.read[self.place] if self.place < len(self.read) else None

    def sees(self, *texts: str) -> bool:
        return self.next is not None and self.next.text in texts

    def take(self, text: str | None = None) -> Token:
        token = self.next
        if token is None or (text is not None and token.text != text):
            raise NotAFormulaError
        self.place += 1
        return token

    def sides(self) -> ast.expr:
        """One expression, or several with commas between them."""
        found = [self.comparison()]
        while self.sees(","):
            self.take()
            found.append(self.comparison())
        return found[0] if len(found) == 1 else ast.Tuple(found)

    def comparison(self) -> ast.expr:
        left, signs, rest = self.additive(), [], []
        while self.next is not None and self.next.text in _COMPARISONS:
            signs.append(_COMPARISONS[self.take().text]())
            rest.append(self.additive())
        return ast.Compare(left, signs, rest) if signs else left

    def additive(self) -> ast.expr:
        left = self.product()
        while self.next is not None and self.next.text in _ADDITIVE:
            operator = _ADDITIVE[self.take().text]()
            left = ast.BinOp(left, operator, self.product())
        return left

    def product(self, *, divides: bool = True) -> ast.expr:
        """Operands with *, / or nothing between them; without `divides` up to the first /."""
        if self.next is not None and self.next.text in _SIGNS:
            return ast.UnaryOp(_SIGNS[self.take().text](), self.product(divides=divides))
        left = last = self.power()
        while self.next is not None:
            if self.sees("*") or (divides and self.sees("/")):
                operator = ast.Mult() if self.take().text == "*" else ast.Div()
                last = self.power()
            elif self.stands_beside():
                operator, before, last = ast.Mult(), last, self.power()
                if self.loose(before) or self.loose(last):
                    raise NotAFormulaError
            else:
                break
            left = ast.BinOp(left, operator, last)
        return left

    def stands_beside(self) -> bool:
        """True when the next token begins another factor."""
        token, before = self.next, self.read[self.place - 1]
        if token is None or not token.begins_operand or (token.text == "|" and self.bars):
            return False
        return token.apart or token.text == "|" or before.text in (")", "]", "|")

    def loose(self, node: ast.expr) -> bool:
        return isinstance(node, ast.Name) and is_loose(node.id, self.known)

    def power(self) -> ast.expr:
        base = self.operand()
        if not self.sees("^"):
            return base
        self.take()
        if self.next is not None and self.next.text in _SIGNS:
            return ast.BinOp(base, ast.Pow(), ast.UnaryOp(_SIGNS[self.take().text](), self.operand()))
        return ast.BinOp(base, ast.Pow(), self.power())

    def operand(self) -> ast.expr:
        token = self.take()
        if token.text == "(":
            return self.inside(")")
        if token.text == "|":
            return ast.Call(ast.Name("abs"), [self.inside("|")], [])
        if token.text[0].isdigit():
            return _number(token.text)
        if not token.is_word:
            raise NotAFormulaError
        return self.subscripted(self.named(token.text))

    def named(self, name: str) -> ast.expr:
        adjoins = self.sees("(") and not self.read[self.place].apart
        if name == "sum" and not adjoins:
            return ast.Call(ast.Name(name), [self.product(divides=False)], [])
        if adjoins or (name in _APPLIED and self.sees("(")):
            if is_loose(name, self.known):
                raise NotAFormulaError
            self.take("(")
            inner = self.inside(")")
            return ast.Call(ast.Name(name), inner.elts if isinstance(inner, ast.Tuple) else [inner], [])
        if name in _APPLIED and self.next is not None and self.next.begins_operand:
            return ast.Call(ast.Name(name), [self.operand()], [])
        return ast.Name(name)

    def subscripted(self, node: ast.expr) -> ast.expr:
        while self.sees("[") and not self.read[self.place].apart:
            self.take("[")
            node = ast.Subscript(node, self.inside("]"))
        return node

    def inside(self, closing: str) -> ast.expr:
        outer, self.bars = self.bars, closing == "|"
        found = self.sides()
        self.take(closing)
        self.bars = outer
        return found
