"""What TradingView allows a script, counted before it is written. Sources: its manual, "Limitations" (2026)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from stratoquant.mirror.pine.syntax import Block, Call, Declare, Loop, Script, Statement, children, expressions, walk

TOKENS = 100_000
VARIABLES = 1_000  # in one scope
PLOTS = 64
REQUESTS = 40
STRING = 4_096  # characters of one constant
ELEMENTS = 100_000  # of one array
LABELS = 500
TEXT_BYTES = 5_000_000

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[A-Za-z_][\w.]*|\d[\w.]*|:=|=>|[-+*/%<>=!]=?|[()\[\],?:]')
_PLOTTING = (
    "plot",
    "plotshape",
    "plotchar",
    "plotarrow",
    "plotbar",
    "plotcandle",
    "bgcolor",
    "barcolor",
    "alertcondition",
)
_ARRAY = re.compile(r"array\.new<float>\((\d+)")


@dataclass(frozen=True)
class Usage:
    """tokens: words and signs of the source, a character of a text counting two; TradingView counts what it compiles,
    which cannot be seen from outside. variables: in the fullest scope."""

    tokens: int
    variables: int
    plots: int
    requests: int
    longest_string: int
    largest_array: int
    bytes: int

    def exceeded(self) -> list[str]:
        """Every limit that is passed, in words."""
        bounds = (
            ("tokens", self.tokens, TOKENS),
            ("variables in one scope", self.variables, VARIABLES),
            ("plots", self.plots, PLOTS),
            ("requests", self.requests, REQUESTS),
            ("characters in one text", self.longest_string, STRING),
            ("elements in one array", self.largest_array, ELEMENTS),
            ("bytes", self.bytes, TEXT_BYTES),
        )
        return [f"{used:,} {what}, {bound:,} allowed" for what, used, bound in bounds if used > bound]


def measure(script: Script, text: str) -> Usage:
    """Counts a script. text: as it is printed."""
    code = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("//"))
    words = _TOKEN.findall(code)
    strings = [w for w in words if w.startswith('"')]
    calls = [c for c in _calls(script) if c.function in _PLOTTING]
    return Usage(
        tokens=len(words) - len(strings) + sum(2 * max(len(s) - 2, 1) for s in strings),
        variables=_fullest_scope(script),
        plots=sum(_plot_count(c) for c in calls),
        requests=sum(c.function.startswith("request.") for c in _calls(script)),
        longest_string=max((len(s) - 2 for s in strings), default=0),
        largest_array=max((int(n) for n in _ARRAY.findall(code)), default=0),
        bytes=len(text.encode()),
    )


def _plot_count(call: Call) -> int:
    """A plot whose colour is computed counts twice."""
    colours = [value for name, value in call.named if name == "color"]
    return 2 if any(not hasattr(value, "text") for value in colours) else 1


def _calls(script: Script) -> Iterable[Call]:
    for block in (script.constants, script.main, *(f.body for f in script.functions)):
        for statement in _all(block):
            for expr in expressions(statement):
                yield from (e for e in walk(expr) if isinstance(e, Call))


def _all(block: Iterable[Statement]) -> Iterable[Statement]:
    for statement in block:
        yield statement
        for inner in children(statement):
            yield from _all(inner)


def _fullest_scope(script: Script) -> int:
    outermost = [s for s in (*script.constants, *script.main) if isinstance(s, Declare)]
    counts = [len(outermost), *(_deepest(tuple(script.main), 0),)]
    counts += [_deepest(f.body, len(f.parameters)) for f in script.functions]
    return max(counts)


def _deepest(block: Block, given: int) -> int:
    """The number of variables of the fullest block below, and in, a block; TradingView counts each block by itself."""
    own = given + sum(isinstance(s, Declare) for s in block)
    inner = [_deepest(b, int(isinstance(s, Loop))) for s in block for b in children(s)]
    return max([own, *inner])
