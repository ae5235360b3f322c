"""Kinds in kernels of a user's own: what would have no machine code, or use other memory, is found by the check."""

from __future__ import annotations

import math
import textwrap

import numpy as np
import pytest

from stratoquant.graph.alone import prepare
from stratoquant.graph.diagnostics import Findings
from stratoquant.graph.kernel_check import check_kernels
from stratoquant.layers import catalogue
from tests.graph.bad_wirings import FEED
from tests.graph.findings import Desk, desk

__all__ = ["desk"]

PRELUDE = '''\
"""A layer."""

from math import atan2, exp, floor, inf, isnan, ldexp, nan, sqrt
from typing import NamedTuple

from stratoquant.graph.language import Array, Model, Parameters, State, array, float_bits, kernel, layer, param, sized
from stratoquant.graph.types import Flag, MarketEvent, Price, Prob, Real, Side, Vec
from stratoquant.layers.primitives.averages import Smoothed, rma
from stratoquant.layers.primitives.ring import Ring, push

LIMIT = 5.0
ZERO = 0
HUGE = 10**30


class Params(Parameters):
    window: int = param(5, 1, 100, "bars")
    low: float = param(0.5, 0.0, 1.0, "share")


class Memory(State):
    side: float = 0.0
    count: int = 0
    recent: Array = array(4)
    smooth: Smoothed
    ring: Ring = sized(8)


class Weights(Model):
    layer1: Array = array(3)


class Out(NamedTuple):
    value: Real
    flat: Side


@kernel
def added(a: float, b: float) -> float:
    return a + b


@kernel
def counted(n: int) -> int:
    return n


@kernel
def noted(s: Memory, x: float):
    s.side = x


@kernel
def filled(values: Array, x: float) -> float:
    values[0] = x
    return x


@kernel
def ordered(a: float, b: float):
    if a < b:
        return a, b
    return b, a


@layer(None, "mine", domain="pattern", source="test")
'''
STEP = "def step(s: Memory, p: Params, x: Price) -> Out:\n"
FIRST = PRELUDE.count("\n") + 1


def source(body: str) -> str:
    if body.startswith("def "):
        return PRELUDE + body + "\n"
    return PRELUDE + STEP + textwrap.indent(body, "    ") + "\n"


def wiring(inputs: str = "x: feed.close") -> str:
    return FEED + f"  mine: {{inputs: {{{inputs}}}}}\nlayers: [own]\nrecord: [mine.value]\n"


UNKNOWN_FIELDS = [
    ("return Out(s.sidee, 0.0)", "1:16", "the memory `s` has no field `sidee`", "did you mean `side`?"),
    ("return Out(p.loww, 0.0)", "1:16", "the parameter set `p` has no field `loww`", "did you mean `low`?"),
    ("s.sidee = x\nreturn Out(x, 0.0)", "1:5", "no field `sidee`", "did you mean `side`?"),
    ("s.cont += 1\nreturn Out(x, 0.0)", "1:5", "no field `cont`", "did you mean `count`?"),
    ("s.recnt[0] = x\nreturn Out(x, 0.0)", "1:5", "no field `recnt`", "did you mean `recent`?"),
    ("return Out(s.recnt[0], 0.0)", "1:16", "no field `recnt`", "did you mean `recent`?"),
    ("return Out(s.smooth.valu, 0.0)", "1:16", "the memory `s.smooth` has no field `valu`", "did you mean `value`?"),
    ("return Out(s.ring.values2[0], 0.0)", "1:16", "`s.ring` has no field `values2`", "did you mean `values`?"),
    ("return Out(s.qqq, 0.0)", "1:16", "no field `qqq`", "its fields are side, count, recent, smooth, ring"),
    ("return Out(s.side.value, 0.0)", "1:16", "`s.side` is a number and has no fields", "remove the dot"),
    ("return Out(value=x, flatt=0.0)", "1:31", "`Out` has no field `flatt`", "did you mean `flat`?"),
    ("if x > 1.0:\n    for k in range(3):\n        s.sid = x\nreturn Out(x, 0.0)", "3:13", "`sid`", "`side`"),
    (
        "def step(s: Memory, p: Params, m: Weights, x: Price) -> Out:\n    return Out(m.layer2[0], 0.0)",
        "1:16",
        "the model `m` has no field `layer2`",
        "did you mean `layer1`?",
    ),
    (
        "def step(s: Memory, p: Params, bar: MarketEvent) -> Out:\n    return Out(bar.clos, 0.0)",
        "1:16",
        "the market event `bar` has no field `clos`",
        "did you mean `close`?",
    ),
]
WRONG_KINDS = [
    ("return Out(s.recent + 1.0, 0.0)", "1:16", "`s.recent` is an array, where a number is needed", "`s.recent[k]`"),
    ("return Out(s.recent, 0.0)", "1:16", "`s.recent` is an array", "`s.recent[k]`"),
    ("return Out(-s.smooth, 0.0)", "1:17", "is a record (Smoothed)", "`s.smooth.value`"),
    ("return Out(1.0 if s.recent > 0.0 else 0.0, 0.0)", "1:23", "is an array", "`s.recent[k]`"),
    ("if s.recent:\n    s.side = x\nreturn Out(x, 0.0)", "1:8", "is an array", "`s.recent[k]`"),
    ("while s.recent:\n    s.side = x\nreturn Out(x, 0.0)", "1:11", "is an array", "`s.recent[k]`"),
    ("return Out(sqrt(s.recent), 0.0)", "1:21", "is an array", "`s.recent[k]`"),
    ("return Out(x[0], 0.0)", "1:16", "`x` is a number and has no elements", "remove the brackets"),
    ("return Out(s.recent[x], 0.0)", "1:25", "an index is a whole number, but `x` may have", "write `int(x)`"),
    ("return Out(s.recent[p.low], 0.0)", "1:25", "`p.low` may have a fraction", "write `int(p.low)`"),
    ("return Out(s.recent[x > 1.0], 0.0)", "1:25", "`x > 1.0` is a truth value", "write `int(x > 1.0)`"),
    ("k = 0\nk = k / 2\nreturn Out(s.recent[k], 0.0)", "3:25", "`k` may have a fraction", "write `int(k)`"),
    ("k = 0\nif x > 1.0:\n    k = x\nreturn Out(s.recent[k], 0.0)", "4:25", "`k` may have", "write `int(k)`"),
    ("k = 0\nfor n in range(3):\n    k += x\nreturn Out(s.recent[k], 0.0)", "4:25", "`k` may have", "`int(k)`"),
    ("y = 0.0\nfor k in range(x):\n    y += 1.0\nreturn Out(y, 0.0)", "2:20", "a bound of range", "`int(x)`"),
    ("return Out(x & 1, 0.0)", "1:16", "an operand of a bitwise operator is a whole number", "`int(x)`"),
    ("return Out(ldexp(x, x), 0.0)", "1:25", "the second argument of ldexp is a whole number", "`int(x)`"),
    ("return Out(counted(x), 0.0)", "1:24", "this argument of `counted` is a whole number", "`int(x)`"),
    ("return Out(len(x), 0.0)", "1:16", "`x` is a number and has no length", "counts the elements"),
    ("s.recent = x\nreturn Out(x, 0.0)", "1:5", "is an array and cannot be replaced", "`s.recent[k] = ...`"),
    ("s.smooth = x\nreturn Out(x, 0.0)", "1:5", "is a record (Smoothed) and cannot be replaced", "set its fields"),
    ("s.side = s.recent\nreturn Out(x, 0.0)", "1:5", "is a number, but the value is an array", "set it to a number"),
    ("return Out(added(s.recent, x), 0.0)", "1:22", "`s.recent` is an array", "`s.recent[k]`"),
    ("return Out(rma(x, x, 5), 0.0)", "1:20", "`rma` takes a record (Smoothed) here, but `x` is a number", "give it"),
    ("return Out(push(s.smooth, x), 0.0)", "1:21", "`push` takes a record (Ring) here", "give it a record (Ring)"),
    ("return Out(filled(x, x), 0.0)", "1:23", "`filled` takes an array here", "give it an array"),
    ("return Out(noted(s, x), 0.0)", "1:16", "`noted(s, x)` is nothing, where a number is needed", "return a number"),
    ("y = noted(s, x)\nreturn Out(x, 0.0)", "1:5", "`y` would be nothing", "let the kernel return a number"),
    ("y = s.recent if x > 1.0 else x\nreturn Out(x, 0.0)", "1:9", "the two values differ in kind", "two numbers"),
    ("y = x\nif x > 1.0:\n    y = s.recent\nreturn Out(y, 0.0)", "4:16", "on one path", "use a number"),
    ("return Out(ordered(x, x), 0.0)", "1:16", "is 2 values, where a number is needed", "use a number"),
    ("return Out(x > 1.0, 0.0)", "1:16", "the output `value` is a truth value", "`1.0 if x > 1.0 else 0.0`"),
    ("return Out(float(x > 1.0), 0.0)", "1:16", "`x > 1.0` is a truth value", "`1.0 if x > 1.0 else 0.0`"),
    ("return Out(x + 10**30, 0.0)", "1:20", "the result does not fit 64 bits", "a decimal point"),
    ("return Out(x + 100000000000000000000, 0.0)", "1:20", "does not fit 64 bits", "write it as `1e+20`"),
    ("return Out(x + HUGE, 0.0)", "1:20", "`HUGE` does not fit 64 bits", "a decimal point"),
    ("k = 1\nreturn Out(ordered(x, x)[k], 0.0)", "2:16", "the position in several values", "from 0 to 1"),
    ("return Out(added, 0.0)", "1:16", "`added` is a kernel, where a value is needed", "call it"),
    ("y = range(3)\nreturn Out(x, 0.0)", "1:9", "range(...) stands in a `for` only", "`for k in range(...)`"),
]
WRONG_NUMBERS = [
    ("return Out(x)", "1:12", "`Out` is not given `flat`", "give a value for each of value, flat"),
    ("return Out(x, 0.0, 1.0)", "1:12", "`Out` takes 2 values, not 3", "its fields are value, flat"),
    ("return Out(x, 0.0, value=x)", "1:30", "`Out` is given `value` twice", "give each output once"),
    ("return Out(added(x), 0.0)", "1:16", "`added` takes 2 arguments, not 1", "declared as `added(a, b)`"),
    ("return Out(rma(s.smooth, x), 0.0)", "1:16", "`rma` takes 3 arguments, not 2", "`rma(s, x, n)`"),
    ("return Out(added(a=x, b=x), 0.0)", "1:16", "`added` is given an argument by name", "by position"),
    ("return Out(sqrt(x, 2.0), 0.0)", "1:16", "`sqrt` takes 1 argument, not 2", "correct the arguments"),
    ("return Out(atan2(x), 0.0)", "1:16", "`atan2` takes 2 arguments, not 1", "correct the arguments"),
    ("return Out(min(x), 0.0)", "1:16", "`min` takes 2 or more arguments, not 1", "correct the arguments"),
    ("for k in range(0, 3, 1, 2):\n    s.side = 1.0\nreturn Out(x, 0.0)", "1:14", "`range` takes 1 to 3", "correct"),
    ("a, b, c = ordered(x, x)\nreturn Out(a, 0.0)", "1:5", "2 values cannot be taken apart into 3", "as many as"),
    ("a, b = x\nreturn Out(a, 0.0)", "1:5", "a number cannot be taken apart into 2", "as many as"),
]
NO_VALUES = [
    ("z = y\ny = 1.0\nreturn Out(z, 0.0)", "1:9", "`y` is read before it has a value", "assign `y` first"),
    ("if x > 1.0:\n    y = 2.0\nreturn Out(y, 0.0)", "3:16", "`y` may be read before it has a value", "on every path"),
    ("for k in range(p.window):\n    y = x\nreturn Out(y, 0.0)", "3:16", "`y` may be read", "on every path"),
    ("while x > s.side:\n    y = x\n    x -= 1.0\nreturn Out(y, 0.0)", "4:16", "`y` may be read", "on every path"),
    ("y += 1.0\nreturn Out(y, 0.0)", "1:5", "`y` is read before it has a value", "assign `y` first"),
    ("while True:\n    if x > 1.0:\n        break\n    y = x\nreturn Out(y, 0.0)", "5:16", "`y` may be", "`y` first"),
    (
        "for k in range(3):\n    if k > 1:\n        continue\n    y = x\n    break\nreturn Out(y, 0.0)",
        "6:16",
        "`y` may be read",
        "assign `y` first",
    ),
]
NO_OUTPUTS = [
    ("s.side = x", "0:1", "a path ends without returning a value", "end the function with a `return`"),
    ("if x > 1.0:\n    return Out(x, 0.0)", "0:1", "a path ends without returning a value", "`return`"),
    ("return x", "1:5", "a step returns its outputs", "write `return Out(value, flat)`"),
    ("return x, 0.0", "1:5", "a step returns its outputs", "write `return Out(value, flat)`"),
    ("return", "1:5", "a step returns its outputs", "write `return Out(value, flat)`"),
]
OUT_OF_RANGE = [
    ("return Out(x, 5.0)", "1:19", "the output `flat` is 5, but a side is -1 to 1, whole", "keep it in that range"),
    ("return Out(x, -2)", "1:19", "the output `flat` is -2", "keep it in that range"),
    ("return Out(x, LIMIT if x > 0.0 else 0.0)", "1:19", "the output `flat` is 5", "keep it in that range"),
    ("side = 0.5 if x > 0.0 else 0.0\nreturn Out(x, side)", "2:19", "the output `flat` is 0.5", "keep it in"),
    ("return Out(flat=2.0 * LIMIT, value=x)", "1:21", "the output `flat` is 10", "keep it in that range"),
    ("return Out(inf, 0.0)", "1:16", "the output `value` is inf, but a real is any finite number", "keep it in"),
]
DIVISIONS = [
    ("return Out(x / 0.0, 0.0)", "1:16", "`0.0` is 0, and is divided by", "divide by another number"),
    ("return Out(x % ZERO, 0.0)", "1:16", "`ZERO` is 0", "divide by another number"),
    ("y = 2.0 - 2.0\nreturn Out(x // y, 0.0)", "2:16", "`y` is 0", "divide by another number"),
    ("x /= 0\nreturn Out(x, 0.0)", "1:5", "`0` is 0", "divide by another number"),
]
OUTSIDE = [
    ("return Out(s.recent[4], 0.0)", "1:16", "outside the array, which has the elements 0 to 3", "correct the index"),
    ("k = 2 - 3\nreturn Out(s.recent[k], 0.0)", "2:16", "outside the array", "correct the index"),
    ("s.recent[LIMIT_AT] = x\nreturn Out(x, 0.0)", "1:5", "outside the array", "correct the index"),
]
READ_ONLY = [
    ("p.window = 3\nreturn Out(x, 0.0)", "1:5", "`p.window`: parameters cannot be written", "in the memory s"),
    (
        "def step(s: Memory, knobs: Params, x: Price) -> Out:\n    knobs.window = 3\n    return Out(x, 0.0)",
        "1:5",
        "parameters cannot be written",
        "in the memory s",
    ),
    (
        "def step(s: Memory, p: Params, bar: MarketEvent) -> Out:\n    bar.close = 1.0\n    return Out(1.0, 0.0)",
        "1:5",
        "inputs cannot be written",
        "in the memory s",
    ),
    (
        "def step(s: Memory, p: Params, v: Vec[4, Real]) -> Out:\n    v[0] = 1.0\n    return Out(1.0, 0.0)",
        "1:5",
        "inputs cannot be written",
        "in the memory s",
    ),
    (
        "def step(s: Memory, p: Params, v: Vec[4, Real]) -> Out:\n    filled(v, 1.0)\n    return Out(1.0, 0.0)",
        "1:12",
        "`filled` writes to `v`: inputs cannot be written",
        "in the memory s",
    ),
    (
        "def step(s: Memory, p: Params, m: Weights, x: Price) -> Out:\n    m.layer1[0] = 1.0\n    return Out(x, 0.0)",
        "1:5",
        "fitted numbers cannot be written",
        "in the memory s",
    ),
]
SHADOWED = [
    (
        "def step(s: Memory, p: Params, exp: Price) -> Out:\n    return Out(exp(1.0), 0.0)",
        "1:16",
        "`exp` may not be called here",
        "call a kernel",
    )
]
OTHER_SYNTAX = [
    ("y = x @ x\nreturn Out(y, 0.0)", "1:9", "`@` is not in the kernel language", "sum of the products"),
    ("return Out(x, 0.0)\ny = [x]", "2:9", "a list is not in the kernel language", "keep an Array"),
    ("y = s.recent[1:]\nreturn Out(x, 0.0)", "1:9", "a slice is not in the kernel language", "loop over indices"),
]
LOOPS = [
    (
        "while x > 1.0:\n    x -= 1.0\nelse:\n    x = 0.0\nreturn Out(x, 0.0)",
        "1:5",
        "a `while` has no `else`",
        "behind",
    ),
    (
        "for k in range(3):\n    x -= 1.0\nelse:\n    x = 0.0\nreturn Out(x, 0.0)",
        "1:5",
        "a `for` has no `else`",
        "`if`",
    ),
]
CASES = {
    "K003": OTHER_SYNTAX,
    "K004": LOOPS,
    "K005": SHADOWED,
    "K008": READ_ONLY,
    "K010": UNKNOWN_FIELDS,
    "K011": WRONG_KINDS,
    "K012": WRONG_NUMBERS,
    "K013": NO_VALUES,
    "K014": NO_OUTPUTS,
    "K015": OUT_OF_RANGE,
    "K016": DIVISIONS,
    "K017": OUTSIDE,
}


@pytest.mark.parametrize(
    ("code", "body", "place", "message", "hint"),
    [(code, *case) for code, cases in CASES.items() for case in cases],
)
def test_finding(code: str, body: str, place: str, message: str, hint: str, desk: Desk) -> None:
    line, column = place.split(":")
    text = source(body).replace("LIMIT = 5.0\n", "LIMIT = 5.0\nLIMIT_AT = 5\n") if "LIMIT_AT" in body else source(body)
    desk.write({"own/blocks/mine.py": text})
    inputs = {"exp:": "exp: feed.close", "bar:": "bar: market", "v:": "v: [1, 2, 3, 4]"}
    wired = next((wire for argument, wire in inputs.items() if f" {argument} " in body), "x: feed.close")
    found = [f for f in desk.errors(wiring(wired)) if f.code not in ("W050", "W022")]
    assert [f.code for f in found] == [code], "\n".join(map(str, found))
    first = FIRST + ("LIMIT_AT" in body)
    assert str(found[0].place) == f"own/blocks/mine.py:{first + int(line)}:{column}"
    assert found[0].message.startswith("kernel step: ")
    assert message in found[0].message
    assert hint in found[0].hint


def test_vector_output_that_is_longer_than_its_array(desk: Desk) -> None:
    text = source("return Out(s.recent, 0.0)").replace("value: Real", "value: Vec[5, Real]")
    desk.write({"own/blocks/mine.py": text})
    found = desk.only_error(wiring())
    assert found.code == "K017"
    assert "the output `value` has 5 elements, but the array has 4" in found.message
    desk.write({"own/blocks/mine.py": text.replace("array(4)", "array(5)")})
    assert desk.errors(wiring()) == []


def test_all_faults_are_found_at_once(desk: Desk) -> None:
    desk.write({"own/blocks/mine.py": source("y = s.sidee + p.loww\ns.recent = x\nprint(x)\nreturn Out(z, 9.0)")})
    codes = [f.code for f in desk.errors(wiring())]
    assert codes == ["K010", "K010", "K011", "K005", "K006", "K015"]


SOUND = """\
k = 0
while True:
    k += 1
    if k > p.window:
        last = k
        break
for n in range(4):
    s.recent[n] = x + n
    held = n
low, high = ordered(x, s.side)
first = s.recent
first[held] = max(low, 0.5)
if isnan(high):
    chosen = 1
elif high > 2:
    chosen = 2
else:
    chosen = 3.5
s.count += int(x > 1.0)
s.count = counted(s.count) & 7
noted(s, float(floor(x)))
both = (x > 1.0) & (low < high)
pair = (x, 1)
total = added(pair[0], rma(s.smooth, x, p.window)) + s.recent[floor(1.5)] + s.recent[-1 + 2] + (2**3 >> 1)
x0 = push(s.ring, x) / last
return Out(total + chosen + x0 + ldexp(1.0, s.count) + (float_bits(x) & 1), 1.0 if both or s.count == 3 else -1)"""


def test_sound_kernel_has_machine_code(desk: Desk) -> None:
    """What the check lets pass is compiled, and computes what Python computes."""
    text = source(SOUND).replace("ZERO = 0\n", "ZERO = 0\nx0 = 3.0\n")  # a local hides it
    desk.write({"own/blocks/mine.py": text})
    checked = desk.check(wiring())
    assert checked.sound, "\n".join(map(str, checked.findings))
    assert checked.graph is not None
    layer = checked.graph.nodes["mine"].layer
    prices = np.array([1.5, 2.25, 0.75, 3.0, 1.0, 2.5, 0.5, 4.0])
    runner = prepare(layer, {"x": prices})
    runner.run()
    memory, params = Memory(), layer.params()
    expected = [layer.step(memory, params, x) for x in prices.tolist()]
    np.testing.assert_allclose(runner.outputs["value"], [o.value for o in expected], rtol=1e-15)
    assert np.isfinite(runner.outputs["value"][5:]).all()
    assert runner.outputs["flat"].tolist() == [o.flat for o in expected]


class Memory:
    """The memory of that kernel as Python sees it."""

    def __init__(self) -> None:
        self.side, self.count, self.recent = 0.0, 0, [0.0] * 4
        self.smooth, self.ring = Nested(value=math.nan, total=0.0, seen=0), Nested(values=[0.0] * 16, head=0)


class Nested:
    def __init__(self, **fields: object) -> None:
        self.__dict__.update(fields)


@pytest.mark.parametrize("key", catalogue().keys())
def test_shipped_layers_are_sound(key: str) -> None:
    findings = Findings()
    check_kernels(catalogue().get(key), findings)
    assert findings.sorted() == []
